from __future__ import annotations

from pathlib import Path

import matplotlib.image
import pytest

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")
pytest.importorskip("onnx", reason="onnx (extra train) is not installed")

from deepgray.engine import open_network  # noqa: E402
from deepgray.train.networks import UNet  # noqa: E402
from deepgray.train.settings import TrainSettings  # noqa: E402
from deepgray.train.writing import card, plot, write_up  # noqa: E402

LOG = "step,seconds,learning_rate,loss,validation\n100,5.0,0.002,1.2,0.31\n200,9.9,0.001,0.8,0.52\n"


@pytest.fixture
def run(tmp_path: Path) -> TrainSettings:
    """A run of the outline that ended, with a network of two levels."""
    settings = TrainSettings(
        "striatum-outline", tmp_path / "heads", tmp_path, nuclei=tmp_path / "atlas", steps=300, widths=(2, 3), seed=5
    )
    network = UNet(1, 5, (2, 3))
    kept = {"weights": network.state_dict(), "widths": (2, 3), "patch": 1, "recipe": settings.recipe.to_json()}
    torch.save({**kept, "score": 0.52, "step": 200}, tmp_path / "best.pt")
    (tmp_path / "log.csv").write_text(LOG)
    return settings


def test_the_network_file_its_plot_and_its_card_lie_beside_the_run(run: TrainSettings) -> None:
    target = write_up(run)
    assert target == run.out / "striatum-outline.onnx"
    assert open_network(target, threads=1, engine="onnxruntime").recipe == run.recipe
    assert (run.out / "log.png").stat().st_size > 1000
    assert (run.out / "striatum-outline.md").read_text().startswith("# striatum-outline 1\n")


def test_the_card_says_what_the_run_knows(run: TrainSettings) -> None:
    text = card(run, "abc123")
    assert "- sha256: `abc123`" in text
    assert "widths 2, 3" in text
    assert "caudate, putamen, accumbens, pallidum" in text
    assert "`heads`" in text
    assert "nuclei in `atlas`" in text
    assert "- steps: 200 of 300 planned, seed 5" in text
    assert "0.5200" in text
    assert str(run.out) not in text


def test_a_run_without_nuclei_does_not_name_them(run: TrainSettings) -> None:
    alone = TrainSettings("striatum-outline", run.anatomies, run.out)
    assert "nuclei" not in card(alone, "")


def test_the_plot_is_a_picture(run: TrainSettings) -> None:
    picture = run.out / "log.png"
    plot(run.out / "log.csv", picture)
    assert matplotlib.image.imread(picture).shape[:2] == (480, 840)
