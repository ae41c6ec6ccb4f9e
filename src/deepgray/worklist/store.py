"""The SQLite file: its tables, how it is opened, and what is refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from deepgray.errors import OutputError

FILE_NAME = "worklist.sqlite"
# Raised when a table changes.
FORMAT = 1
_APPLICATION = 0x64677779  # "dgwy": tells a worklist from any other SQLite file
# Longer than any transaction here takes on a busy disk.
_WAIT_SECONDS = 60.0

_TABLES = """
CREATE TABLE made (version TEXT NOT NULL);
CREATE TABLE study (
    stem TEXT NOT NULL, task TEXT NOT NULL, given TEXT NOT NULL, state TEXT NOT NULL,
    words TEXT NOT NULL DEFAULT '', seconds REAL NOT NULL DEFAULT 0, score REAL NOT NULL DEFAULT 0,
    highest REAL NOT NULL DEFAULT 1, version TEXT NOT NULL DEFAULT '',
    revision INTEGER NOT NULL DEFAULT 0, written INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (stem, task));
CREATE TABLE claim (what TEXT PRIMARY KEY, token TEXT NOT NULL, holder TEXT NOT NULL);
CREATE TABLE event (
    id INTEGER PRIMARY KEY, moment TEXT NOT NULL, stem TEXT NOT NULL, task TEXT NOT NULL, state TEXT NOT NULL,
    holder TEXT NOT NULL, words TEXT NOT NULL);
CREATE TABLE review (
    id INTEGER PRIMARY KEY, stem TEXT NOT NULL, task TEXT NOT NULL, revision INTEGER NOT NULL,
    reviewer TEXT NOT NULL, moment TEXT NOT NULL, kind TEXT NOT NULL, seconds REAL, added INTEGER NOT NULL,
    removed INTEGER NOT NULL, before_sha256 TEXT NOT NULL, after_sha256 TEXT NOT NULL, mask BLOB NOT NULL,
    source TEXT NOT NULL, UNIQUE (stem, task, revision));
CREATE TRIGGER event_stays BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER event_remains BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;
CREATE TRIGGER review_stays BEFORE UPDATE ON review BEGIN SELECT RAISE(ABORT, 'decisions are never changed'); END;
CREATE TRIGGER review_remains BEFORE DELETE ON review BEGIN SELECT RAISE(ABORT, 'decisions are never deleted'); END;
"""


def this_version() -> str:
    """The version of deepgray that runs."""
    return version("deepgray")


def make(path: Path) -> None:
    """Make the tables where there are none.

    Args:
        path: The SQLite file; its folder exists.

    Raises:
        OutputError: The file is no worklist, or one in another form, or cannot be written.
    """
    with transaction(path, create=True) as database:
        if database.execute("PRAGMA user_version").fetchone()[0] == 0:
            for statement in _statements():
                database.execute(statement)
            database.execute("INSERT INTO made VALUES (?)", (this_version(),))
            database.execute(f"PRAGMA application_id = {_APPLICATION}")
            database.execute(f"PRAGMA user_version = {FORMAT}")
        _check(database, path)


@contextmanager
def transaction(path: Path, *, create: bool = False) -> Iterator[sqlite3.Connection]:
    """One connection with one transaction: all of it is done, or, whenever the process dies, none.

    The file is locked from the beginning, so that what was read still holds when something is written.

    Args:
        path: The SQLite file.
        create: Whether the file may be new.

    Raises:
        OutputError: The file cannot be opened, locked or written.
    """
    try:
        mode = "rwc" if create else "rw"
        place = path.resolve().as_uri()
        database = sqlite3.connect(f"{place}?mode={mode}", uri=True, timeout=_WAIT_SECONDS, isolation_level=None)
        try:
            # A write-ahead log would be quicker, and is not safe on the network disks that cohorts lie on.
            database.execute("PRAGMA synchronous = FULL")
            database.execute("BEGIN IMMEDIATE")
            with database:  # commits, or rolls back when something is raised
                yield database
        finally:
            database.close()
    except sqlite3.Error as error:
        raise OutputError(f"A worklist that can be read and written is wanted, {path} cannot: {error}.") from error


def check(path: Path) -> None:
    """Refuse what is no worklist of this form.

    Raises:
        OutputError: No worklist is there, or one that another version wrote.
    """
    if not path.is_file():
        raise OutputError(f"A folder that 'deepgray run' wrote is wanted, {path.parent} has no {path.name}.")
    with transaction(path) as database:
        _check(database, path)


def _check(database: sqlite3.Connection, path: Path) -> None:
    application = database.execute("PRAGMA application_id").fetchone()[0]
    form = database.execute("PRAGMA user_version").fetchone()[0]
    if application != _APPLICATION:
        raise OutputError(f"A worklist of deepgray is wanted, {path} is another SQLite file.")
    if form != FORMAT:
        (maker,) = database.execute("SELECT version FROM made").fetchone()
        raise OutputError(
            f"A worklist in form {FORMAT} is wanted (deepgray {this_version()}); {path} is in form {form}, "
            f"written by deepgray {maker}. Review it with that version, or run the scans into a new folder."
        )


def _statements() -> list[str]:
    found, whole = [], ""
    for line in _TABLES.strip().splitlines():
        whole += line + "\n"
        if sqlite3.complete_statement(whole):
            found.append(whole)
            whole = ""
    return found
