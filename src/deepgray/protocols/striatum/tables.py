"""What protocol A prints."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from deepgray.evaluate import Agreement, MeasureName, NamedAgreement, agree
from deepgray.protocols.sheets import Sheet
from deepgray.protocols.striatum.arms import ATLAS, CASCADE, CORRECTION, MENDED, ONE_STAGE
from deepgray.protocols.striatum.cases import Row
from deepgray.protocols.striatum.flagged import Ranking, case_dice, rankings
from deepgray.protocols.striatum.people import GROUPS

OURS = "simulated people, heads kept out of training"
POOLED = "all twelve"
# The order that must hold: the first at least as good, or better, and whether by how much must be beyond chance.
ORDER: tuple[tuple[str, str, bool], ...] = (
    (CORRECTION, CASCADE, False),
    (MENDED, CASCADE, True),
    (CASCADE, ONE_STAGE, True),
    (CASCADE, ATLAS, True),
)
LEVEL = 0.05
VOLUME, BINDING = "volume", "bpnd"
_COUNTS = "scans"


@dataclass(frozen=True)
class Paired:
    """Two arms on the same people.

    Attributes:
        people: How many both arms outlined or refused.
        difference: Mean of first less second.
        better: How many people the first has more Dice of.
        worse: How many it has less of.
        t: The p of the paired t-test, two-tailed; NaN where all differences are alike.
        wilcoxon: The p of Wilcoxon's signed ranks; NaN likewise.
    """

    people: int
    difference: float
    better: int
    worse: int
    t: float
    wilcoxon: float


def arms_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """Arms in their order."""
    return tuple(dict.fromkeys(row.arm for row in rows))


def chosen(rows: Sequence[Row], *, arm: str = "", group: str = "", structure: str = "") -> list[Row]:
    """Rows of an arm, a group, a structure; empty words choose all."""
    return [r for r in rows if arm in ("", r.arm) and group in ("", r.group) and structure in ("", POOLED, r.structure)]


def paired(rows: Sequence[Row], first: str, second: str) -> Paired:
    """Two arms by the mean Dice of each person."""
    one, other = case_dice(rows, first), case_dice(rows, second)
    cases = [case for case in one if case in other]
    differences = np.array([one[case] - other[case] for case in cases])
    tested = len(differences) > 2 and np.ptp(differences) > 0
    return Paired(
        len(cases),
        float(differences.mean()) if cases else math.nan,
        int((differences > 0).sum()),
        int((differences < 0).sum()),
        float(stats.ttest_1samp(differences, 0).pvalue) if tested else math.nan,
        float(stats.wilcoxon(differences).pvalue) if tested else math.nan,
    )


def overlap_sheet(rows: Sequence[Row]) -> Sheet:
    """Dice, HD95 and ASSD by group and arm."""
    lines = []
    for group in GROUPS:
        for arm in arms_of(rows):
            here = chosen(rows, arm=arm, group=group)
            if here:
                cases = case_dice(here, arm)
                worst = min(cases, key=lambda case: cases[case])
                distances = [
                    _mean_sd(values, "{:.2f}") for values in ([r.hd95_mm for r in here], [r.assd_mm for r in here])
                ]
                lost = len({r.case for r in here if r.failure})
                overlap = (_mean_sd(list(cases.values())), f"{cases[worst]:.3f} ({worst})")
                lines.append((group, arm, str(len(cases)), *overlap, *distances, str(lost)))
    columns = ("group", "arm", _COUNTS, "mean Dice of twelve", "worst", "HD95 mm", "ASSD mm", "no outline")
    note = (
        f"Mean ± SD over {OURS}. '{MENDED}' is no arm of work A: what '{CORRECTION}' would be if every scan went to "
        "the expert."
    )
    return Sheet("Overlap and surface", columns, tuple(lines), note)


def structure_sheet(rows: Sequence[Row]) -> Sheet:
    """Dice of each subregion by arm, a line per group and subregion."""
    arms, lines = arms_of(rows), []
    for group in GROUPS:
        for structure in dict.fromkeys(r.structure for r in rows):
            cells = [_mean_sd([r.dice for r in chosen(rows, arm=a, group=group, structure=structure)]) for a in arms]
            if any(cell != "–" for cell in cells):
                lines.append((group, structure, *cells))
    return Sheet("Dice of each subregion", ("group", "subregion", *arms), tuple(lines), f"Both sides; {OURS}.")


def agreements(rows: Sequence[Row]) -> list[NamedAgreement]:
    """Volume and binding of each subregion by arm and group, both sides pooled, and of all pooled."""
    found = []
    for arm in arms_of(rows):
        for group in GROUPS:
            for structure in (*dict.fromkeys(r.structure for r in rows), POOLED):
                here = chosen(rows, arm=arm, group=group, structure=structure)
                for quantity in (VOLUME, BINDING) if here else ():
                    name = MeasureName(f"{arm}, {group}: {structure}", "pooled", quantity)
                    found.append(NamedAgreement(name, agreement(here, quantity)))
    return found


def agreement(rows: Sequence[Row], quantity: str) -> Agreement:
    """How a quantity in the outlines agrees with that in the true ones."""
    if quantity == VOLUME:
        pairs, unit = [(r.predicted_mm3, r.truth_mm3) for r in rows], "mm3"
    else:
        pairs, unit = [(r.bpnd, r.truth_bpnd) for r in rows], "1"
    both = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    return agree(both[:, 0], both[:, 1], unit=unit)


def volume_sheet(rows: Sequence[Row]) -> Sheet:
    """Bias, scatter and ICC of volumes, a line per group, subregion and arm."""
    return Sheet(
        "Volume against truth",
        ("group", "subregion", "arm", "bias, %", "scatter, %", "ICC(2,1)", "r"),
        tuple(_lines(rows, VOLUME)),
        f"Bias and scatter: mean and SD of 100 (found − true) / true, sides as they are; {OURS}.",
    )


def binding_sheet(rows: Sequence[Row]) -> Sheet:
    """Bias, scatter and ICC of BPnd, a line per group, subregion and arm."""
    return Sheet(
        "PET binding (BPnd) against truth",
        ("group", "subregion", "arm", "bias, %", "scatter, %", "ICC(2,1)", "r"),
        tuple(_lines(rows, BINDING)),
        "The same PET within the true labels is the truth; known motion, one reference region for both, no correction "
        f"for partial volume on either side; {OURS}.",
    )


def relative_percent(rows: Sequence[Row], quantity: str) -> list[float]:
    """Found against true, %, of each row that has both."""
    if quantity == VOLUME:
        pairs = [(r.predicted_mm3, r.truth_mm3) for r in rows]
    else:
        pairs = [(r.bpnd, r.truth_bpnd) for r in rows]
    return [100 * (a - b) / b for a, b in pairs if math.isfinite(a) and math.isfinite(b) and b != 0]


def _lines(rows: Sequence[Row], quantity: str) -> list[tuple[str, ...]]:
    lines: list[tuple[str, ...]] = []
    for group in GROUPS:
        for structure in (*dict.fromkeys(r.structure for r in rows), POOLED):
            for arm in arms_of(rows):
                here = chosen(rows, arm=arm, group=group, structure=structure)
                if here:
                    off, fit = relative_percent(here, quantity), agreement(here, quantity)
                    spread = np.std(off, ddof=1) if len(off) > 1 else math.nan
                    bias = f"{np.mean(off):+.1f}" if off else "–"
                    numbers = (bias, f"{spread:.1f}", f"{fit.icc21.value:.2f}", f"{fit.pearson.value:.2f}")
                    lines.append((group, structure, arm, *numbers))
    return lines


def paired_sheet(rows: Sequence[Row]) -> Sheet:
    """Whether the order of the arms holds, in each group."""
    lines = []
    for group in GROUPS:
        here = chosen(rows, group=group)
        for first, second, strict in ORDER:
            if {first, second} <= set(arms_of(here)):
                test = paired(here, first, second)
                holds = test.difference > 0 and max(test.t, test.wilcoxon) < LEVEL if strict else test.difference >= 0
                wins = f"{test.better} better, {test.worse} worse of {test.people}"
                sign = ">" if strict else "≥"
                words = (f"{first} {sign} {second}", f"{test.difference:+.3f}", wins)
                lines.append((group, *words, f"{test.t:.2g}", f"{test.wilcoxon:.2g}", "yes" if holds else "no"))
    columns = ("group", "wanted", "mean difference of Dice", "people", "p, paired t", "p, Wilcoxon", "holds")
    note = f"By the mean Dice of each person; a strict order holds where both tests have p < {LEVEL:g}; {OURS}."
    return Sheet("Order of the arms", columns, tuple(lines), note)


def flag_sheet(rows: Sequence[Row], doubts: Mapping[str, Mapping[str, float]]) -> Sheet:
    """What each score knows of the errors."""
    found = rankings(rows, doubts)
    lines = tuple(_flag_line(one) for one in found)
    columns = ("score", "worst tenth in the flagged quarter", "rank correlation", "risk at 75 %", "at 50 %", "all")
    worst = ", ".join(found[0].worst) if found else ""
    note = (
        f"The error is one minus the mean Dice of the cascade; {OURS}, both groups together. The first score ships and "
        f"flags for '{CORRECTION}'; the others are candidates and decide nothing. Worst tenth: {worst}."
    )
    return Sheet("Does doubt know where the errors are?", columns, lines, note)


def _flag_line(one: Ranking) -> tuple[str, ...]:
    curve = one.curve
    share = f"{100 * one.share:.0f} % of {len(one.worst)}"
    risks = (f"{curve.risk_at(0.75):.4f}", f"{curve.risk_at(0.5):.4f}", f"{curve.random:.4f}")
    return (one.name, share, f"{curve.spearman:.2f}", *risks)


def _mean_sd(values: Sequence[float], form: str = "{:.3f}") -> str:
    known = np.array([v for v in values if math.isfinite(v)])
    if not len(known):
        return "–"
    spread = known.std(ddof=1) if len(known) > 1 else math.nan
    return f"{form.format(known.mean())} ± {form.format(spread)}"
