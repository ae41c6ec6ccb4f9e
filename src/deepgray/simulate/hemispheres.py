"""Label maps of whole heads made ready for simulation: smooth, finer than they came, upright, one side at a time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepgray.anatomy import Side
from deepgray.simulate.tissues import INDEX, WHOLE, tissue_lookup
from deepgray.space import MIRROR_X, Affine, Grid, apply_affine
from deepgray.voxels.components import nearest_labels

# Manual labels are traced slice by slice; a Gaussian of this width takes the steps away and keeps thin structures.
SMOOTHING_MM = 0.7
# Grey matter between putamen and insula that no source labels: this far from the putamen's surface.
CLAUSTRUM_MM = (1.3, 2.8)
CLAUSTRUM_REACH_MM = 7.0
# Fluid labels this close to the third ventricle are in truth fornix, septum and commissures.
MIDLINE_REACH_MM = 8.0
# Grey matter below the striatum and pallidum that no source labels (substantia innominata, anterior perforated
# substance): this close to them, in this box below the anterior commissure (canonical mm, left side), where the source
# says white matter or fluid.
BASAL_BOX_MM = ((-28.0, -14.0, -20.0), (-4.0, 14.0, -1.0))
BASAL_WHITE_MM = 5.0
BASAL_FLUID_MM = 2.0
# Behind and below the accumbens grey matter goes on without a border (diagonal band, ventral pallidum); raters stop
# about this far before it ends. In this box (canonical mm, left side).
RIM_BOX_MM = ((-20.0, -4.0, -14.0), (-1.0, 13.0, 2.0))
RIM_MM = (0.3, 2.1)


def smooth_resample(
    voxels: NDArray[np.uint8], affine_ras: Affine, target: Grid, *, world_from_target: Affine, smoothing_mm: float
) -> NDArray[np.uint8]:
    """Carry a tissue map to another grid by its smoothed one-hot maps, the largest winning.

    Args:
        voxels: (x, y, z) tissues.
        affine_ras: Their affine.
        target: Grid that is wanted, in any frame.
        world_from_target: 4 × 4 from the target's frame to the world of ``affine_ras``.
        smoothing_mm: Standard deviation of the Gaussian.

    Returns:
        Tissues on the target grid; air where the source ends.
    """
    index_from_target = np.linalg.inv(affine_ras) @ world_from_target @ target.affine_ras
    block, shift = _needed_block(voxels, index_from_target, target.shape)
    best = np.zeros(target.shape, dtype=np.float32)
    winner = np.zeros(target.shape, dtype=np.uint8)
    sigma = smoothing_mm / np.linalg.norm(affine_ras[:3, :3], axis=0)
    for tissue in np.unique(block):
        soft = ndimage.gaussian_filter((block == tissue).astype(np.float32), sigma, truncate=3.0)
        moved = ndimage.affine_transform(
            soft,
            index_from_target[:3, :3],
            offset=index_from_target[:3, 3] - shift,
            output_shape=target.shape,
            order=1,
            cval=1.0 if tissue == 0 else 0.0,
        )
        better = moved > best
        best[better] = moved[better]
        winner[better] = tissue
    return winner


def hemisphere(  # noqa: PLR0913 (two maps, each with what its numbers mean, and one frame)
    labels: NDArray[np.integer],
    affine_ras: Affine,
    *,
    source: str,
    side: Side,
    frame: tuple[Affine, Grid],
    parts: NDArray[np.integer] | None = None,
    part_names: Mapping[int, str] | None = None,
) -> NDArray[np.uint8]:
    """One side of a label map as a tissue map in the canonical frame of the left side.

    Args:
        labels: (x, y, z) labels of the source.
        affine_ras: Their affine.
        source: ``freesurfer`` or ``hoa2``.
        side: The side that is wanted; the right one is mirrored onto the left.
        frame: ``canonical_from_world`` and the grid in canonical millimetres.
        parts: Subregions on the grid of ``labels``, or None to leave the striatum whole.
        part_names: What each number of ``parts`` is called (``anterior caudate``).

    Returns:
        Tissues on the frame's grid.
    """
    canonical_from_world, grid = frame
    table = tissue_lookup(source, side)
    tissues = table[np.where(labels < len(table), labels, 0)]
    world_from_frame = np.linalg.inv(canonical_from_world) @ (MIRROR_X if side is Side.RIGHT else np.eye(4))
    fine = smooth_resample(tissues, affine_ras, grid, world_from_target=world_from_frame, smoothing_mm=SMOOTHING_MM)
    if parts is not None and part_names is not None:
        nearest = _nearest(parts, affine_ras, grid, world_from_frame)
        fine = _cut(fine, nearest, part_names)
    fine = _add_claustrum(fine, grid)
    return _free_midline(fine, grid)


def _needed_block(
    voxels: NDArray[np.uint8], index_from_target: Affine, shape: tuple[int, int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    corners = np.stack(np.meshgrid(*[(0, n - 1) for n in shape], indexing="ij"), axis=-1).reshape(-1, 3)
    reached = apply_affine(index_from_target, corners)
    low = np.clip(np.floor(reached.min(0)) - 4, 0, np.array(voxels.shape) - 1).astype(int)
    high = np.clip(np.ceil(reached.max(0)) + 5, low + 1, voxels.shape).astype(int)
    return voxels[low[0] : high[0], low[1] : high[1], low[2] : high[2]], low.astype(np.float64)


def _nearest(
    voxels: NDArray[np.integer], affine_ras: Affine, grid: Grid, world_from_frame: Affine
) -> NDArray[np.integer]:
    """Labels carried to a grid, empty places filled from the nearest label."""
    index_from_frame = np.linalg.inv(affine_ras) @ world_from_frame @ grid.affine_ras
    moved: NDArray[np.integer] = ndimage.affine_transform(
        voxels, index_from_frame[:3, :3], offset=index_from_frame[:3, 3], output_shape=grid.shape, order=0
    )
    return nearest_labels(moved)


def _cut(fine: NDArray[np.uint8], parts: NDArray[np.integer], names: Mapping[int, str]) -> NDArray[np.uint8]:
    """Replace whole caudate and putamen by their parts."""
    cut = fine.copy()
    for compartment in ("caudate", "putamen"):
        whole = fine == INDEX[WHOLE[compartment]]
        for number, name in names.items():
            tissue = INDEX.get(f"{compartment}/{name}")
            if tissue is not None:
                cut[whole & (parts == number)] = tissue
    return cut


def _members(prefix: str) -> list[int]:
    return [number for name, number in INDEX.items() if name.startswith(prefix)]


def _add_claustrum(fine: NDArray[np.uint8], grid: Grid) -> NDArray[np.uint8]:
    spacing = grid.spacing_mm
    putamen = np.isin(fine, _members("putamen/"))
    if not putamen.any():
        return fine
    to_putamen = ndimage.distance_transform_edt(~putamen, sampling=spacing)
    to_cortex = ndimage.distance_transform_edt(fine != INDEX["cortex"], sampling=spacing)
    sheet = (to_putamen > CLAUSTRUM_MM[0]) & (to_putamen < CLAUSTRUM_MM[1]) & (fine == INDEX["white matter"])
    sheet &= (to_cortex < CLAUSTRUM_REACH_MM) & (to_cortex > 1.0)
    out = fine.copy()
    out[sheet] = INDEX["claustrum"]
    return out


def _free_midline(fine: NDArray[np.uint8], grid: Grid) -> NDArray[np.uint8]:
    third = fine == INDEX["third ventricle"]
    fluid = fine == INDEX["cerebrospinal fluid"]
    if not third.any() or not fluid.any():
        return fine
    near = ndimage.distance_transform_edt(~third, sampling=grid.spacing_mm) < MIDLINE_REACH_MM
    out = fine.copy()
    out[fluid & near] = INDEX["midline tissue"]
    return out


def with_basal_forebrain(fine: NDArray[np.uint8], grid: Grid) -> NDArray[np.uint8]:
    """Put grey matter below striatum and pallidum, and a rim that looks like it around the accumbens.

    Args:
        fine: (x, y, z) tissues on ``grid``.
        grid: In canonical mm of the left side.

    Returns:
        A copy with the tissues ``basal forebrain`` and ``accumbens rim``; how thick the rim is follows from the map.
    """
    part, box = _part_and_box(grid, BASAL_BOX_MM)
    near = fine[part]
    accumbens = np.isin(near, _members("accumbens/"))
    nuclei = accumbens | np.isin(near, [*_members("putamen/"), INDEX["external pallidum"], INDEX["internal pallidum"]])
    distance = ndimage.distance_transform_edt(~nuclei, sampling=grid.spacing_mm)
    white = np.isin(near, [INDEX["white matter"], INDEX["midline tissue"], INDEX["claustrum"]])
    grey = white & (distance < BASAL_WHITE_MM)
    grey |= (near == INDEX["cerebrospinal fluid"]) & (distance < BASAL_FLUID_MM)
    out = fine.copy()
    out[part][grey & box] = INDEX["basal forebrain"]
    if accumbens.any():
        part, box = _part_and_box(grid, RIM_BOX_MM)
        near = out[part]
        to_accumbens = ndimage.distance_transform_edt(~np.isin(near, _members("accumbens/")), sampling=grid.spacing_mm)
        thickness = RIM_MM[0] + (RIM_MM[1] - RIM_MM[0]) * (int(accumbens.sum()) % 11) / 10
        open_end = np.isin(near, [INDEX["basal forebrain"], INDEX["white matter"], INDEX["midline tissue"]])
        near[box & open_end & (to_accumbens < thickness)] = INDEX["accumbens rim"]
    return out


def _part_and_box(
    grid: Grid, corners_mm: tuple[tuple[float, float, float], tuple[float, float, float]]
) -> tuple[tuple[slice, ...], NDArray[np.bool_]]:
    """The part of a grid with a box and eight voxels around it, and which voxels of the part lie in the box."""
    low, high = (np.asarray(corner) for corner in corners_mm)
    first = np.maximum(np.ceil((low - grid.affine_ras[:3, 3]) / grid.spacing_mm).astype(int), 0)
    last = np.minimum(np.floor((high - grid.affine_ras[:3, 3]) / grid.spacing_mm).astype(int) + 1, grid.shape)
    around = tuple(slice(max(0, a - 8), b + 8) for a, b in zip(first, last, strict=True))
    shape = [len(range(*s.indices(n))) for s, n in zip(around, grid.shape, strict=True)]
    box = np.zeros(shape, dtype=bool)
    box[tuple(slice(a - s.start, b - s.start) for a, b, s in zip(first, last, around, strict=True))] = True
    return around, box


def on_donor(
    nuclei: NDArray[np.uint8], donor: NDArray[np.uint8], donor_from_nuclei: Affine, grid: Grid
) -> NDArray[np.uint8]:
    """Fill what a subcortical label map leaves empty from another head.

    Args:
        nuclei: (x, y, z) tissues on ``grid``, air where nothing is labelled.
        donor: (x, y, z) tissues of a whole head on ``grid``.
        donor_from_nuclei: 4 × 4 in canonical mm that brings the nuclei onto the donor's.
        grid: Grid of both.

    Returns:
        The nuclei in the donor's head; the donor's own nuclei become white matter where they stick out.
    """
    index = np.linalg.inv(grid.affine_ras) @ donor_from_nuclei @ grid.affine_ras
    moved: NDArray[np.uint8] = ndimage.affine_transform(
        donor, index[:3, :3], offset=index[:3, 3], output_shape=grid.shape, order=0, mode="nearest"
    )
    replaced = np.unique(nuclei)
    own = np.zeros(256, dtype=bool)
    own[replaced] = True
    own[[INDEX["air"], INDEX["cerebrospinal fluid"]]] = False
    own[_members("caudate/") + _members("putamen/") + [INDEX["internal pallidum"], INDEX["claustrum"]]] = True
    filled = np.where(own[moved], INDEX["white matter"], moved).astype(np.uint8)
    out = np.where(nuclei > 0, nuclei, filled).astype(np.uint8)
    return _add_claustrum(out, grid)


def centroid_affine(source: NDArray[np.uint8], target: NDArray[np.uint8], grid: Grid) -> Affine:
    """Affine in canonical mm that brings the nuclei of one tissue map onto those of another, by their centroids."""
    names = ("accumbens/", "other accumbens", "thalamus", "hippocampus", "amygdala", "third ventricle", "other putamen")
    groups = [_members("caudate/"), _members("putamen/"), *(_members(n) for n in names)]
    pairs = []
    for group in groups:
        one, two = np.isin(source, group), np.isin(target, group)
        if one.sum() > 20 and two.sum() > 20:
            pairs.append((np.argwhere(one).mean(0), np.argwhere(two).mean(0)))
    start = apply_affine(grid.affine_ras, np.array([p[0] for p in pairs]))
    end = apply_affine(grid.affine_ras, np.array([p[1] for p in pairs]))
    solution, *_ = np.linalg.lstsq(np.c_[start, np.ones(len(start))], end, rcond=None)
    affine = np.eye(4)
    affine[:3] = solution.T
    return affine
