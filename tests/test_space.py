from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from deepgray.errors import GeometryError
from deepgray.space import (
    GRID_TOLERANCE_VOXELS,
    MIRROR_X,
    Box,
    Grid,
    apply_affine,
    block_within,
    check_affine,
    check_rigid,
    corner_distance_mm,
    equivalent_axes,
    exactly_rigid,
    inverse,
    lps_from_ras,
    reordered_grid,
    rigid_fit,
    rotation_degrees,
    same_grid,
    spacing_mm,
    voxel_volume_mm3,
)

# A scan as many scanners write it: the first axis runs to the left, voxels of 2 × 3 × 4 mm.
LEFTWARD = np.array([[-2.0, 0, 0, 90], [0, 3, 0, -126], [0, 0, 4, -72], [0, 0, 0, 1]])

angles = st.floats(-180, 180, allow_nan=False)
spacings = st.tuples(*[st.floats(0.3, 5.0)] * 3)
shapes = st.tuples(*[st.integers(2, 7)] * 3)
orders = st.sampled_from(list(permutations(range(3))))
flip_choices = st.sampled_from(list(product([False, True], repeat=3)))
vectors_mm = st.tuples(*[st.floats(-200, 200)] * 3)


@st.composite
def rotations(draw: st.DrawFn) -> np.ndarray:
    return Rotation.from_euler("xyz", [draw(angles), draw(angles), draw(angles)], degrees=True).as_matrix()


@st.composite
def rigid_matrices(draw: st.DrawFn) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = draw(rotations())
    matrix[:3, 3] = draw(vectors_mm)
    return matrix


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    """Oblique, anisotropic, flipped and permuted: everything a header can say without shear."""
    axes = np.eye(3)[:, list(draw(orders))] * np.where(draw(flip_choices), -1.0, 1.0)
    affine = np.eye(4)
    affine[:3, :3] = draw(rotations()) @ axes @ np.diag(draw(spacings))
    affine[:3, 3] = draw(vectors_mm)
    return Grid(draw(shapes), affine)


def all_indices(shape: tuple[int, int, int]) -> np.ndarray:
    return np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1)


# Points and affines


def test_apply_affine_gives_a_known_world_coordinate() -> None:
    # 90 − 1·2, −126 + 2·3, −72 + 3·4
    assert apply_affine(LEFTWARD, np.array([1, 2, 3])).tolist() == [88, -120, -60]


def test_apply_affine_keeps_leading_axes_and_gives_float64() -> None:
    mapped = apply_affine(LEFTWARD, np.zeros((4, 5, 3), dtype=np.int16))
    assert mapped.shape == (4, 5, 3)
    assert mapped.dtype == np.float64
    assert (mapped == [90, -126, -72]).all()


@given(grids(), st.tuples(*[st.integers(-50, 50)] * 3))
def test_apply_affine_walks_one_column_per_voxel(grid: Grid, index: tuple[int, int, int]) -> None:
    expected = grid.affine_ras[:3, 3].copy()
    for axis, steps in enumerate(index):
        expected += steps * grid.affine_ras[:3, axis]
    np.testing.assert_allclose(apply_affine(grid.affine_ras, np.array(index)), expected, atol=1e-9)


@given(rotations(), orders, flip_choices, spacings)
def test_spacing_and_volume_do_not_depend_on_direction(
    rotation: np.ndarray, order: tuple[int, ...], flips: tuple[bool, ...], sizes: tuple[float, ...]
) -> None:
    affine = np.eye(4)
    affine[:3, :3] = rotation @ (np.eye(3)[:, list(order)] * np.where(flips, -1, 1)) @ np.diag(sizes)
    np.testing.assert_allclose(spacing_mm(affine), sizes, rtol=1e-9)
    assert voxel_volume_mm3(affine) == pytest.approx(sizes[0] * sizes[1] * sizes[2], rel=1e-9)


def test_volume_of_a_sheared_voxel_is_base_times_height() -> None:
    sheared = np.eye(4)
    sheared[:3, 1] = [3, 4, 0]  # five millimetres long, four of them upright on the first axis
    assert spacing_mm(sheared).tolist() == [1, 5, 1]
    assert voxel_volume_mm3(sheared) == pytest.approx(4)


