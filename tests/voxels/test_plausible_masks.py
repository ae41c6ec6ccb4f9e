"""Masks drawn from probabilities: as often as the probabilities say, coherent, the same on any grid."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from deepgray.anatomy import scheme
from deepgray.scan import LabelMap, Probabilities
from deepgray.space import Grid, apply_affine
from deepgray.voxels.plausible_masks import PlausibleMasks, plausible_masks

STRIATUM = scheme("striatum")
LEFT_PUTAMEN, LEFT_PALLIDUM, RIGHT_PUTAMEN = 12, 13, 51
LOW, SHAPE = (3, 2, 1), (20, 24, 18)


def affine(spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> np.ndarray:
    """Oblique; the block's middle lies in the origin."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("zx", [20, 15], degrees=True).as_matrix() @ np.diag(spacing)
    matrix[:3, 3] = -matrix[:3, :3] @ (np.array(LOW) + (np.array(SHAPE) - 1) / 2)
    return matrix


def outline(
    fields: dict[int, np.ndarray], matrix: np.ndarray | None = None, order: slice = slice(None)
) -> tuple[LabelMap, Probabilities]:
    """A label map and probabilities, (x, y, z) of the block, by label; the likeliest that beats the background."""
    matrix = affine() if matrix is None else matrix
    structures = STRIATUM.structures[order]
    values = np.stack([fields.get(s.label, np.zeros(SHAPE)) for s in structures]).astype(np.float32)
    whole = tuple(n + 2 * low for n, low in zip(SHAPE, LOW, strict=True))
    probabilities = Probabilities(values, structures, LOW, Grid(whole, matrix))
    numbers = np.array([s.label for s in structures])
    labels = np.zeros(whole, np.int16)
    labels[probabilities.block] = np.where(
        values.max(axis=0) > 1 - values.sum(axis=0), numbers[values.argmax(axis=0)], 0
    )
    return LabelMap(labels, matrix, STRIATUM), probabilities


def ball(
    radius_mm: float, centre_mm: tuple[float, float, float] = (0, 0, 0), matrix: np.ndarray | None = None
) -> np.ndarray:
    """Probability of a ball with a soft rim of about 2 mm."""
    matrix = affine() if matrix is None else matrix
    index = np.moveaxis(np.indices(SHAPE), 0, -1) + np.array(LOW)
    distance = np.linalg.norm(apply_affine(matrix, index) - np.array(centre_mm), axis=-1)
    return 1 / (1 + np.exp((distance - radius_mm) / 0.5))


def share(masks: PlausibleMasks, label: int) -> np.ndarray:
    """How often each place has a label."""
    return (masks.drawn == label).mean(axis=0)


def probability_at(masks: PlausibleMasks, probabilities: Probabilities, label: int) -> np.ndarray:
    channel = [s.label for s in probabilities.structures].index(label)
    index = masks.places + np.array([b.start for b in masks.box]) - np.array(probabilities.low)
    return probabilities.voxels[(channel, *index.T)]


def test_each_voxel_is_inside_as_often_as_its_probability_says() -> None:
    labels, probabilities = outline({LEFT_PUTAMEN: ball(6)})
    masks = plausible_masks(labels, probabilities, count=2000)
    difference = share(masks, LEFT_PUTAMEN) - probability_at(masks, probabilities, LEFT_PUTAMEN)
    # The standard error of one place is at most sqrt(.25 / 2000) = .011, and half of it for the part that all share.
    assert np.abs(difference).max() < 0.05
    assert abs(difference.mean()) < 0.005


def test_of_several_structures_each_is_drawn_as_often_as_its_probability_says() -> None:
    putamen, pallidum = 0.6 * ball(6), 0.3 * ball(6)
    labels, probabilities = outline({LEFT_PUTAMEN: putamen, LEFT_PALLIDUM: pallidum})
    masks = plausible_masks(labels, probabilities, count=2000)
    for label in (LEFT_PUTAMEN, LEFT_PALLIDUM):
        difference = share(masks, label) - probability_at(masks, probabilities, label)
        assert np.abs(difference).max() < 0.06
    middle = int(np.linalg.norm(masks.places - masks.places.mean(axis=0), axis=1).argmin())
    assert share(masks, LEFT_PUTAMEN)[middle] == pytest.approx(0.6, abs=0.04)
    assert share(masks, LEFT_PALLIDUM)[middle] == pytest.approx(0.3, abs=0.04)


def test_neighbours_go_together_and_distant_voxels_less() -> None:
    labels, probabilities = outline({LEFT_PUTAMEN: np.full(SHAPE, 0.55)})
    masks = plausible_masks(labels, probabilities, count=1000)
    inside = (masks.drawn == LEFT_PUTAMEN).reshape(1000, *masks.outline.voxels.shape)
    middle = inside[:, 10, 12, 9]
    agree = [float((inside[:, 10, 12 + step, 9] == middle).mean()) for step in (1, 10)]
    # One by one they would agree in .55² + .45² = .505 of the masks.
    assert agree[0] > 0.85
    assert 0.6 < agree[1] < agree[0] - 0.1


def test_coherent_masks_vary_in_volume_as_a_whole() -> None:
    labels, probabilities = outline({LEFT_PUTAMEN: ball(6)})
    volumes = [float((m.voxels == LEFT_PUTAMEN).sum()) for m in plausible_masks(labels, probabilities, count=200)]
    p = probabilities.voxels.astype(np.float64)
    one_by_one = float(np.sqrt((p * (1 - p)).sum()))
    assert np.mean(volumes) == pytest.approx(float(p.sum()), rel=0.03)
    assert np.std(volumes) > 5 * one_by_one


