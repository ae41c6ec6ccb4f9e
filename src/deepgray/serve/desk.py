"""Where decisions are taken: each is checked, written down, and followed by everything that depends on it."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepgray.errors import ConflictError, DeepgrayError, MaskError, OutputError, SettingsError
from deepgray.evaluate import majority, staple
from deepgray.pipeline import reviewed
from deepgray.report import recover, summary, write
from deepgray.result import Decision, Measurement, Outline, Result
from deepgray.review import Decide, redrawn
from deepgray.scan import LabelMap, Scan
from deepgray.serve.study import Study, load
from deepgray.worklist import (
    Entry,
    Review,
    State,
    Worklist,
    append,
    audit_line,
    check_latest,
    compared,
    now,
    reviews,
    this_version,
    unpacked,
)

Labels = NDArray[np.integer]
Key = tuple[str, str]
KINDS: tuple[str, ...] = ("accepted", "corrected", "rejected")
METHODS: dict[str, Callable[[list[Labels]], Labels]] = {"staple": staple, "majority": majority}
# Studies whose voxels are held in memory.
_HELD = 3
_LONGEST_NAME = 80


@dataclass(frozen=True, eq=False)
class Verdict:
    """What a person says of a study.

    Attributes:
        kind: One of ``KINDS``, or ``consensus``.
        reviewer: Who.
        seen: Revision of the study that the person saw.
        labels: The outline as it should be, on the scan's grid; None leaves it as the person saw it.
        seconds: Spent on it, NaN where nobody measured.
        source: ``page``, or the name of a file.
    """

    kind: str
    reviewer: str
    seen: int
    labels: Labels | None = None
    seconds: float = math.nan
    source: str = "page"

    def __post_init__(self) -> None:
        if self.kind not in (*KINDS, "consensus"):
            raise SettingsError(f"A decision is wanted, one of {', '.join(KINDS)}; '{self.kind}' came.")
        name = self.reviewer
        if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable() or name.strip() == "batch":
            raise SettingsError(f"A reviewer's name of up to {_LONGEST_NAME} letters is wanted, {name[:99]!r} came.")
        if self.seconds < 0:
            raise SettingsError(f"Seconds from 0 on are wanted, {self.seconds:g} came.")


@dataclass(frozen=True)
class Number:
    """One number before and after.

    Attributes:
        now: As it is; None where there is none any more.
        before: What the network's own outline gave; None where it gave none.
    """

    now: Measurement | None
    before: Measurement | None


class Desk:
    """The studies of an output folder, and what may be done with them; safe with several threads."""

    def __init__(self, works: Worklist) -> None:
        """Open a folder for review.

        Args:
            works: Its worklist.

        Raises:
            OutputError: Another version wrote some of its results.
        """
        self.works = works
        self._lock = threading.RLock()
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")
        self._writing: dict[Key, Future[None]] = {}
        self._drawing = threading.Lock()
        self._pictures: dict[Key, bytes] = {}
        self._measured: dict[Key, tuple[int, tuple[Measurement, ...]]] = {}
        self._held: OrderedDict[Key, Study] = OrderedDict()
        _check_versions(self.entries(), works.folder)

    def entries(self) -> tuple[Entry, ...]:
        """The studies, those that ask for a person first, the most doubtful on top."""
        order = (State.NEEDS_REVIEW, State.DONE, State.REVIEWED, State.RUNNING, State.QUEUED, State.FAILED)
        return tuple(sorted(self.works.entries(), key=lambda e: (order.index(e.state), -e.doubt)))

    def study(self, stem: str, task: str) -> Study:
        """A study with its voxels.

        Raises:
            OutputError: There is no such study, or it has no results.
            InputError: Its scan is gone or cannot be used any more.
        """
        with self._lock:
            entry, held = self.works.entry(stem, task), self._held.pop((stem, task), None)
            if held is None or held.entry.request != entry.request:
                held = self._loaded(stem, task)
            self._held[stem, task] = held
            while len(self._held) > _HELD:
                self._held.popitem(last=False)
            return held

    def reviews(self, study: Study) -> tuple[Review, ...]:
        """The decisions on a study so far."""
        return reviews(self.works.folder, study.stem, study.entry.request.task)

    def revision(self, study: Study) -> int:
        """How many decisions there are on a study."""
        return self.works.entry(study.stem, study.entry.request.task).revision

    def decide(self, study: Study, verdict: Verdict) -> int:
        """Take a decision: everything after the outline is done again, then the decision is kept.

        The results are written in the background: see ``flush``. Should the process die before they are, the next
        one writes them: see ``settle``.

        Args:
            study: Of this desk.
            verdict: What a person says.

        Returns:
            The study's new revision.

        Raises:
            ConflictError: Somebody else decided since the person looked, or works on the study; nothing was changed.
            MaskError: The outline does not fit; nothing was changed.
        """
        with self._lock, ExitStack() as held:
            self._await(study)
            other = held.enter_context(self.works.claimed(study.stem))
            if other:
                raise ConflictError(f"A study that nobody works on is wanted, {other} is at '{study.stem}'.")
            said, request = self.reviews(study), study.entry.request
            check_latest(self.works.folder, request.stem, request.task, seen=verdict.seen)  # before computing in vain
            review = _review(study, said, verdict)
            result = _result(study, (*said, review))
            revision = append(self.works.folder, request.stem, request.task, review=review, seen=verdict.seen)
            self._measured[study.key] = revision, result.measurements
            entry = self.works.entry(*study.key)
            self.works.put(replace(entry, state=State.REVIEWED, words=f"{review.kind} by {review.reviewer}"))
            claim = held.pop_all()
            self._writing[study.key] = self._writer.submit(self._written, claim, study, result, revision)
            return revision

    def flush(self) -> None:
        """Wait until everything that was decided is written.

        Raises:
            OutputError: Some of it cannot be written; it is tried again when the page opens the next time.
        """
        for key in list(self._writing):
            self._writing.pop(key).result()

    def close(self) -> None:
        """Write what is still to be written, and stop."""
        self._writer.shutdown(wait=True)

    def thumbnail(self, stem: str, task: str, draw: Callable[[Study], bytes]) -> bytes:
        """A small picture of a study, drawn once; studies that people work on stay in memory.

        Args:
            stem: Name of the scan.
            task: Name of the task.
            draw: Draws it.
        """
        with self._drawing:
            if (stem, task) not in self._pictures:
                held = self._held.get((stem, task))
                self._pictures[stem, task] = draw(held or self._loaded(stem, task))
            return self._pictures[stem, task]

    def agreed(self, study: Study, *, method: str) -> Verdict:
        """What all who drew this study agree on, as a decision to be taken.

        Args:
            study: Of this desk.
            method: One of ``METHODS``.

        Raises:
            SettingsError: No such method.
            MaskError: Fewer than two people drew it.
        """
        if method not in METHODS:
            raise SettingsError(f"A consensus is wanted, one of {', '.join(METHODS)}; '{method}' came.")
        said = self.reviews(study)
        drawn = latest(study, said)
        if len(drawn) < 2:
            raise MaskError(f"At least two people who drew '{study.stem}' are wanted, {len(drawn)} came.")
        labels = METHODS[method](list(drawn.values()))
        return Verdict(
            "consensus", f"consensus of {', '.join(sorted(drawn))} ({method})"[:_LONGEST_NAME], len(said), labels
        )

    def numbers(self, study: Study) -> tuple[Number, ...]:
        """The numbers of a study as they are, beside those of the network's own outline."""
        with self._lock:
            said = self.reviews(study)
            revision, after = self._measured.get(study.key, (-1, ()))
            if revision != len(said):
                after = _result(study, said).measurements if said else study.before
                self._measured[study.key] = len(said), after
            return _joined(study.before, after)

    def settle(self) -> None:
        """Write the results of decisions that a process could not write before it died."""
        for entry in self.works.entries():
            if entry.written < entry.revision:
                study = self.study(entry.request.stem, entry.request.task)
                with self._lock, self.works.claimed(study.stem) as other:
                    if not other:
                        said = self.reviews(study)
                        self._write(study, _result(study, said), revision=said[-1].revision)

    def _loaded(self, stem: str, task: str) -> Study:
        entry, told = self.works.entry(stem, task), summary(self.works.folder, stem, task=task)
        if told is None:
            raise OutputError(f"A study with results is wanted, '{stem}' is {entry.state}.")
        return load(self.works.folder, entry, told.sha256)

    def _await(self, study: Study) -> None:
        """Wait for what is still being written of a study; whether that failed stands in the worklist."""
        writing = self._writing.pop(study.key, None)
        if writing is not None:
            writing.exception()

    def _written(self, claim: ExitStack, study: Study, result: Result, revision: int) -> None:
        with claim:
            self._write(study, result, revision=revision)

    def _write(self, study: Study, result: Result, *, revision: int) -> None:
        entry, line = self.works.entry(*study.key), result.decision.audit[-1]
        try:
            recover(self.works.folder, study.stem)
            write(result, self.works.folder, probabilities="probabilities" in entry.request.given, overwrite=True)
        except DeepgrayError as error:
            self.works.put(replace(entry, state=State.FAILED, words=f"decided, and not written: {error}"))
            raise
        words = f"{line.kind} by {line.reviewer}"
        self.works.finish(replace(entry, state=State.REVIEWED, words=words, written=revision))


