"""Carrying voxels from one grid to another, by world or canonical millimetres."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepgray.space import Affine, Grid, apply_affine, reordered_grid
from deepgray.voxels.filters import gaussian
from deepgray.voxels.interpolate import at_affine

_ORDERS = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))


def closest_ras(voxels: NDArray[np.float32], affine_ras: Affine) -> tuple[NDArray[np.float32], Affine]:
    """The same volume with its array axes as near to right, front and top as they can be.

    A scan that was stored in another order gives the same array, so that everything that follows is the same too.

    Args:
        voxels: (x, y, z).
        affine_ras: Their affine.

    Returns:
        A view of the voxels, and its affine.
    """
    directions = affine_ras[:3, :3] / np.linalg.norm(affine_ras[:3, :3], axis=0)
    order = max(_ORDERS, key=lambda axes: sum(abs(directions[n, axis]) for n, axis in enumerate(axes)))
    flips = (bool(directions[0, order[0]] < 0), bool(directions[1, order[1]] < 0), bool(directions[2, order[2]] < 0))
    shape = (voxels.shape[0], voxels.shape[1], voxels.shape[2])
    turned = np.flip(voxels.transpose(order), axis=tuple(a for a in range(3) if flips[a]))
    return turned, reordered_grid(Grid(shape, affine_ras), order, flips).affine_ras


def to_frame(
    voxels: NDArray[np.float32], affine_ras: Affine, frame: Grid, *, world_from_frame: Affine
) -> NDArray[np.float32]:
    """A scan as seen on a frame's grid, linearly interpolated.

    Where the scan is much finer than the frame, whole blocks of voxels are averaged first, so that nothing aliases.

    Args:
        voxels: (x, y, z) float32.
        affine_ras: Their affine.
        frame: The grid that is wanted, in the frame's own millimetres.
        world_from_frame: 4 × 4, the frame's millimetres to world.

    Returns:
        Float32 of the frame's shape; 0 outside the scan.
    """
    voxels, affine_ras = averaged(*closest_ras(voxels, affine_ras), float(frame.spacing_mm.min()))
    index = np.linalg.inv(affine_ras) @ world_from_frame @ frame.affine_ras
    return np.asarray(at_affine(voxels[None], index, frame.shape)[0])


def averaged(voxels: NDArray[np.float32], affine_ras: Affine, spacing_mm: float) -> tuple[NDArray[np.float32], Affine]:
    """A volume that is not much finer than a spacing: whole blocks of voxels are averaged where they fit into it.

    Args:
        voxels: (x, y, z).
        affine_ras: Their affine.
        spacing_mm: Voxel size of the frame that the volume is wanted for.

    Returns:
        The voxels, and their affine; both unchanged where no two voxels fit into the spacing.
    """
    factors = np.maximum(1, np.floor(spacing_mm / np.linalg.norm(affine_ras[:3, :3], axis=0) + 1e-3).astype(int))
    if factors.max() == 1:
        return voxels, affine_ras
    for axis, factor in enumerate(factors):
        whole = voxels.shape[axis] // factor * factor
        if factor > 1 and whole:
            kept = np.take(voxels, range(whole), axis) if whole < voxels.shape[axis] else voxels
            shape = (*kept.shape[:axis], whole // factor, factor, *kept.shape[axis + 1 :])
            voxels = kept.reshape(shape).mean(axis=axis + 1, dtype=np.float32)
        else:
            factors[axis] = 1
    scaled = affine_ras @ np.diag([*factors.astype(np.float64), 1.0])
    scaled[:3, 3] = apply_affine(affine_ras, (factors - 1) / 2)
    return voxels, scaled


def block_of(frame: Grid, grid: Grid, *, world_from_frame: Affine) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
    """The block of a grid that a frame covers.

    Args:
        frame: Grid in the frame's own millimetres.
        grid: Grid in world millimetres.
        world_from_frame: 4 × 4.

    Returns:
        First index and end (exclusive) along each axis, or None where the two do not meet.
    """
    index = np.linalg.inv(grid.affine_ras) @ world_from_frame @ frame.affine_ras
    corners = np.stack(np.meshgrid(*[(-0.5, n - 0.5) for n in frame.shape], indexing="ij"), axis=-1).reshape(-1, 3)
    reached = apply_affine(index, corners)
    low = np.maximum(np.floor(reached.min(0)), 0).astype(np.intp)
    high = np.minimum(np.ceil(reached.max(0)) + 1, grid.shape).astype(np.intp)
    return (low, high) if (high > low).all() else None


def from_frame(
    channels: NDArray[np.float32], frame: Grid, target: Grid, *, world_from_frame: Affine
) -> NDArray[np.float32]:
    """Channels on a frame's grid brought back to a world grid, linearly interpolated, 0 outside the frame.

    Where the target is coarser than the frame, the frame is blurred to the target's voxels first.

    Args:
        channels: (channels, x, y, z) float32 on the frame.
        frame: Grid in the frame's own millimetres.
        target: Grid in world millimetres.
        world_from_frame: 4 × 4.

    Returns:
        (channels, *target.shape) float32.
    """
    index = np.linalg.inv(frame.affine_ras) @ np.linalg.inv(world_from_frame) @ target.affine_ras
    steps = np.abs(index[:3, :3]).max(axis=1)
    sigma = np.where(steps > 1.2, 0.35 * steps, 0.0)
    if sigma.any():
        channels = np.stack([gaussian(channel, sigma) for channel in channels])
    return at_affine(channels, index, target.shape)
