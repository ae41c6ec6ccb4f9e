"""Outlining ellipsoids of known place and size, with a network that goes by brightness and by the nearest ellipsoid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from drawing_networks import NUCLEI, Ellipsoid, recipe_of
from scipy.ndimage import gaussian_filter
from toy_heads import STORAGES, Point, centres_mm, ellipsoid, grid_around, stored, turned

from deepgray.anatomy import Scheme, Side, scheme, structure
from deepgray.engine import Network
from deepgray.errors import FieldOfViewError, SettingsError
from deepgray.models import Model
from deepgray.outline import ENLARGE_MM, MOST_UNLIKE, deep_structures, outline, outline_on
from deepgray.recipe import Recipe
from deepgray.result import Outline, Pose
from deepgray.scan import LabelMap, Scan
from deepgray.space import Affine, Grid, apply_affine, inverse, reordered_grid, same_grid

RECIPE = recipe_of("striatum-outline")
STRIATUM = scheme("striatum")
# The left caudate is longer than the right one, from front to back.
LONGER = Ellipsoid("caudate", (-12, 4, 11), (6, 21, 11))
TURNED = turned((12, -8, 20), (3.0, -6.0, 9.0))
# Shape and voxel size differ along every axis; the directions are those of the head, turned by another 15°.
UPRIGHT = grid_around((0, 0, 8), (108, 100, 84), (2.0, 2.4, 1.7))


def frame_of(shape: tuple[int, ...]) -> Grid:
    """The recipe's box, or the enlarged one, by its number of voxels."""
    boxes = (RECIPE.box, RECIPE.box.enlarged(ENLARGE_MM))
    return next(box.grid(RECIPE.spacing_mm) for box in boxes if box.grid(RECIPE.spacing_mm).shape == shape)


def nearest(places: np.ndarray) -> np.ndarray:
    """Number of the ellipsoid (0–3) that a place on the left belongs to."""
    far = [(((places - n.centre_mm) / np.array(n.radii_mm)) ** 2).sum(axis=-1) for n in NUCLEI]
    return np.argmin(far, axis=0)


def by_brightness(inputs: np.ndarray) -> np.ndarray:
    image = inputs[0, 0].astype(np.float64)
    own = nearest(centres_mm(frame_of(image.shape)))
    steep = 20.0 * (image - 0.5)
    return np.stack([-steep, *(np.where(own == n, steep, -99.0) for n in range(4))])[None].astype(np.float32)


def model_of(forward: Callable[[np.ndarray], np.ndarray]) -> Model:
    return Model("striatum-outline", "7", "0" * 64, Network(RECIPE, "toy", forward), RECIPE, "")


MODEL = model_of(by_brightness)


def pose_of(canonical_from_world: Affine) -> Pose:
    coarse = LabelMap(np.zeros((2, 2, 2), np.uint8), np.eye(4), scheme("coarse"))
    return Pose(canonical_from_world, 1.0, coarse)


def truth_of(grid: Grid, canonical_from_world: Affine, *, more: tuple[Ellipsoid, ...] = ()) -> np.ndarray:
    """Labels of scheme striatum on a grid; ``more`` is added to the left side."""
    places = apply_affine(canonical_from_world, centres_mm(grid))
    labels = np.zeros(grid.shape, np.int16)
    for side, own in (("left", places), ("right", places * [-1, 1, 1])):
        table = np.array([structure(f"{side} {n.name}").label for n in NUCLEI])
        drawn = (*NUCLEI, LONGER, *more) if side == "left" else NUCLEI
        within = np.any([ellipsoid(own, d.centre_mm, d.radii_mm) for d in drawn], axis=0)
        labels[within] = table[nearest(own)][within]
    return labels


def scan_of(labels: np.ndarray, grid: Grid) -> Scan:
    return Scan(np.where(labels > 0, np.float32(500), np.float32(100)), grid.affine_ras, "toy")


def outlined(labels: np.ndarray, grid: Grid, canonical_from_world: Affine, model: Model = MODEL) -> Outline:
    return outline(scan_of(labels, grid), pose_of(canonical_from_world), model=model, scheme=STRIATUM)


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * float((one & other).sum()) / float(one.sum() + other.sum())


