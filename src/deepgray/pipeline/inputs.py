"""The scans of a study, read again for a review from what the worklist kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from deepgray.read import read, read_reference
from deepgray.recipe import Options
from deepgray.result import NO_REFERENCE, Examination


def examination_of(given: Mapping[str, str]) -> Examination:
    """The scan, and what came with it.

    Args:
        given: Settings of the run by their names, as texts.

    Raises:
        InputError: A file is gone or cannot be used any more.
    """
    frame = int(given["frame"]) if "frame" in given else None
    path, modality = Path(given["scan"]), given["modality"]
    scan = read(path, modality=modality, unit=given.get("unit"), mask=given.get("mask"), frame=frame)
    also = read(Path(given["also"])) if "also" in given else None
    return Examination(scan, also, read_reference(given.get("reference", NO_REFERENCE.name)))


def options_of(given: Mapping[str, str]) -> Options:
    """What the task leaves open.

    Args:
        given: Settings of the run by their names, as texts.
    """
    threads = given.get("threads")
    fine = given.get("fine") == str(True)
    return Options(given.get("subdivide", ""), int(threads) if threads else None, given.get("engine"), fine)
