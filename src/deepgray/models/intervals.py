"""How far the truth lies from a network's numbers, as simulated scans with a known answer taught; a table a network.

A table belongs to one file of weights: with other weights it is not used.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass

from deepgray.errors import ModelError
from deepgray.models.catalogue import FOLDER, entries

_TABLES = FOLDER / "intervals"
_COLUMNS = ("quantity", "structure", "of", "low", "high", "floor", "count")
ONE_SIDE, BOTH = "side", "both"


@dataclass(frozen=True)
class Reach:
    """How far the truth lies from a number, in standard deviations over plausible masks.

    Attributes:
        low: Lower end, mostly below 0.
        high: Upper end, mostly above 0.
        floor: Smallest standard deviation that is believed, in the number's unit.
        count: Numbers that it was learnt from.
    """

    low: float
    high: float
    floor: float
    count: int


# Quantity, structure without side, and ONE_SIDE or BOTH.
ReachKey = tuple[str, str, str]


@dataclass(frozen=True)
class Calibration:
    """What is known of the numbers of one network.

    Attributes:
        sha256: Checksum of its weights, as ``Model.weights`` gives it.
        parts: How the outline was divided, ``rule`` or ``network``; empty where it was not.
        reaches: By quantity, structure, and one side or both.
    """

    sha256: str
    parts: str
    reaches: Mapping[ReachKey, Reach]


def calibration(network: str) -> Calibration | None:
    """What is known of the numbers of a network, None where nothing is.

    Args:
        network: Name of a network.

    Raises:
        ModelError: The table is damaged.
    """
    path = _TABLES / f"{network}.tsv"
    if network not in {e.name for e in entries()} or not path.is_file():
        return None
    try:
        return calibration_from(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"A table of intervals is wanted, {path} is none: {error}.") from error


def calibration_from(text: str) -> Calibration:
    """The calibration that ``calibration_text`` wrote.

    Raises:
        ValueError: It is not understood.
    """
    first, *lines = text.splitlines() or [""]
    words = first.removeprefix("#").split()
    if not first.startswith("# sha256 ") or len(words) not in (2, 4):
        raise ValueError("a first line '# sha256 … parts …' is wanted")
    rows = list(csv.DictReader(lines, delimiter="\t"))
    if not rows or tuple(rows[0]) != _COLUMNS:
        raise ValueError(f"the columns {', '.join(_COLUMNS)} are wanted")
    reaches = {
        (r["quantity"], r["structure"], r["of"]): Reach(
            float(r["low"]), float(r["high"]), float(r["floor"]), int(r["count"])
        )
        for r in rows
    }
    return Calibration(words[1], words[3] if len(words) == 4 else "", reaches)


def calibration_text(learnt: Calibration) -> str:
    """A calibration as the table that ships."""
    parts = f" parts {learnt.parts}" if learnt.parts else ""
    rows = [
        (*key, f"{r.low:.3f}", f"{r.high:.3f}", f"{r.floor:.4g}", str(r.count)) for key, r in learnt.reaches.items()
    ]
    lines = ["\t".join(row) for row in (_COLUMNS, *rows)]
    return "\n".join([f"# sha256 {learnt.sha256}{parts}", *lines]) + "\n"
