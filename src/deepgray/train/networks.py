"""The networks, small enough for a laptop, with deep supervision while they train.

A plain 3-D U-Net; and one that sees the whole head, for images that are coarser than the answer.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor, nn

from deepgray.recipe import Recipe

# Channels of the branch that looks at the whole head.
CONTEXT = 48


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


class WideUNet(nn.Module):
    """U-Net around both sides' nuclei that is also told what lies around them, and answers on voxels half as large.

    A coarse branch looks at the whole head (size, scatter, what is not specific); the trunk at the part around the
    nuclei of both sides, which are much alike. Its last layer halves the voxels.

    Args:
        recipe: What is seen, and the box that is answered for: the trunk sees it and its mirror image.
        widths: Channels of the trunk's four levels, finest first.
    """

    # Voxels along each axis that the coarse branch takes together: those of the trunk's third level.
    COARSE = 4
    # How many voxels of the answer lie along one of each supervised level, finest first.
    STEPS = (1, 4, 8)

    def __init__(self, recipe: Recipe, widths: tuple[int, ...]) -> None:
        super().__init__()
        fine, middle, coarse, coarsest = widths
        outputs = 1 + len(recipe.outputs)
        self.widths, self.patch = widths, 1
        self.near = recipe.near
        self.around = tuple(slice(part.start // self.COARSE, part.stop // self.COARSE) for part in recipe.near)
        self.answered = recipe.grid.shape[0]
        self.context = nn.Sequential(
            nn.Conv3d(len(recipe.inputs), CONTEXT, self.COARSE, self.COARSE, bias=False),
            nn.InstanceNorm3d(CONTEXT, affine=True),
            nn.LeakyReLU(0.01, inplace=True),
            *(_block(CONTEXT, CONTEXT) for _ in range(3)),
        )
        self.encoder = nn.ModuleList(
            [
                nn.Sequential(_block(len(recipe.inputs), fine), _block(fine, fine)),
                nn.Sequential(_block(fine, middle, stride=2), _block(middle, middle)),
                nn.Sequential(_block(middle, coarse, stride=2), _block(coarse, coarse)),
                nn.Sequential(_block(coarse + CONTEXT, coarsest, stride=2), _block(coarsest, coarsest)),
            ]
        )
        self.up = nn.ModuleList(nn.ConvTranspose3d(low, high, 2, 2) for high, low in reversed(list(pairwise(widths))))
        self.decoder = nn.ModuleList(
            [
                nn.Sequential(_block(2 * coarse + CONTEXT, coarse), _block(coarse, coarse)),
                nn.Sequential(_block(2 * middle, middle), _block(middle, middle)),
                nn.Sequential(_block(2 * fine, fine), _block(fine, fine)),
            ]
        )
        self.heads = nn.ModuleList(
            [nn.ConvTranspose3d(fine, outputs, 2, 2), nn.Conv3d(middle, outputs, 1), nn.Conv3d(coarse, outputs, 1)]
        )

    def all_scales(self, image: Tensor) -> list[Tensor]:
        """Outputs of every decoder level around both sides, finest first.

        Args:
            image: (batch, channels, x, y, z) on the grid that the recipe sees.
        """
        around = self.context(image)[:, :, *self.around]
        first = self.encoder[0](image[:, :, *self.near])
        second = self.encoder[1](first)
        third = torch.cat([self.encoder[2](second), around], dim=1)
        coarse = self.decoder[0](torch.cat([self.up[0](self.encoder[3](third)), third], dim=1))
        middle = self.decoder[1](torch.cat([self.up[1](coarse), second], dim=1))
        fine = self.decoder[2](torch.cat([self.up[2](middle), first], dim=1))
        return [head(features) for head, features in zip(self.heads, (fine, middle, coarse), strict=True)]

    def forward(self, image: Tensor) -> Tensor:
        """The finest output on the recipe's box, (batch, 1 + outputs, x, y, z)."""
        return self.all_scales(image)[0][:, :, : self.answered]


OutlineNetwork = UNet | WideUNet


def network_of(recipe: Recipe, widths: tuple[int, ...], *, patch: int = 1) -> OutlineNetwork:
    """A new network for a recipe: one that sees more than its box where the recipe does."""
    if recipe.is_wide:
        return WideUNet(recipe, widths)
    return UNet(len(recipe.inputs), 1 + len(recipe.outputs), widths, patch=patch)
