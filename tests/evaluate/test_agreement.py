import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from deepgray.errors import InputError
from deepgray.evaluate import Agreement, agree, icc

# Bland and Altman (Lancet 1986, i:307): peak expiratory flow by a large and by a small meter, l/min.
LARGE = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
SMALL = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]


@pytest.fixture
def flow() -> Agreement:
    return agree(LARGE, SMALL, unit="l/min")


def test_the_example_of_bland_and_altman(flow: Agreement) -> None:
    limits = flow.bland_altman
    # Printed: mean difference -2.1, SD 38.8, 95 % interval of the bias -22.0 to 17.8, r 0.94.
    assert limits.bias.value == pytest.approx(-2.1, abs=0.05)
    assert limits.sd == pytest.approx(38.8, abs=0.05)
    assert (limits.bias.lower, limits.bias.upper) == pytest.approx((-22.0, 17.8), abs=0.05)
    assert flow.pearson.value == pytest.approx(0.94, abs=0.005)
    # They take 2 SD where 1.96 is taken here, and 3 SD² / n: limits -79.7 and 75.5, lower one -114.3 to -45.1.
    assert limits.lower_limit.value == pytest.approx(-2.1176 - 1.96 * 38.7651, abs=1e-3)
    assert limits.lower_limit.upper - limits.lower_limit.value == pytest.approx(34.6, abs=0.2)
    assert limits.upper_limit.value == pytest.approx(-2.1176 + 1.96 * 38.7651, abs=1e-3)


def test_four_pairs_by_hand() -> None:
    # Differences 1, 1, -1, 3: mean 1, SD √(8 / 3); absolute mean 6 / 4; the reference has the mean 5.
    found = agree([3, 5, 5, 11], [2, 4, 6, 8], unit="mm3")
    sd = math.sqrt(8 / 3)
    assert found.bland_altman.bias.value == pytest.approx(1)
    assert found.bland_altman.sd == pytest.approx(sd)
    assert found.bland_altman.upper_limit.value == pytest.approx(1 + 1.96 * sd)
    assert found.bland_altman.bias.upper == pytest.approx(1 + 3.182446 * sd / 2, rel=1e-6)  # t(3) at 97.5 %
    # Variance of a limit: SD² (1 / 4 + 1.96² / 6).
    assert found.bland_altman.upper_limit.upper == pytest.approx(
        1 + 1.96 * sd + 3.182446 * sd * math.sqrt(0.25 + 1.96**2 / 6), rel=1e-6
    )
    assert found.absolute.mad == pytest.approx(1.5)
    assert found.absolute.percent_mad == pytest.approx(30)
    assert found.absolute.percent_sd == pytest.approx(100 * 1 / 5)  # absolute differences 1, 1, 1, 3: variance 3 / 3
    # Σxy = -3·-3 + -1·-1 + 1·-1 + 3·5 = 24 around the means 5 and 6, Σx² = 20, Σy² = 36.
    assert found.regression.slope == pytest.approx(1.2)
    assert found.regression.intercept == pytest.approx(0)
    assert found.regression.r_squared == pytest.approx(24**2 / (20 * 36))
    assert found.pearson.value == pytest.approx(24 / math.sqrt(720))
    # atanh r ± 1.959964 / √(4 - 3)
    assert found.pearson.lower == pytest.approx(math.tanh(math.atanh(24 / math.sqrt(720)) - 1.959964), rel=1e-5)
    assert found.t.statistic == pytest.approx(1 / (sd / 2))
    # Ranks 2, 2, 2, 4 with one negative 2: the smaller sum is 2.
    assert found.wilcoxon.statistic == 2
    assert (found.pairs, found.dropped, found.unit, found.reasons) == (4, 0, "mm3", ())


def test_agrees_with_scipy(flow: Agreement) -> None:
    line, r = stats.linregress(SMALL, LARGE), stats.pearsonr(LARGE, SMALL)
    assert (flow.regression.slope, flow.regression.intercept) == pytest.approx((line.slope, line.intercept))
    assert flow.regression.r_squared == pytest.approx(r.statistic**2)
    interval = r.confidence_interval(0.95)
    assert (flow.pearson.lower, flow.pearson.upper) == pytest.approx((interval.low, interval.high))
    t, wilcoxon = stats.ttest_rel(LARGE, SMALL), stats.wilcoxon(LARGE, SMALL)
    assert (flow.t.statistic, flow.t.p_value) == pytest.approx((t.statistic, t.pvalue))
    assert (flow.wilcoxon.statistic, flow.wilcoxon.p_value) == pytest.approx((wilcoxon.statistic, wilcoxon.pvalue))
    interval = t.confidence_interval(0.95)
    bias = flow.bland_altman.bias
    assert (bias.lower, bias.upper) == pytest.approx((interval.low, interval.high))


def test_measured_and_reference_are_two_raters(flow: Agreement) -> None:
    assert flow.icc == icc(np.column_stack([LARGE, SMALL]))
    assert flow.icc21 == flow.icc[1].estimate


