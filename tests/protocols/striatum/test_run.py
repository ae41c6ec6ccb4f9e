"""Protocol A from beginning to end with toy people and arms whose answers are known."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy_striatum import blocks, toy_pair, toy_seen

pytest.importorskip("torch", reason="torch (extra train) is not installed")
pytest.importorskip("matplotlib", reason="matplotlib (extra plots) is not installed")

from deepgray.errors import FieldOfViewError, NoHeadError
from deepgray.protocols.striatum import report, run, shelf
from deepgray.protocols.striatum.arms import ATLAS, CASCADE, CORRECTION, MENDED, ONE_STAGE, Seen, Tools
from deepgray.protocols.striatum.doubt import SHIPPED
from deepgray.protocols.striatum.flagged import case_dice, with_correction
from deepgray.protocols.striatum.people import plan
from deepgray.scan import LabelMap

PLANNED = plan(("a", "b"), scans=2)
# Dice of the toy blocks by how far an arm's answer is moved.
MOVED = {ATLAS: 2, ONE_STAGE: 1, CASCADE: 1, MENDED: 0}
TOOLS = Tools(atlases=("any",), one_stage="any")  # type: ignore[arg-type]


@pytest.fixture
def outlined(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The arms that were asked, one after the other."""
    asked: list[str] = []

    def answer(self: Seen, arm: str) -> LabelMap:
        asked.append(arm)
        if arm == ATLAS and self.seed == PLANNED[0].seed:
            raise FieldOfViewError("half a head")
        return blocks(MOVED[arm])

    monkeypatch.setattr(shelf, "simulated", lambda person, _: toy_pair(person.name))
    monkeypatch.setattr(run, "find_head", lambda examination, *_, **__: examination)
    monkeypatch.setattr(run, "registered", lambda *_: toy_seen(toy_pair()))
    monkeypatch.setattr(run, "Seen", _Toy)
    monkeypatch.setattr(run, "doubts", lambda result: {SHIPPED: result, "constant": 1.0})
    monkeypatch.setattr(_Toy, "outlined", answer)
    monkeypatch.setattr(run, "Examination", _Examination)
    return asked


class _Examination:
    """Stands for a head that was found."""

    pose = None

    def __init__(self, scan: object) -> None:
        self.scan = scan


class _Toy(Seen):
    """A scan of which only the seed matters: the higher, the less sure."""

    @property
    def result(self) -> float:  # type: ignore[override]
        return float(self.seed)


def test_the_whole_protocol_goes_on_where_it_stopped(outlined: list[str], tmp_path: Path) -> None:
    told: list[str] = []
    first = run.run(PLANNED[:2], None, tmp_path, tools=Tools(), told=told.append)  # type: ignore[arg-type]
    assert outlined == [CASCADE, MENDED] * 2
    assert told == [f"{n} of 2: {p.name}" for n, p in enumerate(PLANNED[:2], start=1)]
    assert {r.arm for r in first.rows} == {CASCADE, MENDED}
    outlined.clear()
    run.run(PLANNED, None, tmp_path, tools=TOOLS, told=told.append)  # type: ignore[arg-type]
    assert outlined == [ATLAS, ONE_STAGE] * 2 + [ATLAS, ONE_STAGE, CASCADE, MENDED] * 6
    outlined.clear()
    whole = run.run(PLANNED, None, tmp_path, tools=TOOLS, told=told.append)  # type: ignore[arg-type]
    assert outlined == []
    assert [r.arm for r in whole.rows[:: 12 * 8]] == [ATLAS, ONE_STAGE, CASCADE, MENDED]
    assert len(whole.rows) == 4 * 8 * 12


def test_what_is_written(outlined: list[str], tmp_path: Path) -> None:
    assert outlined == []
    outcome = run.run(PLANNED, None, tmp_path, tools=TOOLS, told=lambda _: None)  # type: ignore[arg-type]
    rows = with_correction(outcome.rows, outcome.doubts)
    mended = [case for case, dice in case_dice(rows, CORRECTION).items() if dice == 1.0]
    assert sorted(mended) == sorted(p.name for p in sorted(PLANNED, key=lambda p: p.seed)[-2:])
    own = outcome.doubts[PLANNED[1].name]
    assert own[f"{ONE_STAGE} against cascade"] == 0
    assert own[f"{ATLAS} against cascade"] == pytest.approx(0.25)
    assert report.failures(outcome) == [f"{ATLAS}, {PLANNED[0].name}: half a head"]
    page = report.write(outcome, tmp_path).read_text(encoding="utf-8")
    for words in ("Overlap and surface", "Order of the arms", "PET binding", "Does doubt know", "half a head"):
        assert words in page
    written = {p.name for p in (tmp_path / "report").iterdir()}
    assert {"results.tsv", "agreement.tsv", "doubts.tsv", "dice.png", "binding.png", "risk_coverage.png"} <= written
    assert "worst.png" in written


def test_a_scan_without_a_head_fails_in_every_arm(
    outlined: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise NoHeadError("no head here")

    monkeypatch.setattr(run, "find_head", refuse)
    found = run.run(PLANNED[:1], None, tmp_path, tools=TOOLS, told=lambda _: None)  # type: ignore[arg-type]
    assert outlined == []
    assert {(r.dice, r.failure) for r in found.rows} == {(0.0, "no head here")}


def test_a_trained_network_is_not_trained_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Path] = []

    def export(checkpoint: Path, target: Path) -> None:
        calls.append(checkpoint)
        target.touch()

    monkeypatch.setattr(run, "train", lambda settings: settings.out / "best.pt")
    monkeypatch.setattr(run, "export", export)
    settings = run.TrainSettings("striatum-one-stage", tmp_path, tmp_path / "one-stage")
    assert run.one_stage_of(settings) == run.one_stage_of(settings) == tmp_path / "one-stage.onnx"
    assert calls == [tmp_path / "one-stage" / "best.pt"]
