"""A number with its interval, as it is printed."""

from __future__ import annotations

import pytest

from deepgray.report.ranges import ranged
from deepgray.result import Measurement


def number(value: float, lower: float | None, upper: float | None) -> Measurement:
    return Measurement("putamen", "left", 12, "volume", value, "mm3", "", lower, upper)


def signed(value: float) -> str:
    return f"{value:+.1f} %".replace("-", "−")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (number(3.406, 3.2, 3.592), "3.41\n3.20–3.59"),
        (number(3.406, None, None), "3.41"),
        (None, ""),
    ],
)
def test_a_number_and_its_interval(given: Measurement | None, expected: str) -> None:
    assert ranged(given, lambda value: f"{value:.2f}") == expected


def test_signs_are_not_joined_by_a_dash() -> None:
    assert ranged(number(-1.0, -4.2, 3.1), signed) == "−1.0 %\n−4.2 to +3.1 %"
