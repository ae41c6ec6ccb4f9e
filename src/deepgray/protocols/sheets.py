"""A table as protocols print it: on a terminal, and as Markdown."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deepgray.errors import OutputError

PAGE = "report.md"


@dataclass(frozen=True)
class Sheet:
    """A table.

    Attributes:
        title: Above it.
        columns: Titles.
        rows: Cells.
        note: Below it.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def markdown(self) -> str:
        """The table as Markdown."""
        lines = [f"## {self.title}", "", "| " + " | ".join(self.columns) + " |", "|" + "---|" * len(self.columns)]
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        return "\n".join([*lines, "", self.note, ""] if self.note else [*lines, ""])


def write_report(out: Path, fill: Callable[[Path], str]) -> Path:
    """Write a protocol's report, its folder filled beside an earlier one: there is a whole one or none.

    Args:
        out: Folder of the protocol; its folder ``report`` is replaced.
        fill: Writes tables and pictures into the folder that it is given, and returns the text of the page.

    Returns:
        The page.

    Raises:
        OutputError: The folder cannot be written.
    """
    final = out / "report"
    partial = final.with_name(f"{final.name}.partial")
    try:
        if partial.exists():
            shutil.rmtree(partial)
        partial.mkdir(parents=True)
        (partial / PAGE).write_text(fill(partial), encoding="utf-8")
        if final.exists():
            shutil.rmtree(final)
        partial.replace(final)
    except OSError as error:
        raise OutputError(f"A place to write {final} is wanted, it cannot be written: {error}.") from error
    return final / PAGE


def markdown_page(
    title: str, head: str, sheets: Iterable[Sheet], pictures: Mapping[str, str], failed: Sequence[str]
) -> str:
    """A protocol's page.

    Args:
        title: Its heading.
        head: What the protocol is.
        sheets: Its tables.
        pictures: Caption by file beside the page.
        failed: A line for each scan without an outline.
    """
    parts = [f"# {title}", "", head, "", *(sheet.markdown() for sheet in sheets)]
    parts += ["## Pictures", "", *(f"![{caption}]({name})\n\n*{caption}*\n" for name, caption in pictures.items())]
    parts += ["## Scans without an outline", "", *(f"- {line}" for line in failed), ""] if failed else []
    return "\n".join(parts)
