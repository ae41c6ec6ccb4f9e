"""Every scan on one sheet, to look at: ``python benchmarks/contact_sheet.py SCAN… -o sheet.png``.

Each row is one scan in its canonical frame: an axial, a coronal and a sagittal slice through the striatum with the
contours of
the outline, and the axial and coronal slice with the twelve parts. A scan that is refused keeps its row, with the
reason.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy import ndimage

from deepgray.errors import DeepgrayError
from deepgray.pipeline import analyse
from deepgray.read import read
from deepgray.result import Result
from deepgray.scan import LabelMap
from deepgray.space import Grid

# Canonical millimetres of the slices: z of the axial, y of the coronal, x of the sagittal (left putamen).
AXIAL_MM, CORONAL_MM, SAGITTAL_MM = 4.0, 6.0, -24.0
HALF_MM = (55, 75, 45)
STEP_MM = 0.5


def main() -> None:
    """Run and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scans", nargs="+", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    chosen = parser.parse_args()
    figure = Figure(figsize=(16, 3.2 * len(chosen.scans)), facecolor="black", layout="constrained")
    axes = figure.subplots(len(chosen.scans), 5, squeeze=False)
    for row, path in zip(axes, chosen.scans, strict=True):
        for cell in row:
            cell.set_axis_off()
        try:
            result = analyse(read(path))
        except DeepgrayError as error:
            row[0].set_title(f"{path.name}: {error}", color="red", fontsize=8, loc="left")
            print(path.name, "refused:", error)
            continue
        note = "; ".join(result.flags) or "no flags"
        row[0].set_title(
            f"{path.name}  confidence {result.pose.confidence:.2f}  {note}", color="white", fontsize=8, loc="left"
        )
        print(path.name, f"confidence {result.pose.confidence:.2f}", f"score {result.proposed.score:.3f}", note)
        labels = [result.outline.labels, *([result.parts.labels] if result.parts else [])]
        planes = ((2, AXIAL_MM), (1, CORONAL_MM), (0, SAGITTAL_MM))
        for cell, (axis, at), shown in zip(
            row, (*planes, *planes[:2]), (labels[0],) * 3 + (labels[-1],) * 2, strict=True
        ):
            draw(cell, result, shown, axis=axis, at_mm=at)
    FigureCanvasAgg(figure).print_png(chosen.out)


def draw(cell: object, result: Result, labels: LabelMap, *, axis: int, at_mm: float) -> None:
    """One slice with contours, the person's left on the right."""
    low = [-h for h in HALF_MM]
    low[axis] = at_mm
    shape = [int(2 * h / STEP_MM) for h in HALF_MM]
    shape[axis] = 1
    affine = np.diag([STEP_MM, STEP_MM, STEP_MM, 1.0])
    affine[:3, 3] = low
    plane = Grid(tuple(shape), affine)
    index = np.linalg.inv(result.scan.affine_ras) @ np.linalg.inv(result.pose.canonical_from_world) @ plane.affine_ras
    options = {"offset": index[:3, 3], "output_shape": plane.shape}
    image = ndimage.affine_transform(result.scan.voxels, index[:3, :3], order=1, **options).squeeze().T
    drawn = ndimage.affine_transform(labels.voxels, index[:3, :3], order=0, **options).squeeze().T
    if axis != 0:
        image, drawn = image[:, ::-1], drawn[:, ::-1]
    positive = image[image > 0]
    top = float(np.percentile(positive, 99)) if positive.size else 1.0
    cell.imshow(image, cmap="gray", origin="lower", vmin=0, vmax=top)
    for structure in labels.scheme.structures:
        mask = drawn == structure.label
        if mask.any():
            cell.contour(mask, levels=[0.5], colors=[tuple(c / 255 for c in structure.colour)], linewidths=0.9)


if __name__ == "__main__":
    main()
