"""What protocol A prints, by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.protocols.striatum import tables
from deepgray.protocols.striatum.arms import ATLAS, CASCADE, ONE_STAGE
from deepgray.protocols.striatum.cases import Row
from deepgray.protocols.striatum.people import ATROPHIED, CONTROLS

DICE = {ATLAS: 0.70, ONE_STAGE: 0.79, CASCADE: 0.80}


def row(arm: str, number: int, dice: float, *, group: str = CONTROLS) -> Row:
    """A row with 10 % less volume and 20 % more binding than there is."""
    truth = 500.0 + 20 * number
    binding = 2.0 + 0.1 * number
    name = f"{group} {number}"
    surface = (1.0 + number, 0.5)
    return Row(
        arm,
        group,
        "a",
        name,
        "ventral putamen",
        "left",
        dice,
        *surface,
        0.9 * truth,
        truth,
        1.2 * binding,
        binding,
        3.0,
    )


ROWS = [
    row(arm, number, dice + 0.01 * number + (0.002 * (number % 2) if arm == CASCADE else 0), group=group)
    for arm, dice in DICE.items()
    for group in (CONTROLS, ATROPHIED)
    for number in range(8)
]


def test_the_cascade_is_better_on_everybody() -> None:
    found = tables.paired(ROWS[:], CASCADE, ATLAS)
    assert (found.people, found.better, found.worse) == (16, 16, 0)
    assert found.difference == pytest.approx(0.101)
    assert found.t < 1e-6
    # sixteen of sixteen: 2 / 2^16 exactly; scipy's approximation for ties stays near it
    assert found.wilcoxon < 1e-3


def test_equal_arms_have_no_test() -> None:
    twice = [replace(r, arm="again") for r in ROWS if r.arm == CASCADE]
    found = tables.paired([*ROWS, *twice], CASCADE, "again")
    assert (found.difference, found.better, found.worse) == (0.0, 0, 0)
    assert math.isnan(found.t)
    assert math.isnan(found.wilcoxon)


def test_the_order_holds_in_each_group() -> None:
    sheet = tables.paired_sheet(ROWS)
    assert [(line[0], line[1], line[-1]) for line in sheet.rows] == [
        (group, f"{CASCADE} > {other}", "yes") for group in (CONTROLS, ATROPHIED) for other in (ONE_STAGE, ATLAS)
    ]


def test_a_difference_that_chance_may_give_does_not_hold() -> None:
    rows = [row(CASCADE, n, 0.8 + 0.02 * (-1) ** n + 0.001) for n in range(8)] + [row(ATLAS, n, 0.8) for n in range(8)]
    (line,) = tables.paired_sheet(rows).rows
    assert line[-1] == "no"
    assert line[3] == "4 better, 4 worse of 8"


def test_bias_and_scatter_of_volume_and_binding() -> None:
    volume, binding = tables.volume_sheet(ROWS).rows, tables.binding_sheet(ROWS).rows
    assert {line[3:5] for line in volume} == {("-10.0", "0.0")}
    assert {line[3:5] for line in binding} == {("+20.0", "0.0")}
    assert [line[2] for line in volume[:3]] == list(DICE)
    assert {line[1] for line in volume} == {"ventral putamen", tables.POOLED}
    assert tables.agreement(ROWS[:8], tables.VOLUME).bland_altman.bias.value == pytest.approx(-0.1 * 570)


def test_overlap_names_the_worst_and_leaves_out_what_is_infinite() -> None:
    rows = [row(CASCADE, 0, 0.5), row(CASCADE, 1, 0.9), replace(row(CASCADE, 2, 0.0), hd95_mm=math.inf, failure="no")]
    (line,) = tables.overlap_sheet(rows).rows
    assert line[:3] == (CONTROLS, CASCADE, "3")
    assert line[3] == "0.467 ± 0.451"
    assert line[4] == "0.000 (controls 2)"
    assert line[5] == "1.50 ± 0.71"
    assert line[7] == "1"


def test_a_line_per_subregion() -> None:
    sheet = tables.structure_sheet(ROWS)
    assert sheet.columns == ("group", "subregion", *DICE)
    assert sheet.rows[0][2] == "0.735 ± 0.024"  # .70 to .77 in steps of .01
