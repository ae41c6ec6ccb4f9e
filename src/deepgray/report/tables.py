"""Tab-separated tables: the measurements, and what the labels of a map mean."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from deepgray.anatomy import Scheme
from deepgray.result import Measurement

MEASURE_COLUMNS: tuple[str, ...] = (
    "structure",
    "side",
    "label",
    "quantity",
    "value",
    "unit",
    "lower",
    "upper",
    "reference",
    "method",
    "task",
)
# Enough for a cubic millimetre in a whole brain, and no rounding noise.
_DIGITS = 8


def write_measures(path: Path, rows: Iterable[Sequence[str]]) -> None:
    """The measurements of a scan, task by task.

    Args:
        path: File to write, ``.tsv``.
        rows: As ``measure_rows`` makes them.

    Raises:
        OSError: The file cannot be written.
    """
    _write(path, MEASURE_COLUMNS, rows)


def measure_rows(measurements: Iterable[Measurement], task: str) -> list[list[str]]:
    """One row per measurement; an undefined number is ``n/a``, one that is not there is empty.

    Args:
        measurements: What was measured.
        task: Name of the task, the last column.
    """
    return [[*_row(m), task] for m in measurements]


def rows_in(path: Path) -> list[list[str]] | None:
    """The rows of a table of measurements that was written before; None where it is another table.

    Raises:
        OSError: The table cannot be read.
    """
    with path.open(newline="", encoding="utf-8") as stream:
        columns, *rows = [*csv.reader(stream, delimiter="\t")] or [[]]
    whole = columns == list(MEASURE_COLUMNS) and all(len(row) == len(columns) for row in rows)
    return rows if whole else None


def write_lookup(path: Path, scheme: Scheme) -> None:
    """What the labels of a map mean: BIDS columns ``index``, ``name``, ``color``.

    Args:
        path: File to write, ``.tsv``.
        scheme: Scheme of the map.

    Raises:
        OSError: The file cannot be written.
    """
    rows = ([str(s.label), s.key, "#{:02x}{:02x}{:02x}".format(*s.colour)] for s in scheme.structures)
    _write(path, ("index", "name", "color"), rows)


def _row(m: Measurement) -> list[str]:
    label = "" if m.label is None else str(m.label)
    ends = ["" if end is None else _number(end) for end in (m.lower, m.upper)]
    return [m.structure, m.side, label, m.quantity, _number(m.value), m.unit, *ends, m.reference, m.method]


def _number(value: float) -> str:
    return f"{value:.{_DIGITS}g}" if math.isfinite(value) else "n/a"


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
