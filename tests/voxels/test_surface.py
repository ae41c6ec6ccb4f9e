"""Expected areas and distances are worked out by hand; the comment above each says how."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist

from deepgray.errors import GeometryError, ShapeError
from deepgray.voxels.surface import code_areas_mm2, surface, surface_distances

ANISOTROPIC_MM = np.array([1.0, 2.0, 3.0])
MASKS = arrays(bool, (4, 5, 3))


def box(shape: tuple[int, int, int], low: tuple[int, int, int], high: tuple[int, int, int]) -> np.ndarray:
    mask = np.zeros(shape, dtype=bool)
    mask[low[0] : high[0], low[1] : high[1], low[2] : high[2]] = True
    return mask


def test_one_voxel_of_eight_cuts_off_a_triangle() -> None:
    # Corners of the triangle: half a spacing along each axis. Area = ½ √((1 · 1.5)² + (0.5 · 1.5)² + (0.5 · 1)²).
    assert code_areas_mm2(ANISOTROPIC_MM)[1] == pytest.approx(0.875)


def test_half_a_block_has_the_area_of_a_voxel_face() -> None:
    areas = code_areas_mm2(ANISOTROPIC_MM)
    assert areas[0b00001111] == pytest.approx(6.0)  # four voxels with x = 0: 2 mm × 3 mm
    assert areas[0b00110011] == pytest.approx(3.0)  # four voxels with y = 0
    assert areas[0b01010101] == pytest.approx(2.0)  # four voxels with z = 0


def test_no_surface_where_all_voxels_are_alike() -> None:
    areas = code_areas_mm2(ANISOTROPIC_MM)
    assert areas[0] == 0
    assert areas[255] == 0
    assert areas[1:255].min() > 0


def test_two_opposite_voxels_are_cut_off_apart() -> None:
    assert code_areas_mm2(ANISOTROPIC_MM)[0b10000001] == pytest.approx(2 * 0.875)


def test_area_of_a_box() -> None:
    # Faces (n - 1)(m - 1) blocks: 72 + 18 + 8. Bevelled edges: 4 · 1 · √(1² + 1.5²) along x, 8 · 2 · √(.5² + 1.5²)
    # along y, 12 · 3 · √(.5² + 1²) along z. Eight corners of 0.875.
    edges = 4 * np.sqrt(3.25) + 16 * np.sqrt(2.5) + 36 * np.sqrt(1.25)
    area = surface(box((5, 6, 7), (1, 1, 1), (3, 4, 5)), spacing_mm=ANISOTROPIC_MM).areas_mm2.sum()
    assert area == pytest.approx(98 + edges + 7)


def test_border_of_the_array_is_outside() -> None:
    whole = surface(np.ones((2, 3, 4), dtype=bool), spacing_mm=ANISOTROPIC_MM)
    inside = surface(box((4, 5, 6), (1, 1, 1), (3, 4, 5)), spacing_mm=ANISOTROPIC_MM)
    assert whole.areas_mm2.sum() == pytest.approx(inside.areas_mm2.sum())


@pytest.mark.parametrize(
    ("spacing_mm", "tolerance"),
    # The staircase of a mask is always longer than the slope it stands for; the more so the thicker the slices.
    [((1.0, 1.0, 1.0), 0.08), ((0.8, 1.0, 1.2), 0.09), ((1.0, 1.0, 2.0), 0.11)],
)
def test_area_of_a_sphere(spacing_mm: tuple[float, float, float], tolerance: float) -> None:
    radius_mm = 15.0
    index = np.stack(np.meshgrid(*[np.arange(-22, 23)] * 3, indexing="ij"), axis=-1)
    ball = np.sum((index * spacing_mm) ** 2, axis=-1) <= radius_mm**2
    ratio = surface(ball, spacing_mm=np.array(spacing_mm)).areas_mm2.sum() / (4 * np.pi * radius_mm**2)
    assert 1 <= ratio < 1 + tolerance


def test_two_single_voxels_four_apart() -> None:
    # Four elements half a voxel before each centre, four behind it: 4.5 mm and 6 mm to the nearer side of the other.
    spacing_mm = np.array([1.5, 1.0, 2.0])
    a, b = box((7, 3, 3), (1, 1, 1), (2, 2, 2)), box((7, 3, 3), (5, 1, 1), (6, 2, 2))
    found = surface_distances(a, b, spacing_mm=spacing_mm)
    assert sorted(found.distances_ab_mm) == pytest.approx([4.5] * 4 + [6.0] * 4)
    assert sorted(found.distances_ba_mm) == pytest.approx([4.5] * 4 + [6.0] * 4)
    assert found.areas_a_mm2 == pytest.approx(np.full(8, np.sqrt((0.5 * 1) ** 2 + (0.75 * 1) ** 2 + 0.375**2) / 2))


def test_box_shifted_along_each_axis() -> None:
    spacing_mm = ANISOTROPIC_MM
    for axis in range(3):
        a = box((9, 9, 9), (2, 2, 2), (6, 6, 6))
        b = np.roll(a, 2, axis=axis)
        found = surface_distances(a, b, spacing_mm=spacing_mm)
        # Farthest is the end face that b left behind; the sides that both share are at 0.
        assert found.distances_ab_mm.max() == pytest.approx(2 * spacing_mm[axis])
        assert found.distances_ab_mm.min() == 0


def test_same_mask_is_at_distance_zero() -> None:
    mask = box((6, 6, 6), (1, 2, 1), (4, 5, 5))
    found = surface_distances(mask, mask, spacing_mm=ANISOTROPIC_MM)
    assert not found.distances_ab_mm.any()
    assert not found.distances_ba_mm.any()


def test_one_empty_mask_is_infinitely_far() -> None:
    mask = box((4, 4, 4), (1, 1, 1), (3, 3, 3))
    found = surface_distances(mask, np.zeros_like(mask), spacing_mm=ANISOTROPIC_MM)
    assert np.isinf(found.distances_ab_mm).all()
    assert (
        len(found.distances_ab_mm) == len(found.areas_a_mm2) == 26
    )  # 3 × 3 × 3 blocks touch the cube; the middle one is full
    assert len(found.distances_ba_mm) == 0


def test_two_empty_masks_have_no_surface() -> None:
    empty = np.zeros((4, 4, 4), dtype=bool)
    found = surface_distances(empty, empty, spacing_mm=ANISOTROPIC_MM)
    assert len(found.distances_ab_mm) == len(found.distances_ba_mm) == 0


def test_refuses_masks_of_two_shapes() -> None:
    with pytest.raises(ShapeError, match=r"\(4, 4, 4\) and \(4, 4, 5\)"):
        surface_distances(np.ones((4, 4, 4), bool), np.ones((4, 4, 5), bool), spacing_mm=ANISOTROPIC_MM)


@pytest.mark.parametrize("spacing_mm", [[1.0, 0.0, 1.0], [1.0, np.nan, 1.0], [1.0, 1.0]])
def test_refuses_a_spacing_that_is_not_one(spacing_mm: list[float]) -> None:
    with pytest.raises(GeometryError, match="Three positive spacings"):
        surface(np.ones((2, 2, 2), bool), spacing_mm=np.array(spacing_mm))


def brute_elements(mask: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Every mixed block of 2 × 2 × 2 voxels, found one by one: its middle in voxels, and its code."""
    padded = np.pad(mask, 1)
    middles, codes = [], []
    for start in np.ndindex(*(n - 1 for n in padded.shape)):
        block = padded[start[0] : start[0] + 2, start[1] : start[1] + 2, start[2] : start[2] + 2]
        if block.any() and not block.all():
            middles.append(np.array(start) - 0.5)
            codes.append(sum(2 ** (4 * x + 2 * y + z) for x, y, z in np.argwhere(block)))
    return np.array(middles).reshape(-1, 3), codes


