"""Intensity scalings that training and inference share, by name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from deepgray.errors import IntensityError, SettingsError

PERCENTILES = (1.0, 99.0)
CLIP = (-0.25, 1.75)
# Percentiles of this many voxels are as good as those of all.
SAMPLES = 50_000
FEWEST_VOXELS = 100


def normalise(voxels: NDArray[np.float32], name: str) -> NDArray[np.float32]:
    """Scale intensities the way a recipe names.

    Args:
        voxels: Any shape, float32.
        name: ``percentiles``: the 1st percentile of the voxels that are not zero becomes 0, the 99th becomes 1, and
            what lies beyond −0.25 or 1.75 is cut.

    Returns:
        Float32 of the same shape.

    Raises:
        SettingsError: The name is not known.
        IntensityError: Fewer than ``FEWEST_VOXELS`` voxels differ from zero.
    """
    if name not in _SCALINGS:
        raise SettingsError(f"An intensity scaling is wanted, one of {', '.join(_SCALINGS)}; '{name}' came.")
    return _SCALINGS[name](voxels)


def _percentiles(voxels: NDArray[np.float32]) -> NDArray[np.float32]:
    inside = voxels[voxels != 0]
    if inside.size < FEWEST_VOXELS:
        raise IntensityError(f"At least {FEWEST_VOXELS} voxels that are not zero are wanted, {inside.size} came.")
    low, high = np.percentile(inside[:: max(1, inside.size // SAMPLES)], PERCENTILES)
    scaled = (voxels - np.float32(low)) / np.float32(max(high - low, 1e-6))
    return np.asarray(np.clip(scaled, *CLIP), dtype=np.float32)


_SCALINGS: dict[str, Callable[[NDArray[np.float32]], NDArray[np.float32]]] = {"percentiles": _percentiles}
