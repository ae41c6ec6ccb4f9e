"""``deepgray simulate mr``: scans of a toy head with their true labels."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from toy_heads import save_heads

pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.cli import main
from deepgray.simulate import whole_head


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_heads(tmp_path_factory.mktemp("heads"), ("sub-01",), spacing=3.0)


@pytest.fixture(autouse=True)
def coarser_nuclei(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_head, "FINE_MM", 2.0)


def words_of(heads: Path, out: Path, *more: str) -> list[str]:
    place = ["simulate", "mr", str(heads / "sub-01_dseg.nii.gz"), "-o", str(out)]
    return [*place, "--spacing-mm", "4", "4", "4", *more]


def test_scans_and_their_true_labels_lie_beside_one_another(
    heads: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = str(heads / "sub-01_striatum12.nii.gz")
    assert main(words_of(heads, tmp_path, "--count", "2", "--seed", "7", "--parts", parts)) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed == [str(tmp_path / f"sub-01_seed-{seed}_T1w.nii.gz") for seed in (7, 8)]
    image = nib.load(printed[0])
    for kind, labels in (("striatum", {11, 12, 26, 50, 51, 58}), ("striatum12", {101, 103, 107, 102, 104, 108})):
        truth = nib.load(tmp_path / f"sub-01_seed-7_desc-{kind}_dseg.nii.gz")
        np.testing.assert_allclose(truth.affine, image.affine)
        assert labels <= set(np.unique(np.asarray(truth.dataobj)))
    told = json.loads((tmp_path / "sub-01_seed-7.json").read_text())
    assert told["labelmap"] == "sub-01_dseg.nii.gz"
    assert told["seed"] == 7
    assert np.linalg.det(np.array(told["canonical_from_world"])) == pytest.approx(1.0)


def test_a_t2_contrast_is_named_so(heads: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words_of(heads, tmp_path, "--contrast", "t2")) == 0
    assert capsys.readouterr().out.strip().endswith("sub-01_seed-1_T2w.nii.gz")


def test_without_a_map_of_them_subregions_are_the_rules(heads: Path, tmp_path: Path) -> None:
    assert main(words_of(heads, tmp_path)) == 0
    parts = nib.load(tmp_path / "sub-01_seed-1_desc-striatum12_dseg.nii.gz")
    assert set(np.unique(np.asarray(parts.dataobj))) == {0, *range(101, 113)}  # the map's own know no ventral putamen


def test_earlier_scans_are_kept_unless_told(heads: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    earlier = tmp_path / "sub-01_seed-1_T1w.nii.gz"
    earlier.write_bytes(b"mine")
    assert main(words_of(heads, tmp_path)) == 0
    assert "1 of 1 scans are there already (see --overwrite)" in capsys.readouterr().err
    assert earlier.read_bytes() == b"mine"
    assert main(words_of(heads, tmp_path, "--overwrite")) == 0
    assert earlier.read_bytes() != b"mine"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--count", "0"], "At least one scan is wanted, 0 came"),
        (["--contrast", "flair"], "flair"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(
    heads: Path, tmp_path: Path, more: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words_of(heads, tmp_path, *more)) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert printed.out == ""


def test_voxels_out_of_range_are_refused(heads: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["simulate", "mr", str(heads / "sub-01_dseg.nii.gz"), "-o", str(tmp_path), "--spacing-mm", "9", "9", "9"]
    assert main(words) == 2
    assert "Voxels of 0.3 to 5 mm are wanted" in capsys.readouterr().err


def test_parts_on_another_grid_are_refused(heads: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = nib.load(heads / "sub-01_striatum12.nii.gz")
    moved = parts.affine.copy()
    moved[0, 3] += 10
    nib.save(nib.Nifti1Image(np.asarray(parts.dataobj), moved), tmp_path / "moved.nii.gz")
    (tmp_path / "labels_striatum12.tsv").write_text((heads / "labels_striatum12.tsv").read_text())
    assert main(words_of(heads, tmp_path / "out", "--parts", str(tmp_path / "moved.nii.gz"))) == 1
    assert "on the grid of" in capsys.readouterr().err
