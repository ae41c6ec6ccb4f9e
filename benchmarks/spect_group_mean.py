"""A real image: ``python benchmarks/spect_group_mean.py MEAN ATLAS -o OUT.png``.

MEAN is the mean DaT SPECT of healthy people in MNI space, ATLAS the CIT168 label map in that space. Printed: Dice of
the outline at 1 mm with the atlas, binding ratios, the suggested category. Drawn: axial slices, the outline in green,
the atlas in white. A mean over people is blurrier than a person, and an atlas is not its truth.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import ndimage

from deepgray.pipeline import analyse
from deepgray.read import read, read_mask
from deepgray.recipe import Options
from deepgray.space import Affine, Grid, apply_affine, inverse

# Numbers of CIT168 (Pauli 2018, doi:10.1038/sdata.2018.63) and of the outline.
STRUCTURES = {
    "left caudate": ((2,), (11,)),
    "right caudate": ((102,), (50,)),
    "left putamen": ((1,), (12,)),
    "right putamen": ((101,), (51,)),
    "dorsal striatum": ((1, 2, 101, 102), (11, 12, 50, 51)),
}
SHOWN = ("caudate", "putamen", "anterior putamen", "posterior putamen", "dorsal striatum")
SLICES_MM = (-4, 2, 8, 14)


def on_grid(voxels: NDArray[np.generic], affine: Affine, grid: Grid, *, order: int) -> NDArray[np.float64]:
    """A volume of the same world on another grid."""
    index = inverse(affine) @ grid.affine_ras
    moved = ndimage.affine_transform(
        voxels.astype(np.float64), index[:3, :3], offset=index[:3, 3], output_shape=grid.shape, order=order
    )
    return np.asarray(moved)


def midplane_mm(voxels: NDArray[np.float32], affine: Affine) -> float:
    """World x about which the uptake around the striatum mirrors itself best."""
    x, y, z = np.meshgrid(np.arange(8, 38), np.arange(-20, 22, 2), np.arange(-10, 16, 2), indexing="ij")
    half = np.stack([x, y, z], axis=-1).astype(np.float64)

    def likeness(shift_mm: float) -> float:
        sides = []
        for sign in (1, -1):
            index = apply_affine(inverse(affine), half * [sign, 1, 1] + [shift_mm, 0, 0])
            sides.append(ndimage.map_coordinates(voxels, np.moveaxis(index, -1, 0), order=1))
        seen = (sides[0] > 0) & (sides[1] > 0)
        return float(np.corrcoef(sides[0][seen], sides[1][seen])[0, 1])

    return max(np.arange(-3.0, 3.01, 0.25), key=likeness)


def main() -> None:
    """Outline, compare, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mean", type=Path)
    parser.add_argument("atlas", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args()
    scan, atlas = read(given.mean, modality="spect"), read_mask(given.atlas)
    result = analyse(scan, "datspect", options=Options(fine=True))
    fine = result.outline.fine
    assert fine is not None
    middle = midplane_mm(scan.voxels, scan.affine_ras)
    moved = np.eye(4)
    moved[0, 3] = middle
    truths = [on_grid(atlas.voxels, way @ atlas.affine_ras, fine.grid, order=0) for way in (np.eye(4), moved)]
    print(f"the uptake mirrors itself at x = {middle:+.2f} mm; the atlas as it is, and moved there:")
    for name, (theirs, ours) in STRUCTURES.items():
        one, others = np.isin(fine.voxels, ours), [np.isin(truth, theirs) for truth in truths]
        dice = [2 * (one & other).sum() / (one.sum() + other.sum()) for other in others]
        sizes = f"{one.sum() / 1000:.1f} ml, atlas {others[0].sum() / 1000:.1f} ml"
        print(f"{name}: Dice {dice[0]:.3f}, {dice[1]:.3f}; {sizes}")
    for m in result.measurements:
        if m.structure in SHOWN and m.quantity in ("sbr", "asi", "suggested_category"):
            print(f"{m.structure} {m.side} {m.quantity} {m.value:.3f} ({m.reference})")
    image = on_grid(scan.voxels, scan.affine_ras, fine.grid, order=1)
    figure = Figure(figsize=(4 * len(SLICES_MM), 4))
    for axes, height in zip(figure.subplots(1, len(SLICES_MM)), SLICES_MM, strict=True):
        k = round(float((inverse(fine.affine_ras) @ [0, 0, height, 1])[2]))
        axes.imshow(image[:, :, k].T, origin="lower", cmap="inferno")
        axes.contour((fine.voxels[:, :, k] > 0).T, [0.5], colors="lime", linewidths=1)
        axes.contour(np.isin(truths[0][:, :, k], (1, 2, 101, 102)).T, [0.5], colors="white", linewidths=0.7)
        axes.set_title(f"z {height} mm")
        axes.axis("off")
    figure.savefig(given.output, dpi=70, bbox_inches="tight")


if __name__ == "__main__":
    main()
