"""A simulated expert who mends a coarse mask: the true border, by a hand with a habit that is never still."""

from __future__ import annotations

import numpy as np

from deepgray.anatomy import STRIATUM, Scheme, Side, Structure
from deepgray.protocols.raters import Rater, draw_again
from deepgray.scan import IntegerVolume, LabelMap

# Spread of habits between experts, and of one hand from place to place. Two such experts overlap by .92 Dice, and each
# with the truth by .96, on atrophied and healthy people alike.
HABIT_SD_MM, CHANCE_MM, LENGTH_MM = 0.1, 0.4, 4.0
_WHOLE = Scheme("whole-striatum", (Structure("striatum", "STR", Side.MIDLINE, 1, "striatum", (213, 94, 140)),))


def drawn_by_expert(truth: LabelMap, *, seed: int) -> IntegerVolume:
    """The whole striatum as an expert gives it back: 0 and 1, without compartments.

    Args:
        truth: True caudate, putamen and accumbens, and whatever else.
        seed: Says who the expert is and how the day went.
    """
    members = [s.label for s in truth.scheme.structures if s.name in STRIATUM]
    whole = LabelMap(np.isin(truth.voxels, members).astype(np.uint8), truth.affine_ras, _WHOLE)
    habit = float(np.random.default_rng(seed).normal(0, HABIT_SD_MM))
    drawn = draw_again(whole, Rater(habit, CHANCE_MM, LENGTH_MM), seed=seed)
    return IntegerVolume(drawn.voxels, truth.affine_ras)
