"""``deepgray status``: a line per study and task, what asks for somebody first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deepgray.cli import main
from deepgray.worklist import Request, State, Worklist


def test_a_line_per_study_the_ones_that_ask_for_somebody_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Worklist(tmp_path) as works:
        works.enqueue(Request(stem, "striatum") for stem in ("a", "b", "c", "d"))
        a, b, c, _ = works.entries()
        works.put(replace(a, state=State.DONE, seconds=12.34, score=0.05, limit=0.1))
        works.put(replace(b, state=State.NEEDS_REVIEW, words="the outline\nis unsure", score=0.2, limit=0.1))
        works.put(replace(c, state=State.FAILED, words="no head"))
    assert main(["status", str(tmp_path)]) == 0
    assert [line.split("\t") for line in capsys.readouterr().out.splitlines()] == [
        ["study", "task", "state", "seconds", "doubt", "words"],
        ["c", "striatum", "failed", "0.0", "-", "no head"],
        ["b", "striatum", "needs review", "0.0", "2.00", "the outline is unsure"],
        ["d", "striatum", "queued", "0.0", "-", ""],
        ["a", "striatum", "done", "12.3", "0.50", ""],
    ]


def test_a_folder_without_a_worklist_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", str(tmp_path)]) == 1
    assert "A folder that 'deepgray run' wrote is wanted" in capsys.readouterr().err
