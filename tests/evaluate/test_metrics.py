"""Two nested cubes, worked out by hand.

The inner cube has 3 voxels a side, the outer 5, spacing 1 mm. A cube of n voxels a side has the area 6 (n - 1)² of
faces, 12 (n - 1) / √2 of bevelled edges and √3 of corners (8 triangles of √3 / 8). Every element of the inner cube is
1 mm from the outer; the outer's faces are 1 mm from the inner, its edges √2, its corners √3.
"""

import numpy as np
import pytest

from deepgray.evaluate import metrics
from deepgray.voxels.surface import SurfaceDistances, surface_distances

ISOTROPIC_MM = np.ones(3)
ROOT2, ROOT3 = np.sqrt(2), np.sqrt(3)
INNER_MM2 = 24 + 12 * ROOT2 + ROOT3
OUTER_MM2 = 96 + 24 * ROOT2 + ROOT3


def cube(low: int, high: int, *, size: int = 9) -> np.ndarray:
    mask = np.zeros((size, size, size), dtype=bool)
    mask[low:high, low:high, low:high] = True
    return mask


@pytest.fixture
def nested() -> SurfaceDistances:
    return surface_distances(cube(3, 6), cube(2, 7), spacing_mm=ISOTROPIC_MM)


@pytest.fixture
def nothing() -> SurfaceDistances:
    return surface_distances(np.zeros((3, 3, 3), bool), np.zeros((3, 3, 3), bool), spacing_mm=ISOTROPIC_MM)


@pytest.fixture
def missed() -> SurfaceDistances:
    return surface_distances(np.zeros((9, 9, 9), bool), cube(3, 6), spacing_mm=ISOTROPIC_MM)


def test_dice() -> None:
    assert metrics.dice(cube(3, 6), cube(2, 7)) == pytest.approx(2 * 27 / (27 + 125))
    assert metrics.dice(cube(3, 6), cube(3, 6)) == 1
    assert metrics.dice(cube(0, 3), cube(3, 6)) == 0


def test_dice_of_empty_masks() -> None:
    empty = cube(3, 3)
    assert np.isnan(metrics.dice(empty, empty))
    assert metrics.dice(empty, cube(3, 6)) == 0
    assert metrics.dice(cube(3, 6), empty) == 0


def test_relative_volume_difference() -> None:
    assert metrics.relative_volume_difference(75.0, 100.0) == 0.25
    assert metrics.relative_volume_difference(150.0, 100.0) == 0.5
    assert metrics.relative_volume_difference(0.0, 100.0) == 1
    assert metrics.relative_volume_difference(1.0, 0.0) == np.inf
    assert np.isnan(metrics.relative_volume_difference(0.0, 0.0))


def test_assd(nested: SurfaceDistances) -> None:
    # Outer edges: 24 √2 mm² at √2 mm = 48; outer corners: √3 mm² at √3 mm = 3.
    assert metrics.assd_mm(nested) == pytest.approx((INNER_MM2 + 96 + 48 + 3) / (INNER_MM2 + OUTER_MM2))


def test_hd95_is_the_distance_of_the_edges(nested: SurfaceDistances) -> None:
    # Corners hold 1 % of the area, edges 19 %: the 95th percentile falls among the edges.
    assert metrics.hd95_mm(nested) == pytest.approx(ROOT2)
    assert metrics.hd95_directed_mm(nested) == pytest.approx(ROOT2)


def test_hd_scaled(nested: SurfaceDistances) -> None:
    assert metrics.hd_scaled_mm(nested) == pytest.approx(0.95 * ROOT3)


def test_surface_dice(nested: SurfaceDistances) -> None:
    within = (INNER_MM2 + 96) / (INNER_MM2 + OUTER_MM2)
    assert metrics.surface_dice(nested, tolerance_mm=1.0) == pytest.approx(within)
    assert metrics.surface_dice(nested, tolerance_mm=0.9) == 0
    assert metrics.surface_dice(nested, tolerance_mm=2.0) == 1


def test_tolerance_that_rounding_would_miss() -> None:
    a = cube(3, 6)
    found = surface_distances(a, np.roll(a, 3, axis=0), spacing_mm=np.array([0.1, 1.0, 1.0]))
    assert metrics.surface_dice(found, tolerance_mm=0.3) == 1  # 3 × 0.1 > 0.3 in floating point


def test_pooled_and_directed_hd95_differ_for_a_small_satellite() -> None:
    # A box of 2 × 2 × 3 has 10 + 16 / √2 + √3 = 23.0 mm², a lone voxel √3: 7 % of one surface, 3.6 % of both. Its near
    # side is 4 mm from the box, its far side 5 mm; 3.5 % of the one surface lies beyond the near side.
    a = np.zeros((10, 5, 6), dtype=bool)
    a[1:3, 1:3, 1:4] = True
    b = a.copy()
    b[7, 1, 1] = True
    found = surface_distances(a, b, spacing_mm=ISOTROPIC_MM)
    assert metrics.hd95_mm(found) == 0
    assert metrics.hd95_directed_mm(found) == pytest.approx(4)


def test_two_empty_masks_have_no_distance(nothing: SurfaceDistances) -> None:
    assert np.isnan(metrics.hd95_mm(nothing))
    assert np.isnan(metrics.hd95_directed_mm(nothing))
    assert np.isnan(metrics.hd_scaled_mm(nothing))
    assert np.isnan(metrics.assd_mm(nothing))
    assert np.isnan(metrics.surface_dice(nothing, tolerance_mm=1.0))


def test_a_missed_structure_is_infinitely_far(missed: SurfaceDistances) -> None:
    assert metrics.hd95_mm(missed) == np.inf
    assert metrics.hd95_directed_mm(missed) == np.inf
    assert metrics.hd_scaled_mm(missed) == np.inf
    assert metrics.assd_mm(missed) == np.inf
    assert metrics.surface_dice(missed, tolerance_mm=1.0) == 0
