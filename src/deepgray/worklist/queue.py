"""The worklist of an output folder: who takes which study, and how it stands."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from deepgray.errors import NoStudyError, OutputError
from deepgray.worklist.entries import Entry, Request, State, now
from deepgray.worklist.locks import Presence, lives, sweep
from deepgray.worklist.store import FILE_NAME, check, make, this_version, transaction

# The claim of whoever shows the review page of a folder; the name of a study holds no slash.
_PAGE = "/review"
_Row = tuple[str, str, str, str, str, float, float, float, str, int, int]
_COLUMNS = "stem, task, given, state, words, seconds, score, highest, version, revision, written"


class Worklist:
    """The worklist of one output folder, for this process; use it with ``with``.

    Every method is one transaction. Whenever a process dies, its studies are free for the next one.

    Attributes:
        folder: The output folder.
        path: The SQLite file in it.
    """

    def __init__(self, folder: Path) -> None:
        """Join the worklist of a folder, and make it where there is none.

        Args:
            folder: Output folder, which exists.

        Raises:
            OutputError: The folder cannot be written, or another version wrote its worklist.
        """
        self.folder = folder
        self.path = folder / FILE_NAME
        make(self.path)
        with transaction(self.path):  # one at a time: nobody takes a lock for a dead one before its owner holds it
            sweep(folder)
            self._presence = Presence(folder)
        self._holder = f"process {os.getpid()} on {platform.node()}"

    @classmethod
    def of(cls, folder: Path) -> Worklist:
        """Join the worklist that a folder has.

        Raises:
            OutputError: The folder has none, or one of another version.
        """
        check(folder / FILE_NAME)
        return cls(folder)

    def close(self) -> None:
        """Leave, and let go of everything that this process still holds."""
        with transaction(self.path) as database:
            database.execute("DELETE FROM claim WHERE token = ?", (self._presence.token,))
        self._presence.leave()

    def __enter__(self) -> Worklist:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def enqueue(self, requests: Iterable[Request]) -> None:
        """Write down what is to be done; a task that is there already keeps its state, a failed one is queued again.

        Args:
            requests: In their order.
        """
        with transaction(self.path) as database:
            for request in requests:
                known = _entry(database, request.stem, request.task)
                given = json.dumps(request.given, sort_keys=True)
                if known is None:
                    database.execute(
                        "INSERT INTO study (stem, task, given, state) VALUES (?, ?, ?, ?)",
                        (request.stem, request.task, given, State.QUEUED),
                    )
                    self._tell(database, request, State.QUEUED, "")
                elif known.state is State.FAILED:
                    _update(database, replace(known, request=request, state=State.QUEUED, words=""))
                    self._tell(database, request, State.QUEUED, "again")

    @contextmanager
    def claimed(self, stem: str) -> Iterator[str]:
        """Take a study, so that no other process works on it, until the block ends or this process dies.

        Args:
            stem: Name of the scan; all its tasks share a folder, so they are taken together.

        Returns:
            An empty text, or who has the study: then it is not taken.
        """
        other = self._claim(stem)
        try:
            yield other
        finally:
            if not other:
                self._release(stem)

    @contextmanager
    def page(self) -> Iterator[None]:
        """Be the only one who shows the review page of this folder.

        Raises:
            OutputError: Another process shows it; the message says which.
        """
        other = self._claim(_PAGE)
        if other:
            raise OutputError(f"A folder that nobody reviews is wanted, {self.folder} is in use by {other}.")
        try:
            yield
        finally:
            self._release(_PAGE)

    def put(self, entry: Entry) -> None:
        """Write down how a task stands; its decisions stay as they are.

        Args:
            entry: From ``entry`` or ``entries``, with what changed.
        """
        with transaction(self.path) as database:
            _update(database, entry)
            self._tell(database, entry.request, entry.state, entry.words)

    def finish(self, entry: Entry) -> None:
        """Write down a task whose results this version has just written."""
        self.put(replace(entry, version=this_version()))

    def entry(self, stem: str, task: str) -> Entry:
        """How a task stands.

        Raises:
            NoStudyError: The worklist does not know it.
        """
        with transaction(self.path) as database:
            found = _entry(database, stem, task)
        if found is None:
            raise NoStudyError(f"A study of {self.folder} is wanted, it has no '{stem}' with the task '{task}'.")
        return found

    def entries(self) -> tuple[Entry, ...]:
        """How all tasks stand, in the order in which they came; a running one whose process died is queued."""
        with transaction(self.path) as database:
            found = [_read(row) for row in database.execute(f"SELECT {_COLUMNS} FROM study ORDER BY rowid")]
            claims = {what: (token, holder) for what, token, holder in database.execute("SELECT * FROM claim")}
            dead = {what for what, (token, _) in claims.items() if not self._alive(token)}
        told = []
        for entry in found:
            held = claims.get(entry.request.stem) if entry.request.stem not in dead else None
            if entry.state is State.RUNNING:
                words = f"by {held[1]}" if held else "its process died; the next run takes it again"
                entry = replace(entry, state=State.RUNNING if held else State.QUEUED, words=words)  # noqa: PLW2901
            told.append(entry)
        return tuple(told)

    def _claim(self, what: str) -> str:
        with transaction(self.path) as database:
            row = database.execute("SELECT token, holder FROM claim WHERE what = ?", (what,)).fetchone()
            if row is not None and self._alive(row[0]):
                return str(row[1])
            mine = (what, self._presence.token, self._holder)
            database.execute("INSERT OR REPLACE INTO claim VALUES (?, ?, ?)", mine)
        return ""

    def _release(self, what: str) -> None:
        with transaction(self.path) as database:
            database.execute("DELETE FROM claim WHERE what = ? AND token = ?", (what, self._presence.token))

    def _alive(self, token: str) -> bool:
        return token == self._presence.token or lives(self.folder, token)

    def _tell(self, database: sqlite3.Connection, request: Request, state: State, words: str) -> None:
        database.execute(
            "INSERT INTO event (moment, stem, task, state, holder, words) VALUES (?, ?, ?, ?, ?, ?)",
            (now(), request.stem, request.task, state, self._holder, words),
        )


def _entry(database: sqlite3.Connection, stem: str, task: str) -> Entry | None:
    row = database.execute(f"SELECT {_COLUMNS} FROM study WHERE stem = ? AND task = ?", (stem, task)).fetchone()
    return None if row is None else _read(row)


def _read(row: _Row) -> Entry:
    stem, task, given, state, words, seconds, score, limit, version, revision, written = row
    request = Request(stem, task, json.loads(given))
    return Entry(request, State(state), words, seconds, score, limit, version, revision, written)


def _update(database: sqlite3.Connection, entry: Entry) -> None:
    database.execute(
        "UPDATE study SET given = ?, state = ?, words = ?, seconds = ?, score = ?, highest = ?, version = ?, "
        "written = ? WHERE stem = ? AND task = ?",
        (
            json.dumps(entry.request.given, sort_keys=True),
            entry.state,
            entry.words,
            entry.seconds,
            entry.score,
            entry.limit,
            entry.version,
            entry.written,
            entry.request.stem,
            entry.request.task,
        ),
    )
