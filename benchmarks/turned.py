"""The same scan turned, flipped and permuted: does the answer follow?

    python benchmarks/turned.py SCAN

1. The head is turned about each world axis by 0–180° in steps of 20°, in its header (exact: no voxel is interpolated)
   and, with ``--resample``, by interpolation onto an upright grid. Dice of caudate + putamen with the upright answer
   brought along.
2. Arrays are permuted and flipped with their header: the label map must lie on the input grid and, brought back, agree.
"""

from __future__ import annotations

import argparse
import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import ndimage
from scipy.spatial.transform import Rotation

from deepgray.pipeline import analyse
from deepgray.read import read
from deepgray.scan import LabelMap, Scan
from deepgray.space import reordered_grid

STEPS_DEGREES = range(0, 181, 20)
WANTED = ("caudate", "putamen")


def main() -> None:
    """Turn, permute, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scan", type=Path)
    parser.add_argument("--resample", action="store_true", help="turn the voxels too, by linear interpolation")
    parser.add_argument("--step", type=int, default=20)
    chosen = parser.parse_args()
    scan = read(chosen.scan)
    upright = analyse(scan).outline.labels
    lowest = []
    for axis in "xyz":
        for angle in range(0, 181, chosen.step):
            turned, wanted = (resampled if chosen.resample else in_header)(scan, upright, (axis, angle))
            lowest.append((attempt(turned, wanted), axis, angle))
            print(f"{axis} {angle:3d}°  Dice {lowest[-1][0]:.4f}", flush=True)
    print(f"lowest: {min(lowest)} (goal .93, aim .97)")
    permuted(scan, upright)


def attempt(turned: Scan, wanted: LabelMap) -> float:
    """Dice of caudate + putamen, sides kept apart; 0 where nothing was found."""
    try:
        found = analyse(turned).outline.labels
    except Exception as error:  # a refusal is a figure here
        print("   refused:", error)
        return 0.0
    keys = [s for s in wanted.scheme.structures if s.name in WANTED]
    both = sum(int((found.mask(s) & wanted.mask(s)).sum()) for s in keys)
    return 2 * both / sum(int(found.mask(s).sum()) + int(wanted.mask(s).sum()) for s in keys)


def rotation_about_middle(scan: Scan, turn: tuple[str, int]) -> np.ndarray:
    """World rotation about the middle of the scan, 4 × 4."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler(turn[0], turn[1], degrees=True).as_matrix()
    middle = scan.affine_ras[:3, :3] @ ((np.array(scan.voxels.shape) - 1) / 2) + scan.affine_ras[:3, 3]
    matrix[:3, 3] = middle - matrix[:3, :3] @ middle
    return matrix


def in_header(scan: Scan, upright: LabelMap, turn: tuple[str, int]) -> tuple[Scan, LabelMap]:
    """The same voxels with a turned affine."""
    affine = rotation_about_middle(scan, turn) @ scan.affine_ras
    return replace(scan, affine_ras=affine), LabelMap(upright.voxels, affine, upright.scheme)


def resampled(scan: Scan, upright: LabelMap, turn: tuple[str, int]) -> tuple[Scan, LabelMap]:
    """The turned head on an upright grid of 1 mm that is large enough."""
    world = rotation_about_middle(scan, turn)
    corners = np.array(list(itertools.product(*[(0, n - 1) for n in scan.voxels.shape])))
    places = np.c_[corners, np.ones(8)] @ (world @ scan.affine_ras).T
    low, high = places[:, :3].min(0), places[:, :3].max(0)
    affine = np.eye(4)
    affine[:3, 3] = low
    shape = tuple(int(n) for n in np.ceil(high - low) + 1)
    index = np.linalg.inv(world @ scan.affine_ras) @ affine
    voxels = ndimage.affine_transform(scan.voxels, index[:3, :3], index[:3, 3], output_shape=shape, order=1)
    labels = ndimage.affine_transform(upright.voxels, index[:3, :3], index[:3, 3], output_shape=shape, order=0)
    return Scan(voxels.astype(np.float32), affine, scan.stem), LabelMap(labels, affine, upright.scheme)


def permuted(scan: Scan, upright: LabelMap) -> None:
    """Every order of the axes with eight patterns of flips."""
    same, grids, voxels = 0, 0, []
    orders = list(itertools.permutations(range(3)))
    cases = [(o, f) for o in orders for f in itertools.product((False, True), repeat=3)]
    for order, flips in cases:
        axes = [a for a in range(3) if flips[a]]
        array = np.ascontiguousarray(np.flip(scan.voxels.transpose(order), axes))
        grid = reordered_grid(scan.grid, order, flips)
        found = analyse(Scan(array, grid.affine_ras, scan.stem)).outline.labels
        wanted = np.flip(upright.voxels.transpose(order), axes)
        grids += found.voxels.shape == array.shape and np.array_equal(found.affine_ras, grid.affine_ras)
        voxels.append(int((found.voxels != wanted).sum()))
        same += voxels[-1] == 0
    print(
        f"{len(cases)} orders and flips of the axes: output grid is the input grid in {grids}; labels equal voxel by "
    )
    print(f"voxel in {same}, at most {max(voxels)} voxels differ of {int((upright.voxels > 0).sum())}")
    flipped = Scan(np.ascontiguousarray(scan.voxels[::-1]), scan.affine_ras, scan.stem)
    found = analyse(flipped).outline.labels
    sides = {s.side: [] for s in upright.scheme.structures}
    for s in upright.scheme.structures:
        index = np.argwhere(found.mask(s)).mean(0)
        sides[s.side].append(float((scan.affine_ras[:3, :3] @ index + scan.affine_ras[:3, 3])[0]))
    left, right = np.mean(sides["left"]), np.mean(sides["right"])
    print(f"array flipped without its header (a mirrored person): x of left {left:.1f} mm, of right {right:.1f} mm")


if __name__ == "__main__":
    main()
