"""``deepgray run``: a line per scan, a folder per scan, and refusals before any work."""

from __future__ import annotations

import csv
import hashlib
import json
import math
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from deepgray.cli import main
from deepgray.cli import run as run_command
from deepgray.scan import Scan
from deepgray.worklist import State, Worklist, labels_sha256, reviews


@pytest.fixture
def scans(tmp_path: Path, head_scan: Scan) -> list[Path]:
    paths = [tmp_path / "in" / f"sub-0{number}_T1w.nii.gz" for number in (1, 2)]
    paths[0].parent.mkdir()
    for path in paths:
        nib.save(nib.Nifti1Image(head_scan.voxels, head_scan.affine_ras), path)
    return paths


def lines(capsys: pytest.CaptureFixture[str]) -> tuple[list[list[str]], str]:
    printed = capsys.readouterr()
    return [line.split("\t") for line in printed.out.splitlines()], printed.err


def run(scans: list[Path], drawing_task: Path, *more: str) -> int:
    out = scans[0].parents[1] / "out"
    return main(["run", *map(str, scans), "-o", str(out), "--task", str(drawing_task), *more])


def test_each_scan_gets_a_line_and_a_folder(
    scans: list[Path], drawing_task: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(scans, drawing_task, "--threads", "1") == 0
    found, errors = lines(capsys)
    out = scans[0].parents[1] / "out"
    assert [(line[0], line[1], line[3]) for line in found] == [
        ("sub-01_T1w", "done", str(out / "sub-01_T1w")),
        ("sub-02_T1w", "done", str(out / "sub-02_T1w")),
    ]
    assert all(float(line[2]) >= 0 for line in found)
    assert errors == ""
    names = {path.name for path in (out / "sub-01_T1w").iterdir()}
    assert {
        "sub-01_T1w_desc-drawing_dseg.nii.gz",
        "sub-01_T1w_desc-striatum12_dseg.nii.gz",
        "sub-01_T1w_desc-drawing_entropy.nii.gz",
        "sub-01_T1w_measures.tsv",
        "sub-01_T1w.json",
        "sub-01_T1w_report.html",
    } <= names
    assert "sub-01_T1w_desc-drawing_probseg.nii.gz" not in names


def test_a_bad_scan_does_not_stop_the_others(
    scans: list[Path], drawing_task: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scans[0].write_bytes(b"not an image")
    assert run(scans, drawing_task) == 1
    found, errors = lines(capsys)
    assert [line[1] for line in found] == ["failed", "done"]
    assert found[0][3].startswith("sub-01_T1w.nii.gz: ")
    assert errors == "deepgray: 1 of 2 scans failed: sub-01_T1w.\n"
    assert sorted(p.name for p in (scans[0].parents[1] / "out").iterdir()) == ["sub-02_T1w", "worklist.sqlite"]


def test_a_surprise_does_not_stop_the_others_either(
    scans: list[Path], drawing_task: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def surprise(*_: object, **__: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(run_command, "find_head", surprise)
    assert run(scans, drawing_task) == 1
    found, errors = lines(capsys)
    failed = ["failed", "unexpected MemoryError: no room", "drawing", ""]
    assert [line[1:2] + line[3:] for line in found] == [failed] * 2
    assert "Traceback" in errors
    assert errors.endswith("2 of 2 scans failed: sub-01_T1w, sub-02_T1w.\n")


def test_finished_scans_are_skipped_until_asked_for_again(
    scans: list[Path], drawing_task: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(scans[:1], drawing_task)
    record = scans[0].parents[1] / "out" / "sub-01_T1w" / "sub-01_T1w.json"
    first = record.stat().st_mtime_ns
    lines(capsys)
    assert run(scans[:1], drawing_task) == 0
    assert lines(capsys)[0][0][1] == "skipped"
    assert record.stat().st_mtime_ns == first
    assert run(scans[:1], drawing_task, "--overwrite", "--probabilities", "--subdivide", "rule") == 0
    assert lines(capsys)[0][0][1] == "done"
    assert record.stat().st_mtime_ns > first
    assert record.with_name("sub-01_T1w_desc-drawing_probseg.nii.gz").is_file()
    assert "geometric rule" in record.read_text()


def test_a_corrected_mask_is_taken_and_the_scan_done_again(
    scans: list[Path], drawing_task: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(scans[:1], drawing_task)
    folder = scans[0].parents[1] / "out" / "sub-01_T1w"
    image = nib.load(folder / "sub-01_T1w_desc-drawing_dseg.nii.gz")
    voxels = np.asarray(image.dataobj).copy()
    voxels[tuple(np.argwhere(voxels == 12)[:100].T)] = 0
    mask = scans[0].with_name("mask.nii.gz")
    nib.save(nib.Nifti1Image(voxels, image.affine), mask)
    assert run(scans[:1], drawing_task, "--corrected", str(mask), "--reviewer", "A. Reader") == 0
    assert lines(capsys)[0][-1][1] == "done"
    again = np.asarray(nib.load(folder / "sub-01_T1w_desc-drawing_dseg.nii.gz").dataobj)
    np.testing.assert_array_equal(again, voxels)
    (said,) = reviews(folder.parent, "sub-01_T1w", "drawing")
    assert (said.reviewer, said.kind, said.source, said.added, said.removed) == (
        "A. Reader",
        "corrected",
        "mask.nii.gz",
        0,
        100,
    )
    assert math.isnan(said.seconds)  # nobody measured them
    assert said.after_sha256 == labels_sha256(voxels)
    told = json.loads((folder / "sub-01_T1w.json").read_text())
    assert said.after_sha256 in json.dumps(told)
    with Worklist.of(folder.parent) as works:
        entry = works.entry("sub-01_T1w", "drawing")
    assert (entry.state, entry.revision, entry.written) == (State.REVIEWED, 1, 1)
    assert run(scans[:1], drawing_task, "--corrected", str(mask), "--reviewer", "B. Reader") == 0
    assert [r.reviewer for r in reviews(folder.parent, "sub-01_T1w", "drawing")] == ["A. Reader", "B. Reader"]


def test_flags_show_in_the_line(scans: list[Path], drawing_task: Path, capsys: pytest.CaptureFixture[str]) -> None:
    strict = drawing_task.with_name("strict.toml")
    strict.write_text(drawing_task.read_text().replace("review_above = 0.9", "review_above = 0.01"))
    assert run(scans[:1], strict) == 0
    assert lines(capsys)[0][0][1] == "review"


def test_the_same_stem_twice_is_refused_before_any_work(
    scans: list[Path], drawing_task: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = scans[0].parents[1] / "sub-01_T1w.nii"
    assert run([scans[0], other], drawing_task) == 1
    found, errors = lines(capsys)
    assert found == []
    assert errors == (
        f"deepgray: Scans with different names are wanted, {scans[0]} and {other} would both write to 'sub-01_T1w'.\n"
    )
    assert not (scans[0].parents[1] / "out").exists()


def test_a_folder_that_cannot_be_written_is_refused_at_the_start(
    scans: list[Path], drawing_task: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (scans[0].parents[1] / "out").write_text("a file where the folder should be")
    assert run(scans, drawing_task) == 1
    found, errors = lines(capsys)
    assert found == []
    assert "A folder that can be written is wanted" in errors


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--corrected", "mask.nii.gz"], "--corrected MASK --reviewer NAME"),
        (["--reviewer", "A. Reader"], "--corrected MASK --reviewer NAME"),
        (["--corrected", "mask.nii.gz", "--reviewer", " "], "--corrected MASK --reviewer NAME"),
        (["--threads", "0"], "At least one thread is wanted, 0 came"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(
    scans: list[Path], drawing_task: Path, more: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(scans[:1], drawing_task, *more) == 2
    assert words in lines(capsys)[1]


def test_a_correction_belongs_to_one_scan(
    scans: list[Path], drawing_task: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(scans, drawing_task, "--corrected", "mask.nii.gz", "--reviewer", "A. Reader") == 2
    assert "One scan is wanted with --corrected, 2 came" in lines(capsys)[1]


def test_an_unknown_task_is_refused(scans: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(scans[0]), "-o", "never", "--task", "nothing"]) == 2
    assert "A task is wanted, one of datspect, dentate, midbrain, striatum" in lines(capsys)[1]


@pytest.fixture
def qsm(tmp_path: Path, qsm_scan: Scan) -> list[Path]:
    (tmp_path / "in").mkdir(exist_ok=True)
    path = tmp_path / "in" / "sub-01_Chimap.nii.gz"
    nib.save(nib.Nifti1Image(qsm_scan.voxels, qsm_scan.affine_ras), path)
    return [path]


def measured(folder: Path) -> dict[tuple[str, str, str], dict[str, str]]:
    with next(folder.glob("*_measures.tsv")).open(newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    return {(row["structure"], row["side"], row["quantity"]): row for row in rows}


def test_several_tasks_share_the_reading_the_head_and_the_folder(
    qsm: list[Path],
    qsm_tasks: dict[str, Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: list[str] = []
    find, read = run_command.find_head, run_command.read
    monkeypatch.setattr(run_command, "find_head", lambda *a, **k: found.append("head") or find(*a, **k))
    monkeypatch.setattr(run_command, "read", lambda *a, **k: found.append("read") or read(*a, **k))
    both = f"{qsm_tasks['midbrain']},{qsm_tasks['dentate']}"
    assert run(qsm, qsm_tasks["dentate"]) == 0
    assert run(qsm, Path(both)) == 0
    folder = qsm[0].parents[1] / "out" / "sub-01_Chimap"
    assert [line[:2] + line[4:5] for line in lines(capsys)[0]] == [
        ["sub-01_Chimap", "done", "dentate"],
        ["sub-01_Chimap", "done", "midbrain"],
        ["sub-01_Chimap", "skipped", "dentate"],
    ]
    assert run(qsm, Path(both), "--overwrite", "--reference", "whole-brain") == 0
    assert found == ["read", "head"] * 3
    rows = measured(folder)
    assert rows["dentate nucleus", "left", "susceptibility_mean"]["reference"].startswith("whole-brain: 0.0250")
    assert float(rows["red nucleus", "right", "susceptibility_mean"]["value"]) == pytest.approx(0.005, abs=1e-3)
    assert {row["task"] for row in rows.values()} == {"dentate", "midbrain"}
    assert (folder / "sub-01_Chimap_desc-midbrain_dseg.nii.gz").is_file()


def test_a_map_read_otherwise_never_drops_another_tasks_results(
    qsm: list[Path], qsm_tasks: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    both = Path(f"{qsm_tasks['midbrain']},{qsm_tasks['dentate']}")
    assert run(qsm, both) == 0
    image = nib.load(qsm[0])
    mask = qsm[0].with_name("mask.nii.gz")
    nib.save(nib.Nifti1Image((np.asarray(image.dataobj) != 0).astype(np.uint8), image.affine), mask)
    lines(capsys)
    assert run(qsm, qsm_tasks["dentate"], "--overwrite", "--mask", str(mask)) == 1
    ((_, state, _, words, *_),) = lines(capsys)[0]
    assert state == "failed"
    assert "holds results of midbrain on another scan of this name, or on this one read otherwise" in words
    folder = qsm[0].parents[1] / "out" / "sub-01_Chimap"
    assert {row["task"] for row in measured(folder).values()} == {"dentate", "midbrain"}
    assert run(qsm, both, "--overwrite", "--mask", str(mask)) == 0
    assert {row["task"] for row in measured(folder).values()} == {"dentate", "midbrain"}
    assert "mask.nii.gz" in (folder / "sub-01_Chimap.json").read_text()


def test_ppb_a_mask_and_another_scan(
    qsm: list[Path],
    qsm_tasks: dict[str, Path],
    qsm_scan: Scan,
    head_scan: Scan,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = np.where(qsm_scan.voxels == 0, 7.0, qsm_scan.voxels * 1000).astype(np.float32)
    nib.save(nib.Nifti1Image(shown, qsm_scan.affine_ras), qsm[0])
    mask, also = qsm[0].with_name("brain.nii.gz"), qsm[0].with_name("sub-01_T1w.nii.gz")
    nib.save(nib.Nifti1Image((qsm_scan.voxels != 0).astype(np.uint8), qsm_scan.affine_ras), mask)
    nib.save(nib.Nifti1Image(head_scan.voxels, head_scan.affine_ras), also)
    assert run(qsm, qsm_tasks["dentate"]) == 1
    assert "--mask FILE states where the brain is" in lines(capsys)[0][0][3]
    assert run(qsm, qsm_tasks["dentate"], "--mask", str(mask)) == 1
    assert "looks like ppb: --unit ppb states that" in lines(capsys)[0][0][3]
    assert run(qsm, qsm_tasks["dentate"], "--mask", str(mask), "--unit", "ppb", "--also", str(also)) == 0
    folder = qsm[0].parents[1] / "out" / "sub-01_Chimap"
    record = json.loads((folder / "sub-01_Chimap.json").read_text())
    (beside,) = record["tasks"]["dentate"]["beside"]
    assert (beside["role"], beside["name"]) == ("also", "sub-01_T1w")
    assert beside["sha256"] == hashlib.sha256(also.read_bytes()).hexdigest()
    assert hashlib.sha256(mask.read_bytes()).hexdigest() in record["input"]["changes"][0]
    page = (folder / "sub-01_Chimap_report.html").read_text()
    assert beside["sha256"] in page
    assert "stated to be ppb" in page
    mean = measured(folder)["dentate nucleus", "left", "susceptibility_mean"]
    assert float(mean["value"]) == pytest.approx(0.02, abs=2e-3)


def test_one_task_that_fails_does_not_stop_the_other(
    qsm: list[Path], qsm_tasks: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    lost = qsm_tasks["dentate"].with_name("lost-dentate.toml")
    lost.write_text(qsm_tasks["dentate"].read_text().replace("dentate-outline.onnx", "absent.onnx"))
    assert run(qsm, Path(f"{lost},{qsm_tasks['midbrain']}")) == 1
    found, errors = lines(capsys)
    assert [(line[1], line[4]) for line in found] == [("failed", "dentate"), ("done", "midbrain")]
    assert errors == "deepgray: 1 of 1 scans failed: sub-01_Chimap.\n"


@pytest.mark.parametrize(
    "more", [["--unit", "ppb"], ["--mask", "brain.nii.gz"], ["--reference", "whole-brain"]], ids=lambda more: more[0]
)
def test_settings_of_susceptibility_maps_belong_to_their_tasks(
    scans: list[Path], drawing_task: Path, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(scans[:1], drawing_task, *more) == 2
    words = " or tracer scans" if more[0] == "--reference" else ""
    assert f"A task on susceptibility maps{words} is wanted with {more[0]}, drawing works on 'mr'" in lines(capsys)[1]


def test_tasks_and_files_that_do_not_go_together_are_refused(
    scans: list[Path], drawing_task: Path, qsm_tasks: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    both = Path(f"{qsm_tasks['dentate']},{qsm_tasks['midbrain']}")
    assert run(scans[:1], Path(f"{drawing_task},{qsm_tasks['dentate']}")) == 2
    assert run(scans, qsm_tasks["dentate"], "--mask", "brain.nii.gz") == 2
    assert run(scans, qsm_tasks["dentate"], "--also", "T1.nii.gz") == 2
    assert run(scans[:1], both, "--corrected", "mask.nii.gz", "--reviewer", "A. Reader") == 2
    assert run(scans[:1], Path(",")) == 2
    assert lines(capsys)[1].splitlines() == [
        "deepgray: Tasks on scans of one modality are wanted, mr and qsm came.",
        "deepgray: One scan is wanted with --mask, 2 came.",
        "deepgray: One scan is wanted with --also, 2 came.",
        "deepgray: One task is wanted with --corrected, 2 came.",
        "deepgray: A task is wanted, none came.",
    ]
