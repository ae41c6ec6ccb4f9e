"""The 12 subregions on simulated T1 scans of anatomies kept out of training: the network against the geometric rule.

    python benchmarks/subregions.py ANATOMIES --heads anatomy-05 anatomy-09 anatomy-12 --scans 3

The whole path runs on each scan. The truth is the definition: the geometric rule on the scan's own true label map, in
the frame of all its deep structures. ``--bent`` takes the twelve parts that lie beside the label map instead, carried
through the simulated deformation, planes and all.
The last rows give every way the true striatum, so that only the subdivision is judged.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from deepgray import models
from deepgray.anatomy import scheme
from deepgray.cli.whole_heads import prepared_head
from deepgray.evaluate import compare
from deepgray.pipeline import analyse
from deepgray.result import Outline
from deepgray.scan import LabelMap
from deepgray.simulate.whole_head import MrSettings, SimulatedScan, simulate_mr
from deepgray.subdivide import by_network, by_rule

WAYS = ("network", "rule", "network in the true striatum", "rule in the true striatum")


def main() -> None:
    """Simulate, run, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("anatomies", type=Path)
    parser.add_argument("--heads", nargs="+", default=["anatomy-05", "anatomy-09", "anatomy-12"])
    parser.add_argument("--scans", type=int, default=3)
    parser.add_argument("--bent", action="store_true", help="judge by parts that bend with the head")
    chosen = parser.parse_args()
    rows: dict[str, list[tuple[str, str, float, float]]] = {way: [] for way in WAYS}
    whole: list[tuple[str, float]] = []
    for head in chosen.heads:
        parts = chosen.anatomies / f"{head}_striatum12.nii.gz" if chosen.bent else None
        made = prepared_head(chosen.anatomies / f"{head}_dseg.nii.gz", parts)
        for seed in range(1, chosen.scans + 1):
            case = simulate_mr(made, MrSettings(), seed=seed)
            for way, labelled in divided(case, whole).items():
                for s in compare(labelled, case.parts):
                    rows[way].append((case.scan.stem, f"{s.structure}|{s.side}", s.dice, s.hd95_mm))
            print(f"{case.scan.stem}: " + ", ".join(f"{w} {mean_of(rows[w], case.scan.stem):.3f}" for w in WAYS))
    for name in ("caudate", "putamen", "accumbens", "pallidum"):
        values = [d for n, d in whole if n == name]
        print(f"outline of the {name}: Dice {np.mean(values):.3f} ± {np.std(values):.3f}, worst {min(values):.3f}")
    report(rows)


def divided(case: SimulatedScan, whole: list[tuple[str, float]]) -> dict[str, LabelMap]:
    """Label maps of the four ways; the outline's own Dice goes into ``whole``."""
    result = analyse(case.scan, "striatum")
    whole += [(s.structure, s.dice) for s in compare(result.outline.labels, case.striatum) if s.side == "both"]
    model = models.load("striatum-subdivide")
    true = Outline(case.striatum, None, (), "truth")
    drawn = replace(result.outline)
    ways = (
        by_network(case.scan, drawn, result.pose, model=model),
        by_rule(drawn, result.pose),
        by_network(case.scan, true, result.pose, model=model),
        by_rule(true, result.pose),
    )
    return {way: outline.labels for way, outline in zip(WAYS, ways, strict=True)}


def mean_of(rows: list[tuple[str, str, float, float]], stem: str) -> float:
    """Mean Dice of the twelve parts of one scan."""
    return float(np.mean([d for s, name, d, _ in rows if s == stem and not name.endswith("|both")]))


def report(rows: dict[str, list[tuple[str, str, float, float]]]) -> None:
    """A line per way and part, and the means that the goals speak of."""
    for way, lines in rows.items():
        sided = [line for line in lines if not line[1].endswith("|both")]
        dice, distance = [line[2] for line in sided], [line[3] for line in sided]
        print(
            f"{way}: mean Dice {np.mean(dice):.3f} (goal .85, aim .90), "
            f"HD95 {np.mean(distance):.2f} mm (goal 2, aim 1.2)"
        )
        for name in [s.name for s in scheme("striatum12").structures[:6]]:
            of = [line for line in sided if line[1].split("|")[0] == name]
            values = [line[2] for line in of]
            print(
                f"    {name:18s} Dice {np.mean(values):.3f} ± {np.std(values):.3f}, worst {min(values):.3f}; "
                f"HD95 {np.mean([line[3] for line in of]):.2f} mm"
            )


if __name__ == "__main__":
    main()
