from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.train.networks import UNet, WideUNet, network_of  # noqa: E402
from deepgray.train.settings import RECIPES  # noqa: E402

torch.set_num_threads(1)  # small tensors


@pytest.mark.parametrize(("channels_in", "channels_out", "patch"), [(1, 5, 1), (4, 7, 1), (1, 6, 2)])
def test_the_answer_lies_on_the_images_grid(channels_in: int, channels_out: int, patch: int) -> None:
    network = UNet(channels_in, channels_out, (4, 6, 8), patch=patch)
    with torch.no_grad():
        assert network(torch.rand(2, channels_in, 16, 8, 24)).shape == (2, channels_out, 16, 8, 24)


def test_scales_come_finest_first_each_half_the_one_before() -> None:
    with torch.no_grad():
        scales = UNet(1, 3, (4, 6, 8, 10)).all_scales(torch.rand(1, 1, 16, 24, 32))
    assert [tuple(s.shape) for s in scales] == [(1, 3, 16, 24, 32), (1, 3, 8, 12, 16), (1, 3, 4, 6, 8)]


def test_a_patch_of_two_halves_the_finest_scale() -> None:
    network, image = UNet(1, 3, (4, 6, 8), patch=2), torch.rand(1, 1, 16, 16, 16)
    with torch.no_grad():
        scales = network.all_scales(image)
        assert [tuple(s.shape[2:]) for s in scales] == [(8, 8, 8), (4, 4, 4)]
        # Brought back by interpolation: every value lies between those of the coarser answer.
        full = network(image)
    assert float(full.min()) >= float(scales[0].min()) - 1e-5
    assert float(full.max()) <= float(scales[0].max()) + 1e-5
    assert float((full.mean() - scales[0].mean()).abs()) < 0.05


def test_the_number_of_weights() -> None:
    # One level of 2 channels, one of 3, one input, two outputs. Convolutions without bias, norms with two numbers a
    # channel: 54 + 4 + 108 + 4 down, 162 + 6 + 243 + 6 at the bottom, 48 + 2 up, 216 + 4 + 108 + 4 beside, 4 + 2 out.
    network = UNet(1, 2, (2, 3))
    assert sum(p.numel() for p in network.parameters()) == 975


def test_brightness_and_gain_of_the_image_make_no_difference_after_the_first_norm() -> None:
    torch.manual_seed(0)
    network, image = UNet(1, 3, (4, 6)).eval(), torch.rand(1, 1, 8, 8, 8)
    with torch.no_grad():
        assert torch.allclose(network(5 * image), network(image), atol=1e-3)


def test_every_weight_learns() -> None:
    network = UNet(1, 3, (4, 6, 8), patch=2)
    sum(scale.square().mean() for scale in network.all_scales(torch.rand(1, 1, 16, 16, 16))).backward()
    assert all(p.grad is not None and bool(torch.isfinite(p.grad).all()) for p in network.parameters())


WIDE = RECIPES["datspect-wide"]


def test_a_wide_network_answers_for_its_box_on_finer_voxels() -> None:
    network = WideUNet(WIDE, (4, 6, 8, 10)).eval()
    image = torch.rand(1, 1, *WIDE.seen.shape)
    with torch.no_grad():
        scales, answer = network.all_scales(image), network(image)
    # both sides, ±48 mm: 64 voxels of 1.5 mm, 16 of 6 mm, 8 of 12 mm
    assert [tuple(s.shape) for s in scales] == [(1, 4, 64, 64, 48), (1, 4, 16, 16, 12), (1, 4, 8, 8, 6)]
    assert answer.shape == (1, 4, *WIDE.grid.shape)
    assert torch.equal(answer, scales[0][:, :, :40])


def test_a_wide_network_sees_what_lies_around() -> None:
    torch.manual_seed(0)
    network = WideUNet(WIDE, (4, 6, 8, 10)).eval()
    image = torch.rand(1, 1, *WIDE.seen.shape)
    other = image.clone()
    other[:, :, :8] = 0  # the far left of the head
    with torch.no_grad():
        assert not torch.allclose(network(image), network(other), atol=1e-4)


def test_every_weight_of_a_wide_network_learns() -> None:
    network = network_of(WIDE, (4, 6, 8, 10))
    sum(scale.square().mean() for scale in network.all_scales(torch.rand(1, 1, *WIDE.seen.shape))).backward()
    assert all(p.grad is not None and bool(torch.isfinite(p.grad).all()) for p in network.parameters())