def test_the_sides_vary_on_their_own_and_the_order_of_structures_does_not_matter() -> None:
    fields = {LEFT_PUTAMEN: ball(4, (-5, 0, 0)), RIGHT_PUTAMEN: ball(4, (5, 0, 0))}
    masks = plausible_masks(*outline(fields), count=400)
    turned = plausible_masks(*outline(fields, order=slice(None, None, -1)), count=400)
    left, right = ((masks.drawn == label).sum(axis=1) for label in (LEFT_PUTAMEN, RIGHT_PUTAMEN))
    assert abs(np.corrcoef(left, right)[0, 1]) < 0.15
    np.testing.assert_array_equal(masks.drawn, turned.drawn)


def test_the_same_masks_on_a_flipped_grid() -> None:
    fields = {LEFT_PUTAMEN: ball(6, (2, 1, -1))}
    labels, probabilities = outline(fields)
    flip = np.diag([-1.0, 1.0, 1.0, 1.0])
    flip[0, 3] = labels.voxels.shape[0] - 1
    flipped = LabelMap(labels.voxels[::-1].copy(), labels.affine_ras @ flip, STRIATUM)
    grid = Grid(probabilities.grid.shape, flipped.affine_ras)
    mirrored = Probabilities(probabilities.voxels[:, ::-1].copy(), probabilities.structures, LOW, grid)
    for one, other in zip(
        plausible_masks(labels, probabilities, count=5), plausible_masks(flipped, mirrored, count=5), strict=True
    ):
        assert (one.voxels != other.voxels[::-1]).mean() < 1e-4


def test_fields_are_smooth_in_millimetres_not_in_voxels() -> None:
    matrix = affine((0.5, 1.0, 3.0))
    labels, probabilities = outline({LEFT_PUTAMEN: np.full(SHAPE, 0.55)}, matrix)
    masks = plausible_masks(labels, probabilities, count=1000)
    inside = (masks.drawn == LEFT_PUTAMEN).reshape(1000, *masks.outline.voxels.shape)
    middle = inside[:, 8, 12, 9]
    six_along_x, two_along_z = (inside[:, 14, 12, 9] == middle).mean(), (inside[:, 8, 12, 11] == middle).mean()
    assert six_along_x > two_along_z + 0.05  # 3 mm and 6 mm


def test_masks_lie_on_a_part_of_the_scans_grid() -> None:
    labels, probabilities = outline({LEFT_PUTAMEN: ball(5, (2, 0, 0))}, affine((0.8, 1.0, 1.6)))
    masks = plausible_masks(labels, probabilities, count=3)
    np.testing.assert_array_equal(masks.outline.voxels, labels.voxels[masks.box])
    corner = [b.start for b in masks.box]
    np.testing.assert_allclose(masks.outline.affine_ras[:3, 3], apply_affine(labels.affine_ras, np.array(corner)))
    for mask in masks:
        assert mask.grid.shape == masks.outline.voxels.shape
        changed = np.argwhere(mask.voxels != masks.outline.voxels)
        assert {tuple(p) for p in changed} <= {tuple(p) for p in masks.places}


def test_a_certain_outline_never_moves_and_an_island_that_was_left_out_stays_out() -> None:
    certain = (ball(5) > 0.5).astype(np.float64)
    labels, probabilities = outline({LEFT_PUTAMEN: certain})
    labels.voxels[10, 10, 10] = 0  # as if it were an island: likely, and not in the outline
    masks = plausible_masks(labels, probabilities, count=4)
    assert masks.places.size == 0
    assert all((mask.voxels == labels.voxels[masks.box]).all() for mask in masks)


def test_an_empty_outline_gives_empty_masks() -> None:
    labels, probabilities = outline({})
    assert not any(mask.voxels.any() for mask in plausible_masks(labels, probabilities, count=2))


def test_parts_are_those_of_the_nearest_voxel_of_the_same_structure() -> None:
    labels, probabilities = outline({LEFT_PUTAMEN: ball(6)})
    world = apply_affine(labels.affine_ras, np.moveaxis(np.indices(labels.voxels.shape), 0, -1))
    anterior, posterior = 107, 109
    parts = np.where(labels.voxels > 0, np.where(world[..., 1] > 0, anterior, posterior), 0).astype(np.int16)
    masks = plausible_masks(labels, probabilities, count=40)
    divided = list(masks.divided(LabelMap(parts, labels.affine_ras, scheme("striatum12"))))
    y = apply_affine(masks.outline.affine_ras, np.moveaxis(np.indices(masks.outline.voxels.shape), 0, -1))[..., 1]
    for mask, map_of_parts in zip(masks, divided, strict=True):
        np.testing.assert_array_equal(map_of_parts.voxels > 0, mask.voxels > 0)
        assert set(np.unique(map_of_parts.voxels)) <= {0, anterior, posterior}
    # The border lies at y = 0 on the whole, and strays by the landmark's 1.5 mm.
    borders = []
    for map_of_parts in divided:
        front, back = (y[map_of_parts.voxels == part] for part in (anterior, posterior))
        borders.append((front.min() + back.max()) / 2)
    assert np.mean(borders) == pytest.approx(0.0, abs=0.6)
    assert np.std(borders) == pytest.approx(1.5, abs=0.5)
