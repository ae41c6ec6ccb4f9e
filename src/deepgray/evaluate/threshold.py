"""The striatum of a DaT SPECT by a threshold: what needs no network, to compare with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepgray.errors import IntensityError, ShapeError

# Part of the maximum that work B took (doi:10.1109/TRPMS.2024.3398360).
SHARE = 0.67


def threshold_striatum(
    voxels: NDArray[np.float32], *, within: NDArray[np.bool_] | None = None, share: float = SHARE
) -> NDArray[np.bool_]:
    """Voxels that reach a part of the maximum: the whole striatum, without sides and compartments.

    Args:
        voxels: (x, y, z) uptake.
        within: (x, y, z) where maximum and mask are taken, the striatal crop; the whole image where it is None.
        share: Part of the maximum, 0–1.

    Returns:
        (x, y, z), at least one voxel.

    Raises:
        ShapeError: ``within`` has another shape, or holds nothing.
        IntensityError: The maximum is not above zero.
    """
    if within is None:
        within = np.ones(voxels.shape, dtype=bool)
    if within.shape != voxels.shape or not within.any():
        raise ShapeError(f"A crop within {voxels.shape} voxels is wanted, one of {within.shape} came, or an empty one.")
    highest = float(voxels[within].max())
    if not highest > 0:
        raise IntensityError(f"Uptake above zero is wanted for a threshold, the maximum is {highest:g}.")
    return np.asarray(within & (voxels >= np.float32(share * highest)))
