"""Tables of protocols on a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from deepgray.protocols.sheets import Sheet


def print_sheets(sheets: Iterable[Sheet], failures: Iterable[str]) -> None:
    """Print a protocol's tables, and a line for each scan without an outline."""
    console = Console(width=190)
    for sheet in sheets:
        console.print(_as_table(sheet))
    for line in failures:
        print(f"no outline: {line}")


def _as_table(sheet: Sheet) -> Table:
    """A protocol's table for a terminal."""
    table = Table(title=sheet.title, caption=sheet.note)
    for name in sheet.columns:
        table.add_column(name)
    for row in sheet.rows:
        table.add_row(*row)
    return table
