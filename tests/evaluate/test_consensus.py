"""One label map from several."""

from __future__ import annotations

import numpy as np
import pytest

from deepgray.errors import MaskError
from deepgray.evaluate import majority, staple


def drawn(*places: tuple[int, int], label: int = 12) -> np.ndarray:
    """Labels in slices of a line of 40 voxels."""
    labels = np.zeros((40, 2, 2), dtype=np.int16)
    for low, high in places:
        labels[low:high] = label
    return labels


def test_more_than_half_must_agree() -> None:
    agreed = majority([drawn((0, 10)), drawn((5, 15)), drawn((8, 20))])
    np.testing.assert_array_equal(agreed, drawn((5, 15)) * (drawn((0, 10)) | drawn((8, 20)) > 0))
    assert not majority([drawn((0, 5)), drawn((5, 10))]).any()


def test_labels_are_told_apart() -> None:
    one = drawn((0, 10)) + drawn((10, 20), label=51)
    other = drawn((0, 12)) + drawn((12, 20), label=51)
    np.testing.assert_array_equal(majority([one, one, other]), one)
    np.testing.assert_array_equal(staple([one, one, other]), one)


def test_staple_trusts_those_who_agree_more_than_one_who_does_not() -> None:
    good = [drawn((10, 20)), drawn((10, 20)), drawn((10, 21))]
    poor = drawn((0, 14), (30, 40))
    np.testing.assert_array_equal(staple([*good, poor]), drawn((10, 20)))


def test_of_two_who_always_agree_with_the_third_staple_keeps_the_common_part() -> None:
    np.testing.assert_array_equal(staple([drawn((5, 25))] * 3), drawn((5, 25)))
    assert not staple([drawn(), drawn()]).any()


def test_shapes_must_be_one() -> None:
    for way in (majority, staple):
        with pytest.raises(MaskError, match="of one shape are wanted"):
            way([])
        with pytest.raises(MaskError, match="of one shape are wanted"):
            way([drawn(), drawn()[:5]])
