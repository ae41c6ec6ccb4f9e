import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepgray.anatomy import Scheme, Side, Structure, scheme
from deepgray.measure import volumes
from deepgray.result import Measurement, Outline
from deepgray.scan import LabelMap, Probabilities
from deepgray.space import Grid, reordered_grid

# Tilted and sheared: spacing √(1 + 0.25) mm along the first axis, but a voxel is still 1 × 2 × 1.5 = 3 mm³.
AFFINE = np.array([[1.0, 0, 0, -5], [0.5, 2.0, 0, 3], [0, 0, 1.5, 7], [0, 0, 0, 1.0]])
SHAPE = (6, 5, 4)


def outline(counts: dict[int, int], *, of: Scheme, probabilities: Probabilities | None = None) -> Outline:
    """The first voxels of the array belong to the first label, and so on."""
    flat = np.zeros(np.prod(SHAPE), dtype=np.int16)
    filled = np.repeat(list(counts), list(counts.values()))
    flat[: len(filled)] = filled
    labels = LabelMap(flat.reshape(SHAPE), AFFINE, of)
    return Outline(labels, probabilities, (), method="by hand")


def find(measured: tuple[Measurement, ...], name: str, side: str, quantity: str = "volume") -> Measurement:
    (one,) = [m for m in measured if (m.structure, m.side, m.quantity) == (name, side, quantity)]
    return one


def test_volume_is_voxels_times_the_determinant() -> None:
    measured = volumes(outline({11: 10, 50: 5}, of=scheme("striatum4")))
    left = find(measured, "caudate", "left")
    assert (left.value, left.unit, left.label) == (pytest.approx(30.0), "mm3", 11)
    assert find(measured, "caudate", "right").value == pytest.approx(15.0)
    both = find(measured, "caudate", "both")
    assert (both.value, both.label) == (pytest.approx(45.0), None)
    assert both.method == "voxels × voxel volume (both sides)"


def test_a_structure_that_was_not_found_has_no_volume() -> None:
    assert find(volumes(outline({11: 10}, of=scheme("striatum4"))), "putamen", "left").value == 0


def test_asymmetry_is_positive_where_the_left_is_larger() -> None:
    # 30 and 15 mm³: 100 · 15 / 22.5.
    asymmetry = find(volumes(outline({11: 10, 50: 5}, of=scheme("striatum4"))), "caudate", "both", "asymmetry")
    assert asymmetry.value == pytest.approx(200 / 3)
    assert asymmetry.unit == "%"
    assert asymmetry.method == "100 × (left − right) / ((left + right) / 2), of volume"


def test_asymmetry_of_one_empty_side_is_200_percent() -> None:
    measured = volumes(outline({50: 5}, of=scheme("striatum4")))
    assert find(measured, "caudate", "both", "asymmetry").value == -200


def test_asymmetry_of_two_empty_sides_is_undefined_and_says_why() -> None:
    asymmetry = find(volumes(outline({11: 10}, of=scheme("striatum4"))), "putamen", "both", "asymmetry")
    assert np.isnan(asymmetry.value)
    assert asymmetry.method.endswith("undefined: both sides are empty")


def test_whole_striatum_is_caudate_putamen_accumbens_without_pallidum() -> None:
    counts = {11: 10, 12: 20, 26: 3, 13: 7, 50: 5, 51: 6, 58: 1, 52: 9}
    measured = volumes(outline(counts, of=scheme("striatum")))
    assert find(measured, "striatum", "left").value == pytest.approx(99.0)
    assert find(measured, "striatum", "right").value == pytest.approx(36.0)
    both = find(measured, "striatum", "both")
    assert both.value == pytest.approx(135.0)
    assert both.method == "voxels × voxel volume (sum of caudate, putamen, accumbens, both sides)"
    assert find(measured, "striatum", "both", "asymmetry").value == pytest.approx(100 * 63 / 67.5)
    assert {m.label for m in measured if m.structure == "striatum"} == {None}


def test_no_whole_striatum_where_a_part_is_missing() -> None:
    assert all(m.structure != "striatum" for m in volumes(outline({11: 1}, of=scheme("striatum4"))))


def test_whole_striatum_of_twelve_subregions() -> None:
    counts = {label: 2 for label in range(101, 113)} | {101: 4}
    measured = volumes(outline(counts, of=scheme("striatum12")))
    assert find(measured, "striatum", "left").value == pytest.approx(42.0)
    assert find(measured, "striatum", "right").value == pytest.approx(36.0)


def test_the_coarse_striatum_is_not_counted_twice() -> None:
    measured = volumes(outline({21: 2}, of=scheme("coarse")))
    assert find(measured, "striatum", "left").label == 21
    assert find(measured, "brainstem", "midline").value == 0


def test_midline_and_one_sided_structures_have_no_asymmetry() -> None:
    lone = Scheme("lone", (Structure("lump", "L", Side.LEFT, 7, "user", (1, 2, 3)),))
    assert [(m.side, m.quantity) for m in volumes(outline({7: 2}, of=lone))] == [("left", "volume")]


def test_partial_volume_is_the_sum_of_probabilities() -> None:
    voxels = np.zeros((2, 2, 2, 2), dtype=np.float32)
    voxels[0, 0] = 0.25  # four voxels of a quarter: one voxel
    voxels[1, :, 0] = [[1.0, 0.5], [0.0, 0.5]]  # two voxels
    caudate = scheme("striatum4").by_label()
    known = Probabilities(voxels, (caudate[11], caudate[50]), (1, 2, 0), Grid(SHAPE, AFFINE))
    measured = volumes(outline({11: 10, 50: 5}, of=scheme("striatum4"), probabilities=known))
    assert find(measured, "caudate", "left", "volume_partial").value == pytest.approx(3.0)
    assert find(measured, "caudate", "right", "volume_partial").value == pytest.approx(6.0)
    both = find(measured, "caudate", "both", "volume_partial")
    assert both.value == pytest.approx(9.0)
    assert both.method == "sum of probabilities × voxel volume (both sides)"
    assert all(m.structure != "putamen" for m in measured if m.quantity == "volume_partial")
    assert find(measured, "caudate", "both", "asymmetry").value == pytest.approx(200 / 3)  # of the voxels counted


def test_no_partial_volume_without_probabilities() -> None:
    assert all(m.quantity != "volume_partial" for m in volumes(outline({11: 1}, of=scheme("striatum4"))))


def test_voxels_outside_the_scheme_are_not_counted() -> None:
    assert sum(m.value for m in volumes(outline({99: 7}, of=scheme("dentate2"))) if m.quantity == "volume") == 0


@given(st.permutations(range(3)), st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_turning_the_array_changes_nothing(order: list[int], flips: tuple[bool, bool, bool]) -> None:
    straight = outline({11: 10, 50: 5, 12: 7}, of=scheme("striatum"))
    voxels = np.flip(straight.labels.voxels.transpose(order), tuple(axis for axis in range(3) if flips[axis]))
    grid = reordered_grid(straight.labels.grid, (order[0], order[1], order[2]), flips)
    turned = Outline(LabelMap(voxels, grid.affine_ras, scheme("striatum")), None, (), method="by hand")
    assert [m.value for m in volumes(turned)] == pytest.approx([m.value for m in volumes(straight)], nan_ok=True)
