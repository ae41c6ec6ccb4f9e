"""What the page says of a tracer's binding: ratios, asymmetry, each reference, and the suggested category."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from deepgray.report.ranges import ranged
from deepgray.result import Measurement, Result

_SBR, _ASI, _RATIO, _MEAN, _CATEGORY = "sbr", "asi", "putamen_caudate_ratio", "uptake_mean", "suggested_category"
# Beginnings of the names of quantities that are shown here.
QUANTITIES = (_SBR, _ASI, _RATIO, _MEAN, _CATEGORY)
# What is shown of the references that were not chosen.
_WHOLE = "dorsal striatum"
_SUGGESTED = "suggested "


@dataclass(frozen=True)
class UptakeRow:
    """Binding of one structure as the page prints it; an empty text where there is no number.

    Attributes:
        name: Structure without side.
        colour: CSS colour, empty for what is no single structure of the scheme.
        left: SBR.
        right: SBR.
        both: SBR of both sides together.
        asymmetry: ASI, %.
        ratio_left: Putamen to caudate.
        ratio_right: Putamen to caudate.
    """

    name: str
    colour: str
    left: str
    right: str
    both: str
    asymmetry: str
    ratio_left: str
    ratio_right: str


@dataclass(frozen=True)
class ReferenceRow:
    """Binding of the dorsal striatum by one reference.

    Attributes:
        words: The reference, with its mean.
        row: The numbers.
        reason: Why there are none, empty where there are.
    """

    words: str
    row: UptakeRow
    reason: str


@dataclass(frozen=True)
class Binding:
    """What is told of a tracer's binding.

    Attributes:
        rows: Structure by structure, by the chosen reference.
        references: The dorsal striatum by each reference, the chosen one first.
        category: What is suggested, and why; empty where nothing is.
        level: Mean of the chosen reference; NaN where there is none.
    """

    rows: tuple[UptakeRow, ...]
    references: tuple[ReferenceRow, ...]
    category: str
    level: float


_Found = Mapping[tuple[str, str, str], Measurement]


def binding_of(result: Result, colours: Mapping[str, str]) -> Binding | None:
    """What is told of the binding, None where none was measured.

    Args:
        result: The result.
        colours: CSS colours of structures by name.
    """
    found = {(m.structure, m.side, m.quantity): m for m in result.measurements}
    quantities = dict.fromkeys(q for _, _, q in found if q == _SBR or q.startswith(f"{_SBR}_"))
    if not quantities:
        return None
    names = dict.fromkeys(name for name, _, quantity in found if quantity == _SBR)
    told = [m.method.removeprefix(_SUGGESTED) for m in result.measurements if m.quantity == _CATEGORY]
    return Binding(
        tuple(_row(name, found, "", colours.get(name, "")) for name in names),
        tuple(_by_reference(found, q.removeprefix(_SBR)) for q in quantities if (_WHOLE, "both", q) in found),
        told[0] if told else "",
        _level(found),
    )


def _row(name: str, found: _Found, suffix: str, colour: str) -> UptakeRow:
    def number(side: str, quantity: str, digits: int = 2) -> str:
        return ranged(found.get((name, side, quantity + suffix)), lambda value: _number(value, digits))

    return UptakeRow(
        name=name,
        colour=colour,
        left=number("left", _SBR),
        right=number("right", _SBR),
        both=number("both", _SBR),
        asymmetry=number("both", _ASI, 1),
        ratio_left=number("left", _RATIO),
        ratio_right=number("right", _RATIO),
    )


def _by_reference(found: _Found, suffix: str) -> ReferenceRow:
    whole = found[_WHOLE, "both", _SBR + suffix]
    reason = whole.method.partition("undefined: ")[2] if math.isnan(whole.value) else ""
    return ReferenceRow(whole.reference, _row(_WHOLE, found, suffix, ""), reason)


def _level(found: _Found) -> float:
    """Mean of the chosen reference: what the mean of a structure is one more than SBR times of."""
    for (name, side, quantity), m in found.items():
        mean = found.get((name, side, _MEAN))
        if quantity == _SBR and mean is not None and math.isfinite(m.value) and m.value > -1:
            return mean.value / (m.value + 1)
    return float("nan")


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−") if math.isfinite(value) else "undefined"
