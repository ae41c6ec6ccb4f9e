"""``deepgray doctor``: findings, and an exit code that tells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawing_networks import recipe_of, save_network

from deepgray import models, pipeline
from deepgray.cli import doctor as doctor_command
from deepgray.cli import main
from deepgray.cli.self_test import self_test_scan
from deepgray.errors import ModelError


def findings(capsys: pytest.CaptureFixture[str]) -> dict[str, list[str]]:
    return {line.split("\t")[0]: line.split("\t")[1:] for line in capsys.readouterr().out.splitlines()}


@pytest.fixture
def healthy(drawing_task: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights that are whole, and networks that draw."""
    load = models.load
    monkeypatch.setattr(models, "verify", lambda shipped: shipped.sha256)
    monkeypatch.setattr(models, "load", lambda name: load(str(drawing_task.with_name(f"{name}.onnx"))))
    monkeypatch.setattr(doctor_command, "_self_test", lambda: "1 voxel outlined")


@pytest.mark.usefixtures("healthy")
def test_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    found = findings(capsys)
    assert found["onnxruntime"][0] == "ok"
    assert found["engine"][0] == "ok"
    assert found["weights head-locate"] == ["ok", "verified"]
    assert found["network striatum-subdivide"][0] == "ok"
    assert found["self-test scan"][0] == "ok"


def test_missing_weights_are_found_and_the_rest_is_still_examined(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def verify(shipped: models.Entry) -> str:
        raise ModelError(f"The weights of '{shipped.name}' are wanted.")

    monkeypatch.setattr(models, "verify", verify)
    models._opened.cache_clear()
    assert main(["doctor"]) == 1
    found = findings(capsys)
    assert found["weights head-locate"] == ["failed", "missing"]
    assert found["self-test scan"][0] == "failed"
    assert found["numpy"][0] == "ok"


def test_a_network_that_gives_no_numbers_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_network(tmp_path / "bad.onnx", recipe_of("striatum-outline"))
    load = models.load
    monkeypatch.setattr(models, "verify", lambda shipped: shipped.sha256)
    monkeypatch.setattr(models, "load", lambda name: load(str(path)))
    model = load(str(path))
    monkeypatch.setattr(type(model.network), "run", lambda self, inputs: np.full((1, 5, 8, 8, 8), np.nan, np.float32))
    monkeypatch.setattr(doctor_command, "_self_test", lambda: "1 voxel outlined")
    assert main(["doctor"]) == 1
    assert "NaN" in findings(capsys)["network head-locate"][1]


def test_the_self_test_goes_through_every_station(drawing_task: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_command, "analyse", lambda scan: pipeline.analyse(scan, str(drawing_task)))
    words = doctor_command._self_test()
    assert "voxels outlined" in words
    assert all(stage in words for stage in pipeline.STAGES)


def test_the_self_test_scan_is_the_same_every_time_and_brighter_inside() -> None:
    one, other = self_test_scan(), self_test_scan()
    np.testing.assert_array_equal(one.voxels, other.voxels)
    assert one.grid.spacing_mm == pytest.approx([2, 2, 2])
    index = np.rint(np.linalg.inv(one.affine_ras) @ [-30.0, -30.0, 40.0, 1.0]).astype(int)[:3]
    assert one.voxels[tuple(index)] > 500  # white matter
    assert one.voxels[0, 0, 0] < 150
