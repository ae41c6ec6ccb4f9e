"""What is to be done in an output folder, what was done, and what people decided: one SQLite file."""

from deepgray.worklist.entries import Entry, Request, Review, State, labels_sha256, packed, unpacked
from deepgray.worklist.ledger import append, reviews
from deepgray.worklist.queue import Worklist

__all__ = [
    "Entry",
    "Request",
    "Review",
    "State",
    "Worklist",
    "append",
    "labels_sha256",
    "packed",
    "reviews",
    "unpacked",
]
