"""Intervals by hand: residuals in spreads, their quantile, and what it makes of a further number."""

from __future__ import annotations

import numpy as np
import pytest

from deepgray.measure.intervals import Judged, interval, reach_of, with_intervals
from deepgray.models.intervals import Reach
from deepgray.result import Measurement

NAN = float("nan")


def test_the_reach_by_hand() -> None:
    # Spreads of 2, floor 1. Residuals 0, 1, 2 … 18: the median is 9, the 19th of 19 distances from it is 9.
    judged = [Judged(100.0, 2.0, 100.0 + 2.0 * n) for n in range(19)]
    assert reach_of(judged) == Reach(0.0, 18.0, 1.0, 19)


def test_of_many_numbers_the_farthest_twentieth_is_left_out() -> None:
    # Residuals −50 … 50, median 0. The rank is ceil(.95 · 102) = 97; of the distances 0, 1, 1, 2, 2 … the 97th is 48.
    reach = reach_of([Judged(0.0, 1.0, float(n)) for n in range(-50, 51)])
    assert reach == Reach(-48.0, 48.0, 0.5, 101)


def test_a_small_spread_counts_as_half_of_the_usual_one() -> None:
    judged = [Judged(0.0, 4.0, 4.0)] * 18 + [Judged(0.0, 0.01, 4.0)]
    reach = reach_of(judged)
    # The floor is 2: the last residual is 4 / 2, not 400; the median is 1, and the farthest lies 1 from it.
    assert reach == Reach(0.0, 2.0, 2.0, 19)


def test_undefined_numbers_teach_nothing() -> None:
    known = [Judged(1.0, 1.0, 1.5)] * 3
    assert reach_of([*known, Judged(NAN, 1.0, 1.0), Judged(1.0, NAN, 1.0), Judged(1.0, 1.0, NAN)]) == reach_of(known)
    assert reach_of([]) is None
    assert reach_of([Judged(1.0, 0.0, 1.0)]) is None


@pytest.mark.parametrize(
    ("spread", "reach", "expected"),
    [
        (2.0, Reach(-1.0, 1.5, 0.1, 30), (8.0, 13.0)),
        (0.01, Reach(-1.0, 1.5, 0.1, 30), (9.9, 10.15)),  # the floor
        (2.0, Reach(0.5, 1.5, 0.1, 30), (10.0, 13.0)),  # the number itself is held
        (2.0, Reach(-1.5, -0.5, 0.1, 30), (7.0, 10.0)),
    ],
)
def test_ends_of_an_interval(spread: float, reach: Reach, expected: tuple[float, float]) -> None:
    assert interval(10.0, spread, reach) == pytest.approx(expected)


def number(side: str, quantity: str, value: float) -> Measurement:
    return Measurement("putamen", side, 12, quantity, value, "mm3", "")


def test_left_and_right_are_of_one_kind_and_both_of_another() -> None:
    reaches = {("volume", "putamen", "side"): Reach(-1, 1, 1, 30), ("volume", "putamen", "both"): Reach(-2, 2, 1, 30)}
    given = [number(side, "volume", 100.0) for side in ("left", "right", "both")]
    spreads = {("putamen", side, "volume"): 10.0 for side in ("left", "right", "both")}
    found = with_intervals(given, spreads, reaches)
    assert [(m.lower, m.upper) for m in found] == [(90.0, 110.0), (90.0, 110.0), (80.0, 120.0)]


def test_a_volume_does_not_end_below_zero_and_an_asymmetry_may() -> None:
    kinds = ("volume", "asymmetry", "asi")
    reaches = {(q, "putamen", "both"): Reach(-2, 2, 1, 30) for q in kinds}
    spreads = {("putamen", "both", q): 10.0 for q in kinds}
    found = with_intervals([number("both", q, 5.0) for q in kinds], spreads, reaches)
    assert [m.lower for m in found] == [0.0, -15.0, 0.0]


def test_what_is_not_known_stays_empty() -> None:
    reaches = {("volume", "putamen", "side"): Reach(-1, 1, 1, 30)}
    given = [number("left", "volume", NAN), number("left", "suvr", 2.0), number("right", "volume", 3.0)]
    found = with_intervals(given, {("putamen", "left", "volume"): 1.0, ("putamen", "left", "suvr"): 1.0}, reaches)
    assert [(m.lower, m.upper) for m in found] == [(None, None)] * 3


def test_intervals_hold_as_many_truths_as_they_promise() -> None:
    random = np.random.default_rng(0)

    def scans(count: int) -> list[Judged]:
        spread = random.uniform(1, 5, count)
        value = random.normal(100, 10, count)
        return [
            Judged(float(v), float(s), float(v + s / 2 + s * e))
            for v, s, e in zip(value, spread, random.standard_t(5, count), strict=True)
        ]

    reach = reach_of(scans(8000))
    assert reach is not None
    ends = [(interval(j.value, j.spread, reach), j.truth) for j in scans(8000)]
    assert np.mean([low <= truth <= high for (low, high), truth in ends]) == pytest.approx(0.95, abs=0.015)
