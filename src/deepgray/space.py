"""Where things are: world coordinates in RAS millimetres, affines, grids, boxes and rigid poses.

RAS: x grows to the person's right, y to the front, z to the top of the head. An affine maps voxel indices (the centre
of voxel 0, 0, 0 has index 0, 0, 0) to RAS millimetres. LPS, which DICOM and ITK use, is crossed in ``lps_from_ras``
only.

The *canonical frame* has its origin at the anterior commissure, y along the line from the posterior to the anterior
commissure, and x = 0 in the mid-sagittal plane. A pose is a rigid map from world to canonical millimetres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepgray.errors import GeometryError

Affine = NDArray[np.float64]
Points = NDArray[np.float64]
# Points as they come: millimetres, or whole voxel indices.
AnyPoints = NDArray[np.floating | np.integer]

# Two grids are one when no corner differs by more than this part of a voxel: headers store float32.
GRID_TOLERANCE_VOXELS = 1e-2
# A direction matrix is rigid when its columns are unit and perpendicular to this accuracy.
RIGID_TOLERANCE = 1e-4

# A Gaussian's full width at half maximum in standard deviations.
FWHM_PER_SIGMA = float(np.sqrt(8 * np.log(2)))

MIRROR_X: Affine = np.diag([-1.0, 1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Grid:
    """Shape and affine of a volume.

    Attributes:
        shape: Voxels along each index axis.
        affine_ras: 4 × 4 float64, voxel index to RAS mm.

    Raises:
        GeometryError: The shape is not three positive numbers, or the affine is not finite and invertible.
    """

    shape: tuple[int, int, int]
    affine_ras: Affine

    def __post_init__(self) -> None:
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise GeometryError(f"A grid of three axes is wanted, the shape {self.shape} came.")
        check_affine(self.affine_ras)

    @property
    def spacing_mm(self) -> NDArray[np.float64]:
        """Distance between neighbouring voxel centres along each index axis, mm."""
        return spacing_mm(self.affine_ras)

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel, mm³."""
        return voxel_volume_mm3(self.affine_ras)

    def crop(self, low: tuple[int, int, int], high: tuple[int, int, int]) -> Grid:
        """The part from index ``low`` up to and without ``high``."""
        shift = np.eye(4)
        shift[:3, 3] = low
        shape = (high[0] - low[0], high[1] - low[1], high[2] - low[2])
        return Grid(shape, self.affine_ras @ shift)


@dataclass(frozen=True)
class Box:
    """A box in canonical millimetres, upright in the canonical frame.

    Attributes:
        low_mm: Lowest corner (x, y, z), the outer faces of the first voxels.
        high_mm: Highest corner, the outer faces of the last voxels.

    Raises:
        GeometryError: A side is not positive, or a corner is not finite.
    """

    low_mm: tuple[float, float, float]
    high_mm: tuple[float, float, float]

    def __post_init__(self) -> None:
        # NaN fails every comparison, so ask for what is wanted instead of for its opposite.
        if not all(0 < high - low < np.inf for low, high in zip(self.low_mm, self.high_mm, strict=True)):
            raise GeometryError(f"A box with positive sides is wanted, {self.low_mm} to {self.high_mm} mm came.")

    def enlarged(self, margin_mm: float) -> Box:
        """The box with ``margin_mm`` more on each of its six sides."""
        low = (self.low_mm[0] - margin_mm, self.low_mm[1] - margin_mm, self.low_mm[2] - margin_mm)
        high = (self.high_mm[0] + margin_mm, self.high_mm[1] + margin_mm, self.high_mm[2] + margin_mm)
        return Box(low, high)

    @property
    def both_sides(self) -> Box:
        """A left hemisphere's box with its mirror image on the right, from one low x to the other."""
        return Box(self.low_mm, (-self.low_mm[0], *self.high_mm[1:]))

    def grid(self, spacing: float) -> Grid:
        """The isotropic grid that fills the box, in canonical coordinates.

        Args:
            spacing: Voxel size in mm.

        Returns:
            Voxels begin at the outer face ``low_mm``; a side of no whole number of voxels is rounded to the nearest.

        Raises:
            GeometryError: The spacing is not positive, or the box is smaller than half a voxel.
        """
        if not spacing > 0:
            raise GeometryError(f"A positive spacing is wanted, {spacing} mm came.")
        low = np.asarray(self.low_mm)
        count = np.rint((np.asarray(self.high_mm) - low) / spacing).astype(int)
        affine = np.diag([spacing, spacing, spacing, 1.0])
        affine[:3, 3] = low + spacing / 2
        return Grid((int(count[0]), int(count[1]), int(count[2])), affine)


