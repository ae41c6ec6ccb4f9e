"""Toy heads whose anatomy is known by construction, for tests of what makes, finds and outlines heads.

A head is a heap of ellipsoids in canonical millimetres, labelled with FreeSurfer's numbers. It differs left from right:
the left caudate is larger than the right one.
"""

from __future__ import annotations

from itertools import permutations, product
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy.spatial.transform import Rotation

from deepgray.space import Affine, Box, Grid, apply_affine

Point = tuple[float, float, float]

# Centre (x, y, z) and radii in mm, label; painted in this order.
_MIDDLE: tuple[tuple[Point, Point, int], ...] = (
    ((0, -18, 14), (72, 88, 72), 511),  # skin
    ((0, -18, 14), (67, 83, 67), 515),  # cortical bone
    ((0, -18, 14), (64, 80, 64), 24),  # cerebrospinal fluid
    ((0, -18, 14), (62, 78, 62), 3),  # cortex
    ((0, -18, 14), (57, 73, 57), 2),  # white matter
    ((0, -10, 2), (2.5, 12, 7), 14),  # third ventricle
    ((0, -28, -30), (8, 8, 18), 16),  # brainstem
)
# Of the right side: centre, radii, left and right label.
_PAIRS: tuple[tuple[Point, Point, int, int], ...] = (
    ((8, 8, -2), (4.5, 4.5, 4.5), 26, 58),
    ((12, 4, 13), (6, 8, 7), 11, 50),
    ((25, -1, 4), (6, 10.5, 7), 12, 51),
    ((16.5, -4, 2), (4, 7.5, 5), 13, 52),
    ((10, -20, 7.5), (9, 9, 9), 10, 49),
    ((22.5, -21.5, -11), (8, 8, 8), 17, 53),
    ((21, -4, -14), (7, 7, 7), 18, 54),
    ((9, -16, -7), (7, 7, 7), 28, 60),
)
LEFT_CAUDATE_LONGER_MM = 3.0
# Parts of the striatum by where they lie: 1 and 4 in front of the anterior commissure, 2 and 5 behind it, 3 below.
PART_NAMES = {
    1: "anterior caudate", 2: "posterior caudate", 3: "ventral striatum", 4: "anterior putamen", 5: "posterior putamen",
}  # fmt: skip


def centres_mm(grid: Grid) -> np.ndarray:
    """Millimetres of every voxel centre, (x, y, z, 3)."""
    return apply_affine(grid.affine_ras, np.moveaxis(np.indices(grid.shape), 0, -1))


def grid_around(middle_mm: Point, size_mm: Point, spacing_mm: Point) -> Grid:
    """An upright grid with its middle at a point."""
    shape = np.ceil(np.array(size_mm) / spacing_mm).astype(int)
    affine = np.diag([*spacing_mm, 1.0])
    affine[:3, 3] = np.array(middle_mm) - (shape - 1) / 2 * spacing_mm
    return Grid((int(shape[0]), int(shape[1]), int(shape[2])), affine)


def ellipsoid(points: np.ndarray, centre: Point, radii: Point) -> np.ndarray:
    """Which points lie in an ellipsoid."""
    return (((points - centre) / np.array(radii)) ** 2).sum(axis=-1) < 1


def labels_at(points: np.ndarray) -> np.ndarray:
    """FreeSurfer's numbers at canonical points (…, 3), int16."""
    labels = np.zeros(points.shape[:-1], dtype=np.int16)
    for centre, radii, label in _MIDDLE:
        labels[ellipsoid(points, centre, radii)] = label
    left = points[..., 0] < 0
    labels[left & (labels == 3)], labels[~left & (labels == 3)] = 3, 42
    labels[~left & (labels == 2)] = 41
    for (x, y, z), (rx, ry, rz), left_label, right_label in _PAIRS:
        longer = LEFT_CAUDATE_LONGER_MM if left_label == 11 else 0.0
        labels[ellipsoid(points, (-x, y, z), (rx, ry + longer, rz))] = left_label
        labels[ellipsoid(points, (x, y, z), (rx, ry, rz))] = right_label
    return labels


def parts_at(points: np.ndarray) -> np.ndarray:
    """Numbers of ``PART_NAMES`` at canonical points; 0 outside the striatum."""
    labels = labels_at(points)
    caudate, putamen = np.isin(labels, (11, 50)), np.isin(labels, (12, 51))
    front = points[..., 1] > 0
    parts = np.select(
        [caudate & front, caudate, putamen & front, putamen, np.isin(labels, (26, 58))], [1, 2, 4, 5, 3], 0
    )
    return parts.astype(np.int16)


def toy_head(spacing: float) -> tuple[np.ndarray, Affine]:
    """Labels and affine of the whole head; its world is the canonical frame."""
    grid = grid_around((0, -18, 14), (156, 188, 156), (spacing, spacing, spacing))
    return labels_at(centres_mm(grid)), grid.affine_ras


