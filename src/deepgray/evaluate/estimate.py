"""A number with its 95 % interval, or the reason why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepgray.errors import InputError

Numbers = NDArray[np.float64]

CONFIDENCE = 0.95
UPPER_TAIL = (1 + CONFIDENCE) / 2  # where a two-sided interval ends
FEWEST = 3  # pairs or subjects; with two, a spread rests on one degree of freedom and a line fits whatever comes
# Part of the largest value below which a spread is rounding: values that should be equal differ by some 1e-16 of it.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % interval.

    Attributes:
        value: The number, in the unit that its owner names; NaN where it is undefined.
        lower: Lower end of the interval, same unit; NaN where it is undefined.
        upper: Upper end of the interval, same unit; NaN where it is undefined.
        reason: Why something of it is NaN; empty where nothing is.

    Raises:
        InputError: Something is NaN and no reason is given.
    """

    value: float
    lower: float
    upper: float
    reason: str = ""

    def __post_init__(self) -> None:
        if not self.reason and any(math.isnan(number) for number in (self.value, self.lower, self.upper)):
            raise InputError("A reason is wanted beside a number that is undefined, none came.")


def undefined(reason: str) -> Estimate:
    """An estimate without a number.

    Args:
        reason: Why.
    """
    return Estimate(math.nan, math.nan, math.nan, reason)


def is_rounding(spread: float, values: Numbers) -> bool:
    """Whether a spread is no more than the rounding of the values that it was computed from.

    Args:
        spread: 0 or more, in the unit of the values.
        values: What it was computed from; at least one.
    """
    return spread <= ROUNDING * float(np.abs(values).max())


def all_equal(values: Numbers) -> bool:
    """Whether values are one and the same, but for rounding; at least one is wanted."""
    return is_rounding(float(np.ptp(values)), values)
