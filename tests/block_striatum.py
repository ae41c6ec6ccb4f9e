"""A striatum of blocks, whose parts can be told by hand; its world is the canonical frame, its voxels are 1 mm.

On each side the putamen's middle lies 22 mm out and its lowest voxels at z = -3.5; the striatum in the AC–PC plane goes
from 8.5 to 25.5 mm, so its middle is at 17. Mawlawi's line goes through both: it falls by 0.7 mm per mm outwards.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from deepgray.anatomy import Scheme, scheme
from deepgray.result import Pose
from deepgray.scan import LabelMap
from deepgray.space import Grid, reordered_grid

STRIATUM = scheme("striatum")
# Corners of each block, mm, x outwards. The parted boxes give the fit of the frame its centroids.
CAUDATE = ((8, -6, -4), (14, 16, 14))
PUTAMEN = ((18, -14, -4), (26, 16, 12))
ACCUMBENS = ((5, 4, -9), (14, 14, -4))
PALLIDUM = ((14, -12, -3), (18, 2, 6))
THALAMUS = ((2, -22, 2), (12, -8, 16))
SHAPE, LOW = (64, 48, 40), (-32.0, -24.0, -16.0)


def affine() -> np.ndarray:
    """Voxel index to mm."""
    matrix = np.eye(4)
    matrix[:3, 3] = np.array(LOW) + 0.5
    return matrix


def block_striatum(*names: str, sides: tuple[str, ...] = ("left", "right"), of: Scheme = STRIATUM) -> LabelMap:
    """The named blocks on the named sides."""
    corners = {
        "caudate": CAUDATE, "putamen": PUTAMEN, "accumbens": ACCUMBENS, "pallidum": PALLIDUM, "thalamus": THALAMUS,
    }  # fmt: skip
    voxels = np.zeros(SHAPE, dtype=np.int16)
    for structure in of.structures:
        if structure.name in names and str(structure.side) in sides:
            low, high = (np.array(c) for c in corners[structure.name])
            if structure.side == "left":
                low, high = low * [-1, 1, 1], high * [-1, 1, 1]
                low[0], high[0] = high[0], low[0]
            first, last = (low - LOW).astype(int), (high - LOW).astype(int)
            voxels[first[0] : last[0], first[1] : last[1], first[2] : last[2]] = structure.label
    return LabelMap(voxels, affine(), of)


def value_at(labels: LabelMap, point_mm: tuple[float, float, float]) -> int:
    """The label of the voxel whose centre is this point."""
    index = np.linalg.inv(labels.affine_ras) @ [*point_mm, 1.0]
    assert np.allclose(index, np.rint(index), atol=1e-6)
    return int(labels.voxels[tuple(np.rint(index[:3]).astype(int))])


def moved(
    labels: LabelMap, motion: np.ndarray, order: tuple[int, int, int], flips: tuple[bool, bool, bool]
) -> LabelMap:
    """The same head elsewhere in the world, its array permuted and flipped."""
    grid = reordered_grid(Grid(SHAPE, motion @ labels.affine_ras), order, flips)
    return LabelMap(reordered(labels.voxels, order, flips), grid.affine_ras, labels.scheme)


def reordered(voxels: np.ndarray, order: tuple[int, int, int], flips: tuple[bool, bool, bool]) -> np.ndarray:
    """The array as ``reordered_grid`` reads it."""
    return np.flip(voxels.transpose(order), axis=[a for a in range(3) if flips[a]])


def pose_of(canonical_from_world: np.ndarray) -> Pose:
    """A sure pose with an empty coarse map."""
    coarse = LabelMap(np.zeros((2, 2, 2), dtype=np.uint8), np.eye(4), scheme("coarse"))
    return Pose(canonical_from_world, 1.0, coarse)


def rigid(rotation_degrees: tuple[float, float, float], shift_mm: tuple[float, float, float]) -> np.ndarray:
    """A rigid matrix: turns about x, y, z, then a shift."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", rotation_degrees, degrees=True).as_matrix()
    matrix[:3, 3] = shift_mm
    return matrix
