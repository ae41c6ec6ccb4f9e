"""One label map against another: a score per structure and side, and of both sides together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepgray.anatomy import HEMISPHERES
from deepgray.errors import GeometryError, SettingsError
from deepgray.evaluate import metrics
from deepgray.scan import LabelMap
from deepgray.space import equivalent_axes
from deepgray.voxels.crop import occupied
from deepgray.voxels.surface import surface_distances

Labels = NDArray[np.integer]

TOLERANCE_MM = 1.0


@dataclass(frozen=True)
class Score:
    """How well one structure agrees with the truth.

    Attributes:
        structure: Name, without side.
        side: ``left``, ``right``, ``midline`` or ``both``.
        dice: 0–1; NaN where both are empty, 0 where one is.
        hd95_mm: 95th percentile of the symmetric surface distance; infinite where one is empty.
        assd_mm: Average symmetric surface distance; infinite where one is empty.
        surface_dice: Part of the surfaces within ``tolerance_mm`` of each other, 0–1.
        rvd: Relative volume difference, 1 = 100 %.
        hd_scaled_mm: 0.95 × the largest surface distance.
        predicted_mm3: Volume in the prediction.
        truth_mm3: Volume in the truth.
        tolerance_mm: Tolerance of the surface Dice.
    """

    structure: str
    side: str
    dice: float
    hd95_mm: float
    assd_mm: float
    surface_dice: float
    rvd: float
    hd_scaled_mm: float
    predicted_mm3: float
    truth_mm3: float
    tolerance_mm: float


@dataclass(frozen=True)
class _Part:
    """Labels that make up one row of the result, in the prediction and in the truth."""

    structure: str
    side: str
    predicted: tuple[int, ...]
    truth: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class _Pair:
    """Two label arrays on one grid, cropped to what they hold."""

    predicted: Labels
    truth: Labels
    spacing_mm: NDArray[np.float64]
    voxel_volume_mm3: float


def compare(predicted: LabelMap, truth: LabelMap, *, tolerance_mm: float = TOLERANCE_MM) -> tuple[Score, ...]:
    """Score every structure that both label maps' schemes know, per side and with both sides together.

    Structures are matched by name and side, not by label. On a sheared grid surface distances are approximate, see
    ``voxels.surface``.

    Args:
        predicted: The label map to be judged.
        truth: The label map to judge it by, on the same grid or on one whose axes are permuted or flipped.
        tolerance_mm: Tolerance of the surface Dice.

    Returns:
        Scores in the order of the truth's structures: the left, the right, and the two as one (side ``both``).

    Raises:
        GeometryError: The two do not hold the same voxels.
        SettingsError: The schemes share no structure, or the tolerance is negative.
    """
    if not tolerance_mm >= 0:
        raise SettingsError(f"A tolerance of 0 mm or more is wanted, {tolerance_mm} came.")
    parts = _parts(predicted, truth)
    pair = _on_one_grid(predicted, truth)
    return tuple(_score(pair, part, tolerance_mm=tolerance_mm) for part in parts)


def _parts(predicted: LabelMap, truth: LabelMap) -> list[_Part]:
    known = {s.key: s.label for s in predicted.scheme.structures}
    shared = [s for s in truth.scheme.structures if s.key in known]
    if not shared:
        wanted = ", ".join(s.key for s in truth.scheme.structures)
        raise SettingsError(f"Structures of the truth ({wanted}) are wanted, the prediction has {', '.join(known)}.")
    parts = []
    for name in dict.fromkeys(s.name for s in shared):
        members = sorted((s for s in shared if s.name == name), key=lambda s: s.side)  # left, midline, right
        parts += [_Part(name, s.side.value, (known[s.key],), (s.label,)) for s in members]
        if {s.side for s in members} == set(HEMISPHERES):
            parts.append(_Part(name, "both", tuple(known[s.key] for s in members), tuple(s.label for s in members)))
    return parts


def _on_one_grid(predicted: LabelMap, truth: LabelMap) -> _Pair:
    axes = equivalent_axes(predicted.grid, truth.grid)
    if axes is None:
        raise GeometryError(
            "Two label maps of the same voxels are wanted: "
            f"the truth has {_describe(truth)}, the prediction {_describe(predicted)}."
        )
    order, flips = axes
    moved = np.flip(predicted.voxels.transpose(order), axis=tuple(axis for axis in range(3) if flips[axis]))
    boxes = [box for box in (occupied(moved), occupied(truth.voxels)) if box is not None]
    box = tuple(
        slice(min(b[axis].start for b in boxes), max(b[axis].stop for b in boxes)) if boxes else slice(0, 0)
        for axis in range(3)
    )
    return _Pair(moved[box], truth.voxels[box], truth.grid.spacing_mm, truth.grid.voxel_volume_mm3)


def _describe(labels: LabelMap) -> str:
    shape = " × ".join(str(n) for n in labels.grid.shape)
    spacing = " × ".join(f"{mm:.3g}" for mm in labels.grid.spacing_mm)
    first = ", ".join(f"{mm:.1f}" for mm in labels.affine_ras[:3, 3])
    return f"{shape} voxels of {spacing} mm that begin at ({first}) mm"


def _score(pair: _Pair, part: _Part, *, tolerance_mm: float) -> Score:
    predicted, truth = _mask(pair.predicted, part.predicted), _mask(pair.truth, part.truth)
    distances = surface_distances(predicted, truth, spacing_mm=pair.spacing_mm)
    volumes_mm3 = [int(np.count_nonzero(mask)) * pair.voxel_volume_mm3 for mask in (predicted, truth)]
    return Score(
        structure=part.structure,
        side=part.side,
        dice=metrics.dice(predicted, truth),
        hd95_mm=metrics.hd95_mm(distances),
        assd_mm=metrics.assd_mm(distances),
        surface_dice=metrics.surface_dice(distances, tolerance_mm=tolerance_mm),
        rvd=metrics.relative_volume_difference(volumes_mm3[0], volumes_mm3[1]),
        hd_scaled_mm=metrics.hd_scaled_mm(distances),
        predicted_mm3=volumes_mm3[0],
        truth_mm3=volumes_mm3[1],
        tolerance_mm=tolerance_mm,
    )


def _mask(labels: Labels, wanted: tuple[int, ...]) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = labels == wanted[0]
    for label in wanted[1:]:
        mask |= labels == label
    return mask
