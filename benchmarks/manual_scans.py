"""Real scans with manual labels, zero-shot, through the whole path: Dice, HD95, risk–coverage, worst cases.

    python benchmarks/manual_scans.py SCANS TRUTH --mapping neuromorphometrics -o OUT

SCANS holds ``*_T1w.nii.gz``, TRUTH ``*_dseg.nii.gz`` of the same stems. Results of ``deepgray run`` in OUT are used
again when they are there. The error of a scan is one minus the mean Dice of caudate, putamen and accumbens. With
``--degraded N`` each scan is also run N times after blur along one axis (up to 3 mm), noise (up to 20 % of the mean)
and a bias field, as drawn, for each ``--severity`` so many times as strong: scans of good quality differ too little to
say whether the uncertainty ranks errors. With ``--one-stage FILE`` a network of ``deepgray train striatum-one-stage``
is held against the cascade.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import ndimage

from deepgray import models
from deepgray.anatomy import scheme
from deepgray.cli import main as deepgray
from deepgray.errors import DeepgrayError
from deepgray.evaluate import (
    Cohort,
    FilePair,
    agree,
    compare,
    compare_cohort,
    draw_risk_coverage,
    draw_scores,
    mapping,
    risk_coverage,
    summarise,
    table,
    write_risk_coverage,
    write_scores,
)
from deepgray.evaluate.metrics import dice
from deepgray.locate import locate
from deepgray.models import task
from deepgray.outline import outline
from deepgray.pipeline import analyse
from deepgray.read import read, read_labels, read_mask
from deepgray.scan import LabelMap
from deepgray.subdivide import split_label_map

STRIATUM = ("caudate", "putamen", "accumbens")
PARTS = scheme("striatum12")
GOALS = {"caudate": (0.90, 0.80), "putamen": (0.88, 0.80), "accumbens": (0.71, 0.0)}


def main() -> None:
    """Run, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scans", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--mapping", default="neuromorphometrics")
    parser.add_argument("--degraded", type=int, default=0)
    parser.add_argument("--severity", type=float, nargs="+", default=[1.0])
    parser.add_argument("--one-stage", type=Path, help="network file that gives the subregions at once, to compare")
    parser.add_argument("-o", "--out", type=Path, required=True)
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    scans = sorted(str(p) for p in chosen.scans.glob("*_T1w.nii.gz"))
    code = deepgray(["run", *scans, "-o", str(chosen.out)])
    print(f"deepgray run: exit code {code}, {len(scans)} scans")
    pairs = [
        FilePair(path.name.removesuffix("_dseg.nii.gz"), found[0], path)
        for path in sorted(chosen.truth.glob("*_dseg.nii.gz"))
        if (found := sorted(chosen.out.glob(f"{path.name.removesuffix('_dseg.nii.gz')}*/*_desc-striatum_dseg.nii.gz")))
    ]
    meaning = mapping(chosen.mapping)

    def truth(path: Path) -> LabelMap:
        volume = read_mask(path)
        return meaning.read(volume.voxels, volume.affine_ras)

    cohort = compare_cohort(pairs, read_predicted=lambda p: read_labels(p, scheme("striatum")), read_truth=truth)
    for failure in cohort.failures:
        print("failed:", failure.stem, failure.reason)
    print(table(summarise(cohort)))
    write_scores(cohort, chosen.out / "scores.tsv")
    draw_scores(cohort, chosen.out / "dice.png")
    goals(cohort)
    subregions(pairs, truth)
    if chosen.one_stage:
        against_one_stage(pairs, truth, chosen)
    intervals(cohort, chosen.out)
    uncertainty(cohort, chosen.out)
    if chosen.degraded:
        for severity in chosen.severity:
            degraded(chosen, truth, severity)


