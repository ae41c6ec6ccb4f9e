"""``deepgray protocol``: what is refused before anything is simulated, and what is printed."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy_dentates import ball

from deepgray.cli import main
from deepgray.cli.protocol import DentateProtocol, MidbrainProtocol
from deepgray.errors import SettingsError
from deepgray.protocols import sets
from deepgray.protocols.cases import Row, write_rows
from deepgray.protocols.dentate import plan


def test_nonsense_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="At least one scan of each head is wanted, 0 came"):
        DentateProtocol(tmp_path, atlas=tmp_path / "spl.nrrd", output=tmp_path, scans=0)
    with pytest.raises(SettingsError, match="as many scans of both sets as folds are wanted, 4, 2 and 2 came"):
        MidbrainProtocol(tmp_path, output=tmp_path, scans=2)
    with pytest.raises(SettingsError, match="4, 24 and 3 came"):
        MidbrainProtocol(tmp_path, output=tmp_path, source_scans=3)


def test_heads_that_train_the_arms_are_wanted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "anatomy-05_dseg.nii.gz").touch()
    assert main(["protocol", "d", str(tmp_path), "-o", str(tmp_path / "out")]) == 2
    assert "Heads besides anatomy-05, anatomy-09, anatomy-12 are wanted" in capsys.readouterr().err


def test_an_option_takes_several_values_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}_dseg.nii.gz").touch()
    words = ["protocol", "d", str(tmp_path), "-o", str(tmp_path / "out"), "--widths", "4", "8", "--heads", "one", "two"]
    assert main(words) == 2
    assert "Heads besides one, two are wanted" in capsys.readouterr().err


def test_a_finished_protocol_is_printed_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, one in enumerate(plan(("toy",), scans=3)):
        rows = [
            Row(
                one.group,
                one.name,
                "dentate nucleus",
                side,
                0.9,
                1.0,
                800.0 + number,
                810.0 + 2 * number,
                0.1,
                0.1,
                0.1,
            )
            for side in ("left", "right")
        ]
        write_rows(tmp_path / "cases" / f"{one.name}_dentate.tsv", rows)
        sets._keep_truth(tmp_path / "truth" / f"{one.name}_dentate.npz", ball(5.0 + 0.3 * number))
    monkeypatch.setattr(sets, "simulate_qsm", None)  # nothing is simulated again
    arguments = ["protocol", "c", str(tmp_path), "--atlas", "spl.nrrd", "-o", str(tmp_path), "--heads", "toy"]
    assert main([*arguments, "--scans", "3"]) == 0
    printed = capsys.readouterr().out
    assert "0.900" in printed
    assert "Simulated raters" in printed
    assert "volume ICC(2,1)" in printed
    assert "one, twice" in printed
    assert ".90 ± .03" in printed  # what the work printed stands beside it
    assert {p.name for p in (tmp_path / "report").iterdir()} == {
        *("report.md", "results.tsv", "agreement.tsv", "volume_bland_altman.png", "volume_scatter.png"),
        *("susceptibility_bland_altman.png", "susceptibility_scatter.png"),
    }
    page = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    assert "| internal | dentate nucleus, left | 3 | 0.900 ± 0.000 |" in page
    assert "](volume_scatter.png)" in page
