"""What protocol B prints."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.protocols.spect import tables  # noqa: E402
from deepgray.protocols.spect.cases import MIRRORED, UPRIGHT, Row  # noqa: E402

STAGES = ("normal", "one-putamen", "both-putamina", "caudates")


def rows_of(arm: str, case: int, dice: float, *, condition: str = UPRIGHT, wrong: float = 0.0) -> list[Row]:
    """One scan: true SBR 2 on the left and 1 on the right; found 0.1 above on the left, as it is on the right."""
    out = []
    for name in ("caudate", "putamen"):
        for side, truth, found in (("left", 2.0, 2.1), ("right", 1.0 + 0.1 * case, 1.0 + 0.1 * case)):
            out.append(
                Row(
                    *(arm, f"case-{case}", STAGES[case % 4], condition, name, side),
                    *(dice, 2.0, 3.0, 0.1, 900.0, 1000.0, found, truth),
                    wrong_side=wrong,
                    category="NC" if arm == "deepgray" else "",
                )
            )
    for side in ("left", "right", "both"):
        numbers = (dice + 0.05, 2.0, 3.0, 0.1, 900.0, 1000.0, 1.5, 1.5)
        out.append(Row(arm, f"case-{case}", STAGES[case % 4], condition, "dorsal striatum", side, *numbers))
    return out


ROWS = [row for n in range(4) for row in rows_of("deepgray", n, 0.86 + 0.01 * n)]
ROWS += [row for n in range(4) for row in rows_of("nnunet", n, 0.80 + 0.02 * n)]


def cells(sheet: tables.Sheet, *start: str) -> tuple[str, ...]:
    """The one row that begins with these words."""
    (found,) = [row for row in sheet.rows if row[: len(start)] == start]
    return found


def test_overlap_by_stratum_with_the_work_s_own_figures_beside_it() -> None:
    sheet = tables.overlap_sheet(ROWS)
    assert sheet.columns[3:7] == ("Dice LC", "Dice RC", "Dice LP", "Dice RP")
    assert cells(sheet, "deepgray", "NC")[2:8] == ("1", "0.860", "0.860", "0.860", "0.860", "–")
    # scans .86 .87 .88 .89: mean .875, SD .0129
    assert cells(sheet, "deepgray", "all")[7:] == (
        "0.875 ± 0.013",
        "0.925",
        "2.00",
        "3.00",
        "0.100",
        "≈ .7, 1.8 mm, .1",
    )
    assert cells(sheet, "nnunet", "ANC1")[-1] == ".73"
    assert "work B, its own patients" in sheet.columns[-1]
    assert "simulated" in sheet.note


def test_binding_is_that_of_found_against_true_masks() -> None:
    sheet = tables.binding_sheet(tables.binding_agreements(ROWS))
    pooled = cells(sheet, "nnunet", "four compartments")
    # differences 0.1 on the left, 0 on the right: bias .05, SD .0516, limits .05 ± .1012
    assert pooled[2:4] == ("16", "+0.050 [−0.051, +0.151]")
    assert pooled[-1] == "−.012 [−.183, .160], %MAD 6.79 ± 5.47"
    assert cells(sheet, "deepgray", "four compartments")[-1] == ""


def test_asymmetry_by_hand() -> None:
    found = tables.asymmetry_agreements(ROWS)
    one = next(a for a in found if a.name.side == "deepgray" and a.name.structure == "caudate").agreement
    # true 100 · (2 − 1) / 3, found 100 · (2.1 − 1) / 3.1 in the first scan
    assert one.reference[0] == pytest.approx(100 / 3)
    assert one.measured[0] == pytest.approx(110 / 3.1)
    assert next(a for a in found if a.name.quantity == tables.SIGNED_ASI).agreement.reference[0] == pytest.approx(
        100 / 3
    )
    other = {"left": "right", "right": "left"}
    turned_round = tables.asymmetry_agreements([replace(r, side=other.get(r.side, r.side)) for r in ROWS])
    signed = next(a for a in turned_round if a.name.quantity == tables.SIGNED_ASI).agreement
    assert signed.reference[0] == pytest.approx(-100 / 3)
    assert signed.measured[0] == pytest.approx(-110 / 3.1)
    sheet = tables.asymmetry_sheet(found)
    assert cells(sheet, "nnunet", "caudate and putamen, with its side")[-1] == ""
    assert cells(sheet, "nnunet", "caudate and putamen")[-1] == "slope .74, r .81"


def test_arms_are_compared_on_the_same_scans() -> None:
    sheet = tables.paired_sheet(ROWS, "deepgray")
    # differences .06 .05 .04 .03: mean .045, SD .0129, t = 6.97 with 3 degrees of freedom
    assert cells(sheet, "nnunet")[1:] == (
        *("mean of four", "4", "0.875", "0.830", "0.045 [0.024, 0.066]", "4", "0.006", "0.125"),
    )


def test_a_drop_with_the_angle_is_found() -> None:
    turned = [r for a, d in (("030", 0.86), ("060", 0.70)) for r in rows_of("deepgray", 0, d, condition=f"z {a}")]
    assert tables.rotation_curves([*ROWS, *turned], "deepgray") == {"z": ((0.0, 0.86), (30.0, 0.86), (60.0, 0.70))}
    line = cells(tables.rotation_sheet([*ROWS, *turned]), "deepgray", "z")
    assert line[2:] == ("3", "0.860", "0.700", "0.160 at 60°", "60°")


def test_sides_that_are_mixed_up_are_told() -> None:
    mirrored = [r for n in range(4) for r in rows_of("nnunet", n, 0.4, condition=MIRRORED, wrong=0.5)]
    line = cells(tables.mirror_sheet([*ROWS, *mirrored], ["nnunet"]), "nnunet")
    assert line == ("nnunet", "0.830 ± 0.026", "0.0", "0.400 ± 0.000", "50.0")


def test_the_suggested_category_is_judged_by_stage() -> None:
    sheet = tables.category_sheet(ROWS)
    assert sheet is not None
    assert cells(sheet, "deepgray", "NC")[2:] == ("1", "1")
    assert cells(sheet, "deepgray", "balanced accuracy")[-1] == "0.250"  # one stage of four
    assert tables.category_sheet([r for r in ROWS if r.arm == "nnunet"]) is None


def test_a_table_is_markdown() -> None:
    text = tables.Sheet("Title", ("a", "b"), (("1", "2"),), "Note.").markdown()
    assert text == "## Title\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nNote.\n"


def test_scans_that_were_not_found_count_as_nothing() -> None:
    lost = [Row(*(vars(r) | {"dice": 0.0, "sbr": math.nan}).values()) for r in rows_of("deepgray", 0, 0.9)]
    assert tables.case_dice(lost) == {"case-0": 0.0}
    pooled = next(a for a in tables.binding_agreements(lost) if a.name.structure == "four compartments")
    assert (pooled.agreement.pairs, pooled.agreement.dropped) == (0, 4)
