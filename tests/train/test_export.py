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
from deepgray.errors import ModelError, SettingsError  # noqa: E402
from deepgray.recipe import Recipe  # noqa: E402
from deepgray.train.export import SMALLEST_HALVED, blend_checkpoints, export, load_checkpoint  # noqa: E402
from deepgray.train.networks import UNet, WideUNet  # noqa: E402
from deepgray.train.settings import RECIPES as SHIPPED_RECIPES  # noqa: E402

torch.set_num_threads(1)  # small tensors
RECIPES = {"striatum-outline": 1, "striatum-subdivide": 1, "head-locate": 2}
WIDTHS = (6, 10)


def save_checkpoint(path: Path, recipe: Recipe, patch: int, seed: int = 0) -> UNet:
    torch.manual_seed(seed)
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


def test_a_wide_network_gives_torchs_answers_for_its_box(tmp_path: Path) -> None:
    recipe, widths = SHIPPED_RECIPES["datspect-wide"], (4, 6, 8, 10)
    torch.manual_seed(0)
    network = WideUNet(recipe, widths).eval()
    kept = {"weights": network.state_dict(), "widths": widths, "patch": 1, "recipe": recipe.to_json()}
    torch.save(kept, tmp_path / "best.pt")
    export(tmp_path / "best.pt", tmp_path / "network.onnx")
    opened = open_network(tmp_path / "network.onnx", threads=1, engine="onnxruntime")
    image = np.random.default_rng(0).random((1, 1, *recipe.seen.shape), dtype=np.float32)
    with torch.no_grad():
        wanted = network(torch.from_numpy(image)).numpy()
    assert opened.recipe == recipe
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


def test_a_blend_holds_the_mean_of_the_weights_and_a_border_of_its_own(tmp_path: Path) -> None:
    recipe = recipe_of("striatum-outline")
    one, two = (save_checkpoint(tmp_path / f"{seed}.pt", recipe, 1, seed) for seed in (0, 1))
    blend_checkpoints({tmp_path / "0.pt": 0.7, tmp_path / "1.pt": 0.3}, tmp_path / "mean.pt", border_logit=1.5)
    mean, told = load_checkpoint(tmp_path / "mean.pt")
    assert told.border_logit == 1.5
    for name, tensor in mean.state_dict().items():
        torch.testing.assert_close(tensor, 0.7 * one.state_dict()[name] + 0.3 * two.state_dict()[name])


def test_a_blend_wants_shares_of_one_whole_and_networks_that_fit(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "0.pt", recipe_of("striatum-outline"), 1)
    save_checkpoint(tmp_path / "1.pt", recipe_of("striatum-subdivide"), 1)
    with pytest.raises(SettingsError, match=r"add up to 1 are wanted, 0\.7, 0\.2 came"):
        blend_checkpoints({tmp_path / "0.pt": 0.7, tmp_path / "1.pt": 0.2}, tmp_path / "m.pt", border_logit=0.0)
    with pytest.raises(ModelError, match=r"1\.pt differs"):
        blend_checkpoints({tmp_path / "0.pt": 0.7, tmp_path / "1.pt": 0.3}, tmp_path / "m.pt", border_logit=0.0)
    assert not (tmp_path / "m.pt").exists()
