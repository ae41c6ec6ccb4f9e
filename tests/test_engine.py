"""Both engines give the answer that was worked out by hand, and say what is wrong with a file."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from drawing_networks import recipe_of, save_network

from deepgray import engine
from deepgray.engine import Network, engine_names, open_network, usable_cores
from deepgray.errors import MissingExtraError, ModelError, SettingsError

INSTALLED = [name for name in ("onnxruntime", "openvino") if importlib.util.find_spec(name) is not None]


@pytest.fixture(params=INSTALLED)
def outline_network(request: pytest.FixtureRequest, tmp_path: Path) -> Network:
    path = save_network(tmp_path / "outline.onnx", recipe_of("striatum-outline"))
    return open_network(path, threads=1, engine=request.param)


def test_logits_are_those_of_the_formula(outline_network: Network) -> None:
    logits = outline_network.run(np.zeros((1, 1, 22, 40, 32), np.float32))
    assert logits.shape == (1, 5, 22, 40, 32)
    assert logits.dtype == np.float32
    # Voxel (15, 22, 17) lies at low + (index + ½) · 2 mm = (-13, 5, 11): caudate's middle is (-12, 4, 11).
    caudate = 10 * (1 - 1 / 6**2 - 1 / 15**2)
    assert logits[0, 1, 15, 22, 17] == pytest.approx(caudate, abs=0.05)  # float16 weights
    assert (logits[0, 0] == 0).all()


def test_the_spatial_axes_are_free(outline_network: Network) -> None:
    small = outline_network.run(np.zeros((1, 1, 8, 9, 10), np.float32))
    large = outline_network.run(np.zeros((1, 1, 12, 9, 11), np.float32))
    assert small.shape == (1, 5, 8, 9, 10)
    assert large.shape == (1, 5, 12, 9, 11)
    np.testing.assert_allclose(large[:, :, :8, :, :10], small, atol=1e-4)


def test_the_recipe_comes_out_of_the_file(outline_network: Network) -> None:
    assert outline_network.recipe == recipe_of("striatum-outline")


def test_the_fastest_installed_engine_is_chosen(tmp_path: Path) -> None:
    path = save_network(tmp_path / "outline.onnx", recipe_of("striatum-outline"))
    assert open_network(path).engine == engine_names()[0]
    assert ("openvino" in engine_names()) == ("openvino" in INSTALLED)
    assert engine_names()[-1] == "onnxruntime"


def test_weights_and_inputs_are_of_one_number(outline_network: Network) -> None:
    with pytest.raises(ModelError, match=r"\(1, 1, x, y, z\) are wanted, float32 of shape \(1, 2, 8, 8, 8\) came"):
        outline_network.run(np.zeros((1, 2, 8, 8, 8), np.float32))
    with pytest.raises(ModelError, match="float64"):
        outline_network.run(np.zeros((1, 1, 8, 8, 8)))  # type: ignore[arg-type]


def test_a_file_with_other_classes_than_its_recipe_is_refused() -> None:
    network = Network(
        recipe_of("striatum-outline"), "fake", lambda inputs: np.zeros((1, 3, *inputs.shape[2:]), np.float32)
    )
    with pytest.raises(ModelError, match=r"shape \(1, 5, 8, 8, 8\) are wanted, \(1, 3, 8, 8, 8\) came"):
        network.run(np.zeros((1, 1, 8, 8, 8), np.float32))


@pytest.mark.parametrize("name", INSTALLED)
def test_a_file_that_is_no_network_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"not a network at all")
    with pytest.raises(ModelError, match=r"A network file in ONNX is wanted, .*broken\.onnx cannot be opened"):
        open_network(path, engine=name)


@pytest.mark.parametrize("name", INSTALLED)
def test_a_file_without_a_recipe_is_refused(tmp_path: Path, name: str) -> None:
    path = save_network(tmp_path / "bare.onnx", recipe_of("striatum-outline"), metadata=False)
    with pytest.raises(ModelError, match="a recipe inside is wanted"):
        open_network(path, engine=name)


def test_what_cannot_be_opened_is_said_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match="there is none"):
        open_network(tmp_path / "absent.onnx")
    with pytest.raises(SettingsError, match="An engine is wanted, one of openvino, onnxruntime; 'tensorrt' came"):
        open_network(tmp_path / "absent.onnx", engine="tensorrt")
    with pytest.raises(SettingsError, match="At least one thread is wanted, 0 came"):
        open_network(tmp_path / "absent.onnx", threads=0)
    monkeypatch.setattr(engine, "engine_names", lambda: ("onnxruntime",))
    with pytest.raises(MissingExtraError, match=r"deepgray\[fast\]"):
        open_network(tmp_path / "absent.onnx", engine="openvino")


def test_engines_are_imported_when_a_network_is_opened_and_not_before() -> None:
    code = "import sys, deepgray.engine; sys.exit(any(m in sys.modules for m in ('onnxruntime', 'openvino')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_at_least_one_core_can_be_used() -> None:
    assert usable_cores() >= 1


def test_a_wide_network_has_grids_of_its_own() -> None:
    wide = {"wide_low_mm": (-96.0, -80.0, -64.0), "wide_high_mm": (96.0, 80.0, 64.0), "wide_spacing_mm": 4.0}
    recipe = recipe_of("striatum-outline", **wide)
    answer = np.zeros((1, 5, 22, 40, 32), np.float32)
    seen = np.zeros((1, 1, 48, 40, 32), np.float32)
    assert Network(recipe, "toy", lambda _: answer).run(seen).shape == answer.shape
    with pytest.raises(ModelError, match=r"a grid of \(48, 40, 32\) is wanted, \(22, 40, 32\) came"):
        Network(recipe, "toy", lambda _: answer).run(answer[:, :1])
    with pytest.raises(ModelError, match=r"logits of shape \(1, 5, 22, 40, 32\) are wanted, \(1, 5, 48, 40, 32\) came"):
        Network(recipe, "toy", lambda image: np.repeat(image, 5, axis=1)).run(seen)
