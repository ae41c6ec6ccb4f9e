"""The network: a plain 3-D U-Net, small enough for a laptop, with deep supervision while it trains."""

from __future__ import annotations

from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor, nn


def _block(channels_in: int, channels_out: int, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(channels_in, channels_out, 3, stride, padding=1, bias=False),
        nn.InstanceNorm3d(channels_out, affine=True),
        nn.LeakyReLU(0.01, inplace=True),
    )


class Levels(Protocol):
    """A U-Net's stages: the encoder's, finest first, and the decoder's, coarsest first."""

    encoder: nn.ModuleList
    up: nn.ModuleList
    decoder: nn.ModuleList
    heads: nn.ModuleList


def outputs_of_levels(network: Levels, features: Tensor) -> list[Tensor]:
    """Down through the encoder and up through the decoder: the output of every decoder level, finest first."""
    skips: list[Tensor] = []
    for stage in network.encoder:
        features = stage(features)
        skips.append(features)
    outputs: list[Tensor] = []
    levels = zip(network.up, network.decoder, network.heads, reversed(skips[:-1]), strict=True)
    for up, decoder, head, skip in levels:
        features = decoder(torch.cat([up(features), skip], dim=1))
        outputs.append(head(features))
    return outputs[::-1]


class UNet(nn.Module):
    """U-Net with two 3×3×3 convolutions a level, strided convolutions down, transposed ones up.

    Instance normalisation and leaky ReLU as in nnU-Net (Isensee 2021, doi:10.1038/s41592-020-01008-z).

    Args:
        channels_in: Input channels.
        channels_out: Output channels.
        widths: Channels of each level, finest first; every level halves the grid.
        patch: Voxels along each axis that the first level takes together; outputs are brought back by trilinear
            interpolation. For maps that are coarser than the image.
    """

    def __init__(self, channels_in: int, channels_out: int, widths: tuple[int, ...], *, patch: int = 1) -> None:
        super().__init__()
        self.widths, self.patch = widths, patch
        self.gather = nn.Conv3d(channels_in, widths[0], patch, patch) if patch > 1 else nn.Identity()
        self.encoder = nn.ModuleList()
        before = widths[0] if patch > 1 else channels_in
        for level, width in enumerate(widths):
            first = _block(before, width, stride=1 if level == 0 else 2)
            self.encoder.append(nn.Sequential(first, _block(width, width)))
            before = width
        self.up = nn.ModuleList()
        self.decoder = nn.ModuleList()
        self.heads = nn.ModuleList()
        for fine, coarse in reversed(list(pairwise(widths))):
            self.up.append(nn.ConvTranspose3d(coarse, fine, 2, 2))
            self.decoder.append(nn.Sequential(_block(2 * fine, fine), _block(fine, fine)))
            self.heads.append(nn.Conv3d(fine, channels_out, 1))

    def all_scales(self, image: Tensor) -> list[Tensor]:
        """Outputs of every decoder level, finest first.

        Args:
            image: (batch, channels, x, y, z); the sides are multiples of ``patch`` times 2 to the number of levels less
                one.
        """
        return outputs_of_levels(self, self.gather(image))

    def forward(self, image: Tensor) -> Tensor:
        """The finest output on the image's grid, (batch, channels_out, x, y, z)."""
        finest = self.all_scales(image)[0]
        if self.patch == 1:
            return finest
        return nn.functional.interpolate(finest, scale_factor=self.patch, mode="trilinear", align_corners=False)
