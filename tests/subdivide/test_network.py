"""Twelve parts by a network that goes by the nearest part, in an outline of ellipsoids that differs left from right."""

from __future__ import annotations

import numpy as np
import pytest
from drawing_networks import NUCLEI, PARTS, recipe_of
from toy_heads import STORAGES, centres_mm, ellipsoid, grid_around, stored, turned

from deepgray.anatomy import STRIATUM, scheme, structure
from deepgray.engine import Network
from deepgray.errors import AnatomyError
from deepgray.models import Model
from deepgray.result import Outline, Pose
from deepgray.scan import LabelMap, Scan
from deepgray.space import Affine, Grid, apply_affine, inverse, reordered_grid
from deepgray.subdivide import by_network

RECIPE = recipe_of("striatum-subdivide")
TURNED = turned((12, -8, 20), (3.0, -6.0, 9.0))
UPRIGHT = grid_around((0, 0, 8), (92, 84, 68), (2.0, 2.4, 1.7))
GRID = Grid(UPRIGHT.shape, inverse(TURNED) @ turned((0, 15, 0), (0, 0, 0)) @ UPRIGHT.affine_ras)
ALLOWED = {
    "caudate": ("ventral striatum", "anterior caudate", "posterior caudate"),
    "putamen": ("ventral striatum", "anterior putamen", "posterior putamen", "ventral putamen"),
    "accumbens": ("ventral striatum",),
}
SIDES = ("left", "right")


def distances(places: np.ndarray) -> np.ndarray:
    """To the middle of each part, (parts, …)."""
    return np.stack([np.linalg.norm(places - part.centre_mm, axis=-1) for part in PARTS])


def by_nearest(inputs: np.ndarray) -> np.ndarray:
    far = distances(centres_mm(RECIPE.box.grid(RECIPE.spacing_mm)))
    return np.concatenate([np.full_like(far[:1], 50.0), -far])[None].astype(np.float32)


def model_of(forward: object = by_nearest) -> Model:
    return Model("striatum-subdivide", "7", "0" * 64, Network(RECIPE, "toy", forward), RECIPE, "")  # type: ignore[arg-type]


def outline_of(grid: Grid, canonical_from_world: Affine, *, right_is_shorter_mm: float = 3.0) -> Outline:
    places = apply_affine(canonical_from_world, centres_mm(grid))
    labels = np.zeros(grid.shape, np.int16)
    for side, own in zip(SIDES, (places, places * [-1, 1, 1]), strict=True):
        for nucleus in reversed(NUCLEI):
            x, y, z = nucleus.radii_mm
            radii = (x, y - right_is_shorter_mm * (side == "right"), z)
            labels[ellipsoid(own, nucleus.centre_mm, radii)] = structure(f"{side} {nucleus.name}").label
    return Outline(LabelMap(labels, grid.affine_ras, scheme("striatum")), None, (), "drawn")


def divided(outline: Outline, canonical_from_world: Affine, model: Model | None = None) -> Outline:
    voxels = np.where(outline.labels.voxels > 0, np.float32(500), np.float32(100))
    coarse = LabelMap(np.zeros((2, 2, 2), np.uint8), np.eye(4), scheme("coarse"))
    scan = Scan(voxels, outline.labels.affine_ras, "toy")
    return by_network(scan, outline, Pose(canonical_from_world, 1.0, coarse), model=model or model_of())


OUTLINE = outline_of(GRID, TURNED)
FOUND = divided(OUTLINE, TURNED)


def striatum(labels: LabelMap) -> np.ndarray:
    return np.isin(labels.voxels, [structure(f"{side} {n}").label for side in SIDES for n in STRIATUM])


def test_every_striatal_voxel_has_a_part_and_no_other_voxel_has() -> None:
    np.testing.assert_array_equal(FOUND.labels.voxels > 0, striatum(OUTLINE.labels))
    np.testing.assert_array_equal(FOUND.labels.affine_ras, GRID.affine_ras)
    assert FOUND.labels.scheme is scheme("striatum12")
    assert FOUND.method == "network striatum-subdivide 7"


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("compartment", STRIATUM)
def test_parts_stay_in_their_compartment_and_on_their_side(side: str, compartment: str) -> None:
    inside = FOUND.labels.voxels[OUTLINE.labels.mask(structure(f"{side} {compartment}"))]
    assert set(np.unique(inside)) <= {structure(f"{side} {part}").label for part in ALLOWED[compartment]}


