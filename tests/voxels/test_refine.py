"""One click: grey values near it, the outline as it was farther away."""

from __future__ import annotations

import numpy as np
import pytest

from deepgray.voxels.refine import REACH_MM, refined

SHAPE = (40, 36, 30)
SPACING = np.array([1.0, 1.0, 1.5])
BLOCK = (slice(10, 30), slice(10, 26), slice(8, 22))


def block() -> np.ndarray:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[BLOCK] = True
    return mask


def picture(contrast: float, noise: float = 3.0) -> np.ndarray:
    values = np.random.default_rng(0).normal(0, noise, SHAPE)
    return (100 + contrast * block() + values).astype(np.float32)


def test_a_click_inside_brings_back_what_looks_alike_and_nothing_else() -> None:
    truth, mask = block(), block()
    mask[10:14, 14:20, 11:17] = False  # a dent of 4 × 6 × 9 mm
    after = refined(picture(40), mask, (11, 17, 14), inside=True, spacing_mm=SPACING)
    assert (after & truth & ~mask).sum() > 0.7 * (truth & ~mask).sum()
    assert not (after & ~truth).any()
    assert (after | ~mask).all()  # nothing is taken away


def test_a_click_outside_takes_away_what_looks_like_the_outside() -> None:
    truth, mask = block(), block()
    mask[30:34, 14:20, 11:17] = True  # a bump of the same size
    after = refined(picture(40), mask, (32, 17, 14), inside=False, spacing_mm=SPACING)
    assert (mask & ~truth & ~after).sum() > 0.7 * (mask & ~truth).sum()
    assert (after & truth).sum() == truth.sum()
    assert not (after & ~mask).any()  # nothing is added


def test_the_click_itself_always_counts_and_nothing_far_changes() -> None:
    mask = block()
    for contrast in (0.0, 40.0):
        after = refined(picture(contrast), mask, (5, 17, 14), inside=True, spacing_mm=SPACING)
        assert after[5, 17, 14]
        changed = (np.argwhere(after != mask) - (5, 17, 14)) * SPACING
        assert np.linalg.norm(changed, axis=1).max() <= REACH_MM


@pytest.mark.parametrize("corner", [(0, 0, 0), (39, 35, 29)])
def test_a_click_in_a_corner_and_a_flat_picture_do_no_harm(corner: tuple[int, int, int]) -> None:
    flat = np.full(SHAPE, 7, dtype=np.float32)
    after = refined(flat, np.zeros(SHAPE, dtype=bool), corner, inside=True, spacing_mm=SPACING)
    assert after[corner]
    assert after.sum() < 40


def test_a_click_that_says_what_is_so_changes_nothing() -> None:
    mask = block()
    np.testing.assert_array_equal(refined(picture(40), mask, (20, 17, 14), inside=True, spacing_mm=SPACING), mask)
    np.testing.assert_array_equal(refined(picture(40), mask, (3, 3, 3), inside=False, spacing_mm=SPACING), mask)
