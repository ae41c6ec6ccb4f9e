"""How far inside the half-way intensity manual borders lie: the same outlines on real scans and on simulated ones.

    python benchmarks/margin.py SCANS TRUTH ANATOMIES --margins 0 0.25 0.5 0.75

SCANS holds ``*_T1w.nii.gz``, TRUTH ``*_dseg.nii.gz`` of the same stems. An outline that was never told of the raters is
as much larger than their labels as it is larger than simulated labels whose nuclei are seen beyond them by the raters'
margin. Prints volume over true volume: of the real scans, and of simulated T1s of anatomies kept out of training for
each margin; the same seeds, so that nothing else differs. ``--border-logit`` draws borders elsewhere than the network
ships with.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from deepgray import models
from deepgray.anatomy import scheme
from deepgray.evaluate import mapping
from deepgray.locate import locate
from deepgray.models import Model, task
from deepgray.outline import outline
from deepgray.read import read, read_mask
from deepgray.scan import LabelMap, Scan
from deepgray.simulate.whole_head import MrSettings, prepare, simulate_mr

NAMES = ("caudate", "putamen", "accumbens", "pallidum")


def main() -> None:
    """Outline, compare volumes, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scans", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("anatomies", type=Path)
    parser.add_argument("--heads", nargs="+", default=["anatomy-05", "anatomy-09", "anatomy-12"])
    parser.add_argument("--count", type=int, default=3, help="simulated scans of each head")
    parser.add_argument("--margins", nargs="+", type=float, default=[0.0, 0.25, 0.5, 0.75])
    parser.add_argument("--mapping", default="neuromorphometrics")
    parser.add_argument("--border-logit", type=float)
    chosen = parser.parse_args()
    model = models.load(task("striatum").outline_model)
    if chosen.border_logit is not None:
        model = replace(model, recipe=replace(model.recipe, border_logit=chosen.border_logit))
    meaning = mapping(chosen.mapping)
    real = []
    for path in sorted(chosen.truth.glob("*_dseg.nii.gz")):
        volume = read_mask(path)
        scan = read(chosen.scans / path.name.replace("_dseg", "_T1w"))
        real.append(ratios(scan, meaning.read(volume.voxels, volume.affine_ras), model))
    print(f"border logit {model.recipe.border_logit:g}; volume over true volume: {', '.join(NAMES)}")
    told(f"{len(real)} real scans", real)
    heads = []
    for name in chosen.heads:
        labels = read_mask(chosen.anatomies / f"{name}_dseg.nii.gz")
        heads.append(prepare(labels.voxels, labels.affine_ras, name=name))
    for margin_mm in chosen.margins:
        made = [
            simulate_mr(head, MrSettings(margin_mm=margin_mm), seed=seed)
            for head in heads
            for seed in range(1, chosen.count + 1)
        ]
        told(f"{len(made)} simulated, margin {margin_mm:g} mm", [ratios(m.scan, m.striatum, model) for m in made])


def ratios(scan: Scan, true: LabelMap, model: Model) -> list[float]:
    """Volume over true volume of each structure, both sides together."""
    what = task("striatum")
    pose = locate(scan, models.load(what.locate_model))
    found = outline(scan, pose, model=model, scheme=scheme(what.scheme)).labels
    return [volume_mm3(found, name) / volume_mm3(true, name) for name in NAMES]


def volume_mm3(labels: LabelMap, name: str) -> float:
    """Of both sides of a structure."""
    numbers = [s.label for s in labels.scheme.structures if s.name == name]
    return float(np.isin(labels.voxels, numbers).sum()) * labels.grid.voxel_volume_mm3


def told(what: str, rows: list[list[float]]) -> None:
    """One line: mean and standard deviation of each structure."""
    mean, deviation = np.mean(rows, axis=0), np.std(rows, axis=0, ddof=1)
    print(f"{what}: " + ", ".join(f"{m:.2f} ± {d:.2f}" for m, d in zip(mean, deviation, strict=True)), flush=True)


if __name__ == "__main__":
    main()
