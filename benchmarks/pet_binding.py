"""BPnd of twelve subregions by deepgray beside the truth: ``python benchmarks/pet_binding.py ANATOMIES OUT``.

Simulated pairs of heads kept out of training (``pet_pairs.py``). The T1 goes through the whole line (locate, outline,
subdivide), the PET is measured with the known motion, and again with the motion that registration finds. Beside each
number stands the one that the same PET gives within the true labels: ``same reference`` is told relative to deepgray's
own reference region, so that only the outline counts; ``all`` is told relative to the true activity of the reference.
Nothing is corrected for partial volume. One line a pair and subregion is added to ``binding.tsv``; pairs that are there
are not measured again. The exit code is 1 when the mean bias of a subregion exceeds 3 % with the same reference.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from pet_pairs import Pair, pairs

from deepgray.anatomy import scheme
from deepgray.measure.tracer import reference_level, registered, values_at
from deepgray.pipeline import analyse_head, find_head
from deepgray.read import read_labels
from deepgray.recipe import Options
from deepgray.result import Examination, Registered, Registration, Tracer
from deepgray.scan import LabelMap
from deepgray.space import apply_affine, inverse

LIMIT_PERCENT = 3.0
COLUMNS = ("pair", "tracer", "stage", "fwhm_mm", "structure", "side", "bpnd", "registered", "truth", "activity")
PARTS = scheme("striatum12")


def measured(pair: Pair, threads: int) -> list[dict[str, str]]:
    """Lines of the table for one pair."""
    pet = replace(pair.pet, unit="Bq/mL")
    head = find_head(Examination(pair.mr, tracer=Tracer(pet)), "striatum", options=Options(threads=threads))
    result = analyse_head(head, "striatum", options=Options(threads=threads))
    given = result.registered
    if result.parts is None or given is None:
        raise RuntimeError("subregions and a registered PET are wanted")
    known = registered(pair.mr, result.pose, given.tracer, Registration(pair.mr_from_pet, float("nan"), 1.0))
    truth = read_labels(f"{pair.base}_desc-striatum12_dseg.nii.gz", PARTS)
    told = pair.truth
    activity = {(name, side): value for name, side, value, _ in told["means"]}  # type: ignore[attr-defined]
    drawn = told["drawn"]
    of_line, of_found, of_truth = (
        bpnd(result.parts.labels, known),
        bpnd(result.parts.labels, given),
        bpnd(truth, known, level=reference_level(known).mean),
    )
    rows = []
    for s in PARTS.structures:
        true = activity[s.name, str(s.side)] / activity["cerebellar cortex", "both"] - 1
        numbers = [f"{v:.5f}" for v in (of_line[s.key], of_found[s.key], of_truth[s.key], true)]
        first = (str(pair.number), drawn["tracer"], drawn["stage"], f"{drawn['fwhm_mm']:.2f}", s.name, str(s.side))
        rows.append(dict(zip(COLUMNS, (*first, *numbers), strict=True)))
    return rows


def bpnd(labels: LabelMap, given: Registered, *, level: float | None = None) -> dict[str, float]:
    """BPnd of every subregion of a label map."""
    level = reference_level(given).mean if level is None else level
    back = inverse(given.registration.scan_from_tracer)
    out = {}
    for s in labels.scheme.structures:
        points = apply_affine(labels.affine_ras, np.argwhere(labels.mask(s)))
        out[s.key] = (
            float(np.nanmean(values_at(given.tracer.scan, back, points))) / level - 1 if len(points) else np.nan
        )
    return out


def told(rows: list[dict[str, str]]) -> bool:
    """Print biases; whether all keep the limit."""
    print(
        "subregion\tn\tbias, known motion %\tSD\tbias, registered %\tSD\tboth with the true labels: share of activity"
    )
    worst = 0.0
    for name in dict.fromkeys(s.name for s in PARTS.structures):
        own = [r for r in rows if r["structure"] == name]
        known, found = (
            [100 * (float(r[column]) / float(r["truth"]) - 1) for r in own] for column in ("bpnd", "registered")
        )
        share = statistics.mean(float(r["truth"]) / float(r["activity"]) for r in own)
        print(
            f"{name}\t{len(own)}\t{statistics.mean(known):+.1f}\t{statistics.pstdev(known):.1f}"
            f"\t{statistics.mean(found):+.1f}\t{statistics.pstdev(found):.1f}\t{share:.2f}"
        )
        worst = max(worst, abs(statistics.mean(known)))
    every = [100 * (float(r["bpnd"]) / float(r["truth"]) - 1) for r in rows]
    print(f"all\t{len(every)}\t{statistics.mean(every):+.1f}\t{statistics.pstdev(every):.1f}")
    return worst <= LIMIT_PERCENT


def main() -> int:
    """Measure all pairs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("anatomies", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--threads", type=int, default=2)
    settings = parser.parse_args()
    settings.out.mkdir(parents=True, exist_ok=True)
    table = settings.out / "binding.tsv"
    rows = list(csv.DictReader(table.open(), delimiter="\t")) if table.exists() else []
    done = {r["pair"] for r in rows}
    for pair in pairs(settings.anatomies, settings.out / "pairs", settings.count):
        if str(pair.number) in done:
            continue
        rows += measured(pair, settings.threads)
        with table.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, COLUMNS, delimiter="\t", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        print(f"pair {pair.number}", file=sys.stderr)
    return 0 if told(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
