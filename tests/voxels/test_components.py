from __future__ import annotations

import numpy as np
import pytest

from deepgray.voxels.components import largest_component, main_components, touches_border


def test_the_larger_of_two_bodies_stays() -> None:
    mask = np.zeros((8, 8, 8), dtype=bool)
    mask[1:3, 1:3, 1:3] = True  # 8 voxels
    mask[5:7, 5:7, 4:7] = True  # 12 voxels
    kept = largest_component(mask)
    assert kept.sum() == 12
    assert not kept[:4].any()


def test_bodies_that_share_a_corner_are_one() -> None:
    mask = np.zeros((4, 4, 4), dtype=bool)
    mask[0, 0, 0] = mask[1, 1, 1] = mask[2, 2, 2] = True
    np.testing.assert_array_equal(largest_component(mask), mask)


def test_nothing_stays_nothing() -> None:
    assert not largest_component(np.zeros((3, 4, 5), dtype=bool)).any()


@pytest.mark.parametrize("place", [(0, 2, 2), (4, 2, 2), (2, 0, 2), (2, 5, 2), (2, 2, 0), (2, 2, 6)])
def test_each_of_the_six_faces_is_a_border(place: tuple[int, int, int]) -> None:
    mask = np.zeros((5, 6, 7), dtype=bool)
    mask[place] = True
    assert touches_border(mask)


def test_one_voxel_from_every_face_is_inside() -> None:
    mask = np.zeros((5, 6, 7), dtype=bool)
    mask[1:-1, 1:-1, 1:-1] = True
    assert not touches_border(mask)


def test_pieces_that_are_not_much_smaller_are_kept() -> None:
    mask = np.zeros((12, 4, 4), dtype=bool)
    mask[0:3, :, 0] = True  # 12 voxels
    mask[5, :3, 0] = True  # 3: a quarter
    mask[8, :2, 0] = True  # 2
    kept = main_components(mask, share=0.25)
    assert kept[:7].sum() == 15
    assert not kept[7:].any()
    assert not main_components(np.zeros((2, 2, 2), dtype=bool), share=0.25).any()
