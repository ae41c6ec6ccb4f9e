"""The distance from the surface of one mask to the surface of another, in millimetres, weighted by area.

Where the surface runs is decided by looking at every block of 2 × 2 × 2 neighbouring voxels: eight bits that say which
of the eight voxels belong to the mask. A block whose voxels differ holds one *surface element*, placed at the middle of
the block. Its area is that of the polygons that cut the edges between unlike voxels in half, as in marching cubes
(Lorensen and Cline 1987, doi:10.1145/37401.37422). Weighting distances by these areas keeps a staircase from counting
more than a smooth slope (Nikolov et al. 2021, doi:10.2196/26151).

Polygons are traced, not read from a table: where two like voxels lie diagonally on a face, each voxel of the mask is
cut off alone. A polygon's area is that of the fan around its centre. Both rules look the same from every direction, so
that no result depends on how an array is flipped or permuted.

Distances take the grid's axes to be perpendicular, as they are in every scan that is turned but not sheared. On a
sheared grid (a gantry tilt written into the affine) they are wrong by about the shear.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from deepgray.errors import GeometryError, MissingExtraError, ShapeError
from deepgray.voxels.crop import occupied

Mask = NDArray[np.bool_]
Millimetres = NDArray[np.float64]
Corner = tuple[int, int, int]
Edge = frozenset[Corner]

_CORNERS: tuple[Corner, ...] = tuple((x, y, z) for x, y, z in product((0, 1), repeat=3))
_INSIDE = 255  # code of a block whose eight voxels all belong to the mask


@dataclass(frozen=True, eq=False)
class SurfaceDistances:
    """How far each surface element of one mask is from the other mask's surface.

    Attributes:
        distances_ab_mm: (n,) from each element of a to the nearest element of b; infinite where b is empty.
        areas_a_mm2: (n,) area of each element of a.
        distances_ba_mm: (m,) from each element of b to the nearest element of a; infinite where a is empty.
        areas_b_mm2: (m,) area of each element of b.
    """

    distances_ab_mm: Millimetres
    areas_a_mm2: Millimetres
    distances_ba_mm: Millimetres
    areas_b_mm2: Millimetres


@dataclass(frozen=True, eq=False)
class Surface:
    """The surface elements of one mask.

    Attributes:
        points_mm: (n, 3) middle of each element, voxel index × spacing.
        areas_mm2: (n,) area of each element.
    """

    points_mm: Millimetres
    areas_mm2: Millimetres


def surface_distances(a: Mask, b: Mask, *, spacing_mm: NDArray[np.float64]) -> SurfaceDistances:
    """Distances between the surfaces of two masks on one grid, both ways.

    Only the box that holds both masks is looked at, so the size of the grid around them costs nothing more than finding
    that box. The border of the array counts as the outside.

    Args:
        a: (x, y, z).
        b: (x, y, z), same shape.
        spacing_mm: (3,) distance between neighbouring voxels along each axis, mm.

    Returns:
        Distances in mm, 0 or more. A mask that is empty has no elements, and the other's distances are infinite.

    Raises:
        ShapeError: The shapes differ or are not three-dimensional.
        GeometryError: A spacing is not positive.
    """
    if a.shape != b.shape or a.ndim != 3:
        raise ShapeError(f"Two masks on one volume's grid are wanted, shapes {a.shape} and {b.shape} came.")
    box = occupied(a | b)
    if box is None:
        none = np.zeros(0)
        return SurfaceDistances(none, none, none, none)
    surface_a, surface_b = (surface(mask[box], spacing_mm=spacing_mm) for mask in (a, b))
    return SurfaceDistances(
        distances_ab_mm=_nearest_mm(surface_a, surface_b),
        areas_a_mm2=surface_a.areas_mm2,
        distances_ba_mm=_nearest_mm(surface_b, surface_a),
        areas_b_mm2=surface_b.areas_mm2,
    )


def surface(mask: Mask, *, spacing_mm: NDArray[np.float64]) -> Surface:
    """The surface elements of a mask.

    Args:
        mask: (x, y, z).
        spacing_mm: (3,) mm.

    Returns:
        Points and areas; none where the mask is empty.

    Raises:
        GeometryError: A spacing is not positive.
    """
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    if spacing.shape != (3,) or not (np.isfinite(spacing) & (spacing > 0)).all():
        raise GeometryError(f"Three positive spacings in mm are wanted, {spacing.tolist()} came.")
    codes = _block_codes(mask)
    where = np.flatnonzero((codes != 0) & (codes != _INSIDE))
    index = np.stack(np.unravel_index(where, codes.shape), axis=1)
    return Surface((index - 0.5) * spacing, code_areas_mm2(spacing)[codes.ravel()[where]])


def code_areas_mm2(spacing_mm: NDArray[np.float64]) -> Millimetres:
    """Area of the surface inside a block of 2 × 2 × 2 voxels, for each of the 256 ways to fill it.

    Args:
        spacing_mm: (3,) mm.

    Returns:
        (256,) mm²; 0 for the empty and for the full block. Bit ``4 x + 2 y + z`` of the code is the voxel x, y, z.
    """
    facing = np.prod(spacing_mm) / np.asarray(spacing_mm, dtype=np.float64)  # mm² of a voxel's face across each axis
    return np.asarray(np.linalg.norm(_unit_areas() * facing, axis=-1).sum(axis=-1), dtype=np.float64)


def _block_codes(mask: Mask) -> NDArray[np.uint8]:
    """(x + 1, y + 1, z + 1) code of every block; block i, j, k holds the voxels i - 1 to i, and so on."""
    padded = np.pad(mask, 1).view(np.uint8)
    shape = tuple(n + 1 for n in mask.shape)
    codes = np.zeros(shape, dtype=np.uint8)
    for bit, corner in enumerate(_CORNERS):
        part = tuple(slice(start, start + n) for start, n in zip(corner, shape, strict=True))
        codes |= padded[part] << np.uint8(bit)
    return codes


def _nearest_mm(source: Surface, target: Surface) -> Millimetres:
    if not len(source.points_mm) or not len(target.points_mm):
        return np.full(len(source.points_mm), np.inf)
    try:
        from scipy.spatial import cKDTree  # noqa: PLC0415 (an extra)
    except ModuleNotFoundError as error:
        raise MissingExtraError("Surface distances want scipy: pip install 'deepgray[evaluate]'.") from error
    return np.asarray(cKDTree(target.points_mm).query(source.points_mm)[0], dtype=np.float64)


@cache
def _unit_areas() -> NDArray[np.float64]:
    """(256, triangles, 3) area vector of each triangle in a block of unit spacing, zeros behind the last."""
    triangles = [[t for loop in _loops(code) for t in _fan(loop)] for code in range(256)]
    table = np.zeros((256, max(len(t) for t in triangles), 3))
    for code, vectors in enumerate(triangles):
        table[code, : len(vectors)] = np.reshape(vectors, (-1, 3))
    table.setflags(write=False)
    return table


def _fan(loop: list[Edge]) -> list[NDArray[np.float64]]:
    """Area vectors of the triangles between a closed polygon through the middles of edges and its centre."""
    middles = np.array([np.mean(list(edge), axis=0) for edge in loop])
    rays = middles - middles.mean(axis=0)
    return [np.cross(ray, after) / 2 for ray, after in zip(rays, np.roll(rays, -1, axis=0), strict=True)]


def _loops(code: int) -> list[list[Edge]]:
    """The closed polygons that part the voxels of a block, each as the edges it cuts, in order."""
    neighbours: dict[Edge, list[Edge]] = {}
    for one, other in _face_segments({c for bit, c in enumerate(_CORNERS) if code >> bit & 1}):
        neighbours.setdefault(one, []).append(other)
        neighbours.setdefault(other, []).append(one)
    loops = []
    while neighbours:
        loop = [next(iter(neighbours))]
        while ahead := [edge for edge in neighbours.pop(loop[-1]) if edge in neighbours]:
            loop.append(ahead[0])
        loops.append(loop)
    return loops


def _face_segments(inside: set[Corner]) -> list[tuple[Edge, Edge]]:
    """Where the surface crosses the six faces of a block: pairs of edges, joined by a straight line."""
    segments = []
    for axis, side in product(range(3), (0, 1)):
        corners = [_on_face(axis, side, ring) for ring in ((0, 0), (0, 1), (1, 1), (1, 0))]
        edges = [frozenset((corners[k], corners[(k + 1) % 4])) for k in range(4)]
        cut = [edge for edge in edges if len(edge & inside) == 1]
        if len(cut) == 2:
            segments.append((cut[0], cut[1]))
        elif cut:  # like voxels lie diagonally: cut each voxel of the mask off alone
            segments += [(edges[k - 1], edges[k]) for k in range(4) if corners[k] in inside]
    return segments


def _on_face(axis: int, side: int, ring: tuple[int, int]) -> Corner:
    corner = list(ring)
    corner.insert(axis, side)
    return corner[0], corner[1], corner[2]
