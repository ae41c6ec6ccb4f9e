"""What a susceptibility map must be before it is one: ppm, signed, and zero outside the head.

A file does not say its unit, and a phase, a field map or a magnitude image has the same shape. The size of the values
inside the mask tells them apart: on maps in ppm half the voxels lie within about 0.01–0.03 and 99 % within 0.05–0.4
(the COSMOS map of the 2016 reconstruction challenge: 0.013 and 0.106). The limits leave three times as much and more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepgray.errors import IntensityError, MaskError, SettingsError
from deepgray.scan import IntegerVolume, mask_on_grid
from deepgray.space import Grid

UNITS: dict[str, float] = {"ppm": 1.0, "ppb": 1e-3}

# Limits of the size below which 99 % of a map in ppm lie: noisy maps reach 0.4, wrapped phase begins at 3 (radians).
MOST_PPM, LEAST_PPM = 1.0, 0.01
# Half of a map in ppm lies far below this; half of a phase in radians does not, however weak.
MOST_MEDIAN_PPM = 0.1
# Who states the unit knows an unusual map (calcified, very noisy, very smooth): the limits are this much wider.
STATED_SLACK = 5.0
# What the size of 99 % of the values looks like, where it is too large for ppm. Phase ends at π; local fields at 3 T
# reach some 20 Hz; maps in ppb reach 50–400; scanners store phase as integers of ±4096.
PHASE_ENDS, FIELD_ENDS_HZ, PPB_ENDS = 5.0, 25.0, 2000.0
# Half of the voxels of a map are negative; fluid as reference shifts that, but never to almost none.
LEAST_NEGATIVE = 0.01
# A map without at least this part of exact zeros has no outside; a cropped head still has a tenth.
LEAST_OUTSIDE = 0.01
# Percentiles of this many voxels are as good as those of all.
_SAMPLES = 500_000


@dataclass(frozen=True, eq=False)
class Ppm:
    """A susceptibility map in ppm, and what was changed to make it one.

    Attributes:
        voxels: (x, y, z) float32, ppm, zero outside.
        changes: Sentences, empty where nothing was changed.
    """

    voxels: NDArray[np.float32]
    changes: tuple[str, ...]


def in_ppm(voxels: NDArray[np.float32], *, unit: str | None) -> Ppm:
    """A map in ppm, tested.

    Args:
        voxels: (x, y, z) as stored, zero outside the head.
        unit: ``ppm`` or ``ppb`` where the user states it; None takes ppm and refuses what does not look like it.

    Raises:
        SettingsError: The unit is not known.
        IntensityError: NaN or infinite, no outside, unsigned, or of a size that no map in this unit has.
    """
    if unit is not None and unit not in UNITS:
        raise SettingsError(f"A unit is wanted, one of {', '.join(UNITS)}; '{unit}' came.")
    inside = _inside(voxels)
    _check_signed(inside)
    _check_outside(voxels)
    _check_size(inside, unit)
    if unit is None or UNITS[unit] == 1.0:
        return Ppm(voxels, ())
    return Ppm(voxels * np.float32(UNITS[unit]), (f"Its values were stated to be {unit} and brought to ppm.",))


def masked(voxels: NDArray[np.float32], grid: Grid, mask: IntegerVolume) -> NDArray[np.float32]:
    """A map that is zero where a mask is.

    Args:
        voxels: (x, y, z); NaN outside the mask is taken for nothing.
        grid: The map's grid.
        mask: On this grid, or on one whose axes are permuted or flipped.

    Raises:
        MaskError: Another grid, or an empty mask.
    """
    keep = mask_on_grid(mask, grid, what="brain mask") != 0
    if not keep.any():
        raise MaskError("A brain mask with labelled voxels is wanted, an empty one came.")
    return np.asarray(np.where(keep, voxels, 0), dtype=np.float32)


def _inside(voxels: NDArray[np.float32]) -> NDArray[np.float32]:
    if not np.isfinite([float(voxels.min()), float(voxels.max())]).all():
        raise IntensityError("finite voxels are wanted, NaN or infinite ones came; --mask FILE sets the outside to 0.")
    inside = voxels[voxels != 0]
    if not inside.size:
        raise IntensityError("a susceptibility map is wanted, every voxel is 0.")
    return np.asarray(inside[:: max(1, inside.size // _SAMPLES)])


def _check_outside(voxels: NDArray[np.float32]) -> None:
    outside = 1.0 - np.count_nonzero(voxels) / voxels.size
    if outside < LEAST_OUTSIDE:
        raise IntensityError(
            f"a susceptibility map that is zero outside the head is wanted, {100 * outside:.1f} % of its voxels are; "
            "--mask FILE states where the brain is."
        )


def _check_signed(inside: NDArray[np.float32]) -> None:
    negative = float((inside < 0).mean())
    if negative < LEAST_NEGATIVE:
        raise IntensityError(
            f"a susceptibility map is wanted, with values on both sides of 0; {100 * negative:.1f} % of these are "
            "negative, which looks like a magnitude or T1 image (--task striatum takes those)."
        )


def _check_size(inside: NDArray[np.float32], unit: str | None) -> None:
    size, median = (float(p) for p in np.percentile(np.abs(inside), (99.0, 50.0)))
    scale = UNITS[unit or "ppm"]
    slack = 1.0 if unit is None else STATED_SLACK
    if LEAST_PPM / slack <= size * scale <= MOST_PPM * slack and median * scale <= MOST_MEDIAN_PPM * slack:
        return
    raise IntensityError(
        f"a susceptibility map in {unit or 'ppm'} is wanted, 99 % of it within "
        f"±{LEAST_PPM / slack / scale:g} to ±{MOST_PPM * slack / scale:g}; "
        f"here 99 % lie within ±{size:.3g}, which looks like {_looks_like(size, median)}."
    )


def _looks_like(size: float, median: float) -> str:
    if size < LEAST_PPM:
        return "a map without a unit (1 instead of 10⁻⁶): multiply it by a million and state --unit ppm"
    if size <= MOST_PPM and median <= MOST_MEDIAN_PPM:
        return "ppm: --unit ppm states that"
    if size <= PHASE_ENDS:
        return "a phase or a field in radians: give the map that was reconstructed from it (--unit states ppm or ppb)"
    if size <= FIELD_ENDS_HZ:
        return "a field map in Hz: give the map that was reconstructed from it (if it is one in ppb, state --unit ppb)"
    if size <= PPB_ENDS:
        return "ppb: --unit ppb states that"
    return "a phase or magnitude in the scanner's own numbers: give the map that was reconstructed from it"
