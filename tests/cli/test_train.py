"""``deepgray train``: from a folder of label maps to a network file and its card."""

from __future__ import annotations

import typing
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from drawing_networks import recipe_of
from toy_heads import save_heads, toy_head

pytest.importorskip("torch", reason="torch (extra train) is not installed")
pytest.importorskip("onnx", reason="onnx (extra train) is not installed")

from deepgray import models
from deepgray.cli import main
from deepgray.cli import train as command
from deepgray.cli.train import _SHAPES
from deepgray.train import heads, loop, pair_samples, settings

BOX = {"spacing_mm": 4.0, "low_mm": (-36.0, -16.0, -12.0), "high_mm": (-4.0, 16.0, 20.0)}


@pytest.fixture
def anatomies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Toy heads, and networks small enough for them."""
    monkeypatch.setattr(heads, "FINE_MM", 2.0)
    monkeypatch.setattr(loop, "VALIDATION_SAMPLES", 1)
    monkeypatch.setitem(settings.RECIPES, "striatum-outline", recipe_of("striatum-outline", **BOX))
    monkeypatch.setitem(_SHAPES, "striatum-outline", ((4, 6), 1))
    return save_heads(tmp_path / "anatomies", ("anatomy-01", "anatomy-05"), spacing=3.0)


def words_of(anatomies: Path, out: Path, *more: str) -> list[str]:
    place = ["train", "striatum-outline", "--anatomies", str(anatomies), "-o", str(out)]
    return [*place, "--validate-every", "1", "--threads", "1", *more]


def test_the_path_of_the_network_is_all_that_is_printed(
    anatomies: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert main(words_of(anatomies, out, "--steps", "2")) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{out / 'striatum-outline.onnx'}\n"
    assert "interrupt it at any time" in printed.err
    assert {"settings.json", "log.csv", "log.png", "best.pt", "striatum-outline.md"} <= {p.name for p in out.iterdir()}
    assert models.load(str(out / "striatum-outline.onnx"), threads=1).recipe.outputs[0] == "caudate"


def test_the_same_command_goes_on(anatomies: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert main(words_of(anatomies, out, "--steps", "1")) == 0
    assert main(words_of(anatomies, out, "--steps", "3")) == 0
    assert [row.split(",")[0] for row in (out / "log.csv").read_text().splitlines()] == ["step", "1", "2", "3"]


def test_a_folder_without_label_maps_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words_of(tmp_path / "nothing", tmp_path / "run")) == 2
    assert "are wanted in" in capsys.readouterr().err


def test_an_unknown_network_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "thalamus", "--anatomies", str(tmp_path), "-o", str(tmp_path / "run")]) == 2
    assert "thalamus" in capsys.readouterr().err


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Three toy heads scanned and labelled, with a table of what the labels mean."""
    folder = tmp_path / "people"
    folder.mkdir()
    for number in range(3):
        labels, affine = toy_head(3.0)
        wanted = np.where(np.isin(labels, [11, 50]), labels, 0).astype(np.int16)
        image = labels.astype(np.float32) + number
        nib.save(nib.Nifti1Image(image, affine), folder / f"sub-{number}_T1w.nii.gz")
        nib.save(nib.Nifti1Image(wanted, affine), folder / f"sub-{number}_desc-mine_dseg.nii.gz")
    (folder / "mine.tsv").write_text("label\tname\tside\n11\tcaudate\tleft\n50\tcaudate\tright\n")
    return folder


def test_pairs_train_a_network_from_the_weights_of_another(
    anatomies: Path, people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(words_of(anatomies, tmp_path / "first", "--steps", "1")) == 0
    monkeypatch.setattr(pair_samples, "found_pose", lambda *_: np.eye(4))
    capsys.readouterr()
    words = ["train", "striatum-outline", "--pairs", str(people), "--scheme", str(people / "mine.tsv")]
    words += ["--from", str(tmp_path / "first" / "best.pt"), "--freeze", "1", "--class", "caudate=putamen"]
    out = tmp_path / "second"
    assert main([*words, "-o", str(out), "--steps", "2", "--validate-every", "1", "--threads", "1"]) == 0
    printed = capsys.readouterr()
    assert "caudate from putamen" in printed.err
    assert models.load(str(out / "striatum-outline.onnx"), threads=1).recipe.outputs == ("caudate",)
    card = (out / "striatum-outline.md").read_text()
    assert "trained on: pairs of scans and label maps in `people`" in card
    assert "score on held-out pairs while training" in card
    assert "began with the weights in `first/best.pt`" in card


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--freeze", "3"], "Weights to begin with (--from) are wanted"),
        (["--scheme", "striatum4"], "Scans with label maps (--pairs) are wanted"),
        (["--masks"], "Scans with label maps (--pairs) are wanted"),
        (["--pairs", "x", "--unit", "ppb"], "A network for susceptibility maps is wanted with --unit and --masks"),
        (["--from", "x.pt", "--class", "caudate"], "NEW=OLD is wanted, 'caudate' came"),
        (["--from", "x.pt"], "an .onnx file or a network's name is wanted, x.pt"),
        (["--pairs", "x"], "Either label maps to simulate scans from or pairs"),
    ],
)
def test_words_that_do_not_go_together_are_refused(
    anatomies: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], sentence: str
) -> None:
    assert main(words_of(anatomies, tmp_path / "run", *more)) in (1, 2)
    assert sentence in capsys.readouterr().err


def test_pairs_want_a_network_of_one_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "head-locate", "--pairs", str(tmp_path), "-o", str(tmp_path / "run")]) == 2
    assert "A network that outlines one side is wanted for pairs" in capsys.readouterr().err


def test_every_network_has_its_shape_and_can_be_asked_for() -> None:
    asked_for = typing.get_args(typing.get_type_hints(command.TrainCommand, include_extras=True)["network"])
    assert set(_SHAPES) == set(settings.RECIPES) == set(asked_for)
