"""A scan, a label map, integers without a meaning yet, and probabilities: voxels with the grid they lie on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepgray.anatomy import Scheme, Structure
from deepgray.errors import IntensityError, MaskError, ShapeError
from deepgray.space import Affine, Grid, apply_affine, equivalent_axes, inverse


@dataclass(frozen=True, eq=False)
class Scan:
    """One volume as it came from the scanner.

    Attributes:
        voxels: (x, y, z) float32, finite, not constant.
        affine_ras: 4 × 4 float64, voxel index to RAS mm.
        stem: Name that output files begin with.
        modality: ``mr``, ``qsm``, ``spect`` or ``pet``.
        unit: Unit of the voxels, ``arbitrary`` where there is none.
        sha256: Checksum of the file it was read from, empty where it came from memory.
        changes: What reading changed of the file's numbers, in sentences; empty where they are as they were stored.

    Raises:
        ShapeError: The voxels are not a volume.
        GeometryError: The affine does not place voxels.
        IntensityError: Not float32, NaN or infinite, or constant.
    """

    voxels: NDArray[np.float32]
    affine_ras: Affine
    stem: str
    modality: str = "mr"
    unit: str = "arbitrary"
    sha256: str = ""
    changes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_volume(self.voxels, self.affine_ras)
        if self.voxels.dtype != np.float32:
            raise IntensityError(f"Float32 voxels are wanted, {self.voxels.dtype} came.")
        low, high = float(self.voxels.min()), float(self.voxels.max())  # NaN and infinity survive both
        if not np.isfinite([low, high]).all():
            bad = int((~np.isfinite(self.voxels)).sum())
            raise IntensityError(f"Finite voxels are wanted, {bad} voxels are NaN or infinite.")
        if low == high:
            raise IntensityError(f"A picture is wanted, every voxel is {low:g}.")

    @property
    def grid(self) -> Grid:
        """The scan's grid."""
        return _grid(self.voxels, self.affine_ras)


@dataclass(frozen=True, eq=False)
class LabelMap:
    """Integers on a grid; 0 is background.

    Attributes:
        voxels: (x, y, z), any integer type, not negative.
        affine_ras: 4 × 4 float64, voxel index to RAS mm.
        scheme: What the labels mean.

    Raises:
        ShapeError: The voxels are not a volume.
        GeometryError: The affine does not place voxels.
        IntensityError: Not integers, or negative.
    """

    voxels: NDArray[np.integer]
    affine_ras: Affine
    scheme: Scheme

    def __post_init__(self) -> None:
        _check_volume(self.voxels, self.affine_ras)
        _check_labels(self.voxels)

    @property
    def grid(self) -> Grid:
        """The label map's grid."""
        return _grid(self.voxels, self.affine_ras)

    def mask(self, structure: Structure) -> NDArray[np.bool_]:
        """Where the structure is, (x, y, z)."""
        return np.asarray(self.voxels == structure.label, dtype=np.bool_)


@dataclass(frozen=True, eq=False)
class IntegerVolume:
    """Integers on a grid whose meaning is not known yet: a corrected mask, or a map made elsewhere.

    Attributes:
        voxels: (x, y, z), any integer type, not negative; may be all zero.
        affine_ras: 4 × 4 float64, voxel index to RAS mm.

    Raises:
        ShapeError: The voxels are not a volume.
        GeometryError: The affine does not place voxels.
        IntensityError: Not integers, or negative.
    """

    voxels: NDArray[np.integer]
    affine_ras: Affine

    def __post_init__(self) -> None:
        _check_volume(self.voxels, self.affine_ras)
        _check_labels(self.voxels)

    @property
    def grid(self) -> Grid:
        """The volume's grid."""
        return _grid(self.voxels, self.affine_ras)


