"""What the protocols print."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from deepgray.protocols.cases import Row
from deepgray.protocols.tables import VOLUME, agreement, agreements, overlap_sheet, paired_p, paired_sheet


def row(group: str, case: int, dice: float, *, side: str = "left", volume: float = 100.0) -> Row:
    return Row(group, f"case-{case}", "red nucleus", side, dice, 1.0, volume, volume + case, 0.10, 0.11, 0.12)


ROWS = [
    *(row("one", n, 0.9 + 0.01 * n, volume=100 + 10 * n) for n in range(4)),
    *(row("two", n, 0.8 + 0.02 * n, volume=100 + 10 * n) for n in range(4)),
]


def test_agreement_is_of_found_against_true() -> None:
    found = agreement(ROWS[:4], VOLUME)
    assert found.bland_altman.bias.value == pytest.approx(-1.5)  # 0, 1, 2, 3 less
    assert found.unit == "mm3"
    assert [(one.name.structure, one.name.quantity) for one in agreements(ROWS)] == [
        ("one: red nucleus", "volume"),
        ("one: red nucleus", "susceptibility"),
        ("two: red nucleus", "volume"),
        ("two: red nucleus", "susceptibility"),
    ]


def test_the_table_says_whose_numbers_are_whose() -> None:
    sheet = overlap_sheet(ROWS, printed={"one red nucleus": ".903"}, by_side=False)
    assert sheet.rows[0][:5] == ("one", "red nucleus", "4", "0.915 ± 0.013", "0.900 (case-0)")
    assert sheet.rows[1][:5] == ("two", "red nucleus", "4", "0.830 ± 0.026", "0.800 (case-0)")
    assert [line[-1] for line in sheet.rows] == [".903", ""]
    assert sheet.columns[-1] == "printed by the work, its own data"
    assert "Simulated" in sheet.note


def test_nuclei_that_were_not_found_are_counted_and_no_number_is_made_up() -> None:
    nothing = [replace(r, dice=0.0, hd95_mm=math.inf, predicted_mm3=0.0, predicted_ppm=math.nan) for r in ROWS[:4]]
    sheet = overlap_sheet([*ROWS[:3], nothing[3]], printed={}, by_side=False)
    assert sheet.rows[0][5] == "1.00 (1 not found)"
    sheet = overlap_sheet(nothing, printed={}, by_side=False)
    assert [sheet.rows[0][n] for n in (5, 7, 8)] == ["– (4 not found)", "–", "–"]


def test_arms_are_held_against_one_another() -> None:
    assert paired_sheet(ROWS).rows == (("red nucleus", "one", "two", "+0.085", "0.00095"),)
    alone = [*ROWS[:4], row("two", 9, 0.5)]
    assert paired_sheet(alone).rows == (("red nucleus", "one", "two", "–", "–"),)


def test_the_paired_test_pairs_cases_and_sides() -> None:
    # differences .10, .09, .08, .07: mean .085, SD .01291, t = 13.17 with 3 degrees of freedom
    assert paired_p(ROWS, "one", "two", "red nucleus") == pytest.approx(9.46e-4, rel=0.02)
    assert math.isnan(paired_p(ROWS, "one", "three", "red nucleus"))
