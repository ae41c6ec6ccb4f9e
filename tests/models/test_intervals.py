"""Tables of intervals: what is written is read, what is damaged is refused, what ships belongs to the weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepgray import models
from deepgray.errors import ModelError
from deepgray.models import intervals
from deepgray.models.intervals import Calibration, Reach, calibration, calibration_from, calibration_text

LEARNT = Calibration(
    "ab" * 32,
    "rule",
    {
        ("volume", "red nucleus", "side"): Reach(-1.25, 0.5, 12.5, 72),
        ("asymmetry", "red nucleus", "both"): Reach(-2.0, 2.125, 0.001, 36),
    },
)
SHIPPED = sorted(p.stem for p in (models.catalogue.FOLDER / "intervals").glob("*.tsv"))


def test_what_is_written_is_read() -> None:
    text = calibration_text(LEARNT)
    assert text.splitlines()[:3] == [
        f"# sha256 {'ab' * 32} parts rule",
        "quantity\tstructure\tof\tlow\thigh\tfloor\tcount",
        "volume\tred nucleus\tside\t-1.250\t0.500\t12.5\t72",
    ]
    assert calibration_from(text) == LEARNT
    whole = Calibration("cd", "", LEARNT.reaches)
    assert calibration_from(calibration_text(whole)) == whole


@pytest.mark.parametrize(
    "text",
    ["", "no header\n", "# sha256\n", "# sha256 ab\nquantity\tvalue\nvolume\t1\n", "# sha256 ab\n"],
)
def test_another_table_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="wanted"):
        calibration_from(text)


def test_a_damaged_table_is_told_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "striatum-outline.tsv").write_text("nothing\n")
    monkeypatch.setattr(intervals, "_TABLES", tmp_path)
    with pytest.raises(ModelError, match="striatum-outline"):
        calibration("striatum-outline")


def test_a_network_without_a_table_and_one_that_does_not_ship_have_none() -> None:
    assert calibration("head-locate") is None
    assert calibration("../intervals/striatum-outline") is None


@pytest.mark.parametrize("name", SHIPPED)
def test_tables_that_ship_belong_to_the_weights_that_ship_and_hold_the_number(name: str) -> None:
    learnt = calibration(name)
    assert learnt is not None
    assert learnt.sha256 == models.load(name).weights
    assert all(reach.low < reach.high and reach.floor > 0 and reach.count >= 19 for reach in learnt.reaches.values())
    assert ("volume", "side") in {(quantity, of) for quantity, _, of in learnt.reaches}
