"""Reference regions of tracer scans, from where the head was found: cerebellum, occipital cortex, brain, and a box.

All are taken on the whole image, never on the striatum's crop. The coarse map of ``locate`` gives the anatomy, the pose
the geometry. A scan that does not show a region gives no number for it, and the others all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from deepgray.anatomy import Scheme
from deepgray.errors import SettingsError
from deepgray.recipe import REFERENCES
from deepgray.result import Outline, Pose, Reference
from deepgray.scan import Scan, mask_on_grid
from deepgray.space import Affine, Grid, apply_affine, inverse
from deepgray.voxels.filters import nearest
from deepgray.voxels.interpolate import at_affine
from deepgray.voxels.resample import to_frame

Mask = NDArray[np.bool_]

# The cerebellum's rim is spoilt by the camera's blur, and the fourth ventricle lies at its front.
CEREBELLUM_RIM_MM = 4.0
# The occipital cortex is what lies outside the cerebellum in the hindmost part of the brain's length, between these
# heights (canonical mm), as in the simulated scans.
OCCIPITAL_PART = 0.2
OCCIPITAL_HEIGHT_MM = (-25.0, 30.0)
# Activity of the striatum spills so far into the brain around it.
SPILL_MM = 10.0
# Less of a region than this is not the region.
SMALLEST_ML = {"cerebellum": 20.0, "occipital": 10.0, "brain": 300.0}
# Middles and radii of ventricles, canonical mm, right side and mirrored: where at least a sixth of the label maps that
# the networks were trained on has fluid.
VENTRICLES_MM: tuple[tuple[tuple[float, float, float], tuple[float, float, float]], ...] = (
    ((10.0, -2.0, 21.0), (11.0, 34.0, 11.0)),
    ((10.0, 18.0, 12.0), (11.0, 14.0, 12.0)),
    ((22.0, -44.0, 9.0), (12.0, 14.0, 16.0)),
    ((0.0, -12.0, 2.0), (5.0, 16.0, 12.0)),
    ((0.0, -41.0, -30.0), (8.0, 9.0, 14.0)),
)
# The box of Wang 2024 (doi:10.1109/TRPMS.2024.3398360): 20 × 10 × n voxels of 1 mm in uniform cerebellum, n from 13 to
# 18; here the tallest that fits, as near to the cerebellum's middle as it can be.
BOX_MM = (20, 10)
BOX_HEIGHTS_MM = (13, 18)
_WORDS = {
    "cerebellum": f"without its outermost {CEREBELLUM_RIM_MM:g} mm and the fourth ventricle",
    "occipital": "hindmost fifth of the cerebrum, without ventricles",
    "brain": f"without ventricles, striatum and {SPILL_MM:g} mm around it",
}


@dataclass(frozen=True)
class Level:
    """What a reference region holds.

    Attributes:
        name: One of ``REFERENCES``, or the name of a file.
        mean: Mean of the scan in it; NaN where there is none.
        words: What it is, and how large.
        reason: Why nothing can be told relative to it, empty where all is well.
    """

    name: str
    mean: float
    words: str
    reason: str = ""

    @property
    def described(self) -> str:
        """The region with its mean, as it is printed beside a number."""
        return f"{self.name}: {self.mean:.6g} ({self.words})" if np.isfinite(self.mean) else f"{self.name}: none"


def reference_levels(names: Sequence[str], scan: Scan, pose: Pose, *, outline: Outline) -> tuple[Level, ...]:
    """Means of reference regions.

    Args:
        names: Of ``REFERENCES``.
        scan: The whole scan.
        pose: Where the head is, with its coarse map.
        outline: The striatum, which the whole brain is taken without.

    Returns:
        A level for each name; one without mean, with the reason, where the field of view lacks the region.

    Raises:
        SettingsError: A name is not known.
    """
    unknown = sorted(set(names) - set(REFERENCES))
    if unknown:
        raise SettingsError(f"References are wanted, of {', '.join(REFERENCES)}; {', '.join(unknown)} came.")
    place = _Place(scan, pose, outline)
    return tuple(_box_level(place) if name == "box" else _level(name, place) for name in names)


def reference_region(name: str, scan: Scan, pose: Pose, *, outline: Outline) -> Mask:
    """Where a reference region other than the box lies, on the scan's grid.

    Args:
        name: ``cerebellum``, ``occipital`` or ``brain``.
        scan: The whole scan.
        pose: Where the head is, with its coarse map.
        outline: The striatum, which the whole brain is taken without.
    """
    return _Place(scan, pose, outline).on_scan(name)


def level_of_mask(reference: Reference, scan: Scan) -> Level:
    """Mean of a scan in a region that a person gives.

    Raises:
        MaskError: The region lies on another grid.
    """
    if reference.region is None:
        raise SettingsError(f"A reference with a region is wanted, '{reference.name}' has none.")
    mask = mask_on_grid(reference.region, scan.grid, what="reference region") != 0
    return _of_values(reference.name, scan.voxels[mask], f"mean of {int(mask.sum())} voxels of a mask")


@dataclass(frozen=True, eq=False)
class _Place:
    """A scan, where its head is, and its regions on the grid of the coarse map."""

    scan: Scan
    pose: Pose
    outline: Outline

    @property
    def grid(self) -> Grid:
        return self.pose.coarse.grid

    @cached_property
    def canonical_mm(self) -> NDArray[np.float64]:
        """(x, y, z, 3), of each voxel of the coarse map."""
        index = np.moveaxis(np.indices(self.grid.shape), 0, -1)
        return apply_affine(self.pose.canonical_from_world @ self.grid.affine_ras, index)

    @cached_property
    def brain(self) -> Mask:
        return np.asarray(self.pose.coarse.voxels > 0)

    @cached_property
    def ventricles(self) -> Mask:
        points = np.abs(self.canonical_mm[..., :1]), self.canonical_mm[..., 1:]
        mirrored = np.concatenate(points, axis=-1)
        balls = [(((mirrored - np.array(c)) / np.array(r)) ** 2).sum(axis=-1) < 1 for c, r in VENTRICLES_MM]
        return np.asarray(np.any(balls, axis=0))

    def of(self, *names: str) -> Mask:
        """Structures of the coarse map."""
        return np.isin(self.pose.coarse.voxels, labels_of(self.pose.coarse.scheme, *names))

    def region(self, name: str) -> Mask:
        """A region on the grid of the coarse map."""
        found = {"cerebellum": self._cerebellum, "occipital": self._occipital, "brain": self._brain}[name]()
        return found & ~self.ventricles

    def _cerebellum(self) -> Mask:
        return self._far(~self.of("cerebellum"), CEREBELLUM_RIM_MM)

    def _occipital(self) -> Mask:
        y, z = self.canonical_mm[..., 1], self.canonical_mm[..., 2]
        cerebrum = self.brain & ~self.of("cerebellum", "brainstem")
        if not cerebrum.any():
            return cerebrum
        back, front = np.percentile(y[cerebrum], (0.1, 99.9))  # a few stray voxels do not count
        low, high = OCCIPITAL_HEIGHT_MM
        rest = self.of("rest of brain")
        return np.asarray(rest & (y < back + OCCIPITAL_PART * (front - back)) & (z > low) & (z < high))

    def _brain(self) -> Mask:
        striatum = self.of("striatum")
        outlined = np.argwhere(self.outline.labels.voxels > 0)
        if len(outlined):
            index = np.rint(apply_affine(inverse(self.grid.affine_ras) @ self.scan.affine_ras, outlined)).astype(int)
            inside = ((index >= 0) & (index < self.grid.shape)).all(axis=1)
            striatum[tuple(index[inside].T)] = True
        return self.brain & (self._far(striatum, SPILL_MM) if striatum.any() else True)

    def _far(self, mask: Mask, mm: float) -> Mask:
        """What is farther than this from a mask; the border of the array is no border."""
        padded = np.pad(mask, 1, mode="edge")
        distance = nearest(padded, self.grid.spacing_mm)[0]
        return np.asarray(distance[1:-1, 1:-1, 1:-1] > mm)

    def on_scan(self, name: str) -> Mask:
        """A region on the scan's grid: of each voxel, what the coarse map says at its middle."""
        index = inverse(self.grid.affine_ras) @ self.scan.affine_ras
        return np.asarray(at_affine(self.region(name)[None], index, self.scan.grid.shape, nearest=True)[0] > 0)


