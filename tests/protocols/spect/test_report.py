"""The report of a protocol B is whole or not there; its pictures are those of its rows."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.errors import OutputError  # noqa: E402
from deepgray.protocols.spect import report  # noqa: E402
from deepgray.protocols.spect.cases import UPRIGHT, Row, read_rows  # noqa: E402

ROWS = tuple(
    Row(
        arm, f"case-{n}", "normal", condition, "caudate", side, 0.8 + 0.01 * n, 1.0, 2.0, 0.1, 9.0, 10.0, 1 + n, 1.1 + n
    )
    for arm in ("deepgray", "unet")
    for condition in (UPRIGHT, "x 090", "x 180")
    for n in range(3)
    for side in ("left", "right")
)


def test_a_later_report_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "old.txt").write_text("old", encoding="utf-8")
    failed = Row(*(vars(ROWS[0]) | {"failure": "no head"}).values())
    page = report.write([*ROWS, failed], {}, tmp_path)
    assert page == tmp_path / "report" / "report.md"
    assert not (page.parent / "old.txt").exists()
    assert "- deepgray, upright, case-0: no head" in page.read_text(encoding="utf-8")
    assert len(read_rows(page.parent / "results.tsv")) == len(ROWS) + 1
    assert {p.name for p in page.parent.glob("*.png")} == {
        *("dice_violins.png", "rotation.png", "sbr_bland_altman.png", "sbr_scatter.png", "asi_scatter.png")
    }
    assert [p.name for p in tmp_path.iterdir()] == ["report"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "report.partial").write_text("in the way", encoding="utf-8")
    with pytest.raises(OutputError, match=r"A place to write .*report is wanted"):
        report.write(ROWS, {}, tmp_path)