def block_within(grid: Grid, whole: Grid) -> tuple[slice, slice, slice] | None:
    """The slices of another grid that a grid is; None where it is no part of it, voxel by voxel."""
    index = inverse(whole.affine_ras) @ grid.affine_ras
    low = np.rint(index[:3, 3])
    if not np.allclose(index, [[1, 0, 0, low[0]], [0, 1, 0, low[1]], [0, 0, 1, low[2]], [0, 0, 0, 1]], atol=1e-3):
        return None
    if (low < 0).any() or (low + grid.shape > whole.shape).any():
        return None
    x, y, z = (slice(int(first), int(first) + count) for first, count in zip(low, grid.shape, strict=True))
    return x, y, z


def check_affine(affine_ras: Affine) -> None:
    """Refuse an affine that does not place voxels.

    Raises:
        GeometryError: Not 4 × 4, not finite, last row not 0 0 0 1, or singular.
    """
    matrix = np.asarray(affine_ras)
    if matrix.shape != (4, 4):
        raise GeometryError(f"A 4 × 4 affine is wanted, one of shape {matrix.shape} came.")
    if not np.isfinite(matrix).all():
        raise GeometryError("A finite affine is wanted, one with NaN or infinite numbers came.")
    if not np.allclose(matrix[3], [0, 0, 0, 1]):
        raise GeometryError(f"An affine with the last row 0 0 0 1 is wanted, {matrix[3].tolist()} came.")
    lengths = np.linalg.norm(matrix[:3, :3], axis=0)
    if lengths.min() <= 0 or abs(np.linalg.det(matrix[:3, :3] / np.maximum(lengths, 1e-12))) < 1e-3:
        raise GeometryError("An affine that spans three directions is wanted, a singular one came.")


def apply_affine(affine: Affine, points: AnyPoints) -> Points:
    """Map points through an affine.

    Args:
        affine: 4 × 4.
        points: (…, 3).

    Returns:
        (…, 3) float64.
    """
    return np.asarray(points, dtype=np.float64) @ affine[:3, :3].T + affine[:3, 3]


def inverse(affine: Affine) -> Affine:
    """The way back: what maps an affine's targets onto its sources.

    Args:
        affine: 4 × 4, invertible (``check_affine``).

    Returns:
        4 × 4 float64.
    """
    return np.asarray(np.linalg.inv(affine), dtype=np.float64)


def spacing_mm(affine_ras: Affine) -> NDArray[np.float64]:
    """Distance between neighbouring voxel centres along each index axis, (3,) mm."""
    return np.asarray(np.linalg.norm(affine_ras[:3, :3], axis=0), dtype=np.float64)


def voxel_volume_mm3(affine_ras: Affine) -> float:
    """Volume of one voxel, mm³: the absolute determinant, so that sheared grids count right."""
    return float(abs(np.linalg.det(affine_ras[:3, :3])))


def lps_from_ras(affine_ras: Affine) -> Affine:
    """The same grid with DICOM's and ITK's axes; applied twice it gives the input back."""
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine_ras


def same_grid(one: Grid, other: Grid) -> bool:
    """Whether two grids have one shape and place every corner within ``GRID_TOLERANCE_VOXELS``."""
    if one.shape != other.shape:
        return False
    finest_mm = min(float(one.spacing_mm.min()), float(other.spacing_mm.min()))
    return corner_distance_mm(one, other) <= GRID_TOLERANCE_VOXELS * finest_mm


def corner_distance_mm(one: Grid, other: Grid) -> float:
    """Largest distance between corresponding corners of two grids of one shape, mm.

    The outer corners of the corner voxels are compared, so that the thickness of a single slice counts too.
    """
    ends = [(-0.5, n - 0.5) for n in one.shape]
    corners = np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1).reshape(-1, 3)
    difference = apply_affine(one.affine_ras, corners) - apply_affine(other.affine_ras, corners)
    return float(np.linalg.norm(difference, axis=1).max())


