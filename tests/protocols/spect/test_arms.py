"""The arms of protocol B."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from toy_spect import toy_case, upright

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.anatomy import Scheme  # noqa: E402
from deepgray.errors import NoHeadError  # noqa: E402
from deepgray.measure.category import CATEGORY  # noqa: E402
from deepgray.protocols.spect import arms  # noqa: E402
from deepgray.protocols.spect.arms import Baseline, Own, Threshold, labels_on  # noqa: E402
from deepgray.protocols.spect.cases import judged  # noqa: E402
from deepgray.protocols.spect.turned import about  # noqa: E402
from deepgray.result import Measurement  # noqa: E402
from deepgray.scan import LabelMap, Scan  # noqa: E402
from deepgray.space import Grid, apply_affine  # noqa: E402
from deepgray.train.baselines.fitting import Trained  # noqa: E402
from deepgray.train.baselines.networks import new_generator  # noqa: E402
from deepgray.train.baselines.recipes import UNET, BaselineSettings  # noqa: E402


@dataclass(frozen=True)
class FakeTask:
    outline_model: str = "datspect-outline"
    scheme: str = "striatum4"


@dataclass(frozen=True)
class FakeResult:
    measurements: tuple[Measurement, ...]
    pose: str = "where the head is"
    task: FakeTask = FakeTask()


def test_deepgray_goes_its_public_way_and_what_it_prints_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    case = toy_case()
    measured = (
        Measurement("caudate", "left", 11, "sbr", 2.5, "1", "by the cerebellum"),
        Measurement("caudate", "left", 11, "sbr_occipital", 9.0, "1", "by another"),
        Measurement("dorsal striatum", "both", None, CATEGORY, 1.0, "1", "suggested ANC1"),
    )
    asked: list[object] = []

    def analyse(scan: Scan, task: str) -> FakeResult:
        asked.extend([scan, task])
        return FakeResult(measured)

    def outline_on(grid: Grid, scan: Scan, pose: str, *, model: str, scheme: Scheme) -> LabelMap:
        asked.extend([pose, model, scheme.name])
        return LabelMap(case.truth.voxels, grid.affine_ras, scheme)

    monkeypatch.setattr(arms, "analyse", analyse)
    monkeypatch.setattr(arms, "outline_on", outline_on)
    monkeypatch.setattr(arms.models, "load", lambda name: name)
    found = Own().outline(case)
    assert asked == [case.scan, "datspect", "where the head is", "datspect-outline", "striatum4"]
    assert (dict(found.printed_sbr), found.category) == ({"left caudate": 2.5}, "ANC1")
    assert {row.dice for row in judged(found, case, arm="deepgray")} == {1.0}


def test_a_scan_that_deepgray_refuses_has_an_empty_outline(monkeypatch: pytest.MonkeyPatch) -> None:
    def analyse(scan: Scan, task: str) -> FakeResult:
        raise NoHeadError("no head")

    monkeypatch.setattr(arms, "analyse", analyse)
    found = Own().outline(toy_case())
    assert found.failure == "no head"
    assert not found.labels.voxels.any()


def test_the_threshold_finds_what_is_bright_and_misses_what_is_not() -> None:
    case = toy_case(noise=0.0)
    (row,) = judged(Threshold().outline(case), case, arm="thr-67")
    # 67 % of 4 leaves the right putamen with its 2 out: three balls of four
    sizes = {s.key: int(case.truth.mask(s).sum()) for s in case.truth.scheme.structures}
    bright = sum(n for key, n in sizes.items() if key != "right putamen")
    assert row.dice == pytest.approx(2 * bright / (bright + sum(sizes.values())), abs=0.12)  # voxels of 3 mm
    assert row.sbr > row.truth_sbr  # only the brightest is kept


def test_the_threshold_looks_in_the_crop_only() -> None:
    case = toy_case(noise=0.0)
    voxels = case.scan.voxels.copy()
    voxels[2, 2, 2] = 1000.0  # a parotid gland, say, far from the striatum
    bright = replace(case, scan=Scan(voxels, case.scan.affine_ras, case.name, "spect"))
    one, other = (Threshold().outline(c).labels.voxels for c in (case, bright))
    np.testing.assert_array_equal(one, other)


def test_shares_become_labels_on_a_finer_and_turned_grid() -> None:
    case = toy_case()
    coarse = Grid((40, 30, 26), upright((40, 30, 26), 2.0))
    distance = np.linalg.norm(apply_affine(coarse.affine_ras, np.moveaxis(np.indices(coarse.shape), 0, -1)), axis=-1)
    ball = np.clip((10.0 - distance) / 2 + 0.5, 0, 1).astype(np.float32)  # half at 10 mm, as partial volume has it
    shares = np.stack([0 * ball, ball, 0 * ball, 0 * ball])
    for degrees in (0.0, 30.0):
        target = Grid(case.truth.grid.shape, about("z", degrees, middle_mm=np.zeros(3)) @ case.truth.affine_ras)
        found = labels_on(shares, coarse, target, what=case.truth.scheme)
        assert set(np.unique(found.voxels)) == {0, 12}  # the second class is the left putamen
        assert (found.voxels == 12).sum() == pytest.approx(4 / 3 * np.pi * 10**3, rel=0.03)
    assert not labels_on(0 * shares, coarse, case.truth.grid, what=case.truth.scheme).voxels.any()


def test_a_baseline_outlines_in_its_crop() -> None:
    how = BaselineSettings(UNET, spacing_mm=3.0, shape=(24, 24, 16), widths=(2, 4))
    network = new_generator(how, 5).eval()
    with torch.no_grad():
        for parameter in network.heads[-1].parameters():
            parameter.zero_()
        network.heads[-1].bias[2] = 5.0  # says left putamen everywhere
    arm = Baseline("unet", Trained(network, how, 0.5, 1, 1.0, "abc"))
    case = toy_case()
    found = arm.outline(case).labels
    assert arm.key == "unet-abc"
    assert set(np.unique(found.voxels)) <= {0, 12}
    assert found.voxels[tuple(n // 2 for n in found.voxels.shape)] == 12