def save_heads(folder: Path, names: tuple[str, ...], *, spacing: float) -> Path:
    """Write toy heads with their parts, as a folder of label maps to train on."""
    folder.mkdir(parents=True, exist_ok=True)
    labels, affine = toy_head(spacing)
    parts = parts_at(apply_affine(affine, np.moveaxis(np.indices(labels.shape), 0, -1)))
    for name in names:
        nib.save(nib.Nifti1Image(labels, affine), folder / f"{name}_dseg.nii.gz")
        nib.save(nib.Nifti1Image(parts, affine), folder / f"{name}_striatum12.nii.gz")
    short = {"anterior caudate": "AC", "posterior caudate": "PC", "ventral striatum": "VS"}
    short |= {"anterior putamen": "AP", "posterior putamen": "PP"}
    rows = [f"{number}\t{short[name]}-L" for number, name in PART_NAMES.items()]
    (folder / "labels_striatum12.tsv").write_text("\n".join(["index\tabbreviation", "0\tBG", *rows]) + "\n")
    return folder


# Small nuclei of the right side: centre and radii in mm, left and right label.
_SMALL: dict[str, tuple[Point, Point, int, int]] = {
    "red nucleus": ((5.5, -17, -9), (3.5, 3.5, 4), 801, 802),
    "substantia nigra": ((14, -15, -13), (3.5, 6, 4.5), 803, 804),
    "subthalamic nucleus": ((12, -11, -4), (3, 4, 3.5), 805, 806),
    "dentate nucleus": ((14, -56, -36), (5, 8, 6), 807, 808),
}


def small_nuclei_mm(name: str, side: str) -> Point:
    """Where a small nucleus lies."""
    (x, y, z), *_ = _SMALL[name]
    return (-x if side == "left" else x), y, z


def _paint_small(labels: np.ndarray, points: np.ndarray, numbers: dict[str, tuple[int, int]]) -> None:
    for name, (left, right) in numbers.items():
        (x, y, z), radii, *_ = _SMALL[name]
        labels[ellipsoid(points, (-x, y, z), radii)] = left
        labels[ellipsoid(points, (x, y, z), radii)] = right


def toy_head_with_small_nuclei(spacing: float) -> tuple[np.ndarray, Affine]:
    """Labels and affine of a head with cerebellum, midbrain nuclei and dentate, 801-808."""
    labels, affine = toy_head(spacing)
    points = apply_affine(affine, np.moveaxis(np.indices(labels.shape), 0, -1))
    for sign, cortex, white in ((-1, 8, 7), (1, 47, 46)):
        labels[ellipsoid(points, (sign * 22, -52, -36), (20, 20, 16))] = cortex
        labels[ellipsoid(points, (sign * 18, -54, -36), (13, 14, 11))] = white
    _paint_small(labels, points, {name: (left, right) for name, (_, _, left, right) in _SMALL.items()})
    return labels, affine


def labels_with_small_nuclei(numbers: dict[str, tuple[int, int]], *, spacing: float) -> tuple[np.ndarray, Affine]:
    """An atlas of small nuclei and nothing else."""
    grid = grid_around((0, -35, -22), (60, 70, 60), (spacing, spacing, spacing))
    labels = np.zeros(grid.shape, dtype=np.int16)
    _paint_small(labels, centres_mm(grid), numbers)
    return labels, grid.affine_ras


def turned(degrees: Point, shift_mm: Point) -> Affine:
    """A rigid matrix: turns about x, y and z, then a shift."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    matrix[:3, 3] = shift_mm
    return matrix


# Every way to store the axes of an array: order and flips.
STORAGES = tuple((order, flips) for order in permutations(range(3)) for flips in product((False, True), repeat=3))


def stored(voxels: np.ndarray, order: tuple[int, int, int], flips: tuple[bool, bool, bool]) -> np.ndarray:
    """An array with its axes permuted, then flipped; ``space.reordered_grid`` gives its grid."""
    return np.flip(voxels.transpose(order), [axis for axis in range(3) if flips[axis]]).copy()


def toy_maps() -> tuple[np.ndarray, np.ndarray, Grid]:
    """Labels of the whole toy head at 3 mm, the classes of the whole-head network, and their grid."""
    grid = Box((-90.0, -112.0, -66.0), (90.0, 76.0, 94.0)).grid(3.0)
    labels = labels_at(centres_mm(grid))
    coarse = np.zeros(600, np.uint8)
    coarse[[10, 49]], coarse[[11, 12, 13, 26, 50, 51, 52, 58]], coarse[[16, 28, 60]] = 1, 2, 4
    coarse[[2, 41, 3, 42, 14, 17, 53, 18, 54]] = 5
    return labels, coarse[labels], grid
