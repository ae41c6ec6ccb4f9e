"""One label map of twelve subregions against its truth, by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from toy_striatum import BLOCK_MM3, blocks, toy_pair, toy_seen

pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.errors import InputError
from deepgray.protocols.striatum.cases import binding, judged, read_rows, true_binding, write_rows
from deepgray.protocols.striatum.people import ATROPHIED, Person
from deepgray.scan import LabelMap

PERSON = Person(ATROPHIED, "anatomy-09", "huntington", 7)


def test_the_truth_itself_is_perfect() -> None:
    made = toy_pair()
    rows = judged(blocks(), PERSON, made, seen=toy_seen(made), words=("cascade", ""))
    assert len(rows) == 12
    assert {r.side for r in rows} == {"left", "right"}
    for row in rows:
        assert (row.dice, row.hd95_mm, row.assd_mm) == (1.0, 0.0, 0.0)
        assert (row.predicted_mm3, row.truth_mm3) == pytest.approx((BLOCK_MM3, BLOCK_MM3))
        assert row.bpnd == pytest.approx(1.0)
        assert row.truth_bpnd == pytest.approx(1.0)
        assert row.activity_bpnd == pytest.approx(6.0 / 1.5 - 1)
        assert row.case == "anatomy-09_huntington_seed-7"


def test_blocks_a_voxel_too_far_to_the_front() -> None:
    made = toy_pair()
    for row in judged(blocks(moved=1), PERSON, made, seen=toy_seen(made), words=("atlas", "")):
        assert row.dice == pytest.approx(0.75)
        assert row.hd95_mm == pytest.approx(2.0)
        assert row.predicted_mm3 == pytest.approx(BLOCK_MM3)
        assert row.bpnd == pytest.approx(0.75)
        assert row.truth_bpnd == pytest.approx(1.0)


def test_nothing_found_has_no_binding_and_says_why() -> None:
    made = toy_pair()
    empty = LabelMap(np.zeros_like(blocks().voxels), blocks().affine_ras, blocks().scheme)
    for row in judged(empty, PERSON, made, seen=None, words=("cascade", "no head")):
        assert row.dice == 0
        assert math.isnan(row.bpnd)
        assert row.failure == "no head"


def test_a_moved_pet_is_looked_up_where_it_lies() -> None:
    made = toy_pair()
    seen = toy_seen(made)
    assert binding(blocks(), seen)["left ventral striatum"] == pytest.approx(1.0)
    assert binding(blocks(moved=4), seen)["left ventral striatum"] == pytest.approx(0.0, abs=1e-6)
    assert true_binding(made)["anterior caudate", "right"] == pytest.approx(3.0)


def test_rows_survive_their_table(tmp_path: Path) -> None:
    made = toy_pair()
    rows = judged(blocks(moved=1), PERSON, made, seen=toy_seen(made), words=("cascade", ""))
    write_rows(tmp_path / "deep" / "rows.tsv", rows)
    assert read_rows(tmp_path / "deep" / "rows.tsv") == rows
    (tmp_path / "other.tsv").write_text("a\tb\n1\t2\n", encoding="utf-8")
    with pytest.raises(InputError, match="A table of judged cases is wanted"):
        read_rows(tmp_path / "other.tsv")
