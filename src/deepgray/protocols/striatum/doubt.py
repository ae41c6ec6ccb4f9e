"""What could tell that an outline is wrong before anybody looked: the score that ships, and other candidates.

All come from what the path has at hand. They are compared in a protocol and decide nothing.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from deepgray.anatomy import STRIATUM
from deepgray.errors import InputError
from deepgray.evaluate import compare
from deepgray.result import Result
from deepgray.scan import LabelMap
from deepgray.train.cache import save_text

SHIPPED = "shipped: mean of subregions and pallidum"
STRUCTURES_MEAN = "mean of the structures"
PARTS_MEAN = "mean of the subregions"
WORST_STRUCTURE = "worst structure"
STRIATUM_ONLY = "mean without pallidum"
PARTS_WORST = "worst subregion"
SMALL = "smallness of the striatum"
POSE = "pose"


def doubts(result: Result) -> dict[str, float]:
    """Scores of one scan, higher is less sure."""
    scores = {u.structure.key: u.score for u in result.proposed.uncertainty}
    own = [score for key, score in scores.items() if key.split(" ", 1)[1] in STRIATUM]
    parts = [u.score for u in result.proposed.part_uncertainty]
    labels = result.proposed.labels
    members = [s.label for s in labels.scheme.structures if s.name in STRIATUM]
    volume_mm3 = float(np.isin(labels.voxels, members).sum()) * labels.grid.voxel_volume_mm3
    return {
        SHIPPED: result.proposed.score,
        STRUCTURES_MEAN: _mean(list(scores.values())),
        WORST_STRUCTURE: max(scores.values(), default=math.nan),
        STRIATUM_ONLY: _mean(own),
        PARTS_MEAN: _mean(parts),
        PARTS_WORST: max(parts, default=math.nan),
        SMALL: -volume_mm3,
        POSE: 1 - result.pose.confidence,
    }


def disagreement(one: LabelMap, other: LabelMap) -> float:
    """One minus the mean Dice of two label maps' structures of either side."""
    return 1 - _mean([s.dice for s in compare(one, other) if s.side != "both" and math.isfinite(s.dice)])


def write_doubts(path: Path, scores: Mapping[str, float]) -> None:
    """Write the scores of one scan, moved into place when they are whole."""
    save_text(path, "".join(f"{name}\t{value:.8g}\n" for name, value in scores.items()))


def read_doubts(path: Path) -> dict[str, float]:
    """Scores that ``write_doubts`` wrote.

    Raises:
        InputError: The table is not one of these.
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            return {name: float(value) for name, value in csv.reader(stream, delimiter="\t")}
    except (OSError, ValueError) as error:
        raise InputError(f"A table of scores is wanted, {path} is none: {error}.") from error


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else math.nan
