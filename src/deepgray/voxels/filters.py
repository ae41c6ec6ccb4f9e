"""Neighbourhoods of voxels: blur, growing and shrinking, distances, connected pieces.

What ``scipy.ndimage`` does, written in numpy, because the base install does without scipy (148 of 385 MB); tests hold
the answers against scipy's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Volume = NDArray[np.float32]

# A Gaussian ends at so many standard deviations.
_TRUNCATE = 4.0
_EDGES: dict[str, Literal["symmetric", "edge", "constant"]] = {
    "reflect": "symmetric",
    "nearest": "edge",
    "constant": "constant",
}


def gaussian(
    voxels: NDArray[np.generic], sigma: float | Sequence[float] | NDArray[np.floating], *, edge: str = "reflect"
) -> NDArray[np.floating]:
    """A volume after a Gaussian blur.

    Args:
        voxels: Any shape.
        sigma: Standard deviation in voxels, of all axes or of each.
        edge: What lies beyond the edge: ``reflect`` (the mirror image), ``nearest`` (the outermost voxels) or
            ``constant`` (zeros).

    Returns:
        The same shape, float32 unless float64 came.
    """
    kind = np.float64 if voxels.dtype == np.float64 else np.float32
    blurred = voxels.astype(kind)
    for axis, width in enumerate(np.broadcast_to(np.asarray(sigma, dtype=np.float64), voxels.ndim)):
        reach = int(_TRUNCATE * width + 0.5)
        if reach == 0:
            continue
        weights = np.exp(-0.5 * (np.arange(reach + 1) / width) ** 2)
        weights /= weights[0] + 2 * weights[1:].sum()
        room = [(reach, reach) if a == axis else (0, 0) for a in range(voxels.ndim)]
        padded = np.moveaxis(np.pad(blurred, room, mode=_EDGES[edge]), axis, 0)
        count = voxels.shape[axis]
        weights = weights.astype(kind)
        total = padded[reach : reach + count] * weights[0]
        for step in range(1, reach + 1):
            both = padded[reach - step : reach - step + count] + padded[reach + step : reach + step + count]
            total += both * weights[step]
        blurred = np.moveaxis(total, 0, axis)
    return np.ascontiguousarray(blurred)


def dilated(mask: Mask, steps: int = 1, *, corners: bool = False) -> Mask:
    """A mask grown into its neighbours.

    Args:
        mask: Any shape.
        steps: How often.
        corners: Neighbours may share a corner; else they share a face.
    """
    if corners:
        return in_reach(mask, [steps] * mask.ndim)
    grown = mask.copy()
    for _ in range(steps):
        before = grown.copy()
        for axis in range(mask.ndim):
            here, there = np.moveaxis(grown, axis, 0), np.moveaxis(before, axis, 0)
            here[1:] |= there[:-1]
            here[:-1] |= there[1:]
    return grown


def in_reach(mask: Mask, reach: Sequence[int]) -> Mask:
    """Where a mask lies within so many voxels along every axis: in a box around each voxel."""
    grown = mask
    for axis, most in enumerate(reach):
        lines = np.moveaxis(grown, axis, 0)
        wider = lines.copy()
        for step in range(1, min(most, len(lines) - 1) + 1):
            wider[step:] |= lines[:-step]
            wider[:-step] |= lines[step:]
        grown = np.moveaxis(wider, 0, axis)
    return np.ascontiguousarray(grown)


def eroded(mask: Mask) -> Mask:
    """A mask without the voxels that share a face with one outside; beyond the array everything is outside."""
    grown = dilated(np.pad(~mask, 1, constant_values=True))
    return ~grown[(slice(1, -1),) * mask.ndim]


def pieces(mask: Mask, *, corners: bool = True) -> tuple[NDArray[np.int32], int]:
    """The connected pieces of a mask.

    Args:
        mask: Any shape.
        corners: Voxels that share a corner are connected; else those that share a face.

    Returns:
        Numbers from 1 in the order of each piece's first voxel, 0 outside; and how many there are.
    """
    padded = np.pad(mask, 1)
    where = np.flatnonzero(padded)
    number = np.full(padded.size, -1, dtype=np.int64)
    number[where] = np.arange(len(where))
    root = np.arange(len(where))
    strides = np.array([int(np.prod(padded.shape[a + 1 :])) for a in range(mask.ndim)])
    ones, others = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for step in _half_of_neighbours(mask.ndim, corners=corners):
        beside = number[where + int(strides @ step)]
        joined = np.flatnonzero(beside >= 0)
        ones.append(joined)
        others.append(beside[joined])
    one, other = np.concatenate(ones), np.concatenate(others)
    while len(one):
        low, high = np.minimum(root[one], root[other]), np.maximum(root[one], root[other])
        apart = low < high
        one, other = one[apart], other[apart]
        np.minimum.at(root, high[apart], low[apart])
        while (further := root[root]).tobytes() != root.tobytes():
            root = further
    names, numbered = np.unique(root, return_inverse=True)
    out = np.zeros(padded.shape, dtype=np.int32)
    out.flat[where] = numbered + 1
    return out[(slice(1, -1),) * mask.ndim], len(names)


def _half_of_neighbours(dimensions: int, *, corners: bool) -> Iterator[tuple[int, ...]]:
    """Steps to the neighbours that come later in the array."""
    for step in product((-1, 0, 1), repeat=dimensions):
        if step > (0,) * dimensions and (corners or sum(map(abs, step)) == 1):
            yield step


def nearest(
    mask: Mask, spacing: Sequence[float] | NDArray[np.floating] | float = 1.0
) -> tuple[Volume, tuple[NDArray[np.intp], ...]]:
    """How far the nearest voxel of a mask is from every voxel, and where; exact.

    One axis after the other: along the first the nearest is known by counting; along each further one, a voxel may take
    over what a voxel some steps away knows, as long as the steps alone are not already further.

    Args:
        mask: Any shape.
        spacing: Voxel size, of all axes or of each.

    Returns:
        The distance, float32, infinite where the mask is empty; and the index of the nearest voxel along each axis.
    """
    sizes = np.broadcast_to(np.asarray(spacing, dtype=np.float64), mask.ndim)
    square, place = _along_first(mask, float(sizes[0]))
    for axis in range(1, mask.ndim):
        known = np.isfinite(square).any(axis=axis)
        lines, found = np.moveaxis(square, axis, 0), np.moveaxis(place, axis, 0)  # views: what is written stays
        lines[:, known], found[:, known] = _taken_over(lines[:, known], found[:, known], float(sizes[axis]))
    return np.sqrt(square), tuple(np.unravel_index(place, mask.shape))


def _along_first(mask: Mask, size: float) -> tuple[Volume, NDArray[np.intp]]:
    """Squared distance to, and flat index of, the nearest voxel of the mask along the first axis."""
    count = mask.shape[0]
    rows = np.arange(count).reshape(-1, *(1,) * (mask.ndim - 1))
    before = np.maximum.accumulate(np.where(mask, rows, -1), axis=0)
    after = np.minimum.accumulate(np.where(mask, rows, 2 * count)[::-1], axis=0)[::-1]
    back = np.where(before >= 0, rows - before, np.inf)
    ahead = np.where(after < count, after - rows, np.inf)
    chosen = np.clip(np.where(back <= ahead, before, after), 0, count - 1)
    across = np.arange(mask[0].size).reshape(mask.shape[1:])
    place = chosen * mask[0].size + across
    return ((np.minimum(back, ahead) * size) ** 2).astype(np.float32), place


def _taken_over(lines: Volume, found: NDArray[np.intp], size: float) -> tuple[Volume, NDArray[np.intp]]:
    """The smallest squared distance along lines, (places, lines), and what is known there."""
    best, place = lines.copy(), found.copy()
    for step in range(1, len(lines)):
        more = np.float32((step * size) ** 2)
        if not best.size or more >= best.max():
            break
        for here, there in ((np.s_[step:], np.s_[:-step]), (np.s_[:-step], np.s_[step:])):
            offered = lines[there] + more
            closer = offered < best[here]
            np.copyto(best[here], offered, where=closer)
            np.copyto(place[here], found[there], where=closer)
    return best, place
