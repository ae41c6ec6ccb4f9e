"""Pictures of protocol A: overlap of the arms, bias of binding, risk and coverage, and the worst people themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deepgray.evaluate.plots import GREY, colour_of, new_figure, save_picture
from deepgray.protocols.striatum.cases import Row
from deepgray.protocols.striatum.flagged import Ranking, case_dice
from deepgray.protocols.striatum.people import GROUPS
from deepgray.protocols.striatum.tables import BINDING, arms_of, chosen, relative_percent
from deepgray.protocols.striatum.views import View
from deepgray.scan import LabelMap
from deepgray.voxels.resample import closest_ras

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Distinct also to those who do not tell red from green (Okabe and Ito).
COLOURS = ("#E69F00", "#009E73", "#0072B2", "#CC79A7", "#56B4E9")
# A box wants some values; fewer are shown as points alone.
FEWEST = 4
# Linear up to 10 %.
TICKS_PERCENT = (-100, -30, -10, -3, 0, 3, 10, 30, 100)
_PLANES = ((2, "axial"), (1, "coronal"), (0, "sagittal"))


def draw_dice(rows: Sequence[Row], path: Path) -> None:
    """Draw the mean Dice of each person: a box per arm and group, a point per person."""
    arms = arms_of(rows)
    figure = new_figure(width_inches=8.0, height_inches=3.8)
    axes = figure.add_subplot()
    for number, arm in enumerate(arms):
        for place, group in enumerate(GROUPS):
            values = list(case_dice(chosen(rows, group=group), arm).values())
            _box(axes, _place(place, number, len(arms)), values, colour=COLOURS[number % len(COLOURS)])
        axes.plot([], [], color=COLOURS[number % len(COLOURS)], linewidth=6, alpha=0.6, label=arm)
    counts = [len({r.case for r in rows if r.group == group}) for group in GROUPS]
    axes.set_xticks(range(len(GROUPS)), [f"{g}, {n} scans" for g, n in zip(GROUPS, counts, strict=True)])
    axes.set_ylabel("Mean Dice of twelve subregions")
    axes.grid(axis="y", color="0.9", linewidth=0.6)
    axes.set_title("Simulated T1, heads kept out of training", fontsize=9)
    figure.legend(loc="outside right center", fontsize=8, frameon=False)
    save_picture(figure, path)


def draw_binding(rows: Sequence[Row], path: Path) -> None:
    """Draw the relative error of BPnd: a box per arm and subregion, a panel per group."""
    arms, structures = arms_of(rows), list(dict.fromkeys(r.structure for r in rows))
    figure = new_figure(width_inches=11.0, height_inches=6.4)
    panels = figure.subplots(len(GROUPS), 1, sharex=True, squeeze=False)[:, 0]
    for panel, group in zip(panels, GROUPS, strict=True):
        for number, arm in enumerate(arms):
            for place, structure in enumerate(structures):
                values = relative_percent(chosen(rows, arm=arm, group=group, structure=structure), BINDING)
                _box(panel, _place(place, number, len(arms)), values, colour=COLOURS[number % len(COLOURS)])
        panel.axhspan(-3, 3, color="0.92", zorder=0)
        panel.axhline(0, color=GREY, linewidth=0.8)
        panel.set_ylabel(f"{group}: BPnd against truth, %")
        panel.set_yscale("symlog", linthresh=10)
        panel.set_yticks(TICKS_PERCENT, [f"{tick:+d}" if tick else "0" for tick in TICKS_PERCENT])
        panel.minorticks_off()
    for number, arm in enumerate(arms):
        panels[0].plot([], [], color=COLOURS[number % len(COLOURS)], linewidth=6, alpha=0.6, label=arm)
    panels[-1].set_xticks(range(len(structures)), structures)
    figure.legend(loc="outside right center", fontsize=8, frameon=False)
    save_picture(figure, path)


def draw_risk(found: Sequence[Ranking], path: Path) -> None:
    """Draw risk–coverage of the score that ships, thick, and of the candidates beside the oracle."""
    figure = new_figure(width_inches=7.5, height_inches=3.8)
    axes = figure.add_subplot()
    for number, one in enumerate(found):
        style = {"linewidth": 2.4, "color": "#0072B2"} if number == 0 else {"linewidth": 0.9}
        axes.plot(one.curve.coverage, one.curve.risk, label=f"{one.name} ({100 * one.share:.0f} %)", **style)
    axes.plot(found[0].curve.coverage, found[0].curve.oracle, linestyle="--", color="black", label="oracle")
    axes.axhline(found[0].curve.random, linestyle=":", color=GREY, label="random order")
    axes.axvline(0.75, color=GREY, linewidth=0.6)
    axes.set_xlim(0, 1)
    axes.set_xlabel("Coverage (part of the scans that is kept)")
    axes.set_ylabel("1 − mean Dice of the kept")
    axes.set_title("In brackets: part of the worst tenth in the flagged quarter", fontsize=9)
    figure.legend(loc="outside right center", fontsize=7, frameon=False)
    save_picture(figure, path)


def draw_views(views: Mapping[str, View], path: Path) -> None:
    """Draw people: a row each, a column per arm and plane; true borders white, those of the arm in their colours."""
    arms = list(dict.fromkeys(arm for view in views.values() for arm in view.outlines))
    columns = [(arm, plane) for arm in arms for plane in _PLANES[:2]]
    figure = new_figure(width_inches=2.3 * len(columns), height_inches=2.5 * len(views))
    panels = figure.subplots(len(views), len(columns), squeeze=False)
    for line, (name, view) in zip(panels, views.items(), strict=True):
        for panel, (arm, (axis, word)) in zip(line, columns, strict=True):
            panel.set_axis_off()
            panel.set_title(f"{name}\n{arm}, {word}", fontsize=6)
            if arm in view.outlines:
                _plane(panel, view, view.outlines[arm], axis)
    save_picture(figure, path)


def _place(place: int, number: int, count: int) -> float:
    return place + (number - (count - 1) / 2) * 0.8 / count


def _box(axes: Axes, place: float, values: Sequence[float], *, colour: str) -> None:
    known = [v for v in values if np.isfinite(v)]
    if len(known) >= FEWEST:
        axes.boxplot([known], positions=[place], widths=0.13, showfliers=False, medianprops={"color": "black"})
    if known:
        spread = place + np.linspace(-0.04, 0.04, len(known))
        axes.plot(spread, known, linestyle="none", marker="o", markersize=2.5, color=colour)


def _plane(panel: Axes, view: View, found: LabelMap, axis: int) -> None:
    """One plane through the middle of the true striatum."""
    truth = _turned(view.truth.voxels, view.truth)
    middle = int(np.median(np.argwhere(truth > 0)[:, axis]))
    image = np.take(_turned(view.image, view.truth), middle, axis).T
    panel.imshow(image, cmap="gray", origin="lower", vmax=float(np.percentile(image, 99.5)))
    of_truth = np.take(truth, middle, axis).T
    labels = np.take(_turned(found.voxels, view.truth), middle, axis).T
    for structure in found.scheme.structures:
        for mask, colour in (
            (of_truth == structure.label, "w"),
            (labels == structure.label, colour_of(structure.name)),
        ):
            if mask.any():
                panel.contour(mask.astype(float), levels=[0.5], colors=[colour], linewidths=0.7)


def _turned(voxels: NDArray[np.generic], like: LabelMap) -> NDArray[np.float32]:
    return closest_ras(np.asarray(voxels, dtype=np.float32), like.affine_ras)[0]
