"""Pictures of an evaluation. matplotlib is loaded only when one is drawn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deepgray.anatomy import STRUCTURES
from deepgray.errors import MissingExtraError, OutputError
from deepgray.evaluate.cohort import MEASURES, Cohort, Measure
from deepgray.evaluate.risk import RiskCoverage

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DOTS_PER_INCH = 150
_JITTER = 0.12  # half the width over which points of one box are spread, in boxes
GREY = "0.55"


def draw_scores(cohort: Cohort, path: Path, *, measure: Measure = MEASURES[0]) -> None:
    """Draw one measure: a box per structure and side, a point per scan.

    Values that are not finite are left out, and their number is said below the box.

    Args:
        cohort: Scores of many scans.
        path: File to write; its ending (``.png``, ``.svg``, ``.pdf``) says which kind.
        measure: What to show.

    Raises:
        OutputError: The file cannot be written.
    """
    groups: dict[tuple[str, str], list[float]] = {}
    for row in cohort.rows:
        groups.setdefault((row.score.structure, row.score.side), []).append(measure.of(row.score))
    figure = new_figure(width_inches=max(4.0, 1.0 + 0.55 * len(groups)))
    axes = figure.add_subplot()
    titles = []
    for place, ((structure, side), values) in enumerate(groups.items()):
        finite = [value for value in values if np.isfinite(value)]
        box_and_points(axes, place, finite, colour=colour_of(structure))
        left_out = len(values) - len(finite)
        titles.append(f"{structure}\n{side}" + (f"\n{left_out} not shown" if left_out else ""))
    axes.set_xticks(range(len(groups)), titles, rotation=90, fontsize=7)
    axes.set_ylabel(measure.title)
    axes.set_title(f"{len({row.stem for row in cohort.rows})} scans", fontsize=9)
    save_picture(figure, path)


def draw_risk_coverage(curve: RiskCoverage, path: Path, *, error_title: str = "Mean error of the kept") -> None:
    """Draw a risk–coverage curve beside the oracle and the random order.

    Args:
        curve: From ``risk_coverage``.
        path: File to write.
        error_title: What the risk is, for the axis.

    Raises:
        OutputError: The file cannot be written.
    """
    figure = new_figure(width_inches=4.5)
    axes = figure.add_subplot()
    axes.plot(curve.coverage, curve.risk, marker="o", markersize=3, label=f"uncertainty, AURC {curve.aurc:.4f}")
    axes.plot(curve.coverage, curve.oracle, linestyle="--", color=GREY, label="oracle")
    axes.axhline(curve.random, linestyle=":", color=GREY, label="random order")
    axes.set_xlim(0, 1)
    axes.set_xlabel("Coverage (part of the scans that is kept)")
    axes.set_ylabel(error_title)
    axes.set_title(f"rank correlation {curve.spearman:.2f}", fontsize=9)
    axes.legend(fontsize=7)
    save_picture(figure, path)


def new_figure(*, width_inches: float, height_inches: float = 3.6) -> Figure:
    """An empty figure, drawn without a screen.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 (a slow import that only those who draw shall pay)
    except ModuleNotFoundError as error:
        raise MissingExtraError("Plots want matplotlib: pip install 'deepgray[evaluate]'.") from error

    return Figure(figsize=(width_inches, height_inches), layout="constrained")


def box_and_points(axes: Axes, place: int, values: list[float], *, colour: tuple[float, float, float]) -> None:
    """A box of some values at a place of the axis, with a point per value; nothing where there are none."""
    if not values:
        return
    axes.boxplot([values], positions=[place], widths=0.6, showfliers=False, medianprops={"color": "black"})
    spread = place + np.linspace(-_JITTER, _JITTER, len(values))
    axes.plot(spread, values, linestyle="none", marker="o", markersize=3, color=colour)


def colour_of(structure: str) -> tuple[float, float, float]:
    """Colour of a structure, red, green and blue from 0 to 1; grey where the name is not ours."""
    red, green, blue = next((s.colour for s in STRUCTURES if s.name == structure), (110, 110, 110))
    return red / 255, green / 255, blue / 255


def save_picture(figure: Figure, path: Path) -> None:
    """Write a figure; the ending of the path (``.png``, ``.svg``, ``.pdf``) says which kind.

    Raises:
        OutputError: The file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=_DOTS_PER_INCH)
    except (OSError, ValueError) as error:
        raise OutputError(f"A place to write the picture {path} is wanted, it cannot be written: {error}.") from error
