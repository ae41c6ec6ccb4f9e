"""Which scans go to the expert."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.protocols.striatum.arms import CASCADE, CORRECTION, MENDED
from deepgray.protocols.striatum.cases import Row
from deepgray.protocols.striatum.doubt import SHIPPED
from deepgray.protocols.striatum.flagged import case_dice, least_sure, rankings, with_correction


def row(arm: str, case: str, dice: float) -> Row:
    return Row(arm, "controls", "a", case, "ventral putamen", "left", dice, 1.0, 0.5, 500.0, 510.0, 1.0, 1.1, 3.0)


CASES = [f"case {n}" for n in range(8)]
# Case 7 is the worst, then 6, …; the shipped score puts 7 and 0 first, the other one knows nothing.
ROWS = [row(CASCADE, case, 0.9 - 0.02 * n) for n, case in enumerate(CASES)]
ROWS += [row(MENDED, case, 0.95) for case in CASES]
DOUBTS = {case: {SHIPPED: 0.1 + 0.01 * n, "other": -float(n)} for n, case in enumerate(CASES)}
DOUBTS["case 0"][SHIPPED] = 0.5


def test_the_mean_of_the_subregions_counts() -> None:
    assert case_dice([row("a", "x", 0.5), row("a", "x", 0.7), row("b", "x", 0.1)], "a") == {"x": pytest.approx(0.6)}


def test_a_quarter_is_rounded_up() -> None:
    assert least_sure({"a": 1.0, "b": 3.0, "c": 2.0}) == ("b",)
    assert least_sure(dict.fromkeys("abcde", 1.0)) == ("a", "b")


def test_only_the_flagged_quarter_is_mended() -> None:
    rows = with_correction(ROWS, DOUBTS)
    assert rows[: len(ROWS)] == tuple(ROWS)
    dice = case_dice(rows, CORRECTION)
    assert {case for case, value in dice.items() if value == 0.95} == {"case 0", "case 7"}
    assert dice["case 3"] == pytest.approx(0.84)


def test_a_ranking_says_how_many_of_the_worst_are_flagged() -> None:
    shipped, other = rankings(ROWS, DOUBTS)
    assert shipped.name == SHIPPED
    assert shipped.worst == other.worst == ("case 7",)
    assert shipped.flagged == ("case 0", "case 7")
    assert shipped.share == 1.0
    assert other.flagged == ("case 0", "case 1")
    assert other.share == 0.0
    assert other.curve.spearman == pytest.approx(-1.0)
    # kept: case 1 to 6, errors .12, .14, …, .22
    assert shipped.curve.risk_at(0.75) == pytest.approx(0.17)


def test_a_score_that_some_lack_is_left_out() -> None:
    doubts = {case: dict(own) for case, own in DOUBTS.items()}
    del doubts["case 3"]["other"]
    assert [one.name for one in rankings(ROWS, doubts)] == [SHIPPED]
    assert rankings(ROWS[:3], DOUBTS) == ()
