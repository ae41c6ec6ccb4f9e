"""One step of learning: by Dice and cross entropy alone, or against a patch discriminator too."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepgray.train.baselines.networks import PatchDiscriminator, WorkBUNet, new_generator
from deepgray.train.baselines.recipes import Adversary, BaselineSettings
from deepgray.train.losses import dice_cross_entropy, shares
from deepgray.train.networks import UNet

# Weights of the supervised outputs, finest first (work B).
OUTPUT_WEIGHTS = (8 / 15, 4 / 15, 2 / 15, 1 / 15)
MOMENTUM, DECAY, CLIP_NORM = 0.99, 3e-5, 12.0
# Learning rates fall with this power of what is left, as in nnU-Net.
POWER = 0.9
GAN_BETAS = (0.5, 0.999)


class Learner(Protocol):
    """A network that learns, and what it needs for that."""

    generator: WorkBUNet | UNet

    def learn(self, image: Tensor, target: Tensor, *, left: float) -> float:
        """One step.

        Args:
            image: (batch, 1, x, y, z).
            target: (batch, x, y, z) class indices.
            left: Part of the training that is still to come, 1 to 0.

        Returns:
            The loss.
        """
        ...

    def state(self) -> dict[str, Any]:
        """Everything that a later process needs to go on."""
        ...

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from what ``state`` gave."""
        ...


def deep_supervision(outputs: list[Tensor], target: Tensor) -> Tensor:
    """Dice plus cross entropy of the four finest outputs, weights 8/15, 4/15, 2/15, 1/15.

    Args:
        outputs: (batch, classes, x, y, z) each, finest first.
        target: (batch, x, y, z) class indices; a coarser output is judged by every second voxel along its axes.
    """
    total = outputs[0].sum() * 0
    for weight, output in zip(OUTPUT_WEIGHTS, outputs, strict=False):
        step = [n // m for n, m in zip(target.shape[1:], output.shape[2:], strict=True)]
        part = target[:, :: step[0], :: step[1], :: step[2]]
        total = total + weight * dice_cross_entropy(output, shares(part, output.shape[1]))
    return total


class _OneLoss:
    """One network, one optimiser, one loss."""

    optimiser: torch.optim.Optimizer

    def __init__(self, settings: BaselineSettings, classes: int) -> None:
        self.generator = new_generator(settings, classes)
        self.rate = settings.learning_rate

    def loss(self, image: Tensor, target: Tensor) -> Tensor:
        """What is made small."""
        raise NotImplementedError

    def learn(self, image: Tensor, target: Tensor, *, left: float) -> float:
        """One step."""
        _set_rate(self.optimiser, self.rate * left**POWER)
        loss = self.loss(image, target)
        _stepped(self.optimiser, loss, self.generator)
        return float(loss.detach())

    def state(self) -> dict[str, Any]:
        """Weights and optimiser."""
        return {"generator": self.generator.state_dict(), "optimiser": self.optimiser.state_dict()}

    def resume(self, state: dict[str, Any]) -> None:
        """Weights and optimiser."""
        self.generator.load_state_dict(state["generator"])
        self.optimiser.load_state_dict(state["optimiser"])


class Supervised(_OneLoss):
    """Work B's nnU-Net: deep supervision and SGD with Nesterov momentum."""

    def __init__(self, settings: BaselineSettings, classes: int) -> None:
        super().__init__(settings, classes)
        self.optimiser = torch.optim.SGD(
            self.generator.parameters(), lr=self.rate, momentum=MOMENTUM, nesterov=True, weight_decay=DECAY
        )

    def loss(self, image: Tensor, target: Tensor) -> Tensor:
        """Of every decoder level."""
        return deep_supervision(self.generator.all_scales(image), target)


class Plain(_OneLoss):
    """The U-Net: Dice plus cross entropy of its output, Adam."""

    def __init__(self, settings: BaselineSettings, classes: int) -> None:
        super().__init__(settings, classes)
        self.optimiser = torch.optim.Adam(self.generator.parameters(), lr=self.rate)

    def loss(self, image: Tensor, target: Tensor) -> Tensor:
        """Of the output."""
        output = self.generator(image)
        return dice_cross_entropy(output, shares(target, output.shape[1]))


class Adversarial:
    """A conditional GAN: the U-Net against a patch discriminator, two Adams in turn.

    Args:
        settings: Of the arm.
        adversary: The discriminator and the weights of the terms.
        classes: Output channels, background included.
    """

    def __init__(self, settings: BaselineSettings, adversary: Adversary, classes: int) -> None:
        self.generator = new_generator(settings, classes)
        self.adversary = adversary
        self.discriminator = PatchDiscriminator(1 + classes, adversary.widths)
        self.rate = settings.learning_rate
        self.optimiser = torch.optim.Adam(self.generator.parameters(), lr=self.rate, betas=GAN_BETAS)
        self.other = torch.optim.Adam(self.discriminator.parameters(), lr=adversary.learning_rate, betas=GAN_BETAS)

    def learn(self, image: Tensor, target: Tensor, *, left: float) -> float:
        """The discriminator's step, then the generator's, whose loss is given."""
        _set_rate(self.optimiser, self.rate * left**POWER)
        _set_rate(self.other, self.adversary.learning_rate * left**POWER)
        output = self.generator(image)
        truth, drawn = shares(target, output.shape[1]), output.softmax(1)
        told = (
            judged(self.discriminator(image, truth), 1.0) + judged(self.discriminator(image, drawn.detach()), 0.0)
        ) / 2
        _stepped(self.other, told, self.discriminator)
        self.discriminator.requires_grad_(requires_grad=False)
        kept = dice_cross_entropy(output, truth) if self.adversary.fidelity == "dice" else (drawn - truth).abs().mean()
        loss = self.adversary.weight * judged(self.discriminator(image, drawn), 1.0)
        loss = loss + self.adversary.fidelity_weight * kept
        _stepped(self.optimiser, loss, self.generator)
        self.discriminator.requires_grad_(requires_grad=True)
        return float(loss.detach())

    def state(self) -> dict[str, Any]:
        """Both networks and both optimisers."""
        return {
            "generator": self.generator.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "other": self.other.state_dict(),
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Both networks and both optimisers."""
        self.generator.load_state_dict(state["generator"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.discriminator.load_state_dict(state["discriminator"])
        self.other.load_state_dict(state["other"])


def judged(logits: Tensor, truth: float) -> Tensor:
    """Cross entropy of a discriminator's logits with what they should say (1 true, 0 drawn)."""
    return functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, truth))


def _set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate


def _stepped(optimiser: torch.optim.Optimizer, loss: Tensor, network: nn.Module) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(network.parameters(), CLIP_NORM)
    optimiser.step()