def degraded(chosen: argparse.Namespace, truth: Callable[[Path], LabelMap], severity: float) -> None:
    """Risk and coverage on scans made worse at random."""
    random = np.random.default_rng(1)
    scores, errors = [], []
    for path in sorted(chosen.truth.glob("*_dseg.nii.gz")):
        scan = read(chosen.scans / path.name.replace("_dseg", "_T1w"))
        true = truth(path)
        for _ in range(chosen.degraded):
            try:
                result = analyse(replace(scan, voxels=worse(scan.voxels, random, severity)))
            except DeepgrayError as error:
                print(f"  {path.name} refused: {error}")
                continue
            found = {s.structure: s.dice for s in compare(result.proposed.labels, true) if s.side == "both"}
            scores.append(result.proposed.score)
            errors.append(1 - float(np.mean([found[name] for name in STRIATUM])))
    curve = risk_coverage(scores, errors)
    name = f"risk_coverage_degraded-{severity:g}"
    write_risk_coverage(curve, chosen.out / f"{name}.tsv")
    draw_risk_coverage(curve, chosen.out / f"{name}.png", error_title="1 - mean Dice of the kept")
    flagged = sum(s > task("striatum").review_above for s in scores)
    print(
        f"degraded, severity {severity:g}: {len(scores)} scans with errors of {min(errors):.3f} to {max(errors):.3f}, "
        f"{flagged} above the threshold, Spearman {curve.spearman:.2f}"
    )
    for part in (1.0, 0.75, 0.5):
        print(f"degraded, severity {severity:g}: keeping the surest {part:.0%}: mean error {curve.risk_at(part):.4f}")


def worse(voxels: np.ndarray, random: np.random.Generator, severity: float) -> np.ndarray:
    """Blurred along one axis, shaded and noisy; what was zero stays zero."""
    sigma = [0.0, 0.0, 0.0]
    sigma[random.integers(3)] = severity * random.uniform(0, 3.0)
    blurred = ndimage.gaussian_filter(voxels, sigma)
    shading = ndimage.zoom(
        random.normal(0, severity * random.uniform(0, 0.25), (3, 3, 3)), np.array(voxels.shape) / 3, order=1
    )
    noise = random.normal(0, severity * random.uniform(0, 0.2) * voxels[voxels > 0].mean(), voxels.shape)
    return np.where(voxels == 0, 0, np.abs(blurred * np.exp(shading) + noise)).astype(np.float32)


def dice_of(cohort: Cohort, structure: str) -> dict[str, float]:
    """Dice of both sides together, scan by scan."""
    return {r.stem: r.score.dice for r in cohort.rows if r.score.structure == structure and r.score.side == "both"}


def goals(cohort: Cohort) -> None:
    """Mean and worst Dice (left and right together) against the first version's goals."""
    for structure, (mean, worst) in GOALS.items():
        values = dice_of(cohort, structure)
        lowest = min(values, key=values.__getitem__)
        print(
            f"{structure}: Dice {np.mean(list(values.values())):.3f} ± {np.std(list(values.values()), ddof=1):.3f} "
            f"(goal {mean}), worst {values[lowest]:.3f} in {lowest} (goal {worst})"
        )


def divided(pair: FilePair) -> Path:
    """The subregions beside a striatum that was found."""
    return pair.predicted.with_name(pair.predicted.name.replace("striatum", "striatum12"))


def subregions(pairs: list[FilePair], truth: Callable[[Path], LabelMap]) -> None:
    """The 12 subregions against the geometric rule on the manual labels, in the frame of all their deep structures.

    It judges outline, frame and subdivision together on real scans; nobody drew the parts by hand.
    """
    cohort = compare_cohort(
        [replace(pair, predicted=divided(pair)) for pair in pairs],
        read_predicted=lambda p: read_labels(p, PARTS),
        read_truth=lambda p: split_label_map(truth(p)).labels,
    )
    parts: dict[str, list[tuple[float, float]]] = {}
    for row in cohort.rows:
        if row.score.side != "both":
            parts.setdefault(row.score.structure, []).append((row.score.dice, row.score.hd95_mm))
    parts["12 subregions against the rule on manual labels"] = [v for values in parts.values() for v in values]
    for name, values in parts.items():
        overlap, distance_mm = np.array(values).T
        print(f"{name}: Dice {overlap.mean():.3f}, worst {overlap.min():.3f}; HD95 {distance_mm.mean():.2f} mm")


