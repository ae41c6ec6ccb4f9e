"""``deepgray simulate spect``: scans of a toy head with what is true of them."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from toy_heads import save_heads

pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.cli import main
from deepgray.simulate import whole_head, whole_head_spect


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_heads(tmp_path_factory.mktemp("heads"), ("sub-01",), spacing=4.0)


@pytest.fixture(autouse=True)
def coarser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_head, "FINE_MM", 2.5)
    monkeypatch.setattr(whole_head_spect, "CAMERA_SHAPE", (32, 32, 28))
    monkeypatch.setattr(whole_head_spect, "CAMERA_MM", 8.0)


def words_of(heads: Path, out: Path, *more: str) -> list[str]:
    place = ["simulate", "spect", str(heads / "sub-01_dseg.nii.gz"), "-o", str(out), "--grid", "clinical"]
    return [*place, "--physics", "fast", *more]


def test_scans_and_what_is_true_of_them_lie_beside_one_another(
    heads: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = str(heads / "sub-01_striatum12.nii.gz")
    more = ("--spacing-mm", "5", "5", "4", "--stage", "caudates", "--age", "70", "--parts", parts)
    assert main(words_of(heads, tmp_path, "--count", "2", "--seed", "7", *more)) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed == [str(tmp_path / f"sub-01_seed-{seed}_spect.nii.gz") for seed in (7, 8)]
    image = nib.load(printed[0])
    assert image.header.get_zooms() == (5.0, 5.0, 4.0)
    for kind in ("striatum", "striatum4", "striatum12", "reference"):
        np.testing.assert_allclose(nib.load(tmp_path / f"sub-01_seed-7_desc-{kind}_dseg.nii.gz").affine, image.affine)
    fine = nib.load(tmp_path / "sub-01_seed-7_res-1mm_desc-striatum12_dseg.nii.gz")
    assert fine.header.get_zooms() == (1.0, 1.0, 1.0)
    told = json.loads((tmp_path / "sub-01_seed-7.json").read_text())
    assert (told["labelmap"], told["seed"], told["settings"]["stage"]) == ("sub-01_dseg.nii.gz", 7, "caudates")
    assert told["drawn"]["age_years"] == 70.0
    assert told["true_sbr"]["occipital cortex"]["left putamen"] > 0
    assert "left putamen" in told["scan_sbr"]["occipital cortex"]
    assert np.linalg.det(np.array(told["canonical_from_world"])) == pytest.approx(1.0)


def test_earlier_scans_are_kept_unless_told(heads: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    earlier = tmp_path / "sub-01_seed-1_spect.nii.gz"
    earlier.write_bytes(b"mine")
    assert main(words_of(heads, tmp_path)) == 0
    printed = capsys.readouterr()
    assert "1 of 1 scans are there already" in printed.err
    assert printed.out.strip() == str(earlier)
    assert earlier.read_bytes() == b"mine"
    assert main(words_of(heads, tmp_path, "--overwrite")) == 0
    assert earlier.read_bytes() != b"mine"
    assert not list(tmp_path.glob("*partial*"))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--count", "0"], "At least one scan is wanted, 0 came"),
        (["--stage", "late"], "late"),
        (["--rotation-degrees", "200"], "0 to 180 degrees"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(
    heads: Path, tmp_path: Path, more: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words_of(heads, tmp_path, *more)) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert printed.out == ""
