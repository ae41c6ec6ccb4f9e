"""Which scans go to the expert, and whether those are the worst ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from deepgray.evaluate import RiskCoverage, risk_coverage
from deepgray.protocols.striatum.arms import CASCADE, CORRECTION, MENDED
from deepgray.protocols.striatum.cases import Row
from deepgray.protocols.striatum.doubt import SHIPPED

QUARTER, TENTH = 0.25, 0.1


@dataclass(frozen=True, eq=False)
class Ranking:
    """What a score knows of the errors of the cascade.

    Attributes:
        name: Name of the score.
        curve: Risk–coverage; the error is one minus the mean Dice of a scan.
        flagged: The least sure quarter.
        worst: The worst tenth.
    """

    name: str
    curve: RiskCoverage
    flagged: tuple[str, ...]
    worst: tuple[str, ...]

    @property
    def share(self) -> float:
        """The part of the worst tenth that is flagged, 0–1."""
        return len(set(self.worst) & set(self.flagged)) / len(self.worst)


def case_dice(rows: Sequence[Row], arm: str) -> dict[str, float]:
    """Mean Dice over the subregions of each person, by an arm."""
    found: dict[str, list[float]] = {}
    for row in rows:
        if row.arm == arm:
            found.setdefault(row.case, []).append(row.dice)
    return {case: float(np.nanmean(values)) for case, values in found.items()}


def least_sure(scores: Mapping[str, float], part: float = QUARTER) -> tuple[str, ...]:
    """The people with the highest scores: this part of all, rounded up."""
    count = math.ceil(part * len(scores) - 1e-9)
    return tuple(sorted(scores, key=lambda case: (-scores[case], case))[:count])


def rankings(rows: Sequence[Row], doubts: Mapping[str, Mapping[str, float]]) -> tuple[Ranking, ...]:
    """What each score knows; scores that some people lack are left out. Nothing with fewer than four people."""
    error = {case: 1 - dice for case, dice in case_dice(rows, CASCADE).items()}
    cases = [case for case in error if doubts.get(case)]
    if len(cases) < 4:
        return ()
    worst = least_sure({case: error[case] for case in cases}, TENTH)
    out = []
    for name in dict.fromkeys(name for case in cases for name in doubts[case]):
        scores = {case: doubts[case].get(name, math.nan) for case in cases}
        if np.isfinite(list(scores.values())).all():
            curve = risk_coverage([scores[c] for c in cases], [error[c] for c in cases])
            out.append(Ranking(name, curve, least_sure(scores), worst))
    return tuple(out)


def with_correction(rows: Sequence[Row], doubts: Mapping[str, Mapping[str, float]]) -> tuple[Row, ...]:
    """All rows, and those of one more arm: mended where the shipped score flags, the cascade's own elsewhere."""
    scores = {case: own[SHIPPED] for case, own in doubts.items() if SHIPPED in own}
    flagged = set(least_sure(scores))
    chosen = [r for r in rows if r.arm == (MENDED if r.case in flagged else CASCADE)]
    return (*rows, *(replace(row, arm=CORRECTION) for row in chosen))
