"""A number with its interval as the page prints it: the number, and below it from where to where."""

from __future__ import annotations

from collections.abc import Callable

from deepgray.result import Measurement

# What stands between a number and its interval; the template sets the second line small.
BREAK = "\n"


def ranged(m: Measurement | None, told: Callable[[float], str]) -> str:
    """A number, and its interval on a second line where it has one; empty where there is no number.

    Args:
        m: The number.
        told: How it is printed.
    """
    if m is None:
        return ""
    if m.lower is None or m.upper is None:
        return told(m.value)
    lower, upper = told(m.lower), told(m.upper)
    dash = " to " if {"−", "+"} & set(lower + upper) else "–"
    return f"{told(m.value)}{BREAK}{lower.removesuffix(' %')}{dash}{upper}"
