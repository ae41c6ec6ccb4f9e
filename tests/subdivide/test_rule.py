"""The rule on blocks whose borders are known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from deepgray.errors import ShapeError
from deepgray.subdivide.rule import (
    ANTERIOR_CAUDATE,
    ANTERIOR_PUTAMEN,
    POSTERIOR_CAUDATE,
    POSTERIOR_PUTAMEN,
    VENTRAL_PUTAMEN,
    VENTRAL_STRIATUM,
    Hemisphere,
    below_commissures,
    below_oblique_line,
    parts,
)


def block(low: tuple[int, int, int], high: tuple[int, int, int]) -> np.ndarray:
    """Centres of the 1 mm voxels between two corners, (n, 3)."""
    axes = [np.arange(a, b) + 0.5 for a, b in zip(low, high, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)


def hemisphere(caudate: np.ndarray, putamen: np.ndarray, accumbens: np.ndarray) -> Hemisphere:
    kind = np.repeat([0, 1, 2], [len(caudate), len(putamen), len(accumbens)])
    return Hemisphere(np.concatenate([caudate, putamen, accumbens]), kind == 0, kind == 1, 1.0, 1.0)


# The putamen's middle lies at x = 22 and its lowest voxels at z = -3.5; the striatum at z = 0 goes from 8.5 to 25.5,
# so its middle is 17. The oblique line goes through (22, -3.5) and (17, 0): it falls by 0.7 mm per mm outwards.
BLOCKS = hemisphere(
    caudate=block((8, -6, -4), (14, 16, 14)), putamen=block((18, -14, -4), (26, 16, 12)), accumbens=np.zeros((0, 3))
)


def at(side: Hemisphere, values: np.ndarray, point: tuple[float, float, float]) -> int:
    """The value of the voxel whose centre is ``point``."""
    return int(values[np.flatnonzero((side.points_mm == point).all(axis=1))[0]])


@pytest.mark.parametrize(
    ("point", "below"),
    [
        ((8.5, 10.5, 5.5), True),  # the line stands at 0.7 · 8.5 = 5.95 here
        ((8.5, 10.5, 6.5), False),
        ((13.5, 3.5, 1.5), True),  # at 2.45
        ((13.5, 3.5, 2.5), False),
        ((18.5, 3.5, -1.5), True),  # at -1.05
        ((18.5, 3.5, -0.5), False),
        ((22.5, 0.5, -3.5), False),  # at -3.85
        ((25.5, 0.5, -3.5), False),  # at -5.95
    ],
)
def test_oblique_line_of_blocks(point: tuple[float, float, float], *, below: bool) -> None:
    assert bool(at(BLOCKS, below_oblique_line(BLOCKS), point)) is below


def test_one_ragged_slice_does_not_bend_the_line() -> None:
    spur = block((21, 6, -12), (23, 7, -4))
    ragged = hemisphere(BLOCKS.points_mm[BLOCKS.caudate], np.r_[BLOCKS.points_mm[BLOCKS.putamen], spur], spur[:0])
    kept = below_oblique_line(ragged)[: len(BLOCKS.points_mm)]
    assert (kept == below_oblique_line(BLOCKS)).mean() > 0.99


def test_axial_plane_divides_where_there_is_no_line() -> None:
    caudate = block((8, -6, -4), (14, 16, 14))
    only = hemisphere(caudate, caudate[:0], caudate[:0])
    assert np.array_equal(below_oblique_line(only), caudate[:, 2] < 0)
    assert np.array_equal(below_commissures(only), caudate[:, 2] < 0)


def test_parts_by_hand() -> None:
    points = np.array(
        [[10, 5, 5], [10, 5, -5], [10, -5, 5], [20, 5, 5], [20, 5, -5], [20, -5, 5], [20, -5, -5], [8, -2, 3]], float
    )
    caudate = np.array([1, 1, 1, 0, 0, 0, 0, 0], bool)
    putamen = np.array([0, 0, 0, 1, 1, 1, 1, 0], bool)
    side = Hemisphere(points, caudate, putamen, 1.0, 1.0)
    expected = [
        ANTERIOR_CAUDATE,
        VENTRAL_STRIATUM,
        POSTERIOR_CAUDATE,
        ANTERIOR_PUTAMEN,
        VENTRAL_STRIATUM,
        POSTERIOR_PUTAMEN,
        VENTRAL_PUTAMEN,
        VENTRAL_STRIATUM,  # accumbens, though it lies behind the plane and above it
    ]
    assert parts(side, below_commissures(side)).tolist() == expected


def test_planes_belong_to_front_and_top() -> None:
    points = np.array([[10.0, 0.0, 5.0], [20.0, -1.0, 0.0]])
    side = Hemisphere(points, np.array([True, False]), np.array([False, True]), 1.0, 1.0)
    assert parts(side, below_commissures(side)).tolist() == [ANTERIOR_CAUDATE, POSTERIOR_PUTAMEN]


def test_arrays_of_different_length_are_refused() -> None:
    with pytest.raises(ShapeError, match="per voxel"):
        Hemisphere(np.zeros((3, 3)), np.zeros(3, bool), np.zeros(2, bool), 1.0, 1.0)
