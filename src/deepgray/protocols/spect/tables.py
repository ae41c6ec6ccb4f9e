"""What protocol B prints: tables in work B's layout, its own numbers beside ours, each marked with its data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from deepgray.evaluate import Agreement, MeasureName, NamedAgreement, agree
from deepgray.measure.binding import DORSAL, asymmetry_index
from deepgray.protocols.sheets import Sheet
from deepgray.protocols.spect.cases import COMPARTMENTS, MIRRORED, UPRIGHT, Row, chosen
from deepgray.protocols.spect.sets import STRATA
from deepgray.protocols.spect.turned import AXES

OURS = "simulated people, heads kept out of training"
THEIRS = "work B, its own patients"
POOLED = "four compartments"
OWN_REFERENCE = "by its own reference"
BOTH_NUCLEI = "caudate and putamen"
ASI, SIGNED_ASI = "ASI", "ASI with its side"
# A rotation breaks an arm where it costs more Dice than this (the bound of the project's goal).
BREAK = 0.03
# Work B's own figures: of its network, which is the arm nnunet here, and of its baselines.
_DICE_B = {"NC": ".75", "ANC1": ".73", "ANC2": ".68 (with ANC3)", "ANC3": ".68 (with ANC2)", "all": "≈ .7, 1.8 mm, .1"}
_SBR_B = {
    "nnunet": "−.012 [−.183, .160], %MAD 6.79 ± 5.47",
    "unet": "[−.493, .235]",
    "cgan": "[−.217, .147]",
    "se-cgan": "[−.227, .144]",
    "thr-67": "−.538 [−1.185, .109]",
}
_ASI_B = {"nnunet": "slope .74, r .81"}
_SHORT = {"caudate": "C", "putamen": "P"}
_PLACES = tuple((side, name) for name in COMPARTMENTS for side in ("left", "right"))


def arms_of(rows: Iterable[Row]) -> tuple[str, ...]:
    """Arms in their order."""
    return tuple(dict.fromkeys(row.arm for row in rows))


def overlap_sheet(rows: Sequence[Row]) -> Sheet:
    """Dice of each compartment, HD95 and RVD, by arm and stratum."""
    upright = chosen(rows, condition=UPRIGHT)
    titles = tuple(f"Dice {side[0].upper()}{_SHORT[name]}" for side, name in _PLACES)
    lines = []
    for arm in arms_of(upright):
        for stratum in (*STRATA.values(), "all"):
            here = [r for r in chosen(upright, arm=arm) if stratum in ("all", STRATA[r.stage])]
            if here:
                printed = _DICE_B[stratum] if arm in ("nnunet", "deepgray") else ""
                lines.append((arm, stratum, *_overlap(here), printed))
    return Sheet(
        "Overlap, surface and volume",
        (
            "arm",
            "stratum",
            "scans",
            *titles,
            "mean of four",
            "whole",
            "HD95 mm",
            "0.95 × max mm",
            "RVD",
            f"Dice, {THEIRS}",
        ),
        tuple(lines),
        f"Ours: {OURS}, at 1 mm. HD95 and RVD: mean of the compartments; of the whole striatum for the threshold. "
        "Work B prints 0.95 × the largest distance as HD95. Its figures are those of its network, here the arm nnunet.",
    )


def _overlap(rows: Sequence[Row]) -> tuple[str, ...]:
    """Cells of one arm and stratum."""
    parts = [r for r in rows if r.structure in COMPARTMENTS]
    whole = chosen(rows, side="both", structure=DORSAL)
    judged = parts or whole
    return (
        str(len({r.case for r in rows})),
        *(_mean([r.dice for r in chosen(parts, side=side, structure=name)]) for side, name in _PLACES),
        _spread(list(case_dice(rows).values())),
        _mean([r.dice for r in whole]),
        _mean([r.hd95_mm for r in judged], 2),
        _mean([r.hd_scaled_mm for r in judged], 2),
        _mean([r.rvd for r in judged]),
    )


def binding_agreements(rows: Sequence[Row]) -> list[NamedAgreement]:
    """Binding ratios in the masks that were found against those in the true masks, by arm; compartments pooled."""
    found = []
    upright = chosen(rows, condition=UPRIGHT)
    for arm in arms_of(upright):
        here = chosen(upright, arm=arm)
        parts = [r for r in here if r.structure in COMPARTMENTS]
        whole = chosen(here, structure=DORSAL, side="both")
        groups = {POOLED: parts, **{name: chosen(parts, structure=name) for name in COMPARTMENTS}, DORSAL: whole}
        for name, group in groups.items():
            if group:
                pairs = agree([r.sbr for r in group], [r.truth_sbr for r in group], unit="1")
                found.append(NamedAgreement(MeasureName(name, arm, "SBR"), pairs))
        own = [r for r in parts if math.isfinite(r.printed_sbr)]
        if own:
            pairs = agree([r.printed_sbr for r in own], [r.truth_sbr for r in own], unit="1")
            found.append(NamedAgreement(MeasureName(POOLED, arm, f"SBR {OWN_REFERENCE}"), pairs))
    return found


def asymmetry_agreements(rows: Sequence[Row]) -> list[NamedAgreement]:
    """Asymmetry indices in the masks that were found against those in the true masks, by arm, percent.

    The index does not tell which side is lower; for both nuclei together it is compared with a sign as well, above 0
    where the left side is higher.
    """
    found = []
    upright = chosen(rows, condition=UPRIGHT)
    for arm in arms_of(upright):
        pairs: dict[str, list[tuple[float, float]]] = {}
        for name in (*COMPARTMENTS, DORSAL):
            sides = [{r.case: r for r in chosen(upright, arm=arm, structure=name, side=s)} for s in ("left", "right")]
            for case in [one for one in sides[0] if one in sides[1]]:
                left, right = sides[0][case], sides[1][case]
                pair = _signed_asymmetry(left.sbr, right.sbr), _signed_asymmetry(left.truth_sbr, right.truth_sbr)
                pairs.setdefault(name, []).append(pair)
        if not pairs:
            continue
        pooled = [pair for name in COMPARTMENTS for pair in pairs.get(name, [])]
        groups = [
            (BOTH_NUCLEI, ASI, pooled),
            (BOTH_NUCLEI, SIGNED_ASI, pooled),
            *((n, ASI, v) for n, v in pairs.items()),
        ]
        for name, quantity, signed in groups:
            values = signed if quantity == SIGNED_ASI else [(abs(a), abs(b)) for a, b in signed]
            if values:
                measured, reference = zip(*values, strict=True)
                found.append(NamedAgreement(MeasureName(name, arm, quantity), agree(measured, reference, unit="%")))
    return found


def _signed_asymmetry(left: float, right: float) -> float:
    """The asymmetry index, below 0 where the right side is higher."""
    return math.copysign(asymmetry_index(left, right)[0], left - right)


def _line_name(name: MeasureName, plain: str) -> str:
    """The structure, and what sets the quantity apart from the plain one."""
    apart = name.quantity.removeprefix(plain).strip()
    return f"{name.structure}, {apart}" if apart else name.structure


def binding_sheet(found: Sequence[NamedAgreement]) -> Sheet:
    """Bias and limits of agreement of the binding ratios."""
    lines = []
    for one in found:
        agreement, main = one.agreement, one.name.structure in (POOLED, DORSAL)
        pooled = one.name.structure == (DORSAL if one.name.side == "thr-67" else POOLED)
        printed = _SBR_B.get(one.name.side, "") if main and pooled and one.name.quantity == "SBR" else ""
        absolute = agreement.absolute
        lines.append(
            (
                one.name.side,
                _line_name(one.name, "SBR"),
                _pairs(agreement),
                _limits(agreement),
                f"{_number(absolute.percent_mad, 2)} ± {_number(absolute.percent_sd, 2)}",
                _number(agreement.pearson.value, 3),
                _p(agreement.t.p_value),
                printed,
            )
        )
    return Sheet(
        "Specific binding ratio against the true masks",
        ("arm", "structure", "pairs", "bias [limits]", "%MAD", "r", "p (paired t)", THEIRS),
        tuple(lines),
        f"Ours: {OURS}. Both masks on the same scan, by the true cerebellum; 'by its own reference' is what the arm "
        "printed by the cerebellum that it found itself. Limits: bias ± 1.96 SD.",
    )


def asymmetry_sheet(found: Sequence[NamedAgreement]) -> Sheet:
    """Slope, R² and r of the asymmetry indices."""
    lines = []
    for one in found:
        line = one.agreement.regression
        is_main = one.name.structure == BOTH_NUCLEI and one.name.quantity == ASI
        printed = _ASI_B.get(one.name.side, "") if is_main else ""
        lines.append(
            (
                one.name.side,
                _line_name(one.name, ASI),
                _pairs(one.agreement),
                *(_number(v, 3) for v in (line.slope, line.r_squared, one.agreement.pearson.value)),
                _limits(one.agreement, 2),
                printed,
            )
        )
    return Sheet(
        "Asymmetry index against the true masks",
        ("arm", "structure", "pairs", "slope", "R²", "r", "bias [limits], %", THEIRS),
        tuple(lines),
        f"Ours: {OURS}. abs(L − R) / (L + R) × 100 %, without a factor of one half; 'with its side' is the "
        "same without abs.",
    )


def paired_sheet(rows: Sequence[Row], own: str) -> Sheet:
    """Dice of one arm against that of each other one on the same scans."""
    upright = chosen(rows, condition=UPRIGHT)
    lines = []
    for other in arms_of(upright):
        if other == own or own not in arms_of(upright):
            continue
        coarse = not any(r.structure in COMPARTMENTS for r in chosen(upright, arm=other))
        ours, theirs = (case_dice(chosen(upright, arm=arm), whole=coarse) for arm in (own, other))
        shared = [case for case in ours if case in theirs]
        found = agree([ours[c] for c in shared], [theirs[c] for c in shared], unit="1")
        lines.append(
            (
                other,
                DORSAL if coarse else "mean of four",
                str(found.pairs),
                *(_mean(values) for values in (list(found.measured), list(found.reference))),
                f"{_number(found.bland_altman.bias.value, 3)} "
                f"[{_number(found.bland_altman.bias.lower, 3)}, {_number(found.bland_altman.bias.upper, 3)}]",
                str(int((found.differences > 0).sum())),
                *(_p(test.p_value) for test in (found.t, found.wilcoxon)),
            )
        )
    return Sheet(
        f"Dice: {own} against each other arm, the same scans",
        ("against", "of", "scans", own, "other", "difference [95 %]", "scans better", "p (paired t)", "p (Wilcoxon)"),
        tuple(lines),
        f"{OURS.capitalize()}. Two-tailed, not corrected for several tests.",
    )


def case_dice(rows: Sequence[Row], *, whole: bool = False) -> dict[str, float]:
    """Mean Dice of the four compartments by scan, or Dice of the dorsal striatum of both sides."""
    kept = chosen(rows, structure=DORSAL, side="both") if whole else [r for r in rows if r.structure in COMPARTMENTS]
    by_case: dict[str, list[float]] = {}
    for row in kept:
        by_case.setdefault(row.case, []).append(row.dice)
    return {case: float(np.mean(values)) for case, values in by_case.items()}


def rotation_curves(rows: Sequence[Row], arm: str) -> dict[str, tuple[tuple[float, float], ...]]:
    """Mean Dice over angle, by axis; the scans that were turned, beginning with them upright."""
    turned = [r for r in chosen(rows, arm=arm) if r.condition[:1] in AXES and r.condition[1:2] == " "]
    cases = {r.case for r in turned}
    coarse = not any(r.structure in COMPARTMENTS for r in turned)
    upright = [r for r in chosen(rows, arm=arm, condition=UPRIGHT) if r.case in cases]
    out: dict[str, tuple[tuple[float, float], ...]] = {}
    for axis in AXES:
        found = {0.0: upright}
        for row in turned:
            if row.condition.startswith(axis):
                found.setdefault(float(row.condition[2:]), []).append(row)
        if len(found) > 1:
            means = {d: float(np.mean(list(case_dice(g, whole=coarse).values()))) for d, g in found.items() if g}
            out[axis] = tuple(sorted(means.items()))
    return out


def rotation_sheet(rows: Sequence[Row]) -> Sheet:
    """What a turned head costs, by arm and axis."""
    lines = []
    for arm in arms_of(rows):
        for axis, curve in rotation_curves(rows, arm).items():
            upright = curve[0][1]
            worst = min(curve, key=lambda point: point[1])
            broken = next((f"{degrees:.0f}°" for degrees, dice in curve if dice < upright - BREAK), "never")
            drop = f"{upright - worst[1]:.3f} at {worst[0]:.0f}°"
            lines.append((arm, axis, str(len(curve)), f"{upright:.3f}", f"{worst[1]:.3f}", drop, broken))
    return Sheet(
        "Turned heads",
        ("arm", "axis", "angles", "Dice upright", "worst mean Dice", "drop", f"first drop above {BREAK}"),
        tuple(lines),
        f"{OURS.capitalize()}, turned about the middle of the image; the truth is not interpolated. Work B breaks from "
        "50° (axis not stated, its own patients). Baselines get a crop around the true striatum at every angle.",
    )


def mirror_sheet(rows: Sequence[Row], arms: Sequence[str]) -> Sheet:
    """Upright and mirrored people, and how often a side got the other's name."""
    lines = []
    for arm in arms:
        cells = [arm]
        for condition in (UPRIGHT, MIRRORED):
            parts = [r for r in chosen(rows, arm=arm, condition=condition) if r.structure in COMPARTMENTS]
            cells += [_spread(list(case_dice(parts).values())), _mean([100 * r.wrong_side for r in parts], 1)]
        if any(r.structure in COMPARTMENTS for r in chosen(rows, arm=arm)):
            lines.append(tuple(cells))
    return Sheet(
        "Ablations: blur, mirroring, and people as in a mirror",
        ("arm", "Dice", "wrong side, %", "Dice, mirrored people", "wrong side, % (mirrored)"),
        tuple(lines),
        f"{OURS.capitalize()}. Wrong side: part of the true voxels that got a name of the other side. 'with mirroring' "
        "learns from crops that are turned over while their labels keep their sides; deepgray's network sees one side "
        "at a time, and sides come from the geometry.",
    )


