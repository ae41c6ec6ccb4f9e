"""Entropy and expected overlap, with values worked out by hand."""

import math

import numpy as np
import pytest

from deepgray.anatomy import scheme
from deepgray.scan import Probabilities
from deepgray.space import Grid
from deepgray.voxels.uncertainty import expected_dice, voxel_entropy


def _probabilities(left: float, right: float) -> Probabilities:
    voxels = np.zeros((2, 2, 3, 4), dtype=np.float32)
    voxels[0], voxels[1] = left, right
    pair = scheme("dentate2").structures
    return Probabilities(voxels, pair, (1, 1, 1), Grid((5, 5, 5), np.eye(4)))


@pytest.mark.parametrize(
    ("left", "right", "bits"),
    [
        (0.0, 0.0, 0.0),  # background for certain
        (1.0, 0.0, 0.0),
        (0.5, 0.5, 1.0),
        (0.5, 0.0, 1.0),  # the other half is background
        (1 / 3, 1 / 3, math.log2(3)),
        (0.25, 0.25, 1.5),  # 2 · ¼ · 2 bits + ½ · 1 bit
    ],
)
def test_entropy_in_bits(left: float, right: float, bits: float) -> None:
    entropy = voxel_entropy(_probabilities(left, right))
    assert entropy.shape == (2, 3, 4)
    assert entropy.dtype == np.float32
    assert np.allclose(entropy, bits, atol=2e-6)


def test_probabilities_that_sum_to_a_little_more_than_one_give_no_nan() -> None:
    entropy = voxel_entropy(_probabilities(0.7, 0.30001))
    assert np.isfinite(entropy).all()


def test_expected_dice_by_hand() -> None:
    probability = np.array([[[0.9, 0.6, 0.2, 0.0]]], dtype=np.float32)
    mask = probability > 0.5
    assert expected_dice(probability, mask) == pytest.approx(2 * 1.5 / (1.7 + 2))


def test_expected_dice_of_a_certain_mask_is_one_and_of_nothing_undefined() -> None:
    mask = np.array([[[True, False]]])
    assert expected_dice(mask.astype(np.float32), mask) == 1.0
    assert expected_dice(np.full((1, 1, 2), 0.25, np.float32), np.zeros((1, 1, 2), bool)) == 0.0
    assert math.isnan(expected_dice(np.zeros((1, 1, 2), np.float32), np.zeros((1, 1, 2), bool)))
