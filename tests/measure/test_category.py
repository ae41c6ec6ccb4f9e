"""The suggested category, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from deepgray.measure.binding import Uptake
from deepgray.measure.category import suggested_category
from deepgray.measure.references import Level
from deepgray.recipe import CategoryLimits

LIMITS = CategoryLimits(front_below=0.6, better_putamen_below=0.7, worse_putamen_below=0.8)
REFERENCE = Level("cerebellum", 1.0, "by hand")


def found(caudate: float, anterior: float, left: float, right: float) -> dict[tuple[str, str], Uptake]:
    """Means that give these ratios with a reference of 1."""
    values = {("posterior putamen", "left"): left, ("posterior putamen", "right"): right}
    for side in ("left", "right"):
        values |= {("caudate", side): caudate, ("anterior putamen", side): anterior}
    return {key: Uptake(value + 1, 10, None) for key, value in values.items()}


@pytest.mark.parametrize(
    ("ratios", "number", "name"),
    [
        ((1.5, 2.0, 1.4, 1.5), 0, "NC (no pattern of loss)"),
        ((1.2, 1.5, 0.5, 1.2), 1, "ANC1 (one putamen reduced)"),
        ((1.2, 1.5, 1.2, 0.5), 1, "ANC1 (one putamen reduced)"),
        ((0.8, 0.9, 0.5, 0.4), 2, "ANC2 (both putamina reduced)"),
        ((0.4, 0.5, 0.3, 0.3), 3, "ANC3 (caudates reduced too)"),
    ],
)
def test_each_pattern(ratios: tuple[float, float, float, float], number: int, name: str) -> None:
    (m,) = suggested_category(found(*ratios), REFERENCE, limits=LIMITS)
    assert m.value == number
    assert m.method.startswith(f"suggested {name}: ")
    assert m.reference == "cerebellum: 1 (by hand)"


def test_without_reference_nothing_is_suggested() -> None:
    (m,) = suggested_category(found(1, 1, 1, 1), Level("cerebellum", 1.0, "", "it is cut off"), limits=LIMITS)
    assert np.isnan(m.value)
    assert m.method == "suggested undefined: it is cut off"


def test_an_outline_without_putamen_has_no_category() -> None:
    assert suggested_category({("caudate", "left"): Uptake(2, 3, 11)}, REFERENCE, limits=LIMITS) == ()