@pytest.mark.parametrize("side", SIDES)
def test_each_voxel_takes_the_likeliest_part_that_its_compartment_can_hold(side: str) -> None:
    places = apply_affine(TURNED, centres_mm(GRID)) * [1 if side == "left" else -1, 1, 1]
    far = distances(places)
    names = [part.name for part in PARTS]
    for compartment, allowed in ALLOWED.items():
        mask = OUTLINE.labels.mask(structure(f"{side} {compartment}"))
        rows = far[[names.index(part) for part in allowed]][:, mask]
        wanted = np.array([structure(f"{side} {part}").label for part in allowed])[rows.argmin(axis=0)]
        assert (FOUND.labels.voxels[mask] == wanted).mean() > 0.97


def test_the_network_sees_both_sides_as_left_and_the_outline_beside_the_image() -> None:
    seen: list[np.ndarray] = []

    def recorded(inputs: np.ndarray) -> np.ndarray:
        seen.append(inputs[0])
        return by_nearest(inputs)

    divided(OUTLINE, TURNED, model_of(recorded))
    places = centres_mm(RECIPE.box.grid(RECIPE.spacing_mm))
    volumes = []
    for image, *masks in seen:
        assert all(set(np.unique(mask)) == {0.0, 1.0} for mask in masks)
        for name, mask in zip(RECIPE.inputs[1:], masks, strict=True):
            (centre,) = (n.centre_mm for n in NUCLEI if n.name == name)
            assert np.linalg.norm(places[mask > 0].mean(axis=0) - centre) < 3.0
        assert image[masks[0] > 0].mean() > 0.8
        volumes.append(masks[0].sum())
    # Caudates of 15 and 12 mm from front to back.
    assert volumes[0] / volumes[1] == pytest.approx(15 / 12, rel=0.05)


@pytest.mark.parametrize("storage", STORAGES[::5], ids=str)
def test_how_the_array_is_stored_makes_no_difference(
    storage: tuple[tuple[int, int, int], tuple[bool, bool, bool]],
) -> None:
    other = reordered_grid(GRID, *storage)
    labels = LabelMap(stored(OUTLINE.labels.voxels, *storage), other.affine_ras, OUTLINE.labels.scheme)
    found = divided(Outline(labels, None, (), "drawn"), TURNED)
    assert (found.labels.voxels != stored(FOUND.labels.voxels, *storage)).sum() <= 10


def test_what_sticks_out_of_the_frame_takes_the_nearest_part() -> None:
    # The head lies 20 mm too low in its frame: the lower half of the putamen is outside the box, which ends at −24 mm.
    outline = outline_of(UPRIGHT, np.eye(4))
    found = divided(outline, turned((0, 0, 0), (0, 0, -20)))
    np.testing.assert_array_equal(found.labels.voxels > 0, striatum(outline.labels))
    for side in SIDES:
        inside = found.labels.voxels[outline.labels.mask(structure(f"{side} putamen"))]
        assert set(np.unique(inside)) <= {structure(f"{side} {part}").label for part in ALLOWED["putamen"]}


def test_one_side_alone_is_divided() -> None:
    labels = OUTLINE.labels.voxels.copy()
    labels[np.isin(labels, (50, 51, 52, 58))] = 0
    found = divided(Outline(LabelMap(labels, GRID.affine_ras, OUTLINE.labels.scheme), None, (), "corrected"), TURNED)
    assert set(np.unique(found.labels.voxels)) <= {0, *(s.label for s in scheme("striatum12").structures[:6])}
    np.testing.assert_array_equal(found.labels.voxels > 0, np.isin(labels, (11, 12, 26)))


def test_an_outline_without_striatum_is_refused() -> None:
    labels = np.where(np.isin(OUTLINE.labels.voxels, (13, 52)), OUTLINE.labels.voxels, 0)
    with pytest.raises(AnatomyError, match="one without came"):
        divided(Outline(LabelMap(labels, GRID.affine_ras, OUTLINE.labels.scheme), None, (), "drawn"), TURNED)
