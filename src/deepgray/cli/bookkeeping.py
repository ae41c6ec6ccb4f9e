"""What ``deepgray run`` writes down in the worklist of its output folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from deepgray.report import Summary, finished, recover, summary
from deepgray.result import Result
from deepgray.worklist import Entry, Request, Review, State, Worklist, append, audit_line, compared, reviews

_OPEN = (State.QUEUED, State.RUNNING, State.FAILED)


def given(values: dict[str, object]) -> dict[str, str]:
    """Settings of a scan as texts, paths in full; what is not set, or is no, is left out.

    Args:
        values: Setting by its name.
    """
    words = {name: str(v.absolute()) if isinstance(v, Path) else v for name, v in values.items()}
    return {name: str(v) for name, v in words.items() if v is not None and v is not False and v != ""}


@dataclass(frozen=True)
class Outcome:
    """How a task on a study went.

    Attributes:
        failure: Why it failed, empty when it did not.
        seconds: Wall-clock seconds.
        decided: Whether a person's decision was written with it, the last one of the ledger.
    """

    failure: str
    seconds: float
    decided: bool = False


def begin(works: Worklist, request: Request, *, again: bool) -> Entry:
    """Write down that a task on a study begins, unless its results are there; put right what a dead process left.

    Args:
        works: The worklist, which holds the request; this process has claimed the study.
        request: What is to be done.
        again: Whether it is done although it is finished.

    Raises:
        OutputError: The folder cannot be written.
    """
    recover(works.folder, request.stem)
    entry = works.entry(request.stem, request.task)
    if again or not finished(works.folder, request.stem, task=request.task):
        entry = replace(entry, request=request, state=State.RUNNING, words="")
        works.put(entry)
    return entry


def corrected(works: Worklist, entry: Entry, result: Result, *, source: str) -> Result:
    """Write a person's correction, given on the command line, into the ledger, before the results are written.

    Args:
        works: The worklist.
        entry: From ``begin``.
        result: What came of the correction.
        source: Name of the mask's file.

    Returns:
        The result, which tells every decision so far.

    Raises:
        ConflictError: Somebody decided in between.
        OutputError: The worklist cannot be written.
    """
    request, said = entry.request, result.decision
    line = compared(
        result.proposed.labels.voxels,
        said.outline.labels.voxels,
        Review(said.reviewer, said.when, said.kind, source=source),
    )
    append(works.folder, request.stem, request.task, review=line, seen=entry.revision)
    told = tuple(audit_line(review) for review in reviews(works.folder, request.stem, request.task))
    return replace(result, decision=replace(said, audit=told))


def end(works: Worklist, entry: Entry, *, outcome: Outcome, again: bool) -> None:
    """Write down how a task on a study went.

    Args:
        works: The worklist.
        entry: From ``begin``.
        outcome: How it went.
        again: As for ``begin``.

    Raises:
        OutputError: The worklist cannot be written.
    """
    if outcome.decided:
        revision = works.entry(entry.request.stem, entry.request.task).revision
        entry = replace(entry, revision=revision, written=revision)
    told = summary(works.folder, entry.request.stem, task=entry.request.task)
    if outcome.failure or told is None:
        works.put(replace(entry, state=State.FAILED, words=outcome.failure))
    elif entry.state in _OPEN:
        works.put(_ended(replace(entry, seconds=outcome.seconds or entry.seconds), told, again=again))


def _ended(entry: Entry, told: Summary, *, again: bool) -> Entry:
    """How a task stands whose results are there."""
    state, words = State.DONE, ""
    if told.reviewer != "batch":
        state, words = State.REVIEWED, f"{told.kind} by {told.reviewer}"
    elif entry.revision and again:
        state, words = State.NEEDS_REVIEW, "; ".join(("it was reviewed, and has been run again since", *told.asked))
    elif told.asked:
        state, words = State.NEEDS_REVIEW, "; ".join(told.asked)
    return replace(entry, state=state, words=words, score=told.score, limit=told.limit, version=told.version)
