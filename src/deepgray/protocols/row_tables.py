"""Rows of protocols as tab-separated tables."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from deepgray.errors import InputError, OutputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_Row = TypeVar("_Row", bound="DataclassInstance")


def write_table(path: Path, rows: Iterable[_Row], kind: type[_Row]) -> None:
    """Write rows, moved into place when the table is whole.

    Args:
        path: The table; its folder is made.
        rows: Dataclasses.
        kind: Their class, whose fields are the columns.

    Raises:
        OutputError: The file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        with partial.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, [f.name for f in fields(kind)], delimiter="\t", lineterminator="\n")
            writer.writeheader()
            writer.writerows(asdict(row) for row in rows)
        partial.replace(path)
    except OSError as error:
        raise OutputError(f"A place to write {path} is wanted, it cannot be written: {error}.") from error


def read_table(path: Path, kind: type[_Row], *, texts: Collection[str], what: str) -> tuple[_Row, ...]:
    """Rows that were written.

    Args:
        path: The table.
        kind: Class of the rows.
        texts: Columns that are no numbers.
        what: What is judged in it (``scans``).

    Raises:
        InputError: The table is not one of these.
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            found = list(csv.DictReader(stream, delimiter="\t"))
        return tuple(kind(**{k: v if k in texts else float(v) for k, v in row.items()}) for row in found)
    except (OSError, TypeError, ValueError) as error:
        raise InputError(f"A table of judged {what} is wanted, {path} is none: {error}.") from error
