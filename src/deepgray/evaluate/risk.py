"""Does the uncertainty know where the errors are? Risk–coverage.

Scans are kept in the order of their uncertainty, the surest first. *Coverage* is the part that is kept, *risk* the mean
error of the kept. A good score keeps the risk low until the coverage is high; an oracle that knows the errors is as low
as can be, and a score that knows nothing stays at the mean error (Geifman and El-Yaniv 2017, arXiv:1705.08500).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepgray.errors import InputError, OutputError
from deepgray.evaluate.wanted import scipy_stats

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """How the error falls as the least sure are left out.

    Attributes:
        coverage: (n,) part that is kept, 1/n to 1.
        risk: (n,) mean error of the kept. Where scans are equally unsure, the mean over all their orders.
        oracle: (n,) risk of an order that knows the errors.
        random: Risk of an order that knows nothing, at any coverage: the mean error.
        aurc: Area under the risk–coverage curve: the mean of ``risk``.
        excess: ``aurc`` minus that of the oracle, 0 or more.
        spearman: Rank correlation of uncertainty and error, -1 to 1; NaN where either is constant.
    """

    coverage: Numbers
    risk: Numbers
    oracle: Numbers
    random: float
    aurc: float
    excess: float
    spearman: float

    def risk_at(self, coverage: float) -> float:
        """Mean error when at least this part is kept.

        Args:
            coverage: Above 0, at most 1.

        Raises:
            InputError: The coverage is out of range.
        """
        if not 0 < coverage <= 1:
            raise InputError(f"A coverage above 0 and up to 1 is wanted, {coverage} came.")
        return float(self.risk[int(np.ceil(coverage * len(self.risk) - 1e-9)) - 1])


def risk_coverage(scores: Sequence[float], errors: Sequence[float]) -> RiskCoverage:
    """The risk–coverage curve of an uncertainty score.

    Args:
        scores: (n,) uncertainty, higher is less sure.
        errors: (n,) error of the same scans, higher is worse (1 - Dice, say).

    Raises:
        InputError: The two differ in length, hold fewer than two scans, or are not finite.
    """
    score, error = np.asarray(scores, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    if score.shape != error.shape or score.ndim != 1 or len(score) < 2:
        raise InputError(f"A score and an error of two scans or more are wanted, {len(score)} and {len(error)} came.")
    if not (np.isfinite(score).all() and np.isfinite(error).all()):
        raise InputError("Finite scores and errors are wanted, NaN or infinite ones came.")
    kept = np.arange(1, len(score) + 1)
    risk = np.cumsum(_expected_in_order(score, error)) / kept
    oracle = np.cumsum(np.sort(error)) / kept
    return RiskCoverage(
        coverage=kept / len(score),
        risk=risk,
        oracle=oracle,
        random=float(error.mean()),
        aurc=float(risk.mean()),
        excess=float(risk.mean() - oracle.mean()),
        spearman=_spearman(score, error),
    )


def write_risk_coverage(curve: RiskCoverage, path: Path) -> None:
    """Write a curve as a tab-separated file: coverage, risk, oracle, random.

    Raises:
        OutputError: The file cannot be written.
    """
    lines = ["coverage\trisk\toracle\trandom"]
    lines += [
        f"{coverage:.6g}\t{risk:.6g}\t{oracle:.6g}\t{curve.random:.6g}"
        for coverage, risk, oracle in zip(curve.coverage, curve.risk, curve.oracle, strict=True)
    ]
    try:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"A place to write {path} is wanted, it cannot be written: {error}.") from error


def _expected_in_order(score: Numbers, error: Numbers) -> Numbers:
    """Errors from the surest to the least sure; among equal scores each place holds their mean."""
    _, group, size = np.unique(score, return_inverse=True, return_counts=True)
    mean = np.bincount(group, weights=error) / size
    return np.repeat(mean, size)


def _spearman(score: Numbers, error: Numbers) -> float:
    rankdata = scipy_stats().rankdata
    ranks = rankdata(score), rankdata(error)
    if min(np.ptp(ranks[0]), np.ptp(ranks[1])) == 0:
        return float("nan")
    return float(np.corrcoef(*ranks)[0, 1])
