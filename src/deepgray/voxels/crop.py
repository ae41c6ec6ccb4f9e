"""The part of a volume where something is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Box = tuple[slice, slice, slice]


def occupied(voxels: NDArray[np.generic]) -> Box | None:
    """The smallest box that holds every voxel that is not zero.

    Args:
        voxels: (x, y, z), booleans or numbers.

    Returns:
        A slice per axis, or None where every voxel is zero.
    """
    along_x = voxels.any(axis=(1, 2))
    if not along_x.any():
        return None
    first = _extent(along_x)
    second = _extent(voxels[first].any(axis=(0, 2)))
    third = _extent(voxels[first, second].any(axis=(0, 1)))
    return first, second, third


def _extent(line: NDArray[np.bool_] | np.bool_) -> slice:
    places = np.flatnonzero(line)
    return slice(int(places[0]), int(places[-1]) + 1)