OBLIQUE = Grid(UPRIGHT.shape, inverse(TURNED) @ turned((0, 15, 0), (0, 0, 0)) @ UPRIGHT.affine_ras)
TRUTH = truth_of(OBLIQUE, TURNED)
FOUND = outlined(TRUTH, OBLIQUE, TURNED)


@pytest.mark.parametrize("wanted", STRIATUM.structures, ids=lambda s: s.key)
def test_every_structure_is_found_where_it_is(wanted: object) -> None:
    assert dice(FOUND.labels.mask(wanted), wanted.label == TRUTH) > 0.9


def test_the_labels_lie_on_the_scans_own_grid() -> None:
    np.testing.assert_array_equal(FOUND.labels.affine_ras, OBLIQUE.affine_ras)
    assert FOUND.labels.voxels.shape == OBLIQUE.shape
    assert FOUND.probabilities is not None
    assert same_grid(FOUND.probabilities.grid, OBLIQUE)
    assert FOUND.method == "network striatum-outline 7"
    assert FOUND.notes == ()


def test_the_longer_caudate_is_the_left_one() -> None:
    left, right = (int(FOUND.labels.mask(structure(f"{side} caudate")).sum()) for side in ("left", "right"))
    truth = [int((structure(f"{side} caudate").label == TRUTH).sum()) for side in ("left", "right")]
    assert left / right == pytest.approx(truth[0] / truth[1], rel=0.05)
    assert truth[0] > 1.2 * truth[1]


def test_probabilities_agree_with_the_labels() -> None:
    probabilities = FOUND.probabilities
    assert probabilities is not None
    assert [s.key for s in probabilities.structures] == [s.key for s in STRIATUM.structures]
    assert probabilities.voxels.min() >= 0
    assert probabilities.voxels.sum(axis=0).max() <= 1.0001
    labels = FOUND.labels.voxels[probabilities.block]
    assert (probabilities.voxels[1][labels == structure("left putamen").label] > 0.4).all()
    outside = FOUND.labels.voxels.copy()
    outside[probabilities.block] = 0
    assert not outside.any()


def test_sharp_structures_are_sure() -> None:
    assert [u.structure.key for u in FOUND.uncertainty] == [s.key for s in STRIATUM.structures]
    assert all(0 <= u.score < 0.2 for u in FOUND.uncertainty)


@pytest.mark.parametrize("storage", STORAGES, ids=str)
def test_an_array_stored_in_another_way_with_its_header_gives_the_same_labels(
    storage: tuple[tuple[int, int, int], tuple[bool, bool, bool]],
) -> None:
    other = reordered_grid(OBLIQUE, *storage)
    found = outlined(stored(TRUTH, *storage), other, TURNED)
    np.testing.assert_array_equal(found.labels.affine_ras, other.affine_ras)
    wanted = stored(FOUND.labels.voxels, *storage)
    # Rounding may turn a voxel whose probability is even.
    assert (found.labels.voxels != wanted).sum() <= 2


# The world turned so that a head whose array was flipped, header untouched, looks upright again: a flip along the
# second or third axis is a mirror together with half a turn.
@pytest.mark.parametrize(("axis", "turn", "left_sign"), [(0, (0, 0, 0), -1), (1, (0, 0, 180), 1), (2, (0, 180, 0), 1)])
def test_an_array_flipped_without_its_header_keeps_the_sides_of_the_world(
    axis: int, turn: Point, left_sign: int
) -> None:
    middle = grid_around((0, 0, 0), (100, 104, 100), (2.0, 2.0, 2.0))
    flipped = np.flip(truth_of(middle, np.eye(4)), axis).copy()
    found = outlined(flipped, middle, turned(turn, (0, 0, 0)))
    for wanted in STRIATUM.structures:
        places = apply_affine(middle.affine_ras, np.argwhere(found.labels.mask(wanted)))
        sign = left_sign if wanted.side is Side.LEFT else -left_sign
        assert (places[:, 0] * sign).min() > 0
    # The longer caudate, once left, is now the right one.
    left, right = (int(found.labels.mask(structure(f"{side} caudate")).sum()) for side in ("left", "right"))
    assert right > 1.2 * left


