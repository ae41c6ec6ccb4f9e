"""A checkpoint becomes a network file that gives the same answers outside torch."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")
onnx = pytest.importorskip("onnx", reason="onnx (extra train) is not installed")

from drawing_networks import recipe_of  # noqa: E402

from deepgray.engine import open_network  # noqa: E402
from deepgray.errors import ModelError  # noqa: E402
from deepgray.recipe import Recipe  # noqa: E402
from deepgray.train.export import SMALLEST_HALVED, export, load_checkpoint  # noqa: E402
from deepgray.train.networks import UNet  # noqa: E402

torch.set_num_threads(1)  # small tensors
RECIPES = {"striatum-outline": 1, "striatum-subdivide": 1, "head-locate": 2}
WIDTHS = (6, 10)


def save_checkpoint(path: Path, recipe: Recipe, patch: int) -> UNet:
    torch.manual_seed(0)
    network = UNet(len(recipe.inputs), 1 + len(recipe.outputs), WIDTHS, patch=patch)
    kept = {
        "weights": network.state_dict(), "widths": WIDTHS, "patch": patch, "recipe": recipe.to_json(),
        "score": 0.5, "step": 9,
    }  # fmt: skip
    torch.save(kept, path)
    return network.eval()


@pytest.mark.parametrize(("name", "patch"), list(RECIPES.items()))
def test_the_file_gives_torchs_answers_on_any_grid(tmp_path: Path, name: str, patch: int) -> None:
    recipe = recipe_of(name)
    network = save_checkpoint(tmp_path / "best.pt", recipe, patch)
    sha256 = export(tmp_path / "best.pt", tmp_path / "network.onnx")
    assert sha256 == hashlib.sha256((tmp_path / "network.onnx").read_bytes()).hexdigest()
    opened = open_network(tmp_path / "network.onnx", threads=1, engine="onnxruntime")
    assert opened.recipe == recipe
    for shape in ((8, 8, 8), (16, 8, 12)):
        image = np.random.default_rng(0).random((1, len(recipe.inputs), *shape), dtype=np.float32)
        with torch.no_grad():
            wanted = network(torch.from_numpy(image)).numpy()
        # Weights are kept to 11 bits.
        np.testing.assert_allclose(opened.run(image), wanted, atol=0.02)
        assert np.abs(wanted).max() > 0.1


def test_large_weights_are_stored_as_float16_and_small_ones_as_they_are(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "best.pt", recipe_of("striatum-outline"), 1)
    export(tmp_path / "best.pt", tmp_path / "network.onnx")
    stored = [onnx.numpy_helper.to_array(t) for t in onnx.load(tmp_path / "network.onnx").graph.initializer]
    large = [t for t in stored if t.size >= SMALLEST_HALVED and t.dtype.kind == "f"]
    assert len(large) > 0
    assert all(t.dtype == np.float16 for t in large)
    assert all(t.dtype != np.float16 for t in stored if t.size < SMALLEST_HALVED)
    assert not (tmp_path / "network.partial").exists()


def test_the_checkpoint_comes_back(tmp_path: Path) -> None:
    recipe = recipe_of("striatum-subdivide")
    network = save_checkpoint(tmp_path / "best.pt", recipe, 1)
    found, its_recipe = load_checkpoint(tmp_path / "best.pt")
    assert its_recipe == recipe
    assert not found.training
    assert all(torch.equal(a, b) for a, b in zip(found.parameters(), network.parameters(), strict=True))


def test_a_missing_checkpoint_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"best.pt cannot be read"):
        load_checkpoint(tmp_path / "best.pt")


@pytest.mark.parametrize("kept", [{"weights": {}}, {"recipe": recipe_of("striatum-outline").to_json()}, [1, 2]])
def test_what_is_no_checkpoint_is_told(tmp_path: Path, kept: object) -> None:
    torch.save(kept, tmp_path / "best.pt")
    with pytest.raises(ModelError, match="A checkpoint of deepgray is wanted"):
        load_checkpoint(tmp_path / "best.pt")


@pytest.mark.parametrize("content", [b"", b"no checkpoint"])
def test_a_file_of_another_kind_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "best.pt").write_bytes(content)
    with pytest.raises(ModelError, match="A checkpoint of deepgray is wanted"):
        load_checkpoint(tmp_path / "best.pt")


def test_weights_of_another_shape_are_told(tmp_path: Path) -> None:
    recipe = recipe_of("striatum-outline")
    save_checkpoint(tmp_path / "best.pt", recipe, 1)
    kept = torch.load(tmp_path / "best.pt", weights_only=True)
    torch.save({**kept, "widths": (8, 10)}, tmp_path / "best.pt")
    with pytest.raises(ModelError, match="A checkpoint of deepgray is wanted"):
        load_checkpoint(tmp_path / "best.pt")
