"""Protocol C: dentate nuclei on an internal and an external set, with raters as the yardstick, on simulated maps.

Work C: Shiraishi 2025, doi:10.1148/ryai.240478.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from deepgray.evaluate import Icc, icc, icc_of_form
from deepgray.protocols.raters import Rater, draw_again
from deepgray.protocols.sets import Planned
from deepgray.scan import LabelMap
from deepgray.simulate.whole_head_qsm import QsmSettings

TASK = "dentate"
INTERNAL, EXTERNAL = "internal", "external"
# Voxels, inversion, largest tilt of the field and ages of each set; the external one shares none of them.
INTERNAL_SPACINGS_MM = ((1.0, 1.0, 1.0), (0.8, 0.8, 0.8), (0.7, 0.7, 1.4))
INTERNAL_INVERSIONS = ("tkd", "tikhonov", "cosmos")
INTERNAL_AGES_YEARS = (25.0, 45.0, 65.0)
EXTERNAL_SPACINGS_MM = ((1.0, 1.0, 2.0), (0.9, 0.9, 1.5))
EXTERNAL_AGES_YEARS = (75.0, 82.0)
# Two hands: the second draws a little farther out.
FIRST_RATER = Rater(habit_mm=0.0, chance_mm=0.25)
SECOND_RATER = Rater(habit_mm=0.15, chance_mm=0.25)


def plan(heads: tuple[str, ...], *, scans: int, seed: int = 1) -> tuple[Planned, ...]:
    """The scans of both sets.

    Args:
        heads: Names of the heads, none of which trained the network.
        scans: Scans of each head in each set.
        seed: Of the first scan.
    """
    planned = []
    for number, head in enumerate(heads):
        for turn in range(scans):
            step = number + turn
            inside = QsmSettings(
                spacing_mm=INTERNAL_SPACINGS_MM[step % 3],
                inversion=INTERNAL_INVERSIONS[(step + turn) % 3],
                tilt_degrees=15.0,
                age_years=INTERNAL_AGES_YEARS[turn % 3],
            )
            outside = replace(
                inside,
                spacing_mm=EXTERNAL_SPACINGS_MM[step % 2],
                inversion="tv",
                tilt_degrees=40.0,
                age_years=EXTERNAL_AGES_YEARS[turn % 2],
            )
            first = seed + 1000 * number + turn
            planned += [Planned(INTERNAL, head, inside, first), Planned(EXTERNAL, head, outside, first + 500)]
    return tuple(planned)


def rate(truths: Sequence[LabelMap]) -> tuple[Icc, Icc]:
    """Simulated raters draw every mask: how one agrees with herself, and two with one another.

    Args:
        truths: True label maps.

    Returns:
        ICC(2,1) of the volumes of each side, within a rater and between two.
    """
    sittings = [
        [_volumes(draw_again(truth, rater, seed=1000 * sitting + number)) for number, truth in enumerate(truths)]
        for sitting, rater in enumerate((FIRST_RATER, FIRST_RATER, SECOND_RATER))
    ]
    first, again, second = (np.concatenate(sitting) for sitting in sittings)
    return icc_of_form(icc(np.stack([first, again], axis=1))), icc_of_form(icc(np.stack([first, second], axis=1)))


def _volumes(labels: LabelMap) -> list[float]:
    return [labels.mask(s).sum() * labels.grid.voxel_volume_mm3 for s in labels.scheme.structures]
