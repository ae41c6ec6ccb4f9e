"""One outline against what is known of its scan: overlap, surface, volume, binding and sides; and its table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepgray.anatomy import HEMISPHERES, Scheme, Side, structure
from deepgray.evaluate import compare
from deepgray.measure.binding import DORSAL
from deepgray.protocols.row_tables import read_table, write_table
from deepgray.protocols.spect.sets import Case
from deepgray.scan import LabelMap
from deepgray.voxels.resample import to_frame

# Left and right striatum as one structure each, here caudate and putamen (the dorsal striatum).
WHOLE = Scheme("dorsal-striatum", tuple(structure(f"{side} striatum") for side in HEMISPHERES))
COMPARTMENTS = ("caudate", "putamen")
UPRIGHT, MIRRORED = "upright", "mirrored"
_TEXTS = ("arm", "case", "stage", "condition", "structure", "side", "category", "failure")


@dataclass(frozen=True, eq=False)
class Found:
    """What an arm gave for a scan.

    Attributes:
        labels: On the grid of the case's truth; scheme ``striatum4``, or ``WHOLE`` from an arm that knows no
            compartments and no sides.
        printed_sbr: Binding ratios as the arm measured them by a reference of its own, by key (``left caudate``).
        category: Visual category that the arm suggests, or empty.
        failure: Why there is no outline, empty where there is one.
    """

    labels: LabelMap
    printed_sbr: Mapping[str, float] = field(default_factory=dict)
    category: str = ""
    failure: str = ""


@dataclass(frozen=True)
class Row:
    """How an arm found one structure of one side (or both as one) in one scan.

    Attributes:
        arm: Who outlined.
        case: Name of the person.
        stage: How far the disease is.
        condition: ``upright``, ``mirrored``, or a rotation (``x 030``).
        structure: ``caudate``, ``putamen`` or ``dorsal striatum``, which is both.
        side: ``left``, ``right`` or ``both``.
        dice: 0–1; 0 where nothing was found.
        hd95_mm: 95th percentile of the symmetric surface distance; infinite where nothing was found.
        hd_scaled_mm: 0.95 × the largest surface distance, which work B prints as its HD95.
        rvd: Relative volume difference, 1 = 100 %.
        predicted_mm3: Volume that was found.
        truth_mm3: True volume.
        sbr: Binding ratio in the mask that was found, by the true cerebellum.
        truth_sbr: The same in the true mask.
        printed_sbr: As the arm printed it, by a reference of its own; NaN where it has none.
        wrong_side: Part of the true voxels that got a name of the other side, 0–1.
        category: Suggested visual category, or empty.
        failure: Why there is no outline, empty where there is one.
    """

    arm: str
    case: str
    stage: str
    condition: str
    structure: str
    side: str
    dice: float
    hd95_mm: float
    hd_scaled_mm: float
    rvd: float
    predicted_mm3: float
    truth_mm3: float
    sbr: float
    truth_sbr: float
    printed_sbr: float = math.nan
    wrong_side: float = math.nan
    category: str = ""
    failure: str = ""


def judged(found: Found, case: Case, *, arm: str, condition: str = UPRIGHT) -> tuple[Row, ...]:
    """Rows of one outline: caudate and putamen of each side, and the dorsal striatum of each side and of both.

    An arm without compartments has one row, of the dorsal striatum of both sides.
    """
    voxels = to_frame(case.scan.voxels, case.scan.affine_ras, case.truth.grid, world_from_frame=np.eye(4))
    sheets = [(whole(found.labels), whole(case.truth))]
    if found.labels.scheme.name != WHOLE.name:
        sheets.insert(0, (found.labels, case.truth))
    rows = []
    for predicted, truth in sheets:
        for score in compare(predicted, truth):
            of_both = score.side == "both"
            # the two caudates are no structure of interest; an arm without sides has the whole only
            if (of_both and score.structure in COMPARTMENTS) or (len(sheets) == 1 and not of_both):
                continue
            of_found, of_truth = (_mask(labels, score.structure, score.side) for labels in (predicted, truth))
            name = DORSAL if score.structure == "striatum" else score.structure
            rows.append(
                Row(
                    arm=arm,
                    case=case.name,
                    stage=case.stage,
                    condition=condition,
                    structure=name,
                    side=score.side,
                    dice=score.dice,
                    hd95_mm=score.hd95_mm,
                    hd_scaled_mm=score.hd_scaled_mm,
                    rvd=score.rvd,
                    predicted_mm3=score.predicted_mm3,
                    truth_mm3=score.truth_mm3,
                    sbr=_ratio(voxels[of_found], case.reference_mean),
                    truth_sbr=_ratio(voxels[of_truth], case.reference_mean),
                    printed_sbr=found.printed_sbr.get(f"{score.side} {name}", math.nan),
                    wrong_side=_wrong_side(found.labels, of_truth, score.side),
                    category=found.category,
                    failure=found.failure,
                )
            )
    return tuple(rows)


def whole(labels: LabelMap) -> LabelMap:
    """Caudate and putamen of each side as one structure."""
    if labels.scheme.name == WHOLE.name:
        return labels
    out = np.zeros_like(labels.voxels)
    for target in WHOLE.structures:
        for one in labels.scheme.of_side(target.side):
            if one.name in COMPARTMENTS:
                out[labels.mask(one)] = target.label
    return LabelMap(out, labels.affine_ras, WHOLE)


def nothing(case: Case, reason: str) -> Found:
    """What an arm gives that refuses a scan."""
    empty = np.zeros_like(case.truth.voxels)
    return Found(LabelMap(empty, case.truth.affine_ras, case.truth.scheme), failure=reason)


def _mask(labels: LabelMap, name: str, side: str) -> NDArray[np.bool_]:
    members = [s.label for s in labels.scheme.structures if s.name == name and side in (s.side.value, "both")]
    return np.isin(labels.voxels, members)


def _ratio(values: NDArray[np.float32], reference_mean: float) -> float:
    if not len(values) or not reference_mean > 0:
        return math.nan
    return float(values.mean(dtype=np.float64)) / reference_mean - 1


def _wrong_side(labels: LabelMap, truth: NDArray[np.bool_], side: str) -> float:
    if side == "both" or labels.scheme.name == WHOLE.name:
        return math.nan
    other = Side.RIGHT if side == Side.LEFT.value else Side.LEFT
    wrong = np.isin(labels.voxels[truth], [s.label for s in labels.scheme.of_side(other)])
    return float(wrong.mean()) if len(wrong) else math.nan


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write rows as a tab-separated table, moved into place when it is whole.

    Raises:
        OutputError: The file cannot be written.
    """
    write_table(path, rows, Row)


def read_rows(path: Path) -> tuple[Row, ...]:
    """Rows that ``write_rows`` wrote.

    Raises:
        InputError: The table is not one of these.
    """
    return read_table(path, Row, texts=_TEXTS, what="scans")


def chosen(rows: Iterable[Row], **wanted: str) -> list[Row]:
    """Rows whose columns have these values (``arm="unet", side="both"``)."""
    return [row for row in rows if all(vars(row)[name] == value for name, value in wanted.items())]
