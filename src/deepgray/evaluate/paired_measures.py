"""Two sets of measures, ``<stem>_measures.tsv`` each, brought together: scan by scan, structure by structure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from deepgray.errors import DuplicateStemError, InputError, SettingsError
from deepgray.evaluate.cohort import scan_stem
from deepgray.evaluate.delimited import number, read_rows

ENDING = "_measures.tsv"
_COLUMNS = ("structure", "side", "quantity", "value", "unit")


class MeasureName(NamedTuple):
    """What a value is of."""

    structure: str
    side: str
    quantity: str


@dataclass(frozen=True)
class PairedMeasure:
    """One quantity of one structure, in every scan that both sets have.

    Attributes:
        name: Structure, side and quantity.
        unit: Unit of the values.
        stems: (n,) scans.
        measured: (n,) values, NaN where a scan has none.
        reference: (n,) values to compare with, NaN where a scan has none.
        measured_regions: Reference regions that the measured values name (``CSF``), each once.
        reference_regions: The same of the values to compare with.
    """

    name: MeasureName
    unit: str
    stems: tuple[str, ...]
    measured: tuple[float, ...]
    reference: tuple[float, ...]
    measured_regions: tuple[str, ...] = ()
    reference_regions: tuple[str, ...] = ()


@dataclass(frozen=True)
class PairedMeasures:
    """All that two sets of measures have in common.

    Attributes:
        measures: Quantity by quantity, in the order of the files.
        unpaired: Files without a partner.
        alone: What only one of the two sets measures.
    """

    measures: tuple[PairedMeasure, ...]
    unpaired: tuple[Path, ...]
    alone: tuple[MeasureName, ...]


class _Cell(NamedTuple):
    value: float
    unit: str
    region: str


_Table = Mapping[MeasureName, _Cell]


class _Scan(NamedTuple):
    stem: str
    measured: _Table
    reference: _Table


def pair_measures(measured: Path, reference: Path, *, quantities: Sequence[str] = ()) -> PairedMeasures:
    """Bring together the measures of two folders of results.

    Folders are searched to the bottom for ``*_measures.tsv``. Files of one name belong together; where no name is in
    both folders, names are compared without what describes the image: ``1000_T1w`` and ``1000_desc-striatum12`` are
    both ``1000``.

    Args:
        measured: Folder of results.
        reference: Folder of results to compare with.
        quantities: Which quantities to take (``volume``); all where none is named.

    Raises:
        SettingsError: One of the two is not a folder, no two files belong together, they have no measure in common, or
            none of a quantity that was named.
        DuplicateStemError: Two files of one folder belong to one scan.
        InputError: A file is no table of measures, or a quantity has two units.
    """
    ours, theirs = _files(measured), _files(reference)
    pairs = _pairs(ours, theirs, _name)
    pairs = pairs or _pairs(ours, theirs, lambda path: scan_stem(Path(_name(path))))
    if not pairs:
        raise SettingsError(
            f"Measures of the same scans are wanted; of {len(ours)} files *{ENDING} in {measured} and {len(theirs)} in "
            f"{reference} no two names belong together."
        )
    scans = [_Scan(stem, _read(first), _read(second)) for stem, (first, second) in pairs.items()]
    of_measured = dict.fromkeys(name for scan in scans for name in scan.measured)
    of_reference = dict.fromkeys(name for scan in scans for name in scan.reference)
    names = _chosen([name for name in of_measured if name in of_reference], quantities)
    used = {path for pair in pairs.values() for path in pair}
    return PairedMeasures(
        measures=tuple(_paired(name, scans) for name in names),
        unpaired=tuple(path for path in (*ours, *theirs) if path not in used),
        alone=tuple(
            name
            for name in {**of_measured, **of_reference}
            if (name in of_measured) != (name in of_reference) and (not quantities or name.quantity in quantities)
        ),
    )


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise SettingsError(f"A folder of results is wanted, {folder} is none.")
    return sorted(path for path in folder.rglob(f"*{ENDING}") if path.is_file())


def _name(path: Path) -> str:
    return path.name.removesuffix(ENDING)


def _pairs(
    ours: Sequence[Path], theirs: Sequence[Path], stem_of: Callable[[Path], str]
) -> dict[str, tuple[Path, Path]]:
    """Files of the same stem, in the order of the stems."""
    first, second = _by_stem(ours, stem_of), _by_stem(theirs, stem_of)
    shared = sorted(first.keys() & second.keys())
    for stem in shared:
        for found in (first[stem], second[stem]):
            if len(found) > 1:
                raise DuplicateStemError(
                    f"One file of measures per scan is wanted; {found[0]} and {found[1]} both belong to '{stem}'."
                )
    return {stem: (first[stem][0], second[stem][0]) for stem in shared}


def _by_stem(paths: Sequence[Path], stem_of: Callable[[Path], str]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in paths:
        found.setdefault(stem_of(path), []).append(path)
    return found


def _read(path: Path) -> _Table:
    titles, *rows = read_rows(path) or [[]]
    absent = [column for column in _COLUMNS if column not in titles]
    if absent:
        raise InputError(f"Columns {', '.join(_COLUMNS)} are wanted in {path}, {', '.join(absent)} did not come.")
    table: dict[MeasureName, _Cell] = {}
    for row in rows:
        if len(row) != len(titles):
            raise InputError(f"{len(titles)} columns are wanted in every row of {path}, {len(row)} came.")
        cells = dict(zip(titles, row, strict=True))
        name = MeasureName(cells["structure"], cells["side"], cells["quantity"])
        if name in table:
            raise InputError(f"Each measure is wanted once in {path}, {' '.join(name)} came twice.")
        value = number(cells["value"], where=f"{path}, {' '.join(name)}")
        table[name] = _Cell(value, cells["unit"], cells.get("reference", ""))
    return table


def _chosen(names: Sequence[MeasureName], quantities: Sequence[str]) -> list[MeasureName]:
    """Those of the quantities that were asked for, quantity by quantity."""
    found = list(dict.fromkeys(name.quantity for name in names))
    unknown = [quantity for quantity in quantities if quantity not in found]
    if unknown and found:
        raise SettingsError(f"A quantity of both is wanted, {', '.join(found)}; '{unknown[0]}' came.")
    if not found:
        raise SettingsError("Measures of the same structures are wanted, the two have none in common.")
    return [
        name
        for quantity in found
        if not quantities or quantity in quantities
        for name in names
        if name.quantity == quantity
    ]


def _paired(name: MeasureName, scans: Sequence[_Scan]) -> PairedMeasure:
    measured = [scan.measured.get(name) for scan in scans]
    reference = [scan.reference.get(name) for scan in scans]
    units = dict.fromkeys(cell.unit for cell in (*measured, *reference) if cell is not None)
    if len(units) > 1:
        raise InputError(f"One unit is wanted for {' '.join(name)}, {' and '.join(u or 'none' for u in units)} came.")
    return PairedMeasure(
        name=name,
        unit=next(iter(units)),
        stems=tuple(scan.stem for scan in scans),
        measured=_values(measured),
        reference=_values(reference),
        measured_regions=_regions(measured),
        reference_regions=_regions(reference),
    )


def _values(cells: Sequence[_Cell | None]) -> tuple[float, ...]:
    return tuple(math.nan if cell is None else cell.value for cell in cells)


def _regions(cells: Sequence[_Cell | None]) -> tuple[str, ...]:
    # What follows the colon is the region's value in this scan.
    return tuple(sorted({cell.region.partition(":")[0] for cell in cells if cell is not None}))
