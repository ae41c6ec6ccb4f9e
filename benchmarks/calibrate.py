"""The uncertainty above which a scan is flagged: about a quarter of the calibration scans lie above it.

    python benchmarks/calibrate.py --scans SCAN… --anatomies FOLDER

Calibration scans are real scans without labels and simulated scans (T1, with noise, bias, motion and thick slices as
drawn) of
anatomies kept out of training. Prints every score and the 75th percentile, which goes into the task file.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from deepgray.errors import DeepgrayError
from deepgray.evaluate import compare, risk_coverage
from deepgray.pipeline import analyse
from deepgray.read import read, read_mask
from deepgray.simulate.whole_head import MrSettings, prepare, simulate_mr

FLAGGED = 0.25


def main() -> None:
    """Collect scores, print the threshold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", nargs="*", type=Path, default=[])
    parser.add_argument("--anatomies", type=Path, required=True)
    parser.add_argument("--heads", nargs="+", default=["anatomy-05", "anatomy-09", "anatomy-12"])
    parser.add_argument("--count", type=int, default=5)
    chosen = parser.parse_args()
    scores: list[float] = []
    simulated: list[float] = []
    errors: list[float] = []
    for path in chosen.scans:
        score = analyse(read(path)).proposed.score
        scores.append(score)
        print(f"real       {path.name:32s} score {score:.4f}", flush=True)
    for head in chosen.heads:
        labels = read_mask(chosen.anatomies / f"{head}_dseg.nii.gz")
        made = prepare(labels.voxels, labels.affine_ras, name=head)
        for seed in range(100, 100 + chosen.count):
            case = simulate_mr(made, MrSettings(thick_share=0.4), seed=seed)
            try:
                result = analyse(case.scan)
            except DeepgrayError as error:
                print(f"simulated  {case.scan.stem:32s} refused: {error}")
                continue
            dice = [s.dice for s in compare(result.proposed.labels, case.striatum) if s.side == "both"]
            scores.append(result.proposed.score)
            simulated.append(scores[-1])
            errors.append(1 - float(np.mean(dice)))
            print(f"simulated  {case.scan.stem:32s} score {scores[-1]:.4f} error {errors[-1]:.4f}", flush=True)
    curve = risk_coverage(simulated, errors)
    print(f"simulated: Spearman of score and error {curve.spearman:.2f}, error of all {curve.random:.4f}, ", end="")
    print(f"of the surest three quarters {curve.risk_at(0.75):.4f}")
    print(f"review_above = {np.quantile(scores, 1 - FLAGGED):.4f}  ({len(scores)} scans)")


if __name__ == "__main__":
    main()