def test_a_box_outside_the_field_of_view_is_refused() -> None:
    with pytest.raises(FieldOfViewError, match=r"holds left caudate, left putamen, .* is wanted, it covers 0 %"):
        outlined(TRUTH, OBLIQUE, turned((0, 0, 0), (300, 0, 0)) @ TURNED)


def test_a_box_that_is_cut_is_refused() -> None:
    # Only what lies above z = 0 is in view: 40 of 64 mm.
    upper = UPRIGHT.crop((0, 0, 20), UPRIGHT.shape)
    low = float(apply_affine(upper.affine_ras, np.zeros(3))[2])
    assert -1 < low < 1
    with pytest.raises(FieldOfViewError, match=r"covers 6\d % of their box"):
        outlined(truth_of(upper, np.eye(4)), upper, np.eye(4))


def without(*keys: str) -> np.ndarray:
    labels = TRUTH.copy()
    labels[np.isin(labels, [structure(key).label for key in keys])] = 0
    return labels


RIGHT = tuple(s.key for s in STRIATUM.of_side(Side.RIGHT))


def test_a_side_without_nuclei_is_empty_and_unscored() -> None:
    found = outlined(without(*RIGHT), OBLIQUE, TURNED)
    left = np.isin(FOUND.labels.voxels, [s.label for s in STRIATUM.of_side(Side.LEFT)])
    np.testing.assert_array_equal(found.labels.voxels, np.where(left, FOUND.labels.voxels, 0))
    assert [u.structure for u in found.uncertainty] == list(STRIATUM.of_side(Side.LEFT))
    assert found.score == pytest.approx(np.mean([u.score for u in FOUND.uncertainty[:4]]), abs=1e-6)


def test_a_scan_without_most_nuclei_is_refused_and_they_are_named() -> None:
    wanted = "left caudate, right caudate, right putamen, right accumbens, right pallidum is wanted"
    with pytest.raises(FieldOfViewError, match=wanted):
        outlined(without("left caudate", *RIGHT), OBLIQUE, TURNED)


def test_a_speck_is_no_nucleus() -> None:
    # Two voxels of 2 × 2.4 × 1.7 mm are 16 mm³, in the middle of where the right caudate was.
    labels = without("right caudate")
    label = structure("right caudate").label
    x, y, z = np.rint(np.argwhere(np.isin(TRUTH, label)).mean(axis=0)).astype(int)
    labels[x, y, z : z + 2] = label
    found = outlined(labels, OBLIQUE, TURNED)
    assert not found.labels.mask(structure("right caudate")).any()
    assert found.labels.mask(structure("right putamen")).any()


@pytest.mark.parametrize(
    ("reach_mm", "note"),
    [
        (-48.0, "The left box was enlarged."),
        (-60.0, "The left box was enlarged, and its content still reaches the border."),
    ],
)
def test_a_box_whose_content_touches_its_border_is_enlarged_once(reach_mm: float, note: str) -> None:
    # The box ends at −44 mm, the enlarged one at −52 mm.
    wide = grid_around((0, 0, 8), (128, 100, 84), (2.0, 2.4, 2.0))
    more = Ellipsoid("putamen", (-36, 0, 3), (-36 - reach_mm, 9, 9))
    shapes: list[tuple[int, ...]] = []

    def counted(inputs: np.ndarray) -> np.ndarray:
        shapes.append(inputs.shape[2:])
        return by_brightness(inputs)

    truth = truth_of(wide, np.eye(4), more=(more,))
    found = outlined(truth, wide, np.eye(4), model_of(counted))
    assert shapes == [(22, 40, 32), (30, 48, 40), (22, 40, 32)]  # left, left again, right
    assert found.notes == (note,)
    label = structure("left putamen").label
    reached = apply_affine(wide.affine_ras, np.argwhere(found.labels.voxels == label))[:, 0].min()
    assert reached == pytest.approx(max(reach_mm, -52.0), abs=2.1)


def test_an_island_far_from_the_nuclei_is_left_out() -> None:
    island = Ellipsoid("putamen", (-36, -32, 32), (4, 4, 4))
    found = outlined(truth_of(UPRIGHT, np.eye(4), more=(island,)), UPRIGHT, np.eye(4))
    places = centres_mm(UPRIGHT)
    assert not found.labels.voxels[ellipsoid(places, island.centre_mm, (6, 6, 6))].any()


