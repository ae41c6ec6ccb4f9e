"""Finding toy heads whose pose is known, with a network that reads the structures off their brightness."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.spatial.transform import Rotation
from toy_heads import STORAGES, Point, centres_mm, ellipsoid, grid_around, stored, turned

from deepgray.anatomy import structure
from deepgray.engine import Network
from deepgray.errors import NoHeadError, SettingsError
from deepgray.locate import LARGEST_RESIDUAL_MM, REFERENCE, locate, pose_of_clouds
from deepgray.models import Model
from deepgray.recipe import Recipe
from deepgray.result import Pose
from deepgray.scan import Scan
from deepgray.space import Affine, Grid, apply_affine, inverse, reordered_grid, rotation_degrees

RECIPE = Recipe(
    name="head-locate",
    version="1",
    modality="mr",
    spacing_mm=5.0,
    low_mm=(-120.0, -138.0, -120.0),
    high_mm=(120.0, 102.0, 120.0),
    mirrored=False,
    inputs=("image",),
    outputs=("thalamus", "striatum", "cerebellum", "brainstem", "rest of brain"),
)
REST = 100.0
# Brightness and radii in mm of each structure.
STRUCTURES: dict[str, tuple[float, Point]] = {
    "brainstem": (220.0, (8, 8, 11)),
    "thalamus": (280.0, (7, 7, 7)),
    "striatum": (340.0, (7, 7, 7)),
    "cerebellum": (400.0, (15, 15, 12)),
}
HEAD: tuple[Point, Point] = ((0, -22, 4), (70, 88, 72))


def clouds(spacing: float = 2.0) -> dict[str, np.ndarray]:
    """Points inside each structure, canonical mm."""
    places = centres_mm(grid_around((0, -30, -15), (90, 130, 90), (spacing, spacing, spacing)))
    return {name: places[inside(places, name)] for name in STRUCTURES}


def inside(places: np.ndarray, name: str) -> np.ndarray:
    (x, y, z), _ = REFERENCE[name]
    radii = STRUCTURES[name][1]
    return ellipsoid(places, (x, y, z), radii) | ellipsoid(places, (-x, y, z), radii)


def head_scan(grid: Grid, canonical_from_world: Affine) -> Scan:
    """A toy head as it lies in the world, structures exactly where the reference has them."""
    places = apply_affine(canonical_from_world, centres_mm(grid))
    voxels = np.where(ellipsoid(places, *HEAD), np.float32(REST), np.float32(0))
    for name, (brightness, _) in STRUCTURES.items():
        voxels[inside(places, name)] = brightness
    return Scan(voxels, grid.affine_ras, stem="toy")


def model_of(forward: Callable[[np.ndarray], np.ndarray]) -> Model:
    return Model("head-locate", "1", "0" * 64, Network(RECIPE, "toy", forward), RECIPE, "")


def classes_of(image: np.ndarray) -> np.ndarray:
    """What is inside a toy head, by the greatest brightness of each spot that is brighter than the rest."""
    air, top = float(image.min()), float(image.max())
    rest = float(np.median(image[image > air + 0.1 * (top - air)]))
    scale = (top - rest) / (400.0 - REST)
    found = np.where(image > rest - 0.5 * REST * scale, 5, 0)
    spots, count = ndimage.label(image > rest + 80.0 * scale)
    peaks = ndimage.maximum(image, spots, np.arange(1, count + 1))
    for spot, peak in enumerate(np.atleast_1d(peaks), start=1):
        brightness = REST + (peak - rest) / scale
        nearest = min(STRUCTURES, key=lambda name: abs(STRUCTURES[name][0] - brightness))
        found[spots == spot] = RECIPE.outputs.index(nearest) + 1
    return found


def logits_of(classes: np.ndarray) -> np.ndarray:
    return np.stack([classes == n for n in range(1 + len(RECIPE.outputs))])[None].astype(np.float32) * 10


def knows_every_head(inputs: np.ndarray) -> np.ndarray:
    return logits_of(classes_of(inputs[0, 0]))


def knows_nearly_upright_heads(inputs: np.ndarray) -> np.ndarray:
    """Sees structures in heads that are turned by less than 50°; in others it sees brain and nothing else."""
    classes = classes_of(inputs[0, 0])
    affine = RECIPE.box.grid(RECIPE.spacing_mm).affine_ras
    found = {
        name: apply_affine(affine, np.argwhere(classes == channel))
        for channel, name in enumerate(RECIPE.outputs, start=1)
        if name in STRUCTURES
    }
    if rotation_degrees(pose_of_clouds(found)[0]) >= 50:
        classes[classes > 0] = 5
    return logits_of(classes)


MODEL = model_of(knows_every_head)
UPRIGHT = grid_around((0, 0, 0), (210, 210, 210), (3.0, 3.4, 3.8))


def assert_found(pose: Pose, truth: Affine, *, within_mm: float = 1.5, within_degrees: float = 3.0) -> None:
    apart = pose.canonical_from_world @ inverse(truth)
    assert rotation_degrees(apart) < within_degrees
    assert np.linalg.norm(apart[:3, 3]) < within_mm


def middle_in_view(rotation: Rotation, shift_mm: Point = (0.0, 0.0, 0.0)) -> Affine:
    """A pose that keeps the head in the middle of the scan, but for a shift."""
    pose = np.eye(4)
    pose[:3, :3] = rotation.as_matrix()
    pose[:3, 3] = np.array(HEAD[0]) - rotation.apply(shift_mm)
    return pose


@settings(max_examples=8)
@given(seed=st.integers(0, 10_000), storage=st.sampled_from(STORAGES))
def test_any_head_is_found_however_it_is_turned_and_stored(
    seed: int, storage: tuple[tuple[int, int, int], tuple[bool, bool, bool]]
) -> None:
    random = np.random.default_rng(seed)
    truth = middle_in_view(Rotation.random(random_state=random), tuple(random.uniform(-10, 10, 3)))
    oblique = Grid(UPRIGHT.shape, turned(tuple(random.uniform(-30, 30, 3)), (0, 0, 0)) @ UPRIGHT.affine_ras)
    grid = reordered_grid(oblique, *storage)
    pose = locate(head_scan(grid, truth), MODEL)
    assert_found(pose, truth)
    assert pose.confidence > 0.9


@pytest.mark.parametrize("storage", STORAGES[::13])
def test_the_same_voxels_stored_in_another_way_give_the_same_pose(
    storage: tuple[tuple[int, int, int], tuple[bool, bool, bool]],
) -> None:
    truth = middle_in_view(Rotation.from_euler("xyz", [20, -15, 30], degrees=True))
    scan = head_scan(UPRIGHT, truth)
    other = reordered_grid(UPRIGHT, *storage)
    again = Scan(stored(scan.voxels, *storage), other.affine_ras, "toy")
    one, two = locate(scan, MODEL), locate(again, MODEL)
    assert_found(two, one.canonical_from_world, within_mm=0.5, within_degrees=0.5)


@pytest.mark.parametrize("turn", [(180, 0, 0), (170, 110, 75)])
def test_a_network_that_knows_upright_heads_is_shown_all_turns_of_a_cube(turn: Point) -> None:
    truth = middle_in_view(Rotation.from_euler("xyz", turn, degrees=True))
    assert_found(locate(head_scan(UPRIGHT, truth), model_of(knows_nearly_upright_heads)), truth)


def test_the_sides_of_the_coarse_map_are_those_of_the_head() -> None:
    truth = middle_in_view(Rotation.from_euler("xyz", [10, 170, 25], degrees=True))
    coarse = locate(head_scan(UPRIGHT, truth), MODEL).coarse
    for name in ("thalamus", "striatum", "cerebellum"):
        (x, y, z), _ = REFERENCE[name]
        for side, sign in (("left", -1), ("right", 1)):
            places = apply_affine(coarse.affine_ras, np.argwhere(coarse.mask(structure(f"{side} {name}"))))
            found = apply_affine(truth, places).mean(axis=0)
            np.testing.assert_allclose(found, (sign * x, y, z), atol=2.0)
    assert coarse.mask(structure("midline brainstem")).any()
    assert coarse.mask(structure("midline rest of brain")).sum() * RECIPE.spacing_mm**3 > 1e6


def test_a_head_in_a_mirror_keeps_left_on_the_left_of_the_world() -> None:
    # The array is flipped and the header is not: nothing in the picture tells, so left stays where the header has it.
    scan = head_scan(UPRIGHT, middle_in_view(Rotation.identity()))
    mirrored = Scan(scan.voxels[::-1].copy(), scan.affine_ras, "mirrored")
    assert_found(locate(mirrored, MODEL), locate(scan, MODEL).canonical_from_world)


def test_a_head_whose_cerebellum_is_overlooked_is_found() -> None:
    truth = middle_in_view(Rotation.from_euler("xyz", [15, 10, -20], degrees=True))

    def overlooks(inputs: np.ndarray) -> np.ndarray:
        classes = classes_of(inputs[0, 0])
        return logits_of(np.where(classes == RECIPE.outputs.index("cerebellum") + 1, 5, classes))

    assert_found(locate(head_scan(UPRIGHT, truth), model_of(overlooks)), truth)


def test_a_head_that_differs_is_found_with_less_confidence() -> None:
    stretch = np.diag([1.0, 1.25, 1.25, 1.0])
    places = apply_affine(stretch, centres_mm(UPRIGHT))
    truth = middle_in_view(Rotation.identity())
    voxels = head_scan(UPRIGHT, truth).voxels
    other = ndimage.map_coordinates(
        voxels, np.moveaxis(apply_affine(inverse(UPRIGHT.affine_ras), places), -1, 0), order=0
    )
    pose = locate(Scan(other, UPRIGHT.affine_ras, "small"), MODEL)
    assert 0.2 < pose.confidence < locate(Scan(voxels, UPRIGHT.affine_ras, "toy"), MODEL).confidence


def test_a_blank_scan_with_one_bright_voxel_is_no_head() -> None:
    voxels = np.zeros((150, 150, 150), np.float32)
    voxels[75, 75, 75] = 1.0
    with pytest.raises(NoHeadError, match="next to nothing"):
        locate(Scan(voxels, np.eye(4), "blank"), MODEL)


def test_a_bright_voxel_between_those_that_are_looked_at_is_no_head() -> None:
    voxels = np.zeros((130, 130, 130), np.float32)
    voxels[75, 75, 75] = 1.0
    with pytest.raises(NoHeadError, match="next to nothing"):
        locate(Scan(voxels, np.eye(4), "blank"), MODEL)


def test_a_box_of_noise_without_brain_is_no_head() -> None:
    noise = np.random.default_rng(0).random((40, 40, 40), dtype=np.float32)
    nothing = model_of(lambda inputs: logits_of(np.zeros(inputs.shape[2:], dtype=int)))
    with pytest.raises(NoHeadError, match="0 ml of brain"):
        locate(Scan(noise, np.diag([4.0, 4.0, 4.0, 1.0]), "noise"), nothing)


def test_brain_without_its_nuclei_is_no_head() -> None:
    blob = model_of(lambda inputs: logits_of(np.where(inputs[0, 0] > 0, 5, 0)))
    with pytest.raises(NoHeadError, match="thalamus and striatum"):
        locate(head_scan(UPRIGHT, middle_in_view(Rotation.identity())), blob)


def test_structures_far_from_where_they_belong_are_no_head() -> None:
    places = apply_affine(middle_in_view(Rotation.identity()), centres_mm(UPRIGHT))
    voxels = np.where(ellipsoid(places, *HEAD), np.float32(REST), np.float32(0))
    for x, y, brightness in ((-40, 30, 300), (40, 30, 300), (-40, -75, 250), (40, -75, 250), (0, -20, 200)):
        voxels[ellipsoid(places, (x, y, 0), (10, 10, 10))] = brightness
    voxels[ellipsoid(places, (0, -20, 50), (10, 10, 10))] = 400
    with pytest.raises(NoHeadError, match="does not lie as in a head"):
        locate(Scan(voxels, UPRIGHT.affine_ras, "toy"), MODEL)


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000))
def test_the_pose_of_clouds_is_exact_where_they_lie_as_in_the_reference(seed: int) -> None:
    truth = middle_in_view(Rotation.random(random_state=np.random.default_rng(seed)))
    back = inverse(truth)
    pose, residual_mm = pose_of_clouds({name: apply_affine(back, points) for name, points in CLOUDS.items()})
    np.testing.assert_allclose(pose, truth, atol=0.1)
    assert residual_mm < 0.1


CLOUDS = clouds()


def test_without_brainstem_and_cerebellum_up_is_the_frames() -> None:
    few = {name: CLOUDS[name] for name in ("thalamus", "striatum")}
    pose, residual_mm = pose_of_clouds(few)
    np.testing.assert_allclose(pose, np.eye(4), atol=0.1)
    assert residual_mm < 0.1


def test_clouds_of_another_size_do_not_fit() -> None:
    _, residual_mm = pose_of_clouds({name: points * 1.6 for name, points in CLOUDS.items()})
    assert residual_mm > LARGEST_RESIDUAL_MM


def test_a_susceptibility_map_is_shown_lifted_and_turned_over() -> None:
    shown: list[np.ndarray] = []

    def look(inputs: np.ndarray) -> np.ndarray:
        shown.append(inputs[0, 0])
        return knows_every_head(inputs)

    scan = head_scan(UPRIGHT, np.eye(4))
    chi = np.where(scan.voxels > 0, (scan.voxels - 250.0) / 2000.0, 0).astype(np.float32)
    with pytest.raises(NoHeadError):  # the toy network knows brightness of its own
        locate(Scan(chi, scan.affine_ras, "toy", "qsm", "ppm"), model_of(look))
    seen = shown[0]
    rest, striatum = np.percentile(seen[seen > 0.2], [95, 0.1])  # much rest of brain, little striatum
    assert rest > 0.9
    assert striatum < rest - 0.2
    with pytest.raises(SettingsError, match="finds heads in 'mr' scans, 'spect' came"):
        locate(Scan(chi, scan.affine_ras, "toy", "spect"), model_of(look))
