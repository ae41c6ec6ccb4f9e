"""Simulated scans with a known answer, outlined once and kept, for ``intervals.py`` beside this file.

Scan ``n`` of a task is always the same. The first are of heads 05, 09 and 12 in turn, which trained no network; they
calibrate and judge. From 100 on they are of the other heads in turn, which did: they only help to calibrate, because
three heads cannot tell how much heads differ. A striatum comes with a PET, half of the T1 scans without skull.
Susceptibility maps differ in voxels, inversion, tilt and age, every second one may have the dentate of another atlas;
those from 50 on are the external set of protocol C and six more.
SPECTs are the people of protocol B.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from pet_pairs import made_pair

from deepgray.anatomy import scheme
from deepgray.cli.whole_heads import heads_by_name
from deepgray.errors import AnatomyError
from deepgray.pipeline import analyse_head, find_head
from deepgray.protocols import dentate as protocol_c
from deepgray.protocols.sets import Planned
from deepgray.protocols.spect import sets
from deepgray.read import read_labels, read_mask
from deepgray.recipe import Options
from deepgray.result import Drawn, Examination, Registration, Tracer
from deepgray.scan import LabelMap
from deepgray.simulate.small_nuclei import QsmHead, prepare_head, with_atlas
from deepgray.simulate.whole_head_qsm import QsmSettings, SimulatedQsm, simulate_qsm
from deepgray.simulate.whole_head_spect import SpectSettings

HEADS = ("anatomy-05", "anatomy-09", "anatomy-12")
OTHERS = tuple(f"anatomy-{n:02d}" for n in (1, 2, 3, 4, 6, 7, 8, 10, 11, 13, 14, 15))
FIRST_OTHER = 100
FIRST_EXTERNAL = 50
SPACINGS_MM = ((1.0, 1.0, 1.0), (0.8, 0.8, 0.8), (0.7, 0.7, 1.4), (1.0, 1.0, 2.0), (0.9, 0.9, 1.5))
FIRST_SEED = 700
MAPS = ("dentate", "midbrain")
# People of protocol B who train, validate and judge, and the seed of the first.
PEOPLE, PEOPLE_SEED = (136, 24, 40), 200


@dataclass(frozen=True, eq=False)
class Known:
    """A scan with its outline, and what is true of it.

    Attributes:
        name: Unique among the scans of a task.
        head: Name of the head.
        task: Name of the task.
        examination: The scan, and what came with it.
        drawn: Where the head is, and the outline; None before it is outlined.
        truths: True label maps, the outline's scheme first, its parts after it.
        registration: Where the tracer scan truly lies, or None.
    """

    name: str
    head: str
    task: str
    examination: Examination
    drawn: Drawn | None
    truths: tuple[LabelMap, ...]
    registration: Registration | None = None


@dataclass(frozen=True)
class Source:
    """Where label maps lie and scans are kept.

    Attributes:
        anatomies: Folder of the label maps ``anatomy-XX_dseg.nii.gz``.
        kept: Folder for scans.
        count: How many scans of heads that trained no network.
        others: How many scans of heads that did.
        atlas: Label map of the SPL atlas, for half of the dentates.
        redraw: Outline again what was outlined before.
    """

    anatomies: Path
    kept: Path
    count: int
    others: int
    atlas: Path | None = None
    redraw: bool = False

    @property
    def numbers(self) -> tuple[int, ...]:
        """Of the scans."""
        return (*range(self.count), *range(FIRST_OTHER, FIRST_OTHER + self.others))


def head_of(number: int) -> str:
    """Name of the head of a scan."""
    if FIRST_EXTERNAL <= number < FIRST_OTHER:
        return _fixed()[number - FIRST_EXTERNAL].head
    if number < FIRST_OTHER:
        return HEADS[number % len(HEADS)]
    return OTHERS[(number - FIRST_OTHER) % len(OTHERS)]


def striatum(source: Source, done: Container[str]) -> Iterator[Known]:
    """Pairs of T1 and PET."""
    for number in source.numbers:
        path = source.kept / "striatum" / f"{number:02d}.pkl"
        if path.stem not in done:
            yield from _kept(path, lambda number=number: (_pair(source, number),), redraw=source.redraw)


def dentate(source: Source, done: Container[str]) -> Iterator[Known]:
    """Susceptibility maps, for the dentate."""
    return _of_maps(source, "dentate", done)


def midbrain(source: Source, done: Container[str]) -> Iterator[Known]:
    """Susceptibility maps, for the midbrain."""
    return _of_maps(source, "midbrain", done)


def datspect(source: Source, done: Container[str]) -> Iterator[Known]:
    """The people of protocol B, upright: those who judge are of the heads that trained no network."""
    planned = sets.plan(OTHERS, HEADS, scans=PEOPLE, seed=PEOPLE_SEED)
    wanted = tuple(one for one in planned if one.name not in done)
    made = sets.made(wanted, heads_by_name(source.anatomies), source.kept / "people", how=SpectSettings())
    for one, case in zip(wanted, made, strict=True):
        yield from _unless_refused(Known(one.name, one.head, "datspect", Examination(case.scan), None, (case.truth,)))


def _pair(source: Source, number: int) -> Known:
    head = head_of(number)
    pair = made_pair(number, source.anatomies, source.kept / "pairs", head=head.removeprefix("anatomy-"))
    given = Examination(pair.mr, tracer=Tracer(replace(pair.pet, unit="Bq/mL")))
    truths = tuple(
        read_labels(f"{pair.base}_desc-{name}_dseg.nii.gz", scheme(name)) for name in ("striatum", "striatum12")
    )
    truly = Registration(pair.mr_from_pet, float("nan"), 1.0)
    return Known(f"{number:02d}", head, "striatum", given, None, truths, truly)


def _of_maps(source: Source, task: str, done: Container[str]) -> Iterator[Known]:
    external = range(FIRST_EXTERNAL, FIRST_EXTERNAL + len(_fixed()))
    for number in (*source.numbers[: source.count], *external, *source.numbers[source.count :]):
        path = source.kept / "qsm" / f"{number:02d}.pkl"
        if path.stem not in done:
            found = _kept(path, lambda number=number: _maps(source, number), redraw=source.redraw)
            yield from (case for case in found if case.task == task)


def _maps(source: Source, number: int) -> tuple[Known, ...]:
    made, head = _map(source, number), head_of(number)
    given = Examination(made.scan)
    return tuple(Known(f"{number:02d}", head, task, given, None, (made.labels[task],)) for task in MAPS)


def _map(source: Source, number: int) -> SimulatedQsm:
    if FIRST_EXTERNAL <= number < FIRST_OTHER:
        one = _fixed()[number - FIRST_EXTERNAL]
        atlas = source.atlas if one.group == protocol_c.EXTERNAL else None
        return simulate_qsm(_head(source.anatomies, one.head, atlas), one.settings, seed=one.seed)
    turn = number // len(HEADS) if number < FIRST_OTHER else number
    how = QsmSettings(spacing_mm=SPACINGS_MM[turn % len(SPACINGS_MM)], inversion="random", tilt_degrees=25.0)
    head = _head(source.anatomies, head_of(number), source.atlas if turn % 2 else None)
    return simulate_qsm(head, how, seed=FIRST_SEED + number)


@lru_cache(maxsize=1)
def _fixed() -> tuple[Planned, ...]:
    """The external set of protocol C, and two maps of each head: one plain, one of thick slices, tilted and turned."""
    external = [one for one in protocol_c.plan(HEADS, scans=3) if one.group == protocol_c.EXTERNAL]
    ways = (
        QsmSettings(inversion="tikhonov", rotation_degrees=15.0),
        QsmSettings(spacing_mm=(0.9, 0.9, 2.0), inversion="tkd", rotation_degrees=30.0, tilt_degrees=30.0),
    )
    return (*external, *(Planned("plain", head, how, n + 1) for head in HEADS for n, how in enumerate(ways)))


@lru_cache(maxsize=6)
def _head(anatomies: Path, name: str, atlas: Path | None) -> QsmHead:
    if atlas is not None:
        other = read_mask(atlas)
        return with_atlas(_head(anatomies, name, None), other.voxels, other.affine_ras, atlas="spl")
    labels = read_mask(anatomies / f"{name}_dseg.nii.gz")
    return prepare_head(labels.voxels, labels.affine_ras, name=name)


def _outlined(case: Known) -> Known:
    """The same with its outline as the weights of today draw it."""
    options = Options(threads=1)
    result = analyse_head(find_head(case.examination, case.task, options=options), case.task, options=options)
    found = result.registered.registration if result.registered else None
    drawn = Drawn(result.pose, result.proposed, result.models[:2], result.times[:2], found)
    truths = tuple(LabelMap(t.voxels.astype(np.int16), t.affine_ras, t.scheme) for t in case.truths)
    return replace(case, drawn=drawn, truths=truths)


def _unless_refused(case: Known) -> Iterator[Known]:
    """The same with its outline; nothing where the scan is refused: it has no numbers that could be wrong."""
    try:
        yield _outlined(case)
    except AnatomyError as error:
        print(f"{case.task} {case.name}: {error}", file=sys.stderr)


def _kept(path: Path, make: Callable[[], tuple[Known, ...]], *, redraw: bool) -> tuple[Known, ...]:
    """What is kept in a file, made and outlined where it is missing."""
    found: tuple[Known, ...] = pickle.loads(path.read_bytes()) if path.exists() else ()  # written by this file
    if not found or redraw:
        found = tuple(outlined for case in found or make() for outlined in _unless_refused(case))
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_bytes(pickle.dumps(found))
        partial.replace(path)
    return tuple(replace(case, name=path.stem) for case in found)


SCANS: dict[str, Callable[[Source, Container[str]], Iterator[Known]]] = {
    "striatum": striatum,
    "dentate": dentate,
    "midbrain": midbrain,
    "datspect": datspect,
}
