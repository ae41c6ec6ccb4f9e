"""What happens to a crop while a baseline learns."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.train.baselines.augment import augmented, blurred, moved, rotation  # noqa: E402
from deepgray.train.baselines.recipes import FOUR_FOLD, Augmentation  # noqa: E402

NOTHING = Augmentation(chance=0.0)


def crop() -> tuple[torch.Tensor, torch.Tensor]:
    """An image that is bright where the class is 1, dark else; x 8, y 8, z 4."""
    target = torch.zeros(1, 8, 8, 4, dtype=torch.long)
    target[0, 1:3, 2:6, 1] = 1
    return (target == 1).float()[:, None], target


def seeds(count: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(n) for n in range(count)]


def test_nothing_is_changed_where_nothing_may_happen() -> None:
    image, target = crop()
    found = augmented(image, target, NOTHING, seeds(1)[0])
    assert torch.equal(found[0], image)
    assert torch.equal(found[1], target)


def test_quarter_turns_are_about_the_third_axis_and_take_the_classes_along() -> None:
    image, target = crop()
    places = set()
    for generator in seeds(20):
        turned, classes = augmented(image, target, FOUR_FOLD, generator)
        assert torch.equal(turned[:, 0] > 0.5, classes == 1)
        places.add(tuple(torch.argwhere(classes[0] == 1).float().mean(0).tolist()))
    # the middle (1.5, 3.5, 1) of 8 × 8 voxels: four places, all in the same slice
    assert places == {(1.5, 3.5, 1.0), (3.5, 1.5, 1.0), (5.5, 3.5, 1.0), (3.5, 5.5, 1.0)}


def test_mirroring_turns_the_crop_over_and_keeps_the_names() -> None:
    image, target = crop()
    found = [augmented(image, target, Augmentation(chance=0.0, mirroring=True), g)[1] for g in seeds(30)]
    assert any(torch.equal(one, target.flip(1)) for one in found)
    assert {int(one.max()) for one in found} == {1}


def test_a_rotation_by_a_right_angle_is_exact() -> None:
    image, target = torch.rand(1, 6, 6, 6), torch.randint(5, (6, 6, 6))
    looked, classes = moved(image, target, rotation([0.0, 0.0, 90.0]))
    # (x, y) of the result looks at (-y, x) of the crop
    assert torch.allclose(looked, torch.rot90(image, -1, (1, 2)), atol=1e-5)
    assert torch.equal(classes, torch.rot90(target, -1, (0, 1)))


def test_scaling_makes_a_cube_so_much_larger() -> None:
    target = torch.zeros(24, 24, 24, dtype=torch.long)
    target[8:16, 8:16, 8:16] = 1
    _, classes = moved(target[None].float(), target, torch.eye(3) / 1.5)
    assert int((classes == 1).sum()) == 12**3


def test_a_blur_keeps_the_sum_and_has_the_width_that_was_asked_for() -> None:
    image = torch.zeros(1, 21, 21, 21)
    image[0, 10, 10, 10] = 1.0
    found = blurred(image, 2.0)[0]
    assert float(found.sum()) == pytest.approx(1.0, abs=1e-4)
    along = found.sum((1, 2))
    variance = float((along * (torch.arange(21) - 10.0) ** 2).sum())
    assert variance == pytest.approx(4.0, rel=0.05)  # the tails beyond three widths are cut


def test_a_blur_happens_only_where_it_is_wanted() -> None:
    image, target = crop()
    without = Augmentation(chance=1.0, rotation_degrees=0.0, zoom=(1.0, 1.0), blur_voxels=(0.0, 0.0))
    assert torch.equal(augmented(image, target, without, seeds(1)[0])[0], image)
    with_blur = Augmentation(chance=1.0, rotation_degrees=0.0, zoom=(1.0, 1.0), blur_voxels=(1.0, 1.0))
    assert float(augmented(image, target, with_blur, seeds(1)[0])[0].max()) < 1.0
