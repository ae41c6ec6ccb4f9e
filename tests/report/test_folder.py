"""A result's folder is whole or not there."""

import csv
import dataclasses
import errno
import hashlib
import json
import os
import resource
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from report_results import SHAPE, affine, result

from deepgray.errors import OutputError
from deepgray.report import finished, folder, write
from deepgray.result import Measurement, Result

STEM = "sub-01_T1w"


def test_the_files_of_a_task(tmp_path: Path) -> None:
    place = write(result(), tmp_path / "new" / "out")
    assert place == tmp_path / "new" / "out" / STEM
    assert sorted(f.name for f in place.iterdir()) == [
        f"{STEM}.json",
        f"{STEM}_desc-striatum12_dseg.nii.gz",
        f"{STEM}_desc-striatum12_dseg.tsv",
        f"{STEM}_desc-striatum_dseg.nii.gz",
        f"{STEM}_desc-striatum_dseg.tsv",
        f"{STEM}_desc-striatum_entropy.nii.gz",
        f"{STEM}_desc-striatum_kept.npz",
        f"{STEM}_measures.tsv",
        f"{STEM}_report.html",
    ]
    assert [f.name for f in (tmp_path / "new" / "out").iterdir()] == [STEM]


def test_probabilities_come_when_asked_for(tmp_path: Path) -> None:
    place = write(result(), tmp_path, probabilities=True)
    assert (place / f"{STEM}_desc-striatum_probseg.nii.gz").is_file()


def test_a_bare_result_has_no_parts_and_no_entropy(tmp_path: Path) -> None:
    place = write(result(bare=True), tmp_path, probabilities=True)
    assert sorted(f.name for f in place.glob("*.nii.gz")) == [f"{STEM}_desc-striatum_dseg.nii.gz"]


def test_the_json_says_where_it_comes_from(tmp_path: Path) -> None:
    place = write(result(corrected=True, flags=("review: look",)), tmp_path)
    values = json.loads((place / f"{STEM}.json").read_text())
    assert values["input"]["sha256"] == "5a" * 32
    assert values["input"]["shape"] == list(SHAPE)
    assert np.allclose(values["input"]["affine_ras"], affine())
    assert list(values["tasks"]) == ["striatum"]
    task = values["tasks"]["striatum"]
    assert task["models"][0]["recipe"] == {"spacing_mm": 1.0}
    assert task["decision"]["reviewer"] == "A. Reader"
    assert task["decision"]["changes"] == [
        {"structure": "left putamen", "added_mm3": 12.0, "removed_mm3": 3.0, "dice": None}
    ]
    assert task["flags"] == ["review: look"]
    assert task["seconds"] == {"outline": 1.25}
    assert task["pose"]["confidence"] == 0.93
    assert {"deepgray", "python", "numpy", "nibabel"} <= set(task["software"])
    assert set(values["files"]) == {f.name for f in place.iterdir()} - {f"{STEM}.json"}
    for name, sha256 in values["files"].items():
        assert hashlib.sha256((place / name).read_bytes()).hexdigest() == sha256


def test_the_same_result_gives_the_same_images_and_tables(tmp_path: Path) -> None:
    one, two = write(result(), tmp_path / "1"), write(result(), tmp_path / "2")
    for file in [*one.glob("*.nii.gz"), *one.glob("*.tsv")]:
        assert file.read_bytes() == (two / file.name).read_bytes()


def test_finished_means_that_the_json_is_there(tmp_path: Path) -> None:
    assert not finished(tmp_path, STEM, task="striatum")
    place = write(result(), tmp_path)
    assert finished(tmp_path, STEM, task="striatum")
    (place / f"{STEM}.json").unlink()
    assert not finished(tmp_path, STEM, task="striatum")


def test_an_earlier_result_is_not_touched_unless_asked(tmp_path: Path) -> None:
    place = write(result(), tmp_path)
    before = {f.name: f.read_bytes() for f in place.iterdir()}
    with pytest.raises(OutputError) as caught:
        write(result(corrected=True), tmp_path)
    assert str(caught.value) == f"A new folder is wanted for the results, {place} is there already."
    assert {f.name: f.read_bytes() for f in place.iterdir()} == before


