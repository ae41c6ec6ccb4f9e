"""Simulated raters."""

from __future__ import annotations

import numpy as np
import pytest
from toy_dentates import AFFINE, ball

from deepgray.anatomy import scheme
from deepgray.evaluate import compare
from deepgray.protocols.raters import Rater, draw_again
from deepgray.scan import LabelMap


def dice(one: LabelMap, other: LabelMap) -> float:
    return min(score.dice for score in compare(one, other))


def test_a_rater_without_habit_and_chance_draws_the_truth() -> None:
    truth = ball()
    np.testing.assert_array_equal(draw_again(truth, Rater(0.0, 0.0), seed=1).voxels, truth.voxels)


@pytest.mark.parametrize("habit_mm", [-1.0, 1.0])
def test_a_habit_moves_the_border_by_so_much(habit_mm: float) -> None:
    truth = ball(6.0)
    drawn = draw_again(truth, Rater(habit_mm, 0.0), seed=1)
    for one in truth.scheme.structures:
        ratio = drawn.mask(one).sum() / truth.mask(one).sum()
        assert ratio == pytest.approx(((6.0 + habit_mm) / 6.0) ** 3, rel=0.12)


def test_chance_differs_from_sitting_to_sitting_and_repeats_with_its_seed() -> None:
    truth = ball()
    hand = Rater(0.0, 0.5)
    first, again, other = (draw_again(truth, hand, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.voxels, again.voxels)
    assert 0.8 < dice(first, other) < 1.0
    assert draw_again(truth, Rater(0.0, 0.1), seed=1).voxels.dtype == truth.voxels.dtype


def test_an_empty_map_stays_empty() -> None:
    empty = LabelMap(np.zeros((4, 4, 4), dtype=np.int16), AFFINE, scheme("dentate2"))
    assert not draw_again(empty, Rater(0.5, 0.5), seed=1).voxels.any()
