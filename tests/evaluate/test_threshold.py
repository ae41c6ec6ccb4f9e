"""The striatum by a threshold."""

from __future__ import annotations

import numpy as np
import pytest

from deepgray.errors import IntensityError, ShapeError
from deepgray.evaluate.threshold import threshold_striatum

VOXELS = np.array([[[1.0, 6.6, 6.8], [10.0, 2.0, 20.0]]], dtype=np.float32)


def test_the_maximum_is_that_of_the_crop() -> None:
    within = np.array([[[True, True, True], [True, True, False]]])
    found = threshold_striatum(VOXELS, within=within)
    assert found.tolist() == [[[False, False, True], [True, False, False]]]


def test_or_that_of_the_whole_image() -> None:
    assert threshold_striatum(VOXELS).tolist() == [[[False, False, False], [False, False, True]]]
    assert threshold_striatum(VOXELS, share=0.3).sum() == 4  # 6 and more


def test_nothing_above_zero_and_no_crop_are_refused() -> None:
    with pytest.raises(IntensityError, match="Uptake above zero is wanted for a threshold, the maximum is 0"):
        threshold_striatum(np.zeros((2, 2, 2), dtype=np.float32))
    with pytest.raises(ShapeError, match=r"A crop within \(1, 2, 3\) voxels is wanted"):
        threshold_striatum(VOXELS, within=np.zeros(VOXELS.shape, dtype=bool))