def test_overwriting_keeps_what_people_made(tmp_path: Path) -> None:
    place = write(result(), tmp_path)
    (place / "corrected.nii.gz").write_bytes(b"mine")
    (place / f"{STEM}_desc-striatum_dseg.nii.gz").write_bytes(b"changed by hand")
    write(result(corrected=True), tmp_path, overwrite=True)
    assert (place / "corrected.nii.gz").read_bytes() == b"mine"
    assert (place / f"edited-{STEM}_desc-striatum_dseg.nii.gz").read_bytes() == b"changed by hand"
    nib.load(place / f"{STEM}_desc-striatum_dseg.nii.gz")
    assert json.loads((place / f"{STEM}.json").read_text())["tasks"]["striatum"]["decision"]["kind"] == "corrected"
    assert not (place / f"edited-{STEM}_report.html").exists()
    assert [f.name for f in tmp_path.iterdir()] == [STEM]


@pytest.mark.parametrize("step", ["write_labels", "write_entropy", "write_measures", "write_provenance"])
def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def full(path: Path, *_: object) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(folder, step, full)
    with pytest.raises(OutputError) as caught:
        write(result(), tmp_path)
    assert str(caught.value) == (
        f"A folder that can be written is wanted, writing to {tmp_path / STEM} failed: No space left on device."
    )
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_an_earlier_result_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = write(result(), tmp_path)
    before = {f.name: f.read_bytes() for f in place.iterdir()}

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(folder, "write_provenance", full)
    with pytest.raises(OutputError):
        write(result(), tmp_path, overwrite=True)
    assert {f.name: f.read_bytes() for f in place.iterdir()} == before
    assert [f.name for f in tmp_path.iterdir()] == [STEM]


