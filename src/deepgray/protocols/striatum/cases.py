"""One label map of the twelve subregions against what is known of its scans; and its table."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from deepgray.errors import InputError
from deepgray.evaluate import compare
from deepgray.measure.tracer import reference_level, values_at
from deepgray.protocols.striatum.people import Person
from deepgray.result import Registered
from deepgray.scan import LabelMap
from deepgray.simulate.whole_head_pet import REFERENCES, SimulatedPet
from deepgray.space import apply_affine, inverse

_TEXTS = ("arm", "group", "head", "case", "structure", "side", "failure")


@dataclass(frozen=True)
class Row:
    """How an arm found one subregion of one side in one person.

    Attributes:
        arm: Who outlined.
        group: ``controls`` or ``atrophied``.
        head: Name of the head.
        case: Name of the person.
        structure: Name without side.
        side: ``left`` or ``right``.
        dice: 0–1; 0 where nothing was found.
        hd95_mm: 95th percentile of the symmetric surface distance; infinite where nothing was found.
        assd_mm: Average symmetric surface distance; infinite where nothing was found.
        predicted_mm3: Volume that was found.
        truth_mm3: True volume.
        bpnd: Binding in the mask that was found, of the PET as it is, by deepgray's reference region.
        truth_bpnd: The same in the true mask, by the same region.
        activity_bpnd: True binding before the scanner's blur, by the true reference.
        failure: Why there is no outline, empty where there is one.
    """

    arm: str
    group: str
    head: str
    case: str
    structure: str
    side: str
    dice: float
    hd95_mm: float
    assd_mm: float
    predicted_mm3: float
    truth_mm3: float
    bpnd: float
    truth_bpnd: float
    activity_bpnd: float
    failure: str = ""


def judged(
    found: LabelMap, person: Person, made: SimulatedPet, *, seen: Registered | None, words: tuple[str, str]
) -> tuple[Row, ...]:
    """A row for each subregion and side.

    Args:
        found: Labels of ``striatum12`` on the scan's grid.
        person: Whose.
        made: The scans and what is true of them.
        seen: The PET with the true motion and the reference region that every arm is told relative to; None where
            no head was found.
        words: Name of the arm, and why there is no outline or an empty text.
    """
    truth = made.labels["striatum12"]
    here, there = binding(found, seen), binding(truth, seen)
    activity = true_binding(made)
    rows = []
    for score in compare(found, truth):
        if score.side == "both":
            continue
        key = f"{score.side} {score.structure}"
        rows.append(
            Row(
                arm=words[0],
                group=person.group,
                head=person.head,
                case=person.name,
                structure=score.structure,
                side=score.side,
                dice=score.dice,
                hd95_mm=score.hd95_mm,
                assd_mm=score.assd_mm,
                predicted_mm3=score.predicted_mm3,
                truth_mm3=score.truth_mm3,
                bpnd=here[key],
                truth_bpnd=there[key],
                activity_bpnd=activity.get((score.structure, score.side), math.nan),
                failure=words[1],
            )
        )
    return tuple(rows)


def binding(labels: LabelMap, seen: Registered | None) -> dict[str, float]:
    """BPnd of every structure of a label map, not corrected for partial volume; NaN where it is empty."""
    if seen is None:
        return {s.key: math.nan for s in labels.scheme.structures}
    level = reference_level(seen).mean
    back = inverse(seen.registration.scan_from_tracer)
    places = np.argwhere(labels.voxels > 0)
    label_of = labels.voxels[tuple(places.T)]
    values = values_at(seen.tracer.scan, back, apply_affine(labels.affine_ras, places))
    out = {}
    for s in labels.scheme.structures:
        own = values[(label_of == s.label) & np.isfinite(values)]
        out[s.key] = float(own.mean()) / level - 1 if len(own) else math.nan
    return out


def true_binding(made: SimulatedPet) -> Mapping[tuple[str, str], float]:
    """BPnd of the activity itself by structure and side, relative to the first reference that the head has."""
    level = next(m.activity for name in REFERENCES for m in made.means if (m.structure, m.side) == (name, "both"))
    return {(m.structure, m.side): m.activity / level - 1 for m in made.means}


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write rows as a tab-separated table, moved into place when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [f.name for f in fields(Row)], delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
    partial.replace(path)


def read_rows(path: Path) -> tuple[Row, ...]:
    """Rows that ``write_rows`` wrote.

    Raises:
        InputError: The table is not one of these.
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            found = list(csv.DictReader(stream, delimiter="\t"))
        return tuple(Row(**{k: v if k in _TEXTS else float(v) for k, v in row.items()}) for row in found)  # type: ignore[arg-type]
    except (OSError, TypeError, ValueError) as error:
        raise InputError(f"A table of judged cases is wanted, {path} is none: {error}.") from error
