"""The simulated expert."""

from __future__ import annotations

import numpy as np
from toy_striatum import whole

from deepgray.protocols.striatum.expert import drawn_by_expert
from deepgray.scan import LabelMap


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * float((one & other).sum()) / float(one.sum() + other.sum())


def fine(labels: LabelMap) -> LabelMap:
    """The same in voxels of 1 mm."""
    affine = labels.affine_ras.copy()
    affine[:3, :3] = np.eye(3)
    return LabelMap(np.kron(labels.voxels, np.ones((2, 2, 2), dtype=np.int16)), affine, labels.scheme)


def test_the_mask_is_one_and_near_the_truth_and_no_two_are_alike() -> None:
    truth = fine(whole())
    masks = [drawn_by_expert(truth, seed=seed).voxels for seed in range(5)]
    assert set(np.unique(masks[0])) == {0, 1}
    overlaps = [dice(mask > 0, truth.voxels > 0) for mask in masks]
    assert 0.90 < min(overlaps) <= max(overlaps) < 1.0
    assert 0.85 < dice(masks[0] > 0, masks[1] > 0) < 0.99
    np.testing.assert_array_equal(masks[2], drawn_by_expert(truth, seed=2).voxels)


def test_the_pallidum_is_left_out() -> None:
    truth = fine(whole())
    voxels = truth.voxels.copy()
    pallidum = next(s.label for s in truth.scheme.structures if s.name == "pallidum")
    voxels[28:34, 60:70, 30:40] = pallidum
    drawn = drawn_by_expert(LabelMap(voxels, truth.affine_ras, truth.scheme), seed=1)
    assert not drawn.voxels[28:34, 60:70, 30:40].any()
