"""The doubt of subregions, on blocks of one probability."""

from __future__ import annotations

import numpy as np
import pytest
from block_striatum import block_striatum

from deepgray.result import Outline
from deepgray.scan import Probabilities
from deepgray.subdivide import part_uncertainty, split_label_map

FOUR = block_striatum("caudate", "putamen", "accumbens", "pallidum")
PARTS = split_label_map(FOUR)


def scores(level: float, spilt: float = 0.0) -> dict[str, float]:
    """Of an outline whose voxels have one probability, and those outside it another that they are left putamen."""
    members = FOUR.scheme.structures
    voxels = np.stack([np.where(FOUR.mask(s), level, 0.0) for s in members]).astype(np.float32)
    putamen = next(n for n, s in enumerate(members) if s.key == "left putamen")
    voxels[putamen][FOUR.voxels == 0] = spilt
    outline = Outline(FOUR, Probabilities(voxels, members, (0, 0, 0), FOUR.grid), (), "toy")
    return {u.structure.key: u.score for u in part_uncertainty(outline, PARTS)}


def test_certain_parts_leave_no_doubt() -> None:
    found = scores(1.0)
    assert set(found) == {s.key for s in PARTS.labels.scheme.structures}
    assert found == pytest.approx(dict.fromkeys(found, 0.0))


def test_the_doubt_of_a_part_is_that_of_its_voxels() -> None:
    # expected Dice 2 × .8 / (.8 + 1) = .889
    assert scores(0.8)["left ventral putamen"] == pytest.approx(1 - 1.6 / 1.8)


def test_what_was_left_out_is_the_doubt_of_the_nearest_part_on_its_side() -> None:
    found = scores(1.0, spilt=0.01)
    assert min(v for k, v in found.items() if k.startswith("left")) > 0.01
    assert max(v for k, v in found.items() if k.startswith("right")) == pytest.approx(0.0)


def test_without_probabilities_there_is_none() -> None:
    assert part_uncertainty(Outline(FOUR, None, (), "toy"), PARTS) == ()
