"""Volumes read between their voxels: the same answers as scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.spatial.transform import Rotation

from deepgray.errors import SettingsError
from deepgray.voxels.interpolate import at_affine, at_points

SHAPES = st.tuples(*[st.integers(1, 8)] * 3)


@settings(max_examples=60, deadline=None)
@given(
    source=SHAPES,
    target=SHAPES,
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    zoom=st.floats(0.4, 2.5),
    seed=st.integers(0, 99),
)
def test_another_grid_is_scipys(
    source: tuple[int, int, int],
    target: tuple[int, int, int],
    angles: tuple[float, float, float],
    zoom: float,
    seed: int,
) -> None:
    channels = np.random.default_rng(seed).normal(size=(2, *source)).astype(np.float32)
    index = np.eye(4)
    index[:3, :3] = zoom * Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    middle = (np.array(source) - 1) / 2 + 0.013  # off the corners: scipy's own rounding decides there
    index[:3, 3] = middle - index[:3, :3] @ ((np.array(target) - 1) / 2)
    for nearest, order, within in ((False, 1, 1e-5), (True, 0, 0)):
        found = at_affine(channels, index, target, nearest=nearest)
        assert found.dtype == np.float32
        for one, other in zip(found, channels, strict=True):
            wanted = ndimage.affine_transform(
                other, index[:3, :3], offset=index[:3, 3], output_shape=target, order=order
            )
            np.testing.assert_allclose(one, wanted, atol=within)


def test_a_grid_of_several_blocks_is_read_like_one() -> None:
    voxels = np.random.default_rng(0).random((20, 30, 40), dtype=np.float32)
    index = np.diag([0.13, 0.19, 0.21, 1.0])
    shape = (150, 155, 190)
    wanted = ndimage.affine_transform(voxels, np.diag(index)[:3], output_shape=shape, order=1)
    np.testing.assert_allclose(at_affine(voxels[None], index, shape)[0], wanted, atol=1e-5)


def test_how_an_array_lies_in_memory_makes_no_difference() -> None:
    voxels = np.random.default_rng(0).random((20, 30, 40), dtype=np.float32)
    index = np.random.default_rng(1).uniform(-1, 25, (3, 500))
    wanted = at_points(voxels[None], index)
    np.testing.assert_array_equal(at_points(np.asfortranarray(voxels)[None], index), wanted)
    np.testing.assert_array_equal(at_points(voxels[::-1].copy()[::-1][None], index), wanted)
    np.testing.assert_array_equal(
        at_points(voxels.T.copy().T[None], index, nearest=True), at_points(voxels[None], index, nearest=True)
    )
    assert not at_points(np.asfortranarray(voxels)[None], index + 100).any()


def test_voxel_centres_give_the_voxels_and_beyond_them_is_nothing() -> None:
    voxels = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
    index = np.indices((2, 3, 4)).reshape(3, -1).astype(float)
    np.testing.assert_array_equal(at_points(voxels, index)[0], np.arange(24))
    np.testing.assert_array_equal(at_points(voxels, index, nearest=True)[0], np.arange(24))
    beyond = np.array([[-1e-6, 0, 0], [1.001, 2, 3], [0, 0, 3.2]]).T
    assert np.isnan(at_points(voxels, beyond, beyond=np.nan)).all()
    assert not at_points(voxels, beyond, nearest=True).any()


def test_a_volume_without_channels_is_refused() -> None:
    with pytest.raises(SettingsError, match="channels, x, y, z"):
        at_points(np.zeros((3, 3, 3)), np.zeros((3, 1)))
