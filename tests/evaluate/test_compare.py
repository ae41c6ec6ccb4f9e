import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist

from deepgray.anatomy import Scheme, Side, Structure, scheme, structure
from deepgray.errors import GeometryError, SettingsError
from deepgray.evaluate import Score, compare
from deepgray.scan import LabelMap
from deepgray.space import Grid, reordered_grid
from deepgray.voxels.surface import surface

STRIATUM4 = scheme("striatum4")
# Tilted about z, spacing 1 × 2 × 1.5 mm, voxel volume 3 mm³.
AFFINE = np.array([[0.8, -1.2, 0, -5], [0.6, 1.6, 0, 3], [0, 0, 1.5, 7], [0, 0, 0, 1.0]])
LABELS = arrays(np.int16, (5, 4, 6), elements=st.sampled_from([0, 11, 50, 12]))
FLIPS = st.tuples(st.booleans(), st.booleans(), st.booleans())


def label_map(voxels: np.ndarray, *, affine: np.ndarray = AFFINE, of: Scheme = STRIATUM4) -> LabelMap:
    return LabelMap(voxels, affine, of)


def boxes(*, shift: int = 0) -> np.ndarray:
    """A left caudate of 3 × 3 × 3 voxels, a right one of 2 × 3 × 3; shifted along the second axis."""
    voxels = np.zeros((14, 12, 9), dtype=np.int16)
    voxels[1:4, 2 + shift : 5 + shift, 2:5] = 11
    voxels[9:11, 2 + shift : 5 + shift, 2:5] = 50
    return voxels


def find(scores: tuple[Score, ...], name: str, side: str) -> Score:
    return next(s for s in scores if s.structure == name and s.side == side)


def test_rows_are_left_right_both_structure_by_structure() -> None:
    scores = compare(label_map(boxes()), label_map(boxes()))
    assert [(s.structure, s.side) for s in scores] == [
        ("caudate", "left"),
        ("caudate", "right"),
        ("caudate", "both"),
        ("putamen", "left"),
        ("putamen", "right"),
        ("putamen", "both"),
    ]


def test_left_comes_first_whatever_the_order_of_the_scheme() -> None:
    right_first = Scheme("right first", (structure("right caudate"), structure("left caudate")))
    scores = compare(label_map(boxes()), label_map(boxes(), of=right_first))
    assert [s.side for s in scores] == ["left", "right", "both"]


def test_boxes_shifted_by_one_voxel_of_2_mm() -> None:
    scores = compare(label_map(boxes(shift=1)), label_map(boxes()))
    left, both = find(scores, "caudate", "left"), find(scores, "caudate", "both")
    assert left.dice == pytest.approx(2 / 3)  # 18 of 27 voxels overlap
    assert left.hd95_mm == pytest.approx(2.0)
    assert left.hd_scaled_mm == pytest.approx(1.9)
    assert left.rvd == 0
    assert left.predicted_mm3 == left.truth_mm3 == pytest.approx(81.0)
    assert both.dice == pytest.approx(2 / 3)
    assert both.truth_mm3 == pytest.approx(81.0 + 54.0)


def test_surface_of_shifted_box_by_hand() -> None:
    # Of each box one end sticks out of the other, 2 mm beyond it: a face of 2 × 2 blocks, four bevelled edges of 2
    # blocks, four corners. The face of the other end lies inside the other box, 1 mm (one voxel along x) from its
    # sides; its edges and corners lie on them, as do the sides.
    scores = compare(label_map(boxes(shift=1)), label_map(boxes()), tolerance_mm=1.0)
    corner = 0.5 * np.sqrt((1.0 * 0.75) ** 2 + (0.5 * 0.75) ** 2 + (0.5 * 1.0) ** 2)
    along_x, along_y, along_z = np.hypot(1.0, 0.75), 2 * np.hypot(0.5, 0.75), 1.5 * np.hypot(0.5, 1.0)
    end = 4 * 1.5 + 4 * along_x + 4 * along_z + 4 * corner
    whole = 4 * 2 * (1.5 + 3.0 + 2.0) + 8 * (along_x + along_y + along_z) + 8 * corner
    assert find(scores, "caudate", "left").surface_dice == pytest.approx(1 - end / whole)


def test_empty_in_both_in_one_and_in_the_other() -> None:
    truth, predicted = boxes(), boxes()
    predicted[predicted == 50] = 0
    predicted[1, 1, 1] = 12
    scores = compare(label_map(predicted), label_map(truth))
    missed, invented = find(scores, "caudate", "right"), find(scores, "putamen", "left")
    absent = find(scores, "putamen", "right")
    assert (missed.dice, missed.surface_dice, missed.rvd) == (0, 0, 1)
    assert missed.hd95_mm == missed.assd_mm == np.inf
    assert (invented.dice, invented.surface_dice, invented.rvd) == (0, 0, np.inf)
    assert np.isnan([absent.dice, absent.hd95_mm, absent.assd_mm, absent.surface_dice, absent.rvd]).all()


