"""A clean border between ventral and dorsal: no ragged edge, no slivers, no islands."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepgray.voxels.filters import dilated, gaussian, pieces

Mask = NDArray[np.bool_]

# The border is smoothed by a Gaussian of this standard deviation.
_SMOOTHING_MM = 1.0
# Rounding that makes equal what differs by the order of a sum, so that flipped grids give the same border.
_DECIMALS = 6
# A piece smaller than this part of its kind is an island.
_ISLAND_PART = 0.1


def smoothed(ventral: Mask, region: Mask, *, fixed: Mask, spacing_mm: NDArray[np.float64]) -> Mask:
    """The border after blurring, inside a region.

    A voxel is ventral where the ventral side holds more than half of the blurred region around it. A straight border
    through the region stays where it is; a layer thinner than the blur goes to its neighbour.

    Args:
        ventral: (x, y, z), inside ``region``.
        region: (x, y, z) what is divided.
        fixed: (x, y, z) what stays ventral whatever lies around it.
        spacing_mm: (3,) voxel size, mm.

    Returns:
        (x, y, z), inside ``region``; with nothing in it where the region is empty.
    """
    balance = np.where(ventral, 1.0, -1.0) * region
    blurred = gaussian(balance, _SMOOTHING_MM / spacing_mm, edge="constant")
    return np.asarray(region & ((np.round(blurred, _DECIMALS) > 0) | fixed))


def islands(kind: Mask, *, beside: Mask) -> Mask:
    """Small pieces of a kind that touch another kind.

    Args:
        kind: (x, y, z).
        beside: (x, y, z) the kind that could take them over.

    Returns:
        (x, y, z) voxels of ``kind`` in pieces of under a tenth of it that touch ``beside``; empty where there are none.
    """
    number, count = pieces(kind)
    if count < 2:
        return np.zeros_like(kind)
    size = np.bincount(number.ravel(), minlength=count + 1)
    touching = np.unique(number[dilated(beside, corners=True) & kind])
    small = np.flatnonzero(size < _ISLAND_PART * kind.sum())
    return np.isin(number, np.intersect1d(small, touching)) & kind
