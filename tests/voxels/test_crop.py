import numpy as np

from deepgray.voxels.crop import occupied


def test_smallest_box_of_what_is_not_zero() -> None:
    voxels = np.zeros((5, 6, 7), dtype=np.int16)
    voxels[1, 2, 6] = 3
    voxels[3, 4, 0] = -1
    assert occupied(voxels) == (slice(1, 4), slice(2, 5), slice(0, 7))


def test_one_voxel_in_the_first_corner() -> None:
    voxels = np.zeros((2, 2, 2), dtype=bool)
    voxels[0, 0, 0] = True
    assert occupied(voxels) == (slice(0, 1), slice(0, 1), slice(0, 1))


def test_nothing_has_no_box() -> None:
    assert occupied(np.zeros((3, 3, 3))) is None
