"""Networks by name and by path, and what is said when their files are not what they should be."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from drawing_networks import recipe_of, save_network

from deepgray import models
from deepgray.errors import ChecksumError, ModelError, SettingsError
from deepgray.models import catalogue


def clear() -> None:
    for cached in (catalogue.entries, models.verify, models._opened):
        cached.cache_clear()


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A catalogue with one network, its weights and its card."""
    for folder in ("weights", "cards"):
        (tmp_path / folder).mkdir()
    weights = save_network(tmp_path / "weights" / "outline.onnx", recipe_of("striatum-outline"))
    (tmp_path / "cards" / "striatum-outline.md").write_text("# The card\n")
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    (tmp_path / "catalogue.toml").write_text(
        '[[model]]\nname = "striatum-outline"\nversion = "7"\nfile = "outline.onnx"\n'
        f'sha256 = "{sha256}"\nlicence = "Apache-2.0"\ntask = "outline"\n'
    )
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path)
    clear()
    yield weights
    clear()


def test_a_shipped_network_is_loaded_once_with_its_papers(shipped: Path) -> None:
    model = models.load("striatum-outline")
    assert (model.name, model.version, model.card) == ("striatum-outline", "7", "# The card\n")
    assert model.sha256 == hashlib.sha256(shipped.read_bytes()).hexdigest()
    assert model.recipe == recipe_of("striatum-outline") == model.network.recipe
    assert models.load("striatum-outline") is model
    assert models.names() == ("striatum-outline",)


def test_a_changed_weights_file_is_refused_by_name_wanted_and_came(shipped: Path) -> None:
    wanted = hashlib.sha256(shipped.read_bytes()).hexdigest()
    shipped.write_bytes(shipped.read_bytes() + b"\x00")
    came = hashlib.sha256(shipped.read_bytes()).hexdigest()
    with pytest.raises(ChecksumError) as refused:
        models.load("striatum-outline")
    assert str(refused.value) == f"{shipped}: sha256 {wanted} is wanted, {came} came."


def test_a_weights_file_that_is_not_there_is_one_sentence(shipped: Path) -> None:
    shipped.unlink()
    with pytest.raises(ModelError, match=r"The weights of 'striatum-outline' are wanted at .*outline\.onnx"):
        models.load("striatum-outline")


def test_a_card_that_is_not_there_is_one_sentence(shipped: Path) -> None:
    (shipped.parents[1] / "cards" / "striatum-outline.md").unlink()
    with pytest.raises(ModelError, match="The card of 'striatum-outline' is wanted"):
        models.card("striatum-outline")


def test_a_network_of_ones_own_is_loaded_by_its_path(tmp_path: Path) -> None:
    path = save_network(tmp_path / "mine.onnx", recipe_of("striatum-outline", name="mine", version="3"))
    model = models.load(str(path), threads=1)
    assert (model.name, model.version, model.card) == ("mine", "3", "")
    assert model.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_network_of_ones_own_that_changed_is_opened_anew(tmp_path: Path) -> None:
    path = save_network(tmp_path / "mine.onnx", recipe_of("striatum-outline", version="3"))
    before = models.load(str(path))
    save_network(path, recipe_of("striatum-outline", version="4"))
    assert (before.version, models.load(str(path)).version) == ("3", "4")


@pytest.mark.parametrize("name", ["nothing", "striatum-outline.txt"])
def test_an_unknown_network_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(SettingsError, match=r"one of head-locate, .*striatum-outline.*, or the path"):
        models.load(name)


def test_a_path_without_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is none"):
        models.load(str(tmp_path / "absent.onnx"))


def test_a_catalogue_with_other_keys_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.toml"
    path.write_text('[[model]]\nname = "x"\ncolour = "red"\n')
    with pytest.raises(SettingsError, match="keys name, version, file, sha256, licence, task, beside are wanted"):
        catalogue.entries_from_file(path)


def test_the_shipped_catalogue_and_tasks_speak_of_the_same_networks() -> None:
    for name in models.task_names():
        task = models.task(name)
        assert task.name == name
        wanted = {task.locate_model, task.also_model, task.outline_model, task.subdivide_model} - {""}
        assert models.absent(task) == tuple(sorted(wanted - set(models.names())))


@pytest.mark.parametrize("name", models.task_names())
def test_every_network_of_a_shipped_task_ships(name: str) -> None:
    absent = models.absent(models.task(name))
    if absent:
        pytest.skip(f"the weights of {', '.join(absent)} do not ship yet")
    assert absent == ()


def test_every_shipped_weights_file_is_the_listed_one() -> None:
    present = [e for e in models.entries() if e.path.is_file()]
    assert [models.verify(e) for e in present] == [e.sha256 for e in present]


def test_a_task_of_ones_own_names_networks_beside_it(drawing_task: Path) -> None:
    task = models.task(str(drawing_task))
    assert task.name == "drawing"
    assert models.load(task.outline_model).recipe == recipe_of("striatum-outline")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('name = "x"\ncolour = "red"\n', "colour came"),
        ('name = "x"\n', "missing"),
        ("name = \n", "readable task file"),
    ],
)
def test_a_task_file_that_is_not_understood_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=words):
        models.task(str(path))


def test_an_unknown_task_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"A task is wanted, one of .*striatum, or the path of a \.toml file; 'x' came"
    ):
        models.task("x")
    with pytest.raises(SettingsError, match="readable task file"):
        models.task(str(tmp_path / "absent.toml"))


def test_a_network_beside_another_comes_with_it_and_their_weights_are_told_together(shipped: Path) -> None:
    other = save_network(shipped.with_name("other.onnx"), recipe_of("striatum-outline", name="other"))
    sums = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (shipped, other)]
    (shipped.parents[1] / "cards" / "other.md").write_text("# The other card\n")
    path = shipped.parents[1] / "catalogue.toml"
    path.write_text(
        path.read_text() + f'beside = "other"\n[[model]]\nname = "other"\nversion = "1"\nfile = "other.onnx"\n'
        f'sha256 = "{sums[1]}"\nlicence = "Apache-2.0"\ntask = "outline"\n'
    )
    clear()
    both = models.load("striatum-outline")
    assert both.beside is models.load("other")
    assert both.weights == "+".join(sums)
    assert (both.sha256, models.load("other").weights) == (sums[0], sums[1])
    save_network(other, recipe_of("striatum-outline", name="other", outputs=("caudate", "putamen")))
    path.write_text(path.read_text().replace(sums[1], hashlib.sha256(other.read_bytes()).hexdigest()))
    clear()
    with pytest.raises(ModelError, match=r"gives caudate, .* is wanted, 'other' gives caudate, putamen\."):
        models.load("striatum-outline")
    other.write_bytes(b"")
    clear()
    with pytest.raises(ChecksumError, match=r"other\.onnx"):
        models.load("striatum-outline")
