"""Losses: soft Dice plus cross entropy at several scales, and coordinates for the whole-head network."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

# Weight of each scale, finest first.
SCALE_WEIGHTS = (1.0, 0.35, 0.15)
COORDINATE_WEIGHT = 4.0


def dice_cross_entropy(logits: Tensor, truth: Tensor, inside: Tensor | None = None) -> Tensor:
    """Soft Dice over the classes that occur, plus cross entropy.

    Args:
        logits: (batch, classes, x, y, z); class 0 is background and does not enter the Dice term.
        truth: (batch, classes, x, y, z) shares of the classes, adding up to one.
        inside: (batch, x, y, z) bool, where to judge; everywhere if None.

    Returns:
        A scalar.
    """
    logits = logits.float()
    weight = torch.ones_like(truth[:, :1]) if inside is None else inside[:, None].float()
    probability = logits.softmax(1) * weight
    truth = truth * weight
    overlap = (probability * truth).sum((0, 2, 3, 4))[1:]
    total = (probability.sum((0, 2, 3, 4)) + truth.sum((0, 2, 3, 4)))[1:]
    present = truth.sum((0, 2, 3, 4))[1:] > 0
    dice = (2 * overlap + 1) / (total + 1)
    missing = 1 - dice[present].mean() if bool(present.any()) else logits.sum() * 0
    entropy = functional.cross_entropy(logits, truth, reduction="none")
    return missing + entropy.sum() / weight.sum().clamp(min=1)


def shares(target: Tensor, classes: int) -> Tensor:
    """(batch, x, y, z) class indices as (batch, classes, x, y, z) shares."""
    return functional.one_hot(target, classes).movedim(-1, 1).float()


def at_scales(outputs: list[Tensor], target: Tensor, inside: Tensor | None = None) -> Tensor:
    """``dice_cross_entropy`` at several scales, the target taken at every second voxel for each coarser one."""
    total = outputs[0].sum() * 0
    for level, (weight, output) in enumerate(zip(SCALE_WEIGHTS, outputs, strict=False)):
        step = 2**level
        part = None if inside is None else inside[:, ::step, ::step, ::step]
        truth = shares(target[:, ::step, ::step, ::step], output.shape[1])
        total = total + weight * dice_cross_entropy(output, truth, part)
    return total


def whole_head(output: Tensor, target: Tensor, inside: Tensor, coordinates: Tensor) -> Tensor:
    """Coarse classes and displacements to canonical coordinates.

    Args:
        output: (batch, classes + 3, x, y, z).
        target: (batch, x, y, z) classes.
        inside: (batch, x, y, z) bool, where coordinates count.
        coordinates: (batch, 3, x, y, z) decimetres.

    Returns:
        A scalar.
    """
    error = coordinate_error(output[:, -3:], coordinates, inside)
    return dice_cross_entropy(output[:, :-3], shares(target, output.shape[1] - 3)) + COORDINATE_WEIGHT * error


def coordinate_error(predicted: Tensor, target: Tensor, inside: Tensor) -> Tensor:
    """Mean smooth absolute error of coordinates inside the brain.

    Args:
        predicted: (batch, 3, x, y, z), decimetres.
        target: The same.
        inside: (batch, x, y, z) bool.

    Returns:
        A scalar.
    """
    error = functional.smooth_l1_loss(predicted.float(), target, beta=0.05, reduction="none").sum(1)
    return (error * inside).sum() / inside.sum().clamp(min=1)