def test_lps_turns_right_into_left_and_front_into_back_only() -> None:
    # Voxel 1, 2, 3 lies at RAS 88, −120, −60: 88 mm to the right, 120 mm to the back, 60 mm down.
    assert apply_affine(lps_from_ras(LEFTWARD), np.array([1, 2, 3])).tolist() == [-88, 120, -60]


@given(grids())
def test_lps_negates_x_and_y_of_every_voxel(grid: Grid) -> None:
    indices = all_indices(grid.shape)
    ras, lps = apply_affine(grid.affine_ras, indices), apply_affine(lps_from_ras(grid.affine_ras), indices)
    np.testing.assert_allclose(lps[..., 0], -ras[..., 0])
    np.testing.assert_allclose(lps[..., 1], -ras[..., 1])
    np.testing.assert_allclose(lps[..., 2], ras[..., 2])


def test_mirror_exchanges_left_and_right_only() -> None:
    assert apply_affine(MIRROR_X, np.array([-12.0, 7, 3])).tolist() == [12, 7, 3]


def test_inverse_finds_the_voxel_of_a_known_world_coordinate() -> None:
    assert apply_affine(inverse(LEFTWARD), np.array([88, -120, -60])) == pytest.approx([1, 2, 3])
    assert inverse(LEFTWARD.astype(np.float32)).dtype == np.float64


@pytest.mark.parametrize(
    ("affine", "words"),
    [
        (np.eye(3), "4 × 4"),
        (np.full((4, 4), np.nan), "finite"),
        (np.diag([1.0, np.inf, 1, 1]), "finite"),
        (np.zeros((4, 4)), "last row"),
        (np.diag([1.0, 1, 1, 2]), "last row"),
        (np.diag([1.0, 0, 1, 1]), "singular"),
        (np.array([[1.0, 2, 0, 0], [1, 2, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]), "singular"),
    ],
)
def test_an_affine_that_places_no_voxels_is_refused(affine: np.ndarray, words: str) -> None:
    with pytest.raises(GeometryError, match=words):
        check_affine(affine)


@given(grids())
def test_every_real_affine_is_taken(grid: Grid) -> None:
    check_affine(grid.affine_ras)
    check_affine(grid.affine_ras.astype(np.float32))


@given(grids(), st.integers(0, 2))
def test_two_equal_directions_are_refused(grid: Grid, axis: int) -> None:
    flat = grid.affine_ras.copy()
    flat[:3, axis] = flat[:3, (axis + 1) % 3]
    with pytest.raises(GeometryError, match="singular"):
        check_affine(flat)


# Grids


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 4, 1), (4, 0, 4), (-1, 4, 4)])
def test_a_grid_has_three_axes_with_voxels(shape: tuple[int, ...]) -> None:
    with pytest.raises(GeometryError, match="three axes"):
        Grid(shape, np.eye(4))  # type: ignore[arg-type]


def test_a_grid_tells_its_spacing_and_voxel_volume() -> None:
    grid = Grid((5, 6, 7), LEFTWARD)
    assert grid.spacing_mm.tolist() == [2, 3, 4]
    assert grid.voxel_volume_mm3 == pytest.approx(24)


def test_crop_starts_at_the_world_coordinate_of_its_first_voxel() -> None:
    part = Grid((10, 10, 10), LEFTWARD).crop((1, 2, 3), (4, 4, 9))
    assert part.shape == (3, 2, 6)
    assert part.affine_ras[:3, 3].tolist() == [88, -120, -60]
    assert part.spacing_mm.tolist() == [2, 3, 4]


@given(grids(), st.data())
def test_a_cropped_voxel_stays_where_it_was(grid: Grid, data: st.DataObject) -> None:
    low = tuple(data.draw(st.integers(0, n - 1)) for n in grid.shape)
    high = tuple(data.draw(st.integers(start + 1, n)) for start, n in zip(low, grid.shape, strict=True))
    part = grid.crop(low, high)  # type: ignore[arg-type]
    block = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    whole = apply_affine(grid.affine_ras, all_indices(grid.shape))
    np.testing.assert_allclose(apply_affine(part.affine_ras, all_indices(part.shape)), whole[block], atol=1e-9)


def test_an_empty_crop_is_refused() -> None:
    with pytest.raises(GeometryError, match="three axes"):
        Grid((5, 5, 5), np.eye(4)).crop((2, 2, 2), (2, 4, 4))


@given(grids())
def test_a_header_in_float32_is_the_same_grid(grid: Grid) -> None:
    assert same_grid(grid, Grid(grid.shape, grid.affine_ras.astype(np.float32).astype(np.float64)))


