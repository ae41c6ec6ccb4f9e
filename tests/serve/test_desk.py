"""Decisions: what a dead process left, other versions, masks from elsewhere, agreement."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from reviewed_folders import copied, make_folder

from deepgray.cli import main
from deepgray.errors import ConflictError, OutputError
from deepgray.serve.desk import Desk, Verdict
from deepgray.worklist import State, Worklist, reviews


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    return copied(made, tmp_path / "out")


def smaller(desk: Desk, label: int = 12, voxels: int = 60) -> np.ndarray:
    labels = desk.study("sub-02", "striatum").proposed.voxels.copy()
    labels[tuple(np.argwhere(labels == label)[:voxels].T)] = 0
    return labels


def test_what_a_dead_process_decided_and_did_not_write_is_written(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Worklist.of(out) as works:
        desk = Desk(works)
        monkeypatch.setattr(desk, "_write", lambda *_, **__: None)  # it dies here
        desk.decide(desk.study("sub-02", "striatum"), Verdict("corrected", "A", 0, smaller(desk)))
        desk.close()
        entry = works.entry("sub-02", "striatum")
        assert (entry.revision, entry.written) == (1, 0)
    with Worklist.of(out) as works:
        desk = Desk(works)
        desk.settle()
        desk.close()
        assert works.entry("sub-02", "striatum").written == 1
        written = np.asarray(nib.load(out / "sub-02" / "sub-02_desc-striatum_dseg.nii.gz").dataobj)
        np.testing.assert_array_equal(written, smaller(desk))


def test_a_full_disk_keeps_the_decision_and_says_so(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OutputError("No space left on device.")

    monkeypatch.setattr("deepgray.serve.desk.write", full)
    with Worklist.of(out) as works:
        desk = Desk(works)
        desk.decide(desk.study("sub-02", "striatum"), Verdict("accepted", "A", 0))
        with pytest.raises(OutputError, match="No space left"):
            desk.flush()
        desk.close()
        entry = works.entry("sub-02", "striatum")
        assert (entry.state, entry.words) == (State.FAILED, "decided, and not written: No space left on device.")
        assert len(reviews(out, "sub-02", "striatum")) == 1


def test_a_study_that_another_process_works_on_is_left_alone(out: Path) -> None:
    with Worklist.of(out) as works, Worklist.of(out) as other:
        desk = Desk(works)
        with other.claimed("sub-02"), pytest.raises(ConflictError, match=r"process .* is at 'sub-02'"):
            desk.decide(desk.study("sub-02", "striatum"), Verdict("accepted", "A", 0))
        desk.close()
        assert reviews(out, "sub-02", "striatum") == ()


def test_results_of_another_version_are_refused_and_named(out: Path) -> None:
    with Worklist.of(out) as works:
        works.put(replace(works.entry("sub-01", "striatum"), version="0.0.9"))
        with pytest.raises(OutputError, match=r"deepgray 0\.0\.9 wrote 1 \(sub-01"):
            Desk(works)


def test_a_scan_that_changed_since_is_refused(out: Path, tmp_path: Path) -> None:
    other = tmp_path / "sub-02.nii.gz"
    with Worklist.of(out) as works:
        entry = works.entry("sub-02", "striatum")
        image = nib.load(entry.request.given["scan"])
        nib.save(nib.Nifti1Image(np.asarray(image.dataobj) + 1, image.affine), other)
        works.put(replace(entry, request=replace(entry.request, given={**entry.request.given, "scan": str(other)})))
        desk = Desk(works)
        with pytest.raises(OutputError, match="has changed since"):
            desk.study("sub-02", "striatum")
        desk.close()


def test_a_mask_edited_elsewhere_comes_in_with_its_name(
    out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = nib.load(out / "sub-02" / "sub-02_desc-striatum_dseg.nii.gz")
    voxels = np.asarray(image.dataobj).copy()
    voxels[tuple(np.argwhere(voxels == 12)[:100].T)] = 0
    mask = tmp_path / "sub-02_edited.nii.gz"
    turned = nib.Nifti1Image(voxels, image.affine).as_reoriented(nib.orientations.axcodes2ornt(("P", "I", "R")))
    nib.save(turned, mask)  # another tool stores other axes
    assert main(["review", str(out), "--import", str(mask), "--reviewer", "B. Reader"]) == 0
    assert capsys.readouterr().out == "sub-02\tstriatum\tcorrected\trevision 1\tB. Reader\n"
    (review,) = reviews(out, "sub-02", "striatum")
    assert (review.source, review.removed, review.added) == ("sub-02_edited.nii.gz", 100, 0)
    after = np.asarray(nib.load(out / "sub-02" / "sub-02_desc-striatum_dseg.nii.gz").dataobj)
    np.testing.assert_array_equal(after, voxels)


def test_bad_imports_are_refused(out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = nib.load(out / "sub-02" / "sub-02_desc-striatum_dseg.nii.gz")
    voxels = np.asarray(image.dataobj).copy()
    voxels[voxels == 12], voxels[voxels == 51] = 51, 12
    for name, data, affine, reason in (
        ("sub-02_sides.nii.gz", voxels, image.affine, "on the left is wanted"),
        ("sub-02_moved.nii.gz", voxels, image.affine + np.eye(4, k=3) * 5, "on the scan's grid is wanted"),
        ("nobody.nii.gz", voxels, image.affine, "One study is wanted"),
    ):
        nib.save(nib.Nifti1Image(data, affine), tmp_path / name)
        assert main(["review", str(out), "--import", str(tmp_path / name), "--reviewer", "B"]) in (1, 2)
        assert reason in capsys.readouterr().err, name
    assert reviews(out, "sub-02", "striatum") == ()


def test_agreement_is_told_pair_by_pair(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Worklist.of(out) as works:
        desk = Desk(works)
        study = desk.study("sub-02", "striatum")
        desk.decide(study, Verdict("corrected", "A", 0, smaller(desk)))
        desk.decide(study, Verdict("accepted", "B", 1))
        desk.close()
        whole = int((study.proposed.voxels == 12).sum())
    assert main(["review", str(out), "--agreement"]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    putamen = next(row for row in rows if row[1] == "left putamen")
    assert putamen[:5] == ["striatum", "left putamen", "A", "B", "1"]
    assert float(putamen[5]) == pytest.approx(2 * (whole - 60) / (2 * whole - 60), abs=1e-4)
    assert putamen[6] == "nan"  # one study says nothing of a correlation


def test_a_folder_that_somebody_reviews_or_without_token_is_refused(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Worklist.of(out) as works, works.page():
        assert main(["review", str(out), "--port", "0"]) == 1
        assert "is in use by process" in capsys.readouterr().err
    assert main(["review", str(out), "--port", "0", "--host", "0.0.0.0"]) == 2
    assert "A token is wanted for 0.0.0.0" in capsys.readouterr().err
    assert main(["review", str(out), "--port", "0", "--token", "short"]) == 2
    assert "at least 16 letters" in capsys.readouterr().err
    assert main(["review", str(out), "--import", "x.nii.gz"]) == 2
    assert "--import MASK --reviewer NAME" in capsys.readouterr().err


def test_a_worklist_made_by_another_format_is_refused(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = sqlite3.connect(out / "worklist.sqlite")
    database.execute("PRAGMA user_version = 7")
    database.commit()
    database.close()
    assert main(["review", str(out)]) == 1
    assert "in form 7, written by deepgray" in capsys.readouterr().err
