"""Volumes read between their voxels, linear or nearest.

What ``scipy.ndimage.affine_transform`` and ``map_coordinates`` do, written in numpy, because the base install does
without scipy (148 of 385 MB); tests hold the answers against scipy's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepgray.errors import SettingsError
from deepgray.space import Affine

# Points that are read at once, so that their weights stay in the processor's cache.
_AT_ONCE = 1 << 17
_CORNERS = tuple((x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1))

Index = NDArray[np.floating]


def at_affine(
    channels: NDArray[np.generic], index_from_target: Affine, shape: tuple[int, int, int], *, nearest: bool = False
) -> NDArray[np.float32]:
    """Channels on another grid.

    Args:
        channels: (channels, x, y, z), all on one grid.
        index_from_target: 4 × 4, voxel index of the grid that is wanted to that of the channels.
        shape: Of the grid that is wanted.
        nearest: Take the nearest voxel instead of a mean of the eight around.

    Returns:
        (channels, *shape) float32; 0 where a place lies beyond the outermost voxel centres.
    """
    ends = np.array([(0, n - 1) for n in shape], dtype=np.float64)
    corners = index_from_target[:3, :3] @ np.stack(np.meshgrid(*ends, indexing="ij")).reshape(3, -1)
    channels, first = _reached(channels, corners + index_from_target[:3, 3:])
    origin = index_from_target[:3, 3] - first
    out = np.empty((len(channels), *shape), dtype=np.float32)
    plane = np.indices((1, *shape[1:])).reshape(3, -1)
    across = index_from_target[:3, :3] @ plane + origin[:, None]
    slabs = max(1, _AT_ONCE // max(1, plane.shape[1]))
    for start in range(0, shape[0], slabs):
        end = min(start + slabs, shape[0])
        steps = np.arange(start, end)[:, None] * index_from_target[:3, 0][:, None, None]
        index = (across[:, None] + steps).reshape(3, -1)
        out[:, start:end] = at_points(channels, index, nearest=nearest).reshape(len(channels), -1, *shape[1:])
    return out


def _reached(channels: NDArray[np.generic], places: Index) -> tuple[NDArray[np.generic], NDArray[np.float64]]:
    """The block of channels between the outermost of some places, in one piece of memory, and its first index."""
    low = np.clip(np.floor(places.min(axis=1)) - 1, 0, np.array(channels.shape[1:]) - 1).astype(int)
    high = np.clip(np.ceil(places.max(axis=1)) + 2, low + 1, channels.shape[1:]).astype(int)
    x, y, z = (slice(a, b) for a, b in zip(low, high, strict=True))
    return np.ascontiguousarray(channels[:, x, y, z]), low.astype(np.float64)


def at_points(
    channels: NDArray[np.generic], index: Index, *, nearest: bool = False, beyond: float = 0.0
) -> NDArray[np.float32]:
    """Channels at points.

    Args:
        channels: (channels, x, y, z), all on one grid.
        index: (3, points) in voxels.
        nearest: Take the nearest voxel instead of a mean of the eight around.
        beyond: The value of places beyond the outermost voxel centres.

    Returns:
        (channels, points) float32.

    Raises:
        SettingsError: The channels are no volumes.
    """
    if channels.ndim != 4:
        raise SettingsError(f"Channels of volumes (channels, x, y, z) are wanted, shape {channels.shape} came.")
    last = np.array(channels.shape[1:])[:, None] - 1
    inside = ((index >= 0) & (index <= last)).all(axis=0)
    within = index[:, inside]
    if within.size and not channels.flags.c_contiguous:
        channels, first = _reached(channels, within)
        within, last = within - first[:, None], np.array(channels.shape[1:])[:, None] - 1
    flat = channels.reshape(len(channels), -1)
    strides = np.array([channels.shape[2] * channels.shape[3], channels.shape[3], 1])
    out = np.full((len(channels), index.shape[1]), beyond, dtype=np.float32)
    if nearest:
        out[:, inside] = flat[:, strides @ np.floor(within + 0.5).astype(np.intp)]
        return out
    low = np.minimum(within.astype(np.intp), np.maximum(last - 1, 0))
    part = within - low
    start, shares = strides @ low, np.stack([1 - part, part])
    total = np.zeros((len(channels), within.shape[1]))
    steps = np.where(last[:, 0] > 0, strides, 0)  # an axis of one voxel has no second corner
    for corner in _CORNERS:
        x, y, z = corner
        weight = shares[x, 0] * shares[y, 1] * shares[z, 2]
        total += weight * flat[:, start + int(steps @ corner)]
    out[:, inside] = total
    return out
