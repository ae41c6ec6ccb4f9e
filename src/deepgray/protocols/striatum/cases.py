"""One label map of the twelve subregions against what is known of its scans; and its table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deepgray.evaluate import compare
from deepgray.measure.tracer import BPND, look_in, reference_level, rows_in
from deepgray.protocols.row_tables import read_table, write_table
from deepgray.protocols.striatum.people import Person
from deepgray.result import Registered
from deepgray.scan import LabelMap
from deepgray.simulate.whole_head_pet import REFERENCES, SimulatedPet

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
    rows = rows_in(labels, seen, reference_level(seen), look=look_in(labels, seen))
    found = {f"{m.side} {m.structure}": m.value for m in rows if m.quantity == BPND}
    return {s.key: found[s.key] for s in labels.scheme.structures}


def true_binding(made: SimulatedPet) -> Mapping[tuple[str, str], float]:
    """BPnd of the activity itself by structure and side, relative to the first reference that the head has."""
    level = next(m.activity for name in REFERENCES for m in made.means if (m.structure, m.side) == (name, "both"))
    return {(m.structure, m.side): m.activity / level - 1 for m in made.means}


def write_rows(path: Path, rows: Iterable[Row]) -> None:
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
    return read_table(path, Row, texts=_TEXTS, what="cases")
