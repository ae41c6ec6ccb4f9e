"""Tables in files and on the screen: read and written alike by all that compares values."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from deepgray.errors import InputError, OutputError

MISSING = "n/a"
_NO_VALUE = frozenset({"", MISSING, "na", "nan"})


def read_rows(path: Path) -> list[list[str]]:
    """The rows of a table: separated by commas where the name ends in ``.csv``, by tabs otherwise; blank rows left out.

    Raises:
        InputError: The file cannot be read as text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"A table is wanted, {path} cannot be read: {error}.") from error
    delimiter = "," if path.suffix.lower() == ".csv" else "\t"
    rows = csv.reader(text.splitlines(), delimiter=delimiter)
    return [[cell.strip() for cell in row] for row in rows if any(cell.strip() for cell in row)]


def number(cell: str, *, where: str) -> float:
    """A number of a table; NaN where there is none (``n/a``, ``nan`` or nothing).

    Args:
        cell: Text.
        where: Which cell, for the refusal.

    Raises:
        InputError: It is no number.
    """
    if cell.lower() in _NO_VALUE:
        return math.nan
    try:
        return float(cell)
    except ValueError:
        raise InputError(f"A number or {MISSING} is wanted in {where}, '{cell}' came.") from None


def text(value: object) -> str:
    """A value as files hold it: six figures of a number, ``n/a`` where it is not finite."""
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else MISSING
    return str(value)


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """Lines of columns as text, aligned with blanks."""
    widths = [max(len(word) for word in column) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(f"{word:<{w}}" for word, w in zip(line, widths, strict=True)).rstrip() for line in lines)


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a tab-separated table.

    Args:
        path: File to write; its folder is made.
        columns: Titles.
        rows: Values of each row, one per column.

    Raises:
        OutputError: The file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
            writer.writerow(columns)
            writer.writerows([text(value) for value in row] for row in rows)
    except OSError as error:
        raise OutputError(f"A place to write {path} is wanted, it cannot be written: {error}.") from error
