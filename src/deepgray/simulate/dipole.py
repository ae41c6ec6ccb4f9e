"""The physics of susceptibility maps: the field of magnetised tissue, and ways back from field to susceptibility.

Both ways are products in k-space with the unit dipole kernel D(k) = 1/3 − (k·b)²/|k|², b the direction of the main
field (Salomir 2003, doi:10.1002/cmr.b.10083; Marques 2005, doi:10.1002/cmr.b.20034). D vanishes on a cone, so every way
back is regularised: values become blurred, streaked and, in small nuclei, too low.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

TV_STEP = 0.25
# Strength of the splitting relative to the weight: differences below 1 / TV_COUPLING ppm are flattened in one step.
TV_COUPLING = 100.0
ORIENTATIONS_FLOOR = 1e-3


def dipole_kernel(shape: tuple[int, int, int], spacing_mm: tuple[float, float, float], direction: Tensor) -> Tensor:
    """The unit dipole kernel for the half spectrum of ``torch.fft.rfftn``.

    Args:
        shape: Voxels.
        spacing_mm: Voxel size.
        direction: (3,) direction of the main field along the array's axes; its length does not matter.

    Returns:
        (x, y, z // 2 + 1) float32; 0 at k = 0.
    """
    unit = direction / direction.norm()
    axes = [
        torch.fft.fftfreq(shape[0], spacing_mm[0]),
        torch.fft.fftfreq(shape[1], spacing_mm[1]),
        torch.fft.rfftfreq(shape[2], spacing_mm[2]),
    ]
    kx, ky, kz = axes[0][:, None, None], axes[1][None, :, None], axes[2][None, None, :]
    squared = kx**2 + ky**2 + kz**2
    squared[0, 0, 0] = 1.0
    along = (kx * unit[0]) ** 2 + (ky * unit[1]) ** 2 + (kz * unit[2]) ** 2
    # the highest frequency of an even axis stands for both of its signs, which cancel in the mixed terms
    ox, oy, oz = (_signed(k, n) for k, n in zip((kx, ky, kz), shape, strict=True))
    along = along + 2 * (ox * oy * unit[0] * unit[1] + ox * oz * unit[0] * unit[2] + oy * oz * unit[1] * unit[2])
    kernel: Tensor = 1.0 / 3.0 - along / squared
    kernel[0, 0, 0] = 0.0
    return kernel


def _signed(frequencies: Tensor, count: int) -> Tensor:
    """Frequencies along one axis, 0 in place of the one without a sign."""
    if count % 2:
        return frequencies
    return torch.where(frequencies.abs() == frequencies.abs().max(), 0.0, frequencies)


def local_field(chi: Tensor, kernel: Tensor) -> Tensor:
    """Relative field shift of a susceptibility distribution.

    Args:
        chi: (x, y, z) ppm.
        kernel: Of ``dipole_kernel``.

    Returns:
        (x, y, z) ppm of the main field.
    """
    field: Tensor = torch.fft.irfftn(torch.fft.rfftn(chi) * kernel, s=chi.shape)
    return field


def invert_threshold(field: Tensor, kernel: Tensor, threshold: float) -> Tensor:
    """Thresholded k-space division (Shmueli 2009, doi:10.1002/mrm.22135).

    Args:
        field: (x, y, z) ppm.
        kernel: Of ``dipole_kernel``.
        threshold: Smallest absolute value of the kernel that is divided by; 0.05–0.25 are common.

    Returns:
        (x, y, z) ppm.
    """
    sign = torch.where(kernel < 0, -1.0, 1.0)
    inverse = sign / kernel.abs().clamp(min=threshold)
    inverse[0, 0, 0] = 0.0
    chi: Tensor = torch.fft.irfftn(torch.fft.rfftn(field) * inverse, s=field.shape)
    return chi


def invert_tikhonov(field: Tensor, kernel: Tensor, weight: float) -> Tensor:
    """Closed form of the least squares with a squared penalty on the values (Bilgic 2014, doi:10.1002/jmri.24365).

    Args:
        field: (x, y, z) ppm.
        kernel: Of ``dipole_kernel``.
        weight: Of the penalty.

    Returns:
        (x, y, z) ppm.
    """
    chi: Tensor = torch.fft.irfftn(torch.fft.rfftn(field) * kernel / (kernel**2 + weight), s=field.shape)
    return chi


def invert_orientations(fields: Sequence[Tensor], kernels: Sequence[Tensor]) -> Tensor:
    """Least squares over several directions of the main field (COSMOS; Liu 2009, doi:10.1002/mrm.21828).

    Args:
        fields: (x, y, z) ppm each, in the frame of the head.
        kernels: Of ``dipole_kernel``, one per field.

    Returns:
        (x, y, z) ppm. Directions that leave a part of k-space empty leave it nearly empty here too.
    """
    above = sum((torch.fft.rfftn(f) * k for f, k in zip(fields, kernels, strict=True)), torch.zeros(()))
    below = sum((k**2 for k in kernels), torch.zeros(()))
    chi: Tensor = torch.fft.irfftn(above / below.clamp(min=ORIENTATIONS_FLOOR), s=fields[0].shape)
    return chi


def invert_total_variation(field: Tensor, kernel: Tensor, weight: float, *, iterations: int = 20) -> Tensor:
    """Least squares with a penalty on the total variation, by splitting (ADMM; Bilgic 2014, doi:10.1002/mrm.25029).

    Args:
        field: (x, y, z) ppm.
        kernel: Of ``dipole_kernel``.
        weight: Of the total variation; 2e-4–2e-3 are common for fields in ppm.
        iterations: Steps; each costs one transform there and back.

    Returns:
        (x, y, z) ppm.
    """
    coupling = TV_COUPLING * weight
    steps = [2 - 2 * torch.cos(2 * torch.pi * torch.fft.fftfreq(n)) for n in field.shape]
    steps[2] = steps[2][: kernel.shape[2]]
    rough = steps[0][:, None, None] + steps[1][None, :, None] + steps[2][None, None, :]
    below = kernel**2 + coupling * rough
    below[0, 0, 0] = 1.0
    above = torch.fft.rfftn(field) * kernel
    split, dual = torch.zeros(3, *field.shape), torch.zeros(3, *field.shape)
    chi = torch.zeros(tuple(field.shape))
    for _ in range(iterations):
        push = torch.fft.rfftn(_circular_adjoint(split - dual))
        spectrum = (above + coupling * push) / below
        spectrum[0, 0, 0] = 0.0
        chi = torch.fft.irfftn(spectrum, s=field.shape)
        slope = _circular_gradient(chi) + dual
        split = functional.softshrink(slope, 1.0 / TV_COUPLING)
        dual = slope - split
    return chi


def _circular_gradient(image: Tensor) -> Tensor:
    return torch.stack([torch.roll(image, -1, dims=axis) - image for axis in range(3)])


def _circular_adjoint(slopes: Tensor) -> Tensor:
    return sum((torch.roll(s, 1, dims=a) - s for a, s in enumerate(slopes)), torch.zeros(()))


def smooth_total_variation(image: Tensor, weight: float, *, iterations: int) -> Tensor:
    """Denoise by total variation with the dual projection of Chambolle (2004, doi:10.1023/B:JMIV.0000011325.36760.1e).

    After a linear inversion it gives the flat patches and kept edges of maps that were inverted with total variation,
    at a hundredth of the cost.

    Args:
        image: (x, y, z).
        weight: Of the total variation, in the image's unit.
        iterations: Steps.

    Returns:
        (x, y, z).
    """
    dual = torch.zeros(3, *image.shape)
    for _ in range(iterations):
        slope = _gradient(_divergence(dual) - image / weight)
        dual = (dual + TV_STEP * slope * 0.66) / (1 + TV_STEP * 0.66 * slope.norm(dim=0, keepdim=True))
    return image - weight * _divergence(dual)


def _gradient(image: Tensor) -> Tensor:
    slope = torch.zeros(3, *image.shape)
    slope[0, :-1] = image[1:] - image[:-1]
    slope[1, :, :-1] = image[:, 1:] - image[:, :-1]
    slope[2, :, :, :-1] = image[:, :, 1:] - image[:, :, :-1]
    return slope


def _divergence(dual: Tensor) -> Tensor:
    out = dual.sum(dim=0)
    out[1:] -= dual[0, :-1]
    out[:, 1:] -= dual[1, :, :-1]
    out[:, :, 1:] -= dual[2, :, :, :-1]
    return out
