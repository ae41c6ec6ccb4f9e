"""Do two ways of measuring agree? Bias and limits, correlation, ICC, a line, and tests of the differences.

A difference is always *measured − reference*. Limits of agreement: Bland and Altman (1999,
doi:10.1177/096228029900800204).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from deepgray.errors import InputError
from deepgray.evaluate.estimate import (
    CONFIDENCE,
    FEWEST,
    ROUNDING,
    UPPER_TAIL,
    Estimate,
    Numbers,
    all_equal,
    is_rounding,
    undefined,
)
from deepgray.evaluate.icc import Icc, icc, icc_of_form
from deepgray.evaluate.wanted import scipy_stats

# How many SD lie between the bias and a limit of agreement, as Bland and Altman round it.
LIMIT_SD = 1.96
_FEWEST_OF_FISHER = 4  # the variance of Fisher's z is 1 / (n - 3)


@dataclass(frozen=True)
class BlandAltman:
    """Bias and limits of agreement.

    Attributes:
        bias: Mean difference, in the unit of the values; interval by Student's t.
        sd: Sample standard deviation of the differences, in the unit of the values; NaN with fewer than three pairs.
        lower_limit: bias − 1.96 SD, in the unit of the values. Its interval is by Student's t with n − 1 degrees of
            freedom and the variance (1 / n + 1.96² / (2 (n − 1))) SD², which Bland and Altman round to 3 SD² / n.
        upper_limit: bias + 1.96 SD, with the same interval.
    """

    bias: Estimate
    sd: float
    lower_limit: Estimate
    upper_limit: Estimate


@dataclass(frozen=True)
class AbsoluteDifference:
    """How far apart the two are, whichever is larger.

    Attributes:
        mad: Mean absolute difference, in the unit of the values; NaN without pairs.
        percent_mad: 100 · ``mad`` / abs(mean of the reference), %. Relative to the mean of all, not pair by pair, so
            that a reference near zero (a susceptibility, say) does not decide it. NaN where that mean is zero.
        percent_sd: Sample standard deviation of the absolute differences as part of the same mean, %; NaN with fewer
            than three pairs.
        reason: Why something is NaN; empty where nothing is.
    """

    mad: float
    percent_mad: float
    percent_sd: float
    reason: str = ""


@dataclass(frozen=True)
class Regression:
    """The line of ordinary least squares: measured = intercept + slope · reference.

    Attributes:
        slope: No unit.
        intercept: In the unit of the values.
        r_squared: Part of the measured variance that the line explains, 0 to 1 (no unit).
        reason: Why the three are NaN; empty where they are not.
    """

    slope: float
    intercept: float
    r_squared: float
    reason: str = ""


@dataclass(frozen=True)
class PairedTest:
    """A two-tailed test of the differences against zero.

    Attributes:
        statistic: t, or Wilcoxon's smaller sum of ranks (no unit).
        p_value: 0 to 1.
        reason: Why both are NaN; empty where they are not.
    """

    statistic: float
    p_value: float
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Agreement:
    """How measured values agree with reference values.

    Attributes:
        measured: (n,) values of the complete pairs, in ``unit``.
        reference: (n,) reference values of the same pairs, in ``unit``.
        unit: Unit of the values (``mm3``, ``ppm``, ``1``).
        dropped: Pairs left out because one of the two is missing or not finite.
        bland_altman: Bias and limits of agreement, in ``unit``.
        absolute: Mean absolute difference, in ``unit`` and in percent.
        pearson: Correlation r, −1 to 1 (no unit), with the interval of Fisher's z.
        icc: All forms of the intraclass correlation, measured and reference being two raters (no unit).
        regression: Line of measured on reference.
        t: Paired t-test.
        wilcoxon: Wilcoxon's signed-rank test; pairs that do not differ are left out of it, as Wilcoxon did.
    """

    measured: Numbers
    reference: Numbers
    unit: str
    dropped: int
    bland_altman: BlandAltman
    absolute: AbsoluteDifference
    pearson: Estimate
    icc: tuple[Icc, ...]
    regression: Regression
    t: PairedTest
    wilcoxon: PairedTest

    @property
    def pairs(self) -> int:
        """Number of complete pairs."""
        return len(self.measured)

    @property
    def differences(self) -> Numbers:
        """(n,) measured − reference, in ``unit``."""
        return self.measured - self.reference

    @property
    def icc21(self) -> Estimate:
        """ICC(2,1), absolute agreement of single values: the form to quote where none is named."""
        return icc_of_form(self.icc).estimate

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why something is undefined, each reason once; empty where all is defined."""
        parts = (
            self.bland_altman.bias,
            self.absolute,
            self.pearson,
            self.icc21,
            self.regression,
            self.t,
            self.wilcoxon,
        )
        return tuple(dict.fromkeys(part.reason for part in parts if part.reason))


