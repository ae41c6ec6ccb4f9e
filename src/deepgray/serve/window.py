"""The part of a scan that the page shows: a crop around the outline, its axes in the order right, front, up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepgray.errors import GeometryError
from deepgray.scan import LabelMap
from deepgray.space import Grid, apply_affine, inverse, reordered_grid
from deepgray.voxels.crop import Box, occupied

# Around the outline; with a striatum of 70 × 60 × 45 mm this makes about 96 × 112 × 88 voxels of 1 mm.
MARGIN_MM = (16.0, 26.0, 22.0)
Index = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Window:
    """A crop whose voxels are the scan's own: nothing is resampled.

    Attributes:
        scan: Grid of the scan.
        block: What is cut out of it, in the scan's own axes.
        order: Axis of the scan that each axis of the crop runs along.
        flips: Whether each axis of the crop runs backwards.
    """

    scan: Grid
    block: Box
    order: Index
    flips: tuple[bool, bool, bool]

    @property
    def grid(self) -> Grid:
        """Grid of the crop."""
        low = tuple(int(s.start) for s in self.block)
        high = tuple(int(s.stop) for s in self.block)
        return reordered_grid(self.scan.crop(low, high), self.order, self.flips)  # type: ignore[arg-type]

    def view(self, voxels: NDArray[Any]) -> NDArray[Any]:
        """The crop of an array on the scan's grid; what is written into it is written into the array."""
        return np.flip(voxels[self.block].transpose(self.order), axis=tuple(a for a in range(3) if self.flips[a]))

    def pasted(self, crop: NDArray[Any], into: NDArray[Any]) -> NDArray[Any]:
        """A copy of an array on the scan's grid, with the crop in its place."""
        whole = into.copy()
        self.view(whole)[...] = crop
        return whole

    def place_in_scan(self, place: Index) -> Index:
        """The scan's index of a voxel of the crop."""
        there = apply_affine(inverse(self.scan.affine_ras) @ self.grid.affine_ras, np.asarray(place))
        x, y, z = (int(n) for n in np.rint(there))
        return x, y, z


def around(labels: LabelMap) -> Window:
    """The window around an outline.

    Args:
        labels: The outline on the scan's grid.

    Raises:
        GeometryError: The outline is empty.
    """
    grid = labels.grid
    found = occupied(labels.voxels)
    if found is None:
        raise GeometryError("An outline to look at is wanted, an empty one came.")
    order, flips = _to_ras(grid)
    margin_mm = np.empty(3)
    for axis in range(3):
        margin_mm[order[axis]] = MARGIN_MM[axis]
    margin = np.ceil(margin_mm / grid.spacing_mm).astype(int)
    x, y, z = (
        slice(max(s.start - int(m), 0), min(s.stop + int(m), n))
        for s, m, n in zip(found, margin, grid.shape, strict=True)
    )
    return Window(grid, (x, y, z), order, flips)


def _to_ras(grid: Grid) -> tuple[Index, tuple[bool, bool, bool]]:
    """Axes that run most nearly to the right, the front and up; each axis is taken once."""
    directions = grid.affine_ras[:3, :3] / grid.spacing_mm
    order, free = [-1, -1, -1], {0, 1, 2}
    for _ in range(3):
        best = max(((w, v) for w in range(3) if order[w] < 0 for v in free), key=lambda p: abs(directions[p[0], p[1]]))
        order[best[0]] = best[1]
        free.discard(best[1])
    flips = [bool(directions[world, order[world]] < 0) for world in range(3)]
    return (order[0], order[1], order[2]), (flips[0], flips[1], flips[2])
