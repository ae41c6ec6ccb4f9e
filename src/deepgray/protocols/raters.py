"""Simulated raters: a true mask drawn again by people whose hands differ in a habit and in chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepgray.scan import LabelMap
from deepgray.voxels.crop import occupied

# Voxels around a structure in which a rater's border may lie.
ROOM = 5


@dataclass(frozen=True)
class Rater:
    """One person's hand.

    Attributes:
        habit_mm: How far outside (positive) or inside of the true border this rater draws, always.
        chance_mm: Standard deviation of what differs from place to place and from time to time.
        length_mm: Distance over which that changes.
    """

    habit_mm: float
    chance_mm: float
    length_mm: float = 3.0


def draw_again(truth: LabelMap, rater: Rater, *, seed: int) -> LabelMap:
    """A label map as a rater draws it.

    Args:
        truth: The true labels.
        rater: Whose hand.
        seed: One seed is one sitting.

    Returns:
        Labels on the same grid; where two structures would overlap the one whose border lies farther off wins.
    """
    generator = np.random.default_rng(seed)
    out = np.zeros_like(truth.voxels)
    box = occupied(truth.voxels)
    if box is None:
        return LabelMap(out, truth.affine_ras, truth.scheme)
    wide = tuple(slice(max(0, s.start - ROOM), s.stop + ROOM) for s in box)
    inside, spacing = truth.voxels[wide], truth.grid.spacing_mm
    best = np.zeros(inside.shape, dtype=np.float32)
    drawn = np.zeros_like(inside)
    for structure in truth.scheme.structures:
        depth = _depth(inside == structure.label, spacing) + rater.habit_mm
        depth += rater.chance_mm * _pattern(inside.shape, spacing, rater.length_mm, generator)
        deeper = depth > best
        best[deeper], drawn[deeper] = depth[deeper], structure.label
    out[wide] = drawn
    return LabelMap(out, truth.affine_ras, truth.scheme)


def _depth(mask: NDArray[np.bool_], spacing: NDArray[np.float64]) -> NDArray[np.float32]:
    """Signed distance to the border, positive inside, mm."""
    if not mask.any():
        return np.full(mask.shape, -np.inf, dtype=np.float32)
    half = float(spacing.min()) / 2
    inside = ndimage.distance_transform_edt(mask, sampling=spacing) - half
    outside = ndimage.distance_transform_edt(~mask, sampling=spacing) - half
    return np.asarray(np.where(mask, inside, -outside), dtype=np.float32)


def _pattern(
    shape: tuple[int, ...], spacing: NDArray[np.float64], length_mm: float, generator: np.random.Generator
) -> NDArray[np.float32]:
    """Smooth noise of unit variance."""
    noise = generator.normal(0, 1, shape).astype(np.float32)
    smooth = ndimage.gaussian_filter(noise, length_mm / 2 / spacing)
    return np.asarray(smooth / max(float(smooth.std()), 1e-6), dtype=np.float32)
