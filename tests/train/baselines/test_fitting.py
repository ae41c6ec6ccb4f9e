"""Training a baseline, and going on after a stop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.errors import ModelError, SettingsError  # noqa: E402
from deepgray.train.baselines import fitting  # noqa: E402
from deepgray.train.baselines.fitting import fit, load, mean_dice, probabilities, scaled  # noqa: E402
from deepgray.train.baselines.recipes import NNUNET, Augmentation, BaselineSettings  # noqa: E402
from deepgray.train.slice_training import Cases  # noqa: E402

TINY = BaselineSettings(
    NNUNET,
    shape=(8, 8, 4),
    widths=(4, 4),
    intensity="z-score",
    augmentation=Augmentation(chance=0.5),
    learning_rate=0.05,
    steps=6,
    validate_every=2,
)


def cases(count: int, *, seed: int = 1) -> Cases:
    """Crops with a bright block of class 1."""
    generator = np.random.default_rng(seed)
    images, labels = [], []
    for _ in range(count):
        classes = np.zeros((8, 8, 4), dtype=np.uint8)
        x, y = generator.integers(1, 4, 2)
        classes[x : x + 4, y : y + 4, 1:3] = 1
        labels.append(classes)
        images.append((classes + 0.05 * generator.normal(size=classes.shape)).astype(np.float32))
    return Cases(images, labels)


def test_intensities_are_scaled_by_the_crop_itself() -> None:
    image = np.array([[[2.0, 4.0, 6.0]]], dtype=np.float32)
    np.testing.assert_allclose(scaled(image, "min-max"), [[[0, 0.5, 1]]])
    np.testing.assert_allclose(scaled(image, "z-score"), [[[-1.2247, 0, 1.2247]]], atol=1e-3)
    np.testing.assert_array_equal(scaled(np.full((1, 1, 3), 5.0, dtype=np.float32), "min-max"), 0)


def test_a_run_that_was_stopped_ends_as_one_that_was_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training, validation = cases(3), cases(2, seed=2)
    whole = fit(training, validation, TINY, folder=tmp_path / "whole")

    def stop_at_four(line: str) -> None:
        if "step 4" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(training, validation, TINY, folder=tmp_path / "halves", told=stop_at_four)
    lines: list[str] = []
    halves = fit(training, validation, TINY, folder=tmp_path / "halves", told=lines.append)
    assert [line.split(",")[0] for line in lines] == ["nnunet: step 6 of 6"]
    assert (halves.score, halves.step, halves.key) == (whole.score, whole.step, whole.key)
    for one, other in zip(halves.network.parameters(), whole.network.parameters(), strict=True):
        assert torch.equal(one, other)
    monkeypatch.setattr(fitting, "augmented", None)  # a finished run learns nothing more
    assert fit(training, validation, TINY, folder=tmp_path / "whole").score == whole.score


def test_what_was_kept_gives_the_same_shares(tmp_path: Path) -> None:
    training = cases(2)
    trained = fit(training, training, TINY, folder=tmp_path)
    again = load(tmp_path / "best.pt")
    image = np.asarray(training.images[0])
    found = probabilities(again, image)
    np.testing.assert_allclose(found, probabilities(trained, image))
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-5)
    np.testing.assert_allclose(probabilities(again, 7 * image + 3), found, atol=1e-4)  # arbitrary scales
    assert (again.settings, again.key) == (TINY, trained.key)


def test_a_folder_of_other_crops_is_refused(tmp_path: Path) -> None:
    fit(cases(2), cases(2), TINY, folder=tmp_path)
    with pytest.raises(SettingsError, match="A folder of the same settings and crops is wanted"):
        fit(cases(2, seed=5), cases(2), TINY, folder=tmp_path)
    with pytest.raises(SettingsError, match="A folder of the same settings and crops is wanted"):
        fit(cases(2), cases(2), replace(TINY, learning_rate=0.1), folder=tmp_path)


def test_crops_of_another_shape_and_another_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"Crops of \(16, 16, 8\) voxels are wanted, one of \(8, 8, 4\) came"):
        fit(cases(1), cases(1), replace(TINY, shape=(16, 16, 8)), folder=tmp_path)
    (tmp_path / "best.pt").write_text("no network", encoding="utf-8")
    with pytest.raises(ModelError, match=r"A checkpoint of a baseline is wanted, .*best\.pt cannot be read"):
        load(tmp_path / "best.pt")


def test_the_mean_dice_is_over_the_classes_that_occur() -> None:
    class Fixed(torch.nn.Module):
        """Says class 1 in the first half of the first axis."""

        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            out = torch.zeros(len(image), 5, *image.shape[2:])
            out[:, 0], out[:, 1, :2] = 1.0, 2.0
            return out

    classes = torch.zeros(1, 4, 2, 2, dtype=torch.uint8)
    classes[:, 1:3] = 1  # 8 voxels, 4 of them found, 8 said: Dice 0.5; classes 2 to 4 do not occur
    assert mean_dice(Fixed(), torch.zeros(1, 1, 4, 2, 2), classes) == pytest.approx(0.5)  # type: ignore[arg-type]
