"""``deepgray split-striatum``: a label map of one's own, split and measured."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from drawing_networks import NUCLEI

from deepgray.anatomy import structure
from deepgray.cli import main
from deepgray.space import apply_affine

SHAPE = (60, 60, 44)
AFFINE = np.diag([-1.5, 1.5, 1.5, 1.0])
AFFINE[:3, 3] = (44.0, -44.0, -28.0)


@pytest.fixture
def labelmap(tmp_path: Path) -> Path:
    """The ellipsoids of both sides, FreeSurfer's numbers."""
    world = apply_affine(AFFINE, np.stack(np.meshgrid(*[np.arange(n) for n in SHAPE], indexing="ij"), axis=-1))
    voxels = np.zeros(SHAPE, np.uint8)
    for side, sign in (("left", 1), ("right", -1)):
        for drawn in NUCLEI:
            centre = np.array(drawn.centre_mm) * [sign, 1, 1]
            inside = (((world - centre) / drawn.radii_mm) ** 2).sum(axis=-1) < 1
            voxels[inside] = structure(f"{side} {drawn.name}").label
    path = tmp_path / "mine_dseg.nii.gz"
    nib.save(nib.Nifti1Image(voxels, AFFINE), path)
    return path


@pytest.mark.parametrize("rule", ["mawlawi", "acpc"])
def test_the_parts_fill_the_striatum_on_the_same_grid(
    labelmap: Path, tmp_path: Path, rule: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["split-striatum", str(labelmap), "-o", str(out), "--rule", rule]) == 0
    image = nib.load(out / "mine_dseg_desc-striatum12_dseg.nii.gz")
    whole = np.asarray(nib.load(labelmap).dataobj)
    np.testing.assert_array_equal(np.asarray(image.dataobj) > 0, np.isin(whole, [11, 12, 26, 50, 51, 58]))
    np.testing.assert_allclose(image.affine, AFFINE)
    printed = capsys.readouterr()
    assert printed.out.startswith("ventral striatum\tleft\tvolume\t")
    assert rule in printed.err
    assert sorted(p.name for p in out.iterdir()) == [
        "mine_dseg_desc-striatum12_dseg.nii.gz",
        "mine_dseg_desc-striatum12_dseg.tsv",
        "mine_dseg_desc-striatum12_measures.tsv",
    ]


def test_an_earlier_result_is_replaced_only_when_asked(
    labelmap: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["split-striatum", str(labelmap), "-o", str(tmp_path / "out")]
    assert main(arguments) == 0
    assert main(arguments) == 1
    assert "is there already" in capsys.readouterr().err
    assert main([*arguments, "--overwrite"]) == 0


def test_a_map_without_a_striatum_is_refused_and_nothing_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "none.nii.gz"
    nib.save(nib.Nifti1Image(np.full((8, 8, 8), 99, np.uint8), AFFINE), path)
    assert main(["split-striatum", str(path), "-o", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err.startswith("deepgray: ")
    assert list((tmp_path / "out").iterdir()) == []