def test_incomplete_pairs_are_dropped_and_counted(flow: Agreement) -> None:
    found = agree([*LARGE, math.nan, 1, math.inf], [*SMALL, 2, math.nan, 3], unit="l/min")
    assert (found.pairs, found.dropped) == (17, 3)
    assert found.bland_altman == flow.bland_altman
    assert found.icc21 == flow.icc21


def test_no_difference_at_all() -> None:
    found = agree([0.1, 0.2, 0.4], [0.1, 0.2, 0.4], unit="ppm")
    assert found.bland_altman.bias.value == 0
    assert found.bland_altman.sd == 0
    assert (found.pearson.value, found.icc21.value, found.regression.slope) == pytest.approx((1, 1, 1))
    assert math.isnan(found.pearson.lower)
    assert found.pearson.reason == "4 pairs or more are wanted for an interval of r, 3 came"
    assert (found.t.reason, found.wilcoxon.reason) == ("all differences are equal", "no pair differs")
    assert math.isnan(found.t.p_value)
    assert math.isnan(found.wilcoxon.p_value)


def test_a_perfect_correlation_of_four_has_an_interval_of_one_point() -> None:
    pearson = agree([1, 2, 3, 5], [2, 4, 6, 10], unit="ppm").pearson
    assert (pearson.value, pearson.lower, pearson.upper) == pytest.approx((1, 1, 1))


def test_differences_that_are_rounding_are_none() -> None:
    found = agree([0.1 + 0.2, 0.7 + 0.1, 1.0], [0.3, 0.8, 1.0], unit="ppm")
    assert found.wilcoxon.reason == "no pair differs"
    assert found.t.reason == "all differences are equal"


@pytest.mark.parametrize(
    ("measured", "reference", "reason"),
    [
        ([0.3, 0.3, 0.3], [1, 2, 3], "all measured values are equal"),
        ([1, 2, 3], [0.3, 0.3, 0.1 + 0.2], "all reference values are equal"),
        ([5, 5, 5], [5, 5, 5], "all measured values are equal"),
    ],
)
def test_constant_values_leave_correlation_and_line_undefined(
    measured: list[float], reference: list[float], reason: str
) -> None:
    found = agree(measured, reference, unit="ppm")
    assert (found.pearson.reason, found.regression.reason) == (reason, reason)
    assert math.isnan(found.pearson.value)
    assert math.isnan(found.regression.slope)
    assert found.bland_altman.bias.value == pytest.approx(np.mean(measured) - np.mean(reference))


def test_a_reference_around_zero_has_no_percentage() -> None:
    found = agree([1, 2, 4], [-1, 0, 1], unit="%")
    assert found.absolute.mad == pytest.approx(7 / 3)
    assert math.isnan(found.absolute.percent_mad)
    assert "the mean of the reference is zero" in found.reasons


def test_a_negative_reference_has_a_positive_percentage() -> None:
    assert agree([-3, -1, -2], [-2, -2, -2], unit="ppm").absolute.percent_mad == pytest.approx(100 / 3)


@pytest.mark.parametrize("pairs", [1, 2])
def test_few_pairs_have_a_bias_and_nothing_else(pairs: int) -> None:
    found = agree([3, 3][:pairs], [1, 2][:pairs], unit="mm3")
    assert found.bland_altman.bias.value == {1: 2, 2: 1.5}[pairs]
    assert found.absolute.percent_mad == pytest.approx({1: 200, 2: 100}[pairs])
    others = (found.bland_altman.upper_limit, found.pearson, found.icc21, found.regression, found.t, found.wilcoxon)
    assert {part.reason for part in others[:2]} == {f"3 pairs or more are wanted, {pairs} came"}
    assert all(part.reason for part in others)
    assert np.isnan([found.bland_altman.sd, found.icc21.value, found.t.p_value, found.absolute.percent_sd]).all()


def test_no_pair_at_all_is_undefined() -> None:
    found = agree([math.nan], [1], unit="mm3")
    assert (found.pairs, found.dropped) == (0, 1)
    assert np.isnan([found.bland_altman.bias.value, found.absolute.mad]).all()


@given(
    arrays(np.float64, st.tuples(st.integers(0, 6), st.just(2)), elements=st.sampled_from([-0.2, 0.0, 0.1, 0.3, 7e3]))
)
def test_whatever_comes_is_a_number_or_has_a_reason(pairs: np.ndarray) -> None:
    found = agree(pairs[:, 0], pairs[:, 1], unit="ppm")
    for value, reason in (
        (found.pearson.value, found.pearson.reason),
        (found.regression.slope, found.regression.reason),
        (found.t.p_value, found.t.reason),
        (found.wilcoxon.p_value, found.wilcoxon.reason),
        (found.absolute.percent_mad, found.absolute.reason),
    ):
        assert math.isfinite(value) or reason


@pytest.mark.parametrize(("measured", "reference"), [([1, 2], [1, 2, 3]), ([[1, 2]], [[1, 2]])])
def test_what_is_no_pair_of_rows_is_refused(measured: list[float], reference: list[float]) -> None:
    with pytest.raises(InputError, match="Two rows of one length are wanted"):
        agree(measured, reference, unit="mm3")
