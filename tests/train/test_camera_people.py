"""People in the full camera: made once, kept, and their labels lie where their image is bright."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from toy_spect import toy_spect_head  # noqa: E402

from deepgray.space import apply_affine  # noqa: E402
from deepgray.train import camera_people  # noqa: E402
from deepgray.train.camera_people import CameraPerson  # noqa: E402

torch.set_num_threads(1)  # small tensors


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def person(cache: Path) -> CameraPerson:
    return camera_people.camera_people([toy_spect_head()], 1, cache)[0]


def where(person: CameraPerson, label: int) -> np.ndarray:
    return apply_affine(person.labels_affine, np.argwhere(person.labels == label))


def test_a_person_is_made_once(person: CameraPerson, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_people, "_made", lambda *_: pytest.fail("made again"))
    again = camera_people.camera_people([toy_spect_head()], 1, cache)[0]
    np.testing.assert_array_equal(again.images, person.images)
    assert again.name == person.name == "toy-5000000"


def test_labels_lie_in_the_canonical_frame(person: CameraPerson) -> None:
    # the toy's caudates are at x = 12 mm, the commissure of the person at 0 mm; the head is bent and zoomed a little
    assert where(person, 11)[:, 0].mean() == pytest.approx(-12, abs=4)
    assert where(person, 50)[:, 0].mean() == pytest.approx(12, abs=4)
    assert len(where(person, 11)) > 1.1 * len(where(person, 50))  # the toy's left caudate is the larger one


def test_the_image_is_bright_where_the_labels_are(person: CameraPerson) -> None:
    index = np.linalg.inv(person.affine)
    places = np.round(apply_affine(index, np.concatenate([where(person, n) for n in (11, 12, 50, 51)]))).astype(int)
    last = person.images[-1].astype(np.float32)
    brain = np.isin(person.coarse, (1, 5))
    assert last[tuple(places.T)].mean() > 1.5 * last[brain].mean()
    assert last[brain].mean() == pytest.approx(1.0, abs=0.4)  # occipital cortex is 1, before attenuation and scatter


def test_later_passes_are_sharper(person: CameraPerson) -> None:
    assert len(person.images) == 3
    spread = [float(image.astype(np.float32)[person.coarse > 0].std()) for image in person.images]
    assert spread == sorted(spread)
    assert spread[0] < spread[-1]
