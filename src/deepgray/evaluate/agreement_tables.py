"""Agreement as tables: for people, and for programs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deepgray.evaluate.agreement import Agreement
from deepgray.evaluate.delimited import aligned, write_rows
from deepgray.evaluate.estimate import Estimate
from deepgray.evaluate.icc import Icc
from deepgray.evaluate.paired_measures import MeasureName, PairedMeasure

_NAMES = ("structure", "side", "quantity")
_FIGURES = 5  # of the values' mean that a table shows: a tenth of a mm³ in a striatum
_MOST_DECIMALS = 8
_SMALLEST_P = 0.001
_UNDEFINED = "–"

_TITLES = (
    "unit",
    "pairs",
    "bias [95 %]",
    "limits",
    "r [95 %]",
    "ICC(2,1) [95 %]",
    "MAD",
    "%MAD",
    "slope",
    "R²",
    "p (t)",
    "p (Wilcoxon)",
)


@dataclass(frozen=True, eq=False)
class NamedAgreement:
    """An agreement, and of what.

    Attributes:
        name: Structure, side and quantity; a part that says nothing is empty.
        agreement: The agreement.
    """

    name: MeasureName
    agreement: Agreement


def agreement_table(found: Sequence[NamedAgreement]) -> str:
    """Agreements as text: a line each, of columns that are aligned with blanks, below a line of titles.

    Returns:
        The text; empty where there are no agreements. ``–`` stands for what is undefined.
    """
    if not found:
        return ""
    named = [n for n in range(len(_NAMES)) if any(one.name[n] for one in found)]
    lines = [[*(_NAMES[n] for n in named), *_TITLES]]
    lines += [[*(one.name[n] for n in named), *_line(one.agreement)] for one in found]
    return aligned(lines)


def icc_table(forms: Sequence[Icc]) -> str:
    """The forms of the ICC as text, a line each.

    Returns:
        The text; empty where there are no forms.
    """
    lines = [["form", "ICC [95 %]", "subjects", "raters"]]
    lines += [[one.form, _with_interval(one.estimate, decimals=3), str(one.subjects), str(one.raters)] for one in forms]
    return aligned(lines) if forms else ""


def write_agreements(found: Sequence[NamedAgreement], path: Path) -> None:
    """Write agreements as a tab-separated file, a row each.

    Raises:
        OutputError: The file cannot be written.
    """
    rows = [one.name._asdict() | _row(one.agreement) for one in found]
    write_rows(path, list(rows[0]) if rows else _NAMES, (list(row.values()) for row in rows))


def write_iccs(found: Sequence[tuple[MeasureName, Sequence[Icc]]], path: Path) -> None:
    """Write every form of the ICC as a tab-separated file, a row each.

    Args:
        found: What was compared, and its forms.
        path: File to write.

    Raises:
        OutputError: The file cannot be written.
    """
    columns = (*_NAMES, "form", "icc", "lower", "upper", "subjects", "raters", "dropped", "undefined_because")
    rows = (
        [*name, one.form, *_ends("", one.estimate).values(), one.subjects, one.raters, one.dropped, one.estimate.reason]
        for name, forms in found
        for one in forms
    )
    write_rows(path, columns, rows)


def write_pairs(measures: Sequence[PairedMeasure], path: Path) -> None:
    """Write the values that were compared as a tab-separated file, a row per scan and measure.

    Raises:
        OutputError: The file cannot be written.
    """
    rows = (
        [stem, *one.name, one.unit, measured, reference]
        for one in measures
        for stem, measured, reference in zip(one.stems, one.measured, one.reference, strict=True)
    )
    write_rows(path, ("scan", *_NAMES, "unit", "measured", "reference"), rows)


def _line(agreement: Agreement) -> list[str]:
    decimals = _decimals(agreement)
    limits = agreement.bland_altman
    pairs = f"{agreement.pairs} ({agreement.dropped} dropped)" if agreement.dropped else str(agreement.pairs)
    return [
        agreement.unit,
        pairs,
        _with_interval(limits.bias, decimals=decimals),
        f"{_short(limits.lower_limit.value, decimals)} to {_short(limits.upper_limit.value, decimals)}",
        _with_interval(agreement.pearson, decimals=3),
        _with_interval(agreement.icc21, decimals=3),
        _short(agreement.absolute.mad, decimals),
        _short(agreement.absolute.percent_mad, 2),
        _short(agreement.regression.slope, 3),
        _short(agreement.regression.r_squared, 3),
        _probability(agreement.t.p_value),
        _probability(agreement.wilcoxon.p_value),
    ]


def _row(agreement: Agreement) -> dict[str, object]:
    limits, line = agreement.bland_altman, agreement.regression
    return {
        "unit": agreement.unit,
        "pairs": agreement.pairs,
        "dropped": agreement.dropped,
        **_ends("bias", limits.bias),
        "sd_of_differences": limits.sd,
        **_ends("lower_limit", limits.lower_limit),
        **_ends("upper_limit", limits.upper_limit),
        **_ends("pearson", agreement.pearson),
        **_ends("icc_2_1", agreement.icc21),
        "mad": agreement.absolute.mad,
        "percent_mad": agreement.absolute.percent_mad,
        "percent_mad_sd": agreement.absolute.percent_sd,
        "slope": line.slope,
        "intercept": line.intercept,
        "r_squared": line.r_squared,
        "t": agreement.t.statistic,
        "t_p": agreement.t.p_value,
        "wilcoxon": agreement.wilcoxon.statistic,
        "wilcoxon_p": agreement.wilcoxon.p_value,
        "undefined_because": "; ".join(agreement.reasons),
    }


def _ends(name: str, estimate: Estimate) -> dict[str, float]:
    return {name: estimate.value, f"{name}_lower": estimate.lower, f"{name}_upper": estimate.upper}


def _decimals(agreement: Agreement) -> int:
    """How many decimals show the values with ``_FIGURES`` figures."""
    largest = max((abs(value) for value in (*agreement.measured, *agreement.reference)), default=0.0)
    if largest == 0:
        return 0
    return min(max(_FIGURES - 1 - math.floor(math.log10(largest)), 0), _MOST_DECIMALS)


def _with_interval(estimate: Estimate, *, decimals: int) -> str:
    value = _short(estimate.value, decimals)
    if math.isnan(estimate.lower) and math.isnan(estimate.upper):
        return value
    return f"{value} [{_short(estimate.lower, decimals)}, {_short(estimate.upper, decimals)}]"


def _short(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}" if math.isfinite(value) else _UNDEFINED


def _probability(value: float) -> str:
    return f"<{_SMALLEST_P}" if value < _SMALLEST_P else _short(value, 3)
