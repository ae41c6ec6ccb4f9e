"""Magnetic resonance images of any contrast from tissue maps, in torch, so that it runs on a GPU where there is one.

One sample: warp the tissue map (rotation, zoom, smooth displacement), paint every tissue (plausible T1, plausible T2
or any contrast), add texture, blur to a random point-spread function, sample the wanted grid, then bias field, thick
slices, motion, noise and gamma. Domain randomisation after Billot 2023 (doi:10.1016/j.media.2023.102789).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from deepgray.simulate.tissues import INDEX, TISSUES

# Manual borders of deep nuclei lie so far inside the half-way intensity, see ``simulate.margin``.
RATER_MARGIN_MM = 0.5


@dataclass(frozen=True)
class Appearance:
    """How far simulated scans may differ from one another.

    Attributes:
        rotation_degrees: Largest rotation, about any axis.
        shift_mm: Largest shift along each axis.
        zoom: Largest relative change of size along each axis.
        displacement_mm: Largest standard deviation of the smooth displacement.
        control_mm: Distance of its control points.
        t1_share: Share of plausible T1 contrasts.
        t2_share: Share of plausible T2 contrasts; the rest is any contrast.
        stripped_share: Share of scans without skull.
        thick_share: Share of scans with thick slices.
        thick_mm: Largest slice thickness.
        cropped_share: Share of scans with a cropped field of view.
        margin_mm: How far the nuclei of one side are seen beyond their labels, see ``simulate.margin``.
    """

    rotation_degrees: float = 18.0
    shift_mm: float = 6.0
    zoom: float = 0.16
    displacement_mm: float = 2.5
    control_mm: float = 14.0
    t1_share: float = 0.5
    t2_share: float = 0.1
    stripped_share: float = 0.5
    thick_share: float = 0.3
    thick_mm: float = 5.0
    cropped_share: float = 0.0
    margin_mm: float = RATER_MARGIN_MM


@dataclass(frozen=True, eq=False)
class Warp:
    """A drawn deformation.

    Attributes:
        points_mm: (x, y, z, 3) where each voxel of the sample lies in the tissue map's frame.
        rigid_mm: (x, y, z, 3) the same without zoom and bending: where it lies in the canonical frame of the head that
            the sample shows.
    """

    points_mm: Tensor
    rigid_mm: Tensor


def uniform(low: float, high: float) -> float:
    """One number between low and high, from torch's generator."""
    return low + (high - low) * float(torch.rand(()))


def chance(share: float) -> bool:
    """True with this probability."""
    return float(torch.rand(())) < share


