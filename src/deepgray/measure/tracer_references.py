"""Reference regions of a tracer scan beside a magnetic resonance image: cerebellar grey, occipital grey, white matter.

``locate`` gives a coarse map and the pose, the image itself tells grey from white and fluid: a coarse region is seen in
the canonical frame at ``SPACING_MM``, freed of a slow change of brightness, and its intensities are split into three.
The ventricles tell where fluid begins and the middle of the cerebrum where white matter does; grey matter lies between
them, as it does on T1 and T2 alike. What borders on another activity is left out, for a scanner's blur reaches
over the border; sulci inside the cortex cannot be left out, and are told in docs/pet.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepgray.measure.references import SPILL_MM, VENTRICLES_MM, labels_of
from deepgray.result import Pose
from deepgray.scan import IntegerVolume, Scan
from deepgray.space import Affine, Box, Grid, apply_affine, inverse
from deepgray.voxels.filters import gaussian, nearest
from deepgray.voxels.interpolate import at_affine
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
# Deep white matter, canonical mm of the right side: lowest and highest corner.
WHITE_BOX_MM = ((20.0, -45.0, 25.0), (34.0, 20.0, 42.0))
# How far grey matter lies from white matter to fluid, to begin with: about 0.45 on T1, 0.3 on T2.
GREY_SHARE = 0.4
# Turns of splitting intensities into classes; they settle long before.
_TURNS = 40


@dataclass(frozen=True, eq=False)
class _Window:
    """Part of the head in the canonical frame.

    Attributes:
        image: (x, y, z) the scan, brightness made even.
        coarse: (x, y, z) labels of the coarse map.
        depth_mm: (x, y, z) how far inside the brain.
        levels: About how bright fluid, grey and white matter are.
        grid: In canonical mm.
    """

    image: Volume
    coarse: NDArray[np.int16]
    depth_mm: Volume
    levels: tuple[float, float, float]
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
    coarse, world_from_frame = pose.coarse, inverse(pose.canonical_from_world)

    def seen(voxels: NDArray[np.generic], order: int) -> NDArray[np.generic]:
        return _on_grid(voxels, coarse.affine_ras, grid, world_from_frame, order)

    whole = to_frame(scan.voxels, scan.affine_ras, coarse.grid, world_from_frame=np.eye(4))
    brain = coarse.voxels > 0
    slow = _slow(whole, brain, coarse.grid)
    image = to_frame(scan.voxels, scan.affine_ras, grid, world_from_frame=world_from_frame)
    padded = nearest(~np.pad(brain, 1, mode="edge"), coarse.grid.spacing_mm)[0]
    return _Window(
        np.asarray(image / np.maximum(seen(slow, 1), 1e-6), dtype=np.float32),
        np.asarray(seen(coarse.voxels, 0), dtype=np.int16),
        np.asarray(seen(padded[1:-1, 1:-1, 1:-1], 1), dtype=np.float32),
        _first_levels(np.asarray(whole / np.maximum(slow, 1e-6), dtype=np.float32), pose),
        grid,
    )


def _slow(image: Volume, brain: Mask, grid: Grid) -> Volume:
    """The slow change of brightness inside the brain; 1 on average."""
    inside = brain & (image > 0)
    if not inside.any():
        return np.ones_like(image)
    sigma = SLOW_MM / grid.spacing_mm
    weight = gaussian(inside, sigma)
    slow = gaussian(np.where(inside, image, 0), sigma) / np.maximum(weight, 1e-3)
    mean = float(slow[inside].mean())
    return np.asarray(np.where(slow > 0.1 * mean, slow, mean) / mean, dtype=np.float32)


def _first_levels(image: Volume, pose: Pose) -> tuple[float, float, float]:
    """About how bright fluid, grey and white matter are: from the ventricles and the middle of the white matter."""
    coarse = pose.coarse
    index = np.moveaxis(np.indices(coarse.grid.shape), 0, -1)
    points = apply_affine(pose.canonical_from_world @ coarse.affine_ras, index)
    brain = (coarse.voxels > 0) & (image > 0)
    mirrored = np.concatenate([np.abs(points[..., :1]), points[..., 1:]], axis=-1)
    low, high = np.array(WHITE_BOX_MM)
    white_box, ventricles = brain & ((mirrored > low) & (mirrored < high)).all(axis=-1), brain & _ventricles(points)
    if not white_box.any() or not ventricles.any():
        dark, grey, bright = np.percentile(image[brain], (5, 50, 95)) if brain.any() else (0.0, 0.5, 1.0)
        return float(dark), float(grey), float(bright)
    white = float(np.median(image[white_box]))
    ends = np.percentile(image[ventricles], (5, 95))
    fluid = float(ends[0] if abs(ends[0] - white) > abs(ends[1] - white) else ends[1])
    return fluid, white + GREY_SHARE * (fluid - white), white


def _on_grid(
    voxels: NDArray[np.generic], affine: Affine, grid: Grid, world_from_frame: Affine, order: int = 0
) -> NDArray[np.generic]:
    index = inverse(affine) @ world_from_frame @ grid.affine_ras
    return np.asarray(at_affine(voxels[None], index, grid.shape, nearest=order == 0)[0])


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
    """Fluid, grey and white matter of the brain in a window."""
    brain = (window.coarse > 0) & (window.image > 0)
    if brain.sum() < 10:
        return brain, brain, brain
    first = np.array(window.levels)
    order = np.argsort(first)
    classes = split(window.image[brain], first[order])
    found = {int(kind): _placed(brain, classes == place) for place, kind in enumerate(order)}
    return found[0], found[1], found[2]


def _depth(mask: Mask) -> NDArray[np.float64]:
    """How far inside a mask each voxel lies, mm; the border of the array is outside."""
    padded = nearest(~np.pad(mask, 1), SPACING_MM)[0]
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


def split(values: Volume, first: NDArray[np.float64]) -> NDArray[np.intp]:
    """Intensities split into classes whose members lie nearest to their mean (k-means in one dimension).

    Args:
        values: (n,).
        first: (classes,) where the means begin, rising.

    Returns:
        (n,) numbers of classes, from the darkest to the brightest.
    """
    middles = np.asarray(first, dtype=np.float64)
    for _ in range(_TURNS):
        found = np.digitize(values, (middles[1:] + middles[:-1]) / 2)
        sums = np.bincount(found, values, minlength=len(middles))
        counts = np.bincount(found, minlength=len(middles))
        middles = np.where(counts > 0, sums / np.maximum(counts, 1), middles)
    return np.digitize(values, (middles[1:] + middles[:-1]) / 2)