@given(grids(), st.integers(0, 2), st.sampled_from([-1, 1]))
def test_a_shift_above_the_tolerance_is_another_grid(grid: Grid, axis: int, sign: int) -> None:
    for part, expected in ((0.5, True), (2.0, False)):
        moved = grid.affine_ras.copy()
        moved[axis, 3] += sign * part * GRID_TOLERANCE_VOXELS * grid.spacing_mm.min()
        assert same_grid(grid, Grid(grid.shape, moved)) is expected
        assert same_grid(Grid(grid.shape, moved), grid) is expected


@given(grids(), st.integers(0, 2))
def test_another_shape_or_a_flipped_axis_is_another_grid(grid: Grid, axis: int) -> None:
    longer = tuple(n + (a == axis) for a, n in enumerate(grid.shape))
    assert not same_grid(grid, Grid(longer, grid.affine_ras))  # type: ignore[arg-type]
    flipped = grid.affine_ras.copy()
    flipped[:3, axis] *= -1
    assert not same_grid(grid, Grid(grid.shape, flipped))


def test_the_thickness_of_a_single_slice_counts() -> None:
    thin, thick = Grid((4, 4, 1), np.eye(4)), Grid((4, 4, 1), np.diag([1.0, 1, 3, 1]))
    assert not same_grid(thin, thick)
    assert corner_distance_mm(thin, thick) == pytest.approx(1)  # faces at ±0.5 mm and ±1.5 mm


def test_corner_distance_is_that_of_the_farthest_corner() -> None:
    one = Grid((3, 3, 3), np.eye(4))
    other = Grid((3, 3, 3), np.diag([1.0, 1, 2, 1]))
    # The far face along z lies at 2.5 mm in the one and at 5 mm in the other.
    assert corner_distance_mm(one, other) == pytest.approx(2.5)


# Permuted and flipped arrays of the same voxels


def test_reordered_grid_by_hand() -> None:
    reached = reordered_grid(Grid((2, 3, 4), np.eye(4)), (2, 0, 1), (False, True, False))
    assert reached.shape == (4, 2, 3)
    # New index i, j, k is old index 1 − j, k, i; the old grid's index is its world coordinate.
    assert apply_affine(reached.affine_ras, np.array([3, 0, 2])).tolist() == [1, 2, 3]
    assert apply_affine(reached.affine_ras, np.array([0, 1, 0])).tolist() == [0, 0, 0]


def test_equivalent_axes_of_a_leftward_scan() -> None:
    rightward = np.array([[2.0, 0, 0, 82], [0, 3, 0, -126], [0, 0, 4, -72], [0, 0, 0, 1]])
    # Five voxels of 2 mm: the leftward array runs from 90 down to 82.
    found = equivalent_axes(Grid((5, 6, 7), LEFTWARD), Grid((5, 6, 7), rightward))
    assert found == ((0, 1, 2), (True, False, False))


def test_equivalent_axes_of_a_coronal_array() -> None:
    upward = np.array([[0, 1.0, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1]])  # index axes: up, right, front
    assert equivalent_axes(Grid((2, 3, 4), np.eye(4)), Grid((4, 2, 3), upward)) == ((2, 0, 1), (False, False, False))


@given(grids(), orders, flip_choices)
def test_a_reordered_array_keeps_every_voxel_in_its_place(
    grid: Grid, order: tuple[int, int, int], flips: tuple[bool, bool, bool]
) -> None:
    target = reordered_grid(grid, order, flips)
    world = apply_affine(grid.affine_ras, all_indices(grid.shape))
    moved = np.flip(world.transpose(*order, 3), [axis for axis in range(3) if flips[axis]])
    np.testing.assert_allclose(apply_affine(target.affine_ras, all_indices(target.shape)), moved, atol=1e-8)
    assert equivalent_axes(grid, target) == (order, flips)


@given(grids(), orders, flip_choices, st.integers(0, 2))
def test_other_voxels_have_no_equivalent_axes(
    grid: Grid, order: tuple[int, int, int], flips: tuple[bool, bool, bool], axis: int
) -> None:
    target = reordered_grid(grid, order, flips)
    shifted = target.affine_ras.copy()
    shifted[:3, 3] += 0.3 * shifted[:3, axis]
    assert equivalent_axes(grid, Grid(target.shape, shifted)) is None
    coarser = target.affine_ras.copy()
    coarser[:3, axis] *= 1.4
    assert equivalent_axes(grid, Grid(target.shape, coarser)) is None
    longer = tuple(n + (a == axis) for a, n in enumerate(target.shape))
    assert equivalent_axes(grid, Grid(longer, target.affine_ras)) is None  # type: ignore[arg-type]


