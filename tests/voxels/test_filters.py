"""Neighbourhoods of voxels: the same answers as scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from deepgray.voxels.filters import dilated, eroded, gaussian, in_reach, nearest, pieces

SHAPES = st.tuples(*[st.integers(1, 9)] * 3)
SPACINGS = st.tuples(*[st.floats(0.3, 5.0)] * 3)
CORNERS = np.ones((3, 3, 3), dtype=bool)


def drawn(shape: tuple[int, ...], share: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random(shape) < share


@settings(max_examples=60, deadline=None)
@given(
    shape=SHAPES,
    sigma=st.tuples(*[st.floats(0.0, 2.5)] * 3),
    edge=st.sampled_from(("reflect", "nearest", "constant")),
    seed=st.integers(0, 99),
)
def test_blur_is_scipys(shape: tuple[int, ...], sigma: tuple[float, ...], edge: str, seed: int) -> None:
    voxels = np.random.default_rng(seed).normal(size=shape)
    wanted = ndimage.gaussian_filter(voxels, sigma, mode=edge)
    found = gaussian(voxels, sigma, edge=edge)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, wanted, atol=1e-12)
    single = gaussian(voxels.astype(np.float32), sigma, edge=edge)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, wanted, atol=2e-6)


def test_blur_of_a_mask_and_of_one_width() -> None:
    mask = drawn((12, 13, 14), 0.4, 1)
    found = gaussian(mask, 1.3)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, ndimage.gaussian_filter(mask.astype(np.float32), 1.3), atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(shape=SHAPES, share=st.floats(0, 1), steps=st.integers(1, 3), corners=st.booleans(), seed=st.integers(0, 99))
def test_growing_and_shrinking_are_scipys(
    shape: tuple[int, ...], share: float, steps: int, *, corners: bool, seed: int
) -> None:
    mask = drawn(shape, share, seed)
    structure = CORNERS if corners else None
    np.testing.assert_array_equal(
        dilated(mask, steps, corners=corners), ndimage.binary_dilation(mask, structure, iterations=steps)
    )
    np.testing.assert_array_equal(eroded(mask), ndimage.binary_erosion(mask))


@settings(max_examples=40, deadline=None)
@given(shape=SHAPES, reach=st.tuples(*[st.integers(0, 12)] * 3), seed=st.integers(0, 99))
def test_reach_is_scipys_maximum_in_a_box(shape: tuple[int, ...], reach: tuple[int, ...], seed: int) -> None:
    mask = drawn(shape, 0.1, seed)
    wanted = ndimage.maximum_filter(mask.astype(np.uint8), [2 * n + 1 for n in reach], mode="nearest") > 0
    np.testing.assert_array_equal(in_reach(mask, reach), wanted)


@settings(max_examples=80, deadline=None)
@given(shape=SHAPES, share=st.floats(0, 1), corners=st.booleans(), seed=st.integers(0, 99))
def test_pieces_are_scipys_in_scipys_order(shape: tuple[int, ...], share: float, *, corners: bool, seed: int) -> None:
    mask = drawn(shape, share, seed)
    wanted, count = ndimage.label(mask, CORNERS if corners else None)
    found, number = pieces(mask, corners=corners)
    assert number == count
    np.testing.assert_array_equal(found, wanted)


def test_one_long_winding_piece_is_one() -> None:
    snake = np.zeros((41, 41), dtype=bool)
    snake[::2] = True
    snake[1::4, -1] = snake[3::4, 0] = True
    assert pieces(snake, corners=False)[1] == ndimage.label(snake)[1] == 1


@settings(max_examples=80, deadline=None)
@given(shape=SHAPES, spacing=SPACINGS, share=st.floats(0, 1), seed=st.integers(0, 99))
def test_the_nearest_voxel_is_scipys_or_as_near(
    shape: tuple[int, ...], spacing: tuple[float, ...], share: float, seed: int
) -> None:
    mask = drawn(shape, share, seed)
    distance, where = nearest(mask, spacing)
    if not mask.any():
        assert np.isinf(distance).all()
        return
    wanted = ndimage.distance_transform_edt(~mask, sampling=spacing)
    np.testing.assert_allclose(distance, wanted, rtol=1e-5)
    assert mask[where].all()
    steps = (np.indices(shape) - np.array(where)) * np.reshape(spacing, (3, 1, 1, 1))
    np.testing.assert_allclose(np.sqrt((steps**2).sum(axis=0)), wanted, rtol=1e-5)


@pytest.mark.parametrize("dimensions", [1, 2, 4])
def test_any_number_of_axes(dimensions: int) -> None:
    mask = drawn((5,) * dimensions, 0.2, 3)
    np.testing.assert_allclose(nearest(mask)[0], ndimage.distance_transform_edt(~mask), rtol=1e-6)
    np.testing.assert_array_equal(dilated(mask), ndimage.binary_dilation(mask))