def labels_of(scheme: Scheme, *names: str) -> list[int]:
    """Labels of structures of a scheme, of all sides."""
    return [s.label for s in scheme.structures if s.name in names]


def _level(name: str, place: _Place) -> Level:
    mask = place.on_scan(name)
    held_ml = float(mask.sum()) * place.scan.grid.voxel_volume_mm3 / 1000
    if held_ml < SMALLEST_ML[name]:
        reason = f"at least {SMALLEST_ML[name]:g} ml of the {name} is wanted, the field of view holds {held_ml:.0f}"
        return Level(name, float("nan"), _WORDS[name], reason)
    return _of_values(name, place.scan.voxels[mask], f"{_WORDS[name]}, {held_ml:.0f} ml")


def _of_values(name: str, values: NDArray[np.float32], words: str) -> Level:
    if not values.size:
        return Level(name, float("nan"), words, "the reference region holds no voxel of the scan")
    mean = float(values.mean(dtype=np.float64))
    reason = "" if mean > 0 else f"a reference mean above 0 is wanted, {mean:.4g} came"
    return Level(name, mean, words, reason)


def _box_level(place: _Place) -> Level:
    """The most central box of the cerebellum, upright in the canonical frame."""
    width, depth = BOX_MM
    words = f"{width} × {depth} × {BOX_HEIGHTS_MM[0]}–{BOX_HEIGHTS_MM[1]} mm in the cerebellum"
    within = place.region("cerebellum")
    if not within.any():
        return Level("box", float("nan"), words, "the field of view holds no cerebellum")
    frame = _frame_around(place.canonical_mm[within])
    world_from_frame = inverse(place.pose.canonical_from_world)
    image = to_frame(place.scan.voxels, place.scan.affine_ras, frame, world_from_frame=world_from_frame)
    inside = _nearest(within, place.grid.affine_ras, frame, world_from_frame)
    for height in range(BOX_HEIGHTS_MM[1], BOX_HEIGHTS_MM[0] - 1, -1):
        found = _most_central(inside, (width, depth, height))
        if found is not None:
            return _of_values("box", image[found].ravel(), f"{width} × {depth} × {height} mm in the cerebellum")
    return Level("box", float("nan"), words, "no such box fits into the cerebellum that the field of view holds")


