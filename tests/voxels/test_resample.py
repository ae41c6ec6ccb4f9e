"""A field that is linear in world millimetres survives linear interpolation exactly: every value is known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy_heads import STORAGES, centres_mm, grid_around, stored, turned

from deepgray.space import MIRROR_X, Affine, Box, Grid, apply_affine, reordered_grid
from deepgray.voxels.resample import block_of, closest_ras, from_frame, to_frame

FRAME = Box((-5.0, -4.0, -3.0), (5.0, 4.0, 3.0)).grid(2.0)
POSES = {"upright": np.eye(4), "turned": turned((8, -5, 12), (0.4, -0.3, 0.2)), "mirrored": MIRROR_X}
FAR_OFF = turned((0, 0, 0), (500, 0, 0))


def ramp(points: np.ndarray) -> np.ndarray:
    """100 at the world's origin, +2 per mm to the right, +3 to the front, −1 upwards."""
    return (100 + points @ [2.0, 3.0, -1.0]).astype(np.float32)


@pytest.fixture(params=list(POSES))
def world_from_frame(request: pytest.FixtureRequest) -> Affine:
    return POSES[request.param]


def test_every_voxel_of_the_frame_shows_its_world_coordinate(any_grid: Grid, world_from_frame: Affine) -> None:
    frame = Box((-4.0, -4.0, -4.0), (4.0, 4.0, 4.0)).grid(1.0)
    seen = to_frame(ramp(centres_mm(any_grid)), any_grid.affine_ras, frame, world_from_frame=world_from_frame)
    world = apply_affine(world_from_frame, centres_mm(frame))
    # The small grids reach from −5.5 to 5.5, −9.75 to 9.75 and −9 to 9 mm along their own axes.
    inside = np.abs(apply_affine(np.linalg.inv(any_grid.affine_ras), world) * 2 + 1 - any_grid.shape) < (
        np.array(any_grid.shape) - 1
    )
    inside = inside.all(axis=-1)
    assert inside.mean() > 0.9
    assert seen.dtype == np.float32
    np.testing.assert_allclose(seen[inside], ramp(world)[inside], atol=2e-4)


def test_one_bright_voxel_lands_where_it_lies_in_the_world(any_grid: Grid) -> None:
    voxels = np.zeros(any_grid.shape, dtype=np.float32)
    voxels[7, 8, 6] = 1.0
    (x, y, z) = apply_affine(any_grid.affine_ras, np.array([7, 8, 6]))
    frame = Box((-8.0, -14.0, -12.0), (8.0, 14.0, 12.0)).grid(1.0)
    seen = to_frame(voxels, any_grid.affine_ras, frame, world_from_frame=np.eye(4))
    centre = (centres_mm(frame) * seen[..., None]).sum(axis=(0, 1, 2)) / seen.sum()
    np.testing.assert_allclose(centre, (x, y, z), atol=0.35)


@pytest.mark.parametrize("spacing", [(0.5, 0.5, 0.5), (0.4, 1.0, 2.0), (0.9, 0.3, 0.66)])
def test_averaging_blocks_keeps_world_positions(spacing: tuple[float, float, float], world_from_frame: Affine) -> None:
    grid = grid_around((0.0, 0.0, 0.0), (24.0, 24.0, 24.0), spacing)
    seen = to_frame(ramp(centres_mm(grid)), grid.affine_ras, FRAME, world_from_frame=world_from_frame)
    world = apply_affine(world_from_frame, centres_mm(FRAME))
    np.testing.assert_allclose(seen, ramp(world), atol=1e-3)


def test_stripes_finer_than_the_frame_become_their_mean() -> None:
    grid = grid_around((0.0, 0.0, 0.0), (24.0, 24.0, 24.0), (0.5, 0.5, 0.5))
    stripes = np.indices(grid.shape)[0] % 2 * np.float32(10)
    seen = to_frame(stripes.astype(np.float32), grid.affine_ras, FRAME, world_from_frame=np.eye(4))
    np.testing.assert_allclose(seen, 5.0, atol=1e-5)


