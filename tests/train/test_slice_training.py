"""Tiny 2.5-D networks on toy volumes: they learn, are kept, and label volumes together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.errors import GeometryError, ModelError, SettingsError  # noqa: E402
from deepgray.train import slice_training as room  # noqa: E402
from deepgray.train.slice_training import (  # noqa: E402
    Cases,
    Fitted,
    SliceSettings,
    fit,
    load,
    new_network,
    predict,
    probabilities,
    save,
    settings_from_json,
)
from deepgray.train.slices import Jitter, SliceFrame  # noqa: E402

torch.set_num_threads(1)
STILL = Jitter(shift_px=0, rotation_degrees=0, zoom=(1, 1), shear=0)
TOY = SliceSettings(
    ("left red nucleus", "right red nucleus"), (401, 402), frame=SliceFrame(axis=1, crop=16), widths=(8, 12, 16),
    jitter=STILL, learning_rate=1e-2, batch=2, epochs=60, patience=15,
)  # fmt: skip


def toy_case(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two equally bright nuclei, left and right, in three of eight coronal slices of 16 × 12."""
    labels = np.zeros((16, 8, 12), np.int16)
    labels[2:6, 3:6, 4:8], labels[10:14, 3:6, 5:9] = 401, 402
    noise = np.random.default_rng(seed).normal(0, 0.1, labels.shape)
    return (1 + 2 * (labels > 0) + noise).astype(np.float32), labels


def toy_cases(count: int) -> Cases:
    made = [toy_case(seed) for seed in range(count)]
    return Cases([image for image, _ in made], [labels for _, labels in made])


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return fit(toy_cases(1), toy_cases(1), TOY)


def test_a_network_learns_one_toy_volume_by_heart(fitted: Fitted) -> None:
    assert fitted.score > 0.95
    image, labels = toy_case()
    found = predict([fitted], image)
    assert found.dtype == np.int16
    for label in TOY.labels:  # left and right are told apart by where they lie alone
        one, other = found == label, labels == label
        assert 2 * (one & other).sum() / (one.sum() + other.sum()) > 0.9


def test_probabilities_lie_on_the_volumes_grid(fitted: Fitted) -> None:
    found = probabilities(fitted, toy_case()[0])
    assert found.shape == (2, 16, 8, 12)
    assert found.min() >= 0
    assert found.sum(0).max() <= 1 + 1e-5


def test_networks_vote_with_their_mean(fitted: Fitted, monkeypatch: pytest.MonkeyPatch) -> None:
    image = toy_case()[0]
    answers = []
    for left, right in ((0.9, 0.05), (0.2, 0.7)):  # means .55 and .375
        answer = np.zeros((2, *image.shape), np.float32)
        answer[0, 1:3, 1:3, 1:3], answer[1, 1:3, 1:3, 1:3] = left, right
        answers.append(answer)
    answers[0][0, 8, 8 - 1, 8], answers[1][0, 8, 8 - 1, 8] = 1, 1  # an island
    monkeypatch.setattr(room, "probabilities", lambda *_: answers.pop())
    found = predict([fitted, fitted], image)
    assert (found[1:3, 1:3, 1:3] == 401).all()
    assert (found > 0).sum() == 8


def test_a_network_is_kept_whole(fitted: Fitted, tmp_path: Path) -> None:
    save(fitted, tmp_path / "one.pt")
    found = load(tmp_path / "one.pt")
    assert (found.settings, found.score, found.epochs) == (TOY, fitted.score, fitted.epochs)
    np.testing.assert_allclose(
        probabilities(found, toy_case()[0]), probabilities(fitted, toy_case()[0]), atol=1e-6
    )  # fmt: skip
    assert [p.name for p in tmp_path.iterdir()] == ["one.pt"]


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one.pt").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"A 2.5-D network of deepgray is wanted"):
        load(tmp_path / "one.pt")


def test_a_split_class_begins_with_the_weights_of_the_merged_one_of_its_side() -> None:
    merged = replace(
        TOY, labels=(1, 2), classes=("left nigra and subthalamic nucleus", "right nigra and subthalamic nucleus")
    )
    sides = tuple(
        f"{side} {name}" for side in ("left", "right") for name in ("substantia nigra", "subthalamic nucleus")
    )
    split = replace(TOY, classes=sides, labels=(1, 2, 3, 4), frame=SliceFrame(axis=2, crop=32), seed=5)
    old = Fitted(new_network(merged).eval(), merged, 0.0, 0, 0.0)
    new = new_network(split, old.checkpoint()).eval()
    image = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        before, after = old.network(image).softmax(1), new(image).softmax(1)
    torch.testing.assert_close(after[:, 1] + after[:, 2], before[:, 1])
    torch.testing.assert_close(after[:, 3] + after[:, 4], before[:, 2])


def test_training_stops_when_nothing_improves() -> None:
    found = fit(toy_cases(1), toy_cases(1), replace(TOY, learning_rate=1e-12, epochs=50, patience=2))
    assert found.epochs < 50


def test_the_same_seed_gives_the_same_network() -> None:
    short = replace(TOY, epochs=2, jitter=Jitter(shift_px=2))
    one, other = (fit(toy_cases(2), toy_cases(1), short).network.state_dict() for _ in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_settings_come_back_from_json() -> None:
    assert settings_from_json(TOY.to_json()) == TOY


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"labels": (401,)}, "A label of its own for every class"),
        ({"labels": (401, 401)}, "A label of its own for every class"),
        ({"labels": (0, 401)}, "above 0"),
        ({"frame": SliceFrame(axis=2, crop=18)}, "can be halved 2 times is wanted, 18 came"),
        ({"frame": SliceFrame(axis=2, crop=4)}, "A crop of 8 pixels or more"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        replace(TOY, **changes)


def test_arrays_that_do_not_go_together_are_refused() -> None:
    image, labels = toy_case()
    with pytest.raises(GeometryError, match=r"A label map of its shape for every volume"):
        Cases([image], [labels[1:]])
    with pytest.raises(SettingsError, match=r"Slices that hold one of the labels \(401, 402\) are wanted"):
        fit(Cases([image], [np.zeros_like(labels)]), Cases([image], [labels]), TOY)


def test_one_array_of_volumes_will_do() -> None:
    cases = toy_cases(3)
    together = Cases(np.stack(cases.images), np.stack(cases.labels))
    assert [v.shape for v in together.chosen([2, 0]).images] == [(16, 8, 12)] * 2
