"""How far numbers move over plausible masks: every measure again in each mask that the probabilities allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from deepgray.measure.binding import binding, uptakes
from deepgray.measure.references import Level
from deepgray.measure.susceptibility import susceptibility
from deepgray.measure.tracer import Look, look_in, rows_in
from deepgray.measure.volume import VOLUME, VOLUME_PARTIAL, volumes
from deepgray.result import NO_REFERENCE, Outline, Pose, Registered
from deepgray.scan import LabelMap, Scan
from deepgray.voxels.crop import Box
from deepgray.voxels.plausible_masks import PlausibleMasks, plausible_masks

# So many masks tell a standard deviation to about 15 %.
MASKS = 24
# A number that is undefined in more than this part of the masks has no spread.
MOST_UNDEFINED = 0.25

# Structure, side, quantity.
Key = tuple[str, str, str]


@dataclass(frozen=True, eq=False)
class Told:
    """What numbers are told of and relative to, whatever the mask.

    Attributes:
        measures: Of ``recipe.MEASURES``.
        scan: The scan, on the grid of the masks; None where only volumes are wanted.
        pose: Where the head is.
        levels: What reference regions hold; they do not move with the mask.
        beside: The tracer scan that came beside the scan, or None.
        beside_level: What its reference region holds.
    """

    measures: tuple[str, ...]
    scan: Scan | None
    pose: Pose
    levels: tuple[Level, ...] = ()
    beside: Registered | None = None
    beside_level: Level | None = None


def numbers_in(maps: Sequence[LabelMap], told: Told, *, look: Look | None = None) -> dict[Key, float]:
    """Every number of label maps, as the measures tell it; susceptibilities without a reference subtracted.

    Args:
        maps: On the grid of ``told.scan``: structures, and their parts; what an earlier one told is not told again.
        told: What is measured.
        look: The tracer scan at voxels of the maps, where there is one; looked up anew without.
    """
    found: dict[Key, float] = {}
    for labels in maps:
        outline = Outline(labels, None, (), "")
        rows = list(volumes(outline)) if "volume" in told.measures else []
        if told.scan is not None and "susceptibility" in told.measures:
            rows += susceptibility(outline, told.scan, reference=NO_REFERENCE)
        if told.scan is not None and "binding" in told.measures:
            rows += binding(uptakes(outline, told.scan, told.pose), told.levels, unit=told.scan.unit)
        if told.beside is not None and told.beside_level is not None:
            rows += rows_in(labels, told.beside, told.beside_level, look=look or look_in(labels, told.beside))
        for m in rows:
            found.setdefault((m.structure, m.side, m.quantity), m.value)
    return found


def spreads(outline: Outline, parts: Outline | None, told: Told) -> dict[Key, float]:
    """Standard deviation of every number over plausible masks.

    Args:
        outline: Structures with probabilities.
        parts: Their parts, or None.
        told: What is measured, the scan as a whole.

    Returns:
        By structure, side and quantity; a number that many masks leave undefined is left out. Empty without
        probabilities. Volumes from probabilities move as those of voxels do.
    """
    if outline.probabilities is None:
        return {}
    masks = plausible_masks(outline.labels, outline.probabilities, count=MASKS)
    divided = [] if parts is None else [masks.divided(parts.labels)]
    here = replace(told, scan=_cropped(told.scan, masks.box, masks.outline))
    look = _looked_up(masks, told.beside)
    drawn = [numbers_in(maps, here, look=look) for maps in zip(masks, *divided, strict=True)]
    values = {key: np.array([numbers[key] for numbers in drawn]) for key in drawn[0]}
    found = {key: float(np.nanstd(v, ddof=1)) for key, v in values.items() if np.isnan(v).mean() <= MOST_UNDEFINED}
    partial = {(n, side, VOLUME_PARTIAL): s for (n, side, quantity), s in found.items() if quantity == VOLUME}
    return found | partial


def _cropped(scan: Scan | None, box: Box, grid: LabelMap) -> Scan | None:
    """The part of a scan around the masks; None where nothing is seen in it."""
    if scan is None:
        return None
    voxels = scan.voxels[box]
    return replace(scan, voxels=voxels, affine_ras=grid.affine_ras) if voxels.min() < voxels.max() else None


def _looked_up(masks: PlausibleMasks, beside: Registered | None) -> Look | None:
    """The tracer scan, looked up once wherever a mask may be."""
    if beside is None:
        return None
    wanted = masks.outline.voxels > 0
    wanted[tuple(masks.places.T)] = True
    places = np.argwhere(wanted)
    table: NDArray[np.float64] = np.full(wanted.shape, np.nan)
    table[tuple(places.T)] = look_in(masks.outline, beside)(places)
    return lambda at: table[tuple(at.T)]