@dataclass(frozen=True, eq=False)
class Probabilities:
    """Probabilities of structures in a block of a scan's grid; outside the block they are zero.

    Attributes:
        voxels: (structures, x, y, z) float32 in 0–1; background is what is missing to one.
        structures: Structure of each channel.
        low: Index of the block's first voxel in the scan's grid.
        grid: Grid of the whole scan.

    Raises:
        ShapeError: Channels and structures differ in number, or the block leaves the grid.
    """

    voxels: NDArray[np.float32]
    structures: tuple[Structure, ...]
    low: tuple[int, int, int]
    grid: Grid

    def __post_init__(self) -> None:
        if self.voxels.ndim != 4 or self.voxels.shape[0] != len(self.structures):
            raise ShapeError(f"{len(self.structures)} channels of a volume are wanted, {self.voxels.shape} came.")
        ends = [start + n for start, n in zip(self.low, self.voxels.shape[1:], strict=True)]
        if min(self.low) < 0 or any(end > n for end, n in zip(ends, self.grid.shape, strict=True)):
            raise ShapeError(f"A block inside the grid {self.grid.shape} is wanted, {self.low} to {ends} came.")

    @property
    def block(self) -> tuple[slice, slice, slice]:
        """Where the block lies in the scan's grid."""
        x, y, z = (slice(start, start + n) for start, n in zip(self.low, self.voxels.shape[1:], strict=True))
        return x, y, z


def mask_on_grid(mask: IntegerVolume | LabelMap, wanted: Grid, *, what: str = "mask") -> NDArray[np.integer]:
    """The voxels of a mask in the order of a scan's own axes.

    Args:
        mask: On the wanted grid, or on one whose axes are permuted or flipped.
        wanted: Grid of the scan.
        what: What the mask is, for the message (``corrected mask``).

    Raises:
        MaskError: Another grid.
    """
    axes = equivalent_axes(mask.grid, wanted)
    if axes is None:
        raise MaskError(f"A {what} on the scan's grid is wanted, {_described(wanted)}; {_described(mask.grid)} came.")
    order, flips = axes
    return np.flip(mask.voxels.transpose(order), axis=tuple(axis for axis in range(3) if flips[axis]))


def _described(grid: Grid) -> str:
    shape = " × ".join(str(n) for n in grid.shape)
    spacing = " × ".join(f"{mm:.3g}" for mm in grid.spacing_mm)
    centre = apply_affine(grid.affine_ras, (np.asarray(grid.shape) - 1) / 2)
    middle = ", ".join(f"{mm:.1f}" for mm in centre)
    return f"{shape} voxels of {spacing} mm around ({middle}) mm"


def _check_volume(voxels: NDArray[np.generic], affine_ras: Affine) -> None:
    if voxels.ndim != 3:
        raise ShapeError(f"One three-dimensional volume is wanted, an array of shape {voxels.shape} came.")
    if min(voxels.shape) < 2:
        raise ShapeError(f"A volume with at least two voxels along each axis is wanted, shape {voxels.shape} came.")
    Grid((voxels.shape[0], voxels.shape[1], voxels.shape[2]), affine_ras)


def _check_labels(voxels: NDArray[np.integer]) -> None:
    if not np.issubdtype(voxels.dtype, np.integer):
        raise IntensityError(f"Integer labels are wanted, {voxels.dtype} came.")
    if int(voxels.min()) < 0:
        raise IntensityError(f"Labels from 0 upwards are wanted, {int(voxels.min())} came.")


def _grid(voxels: NDArray[np.generic], affine_ras: Affine) -> Grid:
    return Grid((voxels.shape[0], voxels.shape[1], voxels.shape[2]), affine_ras)


def part_in_view(scan: Scan, view: Grid) -> float:
    """Which part of the voxels of a scan that are not zero lies in a grid, 0–1; 0 where all are zero."""
    index = np.argwhere(scan.voxels[::4, ::4, ::4]) * 4  # a sixty-fourth of the voxels tells as much
    places = apply_affine(inverse(view.affine_ras) @ scan.affine_ras, index)
    inside = (places >= -0.5) & (places <= np.array(view.shape) - 0.5)
    return float(inside.all(axis=1).mean()) if len(index) else 0.0
