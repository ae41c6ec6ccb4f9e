"""Susceptibility of nuclei, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from deepgray.anatomy import scheme
from deepgray.errors import MaskError
from deepgray.measure import susceptibility
from deepgray.result import NO_REFERENCE, WHOLE_BRAIN, Measurement, Outline, Reference
from deepgray.scan import IntegerVolume, LabelMap, Scan

AFFINE = np.diag([-1.0, 2.0, 1.5, 1.0])
SHAPE = (8, 9, 12)
LEFT, RIGHT = 301, 302


def outline(labels: np.ndarray) -> Outline:
    return Outline(LabelMap(labels, AFFINE, scheme("dentate2")), None, (), "by hand")


def scene() -> tuple[np.ndarray, np.ndarray]:
    """Left: a cube of 27 voxels of 0.1 ppm with 0.4 in its middle. Right: a row of 0.01, 0.02 … 0.10 ppm."""
    labels, ppm = np.zeros(SHAPE, np.int16), np.full(SHAPE, -0.01, np.float32)
    ppm[0] = 0
    labels[1:4, 1:4, 1:4], ppm[1:4, 1:4, 1:4] = LEFT, 0.1
    ppm[2, 2, 2] = 0.4
    labels[6, 6, 1:11] = RIGHT
    ppm[6, 6, 1:11] = np.arange(1, 11) / 100
    return labels, ppm


def measure(labels: np.ndarray, ppm: np.ndarray, reference: Reference = NO_REFERENCE) -> dict[tuple, Measurement]:
    found = susceptibility(outline(labels), Scan(ppm, AFFINE, "map", "qsm", "ppm"), reference=reference)
    return {(m.side, m.quantity.removeprefix("susceptibility_")): m for m in found}


def test_the_numbers_by_hand() -> None:
    found = measure(*scene())
    left = {quantity: m.value for (side, quantity), m in found.items() if side == "left"}
    assert left == pytest.approx(
        # 27 voxels: two go from each end, so that the one of 0.4 does not count; the core is that one.
        {"mean": 3.0 / 27, "median": 0.1, "sd": 0.3 / 27**0.5, "trimmed_mean": 0.1, "eroded_mean": 0.4},
        rel=1e-5,
    )
    right = {quantity: m.value for (side, quantity), m in found.items() if side == "right"}
    assert right["mean"] == pytest.approx(0.055)
    assert right["median"] == pytest.approx(0.055)
    assert right["sd"] == pytest.approx(np.sqrt(82.5 / 9) / 100)  # squares of 4.5 … 4.5 sum to 82.5
    assert right["trimmed_mean"] == pytest.approx(0.055)
    assert all((m.structure, m.unit) == ("dentate nucleus", "ppm") for m in found.values())
    assert [found[side, "mean"].label for side in ("left", "right", "both")] == [LEFT, RIGHT, None]


def test_both_sides_are_pooled_voxel_by_voxel() -> None:
    both = measure(*scene())["both", "mean"]
    assert both.value == pytest.approx((3.0 + 0.55) / 37)
    assert both.method == "mean of 37 voxels, both sides pooled; not calibrated"


def test_a_thin_nucleus_has_no_core_and_says_so() -> None:
    thin = measure(*scene())["right", "eroded_mean"]
    assert np.isnan(thin.value)
    assert thin.method == "mean without the outermost layer of voxels of 0 voxels; not calibrated; undefined: 1 wanted"


def test_voxels_outside_the_maps_mask_are_left_out_and_counted() -> None:
    labels, ppm = scene()
    ppm[6, 6, 1:4] = 0
    found = measure(labels, ppm)["right", "mean"]
    assert found.value == pytest.approx(0.49 / 7)
    assert found.method == "mean of 7 voxels; 3 outside the map's mask left out; not calibrated"


def test_an_empty_nucleus_is_undefined() -> None:
    labels, ppm = scene()
    found = measure(np.where(labels == LEFT, 0, labels), ppm)
    assert all(np.isnan(m.value) for (side, _), m in found.items() if side == "left")
    assert "undefined" in found["left", "sd"].method
    assert found["both", "mean"].value == pytest.approx(0.055)


def test_a_reference_is_subtracted_from_all_but_the_spread_and_printed() -> None:
    labels, ppm = scene()
    region = np.zeros(SHAPE, np.uint8)
    region[0] = 3  # outside the map: does not count
    region[6, 6, 1:3] = 3  # 0.01 and 0.02
    # The mask's first axis runs the other way.
    flipped = AFFINE @ np.array([[-1, 0, 0, 7], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    reference = Reference("csf.nii.gz", IntegerVolume(region[::-1], flipped))
    found, plain = measure(labels, ppm, reference), measure(labels, ppm)
    assert found["left", "mean"].reference == "csf.nii.gz: 0.015000 ppm subtracted"
    assert found["left", "mean"].value == pytest.approx(plain["left", "mean"].value - 0.015)
    assert found["left", "eroded_mean"].value == pytest.approx(0.385)
    assert found["left", "sd"].value == plain["left", "sd"].value
    assert (found["left", "sd"].reference, plain["left", "mean"].reference) == ("", "none")


def test_the_whole_brain_is_all_that_is_not_zero() -> None:
    labels, ppm = scene()
    mean = float(ppm[1:].mean())
    assert measure(labels, ppm, WHOLE_BRAIN)["left", "median"].value == pytest.approx(0.1 - mean, abs=1e-6)


def test_a_reference_without_a_voxel_of_the_map_is_refused() -> None:
    region = np.zeros(SHAPE, np.uint8)
    region[0] = 1
    with pytest.raises(MaskError, match=r"'csf\.nii' holds none"):
        measure(*scene(), Reference("csf.nii", IntegerVolume(region, AFFINE)))
    with pytest.raises(MaskError, match="A reference region on the scan's grid is wanted"):
        measure(*scene(), Reference("csf.nii", IntegerVolume(region[1:], AFFINE)))