def test_a_large_piece_apart_from_the_others_stays() -> None:
    piece = Ellipsoid("putamen", (-32, -26, 28), (11, 11, 11))
    truth = truth_of(UPRIGHT, np.eye(4), more=(piece,))
    wanted = ellipsoid(centres_mm(UPRIGHT), piece.centre_mm, piece.radii_mm)
    found = outlined(truth, UPRIGHT, np.eye(4)).labels.voxels
    assert (found[wanted] > 0).mean() > 0.95


def deep_of(grid: Grid, canonical_from_world: Affine, recipe: Recipe = RECIPE) -> LabelMap:
    model = Model("deep-outline", "7", "0" * 64, Network(recipe, "toy", by_brightness), recipe, "")
    scan = scan_of(truth_of(grid, canonical_from_world), grid)
    return deep_structures(scan, pose_of(canonical_from_world), model=model, scheme=STRIATUM)


def test_deep_structures_of_both_sides_lie_where_they_are() -> None:
    found = deep_of(OBLIQUE, TURNED)
    np.testing.assert_allclose(found.grid.spacing_mm, 2.0)
    wanted = truth_of(found.grid, TURNED)
    for each in STRIATUM.structures:
        assert dice(found.mask(each), wanted == each.label) > 0.88, each.key


@pytest.mark.parametrize("storage", STORAGES[::7], ids=str)
def test_deep_structures_do_not_depend_on_how_the_array_is_stored(
    storage: tuple[tuple[int, int, int], tuple[bool, bool, bool]],
) -> None:
    one, other = deep_of(OBLIQUE, TURNED), deep_of(reordered_grid(OBLIQUE, *storage), TURNED)
    np.testing.assert_allclose(one.affine_ras, other.affine_ras)
    assert (one.voxels != other.voxels).sum() <= 4  # rounding may turn a voxel whose probability is even


def test_a_deep_structure_that_the_field_of_view_cuts_is_left_out() -> None:
    front = UPRIGHT.crop((0, 14, 0), UPRIGHT.shape)
    low = float(apply_affine(front.affine_ras, np.zeros(3))[1])
    assert -17 < low < -15  # the left caudate and both putamina begin behind it
    found = {s.key for s in STRIATUM.structures if (deep := deep_of(front, np.eye(4))).mask(s).any()}
    assert deep.voxels.any()
    assert found == {s.key for s in STRIATUM.structures} - {"left caudate", "left putamen", "right putamen"}


def test_deep_structures_whose_halves_do_not_meet_are_refused() -> None:
    with pytest.raises(SettingsError, match="'deep-outline': a box that begins whole or half voxels from x = 0"):
        deep_of(OBLIQUE, TURNED, recipe_of("striatum-outline", low_mm=(-43.5, -40.0, -24.0)))


def test_a_scheme_of_fewer_structures_takes_only_those() -> None:
    few = outline(scan_of(TRUTH, OBLIQUE), pose_of(TURNED), model=MODEL, scheme=scheme("striatum4"))
    assert set(np.unique(few.labels.voxels)) == {0, 11, 12, 50, 51}
    assert dice(few.labels.voxels == 12, FOUND.labels.voxels == 12) > 0.99


def test_a_structure_that_the_network_does_not_know_is_refused() -> None:
    unknown = Scheme("mine", (structure("left thalamus"), structure("right thalamus")))
    with pytest.raises(SettingsError, match="'mine' wants thalamus"):
        outline(scan_of(TRUTH, OBLIQUE), pose_of(TURNED), model=MODEL, scheme=unknown)


def test_the_fine_outline_has_voxels_of_1_mm_in_the_same_place() -> None:
    """Every ellipsoid has the middle and the volume that it was drawn with, on either grid."""
    found = outline(
        scan_of(truth_of(UPRIGHT, np.eye(4)), UPRIGHT), pose_of(np.eye(4)), model=MODEL, scheme=STRIATUM, fine=True
    )
    fine = found.fine
    assert fine is not None
    assert fine.grid.spacing_mm == pytest.approx((1, 1, 1))
    for s in STRIATUM.structures:
        places = [apply_affine(m.affine_ras, np.argwhere(m.mask(s))) for m in (found.labels, fine)]
        assert places[1].mean(axis=0) == pytest.approx(places[0].mean(axis=0), abs=0.5)
        assert len(places[1]) == pytest.approx(len(places[0]) * UPRIGHT.voxel_volume_mm3, rel=0.1)


