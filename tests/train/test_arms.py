"""The arms of protocol D on toy volumes: what each is made of, and that nothing is done twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.errors import SettingsError
from deepgray.train import arms as room
from deepgray.train.arms import ARMS, ArmSettings, division, run_arms
from deepgray.train.slice_training import Cases, Fitted, SliceSettings, fit
from deepgray.train.slices import SliceFrame

MERGED = SliceSettings(
    ("left nigra and subthalamic nucleus",), (407,), frame=SliceFrame(axis=2, crop=16), widths=(2, 3), epochs=1, batch=8
)
SPLIT = replace(MERGED, classes=("left substantia nigra", "left subthalamic nucleus"), labels=(403, 405))


def toy_cases(labels: tuple[int, ...], count: int = 3) -> Cases:
    image = np.random.default_rng(0).random((count, 16, 16, 4), dtype=np.float32)
    found = np.zeros(image.shape, np.int16)
    for place, label in enumerate(labels):
        found[:, 4:8, 3 + 5 * place : 7 + 5 * place, 1:3] = label
    return Cases(image + found / 300, found)


SOURCE, TARGET, TEST = toy_cases((407,)), toy_cases((403, 405)), toy_cases((403, 405), 2).images


def settings_of(folder: Path, **changes: object) -> ArmSettings:
    return replace(ArmSettings(MERGED, SPLIT, folder, folds=3), **changes)


def test_every_arm_labels_every_test_volume(tmp_path: Path) -> None:
    results = run_arms(SOURCE, TARGET, TEST, settings=settings_of(tmp_path))
    assert tuple(r.arm for r in results) == ARMS
    for result in results:
        assert [found.shape for found in result.labels] == [(16, 16, 4)] * 2
        assert len(result.folds) == len(result.scores) == 3
        assert set(np.unique(result.labels)) <= {0, 403, 405}
        assert result.seconds > 0
        assert (result.source_seconds > 0) == (result.arm != "no transfer")
        assert all(f.settings.attention == (result.arm != "no attention") for f in result.folds)
    assert {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.pt")} == {
        *(f"{arm}/fold-{n}.pt" for arm in ("transfer", "no-transfer", "no-attention") for n in (1, 2, 3)),
        "transfer/source.pt",
        "no-attention/source.pt",
    }


def test_what_is_finished_is_not_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(tmp_path, arms=("transfer",))
    first = run_arms(SOURCE, TARGET, TEST, settings=settings)[0]
    (tmp_path / "transfer" / "fold-2.pt").unlink()
    trained: list[bool] = []

    def counted(*cases: Cases, **more: object) -> Fitted:
        trained.append(more["start"] is not None)
        return fit(*cases, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(room, "fit", counted)
    again = run_arms(SOURCE, TARGET, TEST, settings=settings)[0]
    assert trained == [True]
    assert again.scores == first.scores
    np.testing.assert_array_equal(again.labels, first.labels)


def test_a_folder_of_other_settings_or_data_is_refused(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, arms=("no transfer",))
    run_arms(SOURCE, TARGET, TEST, settings=settings)
    with pytest.raises(SettingsError, match=r"A folder of the same settings and data is wanted"):
        run_arms(SOURCE, TARGET, TEST, settings=replace(settings, target=replace(SPLIT, seed=2)))
    with pytest.raises(SettingsError, match=r"A folder of the same settings and data is wanted"):
        run_arms(SOURCE, toy_cases((403, 405), 4), TEST, settings=settings)


def test_folds_divide_the_cases() -> None:
    parts = division(11, 5, seed=1)
    assert sorted(len(p) for p in parts) == [2, 2, 2, 2, 3]
    assert sorted(n for part in parts for n in part) == list(range(11))
    assert parts == division(11, 5, seed=1) != division(11, 5, seed=2)


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"arms of transfer, no transfer, no attention are wanted"):
        settings_of(tmp_path, arms=("magic",))
    with pytest.raises(SettingsError, match=r"At least 3 source cases are wanted, 2 came"):
        run_arms(SOURCE.chosen([0, 1]), TARGET, TEST, settings=settings_of(tmp_path))
