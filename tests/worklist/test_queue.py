"""The worklist: states, claims between processes, what a dead process leaves."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from deepgray.errors import OutputError
from deepgray.worklist import Request, State, Worklist
from deepgray.worklist.store import FILE_NAME

SPAWN = multiprocessing.get_context("spawn")


def requests(*stems: str) -> list[Request]:
    return [Request(stem, "striatum", {"scan": f"/scans/{stem}.nii.gz"}) for stem in stems]


def states(works: Worklist) -> dict[str, str]:
    return {e.request.stem: str(e.state) for e in works.entries()}


def test_what_is_asked_for_is_queued_once_and_in_order(tmp_path: Path) -> None:
    with Worklist(tmp_path) as works:
        works.enqueue(requests("b", "a"))
        works.enqueue(requests("a", "c"))
        assert list(states(works).items()) == [("b", "queued"), ("a", "queued"), ("c", "queued")]
        assert works.entry("a", "striatum").request.given == {"scan": "/scans/a.nii.gz"}
    assert [p.name for p in tmp_path.iterdir()] == [FILE_NAME]


def test_a_state_lasts_and_a_failed_study_is_queued_again(tmp_path: Path) -> None:
    with Worklist(tmp_path) as works:
        works.enqueue(requests("a", "b"))
        done = replace(works.entry("a", "striatum"), state=State.NEEDS_REVIEW, words="look", score=0.3, limit=0.1)
        works.put(done)
        works.put(replace(works.entry("b", "striatum"), state=State.FAILED, words="no head"))
    with Worklist.of(tmp_path) as works:
        assert works.entry("a", "striatum") == done
        assert works.entry("a", "striatum").doubt == pytest.approx(3.0)
        assert works.entries()[1].words == "no head"
        works.enqueue(requests("a", "b"))
        assert states(works) == {"a": "needs review", "b": "queued"}


def test_an_unknown_study_and_a_folder_without_a_worklist_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"A folder that 'deepgray run' wrote is wanted, .* has no worklist.sqlite"):
        Worklist.of(tmp_path)
    with Worklist(tmp_path) as works, pytest.raises(OutputError, match="it has no 'x' with the task 'striatum'"):
        works.entry("x", "striatum")


def test_a_worklist_of_another_version_is_refused_and_named(tmp_path: Path) -> None:
    Worklist(tmp_path).close()
    database = sqlite3.connect(tmp_path / FILE_NAME)
    database.execute("UPDATE made SET version = '9.8.7'")
    database.execute("PRAGMA user_version = 99")
    database.commit()
    database.close()
    with pytest.raises(OutputError, match=r"in form 99, written by deepgray 9\.8\.7"):
        Worklist.of(tmp_path)


def test_another_sqlite_file_or_no_database_is_refused(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / FILE_NAME)
    database.execute("CREATE TABLE mine (x)")
    database.execute("PRAGMA user_version = 1")
    database.commit()
    database.close()
    with pytest.raises(OutputError, match="is another SQLite file"):
        Worklist.of(tmp_path)
    (tmp_path / FILE_NAME).write_bytes(b"not a database, but long enough to be read as one" * 40)
    with pytest.raises(OutputError, match="file is not a database"):
        Worklist.of(tmp_path)


def test_a_study_is_claimed_by_one(tmp_path: Path) -> None:
    with Worklist(tmp_path) as one, Worklist(tmp_path) as other:
        with one.claimed("a") as refused:
            assert refused == ""
            with other.claimed("a") as late:
                assert late.startswith(f"process {os.getpid()} on ")
            with other.claimed("b") as late:
                assert late == ""
        with other.claimed("a") as refused:
            assert refused == ""


def test_one_review_page_a_folder(tmp_path: Path) -> None:
    with Worklist(tmp_path) as one, Worklist(tmp_path) as other:
        with one.page(), pytest.raises(OutputError, match=rf"is in use by process {os.getpid()} on"), other.page():
            pass
        with other.page():
            pass


def test_events_cannot_be_changed_or_deleted(tmp_path: Path) -> None:
    with Worklist(tmp_path) as works:
        works.enqueue(requests("a"))
    database = sqlite3.connect(tmp_path / FILE_NAME)
    for statement in ("UPDATE event SET state = 'done'", "DELETE FROM event"):
        with pytest.raises(sqlite3.IntegrityError, match="events are never"):
            database.execute(statement)
    database.close()


def hold(folder: Path, ready: multiprocessing.Queue) -> None:  # type: ignore[type-arg]
    works = Worklist(folder)
    with works.claimed("a") as refused:
        works.put(replace(works.entry("a", "striatum"), state=State.RUNNING))
        ready.put(refused)
        signal.pause()


def test_a_killed_process_lets_go_of_its_study(tmp_path: Path) -> None:
    with Worklist(tmp_path) as works:
        works.enqueue(requests("a"))
        ready = SPAWN.Queue()
        process = SPAWN.Process(target=hold, args=(tmp_path, ready))
        process.start()
        assert ready.get(timeout=120) == ""
        with works.claimed("a") as refused:
            assert refused == f"process {process.pid} on {os.uname().nodename}"
        assert works.entries()[0].state is State.RUNNING
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        (dead,) = works.entries()
        assert (dead.state, dead.words) == (State.QUEUED, "its process died; the next run takes it again")
        with works.claimed("a") as refused:
            assert refused == ""
    assert [p.name for p in tmp_path.iterdir()] == [FILE_NAME]


def take(folder: Path, stems: list[str], took: multiprocessing.Queue) -> None:  # type: ignore[type-arg]
    with Worklist(folder) as works:
        for stem in stems:
            with works.claimed(stem) as refused:
                entry = works.entry(stem, "striatum")
                if not refused and entry.state is State.QUEUED:
                    works.put(replace(entry, state=State.DONE))
                    took.put(stem)


def test_processes_share_the_work_and_do_nothing_twice(tmp_path: Path) -> None:
    stems = [f"s{number}" for number in range(30)]
    with Worklist(tmp_path) as works:
        works.enqueue(requests(*stems))
    took = SPAWN.Queue()
    crowd = [SPAWN.Process(target=take, args=(tmp_path, stems, took)) for _ in range(3)]
    for process in crowd:
        process.start()
    found = [took.get(timeout=120) for _ in stems]
    for process in crowd:
        process.join()
        assert process.exitcode == 0
    assert sorted(found) == sorted(stems)
    assert took.empty()
    with Worklist.of(tmp_path) as works:
        assert set(states(works).values()) == {"done"}
