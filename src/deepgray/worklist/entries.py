"""What a worklist holds: tasks on studies with their state, and a ledger of what people decided."""

from __future__ import annotations

import hashlib
import math
import zlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from deepgray.errors import OutputError
from deepgray.result import AuditLine
from deepgray.scan import LabelMap
from deepgray.voxels.crop import occupied


class State(StrEnum):
    """Where a task on a study stands."""

    QUEUED = "queued"
    RUNNING = "running"
    NEEDS_REVIEW = "needs review"
    REVIEWED = "reviewed"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Request:
    """One task on one scan, as it was asked for.

    Attributes:
        stem: Name of the scan.
        task: Name of the task.
        given: What is needed to read the scan again: paths and settings, as texts.
    """

    stem: str
    task: str
    given: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """One task on one scan, as it stands.

    Attributes:
        request: What was asked for.
        state: Where it stands.
        words: Why it failed or needs a look, who works on it; empty when there is nothing to say.
        seconds: Wall-clock seconds of the last run, 0 before.
        score: Uncertainty of the outline, 0 (sure) to 1; 0 before the run.
        limit: Uncertainty above which the task asks for a person; 1 before the run.
        version: Version of deepgray that wrote the results, empty before.
        revision: How many decisions people made.
        written: Up to which of them the results in the folder go.
    """

    request: Request
    state: State
    words: str = ""
    seconds: float = 0.0
    score: float = 0.0
    limit: float = 1.0
    version: str = ""
    revision: int = 0
    written: int = 0

    @property
    def doubt(self) -> float:
        """Uncertainty as a part of what the task takes without a person: comparable between tasks."""
        return self.score / self.limit if self.limit > 0 else self.score


@dataclass(frozen=True)
class Review:
    """What a person decided: a line of the ledger, which is never changed.

    Attributes:
        reviewer: Who.
        when: ISO 8601 with zone.
        kind: ``accepted``, ``corrected``, ``rejected`` or ``consensus``.
        seconds: Spent on it; NaN where nobody measured.
        added: Voxels that are labelled otherwise than before and not background.
        removed: Voxels that were labelled and are background.
        before_sha256: Checksum of the labels before.
        after_sha256: Checksum of the labels after.
        mask: The decided labels, from ``packed``.
        source: ``page``, or the name of a file.
        revision: Its place in the study's ledger, from 1; 0 before it is there.
    """

    reviewer: str
    when: str
    kind: str
    seconds: float = math.nan
    added: int = 0
    removed: int = 0
    before_sha256: str = ""
    after_sha256: str = ""
    mask: bytes = b""
    source: str = "page"
    revision: int = 0


def now() -> str:
    """The time, ISO 8601 with zone."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def labels_sha256(voxels: NDArray[np.integer]) -> str:
    """Checksum of labels, whatever integer type holds them.

    Args:
        voxels: (x, y, z) labels on the scan's grid.
    """
    return hashlib.sha256(np.ascontiguousarray(voxels, dtype="<i4").data).hexdigest()


def compared(before: NDArray[np.integer], after: NDArray[np.integer], said: Review) -> Review:
    """A decision with what it changed.

    Args:
        before: (x, y, z) labels as the person saw them.
        after: The decided ones.
        said: Who, when and what; the rest of it is filled in.
    """
    different = before != after
    return replace(
        said,
        added=int(np.count_nonzero(different & (after != 0))),
        removed=int(np.count_nonzero(different & (after == 0))),
        before_sha256=labels_sha256(before),
        after_sha256=labels_sha256(after),
        mask=packed(after),
    )


def audit_line(review: Review) -> AuditLine:
    """The decision as results tell it."""
    seconds = None if math.isnan(review.seconds) else round(review.seconds, 1)
    return AuditLine(
        review.reviewer,
        review.when,
        review.kind,
        seconds,
        review.added,
        review.removed,
        review.before_sha256,
        review.after_sha256,
        review.source,
    )


def packed(voxels: NDArray[np.integer]) -> bytes:
    """Labels as few bytes: the smallest box that holds them, compressed.

    Args:
        voxels: (x, y, z) labels on the scan's grid.
    """
    box = occupied(voxels) or (slice(0, 0), slice(0, 0), slice(0, 0))
    head = np.array([*voxels.shape, *(s.start for s in box), *(s.stop for s in box)], dtype="<i4")
    return zlib.compress(head.tobytes() + np.ascontiguousarray(voxels[box], dtype="<i4").tobytes(), 6)


def unpacked(mask: bytes, like: LabelMap) -> NDArray[np.integer]:
    """The labels that ``packed`` packed.

    Args:
        mask: From ``packed``.
        like: A label map of the same scan, which gives shape and integer type.

    Returns:
        (x, y, z) labels.

    Raises:
        OutputError: The labels are those of another scan, or damaged.
    """
    try:
        raw = np.frombuffer(zlib.decompress(mask), dtype="<i4")
        shape, low, high = raw[:3], raw[3:6], raw[6:9]
        block = raw[9:].reshape(high - low)
    except (zlib.error, ValueError) as error:
        raise OutputError(f"The stored mask of a decision is wanted, it is damaged: {error}.") from error
    if tuple(shape) != like.voxels.shape:
        raise OutputError(f"A stored mask of shape {like.voxels.shape} is wanted, one of {tuple(shape)} came.")
    voxels = np.zeros_like(like.voxels)
    voxels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = block
    return voxels