def test_two_empty_maps() -> None:
    empty = label_map(np.zeros((4, 4, 4), dtype=np.uint8))
    assert all(np.isnan(score.dice) for score in compare(empty, empty))


def test_structures_are_matched_by_name_not_by_label() -> None:
    other = Scheme("other", (Structure("caudate", "C", Side.LEFT, 1, "user", (1, 2, 3)), structure("left thalamus")))
    renamed = np.where(boxes() == 11, 1, 0).astype(np.uint8)
    (score,) = compare(label_map(renamed, of=other), label_map(boxes()))
    assert (score.structure, score.side, score.dice) == ("caudate", "left", 1)


def test_refuses_schemes_without_a_common_structure() -> None:
    with pytest.raises(SettingsError, match=r"left caudate.*left dentate nucleus"):
        compare(label_map(boxes(), of=scheme("dentate2")), label_map(boxes()))


def test_refuses_a_negative_tolerance() -> None:
    with pytest.raises(SettingsError, match=r"0 mm or more is wanted, -1"):
        compare(label_map(boxes()), label_map(boxes()), tolerance_mm=-1)


def test_refuses_another_grid() -> None:
    moved = AFFINE.copy()
    moved[0, 3] += 0.5
    with pytest.raises(GeometryError, match=r"same voxels.*14 × 12 × 9.*begin at \(-5\.0.*begin at \(-4\.5"):
        compare(label_map(boxes(), affine=moved), label_map(boxes()))


@given(LABELS, LABELS, st.permutations(range(3)), FLIPS)
def test_turning_the_array_of_either_changes_nothing(
    predicted: np.ndarray, truth: np.ndarray, order: list[int], flips: tuple[bool, bool, bool]
) -> None:
    grid = reordered_grid(Grid((5, 4, 6), AFFINE), (order[0], order[1], order[2]), flips)

    def turned(voxels: np.ndarray) -> LabelMap:
        array = np.flip(voxels.transpose(order), tuple(axis for axis in range(3) if flips[axis]))
        return label_map(array, affine=grid.affine_ras)

    straight = compare(label_map(predicted), label_map(truth))
    for scores in (
        compare(turned(predicted), turned(truth)),
        compare(turned(predicted), label_map(truth)),
        compare(label_map(predicted), turned(truth)),
    ):
        for one, other in zip(straight, scores, strict=True):
            assert numbers(one) == pytest.approx(numbers(other), nan_ok=True)


@given(LABELS, LABELS)
def test_all_but_the_volume_difference_is_symmetric(predicted: np.ndarray, truth: np.ndarray) -> None:
    there, back = (compare(label_map(a), label_map(b)) for a, b in ((predicted, truth), (truth, predicted)))
    for one, other in zip(there, back, strict=True):
        assert numbers(one)[:5] == pytest.approx(numbers(other)[:5], nan_ok=True)


@given(LABELS, LABELS)
def test_agrees_with_brute_force(predicted: np.ndarray, truth: np.ndarray) -> None:
    """Distances from every element to every other, percentiles by counting up area, one structure without cropping."""
    spacing_mm = np.array([1.0, 2.0, 1.5])
    score = find(compare(label_map(predicted), label_map(truth)), "caudate", "both")
    masks = [np.isin(voxels, (11, 50)) for voxels in (predicted, truth)]
    if not all(mask.any() for mask in masks):
        return
    a, b = (surface(mask, spacing_mm=spacing_mm) for mask in masks)
    between = cdist(a.points_mm, b.points_mm)
    pooled = sorted(zip([*between.min(1), *between.min(0)], [*a.areas_mm2, *b.areas_mm2], strict=True))
    total = sum(area for _, area in pooled)
    assert score.dice == pytest.approx(2 * (masks[0] & masks[1]).sum() / (masks[0].sum() + masks[1].sum()))
    assert score.assd_mm == pytest.approx(sum(mm * area for mm, area in pooled) / total)
    assert score.surface_dice == pytest.approx(sum(area for mm, area in pooled if mm < 1.001) / total)
    assert score.hd_scaled_mm == pytest.approx(0.95 * pooled[-1][0])
    below = sum(area for mm, area in pooled if mm < score.hd95_mm - 1e-6) / total
    upto = sum(area for mm, area in pooled if mm < score.hd95_mm + 1e-6) / total
    assert below < 0.95 + 1e-6
    assert upto > 0.95 - 1e-6


def numbers(score: Score) -> list[float]:
    return [score.dice, score.hd95_mm, score.assd_mm, score.surface_dice, score.hd_scaled_mm, score.rvd]
