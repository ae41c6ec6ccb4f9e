"""Intervals of a scan's numbers: given where the weights are the calibrated ones, and explained where they are not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deepgray import models
from deepgray.models.intervals import Calibration, Reach
from deepgray.pipeline import analyse
from deepgray.pipeline import intervals as station
from deepgray.pipeline.intervals import CALIBRATED
from deepgray.recipe import Options
from deepgray.result import BESIDE, Decision, Outline, Result
from deepgray.scan import Scan

REACHES = {
    ("volume", "caudate", "side"): Reach(-1.0, 2.0, 10.0, 30),
    ("volume", "anterior caudate", "side"): Reach(-1.0, 2.0, 10.0, 30),
}


@pytest.fixture(scope="module")
def plain(drawing_task: Path, head_scan: Scan) -> Result:
    return analyse(head_scan, str(drawing_task))


def calibrate(monkeypatch: pytest.MonkeyPatch, sha256: str, parts: str = "network") -> None:
    monkeypatch.setattr(station, "calibration", lambda _: Calibration(sha256, parts, REACHES))


@pytest.fixture
def calibrated(plain: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights are the calibrated ones."""
    calibrate(monkeypatch, sha256(plain))


def of(
    result: Result, name: str, side: str = "left", quantity: str = "volume"
) -> tuple[float, float | None, float | None]:
    (m,) = (m for m in result.measurements if (m.structure, m.side, m.quantity) == (name, side, quantity))
    return m.value, m.lower, m.upper


def sha256(result: Result) -> str:
    return next(m.sha256 for m in result.models if m.stage == "outline")


def test_other_weights_have_no_intervals_and_the_result_says_so(plain: Result) -> None:
    assert all(m.lower is None and m.upper is None for m in plain.measurements)
    assert "not been calibrated for these weights of the network 'striatum-outline'" in plain.intervals


def test_calibrated_weights_have_intervals(
    plain: Result, drawing_task: Path, head_scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    calibrate(monkeypatch, sha256(plain))
    found = analyse(head_scan, str(drawing_task))
    assert found.intervals == CALIBRATED
    for name in ("caudate", "anterior caudate"):
        value, lower, upper = of(found, name)
        assert value == of(plain, name)[0]
        assert lower is not None
        assert upper is not None
        # half of three spreads below, two above, and the spread is not below its floor
        assert upper - value == pytest.approx(2 / 1.5 * (value - lower))
        assert value - lower >= 10.0
    assert of(found, "putamen")[1:] == (None, None)
    assert of(found, "caudate", "both")[1:] == (None, None)


def test_parts_that_were_divided_in_another_way_have_none(
    plain: Result, drawing_task: Path, head_scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    calibrate(monkeypatch, sha256(plain))
    found = analyse(head_scan, str(drawing_task), options=Options(subdivide="rule"))
    assert of(found, "caudate")[1] is not None
    assert of(found, "anterior caudate")[1:] == (None, None)
    assert found.intervals.endswith("Subregions divided in this way have none yet.")


@pytest.mark.usefixtures("calibrated")
@pytest.mark.parametrize(("kind", "told"), [("corrected", "this one was changed"), ("rejected", "")])
def test_a_changed_or_rejected_outline_has_none(drawing_task: Path, head_scan: Scan, kind: str, told: str) -> None:

    def decide(_: Scan, outline: Outline) -> Decision:
        return Decision(kind, "A. Reader", "", outline)

    found = analyse(head_scan, str(drawing_task), decide=decide)
    assert all(m.lower is None for m in found.measurements)
    assert told in found.intervals
    assert bool(told) == bool(found.intervals)


def test_an_outline_without_probabilities_has_none(
    plain: Result, drawing_task: Path, head_scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    calibrate(monkeypatch, sha256(plain))

    def decide(_: Scan, outline: Outline) -> Decision:
        return Decision("accepted", "batch", "", replace(outline, probabilities=None))

    assert "has no probabilities" in analyse(head_scan, str(drawing_task), decide=decide).intervals


def test_intervals_belong_to_both_networks_where_two_answer(
    plain: Result, drawing_task: Path, head_scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def both(name: str, *, threads: int | None, engine: str | None) -> models.Model:
        found = load(name, threads=threads, engine=engine)
        twice = replace(found, beside=replace(found, sha256="beside"))
        return twice if name.endswith("striatum-outline.onnx") else found

    load = models.load
    monkeypatch.setattr(models, "load", both)
    calibrate(monkeypatch, sha256(plain))
    assert "not been calibrated" in analyse(head_scan, str(drawing_task)).intervals
    calibrate(monkeypatch, sha256(plain) + "+beside")
    found = analyse(head_scan, str(drawing_task))
    assert found.intervals == CALIBRATED
    assert [m.sha256 for m in found.models if m.stage == BESIDE] == ["beside"]
    assert of(found, "caudate")[0] == pytest.approx(of(plain, "caudate")[0])  # the mean of two that say the same
