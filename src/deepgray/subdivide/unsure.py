"""How unsure an outline is, subregion by subregion."""

from __future__ import annotations

import math

import numpy as np

from deepgray.anatomy import STRIATUM
from deepgray.result import Outline, StructureUncertainty
from deepgray.voxels.components import nearest_labels
from deepgray.voxels.uncertainty import expected_dice


def part_uncertainty(outline: Outline, parts: Outline) -> tuple[StructureUncertainty, ...]:
    """One minus the Dice that the probabilities expect of each subregion.

    Probabilities are those of the whole striatum of its side: which part a voxel belongs to is decided by the nearest
    one, so that doubt is about the outline and not about the planes.

    Args:
        outline: Caudate, putamen and accumbens with probabilities.
        parts: The subregions that it is divided into.

    Returns:
        A score for each subregion that is there; none where the outline has no probabilities.
    """
    probabilities = outline.probabilities
    if probabilities is None:
        return ()
    labels = parts.labels.voxels[probabilities.block]
    found = []
    for side in dict.fromkeys(s.side for s in parts.labels.scheme.structures):
        own = [n for n, s in enumerate(probabilities.structures) if s.side is side and s.name in STRIATUM]
        members = parts.labels.scheme.of_side(side)
        of_side = np.isin(labels, [s.label for s in members])
        if not own or not of_side.any():
            continue
        striatum = probabilities.voxels[own].sum(axis=0)
        nearest = nearest_labels(np.where(of_side, labels, 0))
        for s in members:
            score = 1 - expected_dice(striatum * (nearest == s.label), labels == s.label)
            found += [StructureUncertainty(s, score)] if math.isfinite(score) else []
    return tuple(found)
