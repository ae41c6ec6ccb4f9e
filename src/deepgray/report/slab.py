"""The picture that DaT SPECT is read by: one axial slab through the striatum, in colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from contourpy import LineType, contour_generator
from numpy.typing import NDArray

from deepgray.report.canvas import Lines, Panel, canvas_png
from deepgray.report.planes import Image, Plane, View, index_from_canonical, sample_plane
from deepgray.report.shapes import Extent, Shape
from deepgray.result import Result
from deepgray.space import Affine

# Black, blue, green, yellow, red, white: the order of the tables that DaT SPECT is usually read with.
_STOPS = (0.0, 0.15, 0.32, 0.46, 0.60, 0.74, 0.90, 1.0)
_COLOURS = (
    (0.0, 0.0, 0.0),
    (0.12, 0.0, 0.38),
    (0.0, 0.25, 0.85),
    (0.0, 0.62, 0.55),
    (0.35, 0.80, 0.10),
    (1.0, 0.85, 0.0),
    (0.90, 0.10, 0.0),
    (1.0, 1.0, 1.0),
)
_SIZE_MM, _STEP_MM, _APART_MM = (165.0, 205.0), 0.9, 2.0
_MIDDLE_MM = (0.0, -15.0)
# The slices that are averaged: those through the body of the outline, without its lower and upper fifth.
_PART = (0.2, 0.8)
_LINE, _LINE_COLOUR = 1.3, (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Slab:
    """An axial slab.

    Attributes:
        png: The slab without and with outlines.
        top: Value of the last colour; the first stands for 0.
        from_mm: Canonical z of the lowest slice.
        to_mm: Canonical z of the highest slice.
    """

    png: bytes
    top: float
    from_mm: float
    to_mm: float


def colours_of(share: Image) -> NDArray[np.float32]:
    """Colours of shares of 0 to 1, (…, 3)."""
    channels = [np.interp(share, _STOPS, [colour[n] for colour in _COLOURS]) for n in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)


def colour_stops() -> str:
    """The table as stops of a CSS gradient."""
    stops = zip(_STOPS, _COLOURS, strict=True)
    return ", ".join(f"rgb({', '.join(f'{255 * c:.0f}' for c in colour)}) {100 * stop:.0f}%" for stop, colour in stops)


def draw_slab(result: Result, extent: Extent, shapes: Sequence[Shape]) -> Slab:
    """The mean of the slices through the body of the outline, in colours from nothing to the brightest point.

    Args:
        result: What to show.
        extent: Where the outline lies.
        shapes: Its structures.
    """
    index_from_mm = index_from_canonical(result.scan, result.pose)
    low, high = np.interp(_PART, (0, 1), (extent.low_mm[2], extent.high_mm[2])).tolist()
    heights = np.linspace(low, high, max(2, round((high - low) / _APART_MM) + 1)).tolist()
    middle = Plane(View.AXIAL, (*_MIDDLE_MM, (low + high) / 2), *_SIZE_MM, _STEP_MM)
    planes = [replace(middle, centre_mm=(*_MIDDLE_MM, z)) for z in heights]
    mean = np.mean([sample_plane(result.scan.voxels, index_from_mm, plane) for plane in planes], axis=0)
    top = max(float(mean.max()), 1e-12)
    colours = colours_of(np.clip(mean / top, 0, 1))
    lines = tuple(_footprint(shape, planes, index_from_mm) for shape in shapes)
    return Slab(canvas_png([[Panel(middle, colours), Panel(middle, colours, lines)]]), top, low, high)


def _footprint(shape: Shape, planes: Sequence[Plane], index_from_mm: Affine) -> Lines:
    """The border of what a structure covers in any slice of the slab."""
    slices = [sample_plane(shape.mask, index_from_mm, plane, low=shape.low) for plane in planes]
    covered = np.max(slices, axis=0)
    if covered.max() <= 0.5:
        return Lines(_LINE_COLOUR, _LINE, ())
    found = contour_generator(z=covered, line_type=LineType.Separate).lines(0.5)
    return Lines(_LINE_COLOUR, _LINE, tuple(np.asarray(line, dtype=np.float64) for line in found))
