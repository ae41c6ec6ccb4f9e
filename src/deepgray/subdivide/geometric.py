"""Twelve parts by geometry alone: a label map and an AC–PC frame go in, a label map comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from deepgray.anatomy import HEMISPHERES, STRIATUM, Side, scheme
from deepgray.errors import AnatomyError, SettingsError
from deepgray.result import Outline, Pose
from deepgray.scan import LabelMap
from deepgray.space import Grid, Points, apply_affine
from deepgray.subdivide.border import islands, smoothed
from deepgray.subdivide.frame import Frame, frame_of_labels, frame_of_outline
from deepgray.subdivide.rule import RULES, Hemisphere, Mask, parts
from deepgray.voxels.crop import occupied

# Rounding of places that makes equal what differs by the order of a sum, so that flipped grids give the same parts.
_DECIMALS = 6
_ONE_SIDE = "The map holds one hemisphere: the AC–PC frame, and with it every border, is less sure than with both."


def rule_names() -> tuple[str, ...]:
    """Names of the rules."""
    return tuple(RULES)


def by_rule(outline: Outline, pose: Pose, *, rule: str = "mawlawi") -> Outline:
    """Divide an outline's striatum into twelve parts.

    In front of the coronal plane through the anterior commissure the ventral striatum is what lies below an oblique
    line (rule ``mawlawi``: Mawlawi 2001, doi:10.1097/00004647-200109000-00002) or below the axial AC–PC plane (rule
    ``acpc``), and the accumbens wherever it lies; the rest is anterior caudate and anterior putamen. Behind the plane
    caudate is posterior caudate; putamen is posterior above and ventral below the axial plane.

    Args:
        outline: Striatum, as drawn or corrected. Structures named caudate, putamen and accumbens are divided.
        pose: Where the locate station puts the head; the outline and the pose's deep structures give the frame.
        rule: ``mawlawi`` or ``acpc``.

    Returns:
        Labels of the scheme ``striatum12`` on the same grid: every striatal voxel has one, all others 0.

    Raises:
        SettingsError: No rule has this name.
        AnatomyError: The outline holds no striatum.
    """
    return divide(outline.labels, frame_of_outline(outline.labels, pose), rule=rule)


def split_label_map(labels: LabelMap, *, rule: str = "mawlawi") -> Outline:
    """Divide the striatum of a label map, without a scan.

    The AC–PC frame comes from all deep structures that the map's scheme names (accumbens, caudate, putamen, pallidum,
    thalamus, hippocampus, amygdala, ventral diencephalon, third ventricle), or from those of caudate, putamen and
    accumbens alone, and the method says from how many. One hemisphere alone will do, and a note says that it did.

    Args:
        labels: Any scheme with structures named caudate, putamen and accumbens.
        rule: As in ``by_rule``.

    Returns:
        As ``by_rule``.

    Raises:
        SettingsError: No rule has this name.
        AnatomyError: No striatum, or fewer than three deep structures.
        FieldOfViewError: The edge of the grid cuts them.
    """
    return divide(labels, frame_of_labels(labels), rule=rule)


def divide(labels: LabelMap, frame: Frame, *, rule: str) -> Outline:
    """Divide the striatum of a label map in a given frame; arguments, answer and errors as in ``by_rule``."""
    if rule not in RULES:
        raise SettingsError(f"A rule is wanted, one of {', '.join(RULES)}; '{rule}' came.")
    answer = np.zeros(labels.voxels.shape, dtype=np.uint8)
    for side in HEMISPHERES:
        numbers = {s.name: s.label for s in labels.scheme.of_side(side) if s.name in STRIATUM}
        box = occupied(np.isin(labels.voxels, list(numbers.values())))
        if box is not None:
            low, high = tuple(s.start for s in box), tuple(s.stop for s in box)
            grid = labels.grid.crop((low[0], low[1], low[2]), (high[0], high[1], high[2]))
            canonical = Grid(grid.shape, frame.canonical_from_world @ grid.affine_ras)
            codes = _divide_side(labels.voxels[box], numbers, canonical=canonical, below=RULES[rule])
            answer[box] = np.where(codes > 0, _scheme_labels(side)[codes], answer[box])
    if not answer.any():
        raise AnatomyError("A label map with caudate, putamen or accumbens is wanted, one without came.")
    divided = LabelMap(answer, labels.affine_ras, scheme("striatum12"))
    notes = (_ONE_SIDE,) if frame.one_sided else ()
    return Outline(divided, None, (), f"geometric rule '{rule}'; {frame.origin}", notes)


def _scheme_labels(side: Side) -> NDArray[np.uint8]:
    """Labels of the scheme ``striatum12`` by code; code 0 is background."""
    return np.array([0, *(s.label for s in scheme("striatum12").of_side(side))], dtype=np.uint8)


def _divide_side(
    voxels: NDArray[np.integer], numbers: Mapping[str, int], *, canonical: Grid, below: Callable[[Hemisphere], Mask]
) -> NDArray[np.uint8]:
    """Codes of the parts of one side, (x, y, z) like ``voxels``; 0 outside its striatum."""
    striatum = np.isin(voxels, list(numbers.values()))
    index = np.argwhere(striatum).astype(np.float64)
    points_mm: Points = np.round(apply_affine(canonical.affine_ras, index), _DECIMALS)
    points_mm[:, 0] *= 1.0 if points_mm[:, 0].mean() >= 0 else -1.0
    own = voxels[striatum]
    side = Hemisphere(
        points_mm=points_mm,
        caudate=own == numbers.get("caudate", 0),
        putamen=own == numbers.get("putamen", 0),
        spacing_mm=float(canonical.spacing_mm.max()),
        voxel_mm3=canonical.voxel_volume_mm3,
    )
    front = points_mm[:, 1] >= 0

    def volume(marked: Mask) -> Mask:
        whole = np.zeros(striatum.shape, dtype=bool)
        whole[striatum] = marked
        return whole

    region, accumbens = volume(front | side.accumbens), volume(side.accumbens)
    ventral = volume(below(side) & front) | accumbens
    ventral = smoothed(ventral, region, fixed=accumbens, spacing_mm=canonical.spacing_mm)
    for compartment in (side.caudate, side.putamen):
        ventral |= islands(volume(compartment & front) & ~ventral, beside=ventral)
    ventral &= ~islands(ventral, beside=region & ~ventral) | accumbens
    codes = np.zeros(striatum.shape, dtype=np.uint8)
    codes[striatum] = parts(side, ventral[striatum])
    return codes