def against_one_stage(pairs: list[FilePair], truth: Callable[[Path], LabelMap], chosen: argparse.Namespace) -> None:
    """The cascade's subregions and whole striatum against those of a network that gives them straight from the scan.

    Both stand in the same pose. The parts' truth follows the rule that divides the cascade, the striatum's no rule.
    """
    model, locator = models.load(str(chosen.one_stage)), models.load(task("striatum").locate_model)
    found: dict[str, list[tuple[float, float]]] = {"cascade": [], "one stage": []}
    for pair in pairs:
        scan, true = read(chosen.scans / f"{pair.stem}_T1w.nii.gz"), split_label_map(truth(pair.truth)).labels
        arms = {
            "cascade": read_labels(divided(pair), PARTS),
            "one stage": outline(scan, locate(scan, locator), model=model, scheme=PARTS).labels,
        }
        for arm, labels in arms.items():
            parts = float(np.mean([s.dice for s in compare(labels, true) if s.side != "both"]))
            found[arm].append((parts, dice(labels.voxels > 0, true.voxels > 0)))
    for number, what in enumerate(("12 subregions", "whole striatum")):
        cascade, one_stage = (np.array(values)[:, number] for values in found.values())
        tests = agree(cascade, one_stage, unit="1")
        print(
            f"{what}: Dice {cascade.mean():.3f} cascade, {one_stage.mean():.3f} one stage, better on "
            f"{(cascade > one_stage).sum()} of {len(cascade)}, p {tests.t.p_value:.2g} (paired t), "
            f"{tests.wilcoxon.p_value:.2g} (Wilcoxon)"
        )


def intervals(cohort: Cohort, out: Path) -> None:
    """How often the interval of a side's volume holds the manual volume, and how the two compare."""
    manual = {(r.stem, r.score.structure, r.score.side): r.score.truth_mm3 for r in cohort.rows}
    told: dict[str, list[tuple[bool, float, float]]] = {}
    for (stem, name, side), true in manual.items():
        with next(out.glob(f"{stem}*/*_measures.tsv")).open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream, delimiter="\t"):
                if (row["structure"], row["side"], row["quantity"]) == (name, side, "volume") and row["lower"]:
                    low, high, value = float(row["lower"]), float(row["upper"]), float(row["value"])
                    told.setdefault(f"{name}, {'both sides' if side == 'both' else 'one side'}", []).append(
                        (low <= true <= high, value / true, (high - low) / 2 / value)
                    )
    for name, rows in told.items():
        held, ratio, half = np.mean(np.array(rows, dtype=float), axis=0)
        print(
            f"{name}: interval holds the manual volume in {held:.0%} of {len(rows)}, volume / manual {ratio:.2f}, "
            f"mean half width {half:.0%}"
        )


def uncertainty(cohort: Cohort, out: Path) -> None:
    """Does the scan's score rank its error?"""
    per_scan = {name: dice_of(cohort, name) for name in STRIATUM}
    stems = sorted(per_scan["caudate"])
    errors = [1 - float(np.mean([per_scan[name][s] for name in STRIATUM])) for s in stems]
    scores, flagged = [], []
    for stem in stems:
        report = json.loads(next(out.glob(f"{stem}*/*.json")).read_text(encoding="utf-8"))["tasks"]["striatum"]
        scores.append(float(report["proposed"]["score"]))
        flagged.append(any(flag.startswith("review") for flag in report["flags"]))
    curve = risk_coverage(scores, errors)
    write_risk_coverage(curve, out / "risk_coverage.tsv")
    draw_risk_coverage(curve, out / "risk_coverage.png", error_title="1 - mean striatal Dice of the kept")
    for part in (1.0, 0.75, 0.5):
        print(f"keeping the surest {part:.0%}: mean error {curve.risk_at(part):.4f}")
    print(
        f"Spearman of score and error {curve.spearman:.2f}; area {curve.aurc:.4f}, above the oracle {curve.excess:.4f}"
    )
    print("flagged for review:", ", ".join(s for s, f in zip(stems, flagged, strict=True) if f) or "none")
    for stem, score, error in sorted(zip(stems, scores, errors, strict=True), key=lambda row: -row[2]):
        print(f"  {stem}\tscore {score:.4f}\terror {error:.4f}")


if __name__ == "__main__":
    main()
