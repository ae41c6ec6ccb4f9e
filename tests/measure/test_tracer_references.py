"""Reference regions of a tracer scan in a toy head whose tissues are known."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from toy_heads import ellipsoid, turned

from deepgray.anatomy import scheme
from deepgray.measure.tracer_references import region_of, split
from deepgray.result import Pose
from deepgray.scan import LabelMap, Scan
from deepgray.space import Box, apply_affine, inverse

WORLD_FROM_CANONICAL = turned((10, -15, 40), (20, -5, 12))
GRID = Box((-85.0, -115.0, -70.0), (85.0, 85.0, 85.0)).grid(2.0)
AIR, FLUID, GREY, WHITE = range(4)
T1, T2 = (0.0, 15.0, 50.0, 80.0), (0.0, 95.0, 52.0, 33.0)


@cache
def head() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Canonical mm, tissues and coarse labels: cortex round white matter, cerebellum with a white core and folds."""
    points = apply_affine(GRID.affine_ras, np.moveaxis(np.indices(GRID.shape), 0, -1))
    tissues = np.zeros(GRID.shape, dtype=np.uint8)
    tissues[ellipsoid(points, (0, -18, 14), (66, 84, 62))] = FLUID
    cerebrum = ellipsoid(points, (0, -18, 18), (64, 82, 56))
    tissues[cerebrum] = GREY
    tissues[ellipsoid(points, (0, -18, 18), (56, 74, 48))] = WHITE
    coarse = np.where(cerebrum, 27, 0)
    for sign in (-1, 1):
        cerebellum = ellipsoid(points, (sign * 25, -62, -40), (26, 24, 20))
        tissues[cerebellum] = GREY
        tissues[ellipsoid(points, (sign * 22, -58, -40), (12, 10, 8))] = WHITE
        tissues[cerebellum & (np.abs(points[..., 2] + 30) < 1.1)] = FLUID  # a fold
        coarse[cerebellum] = 23 if sign < 0 else 24
        tissues[ellipsoid(points, (sign * 11, -2, 21), (9, 32, 9))] = FLUID
    return points, tissues, coarse.astype(np.uint8)


def scene(intensities: tuple[float, ...], *, keep: np.ndarray | None = None) -> tuple[Scan, Pose]:
    """The head, turned; brighter in front than behind by a third."""
    points, tissues, coarse = head()
    shade = 1 + points[..., 1] / 500
    kept = True if keep is None else keep
    voxels = np.array(intensities)[tissues] * shade * kept
    affine = WORLD_FROM_CANONICAL @ GRID.affine_ras
    labels = LabelMap(coarse * np.uint8(kept), affine, scheme("coarse"))
    return Scan(voxels.astype(np.float32), affine, "T1w"), Pose(inverse(WORLD_FROM_CANONICAL), 1.0, labels)


def held(name: str, scan: Scan, pose: Pose) -> tuple[np.ndarray, np.ndarray]:
    """Canonical mm and tissue of every voxel of a region."""
    region = region_of(name, scan, pose)
    points = apply_affine(pose.canonical_from_world @ region.affine_ras, np.argwhere(region.voxels))
    index = np.rint(apply_affine(inverse(GRID.affine_ras), points)).astype(int)
    return points, head()[1][tuple(index.T)]


@pytest.mark.parametrize("intensities", [T1, T2])
def test_cerebellar_grey_is_grey_and_within_the_cerebellum(intensities: tuple[float, ...]) -> None:
    points, tissues = held("cerebellar-grey", *scene(intensities))
    assert len(points) * 1.5**3 > 10_000
    assert (tissues == GREY).mean() > 0.97
    inside = np.zeros(len(points), dtype=bool)
    for sign in (-1, 1):  # 3 mm within the rim; the grid's own voxels blur it
        inside |= ellipsoid(points, (sign * 25, -62, -40), (23, 21, 17))
    assert inside.mean() > 0.97


@pytest.mark.parametrize("intensities", [T1, T2])
def test_occipital_grey_lies_behind(intensities: tuple[float, ...]) -> None:
    points, tissues = held("occipital", *scene(intensities))
    assert len(points) * 1.5**3 > 5_000
    assert (tissues == GREY).mean() > 0.9
    # the brain reaches from -100 to 64 mm: its hindmost fifth ends at -67
    assert points[:, 1].max() < -65
    assert points[:, 2].min() > -26


@pytest.mark.parametrize("intensities", [T1, T2])
def test_white_matter_is_white_and_far_from_everything_else(intensities: tuple[float, ...]) -> None:
    points, tissues = held("white-matter", *scene(intensities))
    assert len(points) * 1.5**3 > 10_000
    assert (tissues == WHITE).all()
    assert points[:, 2].min() > 14
    ventricles = [np.linalg.norm((points - (s * 11, -2, 21)) / (9, 32, 9), axis=1) > 1.1 for s in (-1, 1)]
    assert np.all(ventricles)


def test_a_head_without_cerebellum_gives_an_empty_region() -> None:
    points = head()[0]
    scan, pose = scene(T1, keep=points[..., 2] > -15)
    assert not region_of("cerebellar-grey", scan, pose).voxels.any()


def test_splitting_by_hand() -> None:
    values = np.array([1.0, 2, 1, 10, 11, 30, 29], dtype=np.float32)
    np.testing.assert_array_equal(split(values, np.array([5.0, 15, 25])), [0, 0, 0, 1, 1, 2, 2])
    # a class that holds nothing stays where it began
    np.testing.assert_array_equal(split(values[:5], np.array([1.0, 10, 30])), [0, 0, 0, 1, 1])
