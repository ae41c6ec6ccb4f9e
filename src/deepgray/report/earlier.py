"""What other tasks on the same scan left in the files that all tasks share, to be written again with a further one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from deepgray.errors import OutputError
from deepgray.report.record import Record, read_record, texts
from deepgray.report.tables import rows_in

if TYPE_CHECKING:
    from deepgray.report.page import Section


def earlier_rows(table: Path, kept: Record) -> list[list[str]]:
    """The rows of the tasks that stay.

    Raises:
        OutputError: The table is not as deepgray wrote it.
    """
    if not kept.tasks:
        return []
    rows = rows_in(table) if table.is_file() else None
    if rows is None:
        raise _changed(table)
    return [row for row in rows if row[-1] in kept.tasks]


def earlier_sections(page: Path, kept: Record) -> list[Section]:
    """The sections of the tasks that stay.

    Raises:
        OutputError: The page is not as deepgray wrote it.
    """
    from deepgray.report.page import Section, sections_in  # noqa: PLC0415 (see folder.py)
    from deepgray.report.section import needs_review  # noqa: PLC0415

    if not kept.tasks:
        return []
    tasks = read_record(page.with_name(f"{page.parent.name}.json")).tasks
    sections = sections_in(page, len(tasks)) if page.is_file() else []
    if not sections:
        raise _changed(page)
    return [
        Section(name, str(values.get("title", name)), needs_review(texts(values.get("flags"))), html)
        for (name, values), html in zip(sorted(tasks.items()), sections, strict=True)
        if name in kept.tasks
    ]


def _changed(path: Path) -> OutputError:
    return OutputError(f"To add a task, {path} is wanted as deepgray wrote it; it was changed or taken away.")
