"""How fast the scores are, beside a peer, in one run: ``python benchmarks/metrics.py``.

Eight structures (left and right caudate, putamen, accumbens, pallidum; eggs of about their sizes) on a map of 256³
voxels; the prediction is shifted by a voxel and roughened. Best of three runs each. Ours is ``evaluate.compare``: Dice,
HD95, ASSD, surface Dice and RVD per side and of both sides together. The peers compute less, as their lines say:
scipy's distance transforms, and MONAI (where it is installed) on each structure's box and on the whole map, as it is
mostly called. Peers' surfaces are border voxels without areas, so their figures differ a little: see the last line.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable

import numpy as np
from scipy import ndimage

from deepgray.anatomy import scheme
from deepgray.evaluate import compare
from deepgray.scan import LabelMap
from deepgray.voxels.crop import occupied

try:
    import torch
    from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance, compute_surface_dice
except ImportError:  # the peer's lines are left out
    torch = None

SIZE = 256
REPEATS = 3
# Distance of the centre from the middle (right; mirrored for the left) and half axes, in voxels of 1 mm.
EGGS = {
    "caudate": ((14, 10, 12), (5, 14, 13)),
    "putamen": ((27, 2, 0), (6, 17, 11)),
    "accumbens": ((9, 16, -8), (4, 5, 5)),
    "pallidum": ((19, -2, -2), (4, 10, 8)),
}


def heads() -> tuple[LabelMap, LabelMap]:
    """A truth and a prediction."""
    of = scheme("striatum")
    truth = np.zeros((SIZE,) * 3, dtype=np.int16)
    index = np.ogrid[:SIZE, :SIZE, :SIZE]
    for s in of.structures:
        centre, half = EGGS[s.name]
        sign = -1 if s.side == "left" else 1
        place = (SIZE / 2 + sign * centre[0], SIZE / 2 + centre[1], SIZE / 2 + centre[2])
        truth[sum(((i - p) / h) ** 2 for i, p, h in zip(index, place, half, strict=True)) <= 1] = s.label
    predicted = np.roll(truth, 1, axis=1)
    border = (predicted > 0) & ~ndimage.binary_erosion(predicted > 0)
    predicted[border & (np.random.default_rng(1).random(truth.shape, dtype=np.float32) < 0.3)] = 0
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    return LabelMap(predicted, affine, of), LabelMap(truth, affine, of)


def best_seconds(work: Callable[[], object]) -> float:
    """The shortest of three runs."""
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def scipy_scores(predicted: LabelMap, truth: LabelMap) -> list[float]:
    """HD95 between border voxels from distance transforms of each structure's box, without areas."""
    results = []
    for s in truth.scheme.structures:
        masks = predicted.mask(s), truth.mask(s)
        box = occupied(masks[0] | masks[1])
        borders = [m[box] & ~ndimage.binary_erosion(m[box]) for m in masks]
        there, back = (ndimage.distance_transform_edt(~b) for b in borders)
        results.append(float(np.percentile(np.concatenate([back[borders[0]], there[borders[1]]]), 95)))
    return results


def monai_scores(predicted: LabelMap, truth: LabelMap, *, crop: bool) -> list[float]:
    """HD95 of each structure by MONAI; ASSD and surface Dice at 1 mm are computed as well."""
    results = []
    for s in truth.scheme.structures:
        masks = predicted.mask(s), truth.mask(s)
        box = (occupied(masks[0] | masks[1]) if crop else None) or (slice(None),) * 3
        a, b = (torch.from_numpy(np.ascontiguousarray(m[box]))[None, None].float() for m in masks)
        results.append(float(compute_hausdorff_distance(a, b, include_background=True, percentile=95)))
        compute_average_surface_distance(a, b, include_background=True, symmetric=True)
        compute_surface_dice(a, b, [1.0], include_background=True)
    return results


def peers(predicted: LabelMap, truth: LabelMap) -> dict[str, Callable[[], list[float]]]:
    """What each peer does, and how it is called. Each returns the HD95 of the eight structures."""
    found: dict[str, Callable[[], list[float]]] = {
        "scipy, each structure's box, HD95 alone": lambda: scipy_scores(predicted, truth),
    }
    if torch is not None:
        measures = "HD95 + ASSD + surface Dice"
        found[f"MONAI, each structure's box, {measures}"] = lambda: monai_scores(predicted, truth, crop=True)
        found[f"MONAI, whole map, {measures}"] = lambda: monai_scores(predicted, truth, crop=False)
    return found


def main() -> None:
    """Print seconds and ratios."""
    predicted, truth = heads()
    ours = best_seconds(lambda: compare(predicted, truth))
    print(f"deepgray compare, 8 structures and 4 of both sides, 5 measures: {ours:.3f} s")
    tracemalloc.start()
    scores = compare(predicted, truth)
    print(f"  memory beyond the two maps: {tracemalloc.get_traced_memory()[1] / 2**20:.1f} MiB")
    tracemalloc.stop()
    hd95_mm = {"deepgray": np.mean([score.hd95_mm for score in scores if score.side != "both"])}
    for name, work in peers(predicted, truth).items():
        seconds = best_seconds(work)
        print(f"{name}: {seconds:.3f} s, {seconds / ours:.1f} × ours")
        hd95_mm[name.split(",")[0]] = np.mean(work())
    print("mean HD95: " + ", ".join(f"{name} {value:.3f} mm" for name, value in hd95_mm.items()))


if __name__ == "__main__":
    main()
