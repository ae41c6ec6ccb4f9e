"""A person's corrected mask, from a file."""

from __future__ import annotations

from pathlib import Path

from deepgray.errors import MaskError
from deepgray.pipeline.work import now
from deepgray.read import read_mask
from deepgray.result import Decision, Outline
from deepgray.review import Decide, corrected
from deepgray.scan import Scan


def from_file(path: Path | str, reviewer: str) -> Decide:
    """Bring back a corrected mask from a file, as of now.

    Args:
        path: NIfTI or MGZ: labels of the outline's scheme, or 0 and 1 for the whole striatum.
        reviewer: Who drew it.

    Returns:
        What ``analyse`` takes as ``decide``; it raises MaskError where the mask does not fit.

    Raises:
        InputError: The file is no mask.
    """
    bring_back = corrected(read_mask(path), reviewer=reviewer, when=now())

    def decide(scan: Scan, proposed: Outline) -> Decision:
        try:
            return bring_back(scan, proposed)
        except MaskError as error:
            raise MaskError(f"{Path(path).name}: {error}") from error

    return decide