def agree(measured: ArrayLike, reference: ArrayLike, *, unit: str) -> Agreement:
    """Compare measured values with reference values, pair by pair.

    Args:
        measured: (n,) values, in ``unit``.
        reference: (n,) values of the same subjects in the same order, in ``unit``. A pair with a value that is not
            finite is left out and counted.
        unit: Unit of both.

    Returns:
        The agreement. With fewer than three pairs only the bias and the mean absolute difference have a value. What
        constant values leave undefined is NaN, with a reason.

    Raises:
        InputError: The two are not rows of one length.
    """
    ours, theirs = np.asarray(measured, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if ours.shape != theirs.shape or ours.ndim != 1:
        raise InputError(f"Two rows of one length are wanted, arrays of {ours.shape} and {theirs.shape} came.")
    complete = np.isfinite(ours) & np.isfinite(theirs)
    ours, theirs = ours[complete], theirs[complete]
    return Agreement(
        measured=ours,
        reference=theirs,
        unit=unit,
        dropped=int((~complete).sum()),
        bland_altman=_bland_altman(ours - theirs),
        absolute=_absolute(ours, theirs),
        pearson=_pearson(ours, theirs),
        icc=icc(np.column_stack([ours, theirs])),
        regression=_regression(ours, theirs),
        t=_t(ours, theirs),
        wilcoxon=_wilcoxon(ours, theirs),
    )


def _too_few(values: Numbers) -> str:
    return f"{FEWEST} pairs or more are wanted, {len(values)} came" if len(values) < FEWEST else ""


def _constant(measured: Numbers, reference: Numbers) -> str:
    """Why a correlation or a line of these values is undefined, or an empty string."""
    if reason := _too_few(measured):
        return reason
    for name, values in (("measured", measured), ("reference", reference)):
        if all_equal(values):
            return f"all {name} values are equal"
    return ""


def _bland_altman(differences: Numbers) -> BlandAltman:
    n = len(differences)
    bias = float(differences.mean()) if n else math.nan
    if reason := _too_few(differences):
        nothing = undefined(reason)
        return BlandAltman(Estimate(bias, math.nan, math.nan, reason), math.nan, nothing, nothing)
    sd = float(differences.std(ddof=1))
    quantile = float(scipy_stats().t.ppf(UPPER_TAIL, n - 1))
    of_bias = quantile * sd / math.sqrt(n)
    of_limit = quantile * sd * math.sqrt(1 / n + LIMIT_SD**2 / (2 * (n - 1)))

    def limit(value: float) -> Estimate:
        return Estimate(value, value - of_limit, value + of_limit)

    return BlandAltman(
        Estimate(bias, bias - of_bias, bias + of_bias), sd, limit(bias - LIMIT_SD * sd), limit(bias + LIMIT_SD * sd)
    )


def _absolute(measured: Numbers, reference: Numbers) -> AbsoluteDifference:
    reason = _too_few(measured)
    if not len(measured):
        return AbsoluteDifference(math.nan, math.nan, math.nan, reason)
    differences = np.abs(measured - reference)
    mad, mean = float(differences.mean()), abs(float(reference.mean()))
    if is_rounding(mean, np.concatenate([measured, reference])):
        return AbsoluteDifference(mad, math.nan, math.nan, reason or "the mean of the reference is zero")
    sd = math.nan if reason else float(differences.std(ddof=1))
    return AbsoluteDifference(mad, 100 * mad / mean, 100 * sd / mean, reason)


def _pearson(measured: Numbers, reference: Numbers) -> Estimate:
    if reason := _constant(measured, reference):
        return undefined(reason)
    found = scipy_stats().pearsonr(measured, reference)
    if len(measured) < _FEWEST_OF_FISHER:
        reason = f"{_FEWEST_OF_FISHER} pairs or more are wanted for an interval of r, {len(measured)} came"
        return Estimate(float(found.statistic), math.nan, math.nan, reason)
    interval = found.confidence_interval(confidence_level=CONFIDENCE)
    return Estimate(float(found.statistic), float(interval.low), float(interval.high))


def _regression(measured: Numbers, reference: Numbers) -> Regression:
    if reason := _constant(measured, reference):
        return Regression(math.nan, math.nan, math.nan, reason)
    line = scipy_stats().linregress(reference, measured)
    return Regression(float(line.slope), float(line.intercept), float(line.rvalue) ** 2)


def _t(measured: Numbers, reference: Numbers) -> PairedTest:
    reason = _too_few(measured)
    if not reason and np.ptp(_differences(measured, reference)) <= _finest(measured, reference):
        reason = "all differences are equal"
    if reason:
        return PairedTest(math.nan, math.nan, reason)
    found = scipy_stats().ttest_rel(measured, reference)
    return PairedTest(float(found.statistic), float(found.pvalue))


def _wilcoxon(measured: Numbers, reference: Numbers) -> PairedTest:
    differences = _differences(measured, reference)
    reason = _too_few(measured)
    if not reason and not differences.any():
        reason = "no pair differs"
    if reason:
        return PairedTest(math.nan, math.nan, reason)
    found = scipy_stats().wilcoxon(differences, zero_method="wilcox")
    return PairedTest(float(found.statistic), float(found.pvalue))


def _finest(measured: Numbers, reference: Numbers) -> float:
    """Below it a difference of such values is rounding."""
    return ROUNDING * float(max(np.abs(measured).max(), np.abs(reference).max()))


def _differences(measured: Numbers, reference: Numbers) -> Numbers:
    """Differences, with zeros for those that are rounding."""
    differences = measured - reference
    if len(differences):
        differences[np.abs(differences) <= _finest(measured, reference)] = 0.0
    return differences
