"""Binding of a tracer, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy_heads import STORAGES, stored

from deepgray.anatomy import scheme
from deepgray.measure import binding, uptakes
from deepgray.measure.binding import asymmetry_index, binding_ratio
from deepgray.measure.references import Level
from deepgray.result import Measurement, Outline, Pose
from deepgray.scan import LabelMap, Scan
from deepgray.space import Grid, reordered_grid

# Its first axis runs to the left; the middle of voxel (8, 10, 6) is the anterior commissure.
AFFINE = np.array([[-2.0, 0, 0, 16.0], [0, 2.0, 0, -20.0], [0, 0, 3.0, -18.0], [0, 0, 0, 1]])
SHAPE = (16, 20, 12)
CEREBELLUM = Level("cerebellum", 2.0, "by hand")
LABELS = {("caudate", "left"): 11, ("putamen", "left"): 12, ("accumbens", "left"): 26}
LABELS |= {("caudate", "right"): 50, ("putamen", "right"): 51, ("accumbens", "right"): 58}


def scene() -> tuple[np.ndarray, np.ndarray]:
    """Labels and activity: 12 voxels a putamen, 8 of them behind the commissure; 4 a caudate; 2 an accumbens."""
    labels, activity = np.zeros(SHAPE, np.int16), np.full(SHAPE, 1.0, np.float32)
    for side, x in (("left", slice(12, 14)), ("right", slice(2, 4))):
        sign = 1.0 if side == "left" else 0.5
        for name, y, z, value in (
            ("caudate", slice(12, 14), 8, 6.0),
            ("putamen", slice(10, 12), 6, 8.0),  # y 0 and 2 mm: in front
            ("putamen", slice(6, 10), 6, 4.0),  # y −8 to −2 mm
            ("accumbens", slice(14, 15), 5, 10.0),
        ):
            labels[x, y, z], activity[x, y, z] = LABELS[name, side], value * sign
    return labels, activity


def numbers(
    labels: np.ndarray,
    activity: np.ndarray,
    *levels: Level,
    affine: np.ndarray = AFFINE,
    world: np.ndarray | None = None,
) -> dict[tuple[str, str, str], Measurement]:
    """What is measured; ``world`` moves the scan and the head in it alike."""
    move = np.eye(4) if world is None else world
    found = LabelMap(labels, move @ affine, scheme("datspect"))
    pose = Pose(np.linalg.inv(move), 1.0, found)
    scan = Scan(activity, move @ affine, "scan", "spect")
    measured = binding(
        uptakes(Outline(found, None, (), "by hand"), scan, pose), levels or (CEREBELLUM,), unit="arbitrary"
    )
    return {(m.structure, m.side, m.quantity): m for m in measured}


def test_the_ratios_by_hand() -> None:
    found = numbers(*scene())
    value = {key: m.value for key, m in found.items()}
    assert value["caudate", "left", "uptake_mean"] == 6.0
    assert value["caudate", "left", "sbr"] == 6 / 2 - 1
    assert value["caudate", "right", "sbr"] == 3 / 2 - 1
    assert value["putamen", "left", "sbr"] == pytest.approx((4 * 8 + 8 * 4) / 12 / 2 - 1)
    assert value["anterior putamen", "left", "sbr"] == 8 / 2 - 1
    assert value["posterior putamen", "left", "sbr"] == 4 / 2 - 1
    assert value["accumbens", "left", "sbr"] == 10 / 2 - 1
    # 4 caudate voxels of 6 and 12 putamen voxels that sum to 64
    assert value["dorsal striatum", "left", "sbr"] == pytest.approx((24 + 64) / 16 / 2 - 1)
    assert value["striatum", "left", "sbr"] == pytest.approx((24 + 64 + 20) / 18 / 2 - 1)
    assert value["caudate", "both", "sbr"] == pytest.approx((6 + 3) / 2 / 2 - 1)
    assert value["caudate", "both", "asi"] == pytest.approx(100 * (2 - 0.5) / (2 + 0.5))
    assert value["putamen", "left", "putamen_caudate_ratio"] == pytest.approx((64 / 12 / 2 - 1) / 2)
    assert found["caudate", "left", "sbr"].label == 11
    assert found["dorsal striatum", "left", "sbr"].label is None
    assert found["caudate", "left", "sbr"].reference == "cerebellum: 2 (by hand)"
    assert found["dorsal striatum", "both", "sbr"].method == (
        "mean of 32 voxels / mean of the reference − 1, caudate and putamen, both sides pooled"
    )
    assert "without a factor of one half" in found["caudate", "both", "asi"].method


def test_a_further_reference_carries_its_name() -> None:
    found = numbers(*scene(), CEREBELLUM, Level("occipital", 3.0, "by hand"))
    assert found["caudate", "left", "sbr"].value == 2.0
    assert found["caudate", "left", "sbr_occipital"].value == 1.0
    assert ("caudate", "both", "asi_occipital") in found
    assert len([key for key in found if key[2] == "uptake_mean"]) == 7 * 3


@pytest.mark.parametrize("mean", [0.0, -0.5])
def test_a_reference_of_zero_or_below_gives_no_number(mean: float) -> None:
    reason = f"a reference mean above 0 is wanted, {mean:.4g} came"
    found = numbers(*scene(), Level("cerebellum", mean, "by hand", reason))
    told = [m for (_, _, quantity), m in found.items() if quantity != "uptake_mean"]
    assert told
    assert all(np.isnan(m.value) for m in told)
    assert found["caudate", "left", "sbr"].method.endswith(f"undefined: {reason}")
    assert found["caudate", "left", "uptake_mean"].value == 6.0


def test_a_missing_reference_leaves_the_others() -> None:
    found = numbers(
        *scene(), Level("cerebellum", float("nan"), "", "it is cut off"), Level("occipital", 3.0, "by hand")
    )
    assert np.isnan(found["caudate", "left", "sbr"].value)
    assert found["caudate", "left", "sbr"].reference == "cerebellum: none"
    assert found["caudate", "left", "sbr_occipital"].value == 1.0


def test_an_empty_structure_has_no_number() -> None:
    labels, activity = scene()
    labels[labels == 26] = 0
    found = numbers(labels, activity)
    assert np.isnan(found["accumbens", "left", "uptake_mean"].value)
    assert found["accumbens", "left", "sbr"].method.endswith("undefined: the structure is empty")
    assert found["accumbens", "both", "asi"].method.endswith("undefined: a side has no SBR")
    assert found["accumbens", "both", "sbr"].value == pytest.approx(5 / 2 - 1)


def test_the_asymmetry_has_no_factor_of_a_half() -> None:
    assert asymmetry_index(3.0, 1.0) == (50.0, "")
    assert asymmetry_index(1.0, 3.0) == (50.0, "")


@pytest.mark.parametrize(("left", "right"), [(0.0, 0.0), (-1.0, 0.5), (-1.0, 1.0)])
def test_an_asymmetry_of_nothing_is_undefined(left: float, right: float) -> None:
    value, reason = asymmetry_index(left, right)
    assert np.isnan(value)
    assert reason.startswith("a sum of both sides above 0 is wanted")


def test_no_ratio_to_a_caudate_without_binding() -> None:
    labels, activity = scene()
    activity[labels == 11] = 2.0
    found = numbers(labels, activity)["putamen", "left", "putamen_caudate_ratio"]
    assert np.isnan(found.value)
    assert "a caudate with an SBR above 0" in found.method


@given(scale=st.floats(1e-3, 1e3), mean=st.floats(-10, 100), level=st.floats(0.01, 50))
def test_a_ratio_does_not_depend_on_the_scale(scale: float, mean: float, level: float) -> None:
    one, _ = binding_ratio(mean, Level("a", level, ""))
    other, _ = binding_ratio(scale * mean, Level("a", scale * level, ""))
    assert one == pytest.approx(other, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(("order", "flips"), STORAGES[::5])
def test_sides_and_numbers_do_not_depend_on_how_the_scan_is_stored(
    order: tuple[int, int, int], flips: tuple[bool, bool, bool]
) -> None:
    labels, activity = scene()
    turn = np.eye(4)
    turn[:3, :3] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    turn[:3, 3] = 5, -40, 12
    affine = reordered_grid(Grid(SHAPE, AFFINE), order, flips).affine_ras
    here = numbers(labels, activity)
    there = numbers(stored(labels, order, flips), stored(activity, order, flips), affine=affine, world=turn)
    assert {k: m.value for k, m in there.items()} == pytest.approx({k: m.value for k, m in here.items()}, nan_ok=True)
