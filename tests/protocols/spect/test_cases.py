"""One outline against what is known."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toy_spect import toy_case

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.errors import InputError  # noqa: E402
from deepgray.protocols.spect.cases import (  # noqa: E402
    WHOLE,
    Found,
    chosen,
    judged,
    nothing,
    read_rows,
    whole,
    write_rows,
)
from deepgray.scan import LabelMap  # noqa: E402

LEFT_CAUDATE, LEFT_PUTAMEN, RIGHT_CAUDATE, RIGHT_PUTAMEN = 11, 12, 50, 51


def relabelled(**changes: int) -> LabelMap:
    """The truth of the toy with some labels changed (``_11=0``)."""
    truth = toy_case().truth
    voxels = truth.voxels.copy()
    for old, new in changes.items():
        voxels[truth.voxels == int(old[1:])] = new
    return LabelMap(voxels, truth.affine_ras, truth.scheme)


def test_the_truth_itself_is_perfect() -> None:
    case = toy_case(noise=0.0)
    rows = judged(Found(case.truth), case, arm="toy")
    assert [(r.structure, r.side) for r in rows] == [
        ("caudate", "left"),
        ("caudate", "right"),
        ("putamen", "left"),
        ("putamen", "right"),
        ("dorsal striatum", "left"),
        ("dorsal striatum", "right"),
        ("dorsal striatum", "both"),
    ]
    assert all((r.dice, r.hd95_mm, r.hd_scaled_mm, r.rvd) == (1.0, 0.0, 0.0, 0.0) for r in rows)
    assert all(r.sbr == r.truth_sbr for r in rows)
    assert all(r.wrong_side == 0 for r in rows if r.side != "both")
    sbr = {f"{r.side} {r.structure}": r.truth_sbr for r in rows}
    # uptake 4 and 2 over a background of 1, less what the coarse voxels lose at the border
    assert 2.2 < sbr["left putamen"] < 3.0
    assert sbr["right putamen"] == pytest.approx(sbr["left putamen"] / 3, rel=0.05)


def test_a_side_with_the_other_s_name_is_counted() -> None:
    case = toy_case()
    rows = judged(Found(relabelled(_11=RIGHT_CAUDATE, _50=LEFT_CAUDATE)), case, arm="toy")
    caudates = chosen(rows, structure="caudate")
    assert [r.dice for r in caudates] == [0.0, 0.0]
    assert [r.wrong_side for r in caudates] == [1.0, 1.0]
    assert [r.dice for r in chosen(rows, structure="putamen")] == [1.0, 1.0]
    assert chosen(rows, side="both")[0].dice == 1.0  # the whole striatum is found


def test_volumes_and_overlap_by_hand() -> None:
    case = toy_case()
    rows = judged(Found(relabelled(_12=0)), case, arm="toy")
    truth = {s.key: int(case.truth.mask(s).sum()) for s in case.truth.scheme.structures}
    (putamen,) = chosen(rows, structure="putamen", side="left")
    assert (putamen.dice, putamen.rvd, putamen.predicted_mm3) == (0.0, 1.0, 0.0)
    assert math.isinf(putamen.hd95_mm)
    assert math.isnan(putamen.sbr)
    (left,) = chosen(rows, structure="dorsal striatum", side="left")
    found, wanted = truth["left caudate"], truth["left caudate"] + truth["left putamen"]
    assert left.dice == pytest.approx(2 * found / (found + wanted))
    assert left.rvd == pytest.approx((wanted - found) / wanted)
    assert left.truth_mm3 == pytest.approx(wanted)


def test_an_arm_without_compartments_has_one_row() -> None:
    case = toy_case()
    labels = np.where(case.truth.voxels > 0, WHOLE.structures[0].label, 0)
    (row,) = judged(Found(LabelMap(labels, case.truth.affine_ras, WHOLE)), case, arm="thr-67")
    assert (row.structure, row.side, row.dice) == ("dorsal striatum", "both", 1.0)
    assert math.isnan(row.wrong_side)


def test_caudate_and_putamen_of_a_side_are_one() -> None:
    found = whole(toy_case().truth)
    assert set(np.unique(found.voxels)) == {0, 21, 22}
    assert whole(found) is found


def test_a_refusal_is_an_empty_outline_with_its_reason() -> None:
    case = toy_case()
    rows = judged(nothing(case, "no head"), case, arm="toy")
    assert {(r.dice, r.failure) for r in rows} == {(0.0, "no head")}


def test_what_an_arm_printed_is_kept() -> None:
    case = toy_case()
    rows = judged(Found(case.truth, {"left caudate": 2.5}, "NC"), case, arm="toy")
    printed = {f"{r.side} {r.structure}": r.printed_sbr for r in rows}
    assert printed["left caudate"] == 2.5
    assert math.isnan(printed["right caudate"])
    assert {r.category for r in rows} == {"NC"}


def test_rows_survive_a_file(tmp_path: Path) -> None:
    case = toy_case()
    rows = [replace(r, printed_sbr=1.0, wrong_side=0.0) for r in judged(Found(case.truth), case, arm="toy")]
    write_rows(tmp_path / "deep" / "rows.tsv", rows)
    assert read_rows(tmp_path / "deep" / "rows.tsv") == tuple(rows)
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["rows.tsv"]
    (tmp_path / "other.tsv").write_text("a\tb\n1\t2\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"A table of judged scans is wanted, .*other\.tsv is none"):
        read_rows(tmp_path / "other.tsv")
