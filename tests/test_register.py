"""Registration of a toy tracer scan whose motion is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from toy_heads import ellipsoid

from deepgray.anatomy import scheme
from deepgray.errors import FieldOfViewError, GeometryError
from deepgray.register import BINS, DOUBTFUL, doubts, register, similarity
from deepgray.result import Pose, Registration
from deepgray.scan import LabelMap, Scan
from deepgray.space import Box, Grid, apply_affine, inverse

COARSE = Box((-90.0, -120.0, -75.0), (90.0, 90.0, 90.0)).grid(3.0)
# Intensity on the T1 and activity of skin, bone, fluid, cortex, white matter, striatum and ventricle.
TISSUES = ("skin", "bone", "fluid", "cortex", "white", "striatum", "ventricle", "cerebellum")
T1 = (70.0, 5.0, 15.0, 50.0, 80.0, 58.0, 15.0, 55.0)
ACTIVITY = (0.9, 0.2, 0.3, 1.0, 0.8, 4.0, 0.3, 0.9)


def tissues(points: np.ndarray) -> np.ndarray:
    """Number of the tissue, from 1; 0 in air. Nothing is the same left and right, front and back."""
    out = np.zeros(points.shape[:-1], dtype=np.uint8)
    for number, (centre, radii) in enumerate(
        (
            ((0, -18, 10), (76, 94, 84)),
            ((0, -18, 10), (71, 89, 79)),
            ((0, -18, 12), (66, 84, 66)),
            ((0, -18, 14), (62, 80, 60)),
            ((0, -18, 16), (52, 70, 50)),
        ),
        start=1,
    ):
        out[ellipsoid(points, centre, radii)] = number
    for sign in (-1, 1):
        out[ellipsoid(points, (sign * 22, 2 + 2 * sign, 6), (8, 18, 12))] = 6
        out[ellipsoid(points, (sign * 9, -8, 22), (6, 30, 8))] = 7
        out[ellipsoid(points, (sign * 22, -62, -34), (22, 20, 18))] = 8
    return out


def seen(
    grid: Grid, canonical_from_world: np.ndarray, values: tuple[float, ...], *, stretch: float = 1.0
) -> np.ndarray:
    points = apply_affine(canonical_from_world @ grid.affine_ras, np.moveaxis(np.indices(grid.shape), 0, -1))
    return np.array([0.0, *values], dtype=np.float32)[tissues(points / stretch)]


def grid_of(spacing: tuple[float, float, float], size_mm: tuple[float, float, float]) -> Grid:
    shape = tuple(round(n / s) for n, s in zip(size_mm, spacing, strict=True))
    affine = np.diag([-spacing[0], spacing[1], spacing[2], 1.0])  # the first axis runs to the left
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return Grid(shape, affine)


def rigid(degrees: tuple[float, float, float], shift: tuple[float, float, float]) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    matrix[:3, 3] = shift
    return matrix


POSE_MATRIX = rigid((5, -3, 8), (4, -20, 6))


@pytest.fixture(scope="module")
def head() -> tuple[Scan, Pose]:
    grid = grid_of((2.0, 2.0, 2.5), (190, 220, 200))
    scan = Scan(seen(grid, POSE_MATRIX, T1), grid.affine_ras, "T1w")
    world = inverse(POSE_MATRIX) @ COARSE.affine_ras
    found = tissues(apply_affine(COARSE.affine_ras, np.moveaxis(np.indices(COARSE.shape), 0, -1)))
    labels = np.select([found == 6, found == 8, found >= 4], [21, 23, 27], 0).astype(np.uint8)
    return scan, Pose(POSE_MATRIX, 1.0, LabelMap(labels, world, scheme("coarse")))


def pet_of(
    motion: np.ndarray,
    *,
    size_mm: tuple[float, float, float] = (230, 230, 190),
    stretch: float = 1.0,
    middle_mm: tuple[float, float, float] = (0, 0, 0),
) -> Scan:
    """A PET whose middle lies anywhere in its world; ``motion`` takes its world to that of the T1."""
    straight = grid_of((3.0, 3.0, 3.5), size_mm)
    grid = Grid(straight.shape, rigid((0, 0, 0), middle_mm) @ straight.affine_ras)
    activity = seen(grid, POSE_MATRIX @ motion, ACTIVITY, stretch=stretch)
    noise = np.random.default_rng(3).normal(scale=0.05, size=grid.shape)
    return Scan((1000 * (activity + noise)).astype(np.float32), grid.affine_ras, "pet", "pet", "Bq/mL")


@pytest.mark.parametrize(
    ("motion", "middle_mm"),
    [
        (rigid((0, 0, 0), (0, 0, 0)), (0.0, 0.0, 0.0)),
        (rigid((-14, 9, 12), (35, -22, 18)), (0.0, 0.0, 0.0)),
        (rigid((8, 4, -16), (0, 0, 0)) @ rigid((0, 0, 0), (150, -260, -90)), (-150.0, 260.0, 90.0)),
    ],
)
def test_a_known_motion_is_found_also_where_the_headers_do_not_agree(
    head: tuple[Scan, Pose], motion: np.ndarray, middle_mm: tuple[float, float, float]
) -> None:
    pytest.importorskip("dipy", reason="dipy (extra register) is not installed")
    scan, pose = head
    found = register(scan, pet_of(motion, middle_mm=middle_mm), pose)
    brain = apply_affine(pose.coarse.affine_ras, np.argwhere(pose.coarse.voxels > 0)[::50])
    away = apply_affine(found.scan_from_tracer @ inverse(motion), brain) - brain
    assert np.linalg.norm(away, axis=1).mean() < 1.0
    assert found.similarity > DOUBTFUL
    assert found.seen > 0.95
    assert doubts(found) == ()


def test_another_size_of_head_is_refused(head: tuple[Scan, Pose]) -> None:
    pytest.importorskip("dipy", reason="dipy (extra register) is not installed")
    scan, pose = head
    with pytest.raises(GeometryError, match="Two scans of one person are wanted; the head in 'pet' fits"):
        register(scan, pet_of(rigid((0, 0, 5), (10, 0, 0)), stretch=1.25), pose)


def test_a_tracer_scan_of_another_place_is_refused(head: tuple[Scan, Pose]) -> None:
    pytest.importorskip("dipy", reason="dipy (extra register) is not installed")
    scan, pose = head
    with pytest.raises(FieldOfViewError, match="of the brain in 'T1w' lies in the field of view of 'pet'"):
        register(scan, pet_of(rigid((0, 0, 0), (0, 0, 0)), size_mm=(60, 60, 40)), pose)


def test_similarity_of_a_picture_and_any_renaming_of_it_is_large_and_of_chance_small() -> None:
    generator = np.random.default_rng(1)
    one = generator.integers(0, BINS, 40000).astype(float)
    turned = BINS - 1 - one
    assert similarity(one, turned) == pytest.approx(similarity(one, one))
    assert similarity(one, turned) > 0.5
    assert similarity(one, generator.integers(0, BINS, 40000).astype(float)) < 0.01
    assert similarity(one, np.full(40000, np.nan)) == 0.0


def test_a_poor_similarity_asks_for_a_look() -> None:
    (words,) = doubts(Registration(np.eye(4), 0.01, 1.0))
    assert words.startswith("review: ")
    assert "0.010" in words
    assert doubts(Registration(np.eye(4), float("nan"), 1.0)) == ()


def test_a_registration_is_rigid() -> None:
    with pytest.raises(GeometryError, match="rigid"):
        Registration(np.diag([1.1, 1.0, 1.0, 1.0]), 0.2, 1.0)
