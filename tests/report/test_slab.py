"""The coloured slab."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from report_results import result

from deepgray.report.shapes import extent_of, shapes_of
from deepgray.report.slab import colour_stops, colours_of, draw_slab


def test_the_colours_begin_black_end_white_and_grow_no_darker_than_that() -> None:
    ends = colours_of(np.array([0.0, 1.0], np.float32))
    assert ends.tolist() == [[0, 0, 0], [1, 1, 1]]
    green = colours_of(np.array([0.6], np.float32))[0]
    assert green.argmax() == 1
    assert colours_of(np.array([0.3], np.float32))[0].argmax() == 2
    assert colours_of(np.array([0.9], np.float32))[0].argmax() == 0


def test_the_gradient_names_every_stop() -> None:
    assert colour_stops().startswith("rgb(0, 0, 0) 0%, ")
    assert colour_stops().endswith("rgb(255, 255, 255) 100%")


def test_the_slab_goes_through_the_body_of_the_outline_and_its_top_is_its_brightest_point() -> None:
    made = result()
    extent = extent_of(made.outline.labels, made.pose.canonical_from_world)
    assert extent is not None
    slab = draw_slab(made, extent, shapes_of(made.outline.labels))
    low, high = extent.low_mm[2], extent.high_mm[2]
    assert slab.from_mm == pytest.approx(low + 0.2 * (high - low))
    assert slab.to_mm == pytest.approx(low + 0.8 * (high - low))
    assert 100 < slab.top <= 103.6  # the head is 100, and 0.1 more for each of 36 mm to the front
    bare = draw_slab(made, extent, ())
    drawn, empty = (np.asarray(Image.open(io.BytesIO(one.png)).convert("RGB"), dtype=int) for one in (slab, bare))
    places = np.nonzero((drawn != empty).any(axis=-1))[1]
    assert len(places) > 50
    assert places.min() > drawn.shape[1] / 2  # outlines on the right only
    assert (drawn - empty).min() >= 0  # in white
