"""Tables of the protocols on susceptibility maps: overlap, volume, susceptibility, paired tests, raters, training."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from deepgray.evaluate import Agreement, MeasureName, NamedAgreement, agree
from deepgray.evaluate.icc import Icc
from deepgray.protocols.cases import Row
from deepgray.protocols.sheets import Sheet

VOLUME, SUSCEPTIBILITY = "volume", "susceptibility"
_VALUES: dict[str, tuple[Callable[[Row], tuple[float, float]], str]] = {
    VOLUME: (lambda r: (r.predicted_mm3, r.truth_mm3), "mm3"),
    SUSCEPTIBILITY: (lambda r: (r.predicted_ppm, r.truth_ppm), "ppm"),
}


def agreement(rows: Sequence[Row], quantity: str) -> Agreement:
    """How a quantity in the masks that were found agrees with that in the true ones."""
    pick, unit = _VALUES[quantity]
    pairs = np.array([pick(r) for r in rows], dtype=np.float64).reshape(-1, 2)
    return agree(pairs[:, 0], pairs[:, 1], unit=unit)


def agreements(rows: Sequence[Row]) -> list[NamedAgreement]:
    """Volume and susceptibility of each structure in each set, both sides pooled."""
    found = []
    for group in dict.fromkeys(r.group for r in rows):
        for structure in dict.fromkeys(r.structure for r in rows):
            chosen = [r for r in rows if r.group == group and r.structure == structure]
            for quantity in _VALUES:
                name = MeasureName(f"{group}: {structure}", "pooled", quantity)
                found.append(NamedAgreement(name, agreement(chosen, quantity)))
    return found


def overlap_sheet(rows: Sequence[Row], *, printed: Mapping[str, str], by_side: bool) -> Sheet:
    """Dice, HD95, volume and susceptibility: one line per set (or arm) and structure.

    Args:
        rows: All rows.
        printed: Dice that the work printed, by set, structure and side; on other data, which the column says.
        by_side: A line for each side.
    """
    lines = []
    for group in dict.fromkeys(r.group for r in rows):
        for structure, side in dict.fromkeys((r.structure, r.side if by_side else "") for r in rows):
            chosen = [r for r in rows if r.group == group and r.structure == structure and side in ("", r.side)]
            if chosen:
                name = f"{structure}, {side}" if side else structure
                lines.append((group, name, *_cells(chosen), printed.get(f"{group} {name}", "")))
    columns = ("set", "structure", "scans", "Dice", "worst", "HD95 mm", "volume ICC(2,1)", "r", "χ limits, ppm")
    return Sheet(
        "Overlap, volume and susceptibility",
        (*columns, "printed by the work, its own data"),
        tuple(lines),
        "Simulated maps with a known answer, but for the last column.",
    )


def paired_sheet(rows: Sequence[Row]) -> Sheet:
    """Each arm against each other one, structure by structure."""
    groups = list(dict.fromkeys(r.group for r in rows))
    pairs = [(one, other) for n, one in enumerate(groups) for other in groups[n + 1 :]]
    lines = []
    for structure in dict.fromkeys(r.structure for r in rows):
        for one, other in pairs:
            differences = _differences(rows, one, other, structure)
            more = f"{differences.mean():+.3f}" if len(differences) else "–"
            lines.append((structure, one, other, more, _or_dash(f"{paired_p(rows, one, other, structure):.2g}")))
    columns = ("structure", "arm", "against", "difference of Dice", "p, paired t")
    return Sheet("Arm against arm", columns, tuple(lines), "Pairs are sides of the same scans.")


def training_sheet(seconds: Mapping[str, float]) -> Sheet:
    """How long the arms were trained."""
    lines = tuple((arm, f"{spent:.0f}") for arm, spent in seconds.items())
    note = "All folds, and the source network where there is one. deepgray's own network is shipped; its card tells."
    return Sheet("Training", ("arm", "seconds"), lines, note)


def raters_sheet(within: Icc, between: Icc) -> Sheet:
    """Agreement of simulated raters, beside that of work C's own."""
    lines = (("one, twice", f"{within.estimate.value:.2f}", ".91"), ("two", f"{between.estimate.value:.2f}", ".78"))
    return Sheet("Simulated raters", ("raters", "volume ICC(2,1)", "printed by the work, its own raters"), lines)


def _cells(rows: Sequence[Row]) -> list[str]:
    dice = np.array([r.dice for r in rows])
    volume, chi = agreement(rows, VOLUME), agreement(rows, SUSCEPTIBILITY)
    worst = rows[int(dice.argmin())]
    limits = chi.bland_altman
    return [
        str(len({r.case for r in rows})),
        f"{dice.mean():.3f} ± {dice.std(ddof=1) if len(dice) > 1 else math.nan:.3f}",
        f"{worst.dice:.3f} ({worst.case})",
        _surface(np.array([r.hd95_mm for r in rows])),
        f"{volume.icc21.value:.2f}",
        _or_dash(f"{volume.pearson.value:.2f}"),
        _or_dash(f"{limits.bias.value:+.4f} [{limits.lower_limit.value:+.4f}, {limits.upper_limit.value:+.4f}]"),
    ]


def _surface(distances_mm: NDArray[np.float64]) -> str:
    """Their mean, and how many have none because nothing was found."""
    found = distances_mm[np.isfinite(distances_mm)]
    missed = len(distances_mm) - len(found)
    mean = f"{found.mean():.2f}" if len(found) else "–"
    return f"{mean} ({missed} not found)" if missed else mean


def _or_dash(text: str) -> str:
    return "–" if "nan" in text else text


def paired_p(rows: Sequence[Row], one: str, other: str, structure: str) -> float:
    """The p of the paired two-tailed t-test of Dice between two sets of the same cases; NaN with fewer than three."""
    differences = _differences(rows, one, other, structure)
    if len(differences) < 3 or np.ptp(differences) == 0:
        return math.nan
    return float(stats.ttest_1samp(differences, 0.0).pvalue)


def _differences(rows: Sequence[Row], one: str, other: str, structure: str) -> NDArray[np.float64]:
    """Dice of one set less that of another, for each scan and side that both have."""
    pairs: dict[tuple[str, str], dict[str, float]] = {}
    for row in rows:
        if row.structure == structure and row.group in (one, other):
            pairs.setdefault((row.case, row.side), {})[row.group] = row.dice
    return np.array([p[one] - p[other] for p in pairs.values() if len(p) == 2])
