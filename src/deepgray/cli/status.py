"""``deepgray status``: how the studies of an output folder stand."""

from __future__ import annotations

from pathlib import Path

from deepgray.cli.output import rows
from deepgray.worklist import Entry, State, Worklist

# What asks for somebody comes first.
_ORDER = (State.FAILED, State.NEEDS_REVIEW, State.RUNNING, State.QUEUED, State.REVIEWED, State.DONE)


def status(output: Path) -> int:
    """Say how the studies of an output folder stand, those that ask for somebody first.

    One line per study and task: its name, the task, where it stands (queued, running, needs review, reviewed, done,
    failed), the seconds it took, its uncertainty as a part of what the task takes without a person, and why.

    Args:
        output: Folder that 'deepgray run' wrote.
    """
    with Worklist.of(output) as works:
        found = sorted(works.entries(), key=lambda e: (_ORDER.index(e.state), -e.doubt))
    rows([("study", "task", "state", "seconds", "doubt", "words"), *(_row(entry) for entry in found)])
    return 0


def _row(entry: Entry) -> tuple[str, ...]:
    request = entry.request
    doubt = f"{entry.doubt:.2f}" if entry.score else "-"
    return request.stem, request.task, str(entry.state), f"{entry.seconds:.1f}", doubt, " ".join(entry.words.split())
