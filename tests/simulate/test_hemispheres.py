"""Label maps carried into the frame of one side, on toy heads whose left caudate is longer than the right one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from toy_heads import (
    LEFT_CAUDATE_LONGER_MM,
    PART_NAMES,
    STORAGES,
    centres_mm,
    grid_around,
    labels_at,
    parts_at,
    stored,
    turned,
)

from deepgray.anatomy import HEMISPHERES, Side
from deepgray.simulate.hemispheres import (
    SMOOTHING_MM,
    centroid_affine,
    hemisphere,
    on_donor,
    smooth_resample,
    with_basal_forebrain,
)
from deepgray.simulate.tissues import INDEX, TISSUES, output_lookup
from deepgray.space import Affine, Box, Grid, apply_affine, inverse, reordered_grid

FRAME = Box((-40.0, -30.0, -16.0), (12.0, 30.0, 30.0)).grid(1.5)
# Where the head lies in the scanner: turned by up to 20° and shifted.
POSE = turned((10, -20, 15), (5.0, -8.0, 12.0))
NUCLEI = tuple(n for n, t in enumerate(TISSUES) if t.family in ("striatum", "pallidum"))


def members(prefix: str) -> list[int]:
    return [number for name, number in INDEX.items() if name.startswith(prefix)]


def centre_mm(tissues: np.ndarray, prefix: str) -> np.ndarray:
    return centres_mm(FRAME)[np.isin(tissues, members(prefix))].mean(axis=0)


def volume_mm3(tissues: np.ndarray, prefix: str) -> float:
    return float(np.isin(tissues, members(prefix)).sum()) * FRAME.voxel_volume_mm3


def world_grid() -> Grid:
    """Anisotropic voxels on the axes of a turned head, large enough for its nuclei."""
    upright = grid_around((0.0, 0.0, 4.0), (110.0, 90.0, 70.0), (1.5, 2.0, 1.8))
    return Grid(upright.shape, inverse(POSE) @ turned((0, 0, 10), (0.0, 0.0, 0.0)) @ upright.affine_ras)


WORLD = world_grid()
CANONICAL = apply_affine(POSE, centres_mm(WORLD))
LABELS, PARTS = labels_at(CANONICAL), parts_at(CANONICAL)


def side_of(side: Side, labels: np.ndarray = LABELS, affine: Affine = WORLD.affine_ras) -> np.ndarray:
    return hemisphere(labels, affine, source="freesurfer", side=side, frame=(POSE, FRAME))


SIDES = {side: side_of(side) for side in HEMISPHERES}


@pytest.mark.parametrize("side", HEMISPHERES)
def test_both_sides_land_on_the_left(side: Side) -> None:
    # The toy head's putamen lies 25 mm from the midline, its accumbens 8 mm; the frame looks at the left side.
    np.testing.assert_allclose(centre_mm(SIDES[side], "putamen/"), (-25, -1, 4), atol=0.4)
    np.testing.assert_allclose(centre_mm(SIDES[side], "accumbens/"), (-8, 8, -2), atol=0.5)
    np.testing.assert_allclose(centre_mm(SIDES[side], "caudate/"), (-12, 4, 13), atol=0.4)


def test_the_longer_caudate_is_the_left_one() -> None:
    # Ellipsoids of 6 × 8 × 7 mm and 6 × (8 + 3) × 7 mm.
    left, right = (volume_mm3(SIDES[side], "caudate/") for side in HEMISPHERES)
    assert left / right == pytest.approx((8 + LEFT_CAUDATE_LONGER_MM) / 8, rel=0.04)
    assert right == pytest.approx(4 / 3 * np.pi * 6 * 8 * 7, rel=0.05)


@pytest.mark.parametrize("side", HEMISPHERES)
def test_what_is_seen_of_the_other_side_lies_there(side: Side) -> None:
    other = centres_mm(FRAME)[np.isin(SIDES[side], members("other "))]
    assert len(other) > 0
    assert other[:, 0].min() > 0
    assert output_lookup(("caudate", "putamen", "accumbens", "pallidum"))[members("other ")].max() == 0


def test_a_mirrored_head_swaps_its_sides() -> None:
    # The same numbers seen in a mirror: left numbers now lie on the right side of the world.
    mirrored_from_world = np.diag([-1.0, 1.0, 1.0, 1.0]) @ POSE
    mirrored = labels_at(apply_affine(mirrored_from_world, centres_mm(WORLD)))
    numbers = np.arange(600)
    for left, right in ((11, 50), (12, 51), (26, 58), (13, 52), (10, 49), (17, 53), (18, 54), (28, 60), (2, 41)):
        numbers[left], numbers[right] = right, left
    swapped = side_of(Side.RIGHT, numbers[mirrored])
    nuclei = np.isin(SIDES[Side.LEFT], NUCLEI)
    assert (swapped == SIDES[Side.LEFT])[nuclei].mean() > 0.9


@pytest.mark.parametrize("storage", STORAGES[::7])
def test_how_the_map_is_stored_makes_no_difference(
    storage: tuple[tuple[int, int, int], tuple[bool, bool, bool]],
) -> None:
    other = reordered_grid(WORLD, *storage)
    again = side_of(Side.RIGHT, stored(LABELS, *storage), other.affine_ras)
    assert (again != SIDES[Side.RIGHT]).mean() < 1e-3


@pytest.mark.parametrize("side", HEMISPHERES)
def test_nuclei_are_cut_into_their_parts(side: Side) -> None:
    cut = hemisphere(
        LABELS, WORLD.affine_ras, source="freesurfer", side=side, frame=(POSE, FRAME), parts=PARTS,
        part_names=PART_NAMES,
    )  # fmt: skip
    for whole in ("caudate/", "putamen/", "accumbens/"):
        np.testing.assert_array_equal(np.isin(cut, members(whole)), np.isin(SIDES[side], members(whole)))
    front = centres_mm(FRAME)[..., 1]
    # The toy head is cut at y = 0; labels of 2 mm are carried by the nearest voxel.
    assert front[cut == INDEX["caudate/anterior caudate"]].min() > -2.0
    assert front[cut == INDEX["caudate/posterior caudate"]].max() < 2.0
    assert front[cut == INDEX["putamen/anterior putamen"]].min() > -2.0
    assert front[cut == INDEX["putamen/posterior putamen"]].max() < 2.0
    assert (cut == INDEX["putamen/posterior putamen"]).sum() > 100


def test_without_parts_the_nuclei_stay_whole() -> None:
    assert (SIDES[Side.LEFT] == INDEX["caudate/posterior caudate"]).sum() == 0
    assert (SIDES[Side.LEFT] == INDEX["caudate/anterior caudate"]).sum() > 0


def test_the_third_ventricle_keeps_its_place() -> None:
    np.testing.assert_allclose(centre_mm(SIDES[Side.LEFT], "third ventricle")[[0, 2]], (0, 2), atol=0.6)


def test_labels_beyond_the_table_are_air() -> None:
    labels = LABELS.copy()
    labels[labels == 12] = 12_101
    assert volume_mm3(side_of(Side.LEFT, labels), "putamen/") == 0


def test_a_ball_keeps_its_place_and_size_when_it_is_smoothed() -> None:
    grid = grid_around((0.0, 0.0, 0.0), (30.0, 30.0, 30.0), (1.0, 1.0, 2.0))
    ball = (np.linalg.norm(centres_mm(grid) - [2, -1, 1], axis=-1) < 8).astype(np.uint8)
    target = grid_around((0.0, 0.0, 0.0), (28.0, 28.0, 28.0), (0.8, 0.8, 0.8))
    fine = smooth_resample(ball, grid.affine_ras, target, world_from_target=np.eye(4), smoothing_mm=SMOOTHING_MM)
    places = centres_mm(target)[fine == 1]
    np.testing.assert_allclose(places.mean(axis=0), (2, -1, 1), atol=0.15)
    assert len(places) * 0.8**3 == pytest.approx(4 / 3 * np.pi * 8**3, rel=0.04)


def test_where_the_source_ends_there_is_air_even_if_it_holds_none() -> None:
    full = np.full((6, 6, 6), 5, dtype=np.uint8)
    target = grid_around((2.5, 2.5, 2.5), (12.0, 12.0, 12.0), (1.0, 1.0, 1.0))
    moved = smooth_resample(full, np.eye(4), target, world_from_target=np.eye(4), smoothing_mm=0.7)
    inside = ((centres_mm(target) >= 0) & (centres_mm(target) <= 5)).all(axis=-1)
    assert set(np.unique(moved[inside])) == {5}
    assert set(np.unique(moved[~inside])) == {0}


def claustrum_distances_mm(insula_mm: float) -> np.ndarray:
    """Distances from the putamen of what becomes claustrum when the cortex begins ``insula_mm`` from it."""
    labels = np.full(LABELS.shape, 2, dtype=np.int16)
    labels[CANONICAL[..., 0] > -20] = 12
    labels[CANONICAL[..., 0] < -20 - insula_mm] = 3
    found = side_of(Side.LEFT, labels) == INDEX["claustrum"]
    return -20 - centres_mm(FRAME)[found][:, 0]


def test_the_claustrum_lies_between_putamen_and_insula() -> None:
    distances = claustrum_distances_mm(6.0)
    assert len(distances) > 100
    # From 1.3 mm on, in a frame of 1.5 mm: the layer beside the putamen, whose surface is rough by half a voxel.
    assert np.median(distances) == pytest.approx(1.25)
    assert np.abs(distances - 1.25).max() <= 1.5


def test_no_claustrum_where_the_cortex_is_far() -> None:
    assert len(claustrum_distances_mm(15.0)) == 0


def test_nuclei_are_placed_in_a_donor() -> None:
    donor = SIDES[Side.LEFT]
    # A map of nuclei alone: what the toy head labels deep inside, 2 mm further to the front.
    nuclei = np.where(np.isin(donor, [*NUCLEI, *members("thalamus")]), donor, 0).astype(np.uint8)
    nuclei = np.roll(nuclei, 2, axis=1)
    placed = on_donor(nuclei, donor, np.eye(4), FRAME)
    np.testing.assert_array_equal(placed[nuclei > 0], nuclei[nuclei > 0])
    # The donor's own nuclei are gone where the new ones do not lie.
    assert not np.isin(placed[nuclei == 0], NUCLEI).any()
    assert (placed[(nuclei == 0) & (donor == INDEX["third ventricle"])] == INDEX["third ventricle"]).all()


def test_centroids_tell_how_one_map_lies_to_another() -> None:
    donor = SIDES[Side.LEFT].copy()
    donor[np.isin(donor, [*members("hippocampus"), *members("amygdala")])] = INDEX["white matter"]  # cut by the frame
    shifted = np.roll(donor, (-2, 3, 1), axis=(0, 1, 2))
    affine = centroid_affine(donor, shifted, FRAME)
    np.testing.assert_allclose(apply_affine(affine, np.array([-15.0, 0.0, 5.0])), (-18.0, 4.5, 6.5), atol=0.1)


def test_the_basal_forebrain_lies_below_putamen_and_accumbens_and_replaces_no_nucleus() -> None:
    before = SIDES[Side.LEFT]
    after = with_basal_forebrain(before, FRAME)
    basal = after == INDEX["basal forebrain"]
    rim = after == INDEX["accumbens rim"]
    np.testing.assert_array_equal(after[~basal & ~rim], before[~basal & ~rim])
    assert basal.sum() > 50
    assert not np.isin(before[basal], NUCLEI).any()
    places = centres_mm(FRAME)[basal]
    # Its box, canonical mm of the left side.
    assert (places >= [-28, -14, -20]).all()
    assert (places <= [-4, 14, -1]).all()
    # Within 5 mm of putamen, accumbens or pallidum.
    nuclei = centres_mm(FRAME)[np.isin(before, NUCLEI)]
    assert cdist(places, nuclei).min(axis=1).max() < 5


def test_the_rim_lies_behind_and_below_the_accumbens_and_replaces_no_nucleus() -> None:
    before = SIDES[Side.LEFT]
    rim = with_basal_forebrain(before, FRAME) == INDEX["accumbens rim"]
    assert rim.any()
    assert not np.isin(before[rim], NUCLEI).any()
    accumbens = centres_mm(FRAME)[np.isin(before, members("accumbens/"))]
    places = centres_mm(FRAME)[rim]
    assert cdist(places, accumbens).min(axis=1).max() < 2.1
    assert (places >= [-20, -4, -14]).all()
    assert (places <= [-1, 13, 2]).all()


def test_tissue_maps_that_were_kept_stay_true() -> None:
    # Prepared maps on disk hold these numbers: a new tissue goes to the end of the table.
    assert [INDEX[name] for name in ("air", "white matter", "claustrum", "midline tissue", "basal forebrain")] == [
        0, 15, 47, 48, 49,
    ]  # fmt: skip
