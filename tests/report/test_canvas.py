"""Slices lie where they should on the canvas, lines and letters on them; and none of it needs matplotlib."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
from PIL import Image

from deepgray.report.canvas import Lines, Panel, canvas_png
from deepgray.report.planes import Plane, View

BLUE, RED = (0.2, 0.4, 1.0), (1.0, 0.0, 0.0)


def panel(view: View, *lines: Lines, grey: float = 0.0) -> Panel:
    plane = Plane(view, (1.0, -2.0, 8.0), 100.0, 80.0, 1.0)  # 80 rows, 100 columns
    return Panel(plane, np.full((80, 100, 3), grey, np.float32), lines)


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def test_slices_lie_side_by_side_and_rows_below_one_another() -> None:
    seen = pixels(canvas_png([[panel(View.AXIAL, grey=0.5), panel(View.AXIAL, grey=1.0)], [panel(View.CORONAL)]]))
    # 2 · 100 + 4 columns and 2 · 80 + 4 rows of 1.6 pixels.
    assert seen.shape == (round(164 * 1.6), round(204 * 1.6), 3)
    assert seen[16, 16].tolist() == [128] * 3
    assert seen[16, round(120 * 1.6)].tolist() == [255] * 3
    assert seen[round(100 * 1.6), round(150 * 1.6)].tolist() == [0] * 3  # nothing lies there


def test_a_line_goes_through_the_middles_of_its_samples_in_its_colour() -> None:
    # Wide enough to cover whole pixels: 160 pixels are 0.15 of a page, so that 20 of the page are 3.
    line = Lines(RED, 20.0, (np.array([[30.0, 20.0], [30.0, 60.0]]),))
    seen = pixels(canvas_png([[panel(View.AXIAL, line)]]))
    red = (seen == [255, 0, 0]).all(axis=-1)
    rows, columns = np.nonzero(red)
    assert abs(columns.mean() + 0.5 - 30.5 * 1.6) <= 0.5
    assert abs(rows.min() - 20.5 * 1.6) <= 2
    assert abs(rows.max() - 60.5 * 1.6) <= 2


def test_a_smooth_edge_has_shades_between() -> None:
    slope = Lines(BLUE, 20.0, (np.array([[20.0, 20.0], [80.0, 50.0]]),))
    seen = pixels(canvas_png([[panel(View.AXIAL, slope)]]))
    blue = seen[25:, :, 2][(seen[25:, :, 0] < seen[25:, :, 2]) & (seen[25:, :, 2] < 255)]
    assert len(blue) > 20


def test_letters_stand_on_the_first_slice_of_a_view_only() -> None:
    seen = pixels(canvas_png([[panel(View.AXIAL), panel(View.AXIAL)]]))
    yellow = (seen[..., 0] > 150) & (seen[..., 2] < 130)
    assert yellow[:, :160].any()
    assert not yellow[:, 166:].any()
    place = seen[round(66 * 1.6) :, 166:].min(axis=-1)
    assert place.max() > 150  # but each has its place written on it


def test_the_report_needs_no_matplotlib() -> None:
    program = "import sys, deepgray.report.page; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
