from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.train.losses import (  # noqa: E402
    SCALE_WEIGHTS,
    at_scales,
    both_sides_error,
    dice_cross_entropy,
    shares,
    uptake_error,
)

# 2 × 2 × 2 voxels of class 1, two classes, logits of nought: every probability is a half.
ONES = torch.ones(1, 2, 2, 2, dtype=torch.int64)
# Overlap 8 · ½ = 4, total 4 + 8: Dice (2 · 4 + 1) / (12 + 1).
UNDECIDED = 1 - 9 / 13 + math.log(2)


def certain(target: torch.Tensor, classes: int) -> torch.Tensor:
    return shares(target, classes) * 40.0 - 20.0


def test_shares_by_hand() -> None:
    target = torch.tensor([0, 2, 1, 1]).reshape(1, 1, 2, 2)
    found = shares(target, 3)
    assert found.shape == (1, 3, 1, 2, 2)
    assert found[0, :, 0].flatten(1).tolist() == [[1, 0, 0, 0], [0, 0, 1, 1], [0, 1, 0, 0]]


def test_an_undecided_network() -> None:
    loss = dice_cross_entropy(torch.zeros(1, 2, 2, 2, 2), shares(ONES, 2))
    assert float(loss) == pytest.approx(UNDECIDED)


def test_a_certain_network_that_is_right_loses_nothing() -> None:
    target = torch.arange(8).reshape(1, 2, 2, 2) % 3
    assert float(dice_cross_entropy(certain(target, 3), shares(target, 3))) == pytest.approx(0.0, abs=1e-5)


def test_a_certain_network_that_is_wrong() -> None:
    # Dice (0 + 1) / (0 + 8 + 1); the cross entropy is the distance of the two logits.
    loss = dice_cross_entropy(certain(1 - ONES, 2), shares(ONES, 2))
    assert float(loss) == pytest.approx(1 - 1 / 9 + 40.0, rel=1e-5)


def test_background_alone_has_no_dice() -> None:
    loss = dice_cross_entropy(torch.zeros(1, 3, 2, 2, 2), shares(0 * ONES, 3))
    assert float(loss) == pytest.approx(math.log(3))


def test_only_what_is_inside_counts() -> None:
    # Four of eight voxels: overlap 2, total 2 + 4; wrong answers outside cost nothing.
    inside = torch.zeros(1, 2, 2, 2, dtype=torch.bool)
    inside[:, 0] = True
    logits = torch.zeros(1, 2, 2, 2, 2)
    logits[:, 0, 1] = 30.0
    truth = shares(ONES, 2)
    assert float(dice_cross_entropy(logits, truth, inside)) == pytest.approx(1 - 5 / 7 + math.log(2))


def test_nothing_inside_costs_nothing() -> None:
    nowhere = torch.zeros(1, 2, 2, 2, dtype=torch.bool)
    loss = dice_cross_entropy(torch.randn(1, 2, 2, 2, 2, requires_grad=True), shares(ONES, 2), nowhere)
    assert float(loss.detach()) == 0.0
    loss.backward()


def test_coarser_scales_count_less_and_see_every_second_voxel() -> None:
    target = torch.zeros(1, 4, 4, 4, dtype=torch.int64)
    target[:, ::2, ::2, ::2] = 1  # at every second voxel there is nothing but class 1
    finest, coarser = certain(target, 2), torch.zeros(1, 2, 2, 2, 2)
    assert float(at_scales([finest, coarser], target)) == pytest.approx(SCALE_WEIGHTS[1] * UNDECIDED, abs=1e-4)
    half = target.bool() & (torch.arange(4) < 2)[:, None, None]
    found = float(at_scales([finest, coarser], target, half))
    assert found == pytest.approx(SCALE_WEIGHTS[1] * (1 - 5 / 7 + math.log(2)), abs=1e-4)


def test_half_precision_logits_are_judged_in_single_precision() -> None:
    loss = dice_cross_entropy(torch.zeros(1, 2, 2, 2, 2, dtype=torch.bfloat16), shares(ONES, 2))
    assert loss.dtype == torch.float32


