"""Undoing spill between regions whose true means are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from deepgray.measure.partial_volume import undone


def test_two_halves_of_a_line_by_hand() -> None:
    """A blur that mixes both halves alike at their border: the means move towards one another by the same amount."""
    regions = np.zeros((40, 4, 4), dtype=np.int32)
    regions[20:] = 1
    true = np.where(regions == 1, 10.0, 2.0)
    seen = gaussian_filter(true, 2.0, mode="nearest")
    low, high = seen[:20].mean(), seen[20:].mean()
    # of a Gaussian of width s beside a border the half line of 20 voxels loses s / sqrt(2 pi) / 20 of the step of 8
    assert high == pytest.approx(10 - 8 * 2.0 / np.sqrt(2 * np.pi) / 20, abs=0.02)
    assert low + high == pytest.approx(12.0)
    found = undone(regions, np.array([0, 1]), seen, sigma=np.array([2.0, 2.0, 2.0]))
    np.testing.assert_allclose(found, [2.0, 10.0], atol=1e-4)


def test_voxels_that_are_not_known_do_not_count() -> None:
    generator = np.random.default_rng(2)
    regions = generator.integers(0, 3, (6, 6, 6)).repeat(4, 0).repeat(4, 1).repeat(4, 2)
    true = np.array([1.0, 4.0, 9.0])[regions]
    seen = gaussian_filter(true, 1.5, mode="nearest")
    seen[:5] = np.nan
    found = undone(regions, np.array([0, 1, 2]), seen, sigma=np.array([1.5, 1.5, 1.5]))
    np.testing.assert_allclose(found, [1.0, 4.0, 9.0], atol=1e-3)
