"""One label map from those of several people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deepgray.errors import MaskError
from deepgray.voxels.crop import occupied

Labels = NDArray[np.integer]
Weights = NDArray[np.float64]

# Where people begin: nearly always right.
_FIRST_GUESS = 0.99
_SMALLEST_CHANGE = 1e-7
_MOST_ROUNDS = 200


def majority(drawn: Sequence[Labels]) -> Labels:
    """The label that more than half of the people gave, 0 where none has so many.

    Args:
        drawn: Label maps of one shape, one per person.

    Raises:
        MaskError: No label map, or several shapes.
    """
    stack = _stack(drawn)
    agreed: Labels = np.zeros_like(stack[0])
    for label in _labels(stack):
        agreed[2 * np.count_nonzero(stack == label, axis=0) > len(stack)] = label
    return agreed


def staple(drawn: Sequence[Labels]) -> Labels:
    """STAPLE, structure by structure: people are weighed by how well they agree with what is likely true.

    The prior is the mean share of a structure in the box that holds all that was drawn. A voxel takes the structure
    with the highest probability, where that is above one half. doi:10.1109/TMI.2004.828354

    Args:
        drawn: Label maps of one shape, one per person.

    Raises:
        MaskError: No label map, or several shapes.
    """
    stack = _stack(drawn)
    agreed: Labels = np.zeros_like(stack[0])
    best = np.full(stack.shape[1:], 0.5)
    box = occupied(np.asarray(stack.any(axis=0)))
    if box is None:
        return agreed
    for label in _labels(stack):
        likely = np.zeros(stack.shape[1:])
        inside = (stack[(slice(None), *box)] == label).reshape(len(stack), -1)
        likely[box] = _probability(inside).reshape(likely[box].shape)
        agreed[likely > best] = label
        best = np.maximum(best, likely)
    return agreed


def _probability(votes: NDArray[np.bool_]) -> Weights:
    """Probability of each voxel, from (people, voxels) votes."""
    prior = float(votes.mean())
    hit = np.full(len(votes), _FIRST_GUESS)
    silent = hit.copy()
    likely: Weights = votes.mean(axis=0)
    for _ in range(_MOST_ROUNDS):
        inside = prior * np.prod(np.where(votes, hit[:, None], 1 - hit[:, None]), axis=0)
        outside = (1 - prior) * np.prod(np.where(votes, 1 - silent[:, None], silent[:, None]), axis=0)
        before, likely = likely, inside / np.maximum(inside + outside, np.finfo(float).tiny)
        hit = np.clip((votes * likely).sum(axis=1) / max(likely.sum(), 1e-12), 1e-6, 1 - 1e-6)
        silent = np.clip((~votes * (1 - likely)).sum(axis=1) / max((1 - likely).sum(), 1e-12), 1e-6, 1 - 1e-6)
        if np.abs(likely - before).max() < _SMALLEST_CHANGE:
            break
    return likely


def _stack(drawn: Sequence[Labels]) -> Labels:
    if not drawn or len({d.shape for d in drawn}) != 1:
        raise MaskError(f"Label maps of one shape are wanted, {sorted({d.shape for d in drawn})} came.")
    return np.stack(drawn)


def _labels(stack: Labels) -> list[int]:
    return [int(label) for label in np.unique(stack) if label]
