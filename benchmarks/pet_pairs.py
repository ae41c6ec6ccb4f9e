"""Simulated pairs of T1 and PET for the benchmarks beside this file, made once and kept in a folder.

Pair ``n`` is always the same: heads 05, 09 and 12 (kept out of training) in turn, every fourth with raclopride and the
others with FP-CIT, half of the T1 scans without skull, the head turned by up to 25 degrees and moved by up to 25 mm
along each axis of the PET.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepgray.cli.whole_heads import prepared_head
from deepgray.read import read
from deepgray.report.images import write_labels, write_scan
from deepgray.scan import Scan
from deepgray.simulate.whole_head import WholeHead
from deepgray.simulate.whole_head_pet import PetSettings, simulate_pet

HEADS = ("05", "09", "12")
MOTION_MM = MOTION_DEGREES = 25.0
FIRST_SEED = 500
LABELS = ("striatum", "striatum12", "pet-reference")


@dataclass(frozen=True)
class Pair:
    """One pair on disk."""

    number: int
    folder: Path

    @property
    def base(self) -> str:
        """What its files begin with."""
        return str(self.folder / f"pair-{self.number:02d}")

    @property
    def mr(self) -> Scan:
        """The T1 scan."""
        return read(f"{self.base}_T1w.nii.gz")

    @property
    def pet(self) -> Scan:
        """The PET."""
        return read(f"{self.base}_pet.nii.gz", modality="pet")

    @property
    def truth(self) -> dict[str, object]:
        """What is true of it."""
        values: dict[str, object] = json.loads(Path(f"{self.base}.json").read_text(encoding="utf-8"))
        return values

    @property
    def mr_from_pet(self) -> NDArray[np.float64]:
        """The true motion."""
        return np.array(self.truth["mr_from_pet"])


def pairs(anatomies: Path, folder: Path, count: int) -> Iterator[Pair]:
    """The first pairs, made where they are missing.

    Args:
        anatomies: Folder of the label maps ``anatomy-XX_dseg.nii.gz``.
        folder: Where pairs are kept.
        count: How many.
    """
    for number in range(count):
        yield made_pair(number, anatomies, folder, head=HEADS[number % len(HEADS)])


def made_pair(number: int, anatomies: Path, folder: Path, *, head: str) -> Pair:
    """One pair of a head, made where it is missing; other arguments as for ``pairs``."""
    folder.mkdir(parents=True, exist_ok=True)
    pair = Pair(number, folder)
    if not Path(f"{pair.base}.json").exists():
        _make(pair, _head(anatomies / f"anatomy-{head}"))
    return pair


@lru_cache(maxsize=len(HEADS))
def _head(base: Path) -> WholeHead:
    return prepared_head(Path(f"{base}_dseg.nii.gz"), None)


def _make(pair: Pair, head: WholeHead) -> None:
    tracer = "fp-cit" if pair.number % 4 else "raclopride"
    settings = PetSettings(tracer=tracer, motion_mm=MOTION_MM, motion_degrees=MOTION_DEGREES)
    made = simulate_pet(head, settings, seed=FIRST_SEED + pair.number)
    write_scan(Path(f"{pair.base}_T1w.nii.gz"), made.mr)
    write_scan(Path(f"{pair.base}_pet.nii.gz"), made.pet)
    for name in LABELS:
        write_labels(Path(f"{pair.base}_desc-{name}_dseg.nii.gz"), made.labels[name])
    told = {
        "mr_from_pet": made.mr_from_pet.tolist(),
        "canonical_from_world": made.canonical_from_world.tolist(),
        "means": [[m.structure, m.side, m.activity, m.seen] for m in made.means],
        "drawn": made.drawn,
    }
    Path(f"{pair.base}.json").write_text(json.dumps(told), encoding="utf-8")  # last: a pair with it is whole
