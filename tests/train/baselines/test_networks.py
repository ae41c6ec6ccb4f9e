"""The networks of the baselines."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.train.baselines.networks import (  # noqa: E402
    PatchDiscriminator,
    SqueezeExcitation,
    WorkBUNet,
    new_generator,
)
from deepgray.train.baselines.recipes import CGAN, SE_CGAN, Adversary, BaselineSettings, preset  # noqa: E402


def test_work_b_s_network_keeps_slices_apart_at_first_and_halves_them_four_times() -> None:
    network = WorkBUNet(1, 5, (2, 2, 2, 2, 2, 2))
    kernels = [stage[0][0].kernel_size for stage in network.encoder]
    assert kernels == [(3, 3, 1)] + [(3, 3, 3)] * 5
    assert all(stage[1][0].kernel_size == kernel for stage, kernel in zip(network.encoder, kernels, strict=True))
    shapes = [tuple(output.shape[2:]) for output in network.all_scales(torch.zeros(1, 1, 64, 64, 48))]
    assert shapes == [(64, 64, 48), (32, 32, 48), (16, 16, 24), (8, 8, 12), (4, 4, 6)]


def test_slices_do_not_mix_at_the_first_level() -> None:
    network = WorkBUNet(1, 5, (2, 2))
    image = torch.zeros(1, 1, 8, 8, 4)
    changed = image.clone()
    changed[..., 0] = 1.0
    first = network.encoder[0][0][0]  # before the normalisation, which sees all voxels
    assert torch.equal(first(image)[..., 1:], first(changed)[..., 1:])
    assert not torch.equal(first(image)[..., 0], first(changed)[..., 0])


def test_squeeze_and_excitation_weighs_channels_by_what_all_voxels_say() -> None:
    block = SqueezeExcitation(8)
    features = torch.rand(2, 8, 3, 3, 3) + 0.5
    ratio = (block(features) / features).detach()
    assert torch.allclose(ratio, ratio[:, :, :1, :1, :1].expand_as(ratio))
    assert 0 < float(ratio.min()) < float(ratio.max()) < 1


def test_the_attention_arm_is_the_other_with_attention_at_every_stage() -> None:
    def made(arm: str) -> list[object]:
        how = BaselineSettings(arm, shape=(16, 16, 8), widths=(4, 8), adversary=Adversary((4,)))
        return [type(module) for module in new_generator(how, 5).modules()]

    assert made(CGAN).count(SqueezeExcitation) == 0
    assert made(SE_CGAN).count(SqueezeExcitation) == 3  # two levels down, one up


def test_the_discriminator_judges_patches() -> None:
    found = PatchDiscriminator(6, (4, 8))(torch.zeros(2, 1, 16, 16, 8), torch.zeros(2, 5, 16, 16, 8))
    assert found.shape == (2, 1, 4, 4, 2)


@pytest.mark.parametrize("arm", sorted(preset("quick").recipes))
def test_every_quick_generator_gives_five_classes(arm: str) -> None:
    how = preset("quick").recipes[arm]
    assert new_generator(how, 5).eval()(torch.zeros(1, 1, 32, 32, 16)).shape == (1, 5, 32, 32, 16)
