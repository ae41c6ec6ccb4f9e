"""What the protocols print: overlap, volume and susceptibility of each structure in each set."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from scipy import stats

from deepgray.evaluate import Agreement, MeasureName, NamedAgreement, agree
from deepgray.protocols.cases import Row

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


def overlap_table(rows: Sequence[Row], *, title: str, printed: Mapping[str, str], by_side: bool) -> Table:
    """Dice, HD95, volume and susceptibility: one line per set (or arm) and structure.

    Args:
        rows: All rows.
        title: Above the table.
        printed: Dice that the work printed, by set, structure and side; on other data, which the column says.
        by_side: A line for each side.
    """
    table = Table(title=title, caption="Simulated maps with a known answer, but for the last column.")
    for name in ("set", "structure", "scans", "Dice", "worst", "HD95 mm", "volume ICC(2,1)", "r", "χ limits, ppm"):
        table.add_column(name)
    table.add_column("printed by the work, its own data")
    for group in dict.fromkeys(r.group for r in rows):
        for structure, side in dict.fromkeys((r.structure, r.side if by_side else "") for r in rows):
            chosen = [r for r in rows if r.group == group and r.structure == structure and side in ("", r.side)]
            if chosen:
                name = f"{structure}, {side}" if side else structure
                table.add_row(group, name, *_cells(chosen), printed.get(f"{group} {name}", ""))
    return table


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
    pairs: dict[tuple[str, str], dict[str, float]] = {}
    for row in rows:
        if row.structure == structure and row.group in (one, other):
            pairs.setdefault((row.case, row.side), {})[row.group] = row.dice
    both = np.array([[p[one], p[other]] for p in pairs.values() if len(p) == 2])
    if len(both) < 3 or np.ptp(both[:, 0] - both[:, 1]) == 0:
        return math.nan
    return float(stats.ttest_rel(both[:, 0], both[:, 1]).pvalue)