def test_an_axis_shorter_than_a_block_is_left_as_it_is() -> None:
    # Three slices of 0.5 mm in a frame of 2 mm: no whole block of four.
    grid = Grid((40, 40, 3), np.diag([0.5, 0.5, 0.5, 1.0]))
    frame = Grid((4, 4, 1), np.array([[2.0, 0, 0, 6], [0, 2, 0, 6], [0, 0, 2, 0.5], [0, 0, 0, 1]]))
    seen = to_frame(ramp(centres_mm(grid)), grid.affine_ras, frame, world_from_frame=np.eye(4))
    np.testing.assert_allclose(seen, ramp(centres_mm(frame)), atol=1e-3)


def test_outside_the_scan_is_zero() -> None:
    grid = grid_around((0.0, 0.0, 0.0), (8.0, 8.0, 8.0), (1.0, 1.0, 1.0))
    seen = to_frame(ramp(centres_mm(grid)), grid.affine_ras, FRAME, world_from_frame=FAR_OFF)
    assert not seen.any()


@given(storage=st.sampled_from(STORAGES), spacing=st.sampled_from([(1.0, 1.5, 2.0), (0.5, 0.7, 1.0)]))
def test_how_the_array_is_stored_makes_no_difference(
    storage: tuple[tuple[int, int, int], tuple[bool, bool, bool]], spacing: tuple[float, float, float]
) -> None:
    grid = Grid((12, 16, 8), turned((10, 20, -15), (1.0, 2.0, 3.0)) @ np.diag([*spacing, 1.0]))
    voxels = np.random.default_rng(1).random(grid.shape, dtype=np.float32)
    other = reordered_grid(grid, *storage)
    middle = apply_affine(grid.affine_ras, (np.array(grid.shape) - 1) / 2)
    pose = turned((0, 0, 7), tuple(middle))
    seen = to_frame(voxels, grid.affine_ras, FRAME, world_from_frame=pose)
    again = to_frame(stored(voxels, *storage), other.affine_ras, FRAME, world_from_frame=pose)
    assert seen.any()
    np.testing.assert_allclose(again, seen, atol=1e-4)


def test_channels_come_back_to_where_they_lie_in_the_world(any_grid: Grid, world_from_frame: Affine) -> None:
    frame = Box((-30.0, -30.0, -30.0), (30.0, 30.0, 30.0)).grid(2.0)
    world = apply_affine(world_from_frame, centres_mm(frame))
    back = from_frame(np.stack([ramp(world), -ramp(world)]), frame, any_grid, world_from_frame=world_from_frame)
    assert back.shape == (2, *any_grid.shape)
    np.testing.assert_allclose(back[0], ramp(centres_mm(any_grid)), atol=1e-3)
    np.testing.assert_allclose(back[1], -back[0], atol=1e-5)


def test_what_goes_to_a_frame_and_back_is_the_same(any_grid: Grid) -> None:
    frame = Box((-20.0, -20.0, -20.0), (20.0, 20.0, 20.0)).grid(1.0)
    world = centres_mm(any_grid)
    wave = np.sin(world @ [0.1, 0.08, 0.06]).astype(np.float32)
    pose = POSES["turned"]
    seen = to_frame(wave, any_grid.affine_ras, frame, world_from_frame=pose)
    back = from_frame(seen[None], frame, any_grid, world_from_frame=pose)[0]
    inside = (slice(2, -2),) * 3
    np.testing.assert_allclose(back[inside], wave[inside], atol=0.03)


def test_beyond_the_frame_nothing_comes_back() -> None:
    ones = np.ones((1, *FRAME.shape), dtype=np.float32)
    target = grid_around((0.0, 0.0, 0.0), (41.0, 41.0, 41.0), (1.0, 1.0, 1.0))
    back = from_frame(ones, FRAME, target, world_from_frame=np.eye(4))[0]
    # Centres of the frame's outermost voxels: ±4, ±3, ±2 mm.
    inside = (np.abs(centres_mm(target)) <= [4, 3, 2]).all(axis=-1)
    np.testing.assert_array_equal(back > 0, inside)
    np.testing.assert_allclose(back[inside], 1.0)


def test_a_coarse_target_sees_the_mean_of_a_fine_frame() -> None:
    frame = Box((-20.0, -20.0, -20.0), (20.0, 20.0, 20.0)).grid(1.0)
    stripes = (np.indices(frame.shape)[0] % 2).astype(np.float32)
    target = grid_around((0.2, 0.0, 0.0), (20.0, 20.0, 20.0), (5.0, 5.0, 5.0))
    back = from_frame(stripes[None], frame, target, world_from_frame=np.eye(4))[0]
    np.testing.assert_allclose(back, 0.5, atol=0.02)


