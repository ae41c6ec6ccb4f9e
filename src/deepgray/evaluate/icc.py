"""Intraclass correlation: do raters, or a method and its reference, tell subjects apart alike?

The six forms of Shrout and Fleiss (1979, doi:10.1037/0033-2909.86.2.420), with the intervals of McGraw and Wong (1996,
doi:10.1037/1082-989X.1.1.30). The first figure names the model: 1, every subject is judged by raters of its own; 2,
the same raters judge all, and stand for others: a rater who is always higher counts as disagreement (absolute
agreement, ICC(A,1)); 3, the same raters, and no others: a constant offset is forgiven (consistency, ICC(C,1)). The
second figure says what is judged: 1, a single rater; k, the mean of all k.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from deepgray.errors import InputError
from deepgray.evaluate.estimate import FEWEST, UPPER_TAIL, Estimate, Numbers, is_rounding, undefined
from deepgray.evaluate.wanted import scipy_stats

DEFAULT_FORM = "ICC(2,1)"
_SINGLE = ("ICC(1,1)", DEFAULT_FORM, "ICC(3,1)")
_MEAN = ("ICC(1,k)", "ICC(2,k)", "ICC(3,k)")
FORMS: tuple[str, ...] = _SINGLE + _MEAN

# Degrees of freedom below which the quantiles of F that are used here are zero to the last digit.
_FEWEST_DEGREES = 1e-3


@dataclass(frozen=True)
class Icc:
    """One form of the intraclass correlation.

    Attributes:
        form: ``ICC(1,1)``, ``ICC(2,1)``, ``ICC(3,1)``, ``ICC(1,k)``, ``ICC(2,k)`` or ``ICC(3,k)``.
        estimate: Value, at most 1 (no unit), and its 95 % interval.
        subjects: Number of subjects that it is made of.
        raters: Number of raters, the k of the forms.
        dropped: Subjects left out because a rating is missing or not finite.
    """

    form: str
    estimate: Estimate
    subjects: int
    raters: int
    dropped: int


@dataclass(frozen=True)
class _Variances:
    """The mean squares of a table of ratings, all in the square of the ratings' unit."""

    subjects: int
    raters: int
    between_subjects: float
    within_subjects: float
    between_raters: float
    residual: float


def icc(ratings: ArrayLike) -> tuple[Icc, ...]:
    """All six forms of the intraclass correlation with their 95 % intervals.

    Args:
        ratings: (subjects, raters), of any one unit; two raters or more. A subject with a value that is not finite is
            left out and counted.

    Returns:
        ICC(1,1), (2,1), (3,1), (1,k), (2,k), (3,k). NaN with a reason where fewer than three subjects are left, where
        their means are equal, or where the data lie outside what a form can describe.

    Raises:
        InputError: No table, or fewer than two raters.
    """
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] < 2:
        raise InputError(f"Ratings of subjects × two raters or more are wanted, an array of {table.shape} came.")
    complete = table[np.isfinite(table).all(axis=1)]
    subjects, raters = complete.shape
    return tuple(
        Icc(form, estimate, subjects=subjects, raters=raters, dropped=len(table) - subjects)
        for form, estimate in zip(FORMS, _estimates(complete), strict=True)
    )


def icc_of_form(forms: tuple[Icc, ...], form: str = DEFAULT_FORM) -> Icc:
    """One of the forms that ``icc`` gives.

    Args:
        forms: What ``icc`` gave.
        form: Its name, one of ``FORMS``.

    Raises:
        InputError: It is not among them.
    """
    found = next((one for one in forms if one.form == form), None)
    if found is None:
        raise InputError(f"A form of the ICC is wanted, {', '.join(FORMS)}; '{form}' came.")
    return found


def _estimates(ratings: Numbers) -> tuple[Estimate, ...]:
    if len(ratings) < FEWEST:
        return (undefined(f"{FEWEST} subjects or more are wanted, {len(ratings)} came"),) * len(FORMS)
    variances = _variances(ratings)
    if variances.between_subjects == 0:
        return (undefined("the subjects' means are all equal"),) * len(FORMS)
    single = (
        _of_ratio(variances, variances.within_subjects, degrees=variances.subjects * (variances.raters - 1)),
        _of_absolute_agreement(variances),
        _of_ratio(variances, variances.residual, degrees=(variances.subjects - 1) * (variances.raters - 1)),
    )
    return single + tuple(_of_the_mean(estimate, variances.raters) for estimate in single)


