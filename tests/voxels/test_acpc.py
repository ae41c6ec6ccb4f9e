"""The AC–PC frame of label maps: a head of balls and eggs whose frame is known by construction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepgray.errors import AnatomyError, FieldOfViewError, GeometryError, SettingsError, ShapeError
from deepgray.space import Grid, apply_affine, reordered_grid, rotation_degrees
from deepgray.voxels.acpc import FREESURFER, HOA2, LabelledVoxels, fit_acpc, fit_acpc_of_maps, fit_acpc_one_side

# Canonical centre of the right structure, radius in mm (1.5 times that from front to back in putamen and pallidum), and
# FreeSurfer's numbers (left, right).
BALLS = (
    ((8.0, 8.0, -2.0), 4.5, 26, 58),
    ((12.0, 4.0, 13.0), 7.0, 11, 50),
    ((23.0, -1.0, 4.0), 7.0, 12, 51),
    ((16.5, -4.0, 2.0), 5.0, 13, 52),
    ((10.0, -20.0, 7.5), 9.0, 10, 49),
    ((22.5, -21.5, -11.0), 8.0, 17, 53),
    ((21.0, -4.0, -14.0), 7.0, 18, 54),
    ((9.0, -16.0, -7.0), 7.0, 28, 60),
)
STRIATUM_AND_PALLIDUM = {
    key: value
    for key, value in FREESURFER.items()
    if key.split(" ", 1)[1] in ("accumbens", "caudate", "putamen", "pallidum")
}


def ball_head(spacing: tuple[float, float, float] = (1.5, 1.6, 1.8)) -> tuple[np.ndarray, np.ndarray]:
    """Labels and affine of a head whose world is the canonical frame."""
    step = np.array(spacing)
    shape = np.ceil(np.array([90.0, 90.0, 70.0]) / step).astype(int)
    affine = np.diag([*step, 1.0])
    affine[:3, 3] = [-45.0, -50.0, -35.0]
    centres = apply_affine(affine, np.moveaxis(np.indices(shape), 0, -1))
    labels = np.zeros(shape, dtype=np.int16)
    for (x, y, z), radius, left, right in BALLS:
        for sign, number in ((-1, left), (1, right)):
            reach = np.array([1.0, 1.5 if left in (12, 13) else 1.0, 1.0]) * radius
            inside = (((centres - [sign * x, y, z]) / reach) ** 2).sum(axis=-1) < 1
            labels[inside & (labels == 0)] = number
    return labels, affine


def rotation(angles_degrees: tuple[float, float, float], shift_mm: tuple[float, float, float]) -> np.ndarray:
    """A rigid matrix: turns about x, then y, then z, then a shift."""
    matrix = np.eye(4)
    for axis, angle in enumerate(np.radians(angles_degrees)):
        turn = np.eye(4)
        i, j = [k for k in range(3) if k != axis]
        turn[i, i] = turn[j, j] = np.cos(angle)
        turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
        matrix = turn @ matrix
    matrix[:3, 3] = shift_mm
    return matrix


HEAD, HEAD_AFFINE = ball_head()
FIT = fit_acpc(HEAD, HEAD_AFFINE, labels=FREESURFER)


def test_frame_of_a_head_that_lies_in_the_canonical_frame() -> None:
    assert np.linalg.norm(FIT.canonical_from_world[:3, 3]) < 1.5
    assert np.degrees(np.arccos(FIT.canonical_from_world[1, 1])) < 2.5
    assert abs(FIT.posterior_commissure_mm[1] + 26.2) < 2.0
    assert np.allclose(np.array(FIT.posterior_commissure_mm)[[0, 2]], 0.0, atol=1e-6)
    assert len(FIT.structures) == 16
    assert FIT.residual_mm < 1.5


def test_striatum_and_pallidum_are_enough() -> None:
    fit = fit_acpc(HEAD, HEAD_AFFINE, labels=STRIATUM_AND_PALLIDUM)
    between = fit.canonical_from_world @ np.linalg.inv(FIT.canonical_from_world)
    assert np.linalg.norm(between[:3, 3]) < 2.0
    assert len(fit.structures) == 8


@settings(max_examples=15, deadline=None)
@given(
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    shift=st.tuples(*[st.floats(-100, 100)] * 3),
    order=st.permutations((0, 1, 2)),
    flips=st.tuples(*[st.booleans()] * 3),
)
def test_frame_moves_with_the_head(
    angles: tuple[float, float, float],
    shift: tuple[float, float, float],
    order: list[int],
    flips: tuple[bool, bool, bool],
) -> None:
    moved = rotation(angles, shift)
    grid = reordered_grid(Grid(HEAD.shape, moved @ HEAD_AFFINE), (order[0], order[1], order[2]), flips)
    voxels = np.flip(HEAD.transpose(order), axis=[a for a in range(3) if flips[a]])
    fit = fit_acpc(voxels, grid.affine_ras, labels=FREESURFER)
    assert np.allclose(fit.canonical_from_world @ moved, FIT.canonical_from_world, atol=1e-6)
    assert np.allclose(fit.posterior_commissure_mm, FIT.posterior_commissure_mm, atol=1e-6)
    assert np.isclose(fit.residual_mm, FIT.residual_mm)


def test_numbers_of_one_structure_are_taken_together() -> None:
    divided = HEAD.copy()
    pallidum = np.argwhere(divided == 13)
    divided[tuple(pallidum[::2].T)] = 811
    divided[tuple(pallidum[1::2].T)] = 813
    fit = fit_acpc(divided, HEAD_AFFINE, labels=FREESURFER)
    assert np.allclose(fit.canonical_from_world, FIT.canonical_from_world, atol=1e-9)


def test_structures_of_several_maps_are_taken_from_the_first_that_holds_them() -> None:
    nuclei = np.isin(HEAD, [n for pair in STRIATUM_AND_PALLIDUM.values() for n in np.atleast_1d(pair)])
    first = LabelledVoxels(np.where(nuclei, HEAD, 0), HEAD_AFFINE, STRIATUM_AND_PALLIDUM)
    # The second map lies on another grid, has numbers of its own, and another left caudate.
    coarse = np.where(HEAD[::-1] == 18, 11, HEAD[::-1]) + 1000 * (HEAD[::-1] > 0)
    affine = HEAD_AFFINE @ [[-1, 0, 0, len(HEAD) - 1], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    numbers = {key: tuple(1000 + n for n in np.atleast_1d(value)) for key, value in FREESURFER.items()}
    fit = fit_acpc_of_maps([first, LabelledVoxels(coarse, affine, numbers)])
    without = fit_acpc(np.where(HEAD == 18, 0, HEAD), HEAD_AFFINE, labels=FREESURFER)
    assert fit.structures == without.structures
    assert np.allclose(fit.canonical_from_world, without.canonical_from_world, atol=1e-9)


def test_numbers_above_the_table_are_background() -> None:
    more = HEAD.astype(np.int32)
    more[0, 0, 0] = 2_000_000_000
    assert np.allclose(fit_acpc(more, HEAD_AFFINE, labels=FREESURFER).canonical_from_world, FIT.canonical_from_world)


def test_one_wrong_structure_does_not_tilt_the_frame() -> None:
    worse = HEAD.copy()
    worse[:, :15, :][worse[:, :15, :] == 17] = 0  # the back of the left hippocampus is missing
    between = fit_acpc(worse, HEAD_AFFINE, labels=FREESURFER).canonical_from_world @ np.linalg.inv(
        FIT.canonical_from_world
    )
    assert np.linalg.norm(between[:3, 3]) < 0.7


def test_two_pairs_are_refused() -> None:
    two = np.where(np.isin(HEAD, (11, 50, 12, 51, 13)), HEAD, 0)
    with pytest.raises(AnatomyError, match="2 came"):
        fit_acpc(two, HEAD_AFFINE, labels=FREESURFER)
    with pytest.raises(AnatomyError, match="none"):
        fit_acpc(np.zeros_like(HEAD), HEAD_AFFINE, labels=FREESURFER)


def test_structures_cut_by_the_edge_are_refused() -> None:
    half = HEAD[:, :, 22:]  # the lowest slice now goes through putamen, pallidum and thalamus
    affine = HEAD_AFFINE.copy()
    affine[2, 3] += 22 * 1.8
    with pytest.raises(FieldOfViewError, match="cuts"):
        fit_acpc(half, affine, labels=FREESURFER)


def test_swapped_sides_are_refused() -> None:
    with pytest.raises(AnatomyError, match="swapped"):
        fit_acpc(HEAD[::-1], HEAD_AFFINE, labels=FREESURFER)


def test_one_side_is_near_both() -> None:
    left = np.where(np.isin(HEAD, [n for *_, n, _ in BALLS]), HEAD, 0)
    fit = fit_acpc_one_side(left, HEAD_AFFINE, labels=FREESURFER)
    between = fit.canonical_from_world @ np.linalg.inv(FIT.canonical_from_world)
    assert np.linalg.norm(between[:3, 3]) < 2.0
    assert rotation_degrees(between) < 5.0
    assert all(key.startswith("left") for key in fit.structures)
    with pytest.raises(AnatomyError, match="one side"):
        fit_acpc_one_side(np.where(HEAD == 11, HEAD, 0), HEAD_AFFINE, labels=FREESURFER)
    with pytest.raises(AnatomyError, match="swapped"):
        fit_acpc_one_side(left[::-1], HEAD_AFFINE, labels=FREESURFER)


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ShapeError):
        fit_acpc(HEAD[0], HEAD_AFFINE, labels=FREESURFER)
    with pytest.raises(GeometryError):
        fit_acpc(HEAD, np.zeros((4, 4)), labels=FREESURFER)
    with pytest.raises(SettingsError, match="left tail"):
        fit_acpc(HEAD, HEAD_AFFINE, labels={"left tail": 11})
    with pytest.raises(SettingsError, match="each for one"):
        fit_acpc(HEAD, HEAD_AFFINE, labels={"left caudate": 11, "right caudate": (11, 50)})


def test_mappings_have_the_same_keys() -> None:
    assert set(FREESURFER) == set(HOA2)
    assert FREESURFER["left pallidum"] == (13, 811, 813)
    assert HOA2["right ventral diencephalon"] == (26, 28)
