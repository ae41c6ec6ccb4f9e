"""What a run writes down of each study, and what it makes of a run that died."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from report_results import result

from deepgray.cli.bookkeeping import Outcome, begin, end, given
from deepgray.report import write
from deepgray.worklist import Request, Review, State, Worklist, append

STEM, TASK = "sub-01_T1w", "striatum"
REQUEST = Request(STEM, TASK, {"scan": "/scans/a.nii.gz"})


@pytest.fixture
def works(tmp_path: Path) -> Worklist:
    works = Worklist(tmp_path)
    works.enqueue([REQUEST])
    yield works
    works.close()


def through(works: Worklist, *, again: bool = False, failure: str = "", **words: object) -> tuple[State, str]:
    entry = begin(works, REQUEST, again=again)
    if not failure and words:
        write(result(**words), works.folder, overwrite=True)  # type: ignore[arg-type]
    end(works, entry, outcome=Outcome(failure, 2.5), again=again)
    entry = works.entry(STEM, TASK)
    return entry.state, entry.words


def test_settings_are_kept_as_texts_without_what_is_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    kept = given(
        {"scan": Path("a.nii"), "unit": None, "probabilities": False, "fine": True, "threads": 2, "subdivide": ""}
    )
    assert kept == {"scan": str(tmp_path / "a.nii"), "fine": "True", "threads": "2"}


def test_a_study_goes_from_running_to_done(works: Worklist) -> None:
    entry = begin(works, REQUEST, again=False)
    assert works.entry(STEM, TASK).state is State.RUNNING
    write(result(), works.folder)
    end(works, entry, outcome=Outcome("", 2.5), again=False)
    done = works.entry(STEM, TASK)
    assert (done.state, done.words, done.seconds) == (State.DONE, "", 2.5)
    assert (done.score, done.limit) == (pytest.approx(0.1), 0.12)
    assert done.version


def test_a_flag_asks_for_a_person_and_a_person_answers_it(works: Worklist) -> None:
    assert through(works, flags=("review: look", "a note")) == (State.NEEDS_REVIEW, "look")
    assert through(works, again=True, corrected=True) == (State.REVIEWED, "corrected by A. Reader")


def test_a_failure_says_why(works: Worklist) -> None:
    assert through(works, failure="no head") == (State.FAILED, "no head")


def test_results_that_a_dead_process_wrote_are_taken_as_they_are(works: Worklist) -> None:
    write(result(flags=("review: look",)), works.folder)
    works.put(replace(works.entry(STEM, TASK), state=State.RUNNING))  # it died before it could say so
    assert through(works) == (State.NEEDS_REVIEW, "look")


def test_half_a_folder_goes_and_an_earlier_one_comes_back(works: Worklist) -> None:
    place = write(result(), works.folder)
    place.rename(works.folder / f".{STEM}.earlier-0123")  # killed between two renames
    shutil.copytree(works.folder / f".{STEM}.earlier-0123", works.folder / f".{STEM}.partial-4567")
    begin(works, REQUEST, again=False)
    assert sorted(p.name for p in works.folder.iterdir() if p.is_dir()) == [STEM]
    assert works.entry(STEM, TASK).state is State.QUEUED


def test_a_reviewed_study_that_is_run_again_asks_for_another_look(works: Worklist) -> None:
    through(works, corrected=False, flags=())
    said = Review("A", "now", "corrected", 1.0, 1, 0, "aa", "bb", b"m")
    append(works.folder, STEM, TASK, review=said, seen=0)
    state, words = through(works, again=True, flags=())
    assert (state, words) == (State.NEEDS_REVIEW, "it was reviewed, and has been run again since")
