"""``deepgray run T1 --pet PET``: measured beside the T1, refused with a sentence, measured again after a correction."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from deepgray.cli import main
from deepgray.errors import GeometryError
from deepgray.pipeline import decided, line
from deepgray.pipeline.inputs import tracer_of
from deepgray.result import Pose, Registered, Registration, Tracer
from deepgray.scan import IntegerVolume, Scan
from deepgray.space import inverse

SHIFT_MM = 12.0


@pytest.fixture
def scan(tmp_path: Path, head_scan: Scan) -> Path:
    path = tmp_path / "sub-01_T1w.nii.gz"
    nib.save(nib.Nifti1Image(head_scan.voxels, head_scan.affine_ras), path)
    return path


@pytest.fixture
def pet(tmp_path: Path, head_scan: Scan) -> Path:
    """A PET of 1000 on the left of the head's world and 3000 on the right, moved by 12 mm to the front."""
    grid = head_scan.grid
    moved = grid.affine_ras.copy()
    moved[1, 3] += SHIFT_MM
    index = np.moveaxis(np.indices(grid.shape), 0, -1)
    world = index @ grid.affine_ras[:3, :3].T + grid.affine_ras[:3, 3]
    path = tmp_path / "sub-01_pet.nii.gz"
    nib.save(nib.Nifti1Image(np.where(world[..., 0] < 0, 1000.0, 3000.0).astype(np.float32), moved), path)
    (tmp_path / "sub-01_pet.json").write_text(json.dumps({"Units": "Bq/mL"}))
    return path


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Registration is known, and the reference lies on the left; how often each is asked for is counted."""
    asked: list[str] = []
    back = np.eye(4)
    back[1, 3] = -SHIFT_MM

    def register(scan: Scan, tracer: Scan, pose: Pose) -> Registration:
        asked.append("register")
        return Registration(back, 0.2, 1.0)

    def registered(scan: Scan, pose: Pose, tracer: Tracer, registration: Registration) -> Registered:
        world = inverse(pose.canonical_from_world)
        corner = np.eye(4)
        corner[:3, 3] = (-40.0, -10.0, 0.0)
        return Registered(tracer, registration, IntegerVolume(np.ones((6, 6, 6), dtype=np.uint8), world @ corner))

    monkeypatch.setattr(line, "register", register)
    monkeypatch.setattr(decided, "registered", registered)
    return asked


def run(scan: Path, task: Path, *more: str) -> int:
    return main(["run", str(scan), "-o", str(scan.parent / "out"), "--task", str(task), "--threads", "1", *more])


def rows(scan: Path) -> dict[tuple[str, str, str], dict[str, str]]:
    with (scan.parent / "out" / "sub-01_T1w" / "sub-01_T1w_measures.tsv").open(newline="") as stream:
        return {(r["structure"], r["side"], r["quantity"]): r for r in csv.DictReader(stream, delimiter="\t")}


def test_a_pet_is_measured_in_every_structure_and_subregion(scan: Path, pet: Path, drawing_task: Path) -> None:
    assert run(scan, drawing_task, "--pet", str(pet)) == 0
    found = rows(scan)
    for name in ("caudate", "anterior putamen"):
        left, right = (found[name, side, "pet_mean"] for side in ("left", "right"))
        assert float(left["value"]) == pytest.approx(1000, rel=0.02)
        assert float(right["value"]) == pytest.approx(3000, rel=0.02)
        assert left["unit"] == "Bq/mL"
        assert float(found[name, "right", "suvr"]["value"]) == pytest.approx(3.0, rel=0.02)
        assert float(found[name, "right", "bpnd"]["value"]) == pytest.approx(2.0, rel=0.03)
        assert found[name, "right", "bpnd"]["reference"].startswith("cerebellar-grey: 1000")
    told = json.loads((scan.parent / "out" / "sub-01_T1w" / "sub-01_T1w.json").read_text())
    (task,) = told["tasks"].values()
    assert task["registration"]["scan_from_tracer"][1][3] == -SHIFT_MM
    assert [(b["role"], b["name"]) for b in task["beside"]] == [("pet", "sub-01_pet")]
    assert "register" in task["seconds"]
    assert "<h2>PET</h2>" in (scan.parent / "out" / "sub-01_T1w" / "sub-01_T1w_report.html").read_text()


def test_after_a_correction_the_pet_is_measured_again(scan: Path, pet: Path, drawing_task: Path) -> None:
    assert run(scan, drawing_task, "--pet", str(pet)) == 0
    before = float(rows(scan)["caudate", "left", "pet_mean"]["value"])
    out = scan.parent / "out" / "sub-01_T1w"
    image = nib.load(next(out.glob("*_desc-drawing_dseg.nii.gz")))
    labels = np.asarray(image.dataobj).astype(np.int16)
    cut = labels.copy()
    cut[labels == 11] = 0
    places = np.argwhere(labels == 11)
    kept = places[: len(places) // 2]
    cut[tuple(kept.T)] = 11
    mask = scan.parent / "mended.nii.gz"
    nib.save(nib.Nifti1Image(cut, image.affine), mask)
    assert run(scan, drawing_task, "--pet", str(pet), "--corrected", str(mask), "--reviewer", "A. Reader") == 0
    found = rows(scan)["caudate", "left", "pet_mean"]
    assert f"mean of {len(kept)} voxels" in found["method"]
    assert float(found["value"]) == pytest.approx(before, rel=0.05)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--frames", "1:2"], "A tracer scan (--pet or --spect) is wanted with --frames"),
        (["--tracer-reference", "occipital"], "is wanted with --tracer-reference"),
        (["--pet", "a.nii", "--spect", "b.nii"], "One tracer scan is wanted"),
        (["--pet", "a.nii", "--pvc", "gtm"], "--pet PET --pvc gtm --psf-mm MM"),
        (["--spect", "a.nii", "--pvc", "gtm", "--psf-mm", "9"], "--pet PET --pvc gtm --psf-mm MM"),
    ],
)
def test_settings_that_do_not_fit_are_refused_before_any_work(
    scan: Path, drawing_task: Path, more: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(scan, drawing_task, *more) == 2
    assert words in capsys.readouterr().err


def test_a_pet_belongs_to_one_mr_scan(
    scan: Path, pet: Path, drawing_task: Path, qsm_tasks: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(scan, next(iter(qsm_tasks.values())), "--pet", str(pet)) == 2
    assert "A task on magnetic resonance images is wanted with --pet" in capsys.readouterr().err


def test_another_person_s_pet_fails_with_a_sentence(
    scan: Path, pet: Path, drawing_task: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> Registration:
        raise GeometryError("Two scans of one person are wanted.")

    monkeypatch.setattr(line, "register", refuse)
    assert run(scan, drawing_task, "--pet", str(pet)) == 1
    assert "failed" in (printed := capsys.readouterr().out)
    assert "Two scans of one person are wanted." in printed


def test_what_the_worklist_keeps_gives_the_tracer_again(pet: Path) -> None:
    given = {"pet": str(pet), "tracer_reference": "white-matter", "psf_mm": "5.5"}
    tracer = tracer_of(given)
    assert tracer is not None
    assert (tracer.reference, tracer.psf_mm, tracer.scan.unit) == ("white-matter", 5.5, "Bq/mL")
    assert tracer_of({}) is None
