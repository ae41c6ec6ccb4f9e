"""Tables that say what the numbers of a map of striatal subregions are called."""

from __future__ import annotations

import csv
from pathlib import Path

from deepgray.anatomy import scheme
from deepgray.errors import SettingsError


def read_part_names(table: Path) -> dict[int, str]:
    """The subregion of each number; numbers of other structures are left out.

    Args:
        table: Tab-separated, columns ``index`` and ``abbreviation`` (``AC-L``).

    Raises:
        SettingsError: The table cannot be read.
    """
    names = {s.abbreviation: s.name for s in scheme("striatum12").structures}
    try:
        with table.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t"))
        found = {int(r["index"]): names.get(r["abbreviation"].split("-")[0]) for r in rows}
    except (OSError, KeyError, ValueError) as error:
        raise SettingsError(f"A table of index and abbreviation is wanted at {table}: {error}.") from error
    return {number: name for number, name in found.items() if name}
