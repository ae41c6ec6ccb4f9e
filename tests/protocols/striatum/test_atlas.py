"""The atlas arm on toy boxes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch (extra train) is not installed")
pytest.importorskip("dipy", reason="dipy (extra register) is not installed")

from scipy import ndimage

from deepgray.anatomy import scheme
from deepgray.protocols.striatum import atlas as room
from deepgray.protocols.striatum.atlas import Atlas, RegistrationSettings, bent, by_atlases, most_alike
from deepgray.result import Pose
from deepgray.scan import LabelMap, Scan
from deepgray.space import Box

BOX = Box((-30.0, -28.0, -24.0), (30.0, 28.0, 24.0))
SETTINGS = RegistrationSettings(spacing_mm=2.0, voters=2, affine_iterations=(20, 10), iterations=(10, 10), radius=2)
LEFT, RIGHT = (
    next(s for s in scheme("striatum12").structures if s.key == k)
    for k in ("left anterior caudate", "right ventral putamen")
)


def toy(stretch: float, seed: int = 1) -> Atlas:
    """Two balls of different size on the two sides, and a big one around them."""
    grid = BOX.grid(2.0)
    x, y, z = np.moveaxis(np.indices(grid.shape) * 2.0 + grid.affine_ras[:3, 3][:, None, None, None], 0, 0)
    labels = np.zeros(grid.shape, dtype=np.int16)
    labels[(x + 12) ** 2 + (y - 2) ** 2 + z**2 < (8 * stretch) ** 2] = LEFT.label
    labels[(x - 12) ** 2 + (y + 4) ** 2 + z**2 < (6 * stretch) ** 2] = RIGHT.label
    head = x**2 / 27**2 + y**2 / 25**2 + z**2 / 21**2 < 1
    image = 0.4 * head + 0.5 * (labels > 0)
    image = ndimage.gaussian_filter(image, 0.6) + np.random.default_rng(seed).normal(0, 0.01, grid.shape)
    return Atlas(f"stretched {stretch}", image.astype(np.float32), labels)


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * float((one & other).sum()) / float(one.sum() + other.sum())


def test_an_atlas_bends_to_a_larger_nucleus() -> None:
    small, large = toy(1.0), toy(1.25, seed=2)
    soft = bent(small, large.image, BOX.grid(2.0).affine_ras, SETTINGS)
    channel = scheme("striatum12").structures.index(LEFT)
    assert dice(small.labels == LEFT.label, large.labels == LEFT.label) < 0.75
    assert dice(soft[channel] > 0.5, large.labels == LEFT.label) > 0.9


def test_the_most_alike_comes_first() -> None:
    image = toy(1.2, seed=3).image
    assert most_alike(image, [toy(0.8), toy(1.2), toy(1.0)])[0].name == "stretched 1.2"


def test_votes_come_back_on_the_scans_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "DEEP_BRAIN", BOX)
    shown = toy(1.1, seed=4)
    affine = BOX.grid(2.0).affine_ras.copy()
    affine[:3, 3] += (5.0, -3.0, 40.0)  # the head lies elsewhere in the world
    pose = np.eye(4)
    pose[:3, 3] = (-5.0, 3.0, -40.0)
    scan = Scan(100 * shown.image, affine, "toy")
    coarse = LabelMap(np.zeros((2, 2, 2), dtype=np.int16), np.eye(4), scheme("coarse"))
    found = by_atlases(scan, Pose(pose, 1.0, coarse), [toy(1.0), toy(1.2), toy(0.6)], SETTINGS)
    assert found.grid.shape == scan.grid.shape
    for one in (LEFT, RIGHT):
        assert dice(found.mask(one), shown.labels == one.label) > 0.88


def test_an_atlas_is_kept(tmp_path: Path) -> None:
    one = toy(1.0)
    room.write_atlas(tmp_path / "a.npz", one)
    again = room.read_atlas(tmp_path / "a.npz")
    assert again.name == one.name
    np.testing.assert_array_equal(again.labels, one.labels)
    np.testing.assert_array_equal(again.image, one.image)
