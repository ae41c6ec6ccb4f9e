"""Intervals by hand: residuals in spreads, their quantile, and what it makes of a further number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepgray.measure.intervals import Judged, interval, reaches_of, with_intervals
from deepgray.models.intervals import Reach
from deepgray.result import Measurement

NAN = float("nan")


KEY = ("volume", "putamen", "side")


def heads(residuals: dict[str, list[float]], *, spread: float = 2.0) -> list[Judged]:
    """Numbers of 100 whose truth lies so many spreads above."""
    return [Judged(h, 100.0, spread, 100.0 + spread * r) for h, values in residuals.items() for r in values]


def test_the_reach_by_hand() -> None:
    # Head a: 0, 1, 2, middle 1, 2/3 from it on average. Head b: 3, 4, 5, middle 4. Those of a lie between 0 and b's
    # middle, score 0; those of b lie 2, 3, 4 times 3/2 beyond a's: the largest of six (ceil(.95 · 7) is beyond) is 6.
    # All: 0 … 5, middle 2.5, 1.5 from it on average; 6 times that is 9.
    found = reaches_of({KEY: heads({"a": [0, 1, 2], "b": [3, 4, 5]})})
    assert found[KEY] == Reach(pytest.approx(2.5 - 9), pytest.approx(2.5 + 9), 1.0, 6)  # type: ignore[arg-type]


def test_heads_that_differ_widen_the_reach() -> None:
    alike = reaches_of({KEY: heads({"a": [0, 1, 2], "b": [0, 1, 2]})})[KEY]
    unlike = reaches_of({KEY: heads({"a": [0, 1, 2], "b": [3, 4, 5]})})[KEY]
    # alike: middle 1, of 0, 1, 2 only 2 lies beyond it, score 1 / (2/3) = 1.5, distance 2/3
    assert (alike.low, alike.high) == (pytest.approx(0.0), pytest.approx(2.0))
    assert unlike.high - unlike.low > 8 * (alike.high - alike.low)


def test_of_many_scores_the_highest_twentieth_is_left_out() -> None:
    # Two heads with residuals −50 … 50: middle 0, distance 2550 / 101. The rank is ceil(.95 · 203) = 193 of 202; of
    # the scores two are 0 and four are each further one, so that the 193rd is that of 48.
    values = [float(n) for n in range(-50, 51)]
    reach = reaches_of({KEY: heads({"a": values, "b": values})})[KEY]
    assert (reach.low, reach.high, reach.count) == (pytest.approx(-48.0), pytest.approx(48.0), 202)


def test_kinds_of_a_quantity_share_their_scores_and_keep_their_own_middle_and_distance() -> None:
    wide = ("volume", "accumbens", "side")
    found = reaches_of(
        {KEY: heads({"a": [0, 1, 2], "b": [0, 1, 2]}), wide: heads({"a": [10, 20, 30], "b": [10, 20, 30]})}
    )
    assert (found[KEY].low, found[KEY].high) == (pytest.approx(0.0), pytest.approx(2.0))
    assert (found[wide].low, found[wide].high) == (pytest.approx(10.0), pytest.approx(30.0))


def test_heads_that_trained_the_network_teach_the_middle_and_have_no_score() -> None:
    seen = [replace(j, trained=True) for j in heads({"c": [0.5, 1, 1.5], "d": [0.5, 1, 1.5]})]
    unseen = heads({"a": [0, 1, 2]})
    found = reaches_of({KEY: [*unseen, *seen]})[KEY]
    # Of c and d: middle 1, distance 1/3; scores of a: 0, 0, 3. Of all: middle 1, distance (2/3 + 1/3 + 1/3) / 3.
    assert (found.low, found.high) == (pytest.approx(1 - 4 / 3), pytest.approx(1 + 4 / 3))
    assert reaches_of({KEY: seen}) == {}


def test_what_an_interval_holds_anyway_needs_no_reach() -> None:
    # Middles of a and b are −1 and −2: what lies between them and 0 is held however short the reach, and the largest
    # score is that of −3 by a's middle, 2 of a's 2/3; all: middle −1.5, distance .5 + 2/3 over 2.
    found = reaches_of({KEY: heads({"a": [0, -1, -2], "b": [-3, -2, -1]})})[KEY]
    distance = (np.abs(np.array([1.5, 0.5, -0.5])).mean() + np.abs(np.array([-1.5, -0.5, 0.5])).mean()) / 2
    assert found.low == pytest.approx(-1.5 - 3 * distance)
    assert found.high == pytest.approx(-1.5 + 3 * distance)


def test_each_head_counts_once_whatever_the_number_of_its_scans() -> None:
    few = reaches_of({KEY: heads({"a": [0, 2], "b": [0, 2], "c": [5, 7]})})[KEY]
    many = reaches_of({KEY: heads({"a": [0, 2], "b": [0, 2], "c": [5, 7] * 9})})[KEY]
    assert few.low == pytest.approx(many.low)
    assert few.high == pytest.approx(many.high)


def test_a_small_spread_counts_as_half_of_the_usual_one() -> None:
    # Spreads of 4, and two of .01: the floor is 2, so that their residuals are 4 / 2 and not 400.
    judged = [Judged(h, 0.0, 4.0, 4.0 * r) for h in "ab" for r in (0, 1, 2)] + [Judged(h, 0.0, 0.01, 4.0) for h in "ab"]
    reach = reaches_of({KEY: judged})[KEY]
    assert reach.floor == 2.0
    assert reach.high < 4.0


def test_undefined_numbers_teach_nothing() -> None:
    known = heads({"a": [0, 1, 2], "b": [3, 4, 5]})
    undefined = [Judged("a", NAN, 1.0, 1.0), Judged("b", 1.0, NAN, 1.0), Judged("c", 1.0, 1.0, NAN)]
    assert reaches_of({KEY: [*known, *undefined]}) == reaches_of({KEY: known})


@pytest.mark.parametrize(
    "judged",
    [[], heads({"a": [0, 1, 2]}), heads({"a": [1, 1], "b": [1, 1]}), heads({"a": [1], "b": [2]}, spread=0.0)],
    ids=["none", "one head", "always equally far", "never moves"],
)
def test_what_cannot_be_learnt_is_left_out(judged: list[Judged]) -> None:
    assert reaches_of({KEY: judged}) == {}


@pytest.mark.parametrize(
    ("spread", "reach", "expected"),
    [
        (2.0, Reach(-1.5, 1.5, 0.1, 30), (7.0, 13.0)),
        (2.0, Reach(-1.0, 1.5, 0.1, 30), (7.5, 13.0)),  # half as far as the reach is wide, at least
        (0.01, Reach(-1.0, 1.5, 0.1, 30), (9.875, 10.15)),  # the floor
        (2.0, Reach(0.5, 1.5, 0.1, 30), (9.0, 13.0)),  # the number itself is held
        (2.0, Reach(-1.5, -0.5, 0.1, 30), (7.0, 11.0)),
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


def test_intervals_hold_as_many_truths_of_new_heads_as_they_promise() -> None:
    random = np.random.default_rng(0)

    def scans(name: str) -> list[Judged]:
        """Of one head: all are off by something of its own."""
        own = random.normal(0.5, 1.0)
        spread, error = random.uniform(1, 5, 10), random.normal(0, 0.5, 10)
        return [Judged(name, 100.0, float(s), float(100 + s * (own + e))) for s, e in zip(spread, error, strict=True)]

    reach = reaches_of({KEY: [j for n in range(40) for j in scans(f"head {n}")]})[KEY]
    new = [j for n in range(400) for j in scans(f"new {n}")]
    ends = [interval(j.value, j.spread, reach) for j in new]
    held = [low <= j.truth <= high for j, (low, high) in zip(new, ends, strict=True)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.025)
