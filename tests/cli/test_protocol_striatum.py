"""``deepgray protocol a``: what is refused before anything is simulated, and that options reach the protocol."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepgray.cli import main
from deepgray.cli.protocol_striatum import StriatumProtocol
from deepgray.errors import SettingsError

pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.protocols.striatum import report, run
from deepgray.protocols.striatum.arms import CASCADE, MENDED, Tools
from deepgray.protocols.striatum.cases import Row
from deepgray.protocols.striatum.people import Person


def test_nonsense_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="People, steps and voters of 1 or more are wanted; 0, 8000 and 3 came"):
        StriatumProtocol(tmp_path, output=tmp_path, scans=0)
    with pytest.raises(SettingsError, match="Arms to leave out, of atlas, one-stage, are wanted; cascade came"):
        StriatumProtocol(tmp_path, output=tmp_path, without=("cascade",))


def test_the_heads_that_judge_must_be_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["protocol", "a", str(tmp_path), "-o", str(tmp_path / "out")]) == 2
    assert "Label maps of anatomy-05, anatomy-09, anatomy-12 are wanted" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_heads_that_are_atlases_are_wanted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "one_dseg.nii.gz").touch()
    words = ["protocol", "a", str(tmp_path), "-o", str(tmp_path / "out"), "--heads", "one", "--without", "one-stage"]
    assert main(words) == 2
    assert "Heads besides one are wanted" in capsys.readouterr().err


def test_options_reach_the_protocol_and_tables_are_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one_dseg.nii.gz").touch()
    seen: list[tuple[tuple[Person, ...], Tools]] = []

    def ran(planned: tuple[Person, ...], _: object, __: Path, *, tools: Tools, told: object) -> run.Outcome:
        assert told is not None
        seen.append((planned, tools))
        rows = tuple(
            Row(arm, p.group, p.head, p.name, "ventral putamen", "left", dice, 1.0, 0.5, 9.0, 10.0, 1.0, 1.0, 3.0)
            for arm, dice in ((CASCADE, 0.8125), (MENDED, 0.9))
            for p in planned
        )
        return run.Outcome(rows, {})

    monkeypatch.setattr(run, "run", ran)
    monkeypatch.setattr(report, "write", lambda _, out: out / "report" / "report.md")
    words = ["protocol", "a", str(tmp_path), "-o", str(tmp_path / "out"), "--heads", "one", "--scans", "3"]
    assert main([*words, "--without", "atlas", "one-stage", "--threads", "1", "--voters", "2"]) == 0
    ((planned, tools),) = seen
    assert len(planned) == 6
    assert (tools.atlases, tools.one_stage, tools.options.threads) == ((), None, 1)
    assert tools.registration.voters == 2
    assert "0.812" in capsys.readouterr().out
