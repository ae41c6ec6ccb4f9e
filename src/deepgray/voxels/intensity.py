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
# Deep nuclei lie within these ends on maps of any reconstruction; veins and calcifications beyond them say no more.
SUSCEPTIBILITY_CLIP_PPM = (-0.25, 0.40)
# Brings a nucleus of 0.12 ppm to about 1, the size of the scaled intensities of other scans.
SUSCEPTIBILITY_SCALE = 8.0


def normalise(voxels: NDArray[np.float32], name: str, *, within: tuple[slice, ...] = ()) -> NDArray[np.float32]:
    """Scale intensities the way a recipe names.

    Args:
        voxels: Any shape, float32.
        name: ``percentiles``: the 1st percentile of the voxels that are not zero becomes 0, the 99th becomes 1, and
            what lies beyond −0.25 or 1.75 is cut. ``susceptibility``: ppm, cut at ``SUSCEPTIBILITY_CLIP_PPM``, times
            ``SUSCEPTIBILITY_SCALE``; never referenced to the map itself, so that 0 stays 0.
        within: The part whose percentiles are taken; all of it unless said otherwise.

    Returns:
        Float32 of the same shape.

    Raises:
        SettingsError: The name is not known.
        IntensityError: Fewer than ``FEWEST_VOXELS`` voxels of the part differ from zero (``percentiles``).
    """
    if name not in _SCALINGS:
        raise SettingsError(f"An intensity scaling is wanted, one of {', '.join(_SCALINGS)}; '{name}' came.")
    return _SCALINGS[name](voxels, voxels[within])


def _percentiles(voxels: NDArray[np.float32], part: NDArray[np.float32]) -> NDArray[np.float32]:
    inside = part[part != 0]
    if inside.size < FEWEST_VOXELS:
        raise IntensityError(f"At least {FEWEST_VOXELS} voxels that are not zero are wanted, {inside.size} came.")
    low, high = np.percentile(inside[:: max(1, inside.size // SAMPLES)], PERCENTILES)
    scaled = (voxels - np.float32(low)) / np.float32(max(high - low, 1e-6))
    return np.asarray(np.clip(scaled, *CLIP), dtype=np.float32)


def _susceptibility(voxels: NDArray[np.float32], _: NDArray[np.float32]) -> NDArray[np.float32]:
    cut = np.clip(voxels, *SUSCEPTIBILITY_CLIP_PPM)
    return np.asarray(cut * np.float32(SUSCEPTIBILITY_SCALE), dtype=np.float32)


_SCALINGS: dict[str, Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]]] = {
    "percentiles": _percentiles,
    "susceptibility": _susceptibility,
}