def _variances(ratings: Numbers) -> _Variances:
    subjects, raters = ratings.shape
    centred = ratings - ratings.mean()
    of_subjects, of_raters = centred.mean(axis=1), centred.mean(axis=0)
    squares = {
        "between_subjects": raters * np.sum(of_subjects**2) / (subjects - 1),
        "within_subjects": np.sum((centred - of_subjects[:, None]) ** 2) / (subjects * (raters - 1)),
        "between_raters": subjects * np.sum(of_raters**2) / (raters - 1),
        "residual": np.sum((centred - of_subjects[:, None] - of_raters) ** 2) / ((subjects - 1) * (raters - 1)),
    }
    # What should be zero and is rounding would give ratios of nothing to nothing.
    zeroed = {
        name: 0.0 if is_rounding(math.sqrt(square), ratings) else float(square) for name, square in squares.items()
    }
    return _Variances(subjects, raters, **zeroed)


def _of_ratio(variances: _Variances, noise: float, *, degrees: int) -> Estimate:
    """Models 1 and 3: both rest on one ratio of mean squares, which follows F.

    Args:
        variances: The mean squares; subjects differ.
        noise: Mean square that the one between subjects is set against.
        degrees: Its degrees of freedom.
    """
    signal, others = variances.between_subjects, variances.raters - 1

    def ratio(signal: float, noise: float) -> float:
        return (signal - noise) / (signal + others * noise)

    f = scipy_stats().f
    shrink = float(f.ppf(UPPER_TAIL, variances.subjects - 1, degrees))
    stretch = float(f.ppf(UPPER_TAIL, degrees, variances.subjects - 1))
    return Estimate(ratio(signal, noise), ratio(signal, noise * shrink), ratio(signal * stretch, noise))


def _of_absolute_agreement(variances: _Variances) -> Estimate:
    """Model 2: noise is made of two mean squares, whose degrees of freedom are Satterthwaite's."""
    n, k = variances.subjects, variances.raters
    raters, residual = variances.between_raters, variances.residual
    if raters == residual == 0:
        return Estimate(1.0, 1.0, 1.0)
    noise = k * raters + (k * n - k - n) * residual

    def ratio(scale: float) -> float:
        signal = scale * variances.between_subjects
        return n * (signal - residual) / (noise + n * signal)

    value = ratio(1.0)
    from_raters, from_residual = k * value * raters, (n * (1 - value) + k * value * (n - 1)) * residual
    degrees = (from_raters + from_residual) ** 2 / (from_raters**2 / (k - 1) + from_residual**2 / ((n - 1) * (k - 1)))
    degrees = max(degrees, _FEWEST_DEGREES)
    f = scipy_stats().f
    # 1 / F(p; a, b) is F(1 - p; b, a), which stays finite where the degrees of freedom are few.
    lower = ratio(float(f.ppf(1 - UPPER_TAIL, degrees, n - 1)))
    upper = ratio(float(f.ppf(UPPER_TAIL, degrees, n - 1)))
    if upper < value:
        return Estimate(value, math.nan, math.nan, "the interval's approximation fails at this negative ICC(2,1)")
    return Estimate(value, lower, upper)


def _of_the_mean(single: Estimate, raters: int) -> Estimate:
    """From a single rater to the mean of all: Spearman and Brown's step, which the k-forms and their intervals obey."""

    def step(value: float) -> float:
        spread = 1 + (raters - 1) * value
        return raters * value / spread if spread > 0 else math.nan

    value, lower, upper = step(single.value), step(single.lower), step(single.upper)
    if math.isnan(value):
        return undefined("raters differ so much that the mean of them has no reliability")
    reason = "the mean of the raters has no lower limit" if math.isnan(lower) else ""
    return Estimate(value, lower, upper, single.reason or reason)
