"""Fields that come from outside the brain (air, bone, neck), their removal by spherical means, and what that leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from deepgray.simulate.mr import chance, gaussian_blur, uniform
from deepgray.simulate.tissues import TISSUES

# Susceptibility relative to water.
AIR_PPM, BONE_PPM, SOFT_PPM = 9.2, -2.0, 0.0
# Spherical means remove what is harmonic; where their high-pass is weaker than this it is not undone.
LEAST_HIGH_PASS = 0.05
# Blobs at one drawing, at most.
RIM_BLOBS = 5


@dataclass(frozen=True)
class RimArtefact:
    """One kind of what the removal of the background leaves near the mask's rim.

    Attributes:
        blur_mm, share: Its centres lie where the mask, blurred by this width, has sunk below this share.
        radius_mm: Limits of a blob's radius (its standard deviation).
        ppm: Limits of its size.
    """

    blur_mm: float
    share: float
    radius_mm: tuple[float, float]
    ppm: tuple[float, float]


# Strong and small at the rim itself; weak, up to 10 mm deep and as large as a nucleus.
RIM_ARTEFACTS = (
    RimArtefact(blur_mm=2.5, share=0.8, radius_mm=(0.8, 2.6), ppm=(0.15, 0.9)),
    RimArtefact(blur_mm=5.0, share=0.98, radius_mm=(1.5, 4.0), ppm=(0.06, 0.3)),
)


def source_table() -> Tensor:
    """Susceptibility of what lies outside the brain, (tissues,) ppm; 0 for the brain itself."""
    table = torch.zeros(len(TISSUES))
    for number, tissue in enumerate(TISSUES):
        by_family = {"air": AIR_PPM, "skull": BONE_PPM, "soft": SOFT_PPM}
        table[number] = by_family.get(tissue.family, 0.0)
    cancellous = next(n for n, t in enumerate(TISSUES) if t.name == "cancellous bone")
    table[cancellous] = 0.3 * BONE_PPM  # marrow
    return table


def remove_background(
    field: Tensor, mask: NDArray[np.bool_], spacing_mm: tuple[float, float, float], radii_mm: Sequence[float]
) -> tuple[Tensor, NDArray[np.bool_]]:
    """Remove background fields by spherical means (V-SHARP; Li 2011, doi:10.1016/j.neuroimage.2010.11.088).

    A field whose sources lie outside a ball equals its mean over the ball, so what is left after subtracting the mean
    comes from inside. Large balls are used in the depth and ever smaller ones towards the edge; the high-pass of the
    largest is then undone.

    Args:
        field: (x, y, z) ppm.
        mask: (x, y, z), where the field is known.
        spacing_mm: Voxel size.
        radii_mm: Radii of the balls.

    Returns:
        The local field, ppm, 0 outside; and where it is known: the mask less the smallest radius.
    """
    shape = (field.shape[0], field.shape[1], field.shape[2])
    padded = np.pad(mask, 1)
    depth = ndimage.distance_transform_edt(padded, sampling=spacing_mm)[1:-1, 1:-1, 1:-1]
    known = torch.fft.rfftn(field * torch.from_numpy(mask))
    out = torch.zeros(shape)
    todo = np.ones(shape, dtype=bool)
    largest = None
    for radius in sorted(radii_mm, reverse=True):
        mean = _ball(shape, spacing_mm, radius)
        largest = mean if largest is None else largest
        here = todo & (depth > radius)
        high = torch.fft.irfftn(known * (1 - mean), s=shape)
        out = torch.where(torch.from_numpy(here), high, out)
        todo &= ~here
    if largest is None:
        return out, mask & False
    left = ~todo
    high_pass = 1 - largest
    high_pass = torch.where(high_pass.abs() < LEAST_HIGH_PASS, torch.inf, high_pass)
    undone = torch.fft.irfftn(torch.fft.rfftn(out) / high_pass, s=shape)
    return undone * torch.from_numpy(left), left


def _ball(shape: tuple[int, int, int], spacing_mm: tuple[float, float, float], radius_mm: float) -> Tensor:
    """Half spectrum of the mean over a ball around each voxel: real, as the ball is even."""
    axes = [torch.fft.fftfreq(n) * n * s for n, s in zip(shape, spacing_mm, strict=True)]
    squared = axes[0][:, None, None] ** 2 + axes[1][None, :, None] ** 2 + axes[2][None, None, :] ** 2
    ball = (squared <= radius_mm**2).float()
    spectrum: Tensor = torch.fft.rfftn(ball / ball.sum()).real
    return spectrum


def add_rim_artefacts(found: Tensor, spacing_mm: float) -> Tensor:
    """Bright and dark blobs at the rim of a reconstructed map, as the removal of the background leaves them.

    Args:
        found: (x, y, z) ppm, 0 outside the mask.
        spacing_mm: Voxel size.
    """
    seen = found != 0
    out = found.clone()
    for kind in RIM_ARTEFACTS:
        wide = kind.blur_mm / spacing_mm
        rim = torch.nonzero(seen & (gaussian_blur(seen.float(), (wide, wide, wide)) < kind.share))
        if len(rim) == 0:
            continue
        for centre in rim[torch.randint(len(rim), (1 + int(torch.randint(RIM_BLOBS, (1,))),))]:
            _add_blob(out, centre, uniform(*kind.radius_mm) / spacing_mm, uniform(*kind.ppm))
    return out * seen


def _add_blob(out: Tensor, centre: Tensor, radius: float, ppm: float) -> None:
    """Add one Gaussian blob, bright more often than dark, to a map in place; radius in voxels."""
    reach = int(3 * radius) + 1
    low = [max(0, int(c) - reach) for c in centre]
    part = tuple(slice(a, int(c) + reach + 1) for a, c in zip(low, centre, strict=True))
    axes = [torch.arange(n, dtype=torch.float32) + a for n, a in zip(out[part].shape, low, strict=True)]
    away = sum((axis - c) ** 2 for axis, c in zip(torch.meshgrid(*axes, indexing="ij"), centre, strict=True))
    sign = 1.0 if chance(0.6) else -1.0
    out[part] += sign * ppm * torch.exp(-0.5 * away / radius**2)
