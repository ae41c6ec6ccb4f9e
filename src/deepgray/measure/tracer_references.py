"""Reference regions of a tracer scan beside a magnetic resonance image: cerebellar grey, occipital grey, white matter.

``locate`` gives a coarse map and the pose, the image itself tells grey from white and fluid: a coarse region is seen in
the canonical frame at ``SPACING_MM``, freed of a slow change of brightness, and its intensities are split into three.
Grey matter lies in the middle, as it does on T1 and T2 alike; of the two ends white matter is the deeper one. What
borders on another activity is left out, for a scanner's blur reaches
over the border; sulci inside the cortex cannot be left out, and are told in docs/pet.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepgray.measure.references import SPILL_MM, VENTRICLES_MM, labels_of
from deepgray.result import Pose
from deepgray.scan import IntegerVolume, Scan
from deepgray.space import Affine, Box, Grid, apply_affine, inverse
from deepgray.voxels.resample import to_frame

Mask = NDArray[np.bool_]
Volume = NDArray[np.float32]

SPACING_MM = 1.5
ROOM_MM = 6.0
# A slow change of brightness is taken out over this width (standard deviation).
SLOW_MM = 25.0
# Off the cerebellum's rim, off fluid between its folds, and off the midline and its vessels.
CEREBELLUM_RIM_MM, FLUID_RIM_MM, MIDLINE_MM = 4.0, 2.5, 5.0
# The occipital pole as in the references of scans without a magnetic resonance image.
OCCIPITAL_PART, OCCIPITAL_HEIGHT_MM = 0.2, (-25.0, 30.0)
OCCIPITAL_RIM_MM = 2.0
# White matter above the ventricles, off all grey matter.
WHITE_HEIGHT_MM, WHITE_RIM_MM = (15.0, 50.0), 3.0
WORDS = {
    "cerebellar-grey": f"cerebellar grey matter without the outermost {CEREBELLUM_RIM_MM:g} mm",
    "occipital": "occipital grey matter",
    "white-matter": f"cerebral white matter {WHITE_RIM_MM:g} mm off all grey matter",
}
# Turns of splitting intensities into classes; they settle long before.
_TURNS = 40


@dataclass(frozen=True, eq=False)
class _Window:
    """Part of the head in the canonical frame.

    Attributes:
        image: (x, y, z) the scan, brightness made even.
        coarse: (x, y, z) labels of the coarse map.
        depth_mm: (x, y, z) how far inside the brain.
        grid: In canonical mm.
    """

    image: Volume
    coarse: NDArray[np.int16]
    depth_mm: Volume
    grid: Grid

    @property
    def canonical_mm(self) -> NDArray[np.float64]:
        index = np.moveaxis(np.indices(self.grid.shape), 0, -1)
        return apply_affine(self.grid.affine_ras, index)


def region_of(name: str, scan: Scan, pose: Pose) -> IntegerVolume:
    """A reference region.

    Args:
        name: One of ``recipe.TRACER_REFERENCES``.
        scan: The magnetic resonance image.
        pose: Where the head is, with its coarse map.

    Returns:
        1 inside, on a grid of its own in the scan's world; empty where the field of view lacks the region.
    """
    coarse = pose.coarse
    names = ("cerebellum",) if name == "cerebellar-grey" else ("rest of brain",)
    inside = np.isin(coarse.voxels, labels_of(coarse.scheme, *names))
    places = apply_affine(pose.canonical_from_world @ coarse.affine_ras, np.argwhere(inside))
    places = places[_kept(name, places, pose)]
    if len(places) < 10:
        return IntegerVolume(np.zeros((2, 2, 2), dtype=np.uint8), coarse.affine_ras)
    window = _window(scan, pose, places)
    find = {"cerebellar-grey": _cerebellar_grey, "occipital": _occipital, "white-matter": _white}[name]
    wanted = np.isin(window.coarse, labels_of(coarse.scheme, *names)) & (window.image > 0)
    points = window.canonical_mm
    kept = _kept(name, points.reshape(-1, 3), pose).reshape(wanted.shape)
    found = find(window, wanted & kept & ~_ventricles(points))
    return IntegerVolume(found.astype(np.uint8), inverse(pose.canonical_from_world) @ window.grid.affine_ras)


def _kept(name: str, points_mm: NDArray[np.float64], pose: Pose) -> Mask:
    """Which points (n, 3) a region may hold, by their place in the canonical frame."""
    y, z = points_mm[:, 1], points_mm[:, 2]
    if name == "cerebellar-grey":
        return np.asarray(np.abs(points_mm[:, 0]) > MIDLINE_MM)
    if name == "white-matter":
        return np.asarray((z > WHITE_HEIGHT_MM[0]) & (z < WHITE_HEIGHT_MM[1]))
    brain = apply_affine(pose.canonical_from_world @ pose.coarse.affine_ras, np.argwhere(pose.coarse.voxels > 0))
    back, front = np.percentile(brain[:, 1], (0.1, 99.9))
    low, high = OCCIPITAL_HEIGHT_MM
    return np.asarray((y < back + OCCIPITAL_PART * (front - back)) & (z > low) & (z < high))


def _window(scan: Scan, pose: Pose, places: NDArray[np.float64]) -> _Window:
    low, high = places.min(axis=0) - ROOM_MM, places.max(axis=0) + ROOM_MM
    box = Box((float(low[0]), float(low[1]), float(low[2])), (float(high[0]), float(high[1]), float(high[2])))
    grid = box.grid(SPACING_MM)
    world_from_frame = inverse(pose.canonical_from_world)
    image = to_frame(scan.voxels, scan.affine_ras, grid, world_from_frame=world_from_frame)
    coarse = _on_grid(pose.coarse.voxels, pose.coarse.affine_ras, grid, world_from_frame).astype(np.int16)
    brain = pose.coarse.voxels > 0
    depth = ndimage.distance_transform_edt(np.pad(brain, 1, mode="edge"), sampling=pose.coarse.grid.spacing_mm)
    fine = _on_grid(depth[1:-1, 1:-1, 1:-1], pose.coarse.affine_ras, grid, world_from_frame, order=1)
    return _Window(_even(image, coarse > 0), coarse, fine.astype(np.float32), grid)


def _on_grid(
    voxels: NDArray[np.generic], affine: Affine, grid: Grid, world_from_frame: Affine, order: int = 0
) -> NDArray[np.generic]:
    index = inverse(affine) @ world_from_frame @ grid.affine_ras
    moved = ndimage.affine_transform(
        voxels, index[:3, :3], offset=index[:3, 3], output_shape=grid.shape, order=order, prefilter=False
    )
    return np.asarray(moved)


def _even(image: Volume, brain: Mask) -> Volume:
    """The image over its own slow change inside the brain."""
    sigma = SLOW_MM / SPACING_MM
    inside = brain & (image > 0)
    if not inside.any():
        return image
    weight = ndimage.gaussian_filter(inside.astype(np.float32), sigma)
    slow = ndimage.gaussian_filter(np.where(inside, image, 0).astype(np.float32), sigma) / np.maximum(weight, 1e-3)
    return np.asarray(np.where(slow > 0, image / np.maximum(slow, 1e-6), 0), dtype=np.float32)


def _cerebellar_grey(window: _Window, wanted: Mask) -> Mask:
    fluid, grey, _ = _classes(window)
    solid = wanted & ~fluid
    return np.asarray(grey & (_depth(wanted) > CEREBELLUM_RIM_MM) & (_depth(solid) > FLUID_RIM_MM))


def _occipital(window: _Window, wanted: Mask) -> Mask:
    _, grey, _ = _classes(window)
    return np.asarray(grey & wanted & (window.depth_mm > OCCIPITAL_RIM_MM))


def _white(window: _Window, wanted: Mask) -> Mask:
    _, _, white = _classes(window)
    return np.asarray((_depth(white & wanted) > WHITE_RIM_MM) & ~_near_striatum(window.canonical_mm))


def _classes(window: _Window) -> tuple[Mask, Mask, Mask]:
    """Fluid, grey and white matter of the brain in a window: white is the brighter or the darker end, by its depth."""
    brain = (window.coarse > 0) & (window.image > 0)
    if brain.sum() < 10:
        return brain, brain, brain
    classes = split(window.image[brain], 3)
    depth = [float(window.depth_mm[brain][classes == n].mean()) if (classes == n).any() else -1.0 for n in (0, 2)]
    fluid, white = (0, 2) if depth[1] > depth[0] else (2, 0)
    found = [_placed(brain, classes == n) for n in (fluid, 1, white)]
    return found[0], found[1], found[2]


def _depth(mask: Mask) -> NDArray[np.float64]:
    """How far inside a mask each voxel lies, mm; the border of the array is outside."""
    padded = ndimage.distance_transform_edt(np.pad(mask, 1), sampling=SPACING_MM)
    return np.asarray(padded[1:-1, 1:-1, 1:-1])


def _near_striatum(points: NDArray[np.float64]) -> Mask:
    """Where the striatum's activity may spill to: an ellipsoid round both of them, canonical mm."""
    radii = np.array([34.0, 42.0, 22.0]) + SPILL_MM / 2
    return np.asarray((((points - np.array([0.0, 0.0, 5.0])) / radii) ** 2).sum(axis=-1) < 1)