def equivalent_axes(source: Grid, target: Grid) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]] | None:
    """How the array axes of one grid are permuted and flipped to give another grid of the same voxels.

    Args:
        source: Grid of the array at hand.
        target: Grid that is wanted.

    Returns:
        ``(order, flips)``: ``flip(transpose(array, order), axes where flips)`` lies on the target grid. None when the
        two grids do not hold the same voxel centres.
    """
    index_map = inverse(source.affine_ras) @ target.affine_ras
    linear = index_map[:3, :3]
    rounded = np.rint(linear)
    if not np.array_equal(np.abs(rounded).sum(axis=0), [1, 1, 1]) or not np.array_equal(
        np.abs(rounded).sum(axis=1), [1, 1, 1]
    ):
        return None
    order = tuple(int(np.flatnonzero(rounded[:, axis])[0]) for axis in range(3))
    flips = tuple(bool(rounded[order[axis], axis] < 0) for axis in range(3))
    reached = reordered_grid(source, (order[0], order[1], order[2]), (flips[0], flips[1], flips[2]))
    return ((order[0], order[1], order[2]), (flips[0], flips[1], flips[2])) if same_grid(reached, target) else None


def reordered_grid(grid: Grid, order: tuple[int, int, int], flips: tuple[bool, bool, bool]) -> Grid:
    """The grid of an array after ``transpose(order)`` and flips of the axes where ``flips`` is true."""
    shape = (grid.shape[order[0]], grid.shape[order[1]], grid.shape[order[2]])
    index_map = np.zeros((4, 4))
    index_map[3, 3] = 1.0
    for axis in range(3):
        index_map[order[axis], axis] = -1.0 if flips[axis] else 1.0
        index_map[order[axis], 3] = shape[axis] - 1 if flips[axis] else 0.0
    return Grid(shape, grid.affine_ras @ index_map)


def exactly_rigid(matrix: Affine) -> Affine:
    """A map with its rotation made exact: the nearest orthonormal matrix in place of the linear part.

    Args:
        matrix: (4, 4), nearly rigid.
    """
    out: Affine = np.array(matrix, dtype=np.float64)
    left, _, right = np.linalg.svd(out[:3, :3])
    out[:3, :3] = left @ right
    return out


def check_rigid(matrix: Affine) -> None:
    """Refuse a pose that scales, shears or mirrors.

    Raises:
        GeometryError: The upper 3 × 3 is not a proper rotation.
    """
    check_affine(matrix)
    rotation = matrix[:3, :3]
    if not np.allclose(rotation.T @ rotation, np.eye(3), atol=RIGID_TOLERANCE) or np.linalg.det(rotation) < 0:
        raise GeometryError("A rigid pose (rotation and shift) is wanted, one that scales, shears or mirrors came.")


def rotation_degrees(matrix: Affine) -> float:
    """Angle of the rotation in the upper 3 × 3 of a rigid matrix, 0–180°."""
    return float(np.degrees(np.arccos(np.clip((np.trace(matrix[:3, :3]) - 1) / 2, -1.0, 1.0))))


def rigid_fit(source: Points, target: Points, weights: NDArray[np.float64]) -> Affine:
    """The rotation and shift that bring weighted points onto their partners, by least squares.

    Args:
        source: (n, 3) mm.
        target: (n, 3) mm.
        weights: (n,), not negative, not all zero.

    Returns:
        4 × 4 rigid matrix, ``target ≈ matrix · source``. A reflection is never returned (Kabsch 1976,
        doi:10.1107/S0567739476001873). Points on one line leave the turn about that line open: any one is returned.

    Raises:
        GeometryError: No weight is positive, or one is negative or NaN.
    """
    total = float(weights.sum())
    if not total > 0 or weights.min() < 0:
        raise GeometryError("Points with a positive weight are wanted for a rigid fit, none came.")
    w = (weights / total)[:, None]
    from_mean, to_mean = (w * source).sum(0), (w * target).sum(0)
    u, _, vt = np.linalg.svd(((target - to_mean) * w).T @ (source - from_mean))
    rotation = u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = to_mean - rotation @ from_mean
    return matrix
