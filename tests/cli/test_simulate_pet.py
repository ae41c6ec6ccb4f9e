"""``deepgray simulate pet``: pairs of a toy head with what is true of them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from toy_heads import save_heads

pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.cli import main
from deepgray.simulate import whole_head, whole_head_pet


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_heads(tmp_path_factory.mktemp("heads"), ("sub-01",), spacing=4.0)


@pytest.fixture(autouse=True)
def coarser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_head, "FINE_MM", 2.5)
    monkeypatch.setattr(whole_head_pet, "SPACING_MM", (3.5, 4.0))


def words_of(heads: Path, out: Path, *more: str) -> list[str]:
    return [
        "simulate",
        "pet",
        str(heads / "sub-01_dseg.nii.gz"),
        "-o",
        str(out),
        "--spacing-mm",
        "1.5",
        "1.5",
        "1.5",
        *more,
    ]


def test_pairs_and_what_is_true_of_them_lie_beside_one_another(
    heads: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = str(heads / "sub-01_striatum12.nii.gz")
    assert (
        main(words_of(heads, tmp_path, "--stage", "caudates", "--fwhm-mm", "4", "--parts", parts, "--seed", "7")) == 0
    )
    (printed,) = capsys.readouterr().out.splitlines()
    assert printed == str(tmp_path / "sub-01_seed-7_pet.nii.gz")
    t1 = nib.load(tmp_path / "sub-01_seed-7_T1w.nii.gz")
    for kind in ("striatum", "striatum12", "reference"):
        np.testing.assert_allclose(nib.load(tmp_path / f"sub-01_seed-7_desc-{kind}_dseg.nii.gz").affine, t1.affine)
    told = json.loads((tmp_path / "sub-01_seed-7_pet.json").read_text())
    assert (told["Units"], told["seed"], told["settings"]["stage"]) == ("Bq/mL", 7, "caudates")
    assert told["drawn"]["fwhm_mm"] == 4.0
    assert np.linalg.det(np.array(told["mr_from_pet"])) == pytest.approx(1.0)
    with (tmp_path / "sub-01_seed-7_truth.tsv").open(newline="") as stream:
        rows = {(r["structure"], r["side"]): r for r in csv.DictReader(stream, delimiter="\t")}
    # this toy head has no cerebellum
    putamen, cortex = rows["posterior putamen", "left"], rows["occipital cortex", "both"]
    assert putamen["reference"] == "occipital cortex"
    ratio = float(putamen["activity"]) / float(cortex["activity"])
    assert float(putamen["suvr"]) == pytest.approx(ratio, rel=1e-4)
    assert float(putamen["bpnd"]) == pytest.approx(ratio - 1, rel=1e-3)
    assert float(cortex["bpnd_seen"]) == 0.0
    assert not list(tmp_path.glob("*partial*"))


def test_earlier_pairs_are_kept(heads: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    earlier = tmp_path / "sub-01_seed-1_pet.nii.gz"
    earlier.write_bytes(b"mine")
    assert main(words_of(heads, tmp_path)) == 0
    assert "1 of 1 pairs are there already" in capsys.readouterr().err
    assert earlier.read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("more", "words"), [(["--count", "0"], "At least one pair is wanted"), (["--fwhm-mm", "50"], "1 to 20 mm")]
)
def test_what_cannot_be_done_is_told_in_a_sentence(
    heads: Path, tmp_path: Path, more: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words_of(heads, tmp_path, *more)) == 2
    assert words in capsys.readouterr().err