def test_an_outline_on_a_grid_of_another_direction_lies_where_the_structures_are() -> None:
    scan, pose = scan_of(truth_of(UPRIGHT, np.eye(4)), UPRIGHT), pose_of(np.eye(4))
    other = Grid((100, 100, 80), inverse(TURNED) @ grid_around((0, 0, 8), (130, 130, 104), (1.3, 1.3, 1.3)).affine_ras)
    found = outline_on(other, scan, pose, model=MODEL, scheme=STRIATUM)
    assert same_grid(found.grid, other)
    truth = truth_of(other, np.eye(4))
    for wanted in STRIATUM.structures:
        assert dice(found.mask(wanted), truth == wanted.label) > 0.88
    own = outline(scan, pose, model=MODEL, scheme=STRIATUM).labels.voxels
    np.testing.assert_array_equal(outline_on(scan.grid, scan, pose, model=MODEL, scheme=STRIATUM).voxels, own)


def test_nobody_asked_for_a_fine_outline() -> None:
    found = outline(scan_of(truth_of(UPRIGHT, np.eye(4)), UPRIGHT), pose_of(np.eye(4)), model=MODEL, scheme=STRIATUM)
    assert found.fine is None


def test_planes_that_are_zero_all_over_were_not_imaged() -> None:
    """A scan that is cut and filled up with zeros is refused as one that is cut."""
    scan = scan_of(truth_of(UPRIGHT, np.eye(4)), UPRIGHT)
    height = centres_mm(UPRIGHT)[0, 0, :, 2]
    cut = Scan(scan.voxels * (height < -5).astype(np.float32), scan.affine_ras, "cut")
    with pytest.raises(FieldOfViewError, match=r"A field of view that holds left caudate.* is wanted, it covers"):
        outline(cut, pose_of(np.eye(4)), model=MODEL, scheme=STRIATUM)


def test_sides_are_made_more_alike_by_the_part_that_the_recipe_says() -> None:
    """The left caudate is larger; half of the difference of the logarithms goes, the product of both volumes stays."""
    sharp = scan_of(TRUTH, OBLIQUE)
    scan = replace(sharp, voxels=gaussian_filter(sharp.voxels, 1.5))
    models = (MODEL, replace(MODEL, recipe=replace(RECIPE, sides_alike=0.5)))
    sheets = [outline(scan, pose_of(TURNED), model=m, scheme=STRIATUM).labels for m in models]
    for name in ("caudate", "putamen"):
        keys = [structure(f"{side} {name}") for side in ("left", "right")]
        before, after = (np.array([int(sheet.mask(k).sum()) for k in keys]) for sheet in sheets)
        assert np.log(after[0] / after[1]) == pytest.approx(0.5 * np.log(before[0] / before[1]), abs=0.03)
        assert after.prod() == pytest.approx(before.prod(), rel=0.06)


def test_sides_that_differ_too_much_are_left_as_they_are() -> None:
    larger = truth_of(OBLIQUE, TURNED, more=(Ellipsoid("caudate", (-12, 4, 11), (9, 26, 16)),))
    alike = replace(MODEL, recipe=replace(RECIPE, sides_alike=1.0))
    before, after = (outlined(larger, OBLIQUE, TURNED, m).labels for m in (MODEL, alike))
    left, right = (structure(f"{side} caudate") for side in ("left", "right"))
    assert before.mask(left).sum() > MOST_UNLIKE * before.mask(right).sum()
    for s in (left, right):
        np.testing.assert_allclose(after.mask(s).sum(), before.mask(s).sum(), rtol=0.01)


def wide(forward: Callable[[np.ndarray], np.ndarray]) -> Model:
    """A network that sees both sides at 4 mm and answers for a box that is 4 mm longer at the back and the front."""
    seen = {"wide_low_mm": (-100.0, -84.0, -64.0), "wide_high_mm": (100.0, 84.0, 64.0), "wide_spacing_mm": 4.0}
    recipe = recipe_of("striatum-outline", name="wide", low_mm=(-44.0, -44.0, -24.0), high_mm=(0.0, 44.0, 40.0), **seen)
    return Model("wide", "1", "1" * 64, Network(recipe, "toy", forward), recipe, "")


