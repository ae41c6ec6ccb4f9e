"""``deepgray run`` on DaT SPECT, with networks that draw ellipsoids."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from deepgray.cli import main
from deepgray.scan import Scan
from deepgray.space import apply_affine


@pytest.fixture
def dat(tmp_path: Path, spect_scan: Scan) -> Path:
    path = tmp_path / "in" / "sub-01_spect.nii.gz"
    path.parent.mkdir()
    nib.save(nib.Nifti1Image(spect_scan.voxels, spect_scan.affine_ras), path)
    return path


def run(scan: Path, task: Path, *more: str) -> tuple[int, Path]:
    out = scan.parents[1] / "out"
    return main(["run", str(scan), "--task", str(task), "-o", str(out), *more]), out / "sub-01_spect"


def rows(folder: Path) -> dict[tuple[str, str, str], dict[str, str]]:
    with (folder / f"{folder.name}_measures.tsv").open(encoding="utf-8") as stream:
        return {(r["structure"], r["side"], r["quantity"]): r for r in csv.DictReader(stream, delimiter="\t")}


def test_one_line_for_a_scan(dat: Path, spect_task: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, folder = run(dat, spect_task)
    assert status == 0
    assert capsys.readouterr().out.split("\t")[:2] == ["sub-01_spect", "done"]
    found = rows(folder)
    left, right = (float(found["dorsal striatum", side, "sbr"]["value"]) for side in ("left", "right"))
    assert left > right > 1  # 4 and 3 on a head of 1, less what the blur takes
    asymmetry = float(found["dorsal striatum", "both", "asi"]["value"])
    assert asymmetry == pytest.approx(100 * (left - right) / (left + right), rel=1e-5)
    assert found["dorsal striatum", "left", "sbr"]["reference"].startswith("cerebellum: ")
    assert {f"sbr_{name}" for name in ("occipital", "brain", "box")} <= {quantity for _, _, quantity in found}
    category = found["dorsal striatum", "both", "suggested_category"]
    assert category["value"] == "0"
    assert category["method"].startswith("suggested NC")
    assert not list(folder.glob("*res-1mm*"))


def test_another_reference_comes_first(dat: Path, spect_task: Path) -> None:
    status, folder = run(dat, spect_task, "--reference", "brain")
    assert status == 0
    found = rows(folder)
    assert found["caudate", "left", "sbr"]["reference"].startswith("brain: ")
    assert found["caudate", "left", "sbr_cerebellum"]["reference"].startswith("cerebellum: ")
    assert found["dorsal striatum", "both", "suggested_category"]["reference"].startswith("cerebellum: ")


def test_a_mask_as_reference(dat: Path, spect_task: Path, spect_scan: Scan) -> None:
    mask = dat.with_name("mine.nii.gz")
    nib.save(nib.Nifti1Image((spect_scan.voxels > 0.9).astype(np.uint8), spect_scan.affine_ras), mask)
    status, folder = run(dat, spect_task, "--reference", str(mask))
    assert status == 0
    found = rows(folder)
    mean = float(spect_scan.voxels[spect_scan.voxels > 0.9].mean(dtype=np.float64))
    assert found["caudate", "left", "sbr"]["reference"].startswith(f"mine.nii.gz: {mean:.6g} (mean of")
    assert (
        json.loads((folder / "sub-01_spect.json").read_text())["tasks"]["datspect"]["beside"][0]["name"]
        == "mine.nii.gz"
    )


def test_the_fine_outline_lies_where_the_coarse_one_does(dat: Path, spect_task: Path) -> None:
    status, folder = run(dat, spect_task, "--fine")
    assert status == 0
    coarse = nib.load(folder / "sub-01_spect_desc-datspect_dseg.nii.gz")
    fine = nib.load(folder / "sub-01_spect_res-1mm_desc-datspect_dseg.nii.gz")
    assert fine.header.get_zooms() == pytest.approx((1, 1, 1))
    for label in (11, 12, 26, 50, 51, 58):
        places = [
            apply_affine(image.affine, np.argwhere(np.asarray(image.dataobj) == label)) for image in (coarse, fine)
        ]
        assert places[1].mean(axis=0) == pytest.approx(places[0].mean(axis=0), abs=1.0)
        volumes = len(places[0]) * 3.0 * 3.0 * 3.2, len(places[1])
        assert volumes[1] == pytest.approx(volumes[0], rel=0.3)  # the accumbens is two voxels thick


def test_a_frame_of_a_series(dat: Path, spect_task: Path, spect_scan: Scan, capsys: pytest.CaptureFixture[str]) -> None:
    frames = np.stack([0 * spect_scan.voxels, spect_scan.voxels], axis=-1)
    nib.save(nib.Nifti1Image(frames, spect_scan.affine_ras), dat)
    assert run(dat, spect_task)[0] == 1
    assert "2 frames came: say which with --frame, from 1 to 2" in capsys.readouterr().out
    status, folder = run(dat, spect_task, "--frame", "2")
    assert status == 0
    assert json.loads((folder / "sub-01_spect.json").read_text())["input"]["changes"] == ["Frame 2 of 2 was read."]


def test_a_reference_of_another_kind_is_refused(
    dat: Path, spect_task: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(dat, spect_task, "--reference", "whole-brain")[0] == 2
    assert "one of cerebellum, occipital, brain, box; 'whole-brain' came" in capsys.readouterr().err


def test_susceptibility_settings_are_refused(dat: Path, spect_task: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(dat, spect_task, "--unit", "ppb")[0] == 2
    assert "A task on susceptibility maps is wanted with --unit, datspect works on 'spect'" in capsys.readouterr().err
