"""Intervals of 95 %: how far numbers move over plausible masks, calibrated on simulated scans (split conformal).

The residual of a number is ``(truth - value) / spread``. Of the residuals on scans with a known answer the median says
how far the truth lies to one side on the whole, and the finite-sample quantile of the distances from it how far it
strays (Vovk 2005, doi:10.1007/b106715; Lei 2018, doi:10.1080/01621459.2017.1307116, for residuals in spreads).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
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
        value: As it was measured.
        spread: Its standard deviation over plausible masks.
        truth: The same in the true mask.
    """

    value: float
    spread: float
    truth: float


def reach_of(judged: Sequence[Judged]) -> Reach | None:
    """How far the truth lies from numbers of one kind.

    Args:
        judged: Numbers on scans with a known answer; those that are undefined are left out.

    Returns:
        What holds the truth of a further such number with 95 % probability; with fewer than 19 numbers, of ``n``, with
        ``n / (n + 1)``. None without numbers, or where none moves over plausible masks.
    """
    known = [j for j in judged if all(map(math.isfinite, (j.value, j.spread, j.truth)))]
    if not known or not any(j.spread > 0 for j in known):
        return None
    floor = FLOOR_SHARE * float(np.median([j.spread for j in known if j.spread > 0]))
    residuals = np.array([(j.truth - j.value) / max(j.spread, floor) for j in known])
    middle = float(np.median(residuals))
    rank = min(len(known), math.ceil(COVERED * (len(known) + 1)))
    away = float(np.sort(np.abs(residuals - middle))[rank - 1])
    return Reach(middle - away, middle + away, floor, len(known))


def with_intervals(
    measurements: Iterable[Measurement], spreads: Mapping[Key, float], reaches: Mapping[ReachKey, Reach]
) -> tuple[Measurement, ...]:
    """Measurements with ``lower`` and ``upper`` where their interval is known.

    Args:
        measurements: As they were measured.
        spreads: Of each number over plausible masks.
        reaches: What was learnt on scans with a known answer.

    Returns:
        The same measurements; an interval holds the number itself, and a volume's ends at 0.
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
    """Ends of the interval around a number; it holds the number itself."""
    step = max(spread, reach.floor)
    return min(value, value + reach.low * step), max(value, value + reach.high * step)
