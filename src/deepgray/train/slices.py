"""Volumes as slices for a 2.5-D network: stacks, crops, the two neighbours of a slice, augmentation, and the way back.

Left and right are classes of their own here, so that nothing is ever mirrored.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from deepgray.errors import SettingsError
from deepgray.voxels.components import largest_component


@dataclass(frozen=True)
class SliceFrame:
    """Which slices a network sees, and how much of each.

    Attributes:
        axis: Array axis across the slices: 2 for axial and 1 for coronal ones where the axes run right, front, top.
        crop: Pixels of a slice along both its axes, around its middle.

    Raises:
        SettingsError: No such axis, or no pixel.
    """

    axis: int
    crop: int

    def __post_init__(self) -> None:
        if self.axis not in (0, 1, 2) or self.crop < 1:
            raise SettingsError(f"An axis 0, 1 or 2 and a crop above 0 are wanted, {self.axis} and {self.crop} came.")


@dataclass(frozen=True)
class Jitter:
    """How far a slice is moved before a network sees it while it learns.

    Attributes:
        shift_px: Largest shift along both axes, pixels.
        rotation_degrees: Largest rotation.
        zoom: Smallest and largest size, along each axis on its own.
        shear: Largest shear.
    """

    shift_px: float = 15.0
    rotation_degrees: float = 10.0
    zoom: tuple[float, float] = (0.8, 1.2)
    shear: float = 0.2


def to_slices(volume: NDArray[np.generic], frame: SliceFrame) -> NDArray[np.generic]:
    """The slices of a volume, cut around their middle, or padded with 0 where they are smaller than the crop.

    Args:
        volume: (x, y, z).
        frame: Which slices.

    Returns:
        (slices, crop, crop) of the same type.
    """
    stack = np.moveaxis(volume, frame.axis, 0)
    made = np.zeros((len(stack), frame.crop, frame.crop), dtype=volume.dtype)
    (rows, columns), (to_rows, to_columns) = _overlap(stack.shape[1:], frame.crop)
    made[:, to_rows, to_columns] = stack[:, rows, columns]
    return made


def from_slices(slices: NDArray[np.float32], shape: tuple[int, int, int], frame: SliceFrame) -> NDArray[np.float32]:
    """The way back from ``to_slices``.

    Args:
        slices: (channels, slices, crop, crop).
        shape: Of the volume.
        frame: Which slices.

    Returns:
        (channels, *shape); 0 outside the crop.
    """
    channels = np.zeros((len(slices), *shape), dtype=slices.dtype)
    stack = np.moveaxis(channels, frame.axis + 1, 1)
    (rows, columns), (from_rows, from_columns) = _overlap(stack.shape[2:], frame.crop)
    stack[:, :, rows, columns] = slices[:, :, from_rows, from_columns]
    return channels


def _overlap(shape: tuple[int, ...], crop: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where a crop around the middle lies in an image, and where the image lies in the crop."""
    inside, outside = [], []
    for length in shape:
        start, count = max(0, (length - crop) // 2), min(length, crop)
        to = max(0, (crop - length) // 2)
        inside.append(slice(start, start + count))
        outside.append(slice(to, to + count))
    return (inside[0], inside[1]), (outside[0], outside[1])


def with_neighbours(slices: NDArray[np.float32]) -> NDArray[np.float32]:
    """Every slice between the one before and the one after it; the first and the last are their own neighbours.

    Args:
        slices: (slices, h, w).

    Returns:
        (slices, 3, h, w).
    """
    padded = np.concatenate([slices[:1], slices, slices[-1:]])
    return np.stack([padded[:-2], padded[1:-1], padded[2:]], axis=1)


def moved(images: Tensor, classes: Tensor, jitter: Jitter) -> tuple[Tensor, Tensor]:
    """Shift, turn, zoom and shear slices, each in its own way; never a mirror image.

    Args:
        images: (batch, 3, h, w), neighbours are moved alike.
        classes: (batch, h, w) integers.
        jitter: How far.

    Returns:
        Both, images linearly and classes by the nearest pixel; 0 comes in from outside.
    """
    batch, _, height, width = images.shape
    angle = math.radians(jitter.rotation_degrees) * _signed(batch, images.device)
    low, high = jitter.zoom
    zoom = low + (high - low) * torch.rand(batch, 2, device=images.device)
    shear = jitter.shear * _signed(batch, images.device)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    turn = torch.stack([torch.stack([cosine, -sine], -1), torch.stack([sine, cosine], -1)], 1)
    lean = torch.eye(2, device=images.device).repeat(batch, 1, 1)
    lean[:, 0, 1] = shear
    linear = turn @ lean / zoom[:, None, :]
    size = torch.tensor([width, height], device=images.device)
    shift = jitter.shift_px * _signed(batch, images.device, 2) * 2 / size
    theta = torch.cat([linear, shift[..., None]], dim=2)
    grid = functional.affine_grid(theta, [batch, 1, height, width], align_corners=False)
    image = functional.grid_sample(images, grid, align_corners=False)
    nearest = functional.grid_sample(classes[:, None].float(), grid, mode="nearest", align_corners=False)
    return image, nearest[:, 0].long()


def _signed(count: int, device: torch.device, *more: int) -> Tensor:
    """Numbers between −1 and 1."""
    return torch.rand(count, *more, device=device) * 2 - 1


def largest_of_each(labels: NDArray[np.int16]) -> NDArray[np.int16]:
    """The largest component of each label, which has its side, and nothing else."""
    kept = np.zeros_like(labels)
    for label in np.unique(labels[labels > 0]):
        kept[largest_component(labels == label)] = label
    return kept
