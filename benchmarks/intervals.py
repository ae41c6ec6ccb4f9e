"""Intervals of 95 % calibrated and judged on simulated scans: ``python benchmarks/intervals.py TASK ANATOMIES OUT``.

Simulated scans (``interval_scans.py``) are outlined and measured, measured again in plausible masks, and in the true
one: volumes of the true mask, and what the same image holds in it, relative to the same reference region; of a PET with
the true motion. ``OUT/TASK.tsv`` keeps a line a number; scans that are there are not measured again (``--again`` does,
``--redraw`` outlines them anew, too). What is printed is judged on one of the heads 05, 09 and 12, which trained no
network, and learnt on all others, in turn: how many intervals hold the truth, and how wide they are. ``--ship`` writes
the table that is learnt on all heads where the package finds it, for the weights of the outline that are installed.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from interval_scans import HEADS, SCANS, Known, Source

from deepgray import models
from deepgray.measure import Told, levels_of, reference_level, spreads
from deepgray.measure.intervals import Judged, interval, reach_key, reaches_of
from deepgray.measure.spread import numbers_in
from deepgray.measure.volume import VOLUME, VOLUME_PARTIAL
from deepgray.models.intervals import Calibration, Reach, ReachKey, calibration_text
from deepgray.pipeline import reviewed
from deepgray.protocols.row_tables import read_table, write_table
from deepgray.recipe import Options
from deepgray.register import doubts
from deepgray.result import Result
from deepgray.review import accept
from deepgray.scan import Scan
from deepgray.voxels.resample import to_frame

# Fewer numbers of a kind teach too little.
LEAST = 19
# Columns of a table of numbers that are none themselves.
TEXTS = ("case", "head", "quantity", "structure", "side")
SHIPPED = Path(models.__file__).parent / "intervals"


@dataclass(frozen=True)
class Row:
    """One number of one scan, its spread over plausible masks, and the truth."""

    case: str
    head: str
    quantity: str
    structure: str
    side: str
    value: float
    spread: float
    truth: float

    @property
    def key(self) -> ReachKey:
        """What it is calibrated with."""
        return reach_key(self.structure, self.side, self.quantity)

    @property
    def judged(self) -> Judged:
        """Its three numbers."""
        return Judged(self.head, self.value, self.spread, self.truth, trained=self.head not in HEADS)


def rows_of(case: Known) -> Iterator[Row]:
    """Every number of a scan."""
    if case.drawn is None:
        raise ValueError(f"{case.name} is not outlined")
    result = reviewed(case.examination, case.drawn, case.task, decide=accept, options=Options(threads=1))
    levels = levels_of(result.task, case.examination, result.pose, outline=result.outline)
    level = reference_level(result.registered) if result.registered else None
    told = Told(result.task.measures, result.scan, result.pose, levels, result.registered, level)
    if result.registered is not None and doubts(result.registered.registration):
        told = replace(told, beside=None)  # as the pipeline does: no interval tells of a registration that failed
    found = spreads(result.outline, result.parts, told)
    true = _true_numbers(case, result, told)
    for m in result.measurements:
        key = (m.structure, m.side, m.quantity)
        if key in found and key in true:
            yield Row(case.name, case.head, m.quantity, m.structure, m.side, m.value, found[key], true[key])


def _true_numbers(case: Known, result: Result, told: Told) -> dict[tuple[str, str, str], float]:
    grid = case.truths[0].grid
    scan = told.scan
    if scan is not None and grid.shape != scan.grid.shape:  # the truth of a SPECT lies on a finer grid
        voxels = to_frame(scan.voxels, scan.affine_ras, grid, world_from_frame=np.eye(4))
        scan = Scan(voxels, grid.affine_ras, scan.stem, scan.modality, scan.unit)
    beside = result.registered
    if beside is not None and case.registration is not None:
        beside = replace(beside, registration=case.registration)
    true = numbers_in(case.truths, replace(told, scan=scan, beside=beside))
    return true | {(n, s, VOLUME_PARTIAL): v for (n, s, quantity), v in true.items() if quantity == VOLUME}


def learnt(rows: Iterable[Row]) -> dict[ReachKey, Reach]:
    """What rows teach."""
    kinds: dict[ReachKey, list[Judged]] = {}
    for row in rows:
        kinds.setdefault(row.key, []).append(row.judged)
    return reaches_of(kinds)


def judged_by_others(rows: list[Row]) -> Iterator[tuple[Row, float, float]]:
    """Rows with the interval that the other heads teach."""
    for head in HEADS:
        reaches = learnt(r for r in rows if r.head != head)
        for row in rows:
            if row.head == head and row.key in reaches and all(map(math.isfinite, (row.value, row.spread, row.truth))):
                yield row, *interval(row.value, row.spread, reaches[row.key])


def tell(rows: list[Row], *, by_structure: bool) -> None:
    """Coverage, width and error of every quantity."""
    found = list(judged_by_others(rows))
    print("quantity\tstructure\tn\tcovered %\tby head\thalf width\thalf width %\tmedian error %")
    names = {(r.quantity, r.structure if by_structure else "") for r, _, _ in found}
    order = list(dict.fromkeys((r.quantity, r.structure if by_structure else "") for r in rows))
    for quantity, structure in sorted(names, key=order.index):
        own = [f for f in found if f[0].quantity == quantity and structure in ("", f[0].structure)]
        held = [low <= row.truth <= high for row, low, high in own]
        heads = [100 * statistics.mean(h for f, h in zip(own, held, strict=True) if f[0].head == n) for n in HEADS]
        width = statistics.mean((high - low) / 2 for _, low, high in own)
        size = statistics.mean(abs(row.value) for row, _, _ in own)
        error = statistics.median(abs(row.truth - row.value) for row, _, _ in own)
        print(
            f"{quantity}\t{structure or 'all'}\t{len(own)}\t{100 * statistics.mean(held):.1f}"
            f"\t{' '.join(f'{h:.0f}' for h in heads)}\t{width:.3g}\t{100 * width / size:.0f}\t{100 * error / size:.1f}"
        )


def read_rows(table: Path) -> list[Row]:
    """What was measured before."""
    return list(read_table(table, Row, texts=TEXTS, what="numbers")) if table.exists() else []


def ship(task: str, rows: list[Row]) -> Path:
    """Write the table of the task's network."""
    what = models.task(task)
    network = models.load(what.outline_model, threads=1)
    SHIPPED.mkdir(exist_ok=True)
    path = SHIPPED / f"{network.name}.tsv"
    parts = what.subdivide_by if what.subdivide_scheme else ""
    enough = {key: reach for key, reach in learnt(rows).items() if reach.count >= LEAST}
    path.write_text(calibration_text(Calibration(network.weights, parts, enough)), encoding="utf-8")
    return path


def main() -> int:
    """Measure what is missing, print, ship."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=sorted(SCANS))
    parser.add_argument("anatomies", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=36)
    parser.add_argument("--others", type=int, default=12)
    parser.add_argument("--atlas", type=Path, help="label map of the SPL atlas, for half of the dentates")
    parser.add_argument("--again", action="store_true", help="measure all scans again")
    parser.add_argument("--redraw", action="store_true", help="outline all scans again, with the weights of today")
    parser.add_argument("--by-structure", action="store_true")
    parser.add_argument("--ship", action="store_true")
    chosen = parser.parse_args()
    source = Source(chosen.anatomies, chosen.out, chosen.count, chosen.others, atlas=chosen.atlas, redraw=chosen.redraw)
    table = chosen.out / f"{chosen.task}.tsv"
    rows = [] if chosen.again or chosen.redraw else read_rows(table)
    done = {r.case for r in rows}
    for case in SCANS[chosen.task](source, done):
        rows += rows_of(case)
        write_table(table, rows, Row)
        print(f"{chosen.task}: {case.name}", file=sys.stderr)
    tell(rows, by_structure=chosen.by_structure)
    if chosen.ship:
        print(ship(chosen.task, rows), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
