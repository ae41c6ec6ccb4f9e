"""Slices put on one canvas and drawn at once, with smooth lines and letters."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from deepgray.report.planes import Plane

Colour = tuple[float, float, float]

_GAP_PIXELS = 4
# Pixels of the PNG for each sample, so that lines and letters are sharp.
_SCALE = 1.6
# Lines are drawn on a canvas so many times as large and made small with it: that is what smooths them.
_FINER = 2
# Faster than the usual 6, and hardly larger.
_PNG_LEVEL = 2
# Sizes as they appear where the picture fills a page that is this wide.
_PAGE_PIXELS = 1070
_LETTER_PIXELS = 15.0
_LABEL_PIXELS = 11.0
_HALO_PIXELS = 1.6
_HALO_COLOUR = "#181818"
_LETTER_COLOUR = "#ffd75e"
_LABEL_COLOUR = "#d0d0d0"
# The font that comes with Pillow has no minus sign, and narrow spaces.
_SPELT = str.maketrans({"−": "-", " ": "  "})


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
    for place in placed:
        down, across = place.panel.plane.shape
        canvas[place.top : place.top + down, place.left : place.left + across] = place.panel.colours
    small = (round(width * _SCALE), round(height * _SCALE))
    picture = Image.fromarray(np.rint(255 * np.clip(canvas, 0, 1)).astype(np.uint8))
    picture = picture.resize((small[0] * _FINER, small[1] * _FINER), Image.Resampling.BILINEAR)
    scale, page = small[0] / width, small[0] / _PAGE_PIXELS  # pixels of the PNG per sample, and per pixel of the page
    pen = ImageDraw.Draw(picture)
    for place in placed:
        _draw_lines(pen, place, scale=scale * _FINER, page=page * _FINER)
    picture = picture.reduce(_FINER)
    pen = ImageDraw.Draw(picture)
    for place in placed:
        _draw_letters(pen, place, scale=scale, page=page)
    stream = io.BytesIO()
    picture.save(stream, format="png", compress_level=_PNG_LEVEL)
    return stream.getvalue()


def _place(rows: Sequence[Sequence[Panel]]) -> Iterator[_Placed]:
    top = 0
    for row in rows:
        left, seen = 0, None
        for panel in row:
            yield _Placed(panel, top, left, lettered=panel.plane.view is not seen)
            left, seen = left + panel.plane.shape[1] + _GAP_PIXELS, panel.plane.view
        top += max(p.plane.shape[0] for p in row) + _GAP_PIXELS


def _draw_lines(pen: ImageDraw.ImageDraw, place: _Placed, *, scale: float, page: float) -> None:
    corner = np.array([place.left, place.top]) + 0.5  # a sample's place is its middle
    for lines in place.panel.lines:
        red, green, blue = (round(255 * share) for share in lines.colour)
        for segment in lines.segments:
            points = ((segment + corner) * scale).ravel().tolist()
            pen.line(points, fill=(red, green, blue), width=max(1, round(lines.width * page)), joint="curve")


def _draw_letters(pen: ImageDraw.ImageDraw, place: _Placed, *, scale: float, page: float) -> None:
    down, across = place.panel.plane.shape
    left, top, right, bottom = place.left + 3, place.top + 3, place.left + across - 4, place.top + down - 4
    middle, centre = place.top + down / 2, place.left + across / 2

    def write(text: str, at: tuple[float, float], anchor: str, *, size: float, colour: str) -> None:
        pen.text(
            (at[0] * scale, at[1] * scale),
            text.translate(_SPELT),
            fill=colour,
            font=_font(max(8, round(size * page))),
            anchor=anchor,
            stroke_width=max(1, round(_HALO_PIXELS * page)),
            stroke_fill=_HALO_COLOUR,
        )

    write(place.panel.plane.label, (left, bottom), "ld", size=_LABEL_PIXELS, colour=_LABEL_COLOUR)
    if not place.lettered:
        return
    places = (((left, middle), "lm"), ((right, middle), "rm"), ((centre, top), "ma"), ((centre, bottom), "md"))
    for letter, (at, anchor) in zip(place.panel.plane.view.letters, places, strict=True):
        write(letter, at, anchor, size=_LETTER_PIXELS, colour=_LETTER_COLOUR)


@cache
def _font(pixels: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(pixels)
