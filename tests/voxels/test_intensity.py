from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepgray.errors import IntensityError, SettingsError
from deepgray.voxels.intensity import normalise

# 1 to 101: the 1st percentile is 2, the 99th 100.
COUNTED = np.arange(1, 102, dtype=np.float32)


def test_percentiles_by_hand() -> None:
    scaled = normalise(COUNTED, "percentiles")
    assert scaled.dtype == np.float32
    assert scaled[1] == pytest.approx(0.0)  # 2
    assert scaled[50] == pytest.approx(0.5)  # 51
    assert scaled[99] == pytest.approx(1.0)  # 100


def test_zeros_are_not_counted_but_scaled() -> None:
    scaled = normalise(np.concatenate([np.zeros(5000, np.float32), COUNTED]), "percentiles")
    assert scaled[0] == pytest.approx(-2 / 98)
    assert scaled[5050] == pytest.approx(0.5)


def test_what_sticks_out_is_cut() -> None:
    spiked = np.concatenate([np.tile(COUNTED, 100), np.array([1e6, -1e6], np.float32)])
    scaled = normalise(spiked, "percentiles")
    assert scaled[-2:].tolist() == [1.75, -0.25]


def test_too_few_voxels_are_refused() -> None:
    voxels = np.zeros((10, 10, 10), np.float32)
    voxels.flat[:99] = 1.0
    with pytest.raises(IntensityError, match="99 came"):
        normalise(voxels, "percentiles")


def test_a_constant_stays_finite() -> None:
    assert np.isfinite(normalise(np.full((10, 10, 10), 7, np.float32), "percentiles")).all()


def test_an_unknown_scaling_is_refused() -> None:
    with pytest.raises(SettingsError, match="'z-score' came"):
        normalise(COUNTED, "z-score")


@given(gain=st.floats(0.01, 1000), seed=st.integers(0, 1000))
def test_the_scanner_gain_makes_no_difference(gain: float, seed: int) -> None:
    voxels = np.random.default_rng(seed).random((6, 7, 8), dtype=np.float32)
    voxels[:2] = 0
    np.testing.assert_allclose(
        normalise(voxels * np.float32(gain), "percentiles"), normalise(voxels, "percentiles"), atol=1e-3
    )


def test_susceptibility_by_hand() -> None:
    ppm = np.array([0.0, 0.125, -0.05, 0.9, -0.9], np.float32)
    scaled = normalise(ppm, "susceptibility")
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled, [0.0, 1.0, -0.4, 3.2, -2.0], rtol=1e-6)


def test_susceptibility_does_not_depend_on_the_other_voxels() -> None:
    assert not normalise(np.zeros((4, 4, 4), np.float32), "susceptibility").any()


def test_percentiles_of_a_part_scale_all() -> None:
    voxels = np.concatenate([COUNTED, np.full(500, 149.0, np.float32)])
    scaled = normalise(voxels, "percentiles", within=(slice(0, 101),))
    np.testing.assert_allclose(scaled[:101], normalise(COUNTED, "percentiles"))
    assert scaled[-1] == pytest.approx(1.5)  # (149 - 2) / 98
    with pytest.raises(IntensityError, match="9 came"):
        normalise(voxels, "percentiles", within=(slice(0, 9),))
