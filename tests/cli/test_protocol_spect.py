"""``deepgray protocol b``: what is refused before anything is simulated, and what is printed."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.cli import main
from deepgray.cli.protocol_spect import SpectProtocol, _design
from deepgray.errors import SettingsError
from deepgray.protocols.spect import run
from deepgray.protocols.spect.cases import UPRIGHT, Row
from deepgray.protocols.spect.run import Design, Outcome
from deepgray.protocols.spect.sets import Subject


def anatomies(folder: Path) -> Path:
    for name in ("anatomy-01", "anatomy-02", "anatomy-05", "anatomy-09", "anatomy-12"):
        (folder / f"{name}_dseg.nii.gz").touch()
    return folder


def test_presets_differ_in_size_and_in_how_many_heads_are_turned(tmp_path: Path) -> None:
    quick = _design(SpectProtocol(tmp_path, output=tmp_path))
    assert (quick.recipes["nnunet"].spacing_mm, quick.turned_scans, quick.turn_step_degrees) == (2.0, 4, 30.0)
    full = _design(SpectProtocol(tmp_path, output=tmp_path, preset="full"))
    assert (full.recipes["nnunet"].spacing_mm, full.turned_scans, full.turn_step_degrees) == (1.0, 40, 10.0)
    short = _design(SpectProtocol(tmp_path, output=tmp_path, steps=30, turned_scans=0, arms=("thr-67",)))
    assert (short.recipes["unet"].steps, short.recipes["unet"].validate_every) == (30, 3)
    assert (short.turned_scans, short.arms) == (0, ("thr-67",))


def test_nonsense_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SettingsError, match=r"People in every set are wanted, \(0, 1, 1\) came"):
        SpectProtocol(tmp_path, output=tmp_path, scans=(0, 1, 1))
    with pytest.raises(SettingsError, match="A step of training or more is wanted, 0 came"):
        SpectProtocol(tmp_path, output=tmp_path, steps=0)
    assert main(["protocol", "b", str(tmp_path), "-o", str(tmp_path / "out")]) == 2
    assert "Label maps of anatomy-05, anatomy-09, anatomy-12 are wanted" in capsys.readouterr().err


def test_tables_go_to_standard_output_and_the_report_to_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def ran(planned: tuple[Subject, ...], heads: object, out: Path, *, design: Design, told: object) -> Outcome:
        assert design.arms == ("deepgray", "thr-67")
        names = [p.name for p in planned if p.group == "test"]
        numbers = (0.9, 1.0, 2.0, 0.1, 900.0, 1000.0, 1.0, 1.1)
        rows = [Row("deepgray", n, "normal", UPRIGHT, "caudate", s, *numbers) for n in names for s in ("left", "right")]
        return Outcome((*rows, Row("thr-67", "x", "normal", UPRIGHT, "caudate", "left", *numbers, failure="dark")), {})

    monkeypatch.setattr(run, "run", ran)
    arguments = ["protocol", "b", str(anatomies(tmp_path)), "-o", str(tmp_path / "out"), "--scans", "4", "2", "3"]
    assert main([*arguments, "--arms", "deepgray", "--arms", "thr-67"]) == 0
    printed = capsys.readouterr()
    assert "Overlap, surface and volume" in printed.out
    assert "no outline: thr-67, upright, x: dark" in printed.out
    assert "report.md" in printed.err
    assert (tmp_path / "out" / "report" / "report.md").exists()
