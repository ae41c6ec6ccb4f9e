"""Simulated healthy DaT SPECT beside a real mean: ``python benchmarks/spect_appearance.py ANATOMIES MEAN -o OUT``.

ANATOMIES is a folder of label maps (``*_dseg.nii.gz``), MEAN the mean image of healthy people in MNI space, masked to
the brain. Simulated people are brought to that space by position of the commissures and size of the brain, and
averaged. Printed: ratios to the occipital cortex in boxes of MNI space. Drawn: slices of both (OUT, a png), the profile
through both striata (``…_profile.png``), one person of each stage (``…_stages.png``).
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import ndimage

from deepgray.read import read, read_mask
from deepgray.scan import Scan
from deepgray.simulate.tissues import TISSUES
from deepgray.simulate.uptake import STAGES
from deepgray.simulate.whole_head import WholeHead, prepare
from deepgray.simulate.whole_head_spect import SpectSettings, simulate_spect
from deepgray.space import Affine, apply_affine, inverse

# Shapes as they are: the way to MNI space is then known.
SETTINGS = SpectSettings(stage="normal", displacement_mm=0.0, zoom=0.0, tilt_degrees=8.0)
# Commissures in MNI space (mm), and how far the brain of the mean image reaches from the anterior one.
ANTERIOR_MM, POSTERIOR_MM = np.array([0.0, 1.3, -5.0]), np.array([0.0, -24.8, -2.4])
# Boxes of MNI space, mm, both sides: |x|, y, z.
BOXES = {
    "occipital": ((3, 36), (-100, -80), (-8, 16)),
    "cerebellum": ((15, 40), (-80, -50), (-48, -30)),
    "caudate": ((9, 16), (4, 18), (4, 14)),
    "anterior putamen": ((20, 29), (2, 12), (-2, 8)),
    "posterior putamen": ((25, 32), (-14, -4), (-2, 8)),
    "ventral striatum": ((7, 14), (7, 14), (-11, -4)),
    "thalamus": ((5, 16), (-26, -12), (4, 12)),
    "midbrain": ((0, 12), (-26, -14), (-18, -8)),
    "pons": ((0, 8), (-32, -22), (-40, -28)),
    "amygdala": ((18, 28), (-8, 0), (-24, -14)),
    "frontal white matter": ((18, 28), (28, 38), (10, 25)),
    "parietal white matter": ((20, 30), (-45, -35), (28, 36)),
    "frontal cortex": ((5, 45), (40, 60), (5, 30)),
    "temporal cortex": ((45, 62), (-30, -5), (-25, -5)),
}
PROFILE = ((0, 9), (0, 8))  # y and z, mm


def main() -> None:
    """Simulate, average, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("anatomies", type=Path)
    parser.add_argument("mean", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True, help="picture, png")
    parser.add_argument("--heads", nargs="+", default=["03", "09", "12"])
    parser.add_argument("--count", type=int, default=4, help="people of each head")
    chosen = parser.parse_args()
    mean = read(chosen.mean)
    heads = [prepared(chosen.anatomies, name) for name in chosen.heads]
    compare(heads, mean, chosen.count, chosen.out)
    draw_stages(heads[0], chosen.out)


def prepared(anatomies: Path, name: str) -> WholeHead:
    """A head with its subregions."""
    labels = read_mask(anatomies / f"anatomy-{name}_dseg.nii.gz")
    return prepare(labels.voxels, labels.affine_ras, name=name, parts="rule")


