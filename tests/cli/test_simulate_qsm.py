"""``deepgray simulate qsm``: susceptibility maps of a toy head with everything that is true of them."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from toy_heads import labels_with_small_nuclei, toy_head_with_small_nuclei

pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.cli import main
from deepgray.simulate import acquisition, framing, small_nuclei, whole_head_qsm


@pytest.fixture(scope="module")
def labelmap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("heads") / "sub-01_dseg.nii.gz"
    nib.save(nib.Nifti1Image(*toy_head_with_small_nuclei(3.0)), path)
    return path


@pytest.fixture(autouse=True)
def coarser(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (small_nuclei, framing):
        monkeypatch.setattr(module, "NUCLEUS_MM", 2.0)
        monkeypatch.setattr(module, "DEEP_MM", 3.0)
    monkeypatch.setattr(whole_head_qsm, "SAMPLE_MM", 4.0)
    monkeypatch.setattr(acquisition, "BACKGROUND_MM", 5.0)


def words_of(labelmap: Path, out: Path, *more: str) -> list[str]:
    place = ["simulate", "qsm", str(labelmap), "-o", str(out)]
    return [*place, "--spacing-mm", "4", "4", "4", *more]


def test_maps_and_what_is_true_of_them_lie_beside_one_another(
    labelmap: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words_of(labelmap, tmp_path, "--count", "2", "--seed", "7", "--inversion", "tkd", "--age", "70")) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed == [str(tmp_path / f"sub-01_seed-{seed}_Chimap.nii.gz") for seed in (7, 8)]
    image = nib.load(printed[0])
    for kind, labels in (("dentate", {301, 302}), ("midbrain", {401, 402, 403, 404, 405, 406})):
        truth = nib.load(tmp_path / f"sub-01_seed-7_desc-{kind}_dseg.nii.gz")
        np.testing.assert_allclose(truth.affine, image.affine)
        assert set(np.unique(np.asarray(truth.dataobj))) <= {0, *labels}
    mask = np.asarray(nib.load(tmp_path / "sub-01_seed-7_mask.nii.gz").dataobj)
    assert set(np.unique(mask)) == {0, 1}
    assert not np.asarray(image.dataobj)[mask == 0].any()
    assert (tmp_path / "sub-01_seed-7_desc-true_Chimap.nii.gz").exists()
    told = json.loads((tmp_path / "sub-01_seed-7.json").read_text())
    assert (told["labelmap"], told["seed"], told["drawn"]["age_years"]) == ("sub-01_dseg.nii.gz", 7, 70.0)
    assert told["drawn"]["inversion"] == "tkd"
    assert told["true_ppm"]["left dentate nucleus"] > 0.01
    assert np.linalg.det(np.array(told["canonical_from_world"])) == pytest.approx(1.0)


def test_maps_that_are_there_are_kept_unless_told(
    labelmap: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    earlier = tmp_path / "sub-01_seed-1_Chimap.nii.gz"
    earlier.write_bytes(b"mine")
    assert main(words_of(labelmap, tmp_path, "--count", "2")) == 0
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 2
    assert "1 of 2 maps are there already (see --overwrite)" in printed.err
    assert earlier.read_bytes() == b"mine"
    assert main(words_of(labelmap, tmp_path, "--overwrite")) == 0
    assert earlier.read_bytes() != b"mine"


def test_nuclei_of_another_atlas(labelmap: Path, tmp_path: Path) -> None:
    atlas = tmp_path / "atlas.nii.gz"
    nib.save(nib.Nifti1Image(*labels_with_small_nuclei({"dentate nucleus": (371, 375)}, spacing=2.0)), atlas)
    assert main(words_of(labelmap, tmp_path, "--nuclei", "spl", "--nuclei-from", str(atlas))) == 0
    told = json.loads((tmp_path / "sub-01_seed-1.json").read_text())
    assert told["drawn"]["atlases"] == {"midbrain": "own", "dentate": "spl"}
    assert told["nuclei_from"] == ["atlas.nii.gz"]


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (["--count", "0"], 2, "At least one map is wanted, 0 came"),
        (["--inversion", "magic"], 2, "magic"),
        (["--nuclei", "spl"], 2, "1 atlases and 0 files came"),
        (["--age", "300"], 2, "An age of 0 to 110 years is wanted, 300 came"),
        (["--nuclei", "spl", "--nuclei-from", "none.nrrd"], 1, "none.nrrd: an NRRD file is wanted"),
        (["--reference", "csf"], 2, "'csf' is empty here"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(  # noqa: PLR0917
    labelmap: Path, tmp_path: Path, more: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words_of(labelmap, tmp_path, *more)) == code
    printed = capsys.readouterr()
    assert words in printed.err
    assert printed.out == ""
