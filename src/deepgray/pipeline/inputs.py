"""The scans of a study, read again for a review from what the worklist kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from deepgray.read import read, read_reference, read_tracer
from deepgray.recipe import TRACER_REFERENCES, Options
from deepgray.result import NO_REFERENCE, Examination, Tracer


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
    return Examination(scan, also, read_reference(given.get("reference", NO_REFERENCE.name)), tracer_of(given))


def tracer_of(given: Mapping[str, str]) -> Tracer | None:
    """The PET or SPECT beside the scan, None where there is none.

    Args:
        given: Settings of the run by their names, as texts: ``pet`` or ``spect``, ``frames``, ``tracer_unit``,
            ``tracer_reference``, ``psf_mm``.

    Raises:
        InputError: The file cannot be used, or a setting is not understood.
    """
    modality = next((name for name in ("pet", "spect") if name in given), None)
    if modality is None:
        return None
    frames, unit = given.get("frames"), given.get("tracer_unit")
    scan = read_tracer(Path(given[modality]), modality=modality, frames=frames, unit=unit)
    psf_mm = float(given["psf_mm"]) if "psf_mm" in given else None
    return Tracer(scan, given.get("tracer_reference", TRACER_REFERENCES[0]), psf_mm)


def options_of(given: Mapping[str, str]) -> Options:
    """What the task leaves open.

    Args:
        given: Settings of the run by their names, as texts.
    """
    threads = given.get("threads")
    fine = given.get("fine") == str(True)
    return Options(given.get("subdivide", ""), int(threads) if threads else None, given.get("engine"), fine)
