"""Slices of a scan shown upright: planes of the canonical frame, sampled where they are needed and nowhere else.

Axial and coronal planes are shown in radiological convention: the person's left is on the right of the picture.
Sagittal planes look from the person's left: the front is on the left of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from deepgray.result import Pose
from deepgray.scan import Scan
from deepgray.space import Affine, apply_affine
from deepgray.voxels.interpolate import at_points

Image = NDArray[np.float32]


class View(Enum):
    """A direction to look from: canonical axes across the plane, to the right and up, and the letters at the edges."""

    AXIAL = ("z", (-1.0, 0.0, 0.0), (0.0, 1.0, 0.0), "RLAP")
    CORONAL = ("y", (-1.0, 0.0, 0.0), (0.0, 0.0, 1.0), "RLSI")
    SAGITTAL = ("x", (0.0, -1.0, 0.0), (0.0, 0.0, 1.0), "APSI")

    def __init__(
        self, axis: str, right: tuple[float, float, float], up: tuple[float, float, float], letters: str
    ) -> None:
        """Take the axis across the plane, the directions right and up, and the letters left, right, top, bottom."""
        self.axis = axis
        self.right = np.array(right)
        self.up = np.array(up)
        self.letters = letters  # left, right, top, bottom


@dataclass(frozen=True)
class Plane:
    """One slice of the canonical frame.

    Attributes:
        view: How it is looked at.
        centre_mm: Canonical point in the middle of the picture.
        width_mm: Width of the picture.
        height_mm: Height of the picture.
        step_mm: Distance between its pixels.
    """

    view: View
    centre_mm: tuple[float, float, float]
    width_mm: float
    height_mm: float
    step_mm: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of pixels."""
        return round(self.height_mm / self.step_mm), round(self.width_mm / self.step_mm)

    @property
    def label(self) -> str:
        """The plane's place, as ``z +8 mm``."""
        return f"{self.view.axis} {self.centre_mm['xyz'.index(self.view.axis)]:+.0f} mm"

    def points_mm(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Canonical point of the top left pixel, and the steps to the next column and the next row."""
        rows, columns = self.shape
        across, down = self.view.right * self.step_mm, -self.view.up * self.step_mm
        first = np.array(self.centre_mm) - across * (columns - 1) / 2 - down * (rows - 1) / 2
        return first, across, down


def index_from_canonical(scan: Scan, pose: Pose) -> Affine:
    """4 × 4, canonical mm to the scan's voxel index."""
    return np.asarray(np.linalg.inv(pose.canonical_from_world @ scan.affine_ras), dtype=np.float64)


def sample_plane(
    voxels: NDArray[np.float32], index_from_mm: Affine, plane: Plane, *, low: tuple[int, int, int] = (0, 0, 0)
) -> Image:
    """The picture of one plane, interpolated linearly.

    Args:
        voxels: (x, y, z), a scan or a block of it.
        index_from_mm: 4 × 4, canonical mm to the scan's voxel index.
        plane: Which.
        low: Index of the block's first voxel in the scan.

    Returns:
        Rows from top to bottom, columns from left to right; 0 outside the block.
    """
    picture: Image = np.zeros(plane.shape, dtype=np.float32)
    rows, columns = _touched(voxels.shape, index_from_mm, plane, low=low)
    if len(rows) == 0 or len(columns) == 0:
        return picture
    first, across, down = plane.points_mm()
    linear = index_from_mm[:3, :3]
    start = apply_affine(index_from_mm, first) - np.array(low)
    steps = (linear @ across)[:, None, None] * np.array(columns) + (linear @ down)[:, None, None] * np.array(rows)[
        :, None
    ]
    index = (start[:, None, None] + steps).reshape(3, -1)
    seen = at_points(voxels[None], index).reshape(len(rows), len(columns))
    picture[rows.start : rows.stop, columns.start : columns.stop] = seen
    return picture


def _touched(
    shape: tuple[int, ...], index_from_mm: Affine, plane: Plane, *, low: tuple[int, int, int]
) -> tuple[range, range]:
    """Rows and columns of a plane's picture that a block can reach, empty where the plane misses it."""
    ends = [(start - 1, start + n) for start, n in zip(low, shape, strict=True)]
    corners = np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1).reshape(-1, 3)
    first, across, down = plane.points_mm()
    mm_from_index = np.asarray(np.linalg.inv(index_from_mm), dtype=np.float64)
    offsets = apply_affine(mm_from_index, corners.astype(np.float64)) - first
    depth = offsets @ np.cross(across, down)
    if depth.min() > 0 or depth.max() < 0:
        return range(0), range(0)
    row_ends, column_ends = (offsets @ step / plane.step_mm**2 for step in (down, across))
    rows, columns = plane.shape
    return _inside(row_ends, rows), _inside(column_ends, columns)


def _inside(ends: NDArray[np.float64], count: int) -> range:
    return range(max(int(np.floor(ends.min())), 0), min(int(np.ceil(ends.max())) + 1, count))