@given(grids(), st.floats(2, 88))
def test_a_turned_grid_has_no_equivalent_axes(grid: Grid, degrees: float) -> None:
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_rotvec([0, 0, degrees], degrees=True).as_matrix()
    assert equivalent_axes(grid, Grid(grid.shape, turn @ grid.affine_ras)) is None


# Boxes


def test_a_box_fills_with_voxels_whose_faces_are_its_faces() -> None:
    grid = Box((-40.0, -30.0, -20.0), (0.0, 30.0, 28.0)).grid(2.0)
    assert grid.shape == (20, 30, 24)
    assert apply_affine(grid.affine_ras, np.zeros(3)).tolist() == [-39, -29, -19]
    assert apply_affine(grid.affine_ras, np.array([19, 29, 23])).tolist() == [-1, 29, 27]


def test_an_enlarged_box_grows_on_all_sides() -> None:
    box = Box((-40.0, -30.0, -20.0), (0.0, 30.0, 28.0)).enlarged(5.0)
    assert box == Box((-45.0, -35.0, -25.0), (5.0, 35.0, 33.0))


@pytest.mark.parametrize(
    ("low", "high"),
    [
        ((0, 0, 0), (1, 0, 1)),
        ((0, 0, 0), (1, 1, -1)),
        ((0, 0, np.nan), (1, 1, 1)),
        ((0, 0, 0), (1, np.inf, 1)),
    ],
)
def test_a_box_without_inside_is_refused(low: tuple[float, ...], high: tuple[float, ...]) -> None:
    with pytest.raises(GeometryError, match="positive sides"):
        Box(low, high)  # type: ignore[arg-type]


@pytest.mark.parametrize("spacing", [0.0, -1.0, float("nan")])
def test_a_box_wants_a_positive_spacing(spacing: float) -> None:
    with pytest.raises(GeometryError, match="positive spacing"):
        Box((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)).grid(spacing)


@given(vectors_mm, st.tuples(*[st.floats(3, 100)] * 3), st.floats(0.5, 3))
def test_the_voxels_of_a_box_end_within_half_a_voxel_of_it(
    low: tuple[float, float, float], size: tuple[float, float, float], spacing: float
) -> None:
    box = Box(low, (low[0] + size[0], low[1] + size[1], low[2] + size[2]))
    grid = box.grid(spacing)
    first = apply_affine(grid.affine_ras, np.full(3, -0.5))
    last = apply_affine(grid.affine_ras, np.array(grid.shape) - 0.5)
    np.testing.assert_allclose(first, box.low_mm, atol=1e-9)
    np.testing.assert_allclose(last, box.high_mm, atol=spacing / 2 + 1e-9)


# Rigid poses


def test_a_quarter_turn_about_the_vertical_axis_is_ninety_degrees() -> None:
    quarter = np.array([[0.0, -1, 0, 5], [1, 0, 0, 6], [0, 0, 1, 7], [0, 0, 0, 1]])
    check_rigid(quarter)
    assert rotation_degrees(quarter) == pytest.approx(90)


@given(vectors_mm, st.floats(0, 180))
def test_rotation_degrees_is_the_angle_about_any_axis(axis: tuple[float, float, float], degrees: float) -> None:
    length = np.linalg.norm(axis)
    assume(length > 1e-3)
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(np.asarray(axis) / length * degrees, degrees=True).as_matrix()
    # The arc cosine is flat at 0° and 180°: float64 holds the angle to 1e-6° there.
    assert rotation_degrees(matrix) == pytest.approx(degrees, abs=1e-5)


@given(rigid_matrices())
def test_every_rotation_and_shift_is_rigid(matrix: np.ndarray) -> None:
    check_rigid(matrix)


@given(rigid_matrices(), st.sampled_from(["scale", "shear", "mirror"]))
def test_scaling_shearing_and_mirroring_are_refused(matrix: np.ndarray, fault: str) -> None:
    change = {"scale": np.diag([1.01, 1, 1, 1]), "shear": np.eye(4), "mirror": MIRROR_X}[fault].copy()
    if fault == "shear":
        change[0, 1] = 0.01
    with pytest.raises(GeometryError, match="rigid"):
        check_rigid(matrix @ change)


