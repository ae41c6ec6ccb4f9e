"""Pictures of protocol B: violins of the overlap, and Dice over the angle of the head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deepgray.evaluate import NamedAgreement, draw_bland_altman, draw_scatter
from deepgray.evaluate.plots import GREY, new_figure, save_picture
from deepgray.measure.binding import DORSAL
from deepgray.protocols.spect.cases import COMPARTMENTS, UPRIGHT, Row, chosen
from deepgray.protocols.spect.sets import STRATA
from deepgray.protocols.spect.tables import ASI, BOTH_NUCLEI, POOLED, arms_of, case_dice, rotation_curves
from deepgray.protocols.spect.turned import AXES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Distinct also to those who do not tell red from green (Okabe and Ito); deepgray first.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#555555", "#D55E00", "#8C6D1F")
# A violin wants some values; fewer are shown as points alone.
FEWEST = 4
_AXIS_WORDS = {"x": "about left–right (nodding)", "y": "about back–front (tilting)", "z": "about foot–head (shaking)"}


def draw_violins(rows: Sequence[Row], path: Path) -> None:
    """Draw Dice by stratum, a violin per arm: the mean of the four compartments, a point per scan.

    An arm without compartments shows the dorsal striatum of both sides.
    """
    upright = chosen(rows, condition=UPRIGHT)
    arms = arms_of(upright)
    figure = new_figure(width_inches=10.0, height_inches=4.2)
    axes = figure.add_subplot()
    for number, arm in enumerate(arms):
        here = chosen(upright, arm=arm)
        whole = not any(r.structure in COMPARTMENTS for r in here)
        title = f"{arm} (whole striatum)" if whole else arm
        for place, stage in enumerate(STRATA):
            values = list(case_dice(chosen(here, stage=stage), whole=whole).values())
            at = place + (number - (len(arms) - 1) / 2) * 0.8 / len(arms)
            _violin(axes, at, values, width=0.75 / len(arms), colour=COLOURS[number % len(COLOURS)])
        axes.plot([], [], color=COLOURS[number % len(COLOURS)], linewidth=6, alpha=0.6, label=title)
    counts = [len({r.case for r in upright if r.stage == stage}) for stage in STRATA]
    axes.set_xticks(range(len(STRATA)), [f"{s}\n{n} scans" for s, n in zip(STRATA.values(), counts, strict=True)])
    axes.set_ylabel("Dice, mean of LC RC LP RP")
    axes.set_ylim(0, 1)
    axes.grid(axis="y", color="0.9", linewidth=0.6)
    axes.set_title("Simulated DaT SPECT, heads kept out of training", fontsize=9)
    figure.legend(loc="outside right center", fontsize=8, frameon=False)
    save_picture(figure, path)


def _violin(axes: Axes, place: float, values: Sequence[float], *, width: float, colour: str) -> None:
    if len(values) >= FEWEST and np.ptp(values) > 0:
        parts = axes.violinplot([list(values)], positions=[place], widths=width, showextrema=False)
        for body in parts["bodies"]:  # type: ignore[attr-defined]
            body.set_facecolor(colour)
            body.set_alpha(0.35)
    if values:
        spread = place + np.linspace(-0.15, 0.15, len(values)) * width
        axes.plot(spread, values, linestyle="none", marker="o", markersize=2.5, color=colour)
        axes.plot([place - width / 3, place + width / 3], [np.mean(values)] * 2, color="black", linewidth=1.2)


def draw_rotations(rows: Sequence[Row], path: Path) -> None:
    """Draw mean Dice over the angle of the head, a panel per axis, a line per arm."""
    arms = arms_of(rows)
    figure = new_figure(width_inches=11.5, height_inches=3.8)
    panels = figure.subplots(1, len(AXES), sharey=True)
    curves: Mapping[str, Mapping[str, tuple[tuple[float, float], ...]]] = {a: rotation_curves(rows, a) for a in arms}
    for panel, axis in zip(panels, AXES, strict=True):
        for number, arm in enumerate(arms):
            if axis in curves[arm]:
                degrees, dice = zip(*curves[arm][axis], strict=True)
                style = {"color": COLOURS[number % len(COLOURS)], "label": arm if axis == AXES[0] else None}
                panel.plot(degrees, dice, marker="o", markersize=3, linewidth=2.2 if number == 0 else 1.3, **style)
        panel.axvline(50, color=GREY, linestyle=":", linewidth=0.8)
        panel.set_title(f"{axis}: {_AXIS_WORDS[axis]}", fontsize=9)
        panel.set_xlabel("Rotation, degrees")
        panel.set_xticks(range(0, 181, 30))
        panel.grid(axis="y", color="0.9", linewidth=0.6)
        panel.set_ylim(0, 1)
    panels[0].set_ylabel("Mean Dice")
    figure.legend(loc="outside right center", fontsize=8, frameon=False)
    save_picture(figure, path)


def draw_agreements(binding: Sequence[NamedAgreement], asymmetry: Sequence[NamedAgreement], folder: Path) -> list[Path]:
    """Draw Bland–Altman of the binding ratios and scatter of both, a panel per arm.

    Returns:
        The files.
    """
    pooled = [a for a in binding if a.name.quantity == "SBR" and a.name.structure == POOLED]
    known = {one.name.side for one in pooled}
    pooled += [a for a in binding if a.name.structure == DORSAL and a.name.side not in known]
    pooled = [NamedAgreement(a.name._replace(structure=""), a.agreement) for a in pooled]
    indices = [a for a in asymmetry if a.name.structure == BOTH_NUCLEI and a.name.quantity == ASI]
    indices = [NamedAgreement(a.name._replace(structure=""), a.agreement) for a in indices]
    files = []
    if pooled:
        files = [folder / "sbr_bland_altman.png", folder / "sbr_scatter.png"]
        draw_bland_altman(pooled, files[0])
        draw_scatter(pooled, files[1])
    if indices:
        files.append(folder / "asi_scatter.png")
        draw_scatter(indices, files[-1])
    return files
