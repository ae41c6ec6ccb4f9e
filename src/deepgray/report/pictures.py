"""Pictures of a result as PNG bytes: slices with contours, entropy and subregions over the scan.

Contours are drawn where a structure's mask, interpolated linearly, crosses one half.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from contourpy import LineType, contour_generator
from numpy.typing import NDArray

from deepgray.anatomy import Side
from deepgray.report.canvas import Colour, Lines, Panel, canvas_png
from deepgray.report.planes import Image, Plane, View, index_from_canonical, sample_plane
from deepgray.report.shapes import Extent, Point, Shape, extent_of, shapes_of
from deepgray.report.slab import Slab, draw_slab
from deepgray.result import Result
from deepgray.space import Affine
from deepgray.voxels.uncertainty import voxel_entropy

_STEP_MM = 0.6
_OVERVIEW_STEP_MM = 0.9
# Small nuclei get finer pixels: each slice has at least so many across.
_FEWEST_PIXELS = 160
_MARGIN_MM = 14.0
_COLUMNS = 6
_FILL = 0.55
_GREY_PERCENT = (0.5, 99.7)
# Where values have a unit, grey means the same on every scan: nuclei of QSM stand out, veins and fluid are at the ends.
_WINDOWS = {"ppm": (-0.1, 0.2)}
_HEADROOM = 1.15  # white matter stays below white, so that pale contours show on it
_OVERVIEW_CENTRE_MM: Point = (0.0, -15.0, 10.0)
_OVERVIEW_SIZE_MM = {View.AXIAL: (165.0, 205.0), View.CORONAL: (165.0, 205.0), View.SAGITTAL: (205.0, 205.0)}
# Entropy below this share of its maximum is left clear, so that the anatomy shows.
_CLEAR_BELOW = 0.1
_PROPOSED_COLOUR = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Pictures:
    """PNG bytes of each picture; None where there is nothing to show.

    Attributes:
        overview: Three planes of the whole head.
        outline: Slices through both sides with contours.
        entropy: Entropy over the scan.
        parts: Subregions over the scan.
        window: From which to which value grey runs, in words; empty where the values have no unit.
        slab: The axial slab in colours, where binding was measured.
    """

    overview: bytes
    outline: bytes | None
    entropy: bytes | None
    parts: bytes | None
    window: str = ""
    slab: Slab | None = None


@dataclass(frozen=True, eq=False)
class _Camera:
    """What every slice of one result shares."""

    result: Result
    index_from_mm: Affine
    shapes: tuple[Shape, ...]
    proposed: tuple[Shape, ...]
    extent: Extent
    window: tuple[float, float] = (0.0, 1.0)

    def grey(self, plane: Plane) -> Image:
        picture = sample_plane(self.result.scan.voxels, self.index_from_mm, plane)
        low, high = self.window
        grey: Image = np.clip((picture - low) / max(high - low, 1e-12), 0, 1).astype(np.float32)
        return grey


def draw(result: Result) -> Pictures:
    """The pictures of a result, upright in the canonical frame.

    Args:
        result: What to show.

    Returns:
        PNG bytes; only the overview where the outline is empty.
    """
    extent = extent_of(result.outline.labels, result.pose.canonical_from_world)
    camera = _Camera(
        result,
        index_from_canonical(result.scan, result.pose),
        shapes=shapes_of(result.outline.labels),
        proposed=shapes_of(result.proposed.labels) if result.decision.kind == "corrected" else (),
        extent=extent or Extent(_OVERVIEW_CENTRE_MM, _OVERVIEW_CENTRE_MM),
    )
    camera = replace(camera, window=_grey_window(camera))
    overview, window = _overview(camera), _window_words(camera)
    if extent is None:
        return Pictures(overview, None, None, None, window)
    slab = draw_slab(result, extent, camera.shapes) if "binding" in result.task.measures else None
    return Pictures(overview, _outline(camera), _entropy(camera), _parts(camera), window, slab)


def _overview(camera: _Camera) -> bytes:
    x, y, z = camera.extent.centre_mm
    left = extent_of(camera.result.outline.labels, camera.result.pose.canonical_from_world, Side.LEFT)
    middle = _OVERVIEW_CENTRE_MM
    places: dict[View, Point] = {
        View.AXIAL: (middle[0], middle[1], z),
        View.CORONAL: (middle[0], y, middle[2]),
        View.SAGITTAL: (left.centre_mm[0] if left else x, middle[1], middle[2]),
    }
    panels = [
        _contoured(camera, Plane(view, place, *_OVERVIEW_SIZE_MM[view], _OVERVIEW_STEP_MM))
        for view, place in places.items()
    ]
    return canvas_png([panels])


def _outline(camera: _Camera) -> bytes:
    rows = [*_rows(camera, View.AXIAL, View.CORONAL), _sagittal_row(camera)]
    return canvas_png([[_contoured(camera, plane) for plane in row] for row in rows])


def _entropy(camera: _Camera) -> bytes | None:
    probabilities = camera.result.proposed.probabilities
    if probabilities is None:
        return None
    bits = voxel_entropy(probabilities)
    most = float(np.log2(len(probabilities.structures) + 1))

    def panel(plane: Plane) -> Panel:
        share = np.clip(sample_plane(bits, camera.index_from_mm, plane, low=probabilities.low) / most, 0, 1)
        weight = np.clip((share - _CLEAR_BELOW) / _CLEAR_BELOW, 0, 1)[..., None] * 0.85
        return Panel(plane, _rgb(camera.grey(plane)) * (1 - weight) + heat(share) * weight)

    return canvas_png([[panel(plane) for plane in row] for row in _rows(camera, View.AXIAL, View.CORONAL)])


def _parts(camera: _Camera) -> bytes | None:
    if camera.result.parts is None:
        return None
    shapes = shapes_of(camera.result.parts.labels)
    rows = [*_rows(camera, View.AXIAL, View.CORONAL), _sagittal_row(camera)]
    return canvas_png([[_filled(camera, plane, shapes) for plane in row] for row in rows])


def heat(share: Image) -> NDArray[np.float32]:
    """Colours from dark red over orange to pale yellow, for shares of 0–1."""
    return np.stack(
        [np.clip(0.3 + 2.2 * share, 0, 1), np.clip(1.8 * share - 0.25, 0, 1), np.clip(3 * share - 2, 0, 1)], -1
    )


def _grey_window(camera: _Camera) -> tuple[float, float]:
    fixed = _WINDOWS.get(camera.result.scan.unit)
    if fixed is not None:
        return fixed
    samples = np.concatenate(
        [
            sample_plane(camera.result.scan.voxels, camera.index_from_mm, plane).ravel()
            for plane in (_plane(camera, View.AXIAL, 0.5), _plane(camera, View.CORONAL, 0.5))
        ]
    )
    low, high = np.percentile(samples, _GREY_PERCENT)
    return float(low), float(low + _HEADROOM * (high - low))


def _window_words(camera: _Camera) -> str:
    unit = camera.result.scan.unit
    if unit not in _WINDOWS:
        return ""
    low, high = camera.window
    return f"{low:g} (black) to {high:g} {unit} (white)".replace("-", "−")


def _rows(camera: _Camera, *views: View) -> list[list[Plane]]:
    shares = (np.arange(_COLUMNS) / (_COLUMNS - 1)).tolist()
    return [[_plane(camera, view, share) for share in shares] for view in views]


def _sagittal_row(camera: _Camera) -> list[Plane]:
    """Slices through the right side, then through the left, as the sides lie in the other pictures."""
    planes = []
    for side in (Side.RIGHT, Side.LEFT):
        extent = extent_of(camera.result.outline.labels, camera.result.pose.canonical_from_world, side)
        if extent is None:
            continue
        planes += [_plane(camera, View.SAGITTAL, share, extent) for share in (0.85, 0.5, 0.15)]
    return planes


def _plane(camera: _Camera, view: View, share: float, extent: Extent | None = None) -> Plane:
    """A plane that shows the whole extent of the outline, at a share of the way through one side or both."""
    low, high = np.array(camera.extent.low_mm), np.array(camera.extent.high_mm)
    size = high - low + 2 * _MARGIN_MM
    centre = (low + high) / 2
    axis = "xyz".index(view.axis)
    through = extent or camera.extent
    centre[axis] = through.low_mm[axis] + share * (through.high_mm[axis] - through.low_mm[axis])
    width, height = (float(np.abs(direction) @ size) for direction in (view.right, view.up))
    step_mm = min(_STEP_MM, float(size[0]) / _FEWEST_PIXELS)
    step = step_mm * width / float(size[0])  # slices of every view are as wide as the axial ones
    return Plane(view, (float(centre[0]), float(centre[1]), float(centre[2])), width, height, step)


def _contoured(camera: _Camera, plane: Plane) -> Panel:
    lines = [_lines(camera, plane, shape, _PROPOSED_COLOUR, width=0.8) for shape in camera.proposed]
    lines += [_lines(camera, plane, shape, _share(shape.colour)) for shape in camera.shapes]
    return Panel(plane, _rgb(camera.grey(plane)), tuple(lines))


def _filled(camera: _Camera, plane: Plane, shapes: Sequence[Shape]) -> Panel:
    colours = _rgb(camera.grey(plane))
    for shape in shapes:
        inside = sample_plane(shape.mask, camera.index_from_mm, plane, low=shape.low)[..., None] * _FILL
        colours = colours * (1 - inside) + np.array(_share(shape.colour), dtype=np.float32) * inside
    return Panel(plane, colours)


def _share(colour: tuple[int, int, int]) -> Colour:
    return colour[0] / 255, colour[1] / 255, colour[2] / 255


def _lines(camera: _Camera, plane: Plane, shape: Shape, colour: Colour, *, width: float = 1.6) -> Lines:
    inside = sample_plane(shape.mask, camera.index_from_mm, plane, low=shape.low)
    if inside.max() <= 0.5:
        return Lines(colour, width, ())
    found: Any = contour_generator(z=inside, line_type=LineType.Separate).lines(0.5)  # (n, 2), column and row
    return Lines(colour, width, tuple(found))


def _rgb(grey: Image) -> NDArray[np.float32]:
    return np.repeat(grey[..., None], 3, axis=-1)
