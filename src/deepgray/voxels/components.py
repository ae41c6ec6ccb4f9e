"""Connected components of masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

TOUCHING = np.ones((3, 3, 3), dtype=bool)


def largest_component(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest 26-connected component.

    Args:
        mask: (x, y, z).

    Returns:
        A mask of the same shape; empty where the mask is empty.
    """
    labelled, count = ndimage.label(mask, TOUCHING)
    if count <= 1:
        return mask
    sizes = np.bincount(labelled.ravel())
    sizes[0] = 0
    return np.asarray(labelled == sizes.argmax())


def main_components(mask: NDArray[np.bool_], *, share: float) -> NDArray[np.bool_]:
    """The largest 26-connected component, and those that are not much smaller.

    Args:
        mask: (x, y, z).
        share: Components with at least this part of the largest one's voxels are kept, 0–1.

    Returns:
        A mask of the same shape; empty where the mask is empty.
    """
    labelled, count = ndimage.label(mask, TOUCHING)
    if count <= 1:
        return mask
    sizes = np.bincount(labelled.ravel())
    sizes[0] = 0
    kept = sizes >= max(1.0, share * float(sizes.max()))
    return np.asarray(kept[labelled])


def touches_border(mask: NDArray[np.bool_]) -> bool:
    """Whether a mask reaches one of the six faces of its array."""
    return any(bool(np.take(mask, end, axis).any()) for axis in range(mask.ndim) for end in (0, -1))
