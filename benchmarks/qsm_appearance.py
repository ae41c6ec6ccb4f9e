"""Simulated susceptibility maps beside a real one: ``python benchmarks/qsm_appearance.py LABELMAP REAL MASK -o OUT``.

LABELMAP is a whole head with FreeSurfer's numbers and the small nuclei, REAL an in-vivo map in ppm with its MASK (the
COSMOS map of the 2016 reconstruction challenge; Langkammer 2018, doi:10.1002/mrm.26830). One map is simulated for each
inversion, on the voxels of the real one. Printed and drawn: values in the brain and around the midbrain, the power of
what changes within so many millimetres, and pictures in one grey window. ``simulated.png`` and ``curves.png`` hold
nothing of the real map but its statistics; ``side_by_side.png`` shows it and is for looking only.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from deepgray.read import read, read_mask
from deepgray.simulate.acquisition import INVERSIONS
from deepgray.simulate.small_nuclei import prepare_head
from deepgray.simulate.whole_head_qsm import QsmSettings, simulate_qsm
from deepgray.space import Grid

WINDOW_PPM = (-0.10, 0.20)
PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
BINS_PPM = np.linspace(-0.15, 0.25, 161)
# Half the side of the box around the midbrain; the real map's middle is given by hand.
HALF_MM = 24.0
# Voxels of the real map, counted left to right, back to front and upwards, between the red and the dentate nuclei.
REAL_MIDBRAIN, REAL_DENTATE = (80, 77, 62), (80, 49, 35)


@dataclass(frozen=True, eq=False)
class Shown:
    """A map and where to look at it."""

    name: str
    voxels: NDArray[np.float32]
    mask: NDArray[np.bool_]
    grid: Grid
    midbrain: tuple[int, int, int]
    dentate: tuple[int, int, int]

    def near_midbrain(self) -> NDArray[np.float32]:
        """Values in the box around the midbrain that are in the mask."""
        half = (HALF_MM / self.grid.spacing_mm).round().astype(int)
        box = tuple(slice(max(0, c - h), c + h) for c, h in zip(self.midbrain, half, strict=True))
        return self.voxels[box][self.mask[box]]


def power(shown: Shown) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cycles per mm, and the power of the map per voxel of its mask, with a soft edge."""
    weight = ndimage.gaussian_filter(ndimage.binary_erosion(shown.mask, iterations=5).astype(np.float32), 2.0)
    image = (shown.voxels - (shown.voxels * weight).sum() / weight.sum()) * weight
    spectrum = np.abs(np.fft.rfftn(image)) ** 2 / (weight**2).sum()
    shape, spacing = image.shape, shown.grid.spacing_mm
    axes = [np.fft.fftfreq(n, s) for n, s in zip(shape[:2], spacing[:2], strict=True)]
    axes.append(np.fft.rfftfreq(shape[2], spacing[2]))
    radius = np.sqrt(sum(a**2 for a in np.meshgrid(*axes, indexing="ij")))
    edges = np.linspace(0.0, 0.5 / spacing.max(), 41)
    bins = np.digitize(radius.ravel(), edges)
    mean = np.array([spectrum.ravel()[bins == i].mean() for i in range(1, len(edges))])
    return (edges[1:] + edges[:-1]) / 2, mean


def tell(shown: Shown) -> None:
    """Print one line of each table."""
    inside = shown.voxels[shown.mask]
    for place, values in (("brain", inside), ("midbrain", shown.near_midbrain())):
        ends = " ".join(f"{1000 * v:6.0f}" for v in np.percentile(values, PERCENTILES))
        print(f"{shown.name:12}{place:10}{1000 * values.std():6.0f}  {ends}")
    where, found = power(shown)
    told = " ".join(f"{np.log10(np.interp(f, where, found)):6.2f}" for f in (0.05, 0.1, 0.2, 0.3, 0.4))
    print(f"{shown.name:12}log10 of the power at 20, 10, 5, 3.3 and 2.5 mm: {told}", flush=True)