@given(MASKS, MASKS)
def test_agrees_with_brute_force(a: np.ndarray, b: np.ndarray) -> None:
    found = surface_distances(a, b, spacing_mm=ANISOTROPIC_MM)
    (middles_a, codes_a), (middles_b, _) = brute_elements(a), brute_elements(b)
    assert np.sort(found.areas_a_mm2) == pytest.approx(np.sort(code_areas_mm2(ANISOTROPIC_MM)[codes_a]))
    if len(middles_a) and len(middles_b):
        between = cdist(middles_a * ANISOTROPIC_MM, middles_b * ANISOTROPIC_MM)
        assert np.sort(found.distances_ab_mm) == pytest.approx(np.sort(between.min(axis=1)))
        assert np.sort(found.distances_ba_mm) == pytest.approx(np.sort(between.min(axis=0)))


@given(MASKS, MASKS, st.permutations(range(3)), st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_flips_and_permutations_change_nothing(
    a: np.ndarray, b: np.ndarray, order: list[int], flips: tuple[bool, bool, bool]
) -> None:
    turned = [np.flip(m.transpose(order), tuple(axis for axis in range(3) if flips[axis])) for m in (a, b)]
    before = surface_distances(a, b, spacing_mm=ANISOTROPIC_MM)
    after = surface_distances(turned[0], turned[1], spacing_mm=ANISOTROPIC_MM[order])
    for one, other in (
        (before.distances_ab_mm, after.distances_ab_mm),
        (before.areas_a_mm2, after.areas_a_mm2),
        (before.distances_ba_mm, after.distances_ba_mm),
        (before.areas_b_mm2, after.areas_b_mm2),
    ):
        assert np.sort(one) == pytest.approx(np.sort(other))
