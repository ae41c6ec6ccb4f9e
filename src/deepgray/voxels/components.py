"""Connected components of masks, and backgrounds filled from the nearest label."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepgray.voxels.filters import nearest, pieces


def largest_component(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest 26-connected component.

    Args:
        mask: (x, y, z).

    Returns:
        A mask of the same shape; empty where the mask is empty.
    """
    labelled, sizes = _sized(mask)
    return np.asarray(labelled == sizes.argmax()) if len(sizes) > 2 else mask


def main_components(mask: NDArray[np.bool_], *, share: float) -> NDArray[np.bool_]:
    """The largest 26-connected component, and those that are not much smaller.

    Args:
        mask: (x, y, z).
        share: Components with at least this part of the largest one's voxels are kept, 0–1.

    Returns:
        A mask of the same shape; empty where the mask is empty.
    """
    labelled, sizes = _sized(mask)
    kept = sizes >= max(1.0, share * float(sizes.max()))
    return np.asarray(kept[labelled])


def _sized(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Number of each voxel's component, 0 outside the mask, and voxels of each component, 0 for what is outside."""
    labelled, _ = pieces(mask)
    sizes = np.bincount(labelled.ravel())
    sizes[0] = 0
    return labelled, sizes


def touches_border(mask: NDArray[np.bool_]) -> bool:
    """Whether a mask reaches one of the six faces of its array."""
    return any(bool(np.take(mask, end, axis).any()) for axis in range(mask.ndim) for end in (0, -1))


def nearest_labels(labels: NDArray[np.integer]) -> NDArray[np.integer]:
    """A label map (x, y, z) whose background is filled from the nearest label, in voxels."""
    return np.asarray(labels[nearest(labels != 0)[1]])
