"""A corrected mask counts, in any of the scan's orientations; one that does not fit is refused with a sentence."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from deepgray import review
from deepgray.anatomy import scheme, structure
from deepgray.errors import MaskError
from deepgray.recipe import Task
from deepgray.result import Decision, Outline, Pose, StructureUncertainty
from deepgray.scan import IntegerVolume, LabelMap, Scan
from deepgray.space import reordered_grid

WHEN = "2026-01-02T03:04:05+00:00"
STRIATUM = scheme("striatum")
LEFT_CAUDATE, LEFT_PUTAMEN, LEFT_PALLIDUM = 11, 12, 13
RIGHT_CAUDATE, RIGHT_PUTAMEN, RIGHT_PALLIDUM = 50, 51, 52
# Oblique and anisotropic, the first axis running to the left: voxels of 2 × 1.5 × 1 mm, 3 mm³.
AFFINE = np.eye(4)
AFFINE[:3, :3] = Rotation.from_euler("zx", [8, 5], degrees=True).as_matrix() @ np.diag([-2.0, 1.5, 1.0])
AFFINE[:3, 3] = (40.0, -20.0, -10.0)
VOXEL_MM3 = 3.0


def proposed_voxels() -> np.ndarray:
    """Right is where the first index is low. The left side is larger, and the head is not in the middle."""
    voxels = np.zeros((30, 20, 12), np.int16)
    voxels[4:8, 4:10, 3:8] = RIGHT_CAUDATE
    voxels[2:4, 4:10, 3:8] = RIGHT_PUTAMEN
    voxels[2:4, 10:12, 3:8] = RIGHT_PALLIDUM
    voxels[17:21, 4:11, 3:8] = LEFT_CAUDATE
    voxels[21:24, 4:11, 3:8] = LEFT_PUTAMEN
    voxels[21:24, 11:13, 3:8] = LEFT_PALLIDUM
    return voxels


@pytest.fixture
def scan() -> Scan:
    return Scan(np.random.default_rng(0).random((30, 20, 12), dtype=np.float32), AFFINE, stem="scan")


@pytest.fixture
def outline() -> Outline:
    sure = tuple(StructureUncertainty(s, 0.1) for s in STRIATUM.structures)
    return Outline(LabelMap(proposed_voxels(), AFFINE, STRIATUM), None, sure, "network x 1", ("a note",))


def bring(mask: np.ndarray, scan: Scan, outline: Outline, affine: np.ndarray = AFFINE) -> Decision:
    return review.corrected(IntegerVolume(mask, affine), reviewer="A. Reader", when=WHEN)(scan, outline)


def whole_striatum() -> np.ndarray:
    voxels = proposed_voxels()
    return np.isin(voxels, [LEFT_CAUDATE, LEFT_PUTAMEN, RIGHT_CAUDATE, RIGHT_PUTAMEN]).astype(np.uint8)


def test_accept_takes_the_outline_as_it_is(scan: Scan, outline: Outline) -> None:
    decision = review.accept(scan, outline)
    assert (decision.kind, decision.reviewer, decision.when) == ("accepted", "batch", "")
    assert decision.outline is outline
    assert decision.changes == ()


def test_a_labelled_mask_is_the_new_outline(scan: Scan, outline: Outline) -> None:
    mask = proposed_voxels()
    mask[17, 4:11, 3:8] = 0  # 35 voxels of the left caudate go
    mask[24, 4:6, 3:8] = LEFT_PUTAMEN  # 10 voxels of the left putamen come
    decision = bring(mask, scan, outline)
    np.testing.assert_array_equal(decision.outline.labels.voxels, mask)
    assert (decision.kind, decision.reviewer, decision.when) == ("corrected", "A. Reader", WHEN)
    assert decision.outline.method == "corrected by A. Reader"
    assert decision.outline.notes == ("a note",)
    assert decision.outline.probabilities is None
    assert decision.outline.uncertainty == ()
    changes = {c.structure.key: (c.added_mm3, c.removed_mm3, c.dice) for c in decision.changes}
    # Left caudate 140 voxels before, 105 after; left putamen 105 before, 115 after.
    assert changes["left caudate"] == pytest.approx((0.0, 35 * VOXEL_MM3, 2 * 105 / 245))
    assert changes["left putamen"] == pytest.approx((10 * VOXEL_MM3, 0.0, 2 * 105 / 220))
    assert changes["right caudate"] == (0.0, 0.0, 1.0)
    assert np.isnan(changes["left accumbens"][2])
    assert len(changes) == len(STRIATUM.structures)


def test_the_proposed_outline_is_not_written_on(scan: Scan, outline: Outline) -> None:
    bring(whole_striatum(), scan, outline)
    np.testing.assert_array_equal(outline.labels.voxels, proposed_voxels())


def test_pallidum_stays_unless_the_mask_has_it(scan: Scan, outline: Outline) -> None:
    mask = proposed_voxels()
    mask[np.isin(mask, [LEFT_PALLIDUM, RIGHT_PALLIDUM])] = 0
    kept = bring(mask, scan, outline).outline.labels.voxels
    np.testing.assert_array_equal(kept, proposed_voxels())
    mask[22, 11, 3:8] = LEFT_PALLIDUM
    given = bring(mask, scan, outline).outline.labels.voxels
    np.testing.assert_array_equal(given, mask)


def test_what_the_mask_draws_over_the_pallidum_is_striatum(scan: Scan, outline: Outline) -> None:
    mask = whole_striatum()
    mask[21:24, 11, 3:8] = 1
    labels = bring(mask, scan, outline).outline.labels.voxels
    assert (labels[21:24, 11, 3:8] == LEFT_PUTAMEN).all()
    assert (labels[21:24, 12, 3:8] == LEFT_PALLIDUM).all()


def test_a_binary_mask_takes_the_nearest_structure_in_millimetres(scan: Scan, outline: Outline) -> None:
    mask = whole_striatum()
    mask[16, 4:11, 3:8] = 1  # beside the left caudate
    mask[8, 4:10, 3:8] = 1  # beside the right caudate
    mask[2, 4, 9] = 1  # two voxels of 1 mm above the right putamen
    mask[23, 4:11, 3:8] = 0
    labels = bring(mask, scan, outline).outline.labels.voxels
    expected = proposed_voxels()
    expected[16, 4:11, 3:8] = LEFT_CAUDATE
    expected[8, 4:10, 3:8] = RIGHT_CAUDATE
    expected[2, 4, 9] = RIGHT_PUTAMEN
    expected[23, 4:11, 3:8] = 0
    np.testing.assert_array_equal(labels, expected)


def test_a_binary_mask_that_is_the_proposal_changes_nothing(scan: Scan, outline: Outline) -> None:
    decision = bring(whole_striatum(), scan, outline)
    np.testing.assert_array_equal(decision.outline.labels.voxels, proposed_voxels())
    assert all(c.added_mm3 == c.removed_mm3 == 0 for c in decision.changes)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize(
    "flips", [(False, False, False), (True, False, False), (False, True, True), (True, True, True)]
)
def test_every_equivalent_orientation_gives_the_same_outline(
    scan: Scan, outline: Outline, order: tuple[int, int, int], flips: tuple[bool, bool, bool]
) -> None:
    mask = proposed_voxels()
    mask[17, 4:9, 3:6] = 0
    turned = np.flip(mask.transpose(order), axis=tuple(a for a in range(3) if flips[a]))
    affine = reordered_grid(scan.grid, order, flips).affine_ras
    np.testing.assert_array_equal(bring(turned, scan, outline, affine).outline.labels.voxels, mask)


def test_a_correction_that_empties_a_structure_says_so(scan: Scan, outline: Outline) -> None:
    mask = proposed_voxels()
    mask[mask == LEFT_PUTAMEN] = LEFT_CAUDATE
    assert "the correction leaves nothing of: left putamen" in bring(mask, scan, outline).outline.notes


def test_one_side_alone_may_be_corrected_with_labels(scan: Scan, outline: Outline) -> None:
    mask = proposed_voxels()
    mask[:10] = 0
    decision = bring(mask, scan, outline)
    assert not np.isin(decision.outline.labels.voxels, [RIGHT_CAUDATE, RIGHT_PUTAMEN]).any()
    assert "nothing of: right caudate, right putamen" in decision.outline.notes[-1]


def test_a_label_map_is_taken_like_integers(scan: Scan, outline: Outline) -> None:
    mask = LabelMap(proposed_voxels(), AFFINE, STRIATUM)
    decision = review.corrected(mask, reviewer="A. Reader", when=WHEN)(scan, outline)
    np.testing.assert_array_equal(decision.outline.labels.voxels, proposed_voxels())


def test_another_grid_is_refused_and_told_apart(scan: Scan, outline: Outline) -> None:
    shifted = AFFINE.copy()
    shifted[0, 3] += 1.0
    with pytest.raises(
        MaskError, match=r"on the scan's grid is wanted, 30 × 20 × 12 voxels of 2 × 1.5 × 1 mm .*; 30 × "
    ):
        bring(proposed_voxels(), scan, outline, shifted)
    with pytest.raises(MaskError, match=r"29 × 20 × 12 voxels .* came"):
        bring(proposed_voxels()[1:], scan, outline)


def test_an_empty_mask_is_refused(scan: Scan, outline: Outline) -> None:
    with pytest.raises(MaskError, match="an empty one came"):
        bring(np.zeros((30, 20, 12), np.uint8), scan, outline)


def test_unknown_labels_are_refused_by_number(scan: Scan, outline: Outline) -> None:
    mask = proposed_voxels()
    mask[0, 0, 0], mask[0, 0, 1] = 99, 77
    with pytest.raises(MaskError, match=r"of the labels 11, 12, 13, 26, 50, 51, 52, 58, is wanted; 77, 99 came"):
        bring(mask, scan, outline)


def test_left_labels_on_the_right_are_refused(scan: Scan, outline: Outline) -> None:
    swapped = proposed_voxels()
    for left, right in ((11, 50), (12, 51), (13, 52)):
        here, there = swapped == left, swapped == right
        swapped[here], swapped[there] = right, left
    with pytest.raises(MaskError, match="with the left caudate on the left is wanted, it lies on the right"):
        bring(swapped, scan, outline)


def test_a_labelled_mask_that_was_flipped_without_its_header_is_refused(scan: Scan, outline: Outline) -> None:
    with pytest.raises(MaskError, match=r"it lies on the|lies elsewhere"):
        bring(proposed_voxels()[::-1].copy(), scan, outline)


def test_a_binary_mask_that_was_flipped_without_its_header_is_refused(scan: Scan, outline: Outline) -> None:
    with pytest.raises(MaskError, match="left and right are exchanged came: its mirror image overlaps by 0"):
        bring(whole_striatum()[::-1].copy(), scan, outline)


def test_right_labels_beside_the_left_outline_are_refused_without_overlap(scan: Scan, outline: Outline) -> None:
    mask = proposed_voxels()
    mask[mask == RIGHT_PUTAMEN] = 0
    mask[mask == RIGHT_CAUDATE] = 0
    mask[25:28, 4:10, 3:8] = RIGHT_CAUDATE
    with pytest.raises(MaskError, match="with the right caudate on the right is wanted, it lies on the left"):
        bring(mask, scan, outline)


@pytest.mark.parametrize("label", [1, LEFT_CAUDATE])
def test_a_mask_that_lies_elsewhere_is_refused(scan: Scan, outline: Outline, label: int) -> None:
    mask = np.zeros((30, 20, 12), np.uint8)
    mask[10:14, 16:19, 9:11] = label
    with pytest.raises(MaskError, match="lies elsewhere"):
        bring(mask, scan, outline)


def test_where_the_network_drew_nothing_labels_are_wanted(scan: Scan) -> None:
    nothing = Outline(LabelMap(np.zeros((30, 20, 12), np.int16), AFFINE, STRIATUM), None, (), "network x 1")
    with pytest.raises(MaskError, match="because the network drew nothing"):
        bring(whole_striatum(), scan, nothing)
    drawn = bring(proposed_voxels(), scan, nothing).outline.labels.voxels
    np.testing.assert_array_equal(drawn, proposed_voxels())


TASK = Task("striatum", "title", "mr", "striatum", "head-locate", "striatum-outline", review_above=0.2)


def pose_of(confidence: float) -> Pose:
    coarse = LabelMap(np.zeros((2, 2, 2), np.uint8), np.eye(4), scheme("coarse"))
    return Pose(np.eye(4), confidence, coarse)


def outline_of(voxels: np.ndarray, scores: tuple[float, ...] = (), notes: tuple[str, ...] = ()) -> Outline:
    unsure = tuple(StructureUncertainty(s, score) for s, score in zip(STRIATUM.structures, scores, strict=False))
    return Outline(LabelMap(voxels, AFFINE, STRIATUM), None, unsure, "network x 1", notes)


def full_voxels() -> np.ndarray:
    voxels = proposed_voxels()
    voxels[10, 10, 10], voxels[11, 10, 10] = 58, 26
    return voxels


def test_nothing_is_flagged_when_all_is_well(scan: Scan) -> None:
    outline = outline_of(full_voxels(), (0.1,) * 8)
    assert review.flags(pose_of(0.9), outline, review.accept(scan, outline), task=TASK) == ()


def test_an_unsure_outline_asks_for_a_person_and_names_the_worst(scan: Scan) -> None:
    outline = outline_of(full_voxels(), (0.1, 0.6, 0.3, 0.2))
    (flag,) = review.flags(pose_of(0.9), outline, review.accept(scan, outline), task=TASK)
    assert flag.startswith("review: the outline is unsure (0.300, up to 0.2 is usual)")
    assert flag.endswith("left putamen (0.600)")


def test_a_corrected_outline_is_no_longer_unsure(scan: Scan) -> None:
    outline = outline_of(full_voxels(), (0.6,) * 8)
    decision = review.corrected(IntegerVolume(full_voxels(), AFFINE), reviewer="A", when=WHEN)(scan, outline)
    assert review.flags(pose_of(0.9), outline, decision, task=TASK) == ()


def test_pose_edge_absence_and_notes_are_told(scan: Scan) -> None:
    voxels = full_voxels()
    voxels[29, 4, 4] = LEFT_PUTAMEN
    voxels[voxels == 26] = 0
    outline = outline_of(voxels, (0.1,) * 8, ("The left box was enlarged.",))
    found = review.flags(pose_of(0.3), outline, review.accept(scan, outline), task=TASK)
    assert found == (
        "review: the pose of the head is unsure (confidence 0.30, 0.75 is wanted)",
        "review: nothing was outlined of: left accumbens",
        "review: the field of view cuts off: left putamen",
        "The left box was enlarged.",
    )
    assert structure("left putamen").label == LEFT_PUTAMEN


def test_what_is_implausible_asks_for_a_person_until_one_has_looked(scan: Scan) -> None:
    outline, odd = outline_of(full_voxels(), (0.1,) * 8, ("A note.",)), ("left caudate: 9 mm³: look at it",)
    decision = review.accept(scan, outline)
    told = review.flags(pose_of(0.9), outline, decision, task=TASK, implausible=odd)
    assert told == ("review: left caudate: 9 mm³: look at it", "A note.")
    looked = replace(decision, reviewer="A. Reader")
    told = review.flags(pose_of(0.9), outline, looked, task=TASK, implausible=odd)
    assert told == ("left caudate: 9 mm³: look at it", "A note.")


@pytest.mark.parametrize(
    ("zeros", "told"), [(1, ()), (2, ("review: the mask of the map cuts off: left dentate nucleus (20 %)",))]
)
def test_a_nucleus_that_the_maps_mask_cuts_asks_for_a_look(zeros: int, told: tuple[str, ...]) -> None:
    labels, ppm = np.zeros((12, 4, 4), np.int16), np.full((12, 4, 4), 0.1, np.float32)
    labels[1:11, 1, 1], labels[1:11, 3, 3] = 301, 302
    ppm[1 : 1 + zeros, 1, 1] = 0
    drawn = Outline(LabelMap(labels, np.eye(4), scheme("dentate2")), None, (), "by hand")
    assert review.outside_mask(Scan(ppm, np.eye(4), "map", "qsm", "ppm"), drawn) == told
    assert review.outside_mask(Scan(ppm, np.eye(4), "scan"), drawn) == ()
