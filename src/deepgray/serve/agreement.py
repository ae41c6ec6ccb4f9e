"""How well several people who drew the same studies agree."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from deepgray.errors import DeepgrayError
from deepgray.evaluate import icc, icc_of_form
from deepgray.evaluate.metrics import dice
from deepgray.serve.desk import Desk, latest
from deepgray.serve.study import Study

Labels = NDArray[np.integer]
Row = tuple[str, ...]


def pairwise_dice(study: Study, drawn: Mapping[str, Labels]) -> list[dict[str, object]]:
    """Dice of each structure between each two people.

    Args:
        study: What they drew.
        drawn: Labels by name.

    Returns:
        One entry for each pair; a structure that neither drew is None.
    """
    block = study.window.block
    pairs: list[dict[str, object]] = []
    for one, other in itertools.combinations(sorted(drawn), 2):
        values = {
            s.key: dice(drawn[one][block] == s.label, drawn[other][block] == s.label)
            for s in study.proposed.scheme.structures
        }
        told = {key: round(v, 4) if math.isfinite(v) else None for key, v in values.items()}
        pairs.append({"one": one, "other": other, "dice": told})
    return pairs


def agreement(desk: Desk) -> tuple[Row, ...]:
    """Agreement over all studies: a row for each task, structure and pair of people.

    Args:
        desk: The folder.

    Returns:
        Task, structure, both names, number of studies, mean Dice, ICC(2,1) of the volumes and its 95 % interval (NaN
        below three studies), all as texts. Studies that cannot be opened are left out.
    """
    dices: dict[tuple[str, str, str, str], list[float]] = {}
    volumes: dict[tuple[str, str, str, str], list[tuple[float, float]]] = {}
    for entry in desk.entries():
        try:
            study = desk.study(entry.request.stem, entry.request.task)
            drawn = latest(study, desk.reviews(study))
        except DeepgrayError:
            continue
        for one, other in itertools.combinations(sorted(drawn), 2):
            for structure in study.proposed.scheme.structures:
                key = (entry.request.task, structure.key, one, other)
                masks = drawn[one] == structure.label, drawn[other] == structure.label
                dices.setdefault(key, []).append(dice(*masks))
                mm3 = study.proposed.grid.voxel_volume_mm3
                pair = (float(masks[0].sum()) * mm3, float(masks[1].sum()) * mm3)
                volumes.setdefault(key, []).append(pair)
    return tuple(_row(key, dices[key], volumes[key]) for key in sorted(dices))


def _row(key: tuple[str, str, str, str], dices: list[float], volumes: list[tuple[float, float]]) -> Row:
    estimate = icc_of_form(icc(np.array(volumes))).estimate
    numbers = (float(np.mean(dices)), estimate.value, estimate.lower, estimate.upper)
    return (*key, str(len(dices)), *(f"{n:.4f}" for n in numbers))
