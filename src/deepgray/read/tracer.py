"""A PET or SPECT that lies beside a magnetic resonance image: one volume, or the mean of some frames of several."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from deepgray.errors import IntensityError, SettingsError
from deepgray.read.images import read
from deepgray.read.names import named, stem_of
from deepgray.scan import Scan

# What sidecars and people call the units of PET, and what they are called here.
_UNITS = {
    "bq/ml": "Bq/mL",
    "kbq/ml": "kBq/mL",
    "suv": "SUV",
    "suvbw": "SUV",
    "g/ml": "SUV",
    "counts": "counts",
    "count": "counts",
    "cps": "counts",
}
TRACER_UNITS: tuple[str, ...] = ("Bq/mL", "kBq/mL", "SUV", "counts")
# No standardised uptake value of a head reaches this; no scan in becquerels stays below.
_MOST_SUV, _LEAST_BECQUEREL = 200.0, 20.0
# Frames of one unit do not differ by more than this many times in their brightest hundredth.
_MOST_BETWEEN_FRAMES = 300.0


@dataclass(frozen=True)
class Sidecar:
    """What the JSON beside an image says.

    Attributes:
        unit: One of ``TRACER_UNITS``, another text as it stands, or empty.
        durations: Seconds of each frame, empty where it does not say.
    """

    unit: str = ""
    durations: tuple[float, ...] = ()


def read_tracer(path: Path | str, *, modality: str = "pet", frames: str | None = None, unit: str | None = None) -> Scan:
    """A tracer scan, one volume or the mean of frames.

    Args:
        path: As for ``read``; a JSON of the same name (BIDS) tells the unit and the frames' durations.
        modality: ``pet`` or ``spect``.
        frames: First and last frame with a colon between them, from 1 (``3:5``), where the file has several.
        unit: What the numbers are, one of ``TRACER_UNITS``, where the JSON does not say.

    Returns:
        The scan; the mean of frames is weighted by their durations where these are known. What was done is told in
        ``changes``.

    Raises:
        InputError: As for ``read``.
        ShapeError: Several volumes, and no frames or frames that are not there.
        IntensityError: Counts and SUV mixed: between frames, or what is said of the unit and the numbers.
        SettingsError: Frames that are not two numbers, or a unit that the JSON contradicts.
    """
    path = Path(path)
    beside = sidecar(path)
    known = _settled_unit(path, beside.unit, unit)
    scan = _one(path, modality, None) if frames is None else _mean(path, modality, _ends(frames), beside)
    scan = replace(scan, unit=known or scan.unit)
    with named(path):
        _check_unit(scan)
    return scan


def sidecar(path: Path) -> Sidecar:
    """What the JSON beside an image says; nothing where there is none that can be read."""
    try:
        values = json.loads((path.parent / f"{stem_of(path)}.json").read_text(encoding="utf-8"))
        unit = values.get("Units", "")
        durations = tuple(float(d) for d in values.get("FrameDuration") or ())
    except (OSError, ValueError, AttributeError, TypeError):
        return Sidecar()
    return Sidecar(_UNITS.get(str(unit).lower(), str(unit)), durations)


def _settled_unit(path: Path, told: str, asked: str | None) -> str:
    if asked is None:
        return told
    unit = _UNITS.get(asked.lower(), asked)
    if unit not in TRACER_UNITS:
        raise SettingsError(f"A unit of {', '.join(TRACER_UNITS)} is wanted, '{asked}' came.")
    if told and told != unit:
        raise SettingsError(f"{path.name}: one unit is wanted; the file beside it says {told}, --tracer-unit {unit}.")
    return unit


def _ends(frames: str) -> tuple[int, int]:
    first, _, last = frames.partition(":")
    try:
        ends = int(first), int(last)
    except ValueError as error:
        raise SettingsError(f"Frames such as 3:5 are wanted, '{frames}' came.") from error
    if not 1 <= ends[0] <= ends[1]:
        raise SettingsError(f"Frames from 1 upwards, the first before the last, are wanted; '{frames}' came.")
    return ends


def _one(path: Path, modality: str, frame: int | None) -> Scan:
    return read(path, modality=modality, frame=frame)


def _mean(path: Path, modality: str, ends: tuple[int, int], beside: Sidecar) -> Scan:
    """The mean of frames; each is read by itself, so that no more than two are held."""
    first, last = ends
    weights = [1.0] * (last - first + 1)
    timed = len(beside.durations) >= last and min(beside.durations[first - 1 : last]) > 0
    if timed:
        weights = list(beside.durations[first - 1 : last])
    shares = [np.float32(weight / sum(weights)) for weight in weights]
    scan = _one(path, modality, first)
    voxels, tops = scan.voxels * shares[0], [_top(scan)]
    for number, share in zip(range(first + 1, last + 1), shares[1:], strict=True):
        scan = _one(path, modality, number)
        voxels += scan.voxels * share
        tops.append(_top(scan))
    if min(tops) <= 0 or max(tops) / min(tops) > _MOST_BETWEEN_FRAMES:
        raise IntensityError(
            f"{path.name}: frames of one unit are wanted; their brightest hundredth reaches from {min(tops):.3g} to "
            f"{max(tops):.3g}, which looks like counts and SUV mixed, or empty frames."
        )
    words = "weighted by their durations" if timed else "each weighted alike"
    return replace(scan, voxels=voxels, changes=(f"It is the mean of frames {first} to {last}, {words}.",))


def _top(scan: Scan) -> float:
    return float(np.percentile(np.abs(scan.voxels), 99))


def _check_unit(scan: Scan) -> None:
    top = float(np.percentile(scan.voxels, 99.9))
    if scan.unit == "SUV" and top > _MOST_SUV:
        raise IntensityError(
            f"SUV are wanted, as the unit says; voxels of {top:.4g} came, which looks like counts or Bq/mL."
        )
    if scan.unit == "Bq/mL" and top < _LEAST_BECQUEREL:
        raise IntensityError(f"Bq/mL are wanted, as the unit says; {top:.3g} is the brightest, which looks like SUV.")
