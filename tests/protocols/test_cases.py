"""Judging one simulated map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deepgray.anatomy import scheme, structure
from deepgray.errors import InputError
from deepgray.protocols.cases import Known, Row, compared, mean_ppm, read_rows, write_rows
from deepgray.scan import LabelMap, Scan

LEFT, RIGHT = (structure(f"{side} dentate nucleus").label for side in ("left", "right"))


def known() -> Known:
    voxels = np.zeros((12, 6, 6), dtype=np.int16)
    voxels[1:4, 1:5, 1:5] = LEFT
    voxels[8:11, 1:5, 1:5] = RIGHT
    chi = np.zeros(voxels.shape, dtype=np.float32)
    chi[voxels == LEFT], chi[voxels == RIGHT] = 0.1, 0.2
    chi[1, 1:5, 1:5] = 0.0  # outside the map's mask
    truth = LabelMap(voxels, np.eye(4), scheme("dentate2"))
    return Known(Scan(chi, np.eye(4), "head_seed-1", "qsm", "ppm"), truth, {"left dentate nucleus": 0.12})


def test_rows_hold_overlap_volume_and_susceptibility_of_each_side() -> None:
    truth = known()
    found = truth.truth.voxels.copy()
    found[8:11, 1:5, 3:5] = 0  # half of the right is missed
    left, right = compared(LabelMap(found, np.eye(4), scheme("dentate2")), truth, group="internal")
    assert (left.side, left.dice, left.predicted_mm3, left.truth_mm3) == ("left", 1.0, 48.0, 48.0)
    assert (right.side, right.predicted_mm3, right.truth_mm3) == ("right", 24.0, 48.0)
    assert right.dice == pytest.approx(2 * 24 / (24 + 48))
    assert left.predicted_ppm == pytest.approx(0.1)  # zeros are left out
    assert (left.simulated_ppm, right.truth_ppm) == (0.12, pytest.approx(0.2))
    assert np.isnan(right.simulated_ppm)


def test_nothing_found_is_a_row_with_its_reason() -> None:
    truth = known()
    empty = LabelMap(np.zeros_like(truth.truth.voxels), np.eye(4), scheme("dentate2"))
    rows = compared(empty, truth, group="external", failure="no head")
    assert [r.dice for r in rows] == [0.0, 0.0]
    assert all(np.isnan(r.predicted_ppm) and r.failure == "no head" for r in rows)


def test_the_mean_of_nothing_is_nan() -> None:
    truth = known()
    empty = LabelMap(np.zeros_like(truth.truth.voxels), np.eye(4), scheme("dentate2"))
    assert np.isnan(mean_ppm(truth.scan, empty, "left dentate nucleus"))


def test_rows_survive_a_file(tmp_path: Path) -> None:
    row = Row("internal", "head_seed-1", "red nucleus", "left", 0.91, float("inf"), 250.0, 260.0, 0.09, 0.1, 0.12, "")
    write_rows(tmp_path / "deep" / "rows.tsv", [row])
    assert read_rows(tmp_path / "deep" / "rows.tsv") == (row,)
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["rows.tsv"]


def test_another_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.tsv").write_text("a\tb\n1\t2\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"A table of judged cases is wanted, .*rows\.tsv is none"):
        read_rows(tmp_path / "rows.tsv")