def test_the_block_that_a_frame_covers() -> None:
    grid = Grid((40, 40, 40), np.diag([1.0, 1.0, 1.0, 1.0]))
    # The frame's outer faces: 5 to 15, 6 to 14 and 7 to 13 mm; a voxel's centre has a whole index.
    low, high = block_of(FRAME, grid, world_from_frame=turned((0, 0, 0), (10, 10, 10))) or ((), ())
    assert tuple(low) == (5, 6, 7)
    assert tuple(high) == (16, 15, 14)


def test_the_block_ends_with_the_grid() -> None:
    grid = Grid((12, 40, 40), np.diag([1.0, 1.0, 1.0, 1.0]))
    low, high = block_of(FRAME, grid, world_from_frame=turned((0, 0, 0), (0, 10, 10))) or ((), ())
    assert tuple(low) == (0, 6, 7)
    assert tuple(high) == (6, 15, 14)


def test_no_block_where_frame_and_grid_do_not_meet() -> None:
    grid = Grid((40, 40, 40), np.eye(4))
    assert block_of(FRAME, grid, world_from_frame=FAR_OFF) is None


@given(storage=st.sampled_from(STORAGES))
def test_all_that_comes_back_lies_in_the_block(storage: tuple[tuple[int, int, int], tuple[bool, bool, bool]]) -> None:
    grid = reordered_grid(grid_around((0.0, 0.0, 0.0), (16.0, 18.0, 20.0), (1.0, 1.2, 1.5)), *storage)
    pose = turned((20, 30, 40), (5.0, 0.0, 0.0))
    block = block_of(FRAME, grid, world_from_frame=pose)
    assert block is not None
    back = from_frame(np.ones((1, *FRAME.shape), dtype=np.float32), FRAME, grid, world_from_frame=pose)[0]
    reached = np.argwhere(back)
    assert (reached.min(axis=0) >= block[0]).all()
    assert (reached.max(axis=0) < block[1]).all()


@given(storage=st.sampled_from(STORAGES))
def test_every_storage_gives_the_same_array_closest_to_ras(
    storage: tuple[tuple[int, int, int], tuple[bool, bool, bool]],
) -> None:
    grid = Grid((5, 6, 7), turned((20, -15, 30), (1.0, 2.0, 3.0)) @ np.diag([1.0, 1.5, 2.0, 1.0]))
    voxels = np.arange(210, dtype=np.float32).reshape(grid.shape)
    other = reordered_grid(grid, *storage)
    turned_back, affine = closest_ras(stored(voxels, *storage), other.affine_ras)
    np.testing.assert_array_equal(turned_back, voxels)
    np.testing.assert_allclose(affine, grid.affine_ras, atol=1e-9)


def test_an_axis_that_runs_to_the_left_is_turned_round() -> None:
    affine = np.array([[0, -2.0, 0, 10], [3, 0, 0, 20], [0, 0, 1, 30], [0, 0, 0, 1]])
    voxels = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    turned_back, found = closest_ras(voxels, affine)
    assert turned_back.shape == (3, 2, 4)
    np.testing.assert_array_equal(found, [[2, 0, 0, 6], [0, 3, 0, 20], [0, 0, 1, 30], [0, 0, 0, 1]])
    assert turned_back[0, 1, 3] == voxels[1, 2, 3]


@given(
    storage=st.sampled_from(STORAGES),
    shape=st.tuples(st.integers(9, 14), st.integers(9, 14), st.integers(9, 14)),
)
def test_blocks_that_do_not_divide_the_array_make_no_difference_either(
    storage: tuple[tuple[int, int, int], tuple[bool, bool, bool]], shape: tuple[int, int, int]
) -> None:
    grid = Grid(shape, turned((10, 20, -15), (-4.0, -4.0, -4.0)) @ np.diag([0.9, 0.6, 0.8, 1.0]))
    voxels = np.random.default_rng(2).random(shape, dtype=np.float32)
    seen = to_frame(voxels, grid.affine_ras, FRAME, world_from_frame=np.eye(4))
    other = reordered_grid(grid, *storage)
    again = to_frame(stored(voxels, *storage), other.affine_ras, FRAME, world_from_frame=np.eye(4))
    np.testing.assert_allclose(again, seen, atol=1e-5)
