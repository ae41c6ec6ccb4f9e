"""Pictures of agreement. matplotlib is loaded only when one is drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deepgray.evaluate.agreement import LIMIT_SD, Agreement
from deepgray.evaluate.agreement_tables import NamedAgreement
from deepgray.evaluate.estimate import Estimate
from deepgray.evaluate.plots import GREY, box_and_points, colour_of, new_figure, save_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PANELS_PER_ROW = 3
# Width of a panel: room for words at the right of the one, a square beneath its title for the other.
_BLAND_ALTMAN_INCHES, _SCATTER_INCHES = 4.4, 3.3
_HEIGHT_INCHES = 3.6
_MARGIN = 0.08  # part of the range of the values that is left free around them
_BAND = 0.12  # opacity of the band that an interval is drawn as
_UNITS = {"mm3": "mm³", "1": "", "": ""}

_Panel = Callable[["Axes", NamedAgreement], None]


def draw_bland_altman(found: Sequence[NamedAgreement], path: Path) -> None:
    """Draw differences over means, a panel each: bias, limits of agreement, and their 95 % intervals as bands.

    Args:
        found: Agreements, one or more (the sides of one quantity of one structure, say).
        path: File to write; its ending (``.png``, ``.svg``, ``.pdf``) says which kind.

    Raises:
        OutputError: The file cannot be written.
    """
    _draw(found, path, _bland_altman, width_inches=_BLAND_ALTMAN_INCHES)


def draw_scatter(found: Sequence[NamedAgreement], path: Path) -> None:
    """Draw measured over reference values, a panel each, with the line of identity and that of the regression.

    Args:
        found: Agreements, one or more.
        path: File to write.

    Raises:
        OutputError: The file cannot be written.
    """
    _draw(found, path, _scatter, width_inches=_SCATTER_INCHES)


def draw_differences(found: Sequence[NamedAgreement], path: Path) -> None:
    """Draw the differences of one quantity: a box per structure and side, a point per pair.

    Args:
        found: Agreements of one unit, one or more.
        path: File to write.

    Raises:
        OutputError: The file cannot be written.
    """
    figure = new_figure(width_inches=max(4.0, 1.2 + 0.55 * len(found)))
    axes = figure.add_subplot()
    axes.axhline(0, color=GREY, linewidth=0.8, linestyle=":")
    titles = []
    for place, one in enumerate(found):
        box_and_points(axes, place, one.agreement.differences.tolist(), colour=colour_of(one.name.structure))
        titles.append("\n".join(filter(None, [one.name.structure, one.name.side])) or one.name.quantity)
    axes.set_xticks(range(len(found)), titles, rotation=90, fontsize=7)
    axes.tick_params(axis="y", labelsize=7)
    axes.set_xlim(-0.6, len(found) - 0.4)
    axes.set_ylabel(_with_unit("Measured − reference", found[0].agreement), fontsize=8)
    if found[0].name.structure:
        axes.set_title(found[0].name.quantity.replace("_", " "), fontsize=9)
    save_picture(figure, path)


def _draw(found: Sequence[NamedAgreement], path: Path, panel: _Panel, *, width_inches: float) -> None:
    columns = min(len(found), _PANELS_PER_ROW)
    rows = math.ceil(len(found) / columns)
    figure = new_figure(width_inches=width_inches * columns, height_inches=_HEIGHT_INCHES * rows)
    for place, one in enumerate(found, start=1):
        axes = figure.add_subplot(rows, columns, place)
        words = " ".join(filter(None, [one.name.side, one.name.structure, one.name.quantity]))
        axes.set_title(words.replace("_", " "), fontsize=9)
        axes.tick_params(labelsize=7)
        if one.agreement.pairs:
            panel(axes, one)
        else:
            axes.text(0.5, 0.5, "no pairs", ha="center", transform=axes.transAxes, fontsize=8, color=GREY)
    save_picture(figure, path)


def _bland_altman(axes: Axes, one: NamedAgreement) -> None:
    agreement, colour = one.agreement, colour_of(one.name.structure)
    limits = agreement.bland_altman
    means = (agreement.measured + agreement.reference) / 2
    axes.axhline(0, color=GREY, linewidth=0.8, linestyle=":")
    _line(axes, limits.bias, "bias", style="-")
    if limits.sd > 0:
        _line(axes, limits.upper_limit, f"+{LIMIT_SD} SD", style="--")
        _line(axes, limits.lower_limit, f"−{LIMIT_SD} SD", style="--")
    axes.plot(means, agreement.differences, linestyle="none", marker="o", markersize=3, color=colour)
    axes.set_xlim(_ends(means))
    axes.set_xlabel(_with_unit("Mean of measured and reference", agreement), fontsize=8)
    axes.set_ylabel(_with_unit("Measured − reference", agreement), fontsize=8)


def _line(axes: Axes, estimate: Estimate, words: str, *, style: str) -> None:
    """A level with its interval as a band, named in the margin at the right."""
    if math.isfinite(estimate.lower) and math.isfinite(estimate.upper):
        axes.axhspan(estimate.lower, estimate.upper, color="tab:blue", alpha=_BAND, linewidth=0)
    axes.axhline(estimate.value, color="black", linewidth=0.8, linestyle=style)
    label = f"{words}\n{estimate.value:.3g}".replace("-", "−")
    axes.text(1.01, estimate.value, label, va="center", fontsize=6, transform=axes.get_yaxis_transform())


def _scatter(axes: Axes, one: NamedAgreement) -> None:
    agreement, line = one.agreement, one.agreement.regression
    low, high = _ends(np.concatenate([agreement.measured, agreement.reference]))
    axes.plot([low, high], [low, high], color=GREY, linewidth=0.8, linestyle=":", label="identity")
    if not line.reason:
        across = np.array(_ends(agreement.reference))
        words = f"slope {line.slope:.2f}, R² {line.r_squared:.2f}"
        axes.plot(across, line.intercept + line.slope * across, color="black", linewidth=0.8, label=words)
    colour = colour_of(one.name.structure)
    words = f"{agreement.pairs} pairs, ICC(2,1) {agreement.icc21.value:.2f}"
    axes.plot(
        agreement.reference, agreement.measured, linestyle="none", marker="o", markersize=3, color=colour, label=words
    )
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.set_box_aspect(1)
    axes.legend(fontsize=6, loc="upper left")
    axes.set_xlabel(_with_unit("Reference", agreement), fontsize=8)
    axes.set_ylabel(_with_unit("Measured", agreement), fontsize=8)


def _ends(values: np.ndarray) -> tuple[float, float]:
    """The range of some values with a margin; one around the value where they are all the same."""
    low, high = float(values.min()), float(values.max())
    margin = _MARGIN * (high - low) or _MARGIN * abs(low) or 1.0
    return low - margin, high + margin


def _with_unit(words: str, agreement: Agreement) -> str:
    unit = _UNITS.get(agreement.unit, agreement.unit)
    return f"{words} ({unit})" if unit else words
