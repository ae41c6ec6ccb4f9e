"""Correction for partial volume by regions: the geometric transfer matrix.

What a scanner shows of a region is a mixture of all regions, by how much each of them spills into it. With the regions'
shapes from a magnetic resonance image and the scanner's resolution the mixture is known, and is undone for the means of
regions (Rousset 1998, J Nucl Med 39:904–911; reviewed by Erlandsson 2012, doi:10.1088/0031-9155/57/21/R119). It takes
every region to be even inside, and the resolution to be the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from deepgray.measure.tracer_references import split
from deepgray.result import Outline, Pose
from deepgray.scan import Scan
from deepgray.space import FWHM_PER_SIGMA, Grid, Points, apply_affine, inverse
from deepgray.voxels.crop import occupied
from deepgray.voxels.filters import gaussian
from deepgray.voxels.interpolate import at_affine

# Around the structures so many times the resolution is looked at.
ROOM = 2.0
# Inside the brain and outside of the structures: three regions by brightness, which begin at these.
PERCENTILES = (10, 50, 90)
_Mask = NDArray[np.bool_]


def corrected_means(
    outline: Outline,
    others: Sequence[Outline],
    head: tuple[Scan, Pose],
    *,
    psf_mm: float,
    values: Callable[[Points], NDArray[np.float64]],
) -> dict[int, float]:
    """Means of an outline's structures with partial volume corrected.

    Args:
        outline: The structures.
        others: Outlines of further structures on the same grid; what they hold beyond the first are regions too.
        head: The magnetic resonance image, and where the head is in it.
        psf_mm: Resolution, full width at half maximum.
        values: The tracer scan at points (n, 3) of the image's world; NaN outside its field of view.

    Returns:
        Mean by label; structures without voxels are left out.
    """
    scan, pose = head
    labels = outline.labels.voxels.astype(np.int32)
    for other in others:
        labels = np.where((labels == 0) & (other.labels.voxels > 0), -other.labels.voxels.astype(np.int32), labels)
    box = occupied(labels)
    if box is None:
        return {}
    box = _enlarged(box, labels.shape, ROOM * psf_mm / scan.grid.spacing_mm)
    regions = _regions(labels[box], box, scan, pose)
    places = np.argwhere(np.ones(regions.shape, dtype=bool)) + [axis.start for axis in box]
    seen = values(apply_affine(scan.affine_ras, places)).reshape(regions.shape)
    numbers = np.unique(regions)
    sigma = psf_mm / FWHM_PER_SIGMA / scan.grid.spacing_mm
    true = undone(regions, numbers, seen, sigma=sigma)
    return {int(n): float(v) for n, v in zip(numbers, true, strict=True) if n in outline.labels.scheme.by_label()}


def undone(
    regions: NDArray[np.integer],
    numbers: NDArray[np.integer],
    seen: NDArray[np.float64],
    *,
    sigma: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Means of regions before a blur.

    Args:
        regions: (x, y, z) number of the region that each voxel belongs to.
        numbers: (n,) of the regions.
        seen: (x, y, z) the blurred image; NaN where it is not known.
        sigma: (3,) standard deviation of the blur, voxels.

    Returns:
        (n,) means of the regions as they were.
    """
    known = np.isfinite(seen)
    members = [(regions == number) & known for number in numbers]
    matrix = np.zeros((len(numbers), len(numbers)))
    for column, number in enumerate(numbers):
        spread = gaussian(regions == number, sigma, edge="nearest")
        matrix[:, column] = [float(spread[mask].mean(dtype=np.float64)) if mask.any() else 0.0 for mask in members]
    means = np.array([float(seen[mask].mean()) if mask.any() else 0.0 for mask in members])
    return np.asarray(np.linalg.lstsq(matrix, means, rcond=1e-6)[0])


def _enlarged(
    box: tuple[slice, slice, slice], shape: tuple[int, ...], room: NDArray[np.float64]
) -> tuple[slice, slice, slice]:
    x, y, z = (
        slice(max(0, axis.start - int(np.ceil(r))), min(n, axis.stop + int(np.ceil(r))))
        for axis, n, r in zip(box, shape, room, strict=True)
    )
    return x, y, z


def _regions(labels: NDArray[np.int32], box: tuple[slice, slice, slice], scan: Scan, pose: Pose) -> NDArray[np.int32]:
    """Structures by their labels; the rest by brightness, with numbers beyond them; 0 outside the brain."""
    part = scan.grid.crop(*((box[0].start, box[1].start, box[2].start), (box[0].stop, box[1].stop, box[2].stop)))
    brain = _brain(pose, part) & (labels == 0)
    out = labels.copy()
    if brain.any():
        first = int(np.abs(labels).max()) + 1
        values = scan.voxels[box][brain]
        out[brain] = first + split(values, np.percentile(values, PERCENTILES).astype(np.float64))
    return out


def _brain(pose: Pose, grid: Grid) -> _Mask:
    coarse = pose.coarse
    index = inverse(coarse.affine_ras) @ grid.affine_ras
    return np.asarray(at_affine((coarse.voxels > 0)[None], index, grid.shape, nearest=True)[0] > 0)
