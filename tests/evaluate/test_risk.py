from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from deepgray.errors import InputError, OutputError
from deepgray.evaluate import risk_coverage, write_risk_coverage


def test_curve_by_hand() -> None:
    # In the order of the scores the errors are 0.1, 0.3, 0.2, 0.4; the oracle's order is 0.1, 0.2, 0.3, 0.4.
    curve = risk_coverage([0.5, 0.1, 0.9, 0.4], [0.2, 0.1, 0.4, 0.3])
    assert curve.coverage == pytest.approx([0.25, 0.5, 0.75, 1])
    assert curve.risk == pytest.approx([0.1, 0.2, 0.2, 0.25])
    assert curve.oracle == pytest.approx([0.1, 0.15, 0.2, 0.25])
    assert curve.random == pytest.approx(0.25)
    assert curve.aurc == pytest.approx(0.1875)
    assert curve.excess == pytest.approx(0.0125)
    assert curve.spearman == pytest.approx(0.8)  # ranks differ by 1 twice: 1 - 6 · 2 / (4 · 15)


def test_a_score_that_knows_the_errors_has_no_excess() -> None:
    curve = risk_coverage([1, 2, 3], [0.1, 0.2, 0.9])
    assert curve.excess == 0
    assert curve.spearman == pytest.approx(1)


def test_equal_scores_stay_at_the_random_line() -> None:
    curve = risk_coverage([0.5, 0.5, 0.5], [0.3, 0.1, 0.2])
    assert curve.risk == pytest.approx([0.2, 0.2, 0.2])
    assert np.isnan(curve.spearman)


def test_risk_at_a_coverage() -> None:
    curve = risk_coverage([1, 2, 3, 4], [0.1, 0.2, 0.3, 0.4])
    assert curve.risk_at(0.75) == pytest.approx(0.2)
    assert curve.risk_at(0.6) == pytest.approx(0.2)  # at least 60 %: three of four
    assert curve.risk_at(1.0) == pytest.approx(0.25)
    assert curve.risk_at(0.01) == pytest.approx(0.1)
    with pytest.raises(InputError, match="0 came"):
        curve.risk_at(0)


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.3]), st.floats(0, 1)), min_size=2, max_size=5))
def test_agrees_with_the_mean_over_every_order(pairs: list[tuple[float, float]]) -> None:
    scores, errors = zip(*pairs, strict=True)
    orders = [o for o in permutations(range(len(scores))) if sorted(scores) == [scores[i] for i in o]]
    brute = [np.mean([np.mean([errors[i] for i in o[:kept]]) for o in orders]) for kept in range(1, len(scores) + 1)]
    curve = risk_coverage(scores, errors)
    assert curve.risk == pytest.approx(brute)
    assert curve.excess >= -1e-12
    if len(set(scores)) > 1 and len(set(errors)) > 1:
        assert curve.spearman == pytest.approx(spearmanr(scores, errors).statistic)


@pytest.mark.parametrize(
    ("scores", "errors", "message"),
    [([1], [1], "1 and 1 came"), ([1, 2], [1, 2, 3], "2 and 3 came"), ([1, np.nan], [1, 2], "NaN or infinite")],
)
def test_refuses(scores: list[float], errors: list[float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        risk_coverage(scores, errors)


def test_written_as_a_table(tmp_path: Path) -> None:
    write_risk_coverage(risk_coverage([1, 2], [0.5, 0.25]), tmp_path / "risk.tsv")
    assert (tmp_path / "risk.tsv").read_text(encoding="utf-8") == (
        "coverage\trisk\toracle\trandom\n0.5\t0.5\t0.25\t0.375\n1\t0.375\t0.375\t0.375\n"
    )


def test_refuses_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write_risk_coverage(risk_coverage([1, 2], [0.5, 0.25]), tmp_path / "none" / "risk.tsv")
