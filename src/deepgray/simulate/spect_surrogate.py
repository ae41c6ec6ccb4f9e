"""SPECT images without a camera, for training as it goes: blur, haze, coloured noise, shading and scale.

What the camera and the reconstruction of ``spect`` do, in a few hundredths of a second; how far the two are apart is
printed by ``benchmarks/spect_surrogate.py``. The limits are those measured on that camera.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from deepgray.simulate.mr import gaussian_blur, smooth_field, uniform
from deepgray.space import FWHM_PER_SIGMA

# The haze is so smooth that every fourth voxel is enough.
HAZE_STEP = 4
SHADING_POINTS = 4


@dataclass(frozen=True)
class Surrogate:
    """What one image looks like.

    Attributes:
        fwhm_mm: Width of the blur.
        noise_mm: Width of the noise's autocorrelation, full at half maximum.
        noise_share: Standard deviation of the noise where the blurred activity is 1.
        haze_share: How much scatter lies over the image, of what it comes from.
        haze_mm: Width (standard deviation) of the scatter.
        shading: Largest relative error that changes slowly over the head, from attenuation.
        scale: What everything is multiplied by.
    """

    fwhm_mm: float = 12.0
    noise_mm: float = 10.0
    noise_share: float = 0.10
    haze_share: float = 0.15
    haze_mm: float = 35.0
    shading: float = 0.05
    scale: float = 1.0


def draw_surrogate() -> Surrogate:
    """Draw an image's qualities within what the camera gives, from torch's generator."""
    return Surrogate(
        fwhm_mm=uniform(10.0, 16.0),
        noise_mm=uniform(9.0, 16.0),
        noise_share=uniform(0.03, 0.16),
        haze_share=uniform(0.05, 0.45),
        haze_mm=uniform(25.0, 45.0),
        shading=uniform(0.0, 0.08),
        scale=uniform(0.8, 1.2),
    )


def surrogate(activity: Tensor, spacing_mm: tuple[float, float, float], draw: Surrogate) -> Tensor:
    """An image of activity.

    Args:
        activity: (x, y, z), occipital grey matter 1.
        spacing_mm: Voxel size.
        draw: Its qualities.

    Returns:
        (x, y, z) float32, not below 0.
    """
    x, y, z = (draw.fwhm_mm / FWHM_PER_SIGMA / s for s in spacing_mm)
    image = gaussian_blur(activity, (x, y, z)).clamp(min=0)
    image = image + draw.haze_share * _haze(activity, spacing_mm, draw.haze_mm)
    # white noise through a Gaussian: its autocorrelation is wider than the Gaussian by the root of two
    x, y, z = (draw.noise_mm / 2**0.5 / FWHM_PER_SIGMA / s for s in spacing_mm)
    noise = gaussian_blur(torch.randn(activity.shape), (x, y, z))
    image = image + draw.noise_share * image.sqrt() * noise / noise.std().clamp(min=1e-6)
    points = smooth_field(tuple(activity.shape), (SHADING_POINTS,) * 3, 1)[0]
    shaded = image * (1 + draw.shading * points / points.abs().max().clamp(min=1e-6))
    return (shaded * draw.scale).clamp(min=0)


def _haze(activity: Tensor, spacing_mm: tuple[float, float, float], width_mm: float) -> Tensor:
    steps = [min(HAZE_STEP, n) for n in activity.shape]
    coarse = functional.avg_pool3d(activity[None, None], steps, ceil_mode=True)[0, 0]
    x, y, z = (width_mm / s / n for s, n in zip(spacing_mm, steps, strict=True))
    smooth = _blur_zero(coarse, (x, y, z))
    return functional.interpolate(smooth[None, None], size=activity.shape, mode="trilinear")[0, 0]


def _blur_zero(image: Tensor, sigma_voxels: tuple[float, float, float]) -> Tensor:
    """A Gaussian blur with nothing beyond the borders."""
    out = image
    for axis, sigma in enumerate(sigma_voxels):
        steps = torch.arange(out.shape[axis], dtype=torch.float32)
        kernel = torch.exp(-0.5 * ((steps[:, None] - steps[None]) / sigma) ** 2) / (sigma * 2.5066)
        out = torch.tensordot(kernel, out, dims=([1], [axis])).movedim(0, axis)
    return out
