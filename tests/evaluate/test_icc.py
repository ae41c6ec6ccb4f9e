import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deepgray.errors import InputError
from deepgray.evaluate import DEFAULT_FORM, FORMS, Icc, icc, icc_of_form

# Shrout and Fleiss (1979), table 2: six targets, four judges.
SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def ends(one: Icc) -> tuple[float, float, float]:
    return one.estimate.value, one.estimate.lower, one.estimate.upper


@pytest.mark.parametrize(
    ("form", "published"),
    [
        # ICC(2,1) is McGraw and Wong's ICC(A,1), ICC(3,1) their ICC(C,1).
        ("ICC(1,1)", (0.166, -0.133, 0.723)),
        ("ICC(2,1)", (0.290, 0.019, 0.761)),
        ("ICC(3,1)", (0.715, 0.342, 0.946)),
        ("ICC(1,k)", (0.443, -0.884, 0.912)),
        ("ICC(2,k)", (0.620, 0.071, 0.927)),
        ("ICC(3,k)", (0.909, 0.676, 0.986)),
    ],
)
def test_the_example_of_shrout_and_fleiss(form: str, published: tuple[float, float, float]) -> None:
    one = icc_of_form(icc(SHROUT_FLEISS), form)
    assert ends(one) == pytest.approx(published, abs=5e-4)
    assert (one.subjects, one.raters, one.dropped, one.estimate.reason) == (6, 4, 0, "")


def test_a_small_table_by_hand() -> None:
    # Subjects' means 1.5, 2, 4 and raters' means 7/3, 8/3 around 2.5. Mean squares: between subjects
    # 2 · (1 + 1/4 + 9/4) / 2 = 7/2; within (1/2 + 0 + 0) / 3 = 1/6; raters 3 · (1/36 + 1/36) / 1 = 1/6; residual
    # (1/2 - 1/6) / 2 = 1/6.
    forms = [one.estimate.value for one in icc([[1, 2], [2, 2], [4, 4]])]
    single, mean = (7 / 2 - 1 / 6) / (7 / 2 + 1 / 6), (7 / 2 - 1 / 6) / (7 / 2)
    assert forms == pytest.approx([single, single, single, mean, mean, mean])


def test_an_offset_counts_in_absolute_agreement_only() -> None:
    # Between subjects 2 · 2 / 2 = 2, raters 3 · (1/4 + 1/4) = 3/2, residual 0, within (3 · 1/2) / 3 = 1/2.
    forms = {one.form: one.estimate for one in icc([[1, 2], [2, 3], [3, 4]])}
    assert forms["ICC(1,1)"].value == pytest.approx((2 - 0.5) / (2 + 0.5))
    assert forms["ICC(2,1)"].value == pytest.approx(2 / (2 + 2 * 1.5 / 3))
    assert forms["ICC(3,1)"].value == pytest.approx(1)
    assert forms["ICC(2,k)"].value == pytest.approx(2 / (2 + 1.5 / 3))


def test_raters_who_say_the_same_agree_wholly() -> None:
    for one in icc([[0.1, 0.1], [0.3, 0.3], [0.7, 0.7]]):
        assert ends(one) == pytest.approx((1, 1, 1))


def test_subjects_without_a_rating_are_dropped_and_counted() -> None:
    holes = [*SHROUT_FLEISS, [1, math.nan, 2, 3], [4, 4, math.inf, 4]]
    assert [one.dropped for one in icc(holes)] == [2] * 6
    assert [ends(one) for one in icc(holes)] == [ends(one) for one in icc(SHROUT_FLEISS)]


@pytest.mark.parametrize(
    ("ratings", "reason"),
    [
        ([[1, 2], [3, 4]], "3 subjects or more are wanted, 2 came"),
        (np.empty((0, 2)), "3 subjects or more are wanted, 0 came"),
        ([[0.1, 0.1], [0.1, 0.1], [0.1, 0.1]], "the subjects' means are all equal"),
        ([[1, 2], [1, 2], [1, 2]], "the subjects' means are all equal"),
        ([[1, 2], [2, 1], [1.5, 1.5]], "the subjects' means are all equal"),
    ],
)
def test_what_is_undefined_says_why(ratings: list[list[float]], reason: str) -> None:
    for one in icc(ratings):
        assert np.isnan(ends(one)).all()
        assert one.estimate.reason == reason


def test_raters_who_contradict_one_another_leave_no_reliable_mean() -> None:
    forms = {one.form: one.estimate for one in icc([[0, 9], [9, 0], [0, 9.1], [9, 0.2]])}
    assert forms["ICC(2,1)"].value < -0.9
    assert math.isnan(forms["ICC(2,k)"].value)
    assert forms["ICC(2,k)"].reason == "raters differ so much that the mean of them has no reliability"


@given(arrays(np.float64, (5, 3), elements=st.integers(-3, 3).map(lambda n: n / 10)))
def test_whatever_comes_an_interval_holds_its_value_or_says_why_not(ratings: np.ndarray) -> None:
    for one in icc(ratings):
        value, lower, upper = ends(one)
        if not one.estimate.reason:
            assert lower - 1e-9 <= value <= upper + 1e-9 <= 1 + 2e-9


@given(arrays(np.float64, (6, 2), elements=st.floats(-1, 1)), st.floats(1e-3, 1e3), st.floats(-10, 10))
def test_a_unit_does_not_matter(ratings: np.ndarray, scale: float, offset: float) -> None:
    ratings = ratings + np.linspace(0, 3, 6)[:, None]
    for one, other in zip(icc(ratings), icc(scale * (ratings + offset)), strict=True):
        assert other.estimate.value == pytest.approx(one.estimate.value, abs=1e-6, nan_ok=True)


@pytest.mark.parametrize("ratings", [[1, 2, 3], [[1], [2], [3]], np.zeros((2, 2, 2))])
def test_what_is_no_table_is_refused(ratings: list[float]) -> None:
    with pytest.raises(InputError, match="subjects × two raters or more are wanted"):
        icc(ratings)


def test_a_form_is_found_by_its_name() -> None:
    forms = icc(SHROUT_FLEISS)
    assert tuple(one.form for one in forms) == FORMS
    assert icc_of_form(forms).form == DEFAULT_FORM == "ICC(2,1)"
    with pytest.raises(InputError, match=r"'ICC\(4,1\)' came"):
        icc_of_form(forms, "ICC(4,1)")
