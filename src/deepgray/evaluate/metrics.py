"""How well one mask agrees with another: overlap, volume, and the distance between the surfaces.

Surface measures are weighted by the area of the surface elements, see ``voxels.surface``. Where both masks are empty
every measure is NaN; where one of them is, overlap is 0 and distances are infinite: a structure that was missed
altogether is the worst result, not a missing one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepgray.voxels.surface import SurfaceDistances

Mask = NDArray[np.bool_]

# Distances are sums and roots of spacings: one that equals the tolerance on paper may exceed it in the last digit.
ROUNDING_MM = 1e-6
# Areas that reach the wanted part of the whole but for rounding have reached it.
ROUNDING_PART = 1e-9


def dice(predicted: Mask, truth: Mask) -> float:
    """Twice the overlap over the sum of both sizes (Dice 1945, doi:10.2307/1932409).

    Args:
        predicted: Any shape.
        truth: Same shape.

    Returns:
        0–1; 0 where one mask is empty, NaN where both are.
    """
    return dice_of_counts(
        overlap=int(np.count_nonzero(predicted & truth)),
        predicted=int(np.count_nonzero(predicted)),
        truth=int(np.count_nonzero(truth)),
    )


def dice_of_counts(*, overlap: int, predicted: int, truth: int) -> float:
    """Dice from numbers of voxels.

    Args:
        overlap: Voxels in both.
        predicted: Voxels in the one.
        truth: Voxels in the other.

    Returns:
        0–1; NaN where both are empty.
    """
    return 2.0 * overlap / (predicted + truth) if predicted + truth else float("nan")


def relative_volume_difference(predicted: float, truth: float) -> float:
    """Difference of two volumes, without its sign, relative to the true one (RVD).

    Args:
        predicted: Volume or number of voxels.
        truth: The same of the truth.

    Returns:
        0 or more, 1 = 100 %; infinite where only the truth is empty, NaN where both are.
    """
    if truth > 0:
        return abs(predicted - truth) / truth
    return float("inf") if predicted > 0 else float("nan")


def hd95_mm(distances: SurfaceDistances) -> float:
    """The 95th percentile of the symmetric surface distance: both directions pooled.

    Returns:
        Smallest distance in mm that 95 % of the area of both surfaces keep.
    """
    return _percentile_mm(*_both(distances), part=0.95)


def hd95_directed_mm(distances: SurfaceDistances) -> float:
    """The larger of the two one-way 95th percentiles, as some tools print it; never below ``hd95_mm``.

    Returns:
        mm.
    """
    there = _percentile_mm(distances.distances_ab_mm, distances.areas_a_mm2, part=0.95)
    back = _percentile_mm(distances.distances_ba_mm, distances.areas_b_mm2, part=0.95)
    return float("nan") if np.isnan(there) and np.isnan(back) else float(np.nanmax([there, back]))


def hd_scaled_mm(distances: SurfaceDistances) -> float:
    """0.95 × the largest surface distance, which some works print as their HD95.

    Returns:
        mm.
    """
    pooled, _ = _both(distances)
    return 0.95 * float(pooled.max()) if len(pooled) else float("nan")


def assd_mm(distances: SurfaceDistances) -> float:
    """The average symmetric surface distance: the mean over the area of both surfaces.

    Returns:
        mm.
    """
    pooled, areas = _both(distances)
    return float(np.average(pooled, weights=areas)) if len(pooled) else float("nan")


def surface_dice(distances: SurfaceDistances, *, tolerance_mm: float) -> float:
    """The part of both surfaces' area that lies within a tolerance of the other (doi:10.2196/26151).

    Args:
        distances: Of two masks.
        tolerance_mm: Distance that still counts as agreement.

    Returns:
        0–1.
    """
    pooled, areas = _both(distances)
    return float(areas[pooled <= tolerance_mm + ROUNDING_MM].sum() / areas.sum()) if len(pooled) else float("nan")


def _both(distances: SurfaceDistances) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    pooled = np.concatenate([distances.distances_ab_mm, distances.distances_ba_mm])
    return pooled, np.concatenate([distances.areas_a_mm2, distances.areas_b_mm2])


def _percentile_mm(values_mm: NDArray[np.float64], areas_mm2: NDArray[np.float64], *, part: float) -> float:
    if not len(values_mm):
        return float("nan")
    order = np.argsort(values_mm, kind="stable")
    reached = np.cumsum(areas_mm2[order])
    place = np.searchsorted(reached, part * reached[-1] * (1 - ROUNDING_PART))
    return float(values_mm[order][place])
