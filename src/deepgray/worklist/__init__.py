"""What is to be done in an output folder, what was done, and what people decided: one SQLite file."""

from deepgray.worklist.entries import (
    Entry,
    Request,
    Review,
    State,
    audit_line,
    compared,
    labels_sha256,
    now,
    packed,
    unpacked,
)
from deepgray.worklist.ledger import append, check_latest, reviews
from deepgray.worklist.queue import Worklist
from deepgray.worklist.store import this_version

__all__ = [
    "Entry",
    "Request",
    "Review",
    "State",
    "Worklist",
    "append",
    "audit_line",
    "check_latest",
    "compared",
    "labels_sha256",
    "now",
    "packed",
    "reviews",
    "this_version",
    "unpacked",
]
