"""Where an outline lies in the canonical frame, and the small blocks of its structures that pictures are cut from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepgray.anatomy import Side
from deepgray.scan import LabelMap
from deepgray.space import Affine, apply_affine

Triple = tuple[int, int, int]
Point = tuple[float, float, float]

# Slices at the very ends of a structure show a few voxels only.
_ENDS_PERCENT = (4.0, 96.0)


@dataclass(frozen=True, eq=False)
class Shape:
    """One structure, both sides together, as a block of the scan's grid.

    Attributes:
        name: Name without side.
        colour: Red, green, blue, 0–255.
        mask: (x, y, z) float32, 1 inside.
        low: Index of the block's first voxel in the scan's grid.
    """

    name: str
    colour: tuple[int, int, int]
    mask: NDArray[np.float32]
    low: Triple


@dataclass(frozen=True)
class Extent:
    """Where labelled voxels lie in the canonical frame, ends left out.

    Attributes:
        low_mm: Lower end along x, y, z.
        high_mm: Upper end along x, y, z.
    """

    low_mm: Point
    high_mm: Point

    @property
    def centre_mm(self) -> Point:
        """The middle."""
        x, y, z = ((low + high) / 2 for low, high in zip(self.low_mm, self.high_mm, strict=True))
        return x, y, z


def shapes_of(labels: LabelMap) -> tuple[Shape, ...]:
    """The structures that a label map holds, in its scheme's order; none where it is empty."""
    block = _occupied(labels.voxels)
    if block is None:
        return ()
    crop = labels.voxels[block]
    wanted: dict[str, list[int]] = {}
    colours: dict[str, tuple[int, int, int]] = {}
    for structure in labels.scheme.structures:
        wanted.setdefault(structure.name, []).append(structure.label)
        colours.setdefault(structure.name, structure.colour)
    shapes = []
    for name, numbers in wanted.items():
        inside = np.isin(crop, numbers)
        part = _occupied(inside)
        if part is not None:
            x, y, z = (whole.start + own.start for whole, own in zip(block, part, strict=True))
            shapes.append(Shape(name, colours[name], inside[part].astype(np.float32), (x, y, z)))
    return tuple(shapes)


def extent_of(labels: LabelMap, canonical_from_world: Affine, side: Side | None = None) -> Extent | None:
    """Where a label map's voxels lie in the canonical frame.

    Args:
        labels: The label map.
        canonical_from_world: 4 × 4.
        side: Only structures of this side; all where None.

    Returns:
        The extent, None where there are no such voxels.
    """
    block = _occupied(labels.voxels)
    if block is None:
        return None
    crop = labels.voxels[block]
    numbers = [s.label for s in labels.scheme.structures if side in (None, s.side)]
    index = np.argwhere(np.isin(crop, numbers)) + [b.start for b in block]
    if not len(index):
        return None
    points = apply_affine(canonical_from_world @ labels.affine_ras, index)
    (x, y, z), (x2, y2, z2) = np.percentile(points, _ENDS_PERCENT, axis=0).tolist()
    return Extent((x, y, z), (x2, y2, z2))


def _occupied(voxels: NDArray[np.integer] | NDArray[np.bool_]) -> tuple[slice, slice, slice] | None:
    """The block that holds every voxel above 0, with one voxel around it where there is room."""
    slices = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        filled = np.flatnonzero(voxels.any(axis=others))
        if not len(filled):
            return None
        slices.append(slice(max(int(filled[0]) - 1, 0), min(int(filled[-1]) + 2, voxels.shape[axis])))
    return slices[0], slices[1], slices[2]
