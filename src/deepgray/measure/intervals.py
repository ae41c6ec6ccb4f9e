"""Intervals of 95 %: how far numbers move over plausible masks, calibrated on simulated scans.

The residual of a number is ``(truth - value) / spread``. Numbers of one kind (a quantity of a structure) have a middle,
the median of the heads' medians of their residuals, and a typical distance from it, the mean of the heads' means. Heads
differ more than scans of one head do, so that a scan is judged by what the other heads teach: its score is how many
typical distances its residual lies outside of what ``interval`` holds whatever the distance: all between nought and the
middle of the others. The finite-sample quantile of a quantity's scores makes intervals of 95 % (cross-conformal, Vovk
2015, doi:10.1007/s10472-013-9368-4, with heads as folds; Lei 2018, doi:10.1080/01621459.2017.1307116, for residuals in
spreads). Heads that the network was trained on teach the middle and the typical distance, and have no score.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from deepgray.measure.binding import ASI
from deepgray.measure.spread import Key
from deepgray.measure.volume import VOLUME, VOLUME_PARTIAL
from deepgray.models.intervals import BOTH, ONE_SIDE, Reach, ReachKey
from deepgray.result import Measurement

COVERED = 0.95
# A spread far below what is usual says that the network is sure, not that it is right: it counts as this part.
FLOOR_SHARE = 0.5
# What cannot be below 0.
_NOT_NEGATIVE = (VOLUME, VOLUME_PARTIAL, ASI)


@dataclass(frozen=True)
class Judged:
    """A number on a scan with a known answer.

    Attributes:
        head: Name of the head that was scanned.
        value: As it was measured.
        spread: Its standard deviation over plausible masks.
        truth: The same in the true mask.
        trained: Whether the network was trained on this head.
    """

    head: str
    value: float
    spread: float
    truth: float
    trained: bool = False

    def residual(self, floor: float) -> float:
        """Truth less value, in spreads."""
        return (self.truth - self.value) / max(self.spread, floor)


@dataclass(frozen=True)
class _Kind:
    """Residuals of numbers of one kind: their middle, how far they lie from it on average, and the floor."""

    middle: float
    distance: float
    floor: float
    count: int


def reaches_of(judged: Mapping[ReachKey, Sequence[Judged]]) -> dict[ReachKey, Reach]:
    """How far the truth lies from numbers.

    Args:
        judged: Numbers on scans with a known answer, by kind; those that are undefined are left out.

    Returns:
        What holds the truth of a further such number with 95 % probability, by kind. A kind is left out that never
        moves over plausible masks or always lies equally far, as is a quantity that only one head tells of.
    """
    known = {key: [j for j in numbers if _is_known(j)] for key, numbers in judged.items()}
    kinds = _kinds(known)
    found: dict[ReachKey, Reach] = {}
    for quantity in dict.fromkeys(key[0] for key in kinds):
        scores = sorted(_scores({key: numbers for key, numbers in known.items() if key[0] == quantity}))
        if not scores:
            continue
        rank = min(len(scores), math.ceil(COVERED * (len(scores) + 1)))
        for key, kind in kinds.items():
            if key[0] == quantity:
                away = scores[rank - 1] * kind.distance
                found[key] = Reach(kind.middle - away, kind.middle + away, kind.floor, kind.count)
    return found


def _is_known(judged: Judged) -> bool:
    return all(map(math.isfinite, (judged.value, judged.spread, judged.truth)))


def _kinds(known: Mapping[ReachKey, Sequence[Judged]]) -> dict[ReachKey, _Kind]:
    kinds = {key: _kind(numbers) for key, numbers in known.items()}
    return {key: kind for key, kind in kinds.items() if kind is not None}


def _kind(numbers: Sequence[Judged]) -> _Kind | None:
    spreads = [j.spread for j in numbers if j.spread > 0]
    if not spreads:
        return None
    floor = FLOOR_SHARE * float(np.median(spreads))
    residuals: dict[str, list[float]] = {}
    for j in numbers:
        residuals.setdefault(j.head, []).append(j.residual(floor))
    middle = float(np.median([np.median(own) for own in residuals.values()]))
    distance = float(np.mean([np.abs(np.array(own) - middle).mean() for own in residuals.values()]))
    return _Kind(middle, distance, floor, len(numbers)) if distance > 0 else None


def _scores(known: Mapping[ReachKey, Sequence[Judged]]) -> Iterator[float]:
    """Of every number, how many typical distances an interval must reach to hold it, the other heads' middle given."""
    for head in sorted({j.head for numbers in known.values() for j in numbers if not j.trained}):
        others = _kinds({key: [j for j in numbers if j.head != head] for key, numbers in known.items()})
        for key, kind in others.items():
            for j in known[key]:
                if j.head == head:
                    residual = j.residual(kind.floor)
                    beyond = max(residual - max(kind.middle, 0.0), min(kind.middle, 0.0) - residual, 0.0)
                    yield beyond / kind.distance


def with_intervals(
    measurements: Iterable[Measurement], spreads: Mapping[Key, float], reaches: Mapping[ReachKey, Reach]
) -> tuple[Measurement, ...]:
    """Measurements with ``lower`` and ``upper`` where their interval is known.

    Args:
        measurements: As they were measured.
        spreads: Of each number over plausible masks.
        reaches: What was learnt on scans with a known answer.

    Returns:
        The same measurements; a volume's interval ends at 0.
    """
    return tuple(_with_interval(m, spreads.get((m.structure, m.side, m.quantity)), reaches) for m in measurements)


def reach_key(structure: str, side: str, quantity: str) -> ReachKey:
    """Where the reach of a number is found: left and right are of one kind."""
    return quantity, structure, BOTH if side == "both" else ONE_SIDE


def _with_interval(m: Measurement, spread: float | None, reaches: Mapping[ReachKey, Reach]) -> Measurement:
    reach = reaches.get(reach_key(m.structure, m.side, m.quantity))
    if reach is None or spread is None or not math.isfinite(m.value):
        return m
    lower, upper = interval(m.value, spread, reach)
    return replace(m, lower=max(lower, 0.0) if m.quantity.startswith(_NOT_NEGATIVE) else lower, upper=upper)


def interval(value: float, spread: float, reach: Reach) -> tuple[float, float]:
    """Ends of the interval around a number; it reaches at least half as far to either side as its reach is wide.

    Where simulated truths lie to one side of the numbers, real ones need not: every rater draws borders elsewhere.
    """
    step, half = max(spread, reach.floor), (reach.high - reach.low) / 2
    return value + min(reach.low, -half) * step, value + max(reach.high, half) * step
