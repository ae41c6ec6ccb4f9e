"""Volumes cut into slices and put together again; slices moved, but never mirrored."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.errors import SettingsError  # noqa: E402
from deepgray.train.slices import (  # noqa: E402
    Jitter,
    SliceFrame,
    from_slices,
    largest_of_each,
    moved,
    to_slices,
    with_neighbours,
)

VOLUME = np.arange(5 * 6 * 7, dtype=np.float32).reshape(5, 6, 7)
STILL = Jitter(shift_px=0, rotation_degrees=0, zoom=(1, 1), shear=0)


def test_slices_are_cut_around_their_middle() -> None:
    axial = to_slices(VOLUME, SliceFrame(axis=2, crop=4))
    assert axial.shape == (7, 4, 4)
    # (5 − 4) // 2 = 0 and (6 − 4) // 2 = 1 voxels are left out before them.
    np.testing.assert_array_equal(axial[3], VOLUME[0:4, 1:5, 3])
    coronal = to_slices(VOLUME, SliceFrame(axis=1, crop=4))
    np.testing.assert_array_equal(coronal[2], VOLUME[0:4, 2, 1:5])


def test_small_slices_are_padded() -> None:
    padded = to_slices(VOLUME, SliceFrame(axis=2, crop=8))
    np.testing.assert_array_equal(padded[0, 1:6, 1:7], VOLUME[:, :, 0])
    assert padded[0].sum() == VOLUME[:, :, 0].sum()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_go_back_to_where_they_were(axis: int) -> None:
    frame = SliceFrame(axis, crop=8)
    back = from_slices(np.stack([to_slices(VOLUME, frame), to_slices(-VOLUME, frame)]), VOLUME.shape, frame)
    np.testing.assert_array_equal(back, np.stack([VOLUME, -VOLUME]))


def test_outside_the_crop_is_nothing() -> None:
    frame = SliceFrame(axis=2, crop=4)
    back = from_slices(to_slices(VOLUME + 1, frame)[None], VOLUME.shape, frame)[0]
    assert (back[0:4, 1:5] == VOLUME[0:4, 1:5] + 1).all()
    assert back.sum() == back[0:4, 1:5].sum()


def test_every_slice_stands_between_its_neighbours() -> None:
    three = with_neighbours(np.arange(4, dtype=np.float32).reshape(4, 1, 1))[:, :, 0, 0]
    assert three.tolist() == [[0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 3]]


def test_a_frame_of_no_axis_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"3 and 8 came"):
        SliceFrame(axis=3, crop=8)


def test_without_jitter_nothing_moves() -> None:
    images, classes = torch.rand(2, 3, 16, 16), torch.randint(0, 3, (2, 16, 16))
    image, found = moved(images, classes, STILL)
    torch.testing.assert_close(image, images)
    assert torch.equal(found, classes)


def test_image_and_classes_move_alike() -> None:
    classes = torch.zeros(8, 64, 64, dtype=torch.long)
    classes[:, 24:40, 28:36] = 1
    torch.manual_seed(0)
    image, found = moved(classes[:, None].float().repeat(1, 3, 1, 1), classes, Jitter())
    assert torch.equal(image[:, 0], image[:, 2])
    assert ((image[:, 1] > 0.5).long() != found).float().mean() < 0.01
    centres = torch.stack([torch.nonzero(f).float().mean(0) for f in found]) - torch.tensor([31.5, 31.5])
    assert 3 < centres.abs().max() < 20  # 15 pixels, enlarged by 1 / 0.8


def test_a_slice_is_never_mirrored() -> None:
    # An L has a hand: the turn from its long arm to its short one.
    classes = torch.zeros(32, 64, 64, dtype=torch.long)
    classes[:, 22:42, 28:31], classes[:, 39:42, 31:38] = 1, 2
    torch.manual_seed(1)
    _, found = moved(torch.zeros(32, 3, 64, 64), classes, Jitter())
    for one in found:
        long, short = (torch.nonzero(one == n).float() for n in (1, 2))
        corner = long[torch.cdist(long, short).min(1).values.argmin()]
        (a, b), (c, d) = (long.mean(0) - corner).tolist(), (short.mean(0) - corner).tolist()
        assert a * d - b * c < 0


def test_of_every_label_the_largest_component_stays() -> None:
    labels = np.zeros((8, 8, 4), np.int16)
    labels[0:3, 0:3], labels[6, 6], labels[6, 0] = 401, 401, 402
    kept = largest_of_each(labels)
    assert (kept == 401).sum() == 36
    assert (kept == 402).sum() == 4