def compare(heads: list[WholeHead], mean: Scan, count: int, out: Path) -> None:
    """Average simulated people of heads in the space of the mean image."""
    real = mean.voxels / boxed(mean.voxels, mean.affine_ras, "occipital")
    images = []
    for head in heads:
        to_mni = mni_from_canonical(head, mean)
        for seed in range(count):
            made = simulate_spect(head, replace(SETTINGS, physics="full"), seed=seed + 100)
            index = inverse(made.scan.affine_ras) @ inverse(to_mni @ made.canonical_from_world) @ mean.affine_ras
            moved = ndimage.affine_transform(
                made.scan.voxels, index[:3, :3], offset=index[:3, 3], output_shape=mean.voxels.shape, order=1
            )
            images.append(moved / boxed(moved, mean.affine_ras, "occipital"))
    stack = np.stack(images)
    rows = [("region", "real", "simulated", "spread")]
    for name in BOXES:
        each = [boxed(image, mean.affine_ras, name) for image in stack]
        found = (boxed(real, mean.affine_ras, name), float(np.mean(each)), float(np.std(each)))
        rows.append((name, *(f"{v:.2f}" for v in found)))
    simulated = stack.mean(axis=0)
    ratio = [
        boxed(i, mean.affine_ras, "caudate") / boxed(i, mean.affine_ras, "anterior putamen") for i in (real, simulated)
    ]
    rows.append(("caudate / putamen", *(f"{v:.2f}" for v in ratio), ""))
    with out.with_suffix(".tsv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, delimiter="\t", lineterminator="\n").writerows(rows)
    for row in rows:
        print("\t".join(row))
    draw(real, simulated, mean.affine_ras, out)


def mni_from_canonical(head: WholeHead, mean: Scan) -> Affine:
    """Commissures onto commissures, then each axis scaled so that the brains are of one size."""
    forward = ANTERIOR_MM - POSTERIOR_MM
    forward = forward / np.linalg.norm(forward)
    turn = np.eye(4)
    turn[:3, :3] = np.stack([[1.0, 0, 0], forward, np.cross([1.0, 0, 0], forward)], axis=1)
    inside = np.array([t.inside_brain for t in TISSUES])[head.tissues[::3, ::3, ::3]]
    own = apply_affine(turn @ head.affine, np.argwhere(inside) * 3.0)
    other = apply_affine(mean.affine_ras, np.argwhere(mean.voxels > 0)) - ANTERIOR_MM
    out = np.eye(4)
    for axis, (low, high) in enumerate(((0.1, 99.9), (0.1, 99.9), (None, 99.9))):
        sizes = [np.percentile(p[:, axis], high) - (np.percentile(p[:, axis], low) if low else 0) for p in (other, own)]
        out[axis, axis] = sizes[0] / sizes[1]
    out[:3, 3] = ANTERIOR_MM
    return out @ turn


def boxed(image: NDArray[np.float32], affine: Affine, name: str) -> float:
    """Mean of an image in a box on both sides, where it is not empty."""
    places = np.abs(apply_affine(affine, np.moveaxis(np.indices(image.shape), 0, -1)) * (1, 0, 0))
    places += apply_affine(affine, np.moveaxis(np.indices(image.shape), 0, -1)) * (0, 1, 1)
    inside = np.all(
        [(places[..., i] >= low) & (places[..., i] <= high) for i, (low, high) in enumerate(BOXES[name])], 0
    )
    return float(image[inside & (image > 0)].mean())


def profile(image: NDArray[np.float32], affine: Affine) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Millimetres from left to right, and the image along them through both striata."""
    low, high = np.rint(
        apply_affine(inverse(affine), np.array([[0, PROFILE[0][0], PROFILE[1][0]], [0, PROFILE[0][1], PROFILE[1][1]]]))
    ).astype(int)
    values = image[:, low[1] : high[1] + 1, low[2] : high[2] + 1].mean(axis=(1, 2))
    x = apply_affine(affine, np.stack([np.arange(len(values)), 0 * values, 0 * values], axis=1))[:, 0]
    order = np.argsort(x)
    return x[order], np.asarray(values[order], dtype=np.float64)


def draw(real: NDArray[np.float32], simulated: NDArray[np.float32], affine: Affine, out: Path) -> None:
    """The profile, and beside it the slices of both."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    cell = figure.subplots()
    for image, words in ((real, "real, mean of 174 (masked)"), (simulated, "simulated")):
        cell.plot(*profile(image, affine), label=words)
    cell.set(xlabel="left – right, mm (MNI)", ylabel="ratio to occipital cortex")
    cell.legend()
    FigureCanvasAgg(figure).print_png(out.with_name(f"{out.stem}_profile.png"))
    figure = Figure(figsize=(15, 7), facecolor="black", layout="constrained")
    axes = figure.subplots(2, 5)
    planes = [(2, 3), (2, -12), (2, -35), (1, 8), (0, 4)]
    for row, image, words in zip(axes, (real, simulated), ("real", "simulated"), strict=True):
        for cell, (axis, at_mm) in zip(row, planes, strict=True):
            point = np.zeros(3)
            point[axis] = at_mm
            index = int(np.rint(apply_affine(inverse(affine), point)[axis]))
            show(cell, np.take(image, index, axis=axis), f"{words}, {'xyz'[axis]} = {at_mm}", 1.9)
    FigureCanvasAgg(figure).print_png(out)


def draw_stages(head: WholeHead, out: Path) -> None:
    """One person of each stage, by camera and by surrogate: the axial slice through the striatum."""
    figure = Figure(figsize=(12, 7), facecolor="black", layout="constrained")
    axes = figure.subplots(2, len(STAGES))
    for row, physics in zip(axes, ("full", "fast"), strict=True):
        for cell, stage in zip(row, STAGES, strict=True):
            settings = replace(SETTINGS, stage=stage, physics=physics, tilt_degrees=4.0, age_years=62.0)
            made = simulate_spect(head, settings, seed=7)
            striatum = np.argwhere(made.labels["striatum4"].voxels > 0)
            plane = made.scan.voxels[:, :, round(float(striatum[:, 2].mean()))]
            occipital = made.scan.voxels[made.labels["spect-reference"].voxels > 30].mean()
            show(cell, plane, f"{stage}, {'camera' if physics == 'full' else 'surrogate'}", 4.0 * occipital)
    FigureCanvasAgg(figure).print_png(out.with_name(f"{out.stem}_stages.png"))


def show(cell: Axes, plane: NDArray[np.float32], words: str, brightest: float) -> None:
    """One slice."""
    cell.imshow(plane.T, origin="lower", cmap="gray", vmin=0, vmax=brightest)
    cell.set_title(words, fontsize=9, color="white")
    cell.set_axis_off()


if __name__ == "__main__":
    main()
