"""From true susceptibility to a reconstructed map: fields, noise, masks, background removal, inversion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import make_interp_spline
from torch import Tensor

from deepgray.simulate import dipole
from deepgray.simulate.background import remove_background, source_table
from deepgray.simulate.framing import Found, Frame
from deepgray.simulate.mr import chance, gaussian_blur, random_rotation, sample_nearest, smooth_field, uniform
from deepgray.simulate.small_nuclei import QsmHead
from deepgray.simulate.susceptibility import field_noise

# name -> ends of the strength, drawn evenly on a logarithmic scale: threshold, weight, weight; directions (even).
INVERSIONS: Mapping[str, tuple[float, float]] = {
    "tkd": (0.06, 0.22),
    "tikhonov": (1e-3, 3e-2),
    "tv": (1.5e-4, 1.2e-3),
    "cosmos": (3.0, 6.0),
}
COSMOS_TILT_DEGREES = 50.0
BACKGROUND_MM = 1.3
BACKGROUND_BLUR_VOXELS = 0.9
BACKGROUND_ROOM_MM = 45.0
RADII_MM = (14.0, 10.0, 7.0, 4.5)
# Signal is lost where the background changes by more than this from voxel to voxel of 1 mm: half a turn of phase at 3 T
# and 20 ms is 0.2 ppm.
DEPHASING_PPM = (0.10, 0.25)


@dataclass(frozen=True)
class Draw:
    """What was drawn of an acquisition.

    Attributes:
        inversion: Name, of ``INVERSIONS``.
        strength: Threshold or weight; for ``cosmos`` the number of directions.
        main_field: Unit directions of the main field along the scan's axes, one per acquisition.
        noise_ppm: Standard deviation of the field's noise.
        erosion_mm: What the brain mask loses.
        dephasing_ppm: Change of the background per mm that loses the signal.
        smallest_radius_mm: Of the spherical means.
        remnant_ppm: Size of a smooth error besides.
    """

    inversion: str
    strength: float
    main_field: tuple[tuple[float, float, float], ...]
    noise_ppm: float
    erosion_mm: float
    dephasing_ppm: float
    smallest_radius_mm: float
    remnant_ppm: float

    def told(self) -> dict[str, object]:
        """For a file."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Acquired:
    """A reconstructed map.

    Attributes:
        chi: (x, y, z) ppm.
        mask: (x, y, z), where it was reconstructed.
    """

    chi: Tensor
    mask: NDArray[np.bool_]


def draw(inversion: str, tilt_degrees: float, noise_ppm: tuple[float, float]) -> Draw:
    """Draw an acquisition.

    Args:
        inversion: Of ``INVERSIONS``, or ``random``.
        tilt_degrees: Largest angle between main field and third axis.
        noise_ppm: Ends of the noise.
    """
    names = tuple(INVERSIONS)
    name = names[int(torch.randint(len(names), (1,)))] if inversion == "random" else inversion
    low, high = INVERSIONS[name]
    strength = float(low * (high / low) ** uniform(0.0, 1.0))
    count = 1
    if name == "cosmos":
        count = round(strength)
        strength = float(count)
    up = torch.tensor([0.0, 0.0, 1.0])
    first = random_rotation(tilt_degrees) @ up
    others = [random_rotation(COSMOS_TILT_DEGREES) @ up for _ in range(count - 1)]
    directions = tuple((float(d[0]), float(d[1]), float(d[2])) for d in (first, *others))
    return Draw(
        name,
        strength,
        directions,
        uniform(*noise_ppm),
        uniform(0.0, 2.5),
        uniform(*DEPHASING_PPM),
        uniform(1.5, 4.0),
        uniform(0.0, 0.004),
    )


