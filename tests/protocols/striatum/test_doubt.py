"""Scores of doubt, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from toy_striatum import AFFINE, PARTS, SHAPE, blocks

from deepgray.errors import InputError
from deepgray.protocols.striatum.doubt import disagreement, read_doubts, write_doubts
from deepgray.scan import LabelMap


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