@given(rigid_matrices())
def test_a_rotation_with_small_errors_is_made_exact(matrix: np.ndarray) -> None:
    worn = matrix.copy()
    worn[:3, :3] += 1e-3 * np.arange(9).reshape(3, 3) / 9
    exact = exactly_rigid(worn)
    np.testing.assert_allclose(exact[:3, :3] @ exact[:3, :3].T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(exact, matrix, atol=2e-3)
    np.testing.assert_array_equal(exact[:3, 3], matrix[:3, 3])


def test_rigid_fit_by_hand() -> None:
    source = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    # A quarter turn about z (x goes to y, y to −x), then 10 mm to the right.
    target = np.array([[10.0, 0, 0], [10, 1, 0], [9, 0, 0], [10, 0, 1]])
    expected = [[0, -1, 0, 10], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    np.testing.assert_allclose(rigid_fit(source, target, np.ones(4)), expected, atol=1e-12)


@given(rigid_matrices(), st.integers(0, 2**32 - 1))
def test_rigid_fit_finds_the_pose_and_ignores_points_of_no_weight(pose: np.ndarray, seed: int) -> None:
    random = np.random.default_rng(seed)
    source = random.normal(0, 40, (8, 3))
    weights = random.uniform(0.1, 2, 8)
    target = source @ pose[:3, :3].T + pose[:3, 3]
    weights[7], target[7] = 0, 1000
    np.testing.assert_allclose(rigid_fit(source, target, weights), pose, atol=1e-8)


@given(st.integers(0, 2**32 - 1))
def test_rigid_fit_never_mirrors(seed: int) -> None:
    source = np.random.default_rng(seed).normal(0, 40, (6, 3))
    check_rigid(rigid_fit(source, source * [-1, 1, 1], np.ones(6)))


def test_rigid_fit_follows_the_heavier_points() -> None:
    # One point, two partners: the shift is their weighted mean, 0.25 · 0 + 0.75 · 4.
    fitted = rigid_fit(np.zeros((2, 3)), np.array([[0.0, 0, 0], [4, 0, 0]]), np.array([1.0, 3.0]))
    assert fitted[:3, 3].tolist() == [3, 0, 0]


@pytest.mark.parametrize("weights", [[0.0, 0, 0], [1.0, 1, -0.5], [np.nan, 1, 1]])
def test_rigid_fit_wants_weights(weights: list[float]) -> None:
    with pytest.raises(GeometryError, match="positive weight"):
        rigid_fit(np.eye(3), np.eye(3), np.array(weights))


@given(grids(), st.tuples(*[st.integers(0, 6)] * 3), st.tuples(*[st.integers(1, 7)] * 3))
def test_a_part_of_a_grid_is_found_in_it(whole: Grid, low: tuple[int, int, int], count: tuple[int, int, int]) -> None:
    high = tuple(min(start + n, end) for start, n, end in zip(low, count, whole.shape, strict=True))
    assume(all(start < end for start, end in zip(low, high, strict=True)))
    part = whole.crop(low, (high[0], high[1], high[2]))
    assert block_within(part, whole) == tuple(slice(*ends) for ends in zip(low, high, strict=True))
    if part.shape != whole.shape:
        assert block_within(whole, part) is None


@pytest.mark.parametrize(
    ("low_mm", "high_mm", "spacing"),
    [
        ((-8.0, -8.0, -8.0), (8.0, 8.0, 9.0), 1.0),  # a plane beyond
        ((-9.0, -8.0, -8.0), (8.0, 8.0, 8.0), 1.0),  # a plane before
        ((-7.5, -8.0, -8.0), (7.5, 8.0, 8.0), 1.0),  # half a voxel aside
        ((-8.0, -8.0, -8.0), (8.0, 8.0, 8.0), 2.0),  # other voxels
    ],
)
def test_what_lies_elsewhere_is_no_part(
    low_mm: tuple[float, float, float], high_mm: tuple[float, float, float], spacing: float
) -> None:
    whole = Box((-8.0, -8.0, -8.0), (8.0, 8.0, 8.0)).grid(1.0)
    assert block_within(whole, whole) == (slice(0, 16),) * 3
    assert block_within(Box(low_mm, high_mm).grid(spacing), whole) is None