def acquire(  # noqa: PLR0913 (the truth, where it lies, and what was drawn)
    chi: Tensor, found: Found, head: QsmHead, frame: Frame, draw: Draw, *, with_background: bool
) -> Acquired:
    """Reconstruct a true susceptibility.

    Args:
        chi: (x, y, z) ppm, 0 outside the brain.
        found: The head on the grid.
        head: Source of air and bone around it.
        frame: How it lies there.
        draw: What was drawn.
        with_background: Whether air and bone make a field.
    """
    shape, spacing = frame.grid.shape, frame.grid.spacing_mm
    sizes = (float(spacing[0]), float(spacing[1]), float(spacing[2]))
    background = torch.zeros(shape)
    if with_background:
        background = background_field(head, frame, torch.tensor(draw.main_field[0]))
    mask = _brain_mask(found, background, sizes, draw)
    smallest = max(draw.smallest_radius_mm, 1.05 * max(sizes))
    radii = [r for r in RADII_MM if r > smallest] + [smallest]
    kernels = [dipole.dipole_kernel(shape, sizes, torch.tensor(d)) for d in draw.main_field]
    remnant = draw.remnant_ppm * smooth_field(shape, (5, 5, 5), 1)[0]
    fields = [dipole.local_field(chi, kernel) + field_noise(chi, draw.noise_ppm) for kernel in kernels]
    if len(fields) == 1:
        field, known = remove_background(fields[0] + background, mask, sizes, radii)
        fields = [field + remnant]
    else:
        # what air and bone leave differs between directions; one computed remnant stands for all
        left, known = remove_background(background, mask, sizes, radii)
        fields = [f + uniform(-1.0, 1.0) * left + uniform(-1.0, 1.0) * remnant for f in fields]
    inside = torch.from_numpy(known)
    fields = [(f - f[inside].mean()) * inside for f in fields]
    return Acquired(_invert(fields, kernels, draw), known)


def _invert(fields: list[Tensor], kernels: list[Tensor], draw: Draw) -> Tensor:
    if draw.inversion == "cosmos":
        return dipole.invert_orientations(fields, kernels)
    how = {
        "tkd": dipole.invert_threshold,
        "tikhonov": dipole.invert_tikhonov,
        "tv": dipole.invert_total_variation,
    }
    return how[draw.inversion](fields[0], kernels[0], draw.strength)


def background_field(head: QsmHead, frame: Frame, direction: Tensor) -> Tensor:
    """Field of air and bone around the brain, ppm on the scan's grid.

    It is computed on a grid of its own that reaches further than the scan: inside the brain it is smooth.
    """
    size = np.array(frame.grid.shape) * frame.grid.spacing_mm + 2 * BACKGROUND_ROOM_MM
    shape = tuple(int(n) for n in np.ceil(size / BACKGROUND_MM / 16) * 16)
    axes = [(torch.arange(n) - (n - 1) / 2) * BACKGROUND_MM for n in shape]
    world = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).float()
    sources = torch.zeros(shape)
    for low in range(0, shape[0], 16):
        points = frame.of_world(world[low : low + 16])
        tissue = sample_nearest(torch.from_numpy(head.tissues), torch.from_numpy(head.affine), points)
        sources[low : low + 16] = source_table()[tissue.long()]
    wide = (shape[0], shape[1], shape[2])
    kernel = dipole.dipole_kernel(wide, (BACKGROUND_MM,) * 3, direction)
    # a round blur leaves a field without sources as it is and takes the ringing of the voxels' edges away
    smooth = gaussian_blur(sources, (BACKGROUND_BLUR_VOXELS,) * 3)
    field = dipole.local_field(smooth, kernel)
    for axis, (coarse, count, size_mm) in enumerate(zip(shape, frame.grid.shape, frame.grid.spacing_mm, strict=True)):
        weights = _spline_weights(coarse, count, float(size_mm))
        field = torch.tensordot(weights, field, dims=([1], [axis])).movedim(0, axis)
    return field


def _spline_weights(coarse: int, count: int, size_mm: float) -> Tensor:
    """Weights (count, coarse) of the cubic spline from the coarse grid to voxels around the same middle."""
    known = (np.arange(coarse) - (coarse - 1) / 2) * BACKGROUND_MM
    wanted = (np.arange(count) - (count - 1) / 2) * size_mm
    return torch.from_numpy(make_interp_spline(known, np.eye(coarse))(wanted)).float()


def _brain_mask(
    found: Found, background: Tensor, spacing_mm: tuple[float, float, float], draw: Draw
) -> NDArray[np.bool_]:
    """The brain without its outermost part and without what the background's gradient makes dark; one piece."""
    depth = ndimage.distance_transform_edt(found.inside.numpy(), sampling=spacing_mm)
    mask = depth > draw.erosion_mm
    steps = torch.gradient(background, spacing=spacing_mm)
    steepest = torch.stack([s.abs() for s in steps]).amax(dim=0).numpy()
    mask &= steepest < draw.dephasing_ppm
    if chance(0.3):
        rough = smooth_field(found.inside.shape, tuple(max(4, n // 8) for n in found.inside.shape), 1)[0].numpy()
        mask &= ~((depth < 6.0) & (rough > 1.2))
    parts, count = ndimage.label(mask)
    if count > 1:
        sizes = np.bincount(parts.ravel())
        sizes[0] = 0
        mask = parts == sizes.argmax()
    return np.asarray(ndimage.binary_fill_holes(mask))
