import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from deepgray.errors import MissingExtraError, OutputError
from deepgray.evaluate import Cohort, Score, draw_risk_coverage, draw_scores, risk_coverage
from deepgray.evaluate.cohort import Row

SCORE = Score("caudate", "left", 0.9, 1.5, 0.4, 0.95, 0.1, 2.0, 110.0, 100.0, 1.0)


@pytest.fixture
def cohort() -> Cohort:
    missing = replace(SCORE, structure="own structure", dice=np.nan, hd95_mm=np.inf)
    scores = (SCORE, replace(SCORE, dice=0.8), missing)
    return Cohort(tuple(Row(f"scan{n}", score) for n, score in enumerate(scores)))


def test_scores_are_drawn_with_a_point_per_finite_value(cohort: Cohort, tmp_path: Path) -> None:
    draw_scores(cohort, tmp_path / "dice.svg")
    colours = [e.get("style", "") for e in ElementTree.parse(tmp_path / "dice.svg").iter() if e.tag.endswith("use")]
    assert sum("fill: #56b4e9" in colour for colour in colours) == 2  # the caudate's colour
    text = (tmp_path / "dice.svg").read_text(encoding="utf-8")
    assert all(f"<!-- {words} -->" in text for words in ("caudate", "own structure", "1 not shown", "Dice", "3 scans"))


def test_risk_coverage_is_drawn(tmp_path: Path) -> None:
    draw_risk_coverage(risk_coverage([1, 2, 3], [0.1, 0.3, 0.2]), tmp_path / "new" / "risk.png")
    assert (tmp_path / "new" / "risk.png").read_bytes().startswith(b"\x89PNG")


def test_refuses_an_unknown_kind_of_picture(cohort: Cohort, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"dice\.xyz"):
        draw_scores(cohort, tmp_path / "dice.xyz")


def test_without_matplotlib_the_error_names_the_extra(
    cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'deepgray\[evaluate\]'"):
        draw_scores(cohort, tmp_path / "dice.png")


def test_matplotlib_is_loaded_only_to_draw() -> None:
    program = "import sys, deepgray.evaluate; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
