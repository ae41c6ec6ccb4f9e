"""The decisions of people on the tasks of an output folder: lines are added, never changed."""

from __future__ import annotations

import math
import sqlite3
from pathlib import Path

from deepgray.errors import ConflictError
from deepgray.worklist.entries import Review
from deepgray.worklist.store import FILE_NAME, transaction

_COLUMNS = "reviewer, moment, kind, seconds, added, removed, before_sha256, after_sha256, mask, source, revision"

_Row = tuple[str, str, str, float | None, int, int, str, str, bytes, str, int]


def append(folder: Path, stem: str, task: str, *, review: Review, seen: int) -> int:
    """Add a decision, if nobody decided since the person looked.

    Args:
        folder: Output folder.
        stem: Name of the scan.
        task: Name of the task.
        review: The decision.
        seen: Revision of the study that the person saw.

    Returns:
        The study's new revision.

    Raises:
        ConflictError: Somebody decided in between; nothing was added.
        OutputError: The worklist cannot be written.
    """
    with transaction(folder / FILE_NAME) as database:
        _check_latest(database, stem, task, seen)
        revision = seen + 1
        database.execute(
            f"INSERT INTO review (stem, task, {_COLUMNS}) VALUES ({', '.join('?' * 13)})",
            (
                stem,
                task,
                review.reviewer,
                review.when,
                review.kind,
                None if math.isnan(review.seconds) else review.seconds,
                review.added,
                review.removed,
                review.before_sha256,
                review.after_sha256,
                review.mask,
                review.source,
                revision,
            ),
        )
        database.execute("UPDATE study SET revision = ? WHERE stem = ? AND task = ?", (revision, stem, task))
    return revision


def reviews(folder: Path, stem: str, task: str) -> tuple[Review, ...]:
    """The decisions on a task, the oldest first."""
    with transaction(folder / FILE_NAME) as database:
        rows = database.execute(
            f"SELECT {_COLUMNS} FROM review WHERE stem = ? AND task = ? ORDER BY revision", (stem, task)
        ).fetchall()
    return tuple(_read(row) for row in rows)


def _read(row: _Row) -> Review:
    reviewer, when, kind, seconds, added, removed, before_sha256, after_sha256, mask, source, revision = row
    measured = math.nan if seconds is None else seconds
    return Review(reviewer, when, kind, measured, added, removed, before_sha256, after_sha256, mask, source, revision)


def check_latest(folder: Path, stem: str, task: str, *, seen: int) -> None:
    """Refuse a decision on another revision than the latest.

    Raises:
        ConflictError: Somebody decided since, or the task is gone.
    """
    with transaction(folder / FILE_NAME) as database:
        _check_latest(database, stem, task, seen)


def _check_latest(database: sqlite3.Connection, stem: str, task: str, seen: int) -> None:
    row = database.execute("SELECT revision FROM study WHERE stem = ? AND task = ?", (stem, task)).fetchone()
    if row is None:
        raise ConflictError(f"A study of the worklist is wanted, it has no '{stem}' with the task '{task}' any more.")
    if row[0] == seen:
        return
    last = database.execute(
        "SELECT reviewer, moment, kind FROM review WHERE stem = ? AND task = ? ORDER BY revision DESC LIMIT 1",
        (stem, task),
    ).fetchone()
    who, when, kind = last or ("somebody", "in between", "changed")
    raise ConflictError(
        f"A decision on revision {row[0]} is wanted, one on revision {seen} came: {who} {kind} '{stem}' at {when}. "
        "Nothing was overwritten."
    )
