"""The 2.5-D network of Zhao 2022: a U-Net with attention gates that sees three slices and labels the middle one.

After Zhao et al. (doi:10.3389/fnins.2022.801618): the image at ½, ¼ and ⅛ goes into the encoder too, three outputs are
supervised with weights 0.6, 0.3 and 0.1, Dice plus cross entropy. Gates after Oktay 2018 (arXiv:1804.03999). Widths and
normalisation are not stated there; those here are the usual ones. It sees plain slices, without the canonical frame of
deepgray's own networks, and stands here to be compared with them.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepgray.train.losses import dice_cross_entropy, shares

# Weights of the supervised outputs, finest first.
OUTPUT_WEIGHTS = (0.6, 0.3, 0.1)
# The image goes into so many levels below the first: ½, ¼ and ⅛.
SCALED_INPUTS = 3
NEIGHBOURS = 3


def _block(channels_in: int, channels_out: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before in (channels_in, channels_out):
        layers += [nn.Conv2d(before, channels_out, 3, padding=1, bias=False), nn.BatchNorm2d(channels_out), nn.ReLU()]
    return nn.Sequential(*layers)


class AttentionGate(nn.Module):
    """Lets through what of a skip connection the coarser features ask for.

    Args:
        skip: Channels of the skip connection.
        coarse: Channels of the coarser features, whose grid is half as fine.
    """

    def __init__(self, skip: int, coarse: int) -> None:
        super().__init__()
        between = max(1, skip // 2)
        self.from_skip = nn.Conv2d(skip, between, 2, 2, bias=False)
        self.from_coarse = nn.Conv2d(coarse, between, 1)
        self.score = nn.Conv2d(between, 1, 1)
        self.after = nn.Sequential(nn.Conv2d(skip, skip, 1), nn.BatchNorm2d(skip))

    def coefficients(self, skip: Tensor, coarse: Tensor) -> Tensor:
        """How much of each pixel is let through, (batch, 1, h, w) in 0–1, on the grid of the skip connection."""
        score = self.score(functional.relu(self.from_skip(skip) + self.from_coarse(coarse)))
        return functional.interpolate(score.sigmoid(), size=skip.shape[2:], mode="bilinear", align_corners=False)

    def forward(self, skip: Tensor, coarse: Tensor) -> Tensor:
        """The skip connection, weighted; of its own shape."""
        passed: Tensor = self.after(skip * self.coefficients(skip, coarse))
        return passed


class AttentionUNet(nn.Module):
    """The network.

    Args:
        classes: Output channels, background included.
        widths: Channels of each level, finest first; every level halves the grid.
        attention: Whether skip connections pass through gates.
    """

    def __init__(self, classes: int, widths: tuple[int, ...], *, attention: bool = True) -> None:
        super().__init__()
        self.widths = widths
        scaled = widths[1 : 1 + SCALED_INPUTS]
        self.scaled = nn.ModuleList(_block(NEIGHBOURS, width) for width in scaled)
        beside = (0, *scaled, *([0] * len(widths)))
        self.encoder = nn.ModuleList(
            _block((NEIGHBOURS, *widths)[level] + beside[level], width) for level, width in enumerate(widths)
        )
        steps = list(reversed(list(pairwise(widths))))
        self.gates = nn.ModuleList(AttentionGate(fine, coarse) for fine, coarse in steps if attention)
        self.up = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, 2, 2) for fine, coarse in steps)
        self.decoder = nn.ModuleList(_block(2 * fine, fine) for fine, _ in steps)
        supervised = widths[: min(len(OUTPUT_WEIGHTS), len(widths) - 1)]
        self.heads = nn.ModuleList(nn.Conv2d(width, classes, 1) for width in supervised)

    def all_scales(self, image: Tensor) -> list[Tensor]:
        """The supervised outputs, finest first.

        Args:
            image: (batch, 3, h, w); h and w are multiples of 2 to the number of levels less one.
        """
        skips = self._encoded(image)
        features, decoded = skips[-1], []
        for number, (up, decoder) in enumerate(zip(self.up, self.decoder, strict=True)):
            skip = skips[-2 - number]
            if len(self.gates) > 0:
                skip = self.gates[number](skip, features)
            features = decoder(torch.cat([up(features), skip], dim=1))
            decoded.append(features)
        return [head(level) for head, level in zip(self.heads, reversed(decoded), strict=False)]

    def _encoded(self, image: Tensor) -> list[Tensor]:
        skips: list[Tensor] = []
        features = image
        for level, stage in enumerate(self.encoder):
            if level > 0:
                features = functional.max_pool2d(features, 2)
            if 1 <= level <= len(self.scaled):
                small = functional.avg_pool2d(image, 2**level)
                features = torch.cat([features, self.scaled[level - 1](small)], dim=1)
            features = stage(features)
            skips.append(features)
        return skips

    def forward(self, image: Tensor) -> Tensor:
        """The finest output, (batch, classes, h, w)."""
        return self.all_scales(image)[0]


def supervised_loss(outputs: list[Tensor], target: Tensor) -> Tensor:
    """Dice plus cross entropy of every supervised output, the target at every second pixel for each coarser one.

    Args:
        outputs: (batch, classes, h, w), finest first.
        target: (batch, h, w) classes.

    Returns:
        A scalar.
    """
    total = outputs[0].sum() * 0
    for level, (weight, output) in enumerate(zip(OUTPUT_WEIGHTS, outputs, strict=False)):
        step = 2**level
        truth = shares(target[:, ::step, ::step], output.shape[1])
        total = total + weight * dice_cross_entropy(output[..., None], truth[..., None])
    return total