# A nucleus of four voxels in a row of eight; its first half is twice as bright as the second.
NUCLEUS = torch.tensor([0, 0, 1, 1, 1, 1, 0, 0]).reshape(1, 8, 1, 1)
UPTAKE = torch.tensor([0.2, 0.2, 1.0, 1.0, 0.5, 0.5, 0.2, 0.2]).reshape(1, 8, 1, 1)


def test_the_true_mask_has_no_uptake_error() -> None:
    error = uptake_error(certain(NUCLEUS, 2), shares(NUCLEUS, 2), UPTAKE, border_logit=0.0)
    assert float(error) == pytest.approx(0.0, abs=1e-6)


def test_an_outline_of_the_bright_half_reads_high() -> None:
    bright = torch.tensor([0, 0, 1, 1, 0, 0, 0, 0]).reshape(1, 8, 1, 1)
    error = uptake_error(certain(bright, 2), shares(NUCLEUS, 2), UPTAKE, border_logit=0.0)
    assert float(error) == pytest.approx((1.0 - 0.75) / 0.75, rel=1e-4)


def test_the_border_is_that_of_the_recipe() -> None:
    """The dark half is just not likely enough, and becomes so with the recipe's logit."""
    logits = torch.zeros(1, 2, 8, 1, 1)
    logits[0, 0] = 20.0 * (NUCLEUS[0] == 0)
    logits[0, 1, 2:4], logits[0, 1, 4:6] = 20.0, -5.0
    narrow, wide = (uptake_error(logits, shares(NUCLEUS, 2), UPTAKE, border_logit=b) for b in (0.0, -10.0))
    assert float(narrow) == pytest.approx(1 / 3, rel=1e-3)
    assert float(wide) == pytest.approx(0.0, abs=1e-3)


def test_the_uptake_error_of_nothing_is_nothing() -> None:
    nothing = torch.zeros_like(NUCLEUS)
    error = uptake_error(certain(nothing, 2).requires_grad_(), shares(nothing, 2), UPTAKE, border_logit=0.0)
    assert float(error.detach()) == 0.0
    error.backward()


def test_every_person_of_a_batch_is_measured_alone() -> None:
    # One reads a quarter high, the other a quarter low: together nothing, each alone .25.
    truth = torch.zeros(2, 2, 1, 1, 4)
    truth[:, 1, ..., :2], truth[:, 0, ..., 2:] = 1, 1
    image = torch.tensor([[1.0, 1.0, 1.5, 1.5], [1.0, 1.0, 0.5, 0.5]])[:, None, None]
    all_of_it = torch.stack([torch.full((2, 1, 1, 4), -20.0), torch.full((2, 1, 1, 4), 20.0)], dim=1)
    assert float(uptake_error(all_of_it, truth, image, border_logit=0.0)) == pytest.approx(0.25, abs=1e-4)


def test_both_sides_are_two_left_ones() -> None:
    """Two voxels of 8 along each axis, the left one of class 1: a batch of that, and of nothing."""
    target = torch.zeros(1, 16, 8, 8, dtype=torch.int64)
    target[:, :8] = 1
    outputs = [torch.randn(1, 2, 16 // step, 8 // step, 8 // step) for step in (1, 4, 8)]
    image = torch.rand(1, 1, 8, 4, 4)
    found = both_sides_error(outputs, target, image, steps=(1, 4, 8), tracer=None)
    by_hand = 0.0
    for weight, output in zip(SCALE_WEIGHTS, outputs, strict=True):
        n = output.shape[2] // 2
        pair = torch.cat([output[:, :, :n], output[:, :, n:].flip(2)])
        truth = torch.zeros_like(pair)
        truth[0, 1], truth[1, 0] = 1, 1
        by_hand += weight * float(dice_cross_entropy(pair, truth))
    assert float(found) == pytest.approx(by_hand, rel=1e-5)
    mirrored = both_sides_error(
        [o.flip(2) for o in outputs], target.flip(1), image.flip(2), steps=(1, 4, 8), tracer=-1.0
    )
    with_tracer = both_sides_error(outputs, target, image, steps=(1, 4, 8), tracer=-1.0)
    assert float(mirrored) == pytest.approx(float(with_tracer), rel=1e-5)
    assert float(with_tracer) > float(found)