def no_caudate_in_front(inputs: np.ndarray) -> np.ndarray:
    """Undecided, but for the caudate in front of y = 4 mm."""
    assert inputs.shape == (1, 1, 50, 42, 32)
    logits = np.zeros((1, 5, 22, 44, 32), np.float32)
    logits[0, 1, :, 24:] = -1000.0
    return logits


def test_the_mean_of_both_networks_counts() -> None:
    both = outlined(TRUTH, OBLIQUE, TURNED, replace(MODEL, beside=wide(no_caudate_in_front))).labels
    front = apply_affine(TURNED, centres_mm(OBLIQUE))[..., 1]
    for side in ("left", "right"):
        alone, now = (sheet.mask(structure(f"{side} caudate")) for sheet in (FOUND.labels, both))
        assert not now[front > 7].any()
        assert dice(now[front < 1], alone[front < 1]) > 0.98
        assert alone[front > 7].sum() > 100
        putamen = structure(f"{side} putamen")
        assert dice(FOUND.labels.mask(putamen), both.mask(putamen)) > 0.98


def test_one_structure_is_drawn_further_outside_than_the_others() -> None:
    sharp = scan_of(TRUTH, OBLIQUE)
    scan = replace(sharp, voxels=gaussian_filter(sharp.voxels, 1.5))
    further = replace(MODEL, recipe=replace(RECIPE, output_logits=(0.0, 5.0, 0.0, 0.0)))
    before, after = (outline(scan, pose_of(TURNED), model=m, scheme=STRIATUM).labels for m in (MODEL, further))
    for side in ("left", "right"):
        caudate, putamen = (structure(f"{side} {name}") for name in ("caudate", "putamen"))
        assert after.mask(putamen).sum() > 1.05 * before.mask(putamen).sum()
        assert after.mask(caudate).sum() <= before.mask(caudate).sum()


def test_an_enlarged_box_is_the_first_networks_alone() -> None:
    grid = grid_around((0, 0, 8), (128, 100, 84), (2.0, 2.4, 2.0))
    truth = truth_of(grid, np.eye(4), more=(Ellipsoid("putamen", (-36, 0, 3), (12, 9, 9)),))
    alone, both = (
        outlined(truth, grid, np.eye(4), m) for m in (MODEL, replace(MODEL, beside=wide(no_caudate_in_front)))
    )
    left, right = (structure(f"{side} caudate") for side in ("left", "right"))
    assert both.notes == ("The left box was enlarged.",)
    np.testing.assert_array_equal(both.labels.mask(left), alone.labels.mask(left))
    assert both.labels.mask(right).sum() < 0.7 * alone.labels.mask(right).sum()


def test_a_wide_network_alone_keeps_its_box_and_says_what_reaches_its_border() -> None:
    """It is told apart by its input: the intensities around the nuclei, both sides, make its scale."""
    own = nearest(centres_mm(wide(by_brightness).recipe.grid))
    shown: list[np.ndarray] = []

    def forward(inputs: np.ndarray) -> np.ndarray:
        shown.append(inputs[0, 0])
        near = inputs[0, 0, 14:25, 10:32, 10:26].repeat(2, 0).repeat(2, 1).repeat(2, 2).astype(np.float64)
        steep = 20.0 * (near - 0.5)
        return np.stack([-steep, *(np.where(own == n, steep, -99.0) for n in range(4))])[None].astype(np.float32)

    grid = grid_around((0, 0, 8), (128, 100, 84), (2.0, 2.4, 2.0))
    truth = truth_of(grid, np.eye(4), more=(Ellipsoid("putamen", (-36, 0, 3), (12, 9, 9)),))
    found = outlined(truth, grid, np.eye(4), wide(forward))
    assert found.notes == ("The content of the left box reaches its border.",)
    assert dice(found.labels.mask(structure("right putamen")), structure("right putamen").label == truth) > 0.8
    for image in shown:
        near = image[14:36, 10:32, 10:26]
        assert np.percentile(near, (1, 99)).tolist() == pytest.approx([0.0, 1.0], abs=0.01)
