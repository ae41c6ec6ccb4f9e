"""Slices put on one canvas and drawn once: a figure with an axes for each slice would take ten times as long."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from deepgray.report.planes import Plane

Colour = tuple[float, float, float]

_GAP_PIXELS = 4
# Pixels of the PNG for each sample, so that lines and letters are sharp.
_SCALE = 1.6
_DPI = 100
# Faster than the usual 6, and hardly larger.
_PNG_LEVEL = 2
# Sizes as they appear where the picture fills a page that is this wide.
_PAGE_PIXELS = 1070
_LETTER_PIXELS = 14.0
_LABEL_PIXELS = 11.0
_POINTS_PER_INCH = 72
_HALO = [withStroke(linewidth=1.6, foreground="#000000b0")]
_LETTER_COLOUR = "#ffd75e"
_LABEL_COLOUR = "#d0d0d0"


@dataclass(frozen=True, eq=False)
class Lines:
    """Contours of one colour.

    Attributes:
        colour: Red, green, blue, 0–1.
        width: In pixels of the page.
        segments: Each (n, 2), column and row in pixels of the slice.
    """

    colour: Colour
    width: float
    segments: tuple[NDArray[np.float64], ...]


@dataclass(frozen=True, eq=False)
class Panel:
    """One slice, ready to be put on a canvas.

    Attributes:
        plane: Where it lies.
        colours: (rows, columns, 3) float32, 0–1.
        lines: Contours drawn over it.
    """

    plane: Plane
    colours: NDArray[np.float32]
    lines: tuple[Lines, ...] = ()


@dataclass(frozen=True, eq=False)
class _Placed:
    panel: Panel
    top: int
    left: int
    lettered: bool


def canvas_png(rows: Sequence[Sequence[Panel]]) -> bytes:
    """Rows of slices on one black canvas.

    Args:
        rows: Slices from left to right, rows from top to bottom. The first slice of each view in a row gets letters.

    Returns:
        A PNG file.
    """
    placed = tuple(_place(rows))
    height = max(p.top + p.panel.plane.shape[0] for p in placed)
    width = max(p.left + p.panel.plane.shape[1] for p in placed)
    canvas = np.zeros((height, width, 3), dtype=np.float32)
    figure = Figure(figsize=(width * _SCALE / _DPI, height * _SCALE / _DPI), dpi=_DPI, facecolor="black")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    points = width * _SCALE / _PAGE_PIXELS * _POINTS_PER_INCH / _DPI  # of one pixel of the page
    for place in placed:
        rows_, columns = place.panel.plane.shape
        canvas[place.top : place.top + rows_, place.left : place.left + columns] = place.panel.colours
        _draw_lines(axes, place, points)
        _draw_letters(axes, place, points)
    axes.imshow(canvas, interpolation="bilinear", aspect="auto")
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    axes.set_axis_off()
    stream = io.BytesIO()
    figure.savefig(stream, format="png", pil_kwargs={"compress_level": _PNG_LEVEL})
    return stream.getvalue()


def _place(rows: Sequence[Sequence[Panel]]) -> Iterator[_Placed]:
    top = 0
    for row in rows:
        left, seen = 0, None
        for panel in row:
            yield _Placed(panel, top, left, lettered=panel.plane.view is not seen)
            left, seen = left + panel.plane.shape[1] + _GAP_PIXELS, panel.plane.view
        top += max(p.plane.shape[0] for p in row) + _GAP_PIXELS


def _draw_lines(axes: Axes, place: _Placed, points: float) -> None:
    for lines in place.panel.lines:
        moved = [segment + np.array([place.left, place.top]) for segment in lines.segments]
        if moved:
            axes.add_collection(
                LineCollection(moved, colors=[lines.colour], linewidths=lines.width * points), autolim=False
            )


def _draw_letters(axes: Axes, place: _Placed, points: float) -> None:
    rows, columns = place.panel.plane.shape
    left, top, right, bottom = place.left + 3, place.top + 3, place.left + columns - 4, place.top + rows - 4
    middle, centre = place.top + rows / 2, place.left + columns / 2
    small: dict[str, Any] = {"color": _LABEL_COLOUR, "fontsize": _LABEL_PIXELS * points, "path_effects": _HALO}
    axes.text(left, bottom, place.panel.plane.label, ha="left", va="bottom", **small)
    if not place.lettered:
        return
    bold: dict[str, Any] = {
        "color": _LETTER_COLOUR,
        "fontsize": _LETTER_PIXELS * points,
        "weight": "bold",
        "path_effects": _HALO,
    }
    letters = place.panel.plane.view.letters
    axes.text(left, middle, letters[0], ha="left", va="center", **bold)
    axes.text(right, middle, letters[1], ha="right", va="center", **bold)
    axes.text(centre, top, letters[2], ha="center", va="top", **bold)
    axes.text(centre, bottom, letters[3], ha="center", va="bottom", **bold)