def category_sheet(rows: Sequence[Row]) -> Sheet | None:
    """Suggested category against the simulated stage, where an arm suggests one."""
    told = {(r.arm, r.case): r for r in chosen(rows, condition=UPRIGHT) if r.category}
    if not told:
        return None
    lines = []
    for arm in dict.fromkeys(arm for arm, _ in told):
        parts = []
        for stage, stratum in STRATA.items():
            here = [r for (a, _), r in told.items() if a == arm and r.stage == stage]
            right = sum(r.category == stratum for r in here)
            parts += [right / len(here)] if here else []
            lines.append((arm, stratum, str(len(here)), str(right)))
        lines.append((arm, "balanced accuracy", "", f"{np.mean(parts):.3f}"))
    return Sheet(
        "Suggested visual category",
        ("arm", "stage", "scans", "suggested rightly"),
        tuple(lines),
        f"{OURS.capitalize()}.",
    )


def _finite_mean(values: Sequence[float]) -> float:
    finite = [v for v in values if math.isfinite(v)]
    return float(np.mean(finite)) if finite else math.nan


def _mean(values: Sequence[float], decimals: int = 3) -> str:
    return _number(_finite_mean(values), decimals)


def _spread(values: Sequence[float]) -> str:
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else "–"


def _number(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}".replace("-", "−") if math.isfinite(value) else "–"


def _limits(agreement: Agreement, decimals: int = 3) -> str:
    found = agreement.bland_altman
    values = (found.bias.value, found.lower_limit.value, found.upper_limit.value)
    bias, lower, upper = (f"{v:+.{decimals}f}".replace("-", "−") if math.isfinite(v) else "–" for v in values)
    return f"{bias} [{lower}, {upper}]"


def _pairs(agreement: Agreement) -> str:
    return f"{agreement.pairs} ({agreement.dropped} dropped)" if agreement.dropped else str(agreement.pairs)


def _p(value: float) -> str:
    return "< .001" if value < 0.001 else _number(value, 3)
