"""Small nuclei put into heads: the shapes of one atlas, bent, moved and grown far beyond it, in the tissue of any head.

Shapes are kept as signed distances, so that a nucleus of a hundred cubic millimetres is placed, turned and grown
without steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepgray.simulate.tissues import INDEX, TISSUES
from deepgray.space import Affine, Grid, apply_affine

MIDBRAIN = ("red nucleus", "substantia nigra", "subthalamic nucleus")
DENTATE = ("dentate nucleus",)
# Room kept around a nucleus when its distances are computed, mm.
ROOM_MM = 6.0
FAR_MM = 20.0
# White matter between red nucleus and substantia nigra: on susceptibility maps the two never touch.
NIGRA_GAP_MM = (0.8, 2.2)
SUBTHALAMIC_GAP_MM = 0.5
# Thickness of the dentate's folded sheet; what lies deeper is its hilus.
SHEET_MM = (1.0, 2.2)
# Standard deviation of the noise that decides where a dentate in pieces has its gaps.
GAP_MM = (1.2, 3.0)


@dataclass(frozen=True, eq=False)
class Nucleus:
    """One nucleus.

    Attributes:
        distance_mm: (x, y, z) float32 signed distance to its surface, negative inside.
        affine: 4 × 4, index to mm of a frame in which the left is left.
        centre_mm: (3,) its centroid.
    """

    distance_mm: NDArray[np.float32]
    affine: Affine
    centre_mm: NDArray[np.float64]


@dataclass(frozen=True)
class Variety:
    """How far nuclei may differ from their source; everything is drawn evenly up to these limits or normally with them.

    Attributes:
        turn_degrees: Standard deviation of the turn of the group and of each nucleus.
        growth: Standard deviation of the logarithm of the size along each axis, of the group and of each nucleus.
        group_shift_mm: Standard deviation of the group's shift.
        own_shift_mm: Standard deviation of each nucleus's shift.
        bend_mm: Standard deviation of the surface's bending.
        bend_length_mm: Distance over which it changes.
        fold_mm: Depth of the folds of the dentate's sheet, and the distance between two folds.
        sheet_mm: Ends of the sheet's thickness.
        lost: Largest part of the dentate that is missing, so that it lies in pieces or ends early.
    """

    turn_degrees: float = 7.0
    growth: float = 0.09
    group_shift_mm: float = 1.0
    own_shift_mm: float = 0.6
    bend_mm: float = 0.45
    bend_length_mm: float = 4.0
    fold_mm: tuple[float, float] = (0.0, 3.5)
    sheet_mm: tuple[float, float] = SHEET_MM
    lost: float = 0.0


NO_VARIETY = Variety(0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Placing:
    """Where nuclei go.

    Attributes:
        grid: Of the tissue map, in canonical mm of the left side.
        centre_mm: (3,) where the middle of the nuclei belongs.
        variety: How far they may differ from the source.
        generator: Of everything random.
    """

    grid: Grid
    centre_mm: NDArray[np.float64]
    variety: Variety
    generator: np.random.Generator


def nuclei_of(
    labels: NDArray[np.integer], frame_from_index: Affine, numbers: Mapping[str, tuple[int, ...]]
) -> dict[str, Nucleus]:
    """Nuclei of a label map as distances.

    Args:
        labels: (x, y, z).
        frame_from_index: 4 × 4, index to mm of a frame in which these nuclei lie on the left (negative x).
        numbers: Labels of each nucleus.

    Returns:
        The nuclei that are there.
    """
    spacing = np.linalg.norm(frame_from_index[:3, :3], axis=0)
    found = {}
    for name, wanted in numbers.items():
        mask = np.isin(labels, wanted)
        if not mask.any():
            continue
        places = np.argwhere(mask)
        room = np.ceil(ROOM_MM / spacing).astype(int)
        low = np.maximum(places.min(0) - room, 0)
        high = np.minimum(places.max(0) + room + 1, mask.shape)
        box = mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
        inside = ndimage.distance_transform_edt(box, sampling=spacing)
        outside = ndimage.distance_transform_edt(~box, sampling=spacing)
        # between the last voxel inside and the first outside lies the surface
        distance = np.where(box, 0.5 * spacing.mean() - inside, outside - 0.5 * spacing.mean())
        shift = np.eye(4)
        shift[:3, 3] = low
        centre = apply_affine(frame_from_index, places.mean(0)[None])[0]
        found[name] = Nucleus(distance.astype(np.float32), frame_from_index @ shift, centre)
    return found


def without(tissues: NDArray[np.uint8], names: tuple[str, ...], fillers: tuple[str, ...]) -> NDArray[np.uint8]:
    """Replace tissues by the nearest of others.

    Args:
        tissues: (x, y, z).
        names: What goes.
        fillers: What may take its place.
    """
    gone = np.isin(tissues, [INDEX[n] for n in names])
    filler = np.isin(tissues, [INDEX[n] for n in fillers])
    if not gone.any() or not filler.any():
        return tissues.copy()
    where = ndimage.distance_transform_edt(~filler, return_distances=False, return_indices=True)
    out = tissues.copy()
    out[gone] = tissues[tuple(axis[gone] for axis in where)]
    return out


def place_midbrain(tissues: NDArray[np.uint8], nuclei: Mapping[str, Nucleus], placing: Placing) -> NDArray[np.uint8]:
    """Put red nucleus, substantia nigra and subthalamic nucleus into a head without them.

    Args:
        tissues: (x, y, z) on the grid of ``placing``.
        nuclei: Their shapes.
        placing: Where they go, and how far they may differ from their source.

    Returns:
        A copy with the nuclei; none of them in fluid.
    """
    distances = _distances(nuclei, placing)
    red, nigra, subthalamic = (distances[name] for name in MIDBRAIN)
    gap = placing.generator.uniform(*NIGRA_GAP_MM)
    # bent and grown distances are not true ones any more, so the gap is measured again
    clear = ndimage.distance_transform_edt(red >= 0, sampling=placing.grid.spacing_mm)
    nigra = np.maximum(nigra, np.maximum(gap - red, gap + 0.5 * placing.grid.spacing_mm.mean() - clear))
    subthalamic = np.maximum(subthalamic, SUBTHALAMIC_GAP_MM - red)
    nearest = np.stack([red, nigra, subthalamic])
    winner = nearest.argmin(axis=0)
    inside = (nearest.min(axis=0) < 0) & _solid(tissues)
    out = tissues.copy()
    table = np.array([INDEX[name] for name in MIDBRAIN], dtype=np.uint8)
    out[inside] = table[winner[inside]]
    return out


def place_dentate(tissues: NDArray[np.uint8], nuclei: Mapping[str, Nucleus], placing: Placing) -> NDArray[np.uint8]:
    """Put a dentate nucleus, sheet and hilus, into a head without one; arguments as ``place_midbrain``."""
    distance = _with_gaps(_distances(nuclei, placing)["dentate nucleus"] + _folds(placing), placing)
    inside = (distance < 0) & _solid(tissues) & (tissues != INDEX["brainstem"])
    out = tissues.copy()
    out[inside] = INDEX["dentate nucleus"]
    out[inside & (distance < -placing.generator.uniform(*placing.variety.sheet_mm))] = INDEX["dentate nucleus/hilus"]
    return out


def _folds(placing: Placing) -> NDArray[np.float32]:
    """What the folds of a sheet add to its distance: noise of about one wave length."""
    depth_mm, length_mm = placing.variety.fold_mm
    if depth_mm == 0:
        return np.zeros(placing.grid.shape, dtype=np.float32)
    noise = placing.generator.normal(0, 1, placing.grid.shape).astype(np.float32)
    sigma = 0.22 * length_mm / placing.grid.spacing_mm
    waves = ndimage.gaussian_filter(noise, sigma) - ndimage.gaussian_filter(noise, 1.6 * sigma)
    return np.asarray(depth_mm * np.tanh(waves / waves.std()), dtype=np.float32)


def _with_gaps(distance: NDArray[np.float32], placing: Placing) -> NDArray[np.float32]:
    """A nucleus without a drawn part of it: smooth noise decides where."""
    if placing.variety.lost == 0:
        return distance
    inside = distance < 0
    sigma = placing.generator.uniform(*GAP_MM) / placing.grid.spacing_mm
    noise = ndimage.gaussian_filter(placing.generator.normal(0, 1, distance.shape).astype(np.float32), sigma)
    level = np.quantile(noise[inside], placing.generator.uniform(0, placing.variety.lost))
    return np.where(noise > level, distance, np.maximum(distance, np.float32(placing.grid.spacing_mm.mean())))


def _solid(tissues: NDArray[np.uint8]) -> NDArray[np.bool_]:
    solid = np.array([t.inside_brain and t.family not in {"fluid", "vessel"} for t in TISSUES])
    return np.asarray(solid[tissues])


def _distances(nuclei: Mapping[str, Nucleus], placing: Placing) -> dict[str, NDArray[np.float32]]:
    """Signed distance to each nucleus on the grid, after everything drawn."""
    grid, variety, generator = placing.grid, placing.variety, placing.generator
    middle = np.mean([n.centre_mm for n in nuclei.values()], axis=0)
    shift = generator.normal(0, 1, 3) * variety.group_shift_mm
    group = _about(middle, _draw_linear(variety, generator), placing.centre_mm + shift)
    axes = [grid.affine_ras[i, 3] + grid.affine_ras[i, i] * np.arange(grid.shape[i]) for i in range(3)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"))
    made = {}
    for name, nucleus in nuclei.items():
        centre = apply_affine(group, nucleus.centre_mm[None])[0]
        own_shift = generator.normal(0, 1, 3) * variety.own_shift_mm
        placed = _about(centre, _draw_linear(variety, generator), centre + own_shift) @ group
        index = np.linalg.inv(placed @ nucleus.affine)
        places = np.tensordot(index[:3, :3], points, axes=1) + index[:3, 3][:, None, None, None]
        found = ndimage.map_coordinates(nucleus.distance_mm, places, order=1, mode="constant", cval=FAR_MM)
        scale = float(np.cbrt(abs(np.linalg.det(placed[:3, :3]))))
        made[name] = (found * scale + _bend(grid, variety, generator)).astype(np.float32)
    return made


def _about(centre: NDArray[np.float64], linear: NDArray[np.float64], target: NDArray[np.float64]) -> Affine:
    affine = np.eye(4)
    affine[:3, :3] = linear
    affine[:3, 3] = target - linear @ centre
    return affine


def _draw_linear(variety: Variety, generator: np.random.Generator) -> NDArray[np.float64]:
    x, y, z = np.radians(generator.normal(0, 1, 3) * variety.turn_degrees)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    angle = float(np.linalg.norm([x, y, z]))
    rotation = np.eye(3)
    if angle > 0:
        rotation = np.eye(3) + np.sin(angle) / angle * cross + (1 - np.cos(angle)) / angle**2 * (cross @ cross)
    growth = np.exp(generator.normal(0, 1, 3) * variety.growth + generator.normal(0, 1) * variety.growth)
    return np.asarray(rotation @ np.diag(growth))


def _bend(grid: Grid, variety: Variety, generator: np.random.Generator) -> NDArray[np.float32]:
    """A smooth random field that moves a surface in and out."""
    if variety.bend_mm == 0:
        return np.zeros(grid.shape, dtype=np.float32)
    size = [max(3, round(n * s / variety.bend_length_mm)) for n, s in zip(grid.shape, grid.spacing_mm, strict=True)]
    control = generator.normal(0, 1, size).astype(np.float32)
    zoom = [n / c for n, c in zip(grid.shape, size, strict=True)]
    bend = ndimage.zoom(control, zoom, order=1, grid_mode=True, mode="nearest")
    return np.asarray(bend * np.float32(variety.bend_mm * 1.5), dtype=np.float32)
