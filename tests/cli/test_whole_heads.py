"""Label maps of whole heads and the tables beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepgray.cli.whole_heads import files_of_seeds, head_name, make_missing


def test_a_head_is_called_by_its_file() -> None:
    assert head_name(Path("folder/sub-01_dseg.nii.gz")) == "sub-01"
    assert head_name(Path("head.mgz")) == "head"


def test_a_file_of_a_seed_is_called_by_head_and_seed() -> None:
    found = files_of_seeds(Path("in/sub-01_dseg.nii.gz"), Path("out"), "_T1w.nii.gz", range(3, 5))
    assert found == {3: Path("out/sub-01_seed-3_T1w.nii.gz"), 4: Path("out/sub-01_seed-4_T1w.nii.gz")}


@pytest.mark.parametrize(("overwrite", "wanted"), [(False, [2]), (True, [1, 2])])
def test_what_is_there_is_not_made_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, overwrite: bool, wanted: list[int]
) -> None:
    files = {1: tmp_path / "1", 2: tmp_path / "2"}
    files[1].touch()
    made: list[tuple[str, int]] = []
    make_missing(
        files, "maps", overwrite=overwrite, prepare=lambda: "head", make=lambda head, seed: made.append((head, seed))
    )
    assert made == [("head", seed) for seed in wanted]
    printed = capsys.readouterr()
    assert printed.out.split() == [str(file) for file in files.values()]
    assert ("1 of 2 maps are there already" in printed.err) is not overwrite


def test_a_head_is_not_prepared_for_nothing(tmp_path: Path) -> None:
    files = {1: tmp_path / "1"}
    files[1].touch()
    make_missing(files, "maps", overwrite=False, prepare=lambda: pytest.fail("prepared"), make=lambda *_: None)
