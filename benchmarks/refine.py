"""What one click mends: simulated mistakes on outlines that 'deepgray run' drew, mended by clicks.

A mistake is a ball that is missing from a structure, or sticks out of it, centred on its surface. The outline as it was
drawn is the truth, so that the picture's edges and the truth agree only as far as the network follows them. Each click
goes to the voxel deepest inside what is still wrong. Compared with a ball of a fixed size around the click.

    python benchmarks/refine.py OUT [--mistakes 40]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepgray.serve.desk import Desk
from deepgray.serve.study import Study
from deepgray.voxels.refine import refined
from deepgray.worklist import Worklist

Mask = NDArray[np.bool_]
CLICKS = 3
RADII_MM = (3.0, 6.0)
BALL_MM = 3.0


def ball(shape: tuple[int, ...], centre: NDArray[np.integer], radius_mm: float, spacing: NDArray[np.float64]) -> Mask:
    """Voxels within a distance of one."""
    steps = (np.indices(shape).reshape(3, -1).T - centre) * spacing
    return ((steps**2).sum(axis=1) <= radius_mm**2).reshape(shape)


def by_ball(
    image: NDArray[np.float32],
    mask: Mask,
    click: tuple[int, int, int],
    *,
    inside: bool,
    spacing_mm: NDArray[np.float64],
) -> Mask:
    """The comparator: a ball around the click, whatever the picture shows."""
    del image
    around = ball(mask.shape, np.array(click), BALL_MM, spacing_mm)
    return mask | around if inside else mask & ~around


WAYS: dict[str, Callable[..., Mask]] = {"random walk": refined, "ball of 3 mm": by_ball}


def dice(one: Mask, other: Mask) -> float:
    """Overlap."""
    return 2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other))


def deepest(wrong: Mask, spacing: NDArray[np.float64]) -> tuple[int, int, int]:
    """The voxel farthest inside."""
    depth = ndimage.distance_transform_edt(np.pad(wrong, 1), sampling=spacing)[1:-1, 1:-1, 1:-1]
    x, y, z = np.unravel_index(int(depth.argmax()), wrong.shape)
    return int(x), int(y), int(z)


def mistakes(study: Study, count: int, chance: np.random.Generator) -> list[tuple[Mask, Mask]]:
    """Truth and mistaken outline."""
    labels, spacing, made = study.window.view(study.proposed.voxels), study.window.grid.spacing_mm, []
    for _ in range(count):
        structure = chance.choice([s.label for s in study.proposed.scheme.structures])
        truth = labels == structure
        surface = np.argwhere(truth & ~ndimage.binary_erosion(truth))
        hit = ball(truth.shape, surface[chance.integers(len(surface))], chance.uniform(*RADII_MM), spacing)
        wrong = truth & ~hit if chance.random() < 0.5 else truth | (hit & (labels == 0))
        if wrong.any() and (wrong ^ truth).sum() > 20:
            made.append((truth, wrong))
    return made


def main() -> None:
    """Make mistakes, click, print Dice and the share of the mistake that is left."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mistakes", type=int, default=40)
    settings = parser.parse_args()
    left: dict[tuple[str, int], list[float]] = {}
    dices: dict[tuple[str, int], list[float]] = {}
    seconds, chance = [], np.random.default_rng(1)
    with Worklist.of(settings.folder) as works:
        desk = Desk(works)
        entries = desk.entries()
        for entry in entries:
            study = desk.study(entry.request.stem, entry.request.task)
            for truth, wrong in mistakes(study, settings.mistakes // len(entries), chance):
                free = truth | (study.window.view(study.proposed.voxels) == 0)  # other structures are left alone
                for name, way in WAYS.items():
                    mask = wrong
                    for click in range(CLICKS + 1):
                        error = mask ^ truth
                        left.setdefault((name, click), []).append(error.sum() / (wrong ^ truth).sum())
                        dices.setdefault((name, click), []).append(dice(mask, truth))
                        if not error.any() or click == CLICKS:
                            continue
                        missing, extra = truth & ~mask, mask & ~truth
                        inside = missing.sum() >= extra.sum()
                        place = deepest(missing if inside else extra, study.window.grid.spacing_mm)
                        start = time.process_time()
                        after = way(study.image, mask, place, inside=inside, spacing_mm=study.window.grid.spacing_mm)
                        mask = after & (mask | free)
                        if name == "random walk":
                            seconds.append(time.process_time() - start)
        desk.close()
    for (name, click), values in left.items():
        told = f"Dice {np.mean(dices[name, click]):.4f}, of the mistake left {100 * np.mean(values):.0f} %"
        print(f"{name}, {click} clicks: {told} (median {100 * np.median(values):.0f} %, n {len(values)})")
    print(f"a click takes {np.median(seconds):.2f} s of one core, at most {np.max(seconds):.2f} s")


if __name__ == "__main__":
    main()
