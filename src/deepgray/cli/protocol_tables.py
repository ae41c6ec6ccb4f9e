"""Tables of protocols on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from deepgray.protocols.sheets import Sheet


def as_table(sheet: Sheet) -> Table:
    """A protocol's table for a terminal."""
    table = Table(title=sheet.title, caption=sheet.note)
    for name in sheet.columns:
        table.add_column(name)
    for row in sheet.rows:
        table.add_row(*row)
    return table