def test_an_interruption_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(folder, "write_measures", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(result(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(
        OutputError, match=r"^A folder that can be written is wanted, writing to .* failed: Not a directory"
    ):
        write(result(), tmp_path / "file")


def test_a_read_only_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "mkdir", forbidden)
    with pytest.raises(OutputError, match=r"writing to .* failed: Permission denied\.$"):
        write(result(), tmp_path)


def test_a_disk_that_really_ends_leaves_nothing(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, hard))  # bytes a file may have: every picture is larger
    try:
        with pytest.raises(OutputError, match="File too large"):
            write(result(), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_the_measures_table(tmp_path: Path) -> None:
    place = write(result(), tmp_path)
    with (place / f"{STEM}_measures.tsv").open(newline="") as stream:
        rows = list(csv.reader(stream, delimiter="\t"))
    assert rows[0] == [
        "structure",
        "side",
        "label",
        "quantity",
        "value",
        "unit",
        "lower",
        "upper",
        "reference",
        "method",
        "task",
    ]
    assert rows[1] == [
        "putamen",
        "left",
        "12",
        "volume",
        "2934.1235",
        "mm3",
        "",
        "",
        "",
        "voxels × voxel volume",
        "striatum",
    ]
    assert rows[2][4:9] == ["1500", "mm3", "1400", "1600.5", "none"]
    assert rows[3][:5] == ["putamen", "both", "", "asymmetry", "64.7"]
    assert rows[4][4] == "n/a"


def test_the_lookup_table(tmp_path: Path) -> None:
    lines = (write(result(), tmp_path) / f"{STEM}_desc-striatum_dseg.tsv").read_text().splitlines()
    assert lines[0] == "index\tname\tcolor"
    assert lines[1] == "11\tleft caudate\t#56b4e9"
    assert len(lines) == 1 + 8


def of_task(name: str, *, value: float = 7.0, flags: tuple[str, ...] = ()) -> Result:
    """The same scan with another task."""
    whole = result(bare=True, flags=flags)
    volume = Measurement("putamen", "left", 12, "volume", value, "mm3", "voxels × voxel volume")
    task = dataclasses.replace(whole.task, name=name, title=f"Task {name}", subdivide_scheme="")
    return dataclasses.replace(whole, task=task, measurements=(volume,))


def told(place: Path) -> dict[str, str]:
    """Value of each task's one row."""
    with (place / f"{STEM}_measures.tsv").open(newline="") as stream:
        return {row["task"]: row["value"] for row in csv.DictReader(stream, delimiter="\t")}


@pytest.mark.parametrize("order", [("b", "a"), ("a", "b")])
def test_a_second_task_joins_the_first_in_any_order(tmp_path: Path, order: tuple[str, str]) -> None:
    write(of_task(order[0]), tmp_path)
    assert finished(tmp_path, STEM, task=order[0])
    assert not finished(tmp_path, STEM, task=order[1])
    place = write(of_task(order[1], flags=("review: look",)), tmp_path)
    assert sorted(f.name for f in place.iterdir()) == [
        f"{STEM}.json",
        f"{STEM}_desc-a_dseg.nii.gz",
        f"{STEM}_desc-a_dseg.tsv",
        f"{STEM}_desc-a_kept.npz",
        f"{STEM}_desc-b_dseg.nii.gz",
        f"{STEM}_desc-b_dseg.tsv",
        f"{STEM}_desc-b_kept.npz",
        f"{STEM}_measures.tsv",
        f"{STEM}_report.html",
    ]
    assert list(told(place)) == ["a", "b"]
    values = json.loads((place / f"{STEM}.json").read_text())
    assert list(values["tasks"]) == ["a", "b"]
    for name, sha256 in values["files"].items():
        assert hashlib.sha256((place / name).read_bytes()).hexdigest() == sha256
    page = (place / f"{STEM}_report.html").read_text()
    assert page.index('id="task-a"') < page.index('id="task-b"')
    assert f'<a href="#task-{order[1]}">Task {order[1]}</a>: review' in page
    assert [f.name for f in tmp_path.iterdir()] == [STEM]


def test_one_task_is_done_again_and_the_other_stays(tmp_path: Path) -> None:
    for name in "abc":
        write(of_task(name), tmp_path)
    before = json.loads((tmp_path / STEM / f"{STEM}.json").read_text())["tasks"]
    with pytest.raises(OutputError, match="is there already"):
        write(of_task("b", value=8.0), tmp_path)
    place = write(of_task("b", value=8.0), tmp_path, overwrite=True)
    assert told(place) == {"a": "7", "b": "8", "c": "7"}
    after = json.loads((place / f"{STEM}.json").read_text())["tasks"]
    assert (after["a"], after["c"]) == (before["a"], before["c"])
    assert (place / f"{STEM}_report.html").read_text().count('<section class="task"') == 3
    assert not list(place.glob("edited-*"))


def test_an_edited_image_of_another_task_stays_where_it_is_and_shows(tmp_path: Path) -> None:
    place = write(of_task("a"), tmp_path)
    (place / f"{STEM}_desc-a_dseg.nii.gz").write_bytes(b"changed by hand")
    written = json.loads((place / f"{STEM}.json").read_text())["files"][f"{STEM}_desc-a_dseg.nii.gz"]
    write(of_task("b"), tmp_path)
    assert (place / f"{STEM}_desc-a_dseg.nii.gz").read_bytes() == b"changed by hand"
    assert json.loads((place / f"{STEM}.json").read_text())["files"][f"{STEM}_desc-a_dseg.nii.gz"] == written


@pytest.mark.parametrize("name", ["_measures.tsv", "_report.html"])
def test_a_changed_table_or_page_is_not_lost(tmp_path: Path, name: str) -> None:
    place = write(of_task("a"), tmp_path)
    (place / f"{STEM}{name}").write_text("my own\n")
    with pytest.raises(OutputError, match=r"as deepgray wrote it; it was changed or taken away\.$"):
        write(of_task("b"), tmp_path)
    assert (place / f"{STEM}{name}").read_text() == "my own\n"
    assert finished(tmp_path, STEM, task="a")


def test_results_of_another_scan_do_not_mix(tmp_path: Path) -> None:
    write(of_task("a"), tmp_path)
    other = of_task("b")
    other = dataclasses.replace(other, scan=dataclasses.replace(other.scan, sha256="00" * 32))
    with pytest.raises(OutputError, match="holds results of another one, or of one read otherwise"):
        write(other, tmp_path)
    with pytest.raises(OutputError, match="holds results of a on another scan of this name"):
        write(other, tmp_path, overwrite=True)
    assert told(tmp_path / STEM) == {"a": "7"}
    place = write(other, tmp_path, overwrite=True, again=("a", "b"))
    assert told(place) == {"b": "7"}
    assert not (place / f"{STEM}_desc-a_dseg.nii.gz").exists()


def test_tasks_that_would_write_the_same_file_are_refused(tmp_path: Path) -> None:
    write(result(), tmp_path)
    twin = dataclasses.replace(result(), task=dataclasses.replace(result().task, name="twin"))
    with pytest.raises(OutputError, match=r"A new name is wanted for .*_desc-striatum12_dseg\.nii\.gz, another task"):
        write(twin, tmp_path)
    assert finished(tmp_path, STEM, task="striatum")
