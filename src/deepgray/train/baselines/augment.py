"""What happens to a crop while a baseline learns from it."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from deepgray.train.baselines.recipes import Augmentation

# A Gaussian is cut so many standard deviations from its middle.
CUT = 3.0


def augmented(image: Tensor, target: Tensor, how: Augmentation, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Crops and their classes, changed together.

    Args:
        image: (batch, 1, x, y, z).
        target: (batch, x, y, z) class indices.
        how: What may happen.
        generator: Of everything random.

    Returns:
        The same shapes. Sides keep their names, also where ``how.mirroring`` turns them over.
    """
    pairs = [_one(i, t, how, generator) for i, t in zip(image, target, strict=True)]
    return torch.stack([i for i, _ in pairs]), torch.stack([t for _, t in pairs])


def _one(image: Tensor, target: Tensor, how: Augmentation, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    matrix = _drawn_map(how, generator)
    if not torch.equal(matrix, torch.eye(3)):
        image, target = moved(image, target, matrix)
    if how.quarter_turns:
        turns = int(torch.randint(4, (1,), generator=generator))
        image, target = torch.rot90(image, turns, (1, 2)), torch.rot90(target, turns, (0, 1))
    if _happens(how.chance, generator) and how.blur_voxels[1] > 0:
        image = blurred(image, _between(how.blur_voxels, generator))
    if how.mirroring:
        axes = [axis for axis in range(3) if _happens(0.5, generator)]
        image, target = image.flip([1 + axis for axis in axes]), target.flip(axes)
    return image, target


def _drawn_map(how: Augmentation, generator: torch.Generator) -> Tensor:
    """Rotation and scaling, each by its chance."""
    matrix = torch.eye(3)
    if _happens(how.chance, generator):
        ends = (-how.rotation_degrees, how.rotation_degrees)
        matrix = rotation([_between(ends, generator) for _ in range(3)])
    if _happens(how.chance, generator):
        matrix = matrix / _between(how.zoom, generator)
    return matrix


def _happens(chance: float, generator: torch.Generator) -> bool:
    return float(torch.rand(1, generator=generator)) < chance


def _between(ends: tuple[float, float], generator: torch.Generator) -> float:
    return ends[0] + (ends[1] - ends[0]) * float(torch.rand(1, generator=generator))


def rotation(angles_degrees: list[float]) -> Tensor:
    """Rotations about x, y and z, one after the other, as a 3 × 3 matrix."""
    matrix = torch.eye(3)
    for axis, degrees in enumerate(angles_degrees):
        turn = torch.eye(3)
        one, other = (axis + 1) % 3, (axis + 2) % 3
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        turn[one, one], turn[one, other], turn[other, one], turn[other, other] = cos, -sin, sin, cos
        matrix = turn @ matrix
    return matrix


def moved(image: Tensor, target: Tensor, matrix: Tensor) -> tuple[Tensor, Tensor]:
    """A crop seen through a linear map about its middle.

    Args:
        image: (1, x, y, z); continued by its border.
        target: (x, y, z) class indices; background outside.
        matrix: 3 × 3, voxels from the middle of the result to voxels from the middle of the crop.
    """
    shape = target.shape
    axes = [torch.arange(n, dtype=torch.float32) - (n - 1) / 2 for n in shape]
    places = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1) @ matrix.T
    # the last axis of the array is the first of the sampling grid
    grid = (places * 2 / torch.tensor(shape)).flip(-1)[None]
    looked = functional.grid_sample(image[None], grid, mode="bilinear", padding_mode="border", align_corners=False)
    classes = functional.grid_sample(
        target[None, None].float(), grid, mode="nearest", padding_mode="zeros", align_corners=False
    )
    return looked[0], classes[0, 0].to(target.dtype)


def blurred(image: Tensor, sigma_voxels: float) -> Tensor:
    """A crop (1, x, y, z) after a Gaussian blur."""
    reach = max(1, math.ceil(CUT * sigma_voxels))
    line = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma_voxels) ** 2)
    line = line / line.sum()
    out = image[None]
    for axis in range(3):
        shape, padding = [1, 1, 1, 1, 1], [0] * 6
        shape[2 + axis] = len(line)
        padding[2 * (2 - axis)] = padding[2 * (2 - axis) + 1] = reach
        out = functional.conv3d(functional.pad(out, padding, mode="replicate"), line.reshape(shape))
    return out[0]
