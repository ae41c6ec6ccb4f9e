"""How unsure probabilities are: the entropy of a voxel, and the overlap that a mask may expect."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepgray.scan import Probabilities

# Below this a probability adds less than 1e-6 bit, and its logarithm would be taken of rounding errors.
_SMALLEST = 1e-8


def voxel_entropy(probabilities: Probabilities) -> NDArray[np.float32]:
    """Shannon entropy of every voxel of the block, background included.

    Args:
        probabilities: Of n structures; the background has what is missing to one.

    Returns:
        (x, y, z) float32 bits on the block: 0 where one class is certain, log2(n + 1) where all are equally likely.
    """
    shape = probabilities.voxels.shape[1:]
    background = np.ones(shape, dtype=np.float32)
    bits = np.zeros(shape, dtype=np.float32)
    for channel in probabilities.voxels:
        background -= channel
        bits += _surprise_bits(channel)
    bits += _surprise_bits(background)
    return np.maximum(bits, 0)


def expected_dice(probability: NDArray[np.float32], mask: NDArray[np.bool_]) -> float:
    """Dice that a mask has with its own probabilities, ``2 Σ p·m / (Σ p + Σ m)``.

    Args:
        probability: Of one structure, 0–1.
        mask: Of the same shape.

    Returns:
        0–1; near 1 where the mask holds certain voxels and leaves out impossible ones. NaN where the mask is empty
        and every probability is 0.
    """
    total = float(probability.sum(dtype=np.float64)) + int(mask.sum())
    if total <= 0:
        return float("nan")
    return 2.0 * float(probability.sum(where=mask, dtype=np.float64)) / total


def _surprise_bits(probability: NDArray[np.float32]) -> NDArray[np.float32]:
    certain = np.clip(probability, _SMALLEST, 1.0)
    return -certain * np.log2(certain)
