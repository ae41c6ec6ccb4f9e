"""What a DaT SPECT must be before it is one: a blurred image of a head, and not its projections, an MR or a CT.

The limits come from simulated scans of many cameras, the mean of 174 real ones, and real T1 images:

- Fine detail, the part of the variance inside the head that a blur of 6 mm takes away: SPECT 0.005 to 0.04, T1 0.24 and
  more as it comes, 0.1 when brought to 3 mm.
- In projections the sum of each row hardly changes from view to view, for the object is the same: by 0.04 to 0.07 of
  the sums. In images of 30 slices or more, cut as they may be, it changes by 0.10 and more; in whole heads by 0.4.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepgray.errors import IntensityError, ShapeError
from deepgray.space import FWHM_PER_SIGMA, Affine, spacing_mm
from deepgray.voxels.filters import gaussian, in_reach

BLUR_FWHM_MM = 6.0
MOST_DETAIL = 0.10
# Where a mask cuts the image, its edge is no detail: this far from exact zeros nothing is looked at.
RIM_MM = 8.0
# What is darker than this part of the brightest hundredth is air.
AIR = 0.15
# Fewer voxels than this tell nothing.
FEWEST_VOXELS = 500
FEWEST_VIEWS = 30
LEAST_CHANGE = 0.08
# Filters leave negative voxels behind, but few.
MOST_NEGATIVE = 0.2
# Hounsfield units of air, and the part of a head CT that is air.
AIR_HU, LEAST_AIR = -500.0, 0.05


def check_spect(voxels: NDArray[np.float32], affine_ras: Affine) -> None:
    """Refuse what is no reconstructed SPECT.

    Args:
        voxels: (x, y, z), finite.
        affine_ras: Their affine.

    Raises:
        IntensityError: All zero, negative, signed, a CT, or sharper than any SPECT.
        ShapeError: Projections.
    """
    low, high = float(voxels.min()), float(voxels.max())
    if not np.isfinite([low, high]).all():
        return  # a scan refuses it in its own words
    if low == high == 0:
        raise IntensityError("a SPECT with counts is wanted, every voxel is 0.")
    _check_counts(voxels)
    _check_views(voxels)
    detail = fine_detail(voxels, affine_ras)
    if detail > MOST_DETAIL:
        raise IntensityError(
            f"a SPECT is wanted, blurred over 7 mm and more; fine detail makes {100 * detail:.0f} % of this image, up "
            f"to {100 * MOST_DETAIL:.0f} % expected, which looks like an MR or CT (--task striatum takes MR)."
        )


def _check_counts(voxels: NDArray[np.float32]) -> None:
    if float((voxels < AIR_HU).mean()) > LEAST_AIR:
        raise IntensityError(
            f"a SPECT is wanted, with counts from 0 upwards; {100 * float((voxels < AIR_HU).mean()):.0f} % of these "
            f"voxels lie below {AIR_HU:g}, which looks like a CT in Hounsfield units."
        )
    total = float(voxels.sum(dtype=np.float64))
    if total <= 0:
        raise IntensityError(f"a SPECT with counts is wanted, the sum of all voxels is {total:.4g}.")
    negative = -float(voxels[voxels < 0].sum(dtype=np.float64))
    if negative > MOST_NEGATIVE * (total + negative):
        raise IntensityError(
            "a SPECT with counts from 0 upwards is wanted; negative voxels hold "
            f"{negative / (total + negative):.0%} as much as the positive ones."
        )


def _check_views(voxels: NDArray[np.float32]) -> None:
    change, views = view_change(voxels)
    if change < LEAST_CHANGE:
        raise ShapeError(
            f"a reconstructed SPECT is wanted; in {views} planes every row has the same sum, which looks like "
            "projections: reconstruct them first."
        )


def view_change(voxels: NDArray[np.float32]) -> tuple[float, int]:
    """How much the sums of rows change from plane to plane, and how many planes there are.

    Args:
        voxels: (x, y, z).

    Returns:
        Standard deviation over planes, summed over rows, by the sums; of the axis and rows where it is least. One where
        no axis has ``FEWEST_VIEWS`` planes.
    """
    found = [(1.0, 0)]
    for summed in range(3):
        sums = voxels.sum(axis=summed, dtype=np.float64)
        for axis in range(2):
            size = float(np.abs(sums.mean(axis=axis)).sum())
            if sums.shape[axis] >= FEWEST_VIEWS and size > 0:
                found.append((float(sums.std(axis=axis).sum()) / size, sums.shape[axis]))
    return min(found)


def fine_detail(voxels: NDArray[np.float32], affine_ras: Affine) -> float:
    """The part of the variance inside the head that a blur of ``BLUR_FWHM_MM`` takes away, 0 to 1.

    Args:
        voxels: (x, y, z).
        affine_ras: Their affine.

    Returns:
        0 where too little of the image lies away from exact zeros to tell.
    """
    spacing = spacing_mm(affine_ras)
    blurred = gaussian(voxels, BLUR_FWHM_MM / FWHM_PER_SIGMA / spacing)
    filled = ~in_reach(voxels == 0, [round(RIM_MM / float(s)) for s in spacing])
    bright = float(np.percentile(voxels[voxels != 0], 99))
    inside = filled & (blurred > AIR * bright)
    variance = float(voxels[inside].var(dtype=np.float64)) if inside.sum() >= FEWEST_VOXELS else 0.0
    if variance == 0:
        return 0.0
    away = (voxels - blurred)[inside].astype(np.float64)
    return float((away**2).mean()) / variance
