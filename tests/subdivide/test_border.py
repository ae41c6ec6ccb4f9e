"""The border between ventral and dorsal: straight ones stay, ragged ones go."""

from __future__ import annotations

import numpy as np

from deepgray.subdivide.border import islands, smoothed

REGION = np.ones((12, 14, 16), dtype=bool)
NOTHING = np.zeros_like(REGION)
SPACING = np.array([1.0, 1.0, 1.0])


def test_straight_border_stays() -> None:
    ventral = NOTHING.copy()
    ventral[:, :, :7] = True
    assert np.array_equal(smoothed(ventral, REGION, fixed=NOTHING, spacing_mm=SPACING), ventral)


def test_thin_layer_and_single_voxels_go() -> None:
    ragged = NOTHING.copy()
    ragged[:, :, :7] = True
    expected = ragged.copy()
    ragged[5, 5, 7] = True  # a tooth
    ragged[8, 8, 12] = True  # a speck
    ragged[:, 3, 7:12] = True  # a sheet one voxel thin
    found = smoothed(ragged, REGION, fixed=NOTHING, spacing_mm=SPACING)
    assert not found[5, 5, 7]
    assert not found[8, 8, 12]
    assert not found[:, 3, 10:].any()
    assert np.array_equal(found[:, 6:, :], expected[:, 6:, :])


def test_fixed_voxels_stay_and_nothing_leaves_the_region() -> None:
    region = REGION.copy()
    region[:, :, 14:] = False
    fixed = NOTHING.copy()
    fixed[5, 5, 12] = True
    found = smoothed(fixed, region, fixed=fixed, spacing_mm=SPACING)
    assert found[5, 5, 12]
    assert found.sum() == 1
    assert not smoothed(region, region, fixed=NOTHING, spacing_mm=SPACING)[:, :, 14:].any()


def test_islands_are_small_and_touch() -> None:
    kind = NOTHING.copy()
    kind[:6] = True  # the body: 6 · 14 · 16 = 1344 voxels
    kind[9, 2, 2] = True  # touches what is beside it
    kind[9, 10, 10] = True  # touches nothing
    beside = NOTHING.copy()
    beside[10, 2, 2] = True
    found = islands(kind, beside=beside)
    assert np.argwhere(found).tolist() == [[9, 2, 2]]


def test_one_piece_and_none_hold_no_islands() -> None:
    kind = NOTHING.copy()
    kind[:6] = True
    assert not islands(kind, beside=~kind).any()
    assert not islands(NOTHING, beside=REGION).any()
