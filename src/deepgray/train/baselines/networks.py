"""The baselines' networks: work B's own layout of nnU-Net, squeeze and excitation, the patch discriminator."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from deepgray.train.baselines.recipes import NNUNET, SE_CGAN, BaselineSettings
from deepgray.train.networks import UNet, outputs_of_levels

# How much squeeze and excitation narrows (Hu 2018 has 16; these networks are narrower).
REDUCTION = 4
LEAK = 0.01
DISCRIMINATOR_LEAK = 0.2


def _convolved(
    channels_in: int, channels_out: int, kernel: tuple[int, int, int], stride: tuple[int, int, int]
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(channels_in, channels_out, kernel, stride, padding=(kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)),
        nn.InstanceNorm3d(channels_out, affine=True),
        nn.LeakyReLU(LEAK, inplace=True),
    )


class WorkBUNet(nn.Module):
    """The network of work B (doi:10.1109/TRPMS.2024.3398360).

    One encoder level of two convolutions within slices (1×3×3 there, 3×3×1 with our order of axes), the others of
    two 3×3×3; instance normalisation, leaky ReLU, transposed convolutions. The first halving leaves the slices alone,
    as nnU-Net plans it for such kernels, so that 48 slices can be halved five times.

    Args:
        channels_in: Input channels.
        channels_out: Output channels.
        widths: Channels of each level, finest first.
    """

    def __init__(self, channels_in: int, channels_out: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        kernels = [(3, 3, 1)] + [(3, 3, 3)] * (len(widths) - 1)
        self.strides: list[tuple[int, int, int]] = [(1, 1, 1), (2, 2, 1)] + [(2, 2, 2)] * (len(widths) - 2)
        self.encoder = nn.ModuleList()
        before = channels_in
        for width, kernel, stride in zip(widths, kernels, self.strides, strict=True):
            stage = [_convolved(before, width, kernel, stride), _convolved(width, width, kernel, (1, 1, 1))]
            self.encoder.append(nn.Sequential(*stage))
            before = width
        self.up, self.decoder, self.heads = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        steps = zip(pairwise(widths), kernels[:-1], self.strides[1:], strict=True)
        for (fine, coarse), kernel, stride in reversed(list(steps)):
            self.up.append(nn.ConvTranspose3d(coarse, fine, stride, stride))
            stage = [_convolved(2 * fine, fine, kernel, (1, 1, 1)), _convolved(fine, fine, kernel, (1, 1, 1))]
            self.decoder.append(nn.Sequential(*stage))
            self.heads.append(nn.Conv3d(fine, channels_out, 1))

    def all_scales(self, image: Tensor) -> list[Tensor]:
        """Outputs of every decoder level, finest first.

        Args:
            image: (batch, channels, x, y, z), sides that can be halved, z once less.
        """
        return outputs_of_levels(self, image)

    def forward(self, image: Tensor) -> Tensor:
        """The finest output, (batch, channels_out, x, y, z)."""
        return self.all_scales(image)[0]


class SqueezeExcitation(nn.Module):
    """Channels weighed by what all voxels together say (Hu 2018, doi:10.1109/CVPR.2018.00745).

    Args:
        channels: How many.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        between = max(1, channels // REDUCTION)
        self.weigh = nn.Sequential(
            nn.Linear(channels, between), nn.ReLU(inplace=True), nn.Linear(between, channels), nn.Sigmoid()
        )

    def forward(self, features: Tensor) -> Tensor:
        """Weighted features of the same shape (batch, channels, x, y, z)."""
        weights: Tensor = self.weigh(features.mean((2, 3, 4)))
        return features * weights[:, :, None, None, None]


class PatchDiscriminator(nn.Module):
    """Says of each patch whether a map of classes belongs to an image (Isola 2017, doi:10.1109/CVPR.2017.632).

    Args:
        channels_in: Channels of the image and of the classes together.
        widths: Channels of the strided convolutions.
    """

    def __init__(self, channels_in: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = channels_in
        for level, width in enumerate(widths):
            layers.append(nn.Conv3d(before, width, 4, 2, padding=1))
            if level > 0:
                layers.append(nn.InstanceNorm3d(width, affine=True))
            layers.append(nn.LeakyReLU(DISCRIMINATOR_LEAK, inplace=True))
            before = width
        self.layers = nn.Sequential(*layers, nn.Conv3d(before, 1, 3, padding=1))

    def forward(self, image: Tensor, classes: Tensor) -> Tensor:
        """Logits, (batch, 1, x', y', z'), above 0 where the map looks true.

        Args:
            image: (batch, channels, x, y, z).
            classes: (batch, classes, x, y, z) shares.
        """
        found: Tensor = self.layers(torch.cat([image, classes], dim=1))
        return found


def new_generator(settings: BaselineSettings, classes: int) -> WorkBUNet | UNet:
    """The network of an arm that draws the outlines.

    Args:
        settings: Which arm, and its widths.
        classes: Output channels, background included.
    """
    if settings.arm == NNUNET:
        return WorkBUNet(1, classes, settings.widths)
    network = UNet(1, classes, settings.widths)
    if settings.arm == SE_CGAN:
        for stage, width in zip(network.encoder, settings.widths, strict=True):
            stage.append(SqueezeExcitation(width))  # type: ignore[operator]
        for stage, width in zip(network.decoder, reversed(settings.widths[:-1]), strict=True):
            stage.append(SqueezeExcitation(width))  # type: ignore[operator]
    return network
