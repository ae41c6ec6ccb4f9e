"""A case turned about an axis, or mirrored: the scan anew on an upright grid, the truth with it, never interpolated."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepgray.anatomy import HEMISPHERES
from deepgray.protocols.spect.sets import Case
from deepgray.scan import LabelMap, Scan
from deepgray.space import Affine, Grid, apply_affine, inverse
from deepgray.voxels.resample import to_frame

AXES = ("x", "y", "z")
# Voxels along each axis of a turned scan at 2 mm: the longest side of the usual grid, so that no turn cuts a head.
SIDE_VOXELS, SIDE_MM = 109, 2.0


def angles(step_degrees: float) -> tuple[float, ...]:
    """From one step to 180 degrees."""
    return tuple(float(a) for a in np.arange(step_degrees, 180 + step_degrees / 2, step_degrees))


def condition(axis: str, degrees: float) -> str:
    """What a turn is called in tables (``x 030``)."""
    return f"{axis} {degrees:03.0f}"


def turned(case: Case, axis: str, degrees: float) -> Case:
    """The head turned in the scanner, about the middle of the image.

    Args:
        case: The case.
        axis: ``x`` (nodding), ``y`` (tilting to a shoulder) or ``z`` (shaking); as the thumb of a right hand points.
        degrees: How far.

    Returns:
        The scan, linear between its voxels, on a grid that holds every turn; the truth on its own grid, which is
        turned.
    """
    turn = about(axis, degrees, middle_mm=_middle_mm(case.scan.grid))
    affine = np.diag([SIDE_MM, SIDE_MM, SIDE_MM, 1.0])
    affine[:3, 3] = _middle_mm(case.scan.grid) - (SIDE_VOXELS - 1) / 2 * SIDE_MM
    grid = Grid((SIDE_VOXELS,) * 3, affine)
    voxels = to_frame(case.scan.voxels, case.scan.affine_ras, grid, world_from_frame=inverse(turn))
    truth = LabelMap(case.truth.voxels, turn @ case.truth.affine_ras, case.truth.scheme)
    return Case(case.name, case.stage, Scan(voxels, affine, case.scan.stem, "spect"), truth, case.reference_mean)


def about(axis: str, degrees: float, *, middle_mm: NDArray[np.float64]) -> Affine:
    """A rotation about a line through a point, 4 × 4."""
    number = AXES.index(axis)
    one, other = (number + 1) % 3, (number + 2) % 3
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    out = np.eye(4)
    out[one, one], out[one, other], out[other, one], out[other, other] = cos, -sin, sin, cos
    out[:3, 3] = middle_mm - out[:3, :3] @ middle_mm
    return out


def mirrored(case: Case) -> Case:
    """The person as in a mirror: the image left to right, and what was the left nucleus is now the right one."""
    middle = _middle_mm(case.scan.grid)
    mirror = np.diag([-1.0, 1.0, 1.0, 1.0])
    mirror[0, 3] = 2 * middle[0]
    scan = Scan(
        np.ascontiguousarray(case.scan.voxels[::-1]),
        mirror @ case.scan.affine_ras @ _backwards(case.scan.grid),
        case.scan.stem,
        "spect",
    )
    labels = np.ascontiguousarray(case.truth.voxels[::-1])
    affine = mirror @ case.truth.affine_ras @ _backwards(case.truth.grid)
    structures = case.truth.scheme.structures
    swapped = np.zeros_like(labels)
    for one in structures:
        other = next(s for s in structures if s.name == one.name and s.side is not one.side and s.side in HEMISPHERES)
        swapped[labels == one.label] = other.label
    return Case(case.name, case.stage, scan, LabelMap(swapped, affine, case.truth.scheme), case.reference_mean)


def _backwards(grid: Grid) -> Affine:
    """Index to index, the first axis the other way round."""
    out = np.eye(4)
    out[0, 0], out[0, 3] = -1.0, grid.shape[0] - 1
    return out


def _middle_mm(grid: Grid) -> NDArray[np.float64]:
    return apply_affine(grid.affine_ras, (np.array(grid.shape) - 1) / 2)
