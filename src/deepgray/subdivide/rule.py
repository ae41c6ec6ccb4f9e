"""The geometric rule: one hemisphere's striatum into six parts, by where a voxel lies in the AC–PC frame.

Everything here works on points in canonical millimetres, with x counted outwards from the mid-sagittal plane.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from deepgray.errors import ShapeError
from deepgray.space import Points

Numbers = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Codes of the parts, one above their place in the scheme ``striatum12``'s order of one side.
VENTRAL_STRIATUM, ANTERIOR_CAUDATE, POSTERIOR_CAUDATE = 1, 2, 3
ANTERIOR_PUTAMEN, POSTERIOR_PUTAMEN, VENTRAL_PUTAMEN = 4, 5, 6

# Coronal slabs that the oblique line is drawn in: distance, and half thickness where voxels are small.
_STEP_MM = 1.0
_HALF_SLAB_MM = 1.0
# A slab tells something when its putamen has this section, and its striatum in the AC–PC plane this width.
_LEAST_PUTAMEN_MM2 = 12.0
_LEAST_WIDTH_MM = 6.0
# The oblique line falls outwards, by no more than 45°.
_LEAST_RUN_MM = 2.0
_STEEPEST = 1.0


@dataclass(frozen=True, eq=False)
class Hemisphere:
    """The striatal voxels of one side.

    Attributes:
        points_mm: (n, 3) outwards, forward, upward from the anterior commissure, mm.
        caudate: (n,) whether a voxel is caudate.
        putamen: (n,) whether a voxel is putamen; what is neither is accumbens.
        spacing_mm: Largest voxel size, mm.
        voxel_mm3: Volume of a voxel, mm³.

    Raises:
        ShapeError: The arrays differ in length.
    """

    points_mm: Points
    caudate: Mask
    putamen: Mask
    spacing_mm: float
    voxel_mm3: float

    def __post_init__(self) -> None:
        if self.points_mm.shape != (len(self.caudate), 3) or len(self.caudate) != len(self.putamen):
            raise ShapeError(
                f"One point and two marks per voxel are wanted, {self.points_mm.shape}, {len(self.caudate)} and "
                f"{len(self.putamen)} came."
            )

    @property
    def accumbens(self) -> Mask:
        """Whether a voxel is accumbens."""
        return ~(self.caudate | self.putamen)


def below_oblique_line(side: Hemisphere) -> Mask:
    """Where the striatum lies below the oblique line of Mawlawi 2001 (doi:10.1097/00004647-200109000-00002).

    In a coronal section the line goes through *a*, the lower outer edge of the putamen under its dorsal tip (where the
    internal capsule reaches furthest up and out), and *b*, the middle of the striatum in the axial AC–PC plane, and on
    to the ventricle. *a* and *b* are read in slabs and follow smooth curves from back to front, so that a ragged slice
    does not bend the border. Slabs whose section with the AC–PC plane does not reach from putamen to caudate or
    accumbens have no *b*.

    Returns:
        (n,) Boolean; the axial AC–PC plane divides where no slab has a line.
    """
    forward = side.points_mm[:, 1]
    last = forward.max(initial=0.0)
    read = [(y, *_line_points(side, y)) for y in np.arange(0.0, last + _STEP_MM, _STEP_MM)]
    rows = np.array(read, dtype=np.float64).reshape(-1, 5)
    outer, middle = rows[np.isfinite(rows[:, 1])], rows[np.isfinite(rows[:, 3])]
    if len(outer) < 3 or len(middle) < 2:
        return np.asarray(side.points_mm[:, 2] < 0)
    y = np.clip(forward, 0.0, outer[-1, 0])
    outer_x = _smooth(outer[:, 0], outer[:, 1], outer[:, 4], at=y, degree=1)
    outer_z = _smooth(outer[:, 0], outer[:, 2], outer[:, 4], at=y, degree=2)
    middle_x = _smooth(middle[:, 0], middle[:, 3], middle[:, 4], at=y, degree=1)
    slope = np.clip(-outer_z / np.maximum(outer_x - middle_x, _LEAST_RUN_MM), 0.0, _STEEPEST)
    return np.asarray(side.points_mm[:, 2] < -slope * (side.points_mm[:, 0] - middle_x))


def below_commissures(side: Hemisphere) -> Mask:
    """Where the striatum lies below the axial plane through both commissures, (n,) Boolean."""
    return np.asarray(side.points_mm[:, 2] < 0)


RULES: Mapping[str, Callable[[Hemisphere], Mask]] = MappingProxyType(
    {"mawlawi": below_oblique_line, "acpc": below_commissures}
)
"""What divides ventral from dorsal in front of the anterior commissure."""


def parts(side: Hemisphere, ventral: Mask) -> NDArray[np.uint8]:
    """The part of every voxel.

    Args:
        side: The striatum of one side.
        ventral: (n,) what is ventral in front of the anterior commissure, from one of ``RULES``.

    Returns:
        (n,) codes 1–6, none 0: the coronal plane through the anterior commissure divides front from back, the axial
        AC–PC plane the putamen behind it; accumbens is ventral striatum wherever it lies.
    """
    front, high = side.points_mm[:, 1] >= 0, side.points_mm[:, 2] >= 0
    behind_putamen = np.where(high, POSTERIOR_PUTAMEN, VENTRAL_PUTAMEN)
    caudate = np.where(front, np.where(ventral, VENTRAL_STRIATUM, ANTERIOR_CAUDATE), POSTERIOR_CAUDATE)
    putamen = np.where(front, np.where(ventral, VENTRAL_STRIATUM, ANTERIOR_PUTAMEN), behind_putamen)
    answer = np.where(side.caudate, caudate, np.where(side.putamen, putamen, VENTRAL_STRIATUM))
    return answer.astype(np.uint8)


def _line_points(side: Hemisphere, y: float) -> tuple[float, float, float, float]:
    """Outer x and z of *a*, x of *b* (NaN where there is none), and the putamen's section in mm², at one slab."""
    half = max(_HALF_SLAB_MM, 0.75 * side.spacing_mm)
    inside = np.abs(side.points_mm[:, 1] - y) < half
    putamen, striatum = side.points_mm[inside & side.putamen], side.points_mm[inside]
    section_mm2 = len(putamen) * side.voxel_mm3 / (2 * half)
    if section_mm2 < _LEAST_PUTAMEN_MM2:
        return np.nan, np.nan, np.nan, section_mm2
    tip_x = float(putamen[putamen[:, 2] >= np.percentile(putamen[:, 2], 95), 0].mean())
    column = np.abs(putamen[:, 0] - tip_x) < max(1.2, 0.75 * side.spacing_mm)
    bottom_z = float(np.percentile(putamen[column, 2], 2)) if column.any() else np.nan
    level = np.abs(side.points_mm[:, 2]) < max(1.0, 0.75 * side.spacing_mm)
    medial, across = side.points_mm[inside & level & ~side.putamen, 0], striatum[level[inside], 0]
    joined = len(medial) > 0 and (side.putamen & inside & level).any() and np.ptp(across) > _LEAST_WIDTH_MM
    middle_x = float(across.min() + across.max()) / 2 if joined else np.nan
    return (tip_x if column.any() else np.nan), bottom_z, middle_x, section_mm2


def _smooth(y: Numbers, value: Numbers, weight: Numbers, *, at: Numbers, degree: int) -> Numbers:
    """A robust low polynomial through values, read at other places."""
    robust = np.ones_like(y)
    coefficients: Numbers = np.zeros(1)
    for _ in range(10):
        root = np.sqrt(weight * robust)
        coefficients = np.asarray(
            np.polynomial.polynomial.polyfit(y, value, min(degree, len(y) - 1), w=root), np.float64
        )
        distance = np.abs(np.polynomial.polynomial.polyval(y, coefficients) - value)
        robust = 1 / (1 + (distance / max(0.5, 2 * float(np.median(distance)))) ** 2)
    return np.asarray(np.polynomial.polynomial.polyval(at, coefficients), dtype=np.float64)
