"""``deepgray evaluate``: files or folders, ours or foreign labels, a table on standard output."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from deepgray.cli import main


def save(path: Path, labels: dict[int, tuple[int, int]]) -> Path:
    voxels = np.zeros((20, 12, 10), np.uint8)
    for label, (start, width) in labels.items():
        voxels[start : start + width, 2:8, 2:8] = label
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(voxels, np.diag([1.0, 1.5, 2.0, 1.0])), path)
    return path


def rows(capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    return [line.split() for line in capsys.readouterr().out.splitlines()]


def test_two_files_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    predicted = save(tmp_path / "p.nii.gz", {11: (2, 4), 50: (12, 4)})
    truth = save(tmp_path / "t.nii.gz", {11: (2, 4), 50: (13, 4)})
    assert main(["evaluate", str(predicted), str(truth)]) == 0
    dice = {tuple(row[:2]): row[3] for row in rows(capsys) if row[0] == "caudate"}
    # The right one is shifted by one of four voxels: 2 · 3 / 8.
    assert dice == {("caudate", "left"): "1.000", ("caudate", "right"): "0.750", ("caudate", "both"): "0.875"}


def test_folders_are_paired_by_name_and_results_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        folder = tmp_path / "results" / f"{name}_T1w"
        save(folder / f"{name}_T1w_desc-striatum_dseg.nii.gz", {11: (2, 4), 50: (12, 4)})
        save(folder / f"{name}_T1w_desc-striatum12_dseg.nii.gz", {101: (2, 4)})
        save(tmp_path / "truth" / f"{name}.nii.gz", {37: (2, 4), 36: (12, 4)})
    save(tmp_path / "truth" / "c.nii.gz", {37: (2, 4)})
    out = tmp_path / "out"
    arguments = ["evaluate", str(tmp_path / "results"), str(tmp_path / "truth")]
    assert main([*arguments, "--mapping", "neuromorphometrics", "-o", str(out)]) == 0
    printed = capsys.readouterr()
    assert "c.nii.gz has no partner" in printed.err
    assert {"scores.tsv", "summary.tsv", "dice.png", "hd95_mm.png"} <= {p.name for p in out.iterdir()}
    assert (out / "scores.tsv").read_text().startswith("scan\tstructure\tside\tdice")


def test_a_mapping_file_of_ones_own_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    predicted = save(tmp_path / "p.nii.gz", {11: (2, 4)})
    truth = save(tmp_path / "t.nii.gz", {5: (2, 4)})
    mapping = tmp_path / "mine.tsv"
    mapping.write_text("label\tname\tside\n5\tcaudate\tleft\n")
    assert main(["evaluate", str(predicted), str(truth), "--mapping", str(mapping)]) == 0
    assert rows(capsys)[1][:4] == ["caudate", "left", "1", "1.000"]


def test_a_pair_on_two_grids_fails_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    predicted = save(tmp_path / "p.nii.gz", {11: (2, 4)})
    nib.save(nib.Nifti1Image(np.ones((4, 4, 4), np.uint8), np.eye(4)), tmp_path / "t.nii.gz")
    assert main(["evaluate", str(predicted), str(tmp_path / "t.nii.gz")]) == 1
    assert "deepgray: p: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["absent", "p.nii.gz"], "there is nothing at"),
        (["p.nii.gz", "folder"], "Two files or two folders are wanted"),
        (["p.nii.gz", "p.nii.gz", "--mapping", "nothing"], "A mapping is wanted"),
        (["p.nii.gz", "p.nii.gz", "--scheme", "nothing"], "A scheme is wanted"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    save(tmp_path / "p.nii.gz", {11: (2, 4)})
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", *arguments]) == 2
    assert words in capsys.readouterr().err