def curves(maps: list[Shown], path: Path) -> None:
    """Histograms and spectra."""
    figure, axes = plt.subplots(1, 3, figsize=(13, 3.6), layout="constrained")
    for shown in maps:
        style = {"color": "black", "linewidth": 2} if shown.name == "real" else {"linewidth": 1}
        for axis, values in ((axes[0], shown.voxels[shown.mask]), (axes[1], shown.near_midbrain())):
            counts, _ = np.histogram(values, BINS_PPM, density=True)
            axis.semilogy(BINS_PPM[1:], counts + 1e-3, label=shown.name, **style)
        axes[2].semilogy(*power(shown), label=shown.name, **style)
    for axis, title, unit in zip(
        axes,
        ("values in the brain", "values around the midbrain", "power"),
        ("ppm", "ppm", "cycles per mm"),
        strict=True,
    ):
        axis.set(title=title, xlabel=unit)
    axes[2].legend(fontsize=8)
    figure.savefig(path, dpi=100)
    plt.close(figure)


def pictures(maps: list[Shown], path: Path) -> None:
    """Axial planes at the midbrain and the dentate, a coronal one at the midbrain, in one window."""
    figure, axes = plt.subplots(3, len(maps), figsize=(3.1 * len(maps), 9.2), layout="constrained", squeeze=False)
    for column, shown in enumerate(maps):
        x_mm, y_mm, z_mm = shown.grid.spacing_mm
        planes = (
            (shown.voxels[:, :, shown.midbrain[2]], y_mm / x_mm),
            (shown.voxels[:, :, shown.dentate[2]], y_mm / x_mm),
            (shown.voxels[:, shown.midbrain[1]], z_mm / x_mm),
        )
        axes[0, column].set_title(shown.name)
        for axis, (plane, aspect) in zip(axes[:, column], planes, strict=True):
            axis.imshow(plane.T, "gray", origin="lower", vmin=WINDOW_PPM[0], vmax=WINDOW_PPM[1], aspect=aspect)
            axis.axis("off")
    figure.savefig(path, dpi=90)
    plt.close(figure)


def simulated(settings: argparse.Namespace, spacing: tuple[float, float, float]) -> list[Shown]:
    """One map for each inversion of the same person."""
    labels = read_mask(settings.labelmap)
    head = prepare_head(labels.voxels, labels.affine_ras, name="head")
    how = QsmSettings(spacing, rotation_degrees=5.0, tilt_degrees=8.0, age_years=30.0, noise_ppm=(0.001, 0.003))
    maps = []
    for inversion in INVERSIONS:
        made = simulate_qsm(head, replace(how, inversion=inversion), seed=settings.seed)
        middles = {}
        for group, labels_of in made.labels.items():
            x, y, z = np.argwhere(labels_of.voxels > 0).mean(axis=0).round().astype(int).tolist()
            middles[group] = (x, y, z)
        mask = made.mask.voxels > 0
        maps.append(Shown(inversion, made.scan.voxels, mask, made.scan.grid, middles["midbrain"], middles["dentate"]))
    return maps


def main() -> int:
    """Simulate, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("labelmap", type=Path)
    parser.add_argument("real", type=Path)
    parser.add_argument("mask", type=Path)
    parser.add_argument("--output", "-o", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    settings = parser.parse_args()
    torch.set_num_threads(1)
    settings.output.mkdir(parents=True, exist_ok=True)
    scan = read(settings.real, modality="qsm", mask=settings.mask)
    x_mm, y_mm, z_mm = scan.grid.spacing_mm.tolist()
    backward = [axis for axis in range(3) if scan.affine_ras[axis, axis] < 0]  # its axes are those of the head
    mask = np.flip(read_mask(settings.mask).voxels > 0, backward)
    real = Shown("real", np.flip(scan.voxels, backward), mask, scan.grid, REAL_MIDBRAIN, REAL_DENTATE)
    print(f"{'':22}{'SD':>6}  " + " ".join(f"{p:5} %" for p in PERCENTILES) + "   (ppb)")
    tell(real)
    maps = simulated(settings, (x_mm, y_mm, z_mm))
    for shown in maps:
        tell(shown)
    curves([*maps, real], settings.output / "curves.png")
    pictures(maps, settings.output / "simulated.png")
    pictures([*maps, real], settings.output / "side_by_side.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
