"""Scores of doubt, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from toy_striatum import AFFINE, PARTS, SHAPE, blocks, whole

from deepgray.anatomy import scheme
from deepgray.errors import InputError
from deepgray.protocols.striatum.doubt import disagreement, part_doubts, read_doubts, write_doubts
from deepgray.result import Outline
from deepgray.scan import LabelMap, Probabilities
from deepgray.space import Grid


def outlines(level: float) -> tuple[Outline, Outline]:
    """Blocks whose voxels have this probability, and nothing elsewhere."""
    labels, named = whole(), scheme("striatum")
    voxels = np.stack([np.where(labels.mask(s), level, 0.0) for s in named.structures]).astype(np.float32)
    found = Probabilities(voxels, named.structures, (0, 0, 0), Grid(SHAPE, AFFINE))
    return Outline(labels, found, (), "toy"), Outline(blocks(), None, (), "toy")


def test_certain_parts_leave_no_doubt() -> None:
    found = part_doubts(*outlines(1.0))
    assert set(found) == {s.key for s in PARTS.structures}
    assert found == pytest.approx(dict.fromkeys(found, 0.0))


def test_the_doubt_of_a_part_is_that_of_its_voxels() -> None:
    # expected Dice 2 × .8 / (.8 + 1) = .889
    assert part_doubts(*outlines(0.8))["left ventral putamen"] == pytest.approx(1 - 1.6 / 1.8)


def test_without_probabilities_there_is_none() -> None:
    whole_outline, parts = outlines(1.0)
    assert part_doubts(Outline(whole_outline.labels, None, (), "toy"), parts) == {}


def test_disagreement_is_what_dice_lacks() -> None:
    assert disagreement(blocks(), blocks()) == 0
    assert disagreement(blocks(moved=1), blocks()) == pytest.approx(0.25)
    nothing = LabelMap(np.zeros(SHAPE, dtype=np.int16), AFFINE, PARTS)
    assert disagreement(nothing, blocks()) == 1


def test_scores_survive_their_table(tmp_path: Path) -> None:
    write_doubts(tmp_path / "doubts.tsv", {"one": 0.125, "two": -4000.0})
    assert read_doubts(tmp_path / "doubts.tsv") == {"one": 0.125, "two": -4000.0}
    (tmp_path / "bad.tsv").write_text("no number here\n", encoding="utf-8")
    with pytest.raises(InputError, match="A table of scores is wanted"):
        read_doubts(tmp_path / "bad.tsv")
