"""The loss: soft Dice plus cross entropy, at several scales."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

# Weight of each scale, finest first.
SCALE_WEIGHTS = (1.0, 0.35, 0.15)
# Logits are multiplied by this before their mask is taken: nearly an outline, and still something to learn from.
SHARPNESS = 3.0
# Of intensities between 0 and about 1: below it a relative error says nothing.
FAINTEST_MEAN = 0.15


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


def uptake_error(logits: Tensor, truth: Tensor, image: Tensor, *, border_logit: float) -> Tensor:
    """How far the mean intensity in what is outlined is from that in the true mask, relative, mean over all outlines.

    A network that is only asked for overlap outlines the part of a nucleus that it is surest of. On a tracer image that
    is the brightest part, and every binding ratio comes out too high.

    Args:
        logits: (batch, classes, x, y, z); class 0 is background.
        truth: (batch, classes, x, y, z) shares of the classes.
        image: (batch, x, y, z), not negative where nuclei are.
        border_logit: Of the recipe, so that the borders are those that people will get.

    Returns:
        A scalar; 0 where no class occurs.
    """
    shift = torch.zeros(logits.shape[1], device=logits.device)
    shift[0] = border_logit
    outlined = (SHARPNESS * (logits.float() + shift[:, None, None, None])).softmax(1)[:, 1:]
    wanted = truth[:, 1:]
    present = wanted.sum((2, 3, 4)) > 0
    if not bool(present.any()):
        return logits.sum() * 0
    intensity = image.float()[:, None]
    found_mean, true_mean = (
        (share * intensity).sum((2, 3, 4)) / share.sum((2, 3, 4)).clamp(min=1.0) for share in (outlined, wanted)
    )
    return ((found_mean - true_mean).abs() / true_mean.clamp(min=FAINTEST_MEAN))[present].mean()


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


def both_sides_error(
    outputs: list[Tensor], target: Tensor, image: Tensor, *, steps: tuple[int, ...], tracer: float | None
) -> Tensor:
    """``dice_cross_entropy`` of each side at several scales and, where a tracer is measured, the ``uptake_error``.

    Args:
        outputs: (batch, classes, x, y, z) of both sides together, finest first.
        target: (batch, x, y, z) class indices on the grid of the first.
        image: (batch, channels, x, y, z) that was seen there, the scan first, on larger voxels.
        steps: How many voxels of ``target`` lie along one of each output.
        tracer: The recipe's border logit where a tracer is measured.
    """
    truth = shares(target, outputs[0].shape[1])
    total = outputs[0].sum() * 0
    for weight, step, output in zip(SCALE_WEIGHTS, steps, outputs, strict=True):
        wanted = truth if step == 1 else functional.avg_pool3d(truth, step)
        total = total + weight * dice_cross_entropy(_as_left(output), _as_left(wanted))
    if tracer is None:
        return total
    seen = functional.interpolate(image[:, :1], size=target.shape[1:], mode="trilinear", align_corners=False)
    intensity = _as_left(seen)[:, 0].clamp(min=0)
    return total + uptake_error(_as_left(outputs[0]), _as_left(truth), intensity, border_logit=tracer)


def _as_left(both: Tensor) -> Tensor:
    """(2 batch, channels, x / 2, y, z): left sides, then right ones mirrored."""
    middle = both.shape[2] // 2
    return torch.cat([both[:, :, :middle], both[:, :, middle:].flip(2)])