def _placed(mask: Mask, chosen: NDArray[np.bool_]) -> Mask:
    out = np.zeros_like(mask)
    out[mask] = chosen
    return out


def _ventricles(points: NDArray[np.float64]) -> Mask:
    mirrored = np.concatenate([np.abs(points[..., :1]), points[..., 1:]], axis=-1)
    balls = [(((mirrored - np.array(c)) / np.array(r)) ** 2).sum(axis=-1) < 1 for c, r in VENTRICLES_MM]
    return np.asarray(np.any(balls, axis=0))


def split(values: Volume, classes: int) -> NDArray[np.intp]:
    """Intensities split into classes whose members lie nearest to their mean (k-means in one dimension).

    Args:
        values: (n,).
        classes: How many.

    Returns:
        (n,) numbers of classes, from the darkest to the brightest.
    """
    middles = np.percentile(values, 100 * (np.arange(classes) + 0.5) / classes).astype(np.float64)
    for _ in range(_TURNS):
        borders = (middles[1:] + middles[:-1]) / 2
        found = np.digitize(values, borders)
        sums = np.bincount(found, values, minlength=classes)
        counts = np.bincount(found, minlength=classes)
        middles = np.where(counts > 0, sums / np.maximum(counts, 1), middles)
    return np.digitize(values, (middles[1:] + middles[:-1]) / 2)