def random_rotation(limit_degrees: float) -> Tensor:
    """A 3 × 3 rotation by an angle up to the limit about any axis (Rodrigues' formula)."""
    axis = torch.randn(3)
    x, y, z = (axis / axis.norm()).tolist()
    angle = math.radians(uniform(0.0, limit_degrees))
    cross = torch.tensor([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return torch.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * (cross @ cross)


def smooth_field(shape: tuple[int, ...], control: tuple[int, ...], channels: int) -> Tensor:
    """Unit-variance control points blown up to a smooth field, (channels, x, y, z)."""
    points = torch.randn(1, channels, *control)
    return functional.interpolate(points, size=shape, mode="trilinear", align_corners=True)[0]


def draw_warp(
    shape: tuple[int, int, int], spacing_mm: tuple[float, float, float], centre_mm: Tensor, appearance: Appearance
) -> Warp:
    """Draw a deformation for a sample whose middle lies at ``centre_mm`` of the tissue map's frame.

    Args:
        shape: Voxels of the sample.
        spacing_mm: Voxel size of the sample along each axis.
        centre_mm: (3,) middle of the sample.
        appearance: Limits.

    Returns:
        The warp; rotation and zoom are about the centre.
    """
    linear = random_rotation(appearance.rotation_degrees)
    zooms = 1 + (torch.rand(3) * 2 - 1) * appearance.zoom * 0.5 + uniform(-1, 1) * appearance.zoom * 0.5
    rotation, linear = linear, torch.diag(zooms) @ linear
    shift = (torch.rand(3) * 2 - 1) * appearance.shift_mm
    axes = [(torch.arange(n) - (n - 1) / 2) * s for n, s in zip(shape, spacing_mm, strict=True)]
    offsets = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)
    points = offsets @ linear.T + (centre_mm + shift)
    if appearance.displacement_mm > 0:
        sizes = zip(shape, spacing_mm, strict=True)
        control = tuple(max(3, round(n * s / appearance.control_mm)) for n, s in sizes)
        bend = smooth_field(shape, control, 3) * uniform(0.1, 1.0) * appearance.displacement_mm
        points = points + bend.permute(1, 2, 3, 0)
    rigid = offsets @ rotation.T + (centre_mm + shift) / zooms
    return Warp(points, rigid)


def sample_nearest(tissues: Tensor, frame_affine: Tensor, points_mm: Tensor) -> Tensor:
    """Tissues at points.

    Args:
        tissues: (x, y, z) uint8.
        frame_affine: 4 × 4, index to mm of the tissue map's frame.
        points_mm: (…, 3).

    Returns:
        (…) uint8; air outside.
    """
    index = torch.round(_index_of(points_mm, frame_affine)).to(torch.int32)
    x, y, z = index.unbind(-1)
    nx, ny, nz = tissues.shape
    inside = (x >= 0) & (x < nx) & (y >= 0) & (y < ny) & (z >= 0) & (z < nz)
    flat = (x.clamp(0, nx - 1) * ny + y.clamp(0, ny - 1)) * nz + z.clamp(0, nz - 1)
    found = tissues.reshape(-1).index_select(0, flat.reshape(-1)).reshape(flat.shape)
    return found * inside


def sample_linear(channels: Tensor, affine: Tensor, points_mm: Tensor, *, beyond: str = "zeros") -> Tensor:
    """Values at points, linearly.

    Args:
        channels: (channels, x, y, z) float32.
        affine: 4 × 4, index to mm.
        points_mm: (…, 3).
        beyond: What lies outside: ``zeros``, or the ``border``'s values.

    Returns:
        (channels, …).
    """
    last = torch.tensor([max(n - 1, 1) for n in channels.shape[1:]])
    places = (2 * _index_of(points_mm, affine) / last - 1).flip(-1).reshape(1, -1, 1, 1, 3)
    found = functional.grid_sample(channels[None], places, padding_mode=beyond, align_corners=True)
    return found.reshape(len(channels), *points_mm.shape[:-1])


def _index_of(points_mm: Tensor, affine: Tensor) -> Tensor:
    inverse = torch.linalg.inv(affine.double()).float()
    index: Tensor = points_mm @ inverse[:3, :3].T + inverse[:3, 3]
    return index


def paint(tissues: Tensor, appearance: Appearance) -> Tensor:
    """An image of a random contrast from tissues: means, within-tissue noise and texture.

    Args:
        tissues: (x, y, z) uint8.
        appearance: Shares of contrasts and of scans without skull.

    Returns:
        (x, y, z) float32, about 0–1.
    """
    means, noise = _draw_contrast(appearance)
    index = tissues.long()
    image = means[index]
    image = image + noise[index] * torch.randn(tissues.shape)
    texture = _texture(tuple(tissues.shape))
    strength = (torch.rand(len(TISSUES)) * 0.06)[index]
    image = image + strength * texture * (means[index] > 0.02)
    return image


def _draw_contrast(appearance: Appearance) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each tissue."""
    spread = torch.tensor([t.spread for t in TISSUES])
    kind = float(torch.rand(()))
    if kind < appearance.t1_share + appearance.t2_share:
        plausible = [t.t1 if kind < appearance.t1_share else t.t2 for t in TISSUES]
        means = torch.tensor(plausible)
        means = means + spread * torch.randn(len(TISSUES))
        means = _squeeze_contrast(means, kind < appearance.t1_share)
        noise = uniform(0.005, 0.05) * (0.7 + 0.6 * torch.rand(len(TISSUES)))
    else:
        means = _any_contrast()
        noise = uniform(0.01, 0.10) * torch.rand(len(TISSUES))
    means = _shade_claustrum(means)
    means, noise = _outside(means, noise, appearance)
    return means, noise


def _squeeze_contrast(means: Tensor, t1_weighted: bool) -> Tensor:  # noqa: FBT001
    """Scanners differ in grey–white contrast and in how much a nucleus looks like white matter."""
    white, grey = float(means[INDEX["white matter"]]), float(means[INDEX["cortex"]])
    lift = uniform(-0.15, 0.30) if t1_weighted else uniform(-0.15, 0.15)
    out = means.clone()
    shared = uniform(-0.04, 0.04)
    for number, tissue in enumerate(TISSUES):
        if tissue.family in {"striatum", "pallidum", "thalamus"}:
            out[number] = means[number] + shared + lift * 0.3 * (white - grey)
    return out * uniform(0.85, 1.15) + uniform(-0.03, 0.05)


def _any_contrast() -> Tensor:
    """Every family draws a mean; members of a family stay near it, sometimes very near, sometimes not at all."""
    families = {t.family for t in TISSUES}
    centre = {family: float(torch.rand(())) for family in sorted(families)}
    closeness = 0.02 if chance(0.5) else uniform(0.02, 0.25)
    values = [centre[t.family] + closeness * float(torch.randn(())) for t in TISSUES]
    return torch.tensor(values)


def _shade_claustrum(means: Tensor) -> Tensor:
    """Thin or mixed tissues: claustrum and basal forebrain lie anywhere between white and grey matter."""
    out = means.clone()
    white, grey = means[INDEX["white matter"]], means[INDEX["cortex"]]
    out[INDEX["claustrum"]] = white + uniform(0.0, 0.9) * (grey - white)
    # on the mean of 15 real T1 scans three quarters of the way from white matter to the accumbens
    out[INDEX["basal forebrain"]] = white + uniform(0.4, 1.1) * (grey - white)
    accumbens = out[INDEX["accumbens/ventral striatum"]]
    out[INDEX["accumbens rim"]] = accumbens + uniform(0.0, 0.4) * (white - accumbens)
    if chance(0.5):
        fluid = means[INDEX["cerebrospinal fluid"]]
        out[INDEX["midline tissue"]] = fluid + uniform(0, 1) * (white - fluid)
    if chance(0.3):
        out[INDEX["white matter lesion"]] = white
    return out


def _outside(means: Tensor, noise: Tensor, appearance: Appearance) -> tuple[Tensor, Tensor]:
    """Air is dark; without skull everything outside the brain is zero, sometimes its fluid too."""
    means, noise = means.clone(), noise.clone()
    means[0], noise[0] = (0.0, 0.0) if chance(0.5) else (uniform(0, 0.06), uniform(0, 0.03))
    if chance(appearance.stripped_share):
        outer = [n for n, t in enumerate(TISSUES) if not t.inside_brain]
        means[outer], noise[outer] = 0.0, 0.0
    return means, noise


def _texture(shape: tuple[int, ...]) -> Tensor:
    """Smooth noise of two scales, about unit variance."""
    fine = smooth_field(shape, tuple(max(4, n // 4) for n in shape), 1)[0]
    coarse = smooth_field(shape, tuple(max(3, n // 12) for n in shape), 1)[0]
    return fine + coarse


def gaussian_blur(image: Tensor, sigma_voxels: tuple[float, float, float]) -> Tensor:
    """Separable Gaussian blur of (x, y, z) with replicated borders."""
    out = image[None, None]
    for axis, sigma in enumerate(sigma_voxels):
        if sigma < 0.15:
            continue
        radius = max(1, round(3 * sigma))
        kernel = torch.exp(-0.5 * (torch.arange(-radius, radius + 1, dtype=torch.float32) / sigma) ** 2)
        shape = [1, 1, 1, 1, 1]
        shape[2 + axis] = 2 * radius + 1
        padding = [0] * 6
        padding[2 * (2 - axis)] = padding[2 * (2 - axis) + 1] = radius
        out = functional.conv3d(functional.pad(out, padding, mode="replicate"), (kernel / kernel.sum()).reshape(shape))
    return out[0, 0]


def acquire(image: Tensor, spacing_mm: float, appearance: Appearance) -> Tensor:
    """What a scanner does to a clean image on its final grid: bias, thick slices, motion, noise, gamma.

    Args:
        image: (x, y, z).
        spacing_mm: Voxel size.
        appearance: Shares and limits.

    Returns:
        (x, y, z) float32.
    """
    shape = tuple(image.shape)
    bias = smooth_field(shape, (4, 4, 4), 1)[0] * uniform(0.0, 0.30)
    out = image * torch.exp(bias)
    if chance(0.1):
        out = _ghost(out)
    if chance(appearance.thick_share):
        out = _thicken(out, spacing_mm, appearance.thick_mm)
    level = float(out.abs().mean())
    out = _add_noise(out, level * uniform(0.0, 0.12) if chance(0.8) else 0.0)
    if chance(0.5):
        top = float(out.max()) + 1e-6
        out = (out.clamp(min=0) / top) ** uniform(0.7, 1.4) * top
    return out


def _add_noise(image: Tensor, sigma: float) -> Tensor:
    """Rician noise where the image is not negative; none on voxels that brain extraction set to zero."""
    if sigma <= 0:
        return image
    real = image + sigma * torch.randn(image.shape)
    noisy = torch.sqrt(real**2 + (sigma * torch.randn(image.shape)) ** 2) if chance(0.5) else real
    return torch.where(image == 0, image, noisy)


def _thicken(image: Tensor, spacing_mm: float, limit_mm: float) -> Tensor:
    axis = int(torch.randint(3, (1,)))
    return average_slices(image, spacing_mm, axis, uniform(spacing_mm * 1.2, limit_mm), blur=0.4)


def average_slices(image: Tensor, spacing_mm: float, axis: int, thickness_mm: float, *, blur: float) -> Tensor:
    """Thick slices brought back to the grid.

    Args:
        image: (x, y, z).
        spacing_mm: Voxel size.
        axis: Across the slices.
        thickness_mm: Of a slice.
        blur: Standard deviation of the slice profile as part of the thickness.

    Returns:
        (x, y, z) on the same grid.
    """
    sigma = [0.0, 0.0, 0.0]
    sigma[axis] = blur * thickness_mm / spacing_mm
    size = list(image.shape)
    size[axis] = max(4, round(size[axis] * spacing_mm / thickness_mm))
    blurred = gaussian_blur(image, (sigma[0], sigma[1], sigma[2]))
    small = functional.interpolate(blurred[None, None], size=size, mode="trilinear", align_corners=False)
    return functional.interpolate(small, size=tuple(image.shape), mode="trilinear", align_corners=False)[0, 0]


def _ghost(image: Tensor) -> Tensor:
    """Motion between two halves of the acquisition: part of k-space comes from a shifted head."""
    axis = int(torch.randint(3, (1,)))
    moved = torch.roll(image, shifts=int(torch.randint(1, 4, (1,))), dims=(axis + 1) % 3)
    spectrum, other = torch.fft.fft(image, dim=axis), torch.fft.fft(moved, dim=axis)
    lines = torch.rand(image.shape[axis]) < uniform(0.05, 0.25)
    shape = [1, 1, 1]
    shape[axis] = -1
    mixed = torch.where(lines.reshape(shape), other, spectrum)
    ghosted: Tensor = torch.fft.ifft(mixed, dim=axis).real
    return ghosted


def normalise(image: Tensor) -> Tensor:
    """Percentile scaling; the same as ``voxels.intensity.normalise`` with the name ``percentiles``."""
    flat = image.reshape(-1)
    inside = flat[flat != 0]
    if inside.numel() < 100:
        return image
    step = max(1, inside.numel() // 50_000)
    low, high = torch.quantile(inside[::step], torch.tensor([0.01, 0.99])).tolist()
    scaled: Tensor = ((image - low) / max(high - low, 1e-6)).clamp(-0.25, 1.75)
    return scaled
