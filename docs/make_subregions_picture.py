"""Draws docs/images/subregions.png: the twelve parts of one head, from label maps alone.

    python docs/make_subregions_picture.py LABELMAP

LABELMAP is a whole head in FreeSurfer's numbers.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from numpy.typing import NDArray
from scipy import ndimage

from deepgray.anatomy import Side, scheme
from deepgray.read import read_mask
from deepgray.scan import IntegerVolume, LabelMap
from deepgray.space import Affine, apply_affine, inverse
from deepgray.subdivide.frame import Frame
from deepgray.subdivide.geometric import divide
from deepgray.voxels.acpc import FREESURFER, fit_acpc
from deepgray.voxels.crop import occupied

mpl.use("Agg")

OUT = Path(__file__).parent / "images" / "subregions.png"
# FreeSurfer's numbers and their grey: white matter, cortex, ventricles and cerebrospinal fluid, other deep nuclei.
GREYS = {
    0.80: (2, 41, 7, 46, 16, 85),
    0.58: (3, 42, 8, 47),
    0.10: (4, 43, 5, 44, 14, 15, 24, 30, 62, 72),
    0.66: (10, 49, 13, 52, 811, 812, 813, 814, 17, 53, 18, 54, 28, 60, 26, 58, 11, 50, 12, 51, *range(801, 807)),
}
STEP_MM = 0.4
CORONAL_Y_MM = (15.0, 10.0, 5.0, 1.0, -3.0, -9.0)
SAGITTAL_X_MM = (-12.0, -25.0)
AXIAL_Z_MM = (6.0, -3.0)
RANGES_MM = {"x": (-36.0, 36.0), "y": (-30.0, 28.0), "z": (-18.0, 34.0)}
BACKGROUND = 0.06
MARGIN_VOXELS = 40


def main() -> None:
    """Divide, sample ten planes, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labelmap", type=Path)
    volume = read_mask(parser.parse_args().labelmap)
    fit = fit_acpc(volume.voxels, volume.affine_ras, labels=FREESURFER)
    parts = divide(striatum(volume), Frame(fit.canonical_from_world, "all deep structures"), rule="mawlawi").labels
    head = painted(volume, parts, fit.canonical_from_world)
    figure, axes = plt.subplots(2, 5, figsize=(15, 6.4), facecolor="white")
    planes = [("y", v) for v in CORONAL_Y_MM] + [("x", v) for v in SAGITTAL_X_MM] + [("z", v) for v in AXIAL_Z_MM]
    for axis, plane in zip(axes.flat, planes, strict=True):
        draw(axis, head, plane)
    entries = parts.scheme.of_side(Side.LEFT)
    handles = [Patch(color=np.array(s.colour) / 255, label=f"{s.abbreviation}  {s.name}") for s in entries]
    figure.legend(handles=handles, loc="lower center", ncols=6, frameon=False, fontsize=11)
    figure.subplots_adjust(left=0.005, right=0.995, top=0.95, bottom=0.08, wspace=0.03, hspace=0.12)
    figure.savefig(OUT, dpi=80)


def striatum(volume: IntegerVolume) -> LabelMap:
    """The label map's striatum and pallidum under our labels."""
    ours = scheme("striatum")
    voxels = np.zeros(volume.voxels.shape, dtype=np.uint8)
    for s in ours.structures:
        voxels[np.isin(volume.voxels, FREESURFER[s.key])] = s.label
    return LabelMap(voxels, volume.affine_ras, ours)


@dataclass(frozen=True, eq=False)
class Painted:
    """A block of a head: which of the colours each voxel has."""

    index: NDArray[np.uint8]
    colours: NDArray[np.float64]
    voxel_from_canonical: Affine


def painted(volume: IntegerVolume, parts: LabelMap, canonical_from_world: Affine) -> Painted:
    """The head around its striatum: tissue in grey, parts in colour."""
    index = np.zeros(volume.voxels.shape, dtype=np.uint8)
    colours = [np.full(3, BACKGROUND)]
    for grey, numbers in GREYS.items():
        index[np.isin(volume.voxels, numbers)] = len(colours)
        colours.append(np.full(3, grey))
    for s in parts.scheme.structures:
        index[parts.mask(s)] = len(colours)
        colours.append(np.array(s.colour) / 255)
    found = occupied(parts.voxels)
    if found is None:
        raise SystemExit("A label map with a striatum is wanted.")
    box = tuple(slice(max(s.start - MARGIN_VOXELS, 0), s.stop + MARGIN_VOXELS) for s in found)
    voxel_from_canonical = inverse(canonical_from_world @ volume.affine_ras)
    voxel_from_canonical[:3, 3] -= [s.start for s in box]
    return Painted(index[box], np.array(colours), voxel_from_canonical)


def draw(axis: Axes, head: Painted, plane: tuple[str, float]) -> None:
    """One plane, and the AC–PC planes as lines."""
    across, value = plane
    first, second = (name for name in "xyz" if name != across)
    u, v = (np.arange(*RANGES_MM[name], STEP_MM) for name in (first, second))
    points = np.full((len(u), len(v), 3), value)
    points[..., "xyz".index(first)], points[..., "xyz".index(second)] = np.meshgrid(u, v, indexing="ij")
    places = np.moveaxis(apply_affine(head.voxel_from_canonical, points), -1, 0)
    # The colour that holds most of a point's neighbourhood, so that borders are not stairs of voxels.
    shares = [
        ndimage.map_coordinates((head.index == n).astype(np.float32), places, order=1) for n in range(len(head.colours))
    ]
    picture = head.colours[np.argmax(shares, axis=0)]
    axis.imshow(picture.swapaxes(0, 1), origin="lower", extent=(*RANGES_MM[first], *RANGES_MM[second]))
    for name, line in ((first, axis.axvline), (second, axis.axhline)):
        if name != "x":
            line(0.0, color="white", linewidth=0.7, linestyle=(0, (4, 3)))
    kind = {"x": "sagittal", "y": "coronal", "z": "axial"}[across]
    axis.set_title(f"{kind}, {across} = {value:+.0f} mm", fontsize=11)
    axis.set_xticks([])
    axis.set_yticks([])


if __name__ == "__main__":
    main()
