"""How often the suggested category of a simulated DaT SPECT is the stage that it was simulated with.

    python benchmarks/spect_category.py FOLDER... [--networks] [--calibrate]

FOLDER holds what ``deepgray simulate spect`` wrote. Without ``--networks`` the true outlines and the true cerebellum
are measured, so that the limits alone are judged. ``--calibrate`` prints the limits that part these scans best: take
other heads to calibrate than to judge.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from deepgray import models
from deepgray.anatomy import HEMISPHERES, scheme
from deepgray.measure import reference_levels, suggested_category, uptakes
from deepgray.measure.binding import ANTERIOR, POSTERIOR, Uptake, binding_ratio
from deepgray.measure.references import Level
from deepgray.pipeline import analyse
from deepgray.read import read, read_mask
from deepgray.recipe import CategoryLimits
from deepgray.result import Outline, Pose
from deepgray.scan import LabelMap, Scan

STAGES = ("normal", "one-putamen", "both-putamina", "caudates")
STEP = 0.01


@dataclass(frozen=True)
class Case:
    """A scan: its stage, the means in its outline, and its reference."""

    name: str
    stage: int
    found: dict[tuple[str, str], Uptake]
    level: Level


def by_truth(scan: Scan, base: str, pose: np.ndarray) -> tuple[Outline, Pose]:
    """The true outline, and a pose whose coarse map holds the true cerebellum."""
    labels = read_mask(f"{base}_desc-striatum_dseg.nii.gz").voxels.astype(np.int16)
    wanted = scheme("datspect")
    labels[~np.isin(labels, list(wanted.by_label()))] = 0
    regions = read_mask(f"{base}_desc-reference_dseg.nii.gz").voxels.astype(np.int16)
    regions[~np.isin(regions, (23, 24))] = 0
    coarse = LabelMap(regions, scan.affine_ras, scheme("coarse"))
    return Outline(LabelMap(labels, scan.affine_ras, wanted), None, (), "true"), Pose(pose, 1.0, coarse)


def case_of(path: Path, *, networks: bool) -> Case:
    """What is measured in one scan."""
    base = str(path).removesuffix("_spect.nii.gz")
    told = json.loads(Path(f"{base}.json").read_text())
    scan = read(path, modality="spect")
    if networks:
        result = analyse(scan, "datspect")
        outline, pose = result.outline, result.pose
    else:
        outline, pose = by_truth(scan, base, np.array(told["canonical_from_world"]))
    (level,) = reference_levels(models.task("datspect").references[:1], scan, pose, outline=outline)
    return Case(scan.stem, STAGES.index(told["drawn"]["stage"]), uptakes(outline, scan, pose), level)


def category(case: Case, limits: CategoryLimits) -> float:
    """What is suggested."""
    (m,) = suggested_category(case.found, case.level, limits=limits)
    return m.value


def features(case: Case) -> tuple[float, float, float]:
    """What the limits are held against: front, better and worse posterior putamen."""
    sbr = {key: binding_ratio(u.mean, case.level)[0] for key, u in case.found.items()}
    front = [sbr[name, side.value] for name in ("caudate", ANTERIOR) for side in HEMISPHERES]
    worse, better = sorted(sbr[POSTERIOR, side.value] for side in HEMISPHERES)
    return float(np.mean(front)), better, worse


def best_limit(below: np.ndarray, above: np.ndarray) -> float:
    """The middle of the limits with the fewest errors, both groups weighing alike."""
    limits = np.arange(0.0, 3.0, STEP)
    errors = [(below >= limit).mean() + (above < limit).mean() for limit in limits]
    return round(float(np.median(limits[np.isclose(errors, np.min(errors))])), 2)


def calibrated(cases: list[Case]) -> CategoryLimits:
    """The limits that part each stage best from the one before it."""
    stage, values = np.array([c.stage for c in cases]), np.array([features(c) for c in cases])
    front = best_limit(values[stage == 3, 0], values[stage == 2, 0])
    better = best_limit(values[stage == 2, 1], values[stage == 1, 1])
    worse = best_limit(values[stage == 1, 2], values[stage == 0, 2])
    return CategoryLimits(front, better, worse)


def main() -> None:
    """Print the table of stages and categories, and the balanced accuracy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--networks", action="store_true")
    parser.add_argument("--calibrate", action="store_true")
    asked = parser.parse_args()
    paths = sorted(path for folder in asked.folders for path in folder.glob("*_spect.nii.gz"))
    cases = [case_of(path, networks=asked.networks) for path in paths]
    limits = calibrated(cases) if asked.calibrate else models.task("datspect").category
    if limits is None:
        parser.error("the task has no limits")
    print(limits if not asked.calibrate else json.dumps(asdict(limits)))
    table = np.zeros((len(STAGES), len(STAGES)), dtype=int)
    for case in cases:
        value = category(case, limits)
        if np.isfinite(value):
            table[case.stage, int(value)] += 1
        if value != case.stage:
            front, better, worse = features(case)
            print(f"{case.name}: {STAGES[case.stage]}, suggested {value:g}; {front:.2f} {better:.2f} {worse:.2f}")
    recalls = table.diagonal() / np.maximum(table.sum(axis=1), 1)
    for stage, row, recall in zip(STAGES, table, recalls, strict=True):
        print(f"{stage:15} {row}  {recall:.2f}")
    print(f"balanced accuracy {recalls[table.sum(axis=1) > 0].mean():.3f} of {len(cases)} scans")


if __name__ == "__main__":
    main()
