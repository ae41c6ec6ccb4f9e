"""One step of learning."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.train.baselines.fitting import new_learner  # noqa: E402
from deepgray.train.baselines.learning import (  # noqa: E402
    OUTPUT_WEIGHTS,
    Adversarial,
    Plain,
    Supervised,
    deep_supervision,
    judged,
)
from deepgray.train.baselines.recipes import CGAN, NNUNET, UNET, Adversary, BaselineSettings  # noqa: E402
from deepgray.train.losses import dice_cross_entropy, shares  # noqa: E402

TINY = BaselineSettings(UNET, shape=(8, 8, 4), widths=(4, 4), learning_rate=0.01, steps=10)
GAN = replace(TINY, arm=CGAN, adversary=Adversary((4, 4)))


def crops() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    target = torch.zeros(2, 8, 8, 4, dtype=torch.long)
    target[:, 2:6, 2:6, 1:3] = 1
    return target[:, None].float() + 0.1 * torch.randn(2, 1, 8, 8, 4), target


def test_outputs_weigh_eight_four_two_and_one_fifteenth() -> None:
    assert OUTPUT_WEIGHTS == (8 / 15, 4 / 15, 2 / 15, 1 / 15)
    _, target = crops()
    outputs = [torch.randn(2, 5, 8, 8, 4), torch.randn(2, 5, 4, 4, 4)]  # the first halving leaves the slices alone
    fine = dice_cross_entropy(outputs[0], shares(target, 5))
    coarse = dice_cross_entropy(outputs[1], shares(target[:, ::2, ::2], 5))
    assert float(deep_supervision(outputs, target)) == pytest.approx(float(8 / 15 * fine + 4 / 15 * coarse), rel=1e-6)


def test_a_discriminator_that_does_not_know_costs_log_two() -> None:
    assert float(judged(torch.zeros(1, 1, 2, 2, 2), 1.0)) == pytest.approx(math.log(2))
    assert float(judged(torch.full((1, 1, 2, 2, 2), 20.0), 1.0)) < 1e-6 < float(judged(torch.full((1,), 20.0), 0.0))


@pytest.mark.parametrize(
    ("how", "kind"),
    [(TINY, Plain), (replace(TINY, arm=NNUNET), Supervised), (GAN, Adversarial)],
)
def test_every_learner_learns_and_can_be_resumed(how: BaselineSettings, kind: type) -> None:
    image, target = crops()
    torch.manual_seed(1)
    learner, other = new_learner(how), new_learner(how)
    assert type(learner) is kind
    losses = [learner.learn(image, target, left=1.0) for _ in range(25)]
    assert losses[-1] < 0.8 * losses[0]
    other.resume(learner.state())
    assert learner.learn(image, target, left=0.5) == pytest.approx(other.learn(image, target, left=0.5), rel=1e-5)


def test_the_l1_term_is_the_mean_difference_of_the_shares() -> None:
    image, target = crops()
    adversary = Adversary((4,), weight=0.0, fidelity="l1", fidelity_weight=100.0)
    learner = Adversarial(replace(GAN, adversary=adversary), adversary, 5)
    wanted = (learner.generator(image).softmax(1) - shares(target, 5)).abs().mean()
    assert learner.learn(image, target, left=1.0) == pytest.approx(100 * float(wanted.detach()), rel=1e-4)


def test_the_discriminator_learns_to_tell_drawn_from_true() -> None:
    image, target = crops()
    torch.manual_seed(1)
    adversary = Adversary((8, 8), learning_rate=0.01)
    learner = Adversarial(replace(GAN, adversary=adversary, learning_rate=1e-9), adversary, 5)
    for _ in range(15):
        learner.learn(image, target, left=1.0)
    with torch.no_grad():
        true = learner.discriminator(image, shares(target, 5)).mean()
        drawn = learner.discriminator(image, learner.generator(image).softmax(1)).mean()
    assert float(true) > 0 > float(drawn)
