"""Simulated susceptibility maps tilted: does the overlap with the true nuclei fall?

    deepgray simulate qsm ANATOMY_dseg.nii.gz -o MAPS
    python benchmarks/tilted_maps.py MAPS/*_Chimap.nii.gz

Each map is turned about each axis by up to 40°, in its header: no voxel is interpolated, the true labels turn with it.
With ``--resample`` the voxels are interpolated onto an upright grid of the same voxel size instead, and the labels take
the nearest; the upright map then goes through the same interpolation, by half a voxel. Both tasks run, pose and all.
"""

from __future__ import annotations

import argparse
import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import ndimage
from turned import rotation_about_middle

from deepgray.anatomy import scheme
from deepgray.errors import DeepgrayError
from deepgray.evaluate import compare
from deepgray.pipeline import analyse_head, find_head
from deepgray.read import read, read_labels
from deepgray.result import Examination
from deepgray.scan import LabelMap, Scan

TASKS = {"dentate": "dentate2", "midbrain": "midbrain6"}
ANGLES = (-40, -20, 20, 40)


def main() -> None:
    """Tilt, run, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("maps", nargs="+", type=Path)
    parser.add_argument("--angles", nargs="+", type=int, default=list(ANGLES))
    parser.add_argument("--resample", action="store_true", help="turn the voxels too, by linear interpolation")
    chosen = parser.parse_args()
    turns = [("z", 0), *itertools.product("xyz", chosen.angles)]
    found: dict[tuple[str, int], dict[str, list[float]]] = {turn: {} for turn in turns}
    for path in (p for p in chosen.maps if "_desc-" not in p.name):  # not the true susceptibility beside each map
        scan, truth = read(path, modality="qsm"), truths(path)
        for turn in turns:
            for name, values in judged(*(resampled if chosen.resample else in_header)(scan, truth, turn)).items():
                found[turn].setdefault(name, []).extend(values)
            means = {name: np.mean(v[-2:]) for name, v in found[turn].items()}
            print(path.name, *turn, ", ".join(f"{n} {m:.3f}" for n, m in means.items()), flush=True)
    upright = found[turns[0]]
    print("mean Dice, and its drop against the upright map (goal at most .02, aim .01)")
    for turn in turns:
        both = [f"{n} {np.mean(v):.3f} ({np.mean(upright[n]) - np.mean(v):+.3f})" for n, v in found[turn].items()]
        print(f"{turn[0]} {turn[1]:+d}°: {', '.join(both)}")
    for name in upright:
        drop = max(np.mean(upright[name]) - np.mean(found[turn][name]) for turn in turns)
        print(f"{name}: largest drop {drop:.3f}")


def truths(path: Path) -> dict[str, LabelMap]:
    """The true label maps beside a simulated map."""
    base = str(path).removesuffix("_Chimap.nii.gz")
    return {task: read_labels(Path(f"{base}_desc-{task}_dseg.nii.gz"), scheme(name)) for task, name in TASKS.items()}


def judged(turned: Scan, carried: dict[str, LabelMap]) -> dict[str, list[float]]:
    """Dice of each structure, left and right; 0 where the path refused."""
    dice: dict[str, list[float]] = {}
    for task, labels in carried.items():
        try:
            head = find_head(Examination(turned), task)
            found = analyse_head(head, task).outline.labels
        except DeepgrayError as error:  # a refusal is a figure here
            print("   refused:", error)
            found = LabelMap(np.zeros_like(labels.voxels), labels.affine_ras, labels.scheme)
        for score in compare(found, labels):
            if score.side != "both":
                dice.setdefault(score.structure, []).append(score.dice)
    return dice


def in_header(scan: Scan, truth: dict[str, LabelMap], turn: tuple[str, int]) -> tuple[Scan, dict[str, LabelMap]]:
    """The same voxels with a turned affine."""
    affine = rotation_about_middle(scan, turn) @ scan.affine_ras
    return replace(scan, affine_ras=affine), {t: replace(labels, affine_ras=affine) for t, labels in truth.items()}


def resampled(scan: Scan, truth: dict[str, LabelMap], turn: tuple[str, int]) -> tuple[Scan, dict[str, LabelMap]]:
    """The turned head on an upright grid that holds all of it."""
    affine, world = scan.affine_ras, rotation_about_middle(scan, turn)
    corners = np.array(list(itertools.product(*[(0, n - 1) for n in scan.voxels.shape])))
    places = (np.c_[corners, np.ones(8)] @ (world @ affine).T)[:, :3]
    spacing = scan.grid.spacing_mm
    target = np.diag([*spacing, 1.0])
    target[:3, 3] = places.min(axis=0) + 0.5 * spacing
    shape = tuple(int(n) for n in np.ceil(np.ptp(places, axis=0) / spacing))
    index = np.linalg.inv(world @ affine) @ target
    chi = ndimage.affine_transform(scan.voxels, index[:3, :3], index[:3, 3], output_shape=shape, order=1)
    known = ndimage.affine_transform(
        (scan.voxels != 0).astype(np.float32), index[:3, :3], index[:3, 3], output_shape=shape, order=1
    )
    chi[known < 0.5] = 0
    carried = {}
    for task, labels in truth.items():
        moved = ndimage.affine_transform(labels.voxels, index[:3, :3], index[:3, 3], output_shape=shape, order=0)
        carried[task] = LabelMap(moved, target, labels.scheme)
    return Scan(chi.astype(np.float32), target, scan.stem, "qsm", "ppm"), carried


if __name__ == "__main__":
    main()
