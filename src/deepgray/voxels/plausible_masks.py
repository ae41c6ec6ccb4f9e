"""Masks that are as likely as the network's own: drawn from its probabilities, and coherent in space.

Voxels that are drawn one by one give a rim of salt and pepper, and a volume that hardly varies. Here a smooth field of
random numbers decides: a voxel is inside where its probability exceeds the field, so that each voxel is inside as often
as its probability says, and neighbours go together. Which of several structures it belongs to is decided alike, by
smooth fields of Gumbel numbers (the largest of ``log p + Gumbel`` is structure ``k`` with probability ``p_k``).

The fields are sums of plane waves with random directions and Gaussian weights (Rahimi and Recht 2007, Random features
for large-scale kernel machines), so that they are known at any point in millimetres: no grid of their own, the same on
an oblique, anisotropic or flipped scan, and evaluated only where the network is unsure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import erfc
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from deepgray.scan import LabelMap, Probabilities
from deepgray.space import Points, apply_affine
from deepgray.voxels.crop import Box, occupied
from deepgray.voxels.filters import nearest

# Neighbours go together over about this distance: errors of an outline are bumps, not voxels.
SMOOTH_MM = 3.0
# So much of a field's variance is the same for a whole structure of one side: outlines tend to be too large or too
# small as a whole.
TOGETHER = 0.5
# A voxel is unsure between these.
CERTAIN = 0.005
# Farther than this from the box around the outline nothing is drawn: what lies there was not taken for the nucleus.
ROOM_MM = 3.0
# Standard deviation of a landmark's place, along each axis.
LANDMARK_MM = 1.5
# Plane waves of a field.
WAVES = 96
_SEED = 95
_BORDER, _KIND = 0, 1
# The normal distribution is looked up in a table: off by less than 2e-7.
_TABLE_ENDS, _TABLE_STEPS = 8.0, 1 << 13

Fields = NDArray[np.floating]
Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PlausibleMasks:
    """Masks that differ from an outline where the network was unsure.

    Attributes:
        outline: The outline, on the part of the scan's grid around it.
        box: Where that part lies in the scan's grid.
        places: (n, 3) voxels of that part that may change.
        drawn: (masks, n) label of each of them in each mask.
    """

    outline: LabelMap
    box: Box
    places: NDArray[np.intp]
    drawn: NDArray[np.int16]

    def __iter__(self) -> Iterator[LabelMap]:
        for labels in self.drawn:
            voxels = self.outline.voxels.copy()
            voxels[tuple(self.places.T)] = labels
            yield LabelMap(voxels, self.outline.affine_ras, self.outline.scheme)

    def divided(self, parts: LabelMap) -> Iterator[LabelMap]:
        """The same masks in parts: each voxel gets the nearest part of the same structure of the outline.

        Borders between parts are drawn from landmarks, which are found to a millimetre or two: in each mask all of
        them are moved together, as far as that.

        Args:
            parts: Parts of the outline's structures on the scan's grid; a structure without parts stays without.
        """
        voxels, own = parts.voxels[self.box].astype(np.int16), self.outline
        part_of = {
            int(label): _nearest_part(own.voxels == label, voxels) for label in np.unique(own.voxels[voxels > 0])
        }
        moves_mm = np.random.default_rng(_SEED).normal(0, LANDMARK_MM, (len(self.drawn), 3))
        moves = moves_mm @ np.linalg.inv(own.affine_ras[:3, :3]).T
        for mask, move in zip(self, moves, strict=True):
            divided = np.zeros_like(voxels)
            for label, part in part_of.items():
                places = np.argwhere(mask.voxels == label)
                seen = np.clip(np.rint(places + move).astype(np.intp), 0, np.array(part.shape) - 1)
                divided[tuple(places.T)] = part[tuple(seen.T)]
            yield LabelMap(divided, own.affine_ras, parts.scheme)


def _nearest_part(structure: NDArray[np.bool_], parts: NDArray[np.int16]) -> NDArray[np.int16]:
    """Of every voxel, the part that holds the nearest voxel of a structure; nearest in voxels, which is near enough."""
    return np.asarray(parts[nearest(structure & (parts > 0))[1]])


def plausible_masks(labels: LabelMap, probabilities: Probabilities, *, count: int) -> PlausibleMasks:
    """Draw masks from probabilities; always the same ones.

    Args:
        labels: The outline. What it leaves out though it is likely (islands) stays out.
        probabilities: Of its structures, on the same grid.
        count: How many.

    Returns:
        The masks. Over many of them each unsure voxel belongs to each structure as often as its probability says.
    """
    box = _around(labels, probabilities)
    inner = tuple(slice(b.start - n, b.stop - n) for b, n in zip(box, probabilities.low, strict=True))
    values, own = probabilities.voxels[(slice(None), *inner)], labels.voxels[box].astype(np.int16)
    low, high = (box[0].start, box[1].start, box[2].start), (box[0].stop, box[1].stop, box[2].stop)
    cropped = LabelMap(own, labels.grid.crop(low, high).affine_ras, labels.scheme)
    inside, top = values.sum(axis=0), values.max(axis=0)
    left_out = (top > 1 - inside) & (own == 0)
    sure = (inside >= 1 - CERTAIN) & (top >= (1 - CERTAIN) * inside)
    places = np.argwhere((inside > CERTAIN) & ~sure & ~left_out)
    numbers = [s.label for s in probabilities.structures]
    drawn = _drawn(values[:, *places.T], numbers, apply_affine(cropped.affine_ras, places), count)
    return PlausibleMasks(cropped, box, places, drawn)


def _around(labels: LabelMap, probabilities: Probabilities) -> Box:
    """The box around the outline and a little room, inside the block of the probabilities."""
    found = occupied(labels.voxels[probabilities.block])
    if found is None:
        return probabilities.block
    room = np.ceil(ROOM_MM / labels.grid.spacing_mm).astype(int) + 1
    x, y, z = (
        slice(max(0, f.start - int(n)) + b.start, min(b.stop - b.start, f.stop + int(n)) + b.start)
        for f, n, b in zip(found, room, probabilities.block, strict=True)
    )
    return x, y, z


def _drawn(values: NDArray[np.float32], numbers: list[int], points_mm: Points, count: int) -> NDArray[np.int16]:
    """Labels (masks, points) from probabilities (structures, points)."""
    waves = _waves(points_mm)
    inside, likeliest = values.sum(axis=0), values.argmax(axis=0)
    table = np.array(numbers, dtype=np.int16)
    drawn = np.repeat(table[likeliest][None], count, axis=0)
    shared = np.flatnonzero(values.max(axis=0) < (1 - CERTAIN) * inside)
    drawn[:, shared] = table[_kinds(values[:, shared], numbers, waves[shared], count)]
    for channel, number in enumerate(numbers):
        own = np.flatnonzero(likeliest == channel)
        level = np.interp(_field(waves[own], (number, _BORDER), count), *_normal_tables()[:2])
        drawn[:, own] *= (inside[own] > level.T).astype(np.int16)
    return drawn


def _kinds(values: NDArray[np.float32], numbers: list[int], waves: Fields, count: int) -> NDArray[np.intp]:
    """Index of the structure, (masks, points), by the largest of ``log p + Gumbel``."""
    best = np.full((count, values.shape[1]), -np.inf, dtype=np.float32)
    kind = np.zeros(best.shape, dtype=np.intp)
    for channel, number in enumerate(numbers):
        possible = np.flatnonzero(values[channel] > 0)
        field = _field(waves[possible], (number, _KIND), count).T
        at, _, gumbel = _normal_tables()
        score = np.log(values[channel][possible]) + np.interp(field, at, gumbel)
        better = score > best[:, possible]
        best[:, possible] = np.where(better, score, best[:, possible])
        kind[:, possible] = np.where(better, channel, kind[:, possible])
    return kind


@cache
def _normal_tables() -> tuple[Values, Values, Values]:
    """Places, the normal distribution there, and the Gumbel variable that is as likely to be undercut."""
    at = np.linspace(-_TABLE_ENDS, _TABLE_ENDS, _TABLE_STEPS)
    above = np.array([0.5 * erfc(x / 2**0.5) for x in at])
    below = above[::-1]
    # log(below) near one is log(1 - above), which keeps its digits.
    return at, below, -np.log(-np.where(at > 0, np.log1p(-above), np.log(below)))


def _waves(points_mm: Points) -> Fields:
    """Cosines and sines of plane waves at points, (points, 2 · WAVES): their Gaussian sums are smooth fields."""
    directions = np.random.default_rng(_SEED).normal(0, 1 / SMOOTH_MM, (3, WAVES))
    phase = (points_mm @ directions).astype(np.float32)
    return np.concatenate([np.cos(phase), np.sin(phase)], axis=1, dtype=np.float32) / np.float32(WAVES**0.5)


def _field(waves: Fields, name: tuple[int, int], count: int) -> Fields:
    """Smooth fields of mean 0 and variance 1 at the points of ``waves``, (points, count); its own for each name."""
    random = np.random.default_rng((_SEED, *name))
    steps = (random.permutation(count) + 0.5) / count  # evenly over all sizes, so that few draws tell the spread
    whole = np.array([NormalDist().inv_cdf(step) for step in steps], dtype=np.float32)
    weights = random.normal(size=(waves.shape[1], count)).astype(np.float32)
    own: Fields = waves @ weights
    return np.asarray(TOGETHER**0.5 * whole + (1 - TOGETHER) ** 0.5 * own, dtype=np.float32)