def _frame_around(points_mm: NDArray[np.float64]) -> Grid:
    low = np.floor(points_mm.min(axis=0))
    x, y, z = (int(n) for n in np.ceil(points_mm.max(axis=0)) - low + 1)
    affine = np.eye(4)
    affine[:3, 3] = low
    return Grid((x, y, z), affine)


def _nearest(mask: Mask, affine: Affine, frame: Grid, world_from_frame: Affine) -> Mask:
    index = inverse(affine) @ world_from_frame @ frame.affine_ras
    return np.asarray(at_affine(mask[None], index, frame.shape, nearest=True)[0] > 0)


def _most_central(inside: Mask, size: tuple[int, int, int]) -> tuple[slice, slice, slice] | None:
    """The box inside a mask that is nearest to the mask's middle, None where none fits."""
    if any(n < wanted for n, wanted in zip(inside.shape, size, strict=True)):
        return None
    corners = np.argwhere(_sums(inside.astype(np.float64), size) > float(np.prod(size)) - 0.5)
    if not len(corners):
        return None
    away = corners + (np.array(size) - 1) / 2 - np.argwhere(inside).mean(axis=0)
    low = corners[int((away**2).sum(axis=1).argmin())]
    x, y, z = (slice(int(start), int(start) + n) for start, n in zip(low, size, strict=True))
    return x, y, z


def _sums(values: NDArray[np.float64], size: tuple[int, int, int]) -> NDArray[np.float64]:
    """Sums over every box of a size, (x, y, z), by its lowest corner."""
    for axis, width in enumerate(size):
        total = np.insert(values.cumsum(axis=axis), 0, 0.0, axis=axis)
        ends = np.arange(width, total.shape[axis])
        values = np.take(total, ends, axis=axis) - np.take(total, ends - width, axis=axis)
    return values