def latest(study: Study, said: tuple[Review, ...]) -> dict[str, Labels]:
    """What each person drew or accepted last; those who rejected it last are left out, and so is a consensus."""
    last = {review.reviewer: review for review in said if review.kind != "consensus"}
    return {name: unpacked(r.mask, study.proposed) for name, r in last.items() if r.kind != "rejected"}


def _review(study: Study, said: tuple[Review, ...], verdict: Verdict) -> Review:
    before = study.labels(said, verdict.reviewer)
    after = before if verdict.labels is None else verdict.labels
    said_now = Review(verdict.reviewer.strip(), now(), verdict.kind, verdict.seconds, source=verdict.source)
    return compared(before, after, said_now)


def _result(study: Study, said: tuple[Review, ...]) -> Result:
    """What comes of the last decision."""
    last = said[-1]
    labels = LabelMap(unpacked(last.mask, study.proposed), study.proposed.affine_ras, study.proposed.scheme)
    audit = tuple(audit_line(review) for review in said)
    decide = _decide(study, last, labels=labels)

    def with_audit(scan: Scan, outline: Outline) -> Decision:
        return replace(decide(scan, outline), audit=audit)

    return reviewed(study.examination, study.drawn, study.task_name, decide=with_audit, options=study.options)


def _decide(study: Study, review: Review, *, labels: LabelMap) -> Decide:
    if review.kind == "rejected":
        return lambda _, outline: Decision("rejected", review.reviewer, review.when, outline)
    if np.array_equal(labels.voxels, study.proposed.voxels):
        return lambda _, outline: Decision("accepted", review.reviewer, review.when, outline)
    return redrawn(labels, pose=study.drawn.pose, reviewer=review.reviewer, when=review.when)


def _joined(before: tuple[Measurement, ...], after: tuple[Measurement, ...]) -> tuple[Number, ...]:
    def key(m: Measurement) -> tuple[str, str, str]:
        return m.structure, m.side, m.quantity

    old, new = {key(m): m for m in before}, {key(m): m for m in after}
    return tuple(Number(new.get(k), old.get(k)) for k in dict.fromkeys((*new, *old)))


def _check_versions(entries: tuple[Entry, ...], folder: Path) -> None:
    others: dict[str, list[str]] = {}
    for entry in entries:
        if entry.version and entry.version != this_version():
            others.setdefault(entry.version, []).append(entry.request.stem)
    if others:
        told = "; ".join(f"deepgray {v} wrote {len(s)} ({s[0]} …)" for v, s in sorted(others.items()))
        raise OutputError(
            f"Results of deepgray {this_version()} are wanted for a review, others lie in {folder}: {told}. "
            "Review them with that version, or run the scans again with --overwrite."
        )
