"""The report of a protocol on susceptibility maps: tables, pictures and a page, moved into place when all is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deepgray.evaluate import draw_bland_altman, draw_scatter, write_agreements
from deepgray.protocols import tables
from deepgray.protocols.cases import Row, write_rows
from deepgray.protocols.sheets import Sheet, markdown_page, write_report

_UNITS = {tables.VOLUME: "mm³", tables.SUSCEPTIBILITY: "ppm"}


@dataclass(frozen=True)
class Report:
    """What a protocol found.

    Attributes:
        title: Of the page.
        head: What the protocol is.
        sheets: Its tables.
        rows: All rows.
    """

    title: str
    head: str
    sheets: tuple[Sheet, ...]
    rows: Sequence[Row]

    @property
    def failures(self) -> list[str]:
        """A line for each scan that has no outline."""
        found = {(r.group, r.case): r.failure for r in self.rows if r.failure}
        return [f"{group}, {case}: {why}" for (group, case), why in found.items()]


def write(report: Report, out: Path) -> Path:
    """Write tables, pictures and the page.

    Args:
        report: What was found.
        out: Folder of the protocol.

    Returns:
        The page, in the folder ``report`` of ``out``, which replaces an earlier one.

    Raises:
        OutputError: The folder cannot be written.
    """
    return write_report(out, lambda folder: _fill(report, folder))


def _fill(report: Report, folder: Path) -> str:
    write_rows(folder / "results.tsv", report.rows)
    found = tables.agreements(report.rows)
    write_agreements(found, folder / "agreement.tsv")
    captions: dict[str, str] = {}
    for quantity, unit in _UNITS.items():
        chosen = [one for one in found if one.name.quantity == quantity]
        for kind, draw, words in (
            ("bland_altman", draw_bland_altman, "found less true over their mean; bias and limits with 95 % intervals"),
            ("scatter", draw_scatter, "found over true"),
        ):
            name = f"{quantity}_{kind}.png"
            draw(chosen, folder / name)
            captions[name] = f"{quantity.capitalize()}, {unit}: {words}."
    return markdown_page(report.title, report.head, sheets=report.sheets, pictures=captions, failed=report.failures)
