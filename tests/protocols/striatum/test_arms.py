"""The arms on a scan of which the networks' answers are known: they draw ellipsoids."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawing_networks import recipe_of, save_network

pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray import models
from deepgray.anatomy import STRIATUM, scheme
from deepgray.pipeline import find_head
from deepgray.protocols.striatum import arms
from deepgray.protocols.striatum.arms import CASCADE, MENDED, ONE_STAGE, Seen, Tools
from deepgray.protocols.striatum.doubt import POSE, SHIPPED, SMALL, doubts
from deepgray.protocols.striatum.expert import drawn_by_expert
from deepgray.result import Examination
from deepgray.scan import LabelMap, Scan

PARTS = tuple(s.name for s in scheme("striatum12").structures[:6])


def one_stage(folder: Path) -> models.Model:
    """A network that draws the six subregions of a side."""
    recipe = recipe_of("striatum-subdivide", inputs=("image",), outputs=PARTS)
    return models.load(str(save_network(folder / "one-stage.onnx", recipe)))


@pytest.fixture
def seen(drawing_task: Path, head_scan: Scan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seen:
    """The scan with its head found; the truth is the outline moved by a voxel."""
    monkeypatch.setattr(arms, "TASK", str(drawing_task))
    head = find_head(Examination(head_scan), str(drawing_task))
    first = Seen(
        head, LabelMap(np.zeros(head_scan.grid.shape, np.int16), head_scan.affine_ras, scheme("striatum")), 3, Tools()
    )
    outline = first.result.outline.labels
    truth = LabelMap(np.roll(outline.voxels, 1, axis=2), outline.affine_ras, outline.scheme)
    return Seen(head, truth, 3, Tools(one_stage=one_stage(tmp_path)))


def striatum(labels: LabelMap) -> np.ndarray:
    return np.isin(labels.voxels, [s.label for s in labels.scheme.structures if s.name in STRIATUM])


def test_the_cascade_divides_its_own_outline(seen: Seen) -> None:
    found = seen.outlined(CASCADE)
    assert found.scheme.name == "striatum12"
    np.testing.assert_array_equal(found.voxels > 0, striatum(seen.result.outline.labels))


def test_after_the_expert_the_subregions_fill_the_experts_mask(seen: Seen) -> None:
    found = seen.outlined(MENDED)
    mask = drawn_by_expert(seen.truth, seed=3).voxels > 0
    np.testing.assert_array_equal(found.voxels > 0, mask)
    assert (mask != striatum(seen.result.outline.labels)).any()


def test_one_network_gives_the_subregions_at_once(seen: Seen) -> None:
    found = seen.outlined(ONE_STAGE)
    assert {s.name for s in found.scheme.structures if found.mask(s).any()} == set(PARTS)


def test_an_arm_that_lacks_its_network_says_so(seen: Seen) -> None:
    with pytest.raises(ValueError, match="a network of one stage is wanted, none came"):
        Seen(seen.head, seen.truth, 1, Tools()).outlined(ONE_STAGE)


def test_doubts_of_a_scan_come_from_its_result(seen: Seen) -> None:
    found = doubts(seen.result)
    assert found[SHIPPED] == seen.result.proposed.score
    assert found[POSE] == 1 - seen.result.pose.confidence
    volume = striatum(seen.result.outline.labels).sum() * seen.result.outline.labels.grid.voxel_volume_mm3
    assert found[SMALL] == pytest.approx(-volume)
    assert all(np.isfinite(value) for value in found.values())
