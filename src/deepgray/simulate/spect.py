"""From activity to a SPECT image: counts with scatter and chance, and reconstruction by ordered subsets.

The camera is that of ``gamma_camera``; the reconstruction is expectation maximisation over ordered subsets of its
views (Hudson 1994, doi:10.1109/42.363108).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepgray.errors import SettingsError
from deepgray.simulate.gamma_camera import Camera, Counts, Image, Projector
from deepgray.space import FWHM_PER_SIGMA

# Attenuation at 159 keV, per mm, narrow beam: about water and bone of NIST's tables.
WATER_PER_MM, BONE_PER_MM, MARROW_PER_MM = 0.0148, 0.0275, 0.0170
# Where scatter is left in, attenuation is corrected with smaller numbers: this part of the true ones (0.10 to 0.13 per
# cm of water).
BROAD_BEAM = (0.68, 0.88)
# Passes through all views and widths of the filter (full, at half maximum), as clinics use them.
PASSES = (2, 4)
FILTER_MM = (5.0, 9.0)
_SMALLEST = np.float32(1e-6)


@dataclass(frozen=True, eq=False)
class Phantom:
    """What lies in the camera.

    Attributes:
        activity: (n, n, slices), any unit.
        attenuation_per_mm: (n, n, slices).
        voxel_mm: Side of the cubic voxels.
    """

    activity: Image
    attenuation_per_mm: Image
    voxel_mm: float


@dataclass(frozen=True)
class Acquisition:
    """How counts are taken.

    Attributes:
        camera: The camera.
        counts: Mean of the total over all views, scatter included.
        scatter_share: Part of the counts that is scatter.
        scatter_mm: Width (standard deviation) of the scatter around where it came from.
        motion_mm: How far the head moves half way through, along each axis: half of it lies before the phantom's place
            and half behind it, so that the phantom stays the truth of an image that shows both.
        motion_degrees: How far it turns about the axis of rotation, likewise.
    """

    camera: Camera
    counts: float = 2e6
    scatter_share: float = 0.25
    scatter_mm: float = 35.0
    motion_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    motion_degrees: float = 0.0


@dataclass(frozen=True)
class Reconstruction:
    """How an image is made of counts.

    Attributes:
        iterations: Passes through all views.
        subsets: Groups of views.
        models_blur: Whether the camera's blur is undone.
        attenuation: ``map`` (as from CT), ``ellipse`` (one number within an ellipse in each slice) or ``none``.
        attenuation_scale: The map's numbers are multiplied by it; that of the ellipse is this part of water's.
        scatter_corrected: Part of the true scatter that is taken off; 0 for none.
        filter_mm: Full width at half maximum of the Gaussian afterwards.
    """

    iterations: int = 4
    subsets: int = 6
    models_blur: bool = False
    attenuation: str = "map"
    attenuation_scale: float = 0.8
    scatter_corrected: float = 0.0
    filter_mm: float = 6.0

    def __post_init__(self) -> None:
        if self.attenuation not in ("map", "ellipse", "none"):
            raise SettingsError(f"Attenuation by map, ellipse or none is wanted, '{self.attenuation}' came.")
        if self.iterations < 1 or self.subsets < 1:
            raise SettingsError(f"At least one iteration and subset is wanted, {self} came.")


@dataclass(frozen=True, eq=False)
class Taken:
    """Counts and what is known of their scatter.

    Attributes:
        counts: (views, n, slices) as counted.
        scatter: (views, n, slices) mean of the scatter among them.
        scale: Mean counts of one unit of activity.
    """

    counts: Counts
    scatter: Counts
    scale: float


def take(projector: Projector, phantom: Phantom, acquisition: Acquisition, *, generator: np.random.Generator) -> Taken:
    """Count photons.

    Args:
        projector: With blur and attenuation.
        phantom: What lies in the camera.
        acquisition: How.
        generator: Where chance comes from.

    Raises:
        SettingsError: The camera does not see any activity.
    """
    poses = [_moved(phantom, acquisition, part) for part in (-0.5, 0.5)]
    views = range(projector.camera.views)
    primary = np.stack([projector.forward(poses[2 * view // len(views)], view) for view in views])
    total = float(primary.sum(dtype=np.float64))
    if not total > 0:
        raise SettingsError("Activity in the camera's field of view is wanted, there is none.")
    sigma = acquisition.scatter_mm / phantom.voxel_mm
    broad = np.stack([ndimage.gaussian_filter(view, sigma, mode="constant", truncate=3.0) for view in primary])
    share = acquisition.scatter_share
    scale = acquisition.counts * (1 - share) / total
    scatter = broad * np.float32(acquisition.counts * share / max(float(broad.sum(dtype=np.float64)), 1e-12))
    counted = generator.poisson(np.maximum(primary * scale + scatter, 0.0)).astype(np.float32)
    return Taken(counted, scatter.astype(np.float32), scale)


def _moved(phantom: Phantom, acquisition: Acquisition, part: float) -> Image:
    """The activity after a part of the motion; itself where the head lies still."""
    activity = phantom.activity
    if not any(acquisition.motion_mm) and acquisition.motion_degrees == 0:
        return activity
    angle = part * np.radians(acquisition.motion_degrees)
    turn = np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    middle = (np.array(activity.shape) - 1) / 2
    offset = middle - turn @ (middle + part * np.array(acquisition.motion_mm) / phantom.voxel_mm)
    return np.asarray(ndimage.affine_transform(activity, turn, offset=offset, order=1), dtype=np.float32)


def reconstruct(taken: Taken, projector: Projector, how: Reconstruction, *, voxel_mm: float) -> Image:
    """An image by ordered subsets, filtered; its unit is that of the activity.

    Args:
        taken: Counts.
        projector: What is undone: its blur and attenuation.
        how: Iterations, subsets, scatter, filter.
        voxel_mm: Side of the voxels.
    """
    image = next(islice(passes(taken, projector, how), how.iterations - 1, None))
    if how.filter_mm > 0:
        image = ndimage.gaussian_filter(image, how.filter_mm / FWHM_PER_SIGMA / voxel_mm, truncate=3.5)
    return np.asarray(image, dtype=np.float32)


def passes(taken: Taken, projector: Projector, how: Reconstruction) -> Iterator[Image]:
    """The image after each pass through all views, without end and not filtered; its unit is that of the activity."""
    extra = taken.scatter * np.float32(how.scatter_corrected) + _SMALLEST
    for image in ordered_subsets(projector, taken.counts, extra, subsets=how.subsets):
        yield image / np.float32(taken.scale)


def ordered_subsets(projector: Projector, counts: Counts, extra: Counts, *, subsets: int) -> Iterator[Image]:
    """Expectation maximisation over ordered subsets of the views, without end.

    Args:
        projector: The model of the camera.
        counts: (views, n, slices).
        extra: (views, n, slices) mean counts that do not come from the image (scatter), above 0.
        subsets: Groups of views; not more than there are views.

    Yields:
        The image after each pass through all views, (n, n, slices), 0 outside the circle that every view sees.
    """
    groups = _subset_order(projector.camera.views, subsets)
    support = _circle(projector.shape)
    sensitivity = [_smeared(projector, [np.ones_like(counts[0])] * len(views), views) for views in groups]
    image = np.where(support, np.float32(1), np.float32(0))
    while True:
        for views, seen in zip(groups, sensitivity, strict=True):
            ratios = [counts[v] / (projector.forward(image, v) + extra[v]) for v in views]
            image = image * np.where(seen > _SMALLEST, _smeared(projector, ratios, views) / np.maximum(seen, 1e-6), 0)
        yield np.asarray(image, dtype=np.float32)


def _smeared(projector: Projector, counts: Sequence[Counts], views: Sequence[int]) -> Image:
    total = np.zeros(projector.shape, dtype=np.float32)
    for one, view in zip(counts, views, strict=True):
        total += projector.back(one, view)
    return total


def _subset_order(views: int, subsets: int) -> list[list[int]]:
    """Views that lie evenly round the head in each subset; the next subset far from the last."""
    groups = [list(range(first, views, subsets)) for first in range(min(subsets, views))]
    stride = next(s for s in range(max(1, round(len(groups) * 0.38)), len(groups) + 2) if np.gcd(s, len(groups)) == 1)
    return [groups[number * stride % len(groups)] for number in range(len(groups))]


def _circle(shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    steps = np.arange(shape[0]) - (shape[0] - 1) / 2
    inside = np.hypot(steps[:, None], steps[None]) <= shape[0] / 2 - 1
    return np.broadcast_to(inside[..., None], shape)


def ellipses(head: NDArray[np.bool_], per_mm: float) -> Image:
    """Attenuation as it is guessed without CT: in each slice one number within the ellipse that fits the head.

    Args:
        head: (n, n, slices) inside the head.
        per_mm: The number.

    Returns:
        (n, n, slices), 0 in slices with less than 20 voxels of head.
    """
    out = np.zeros(head.shape, dtype=np.float32)
    places = np.stack(np.meshgrid(*(np.arange(n) for n in head.shape[:2]), indexing="ij"), axis=-1)
    for number in range(head.shape[2]):
        found = np.argwhere(head[..., number])
        if len(found) < 20:
            continue
        away = places - found.mean(axis=0)
        inverse = np.linalg.inv(np.cov(found.T))
        # a filled ellipse of semi-axes a, b has variances a²/4, b²/4
        out[..., number] = per_mm * (np.einsum("xyi,ij,xyj->xy", away, inverse, away) <= 4.0)
    return out


def scan_phantom(
    phantom: Phantom, acquisition: Acquisition, how: Reconstruction, *, generator: np.random.Generator
) -> Image:
    """Take counts of a phantom and make an image of them.

    Args:
        phantom: What lies in the camera.
        acquisition: How counts are taken.
        how: How the image is made.
        generator: Where chance comes from.

    Returns:
        (n, n, slices) in the unit of the activity, but for what blur, scatter and attenuation do to it.
    """
    taken = take(true_projector(phantom, acquisition), phantom, acquisition, generator=generator)
    return reconstruct(taken, model_projector(phantom, acquisition, how), how, voxel_mm=phantom.voxel_mm)


def true_projector(phantom: Phantom, acquisition: Acquisition) -> Projector:
    """The camera with everything that it does to the counts."""
    body = phantom.attenuation_per_mm
    return Projector(acquisition.camera, body, shape=body.shape, voxel_mm=phantom.voxel_mm)


def model_projector(phantom: Phantom, acquisition: Acquisition, how: Reconstruction) -> Projector:
    """What a reconstruction takes the camera for."""
    voxel_mm, body = phantom.voxel_mm, phantom.attenuation_per_mm
    guessed: Image | None = None
    if how.attenuation == "map":
        guessed = body * np.float32(how.attenuation_scale)
    elif how.attenuation == "ellipse":
        guessed = ellipses(body > 0.3 * WATER_PER_MM, WATER_PER_MM * how.attenuation_scale)
    return Projector(acquisition.camera, guessed, shape=body.shape, voxel_mm=voxel_mm, blurs=how.models_blur)


def draw_acquisition(generator: np.random.Generator, *, motion_share: float = 0.15) -> Acquisition:
    """Draw a camera and an examination: two to four million counts, as clinics take, and fewer."""
    camera = Camera(
        views=int(generator.choice((60, 64, 90))),
        radius_mm=float(generator.uniform(130, 165)),
        hole_mm=float(generator.uniform(1.1, 1.5)),
        length_mm=float(generator.uniform(24, 35)),
        intrinsic_mm=float(generator.uniform(3.2, 4.2)),
    )
    moves = generator.random() < motion_share
    shift = generator.uniform(-3, 3, 3) * moves
    return Acquisition(
        camera,
        counts=float(np.exp(generator.uniform(np.log(1.2e6), np.log(4e6)))),
        scatter_share=float(generator.uniform(0.2, 0.35)),
        scatter_mm=float(generator.uniform(25, 45)),
        motion_mm=(float(shift[0]), float(shift[1]), float(shift[2])),
        motion_degrees=float(generator.uniform(-3, 3) * moves),
    )


def draw_reconstruction(generator: np.random.Generator) -> Reconstruction:
    """Draw a reconstruction as clinics use them."""
    corrected = generator.random() < 0.4
    return Reconstruction(
        iterations=int(generator.integers(PASSES[0], PASSES[1] + 1)),
        subsets=int(generator.choice((6, 8, 10, 12))),
        models_blur=bool(generator.random() < 0.4),
        attenuation=str(generator.choice(("map", "ellipse", "none"), p=(0.4, 0.45, 0.15))),
        attenuation_scale=float(generator.uniform(*((0.95, 1.02) if corrected else BROAD_BEAM))),
        scatter_corrected=float(generator.uniform(0.8, 1.05)) if corrected else 0.0,
        filter_mm=float(generator.uniform(*FILTER_MM)),
    )


def told(acquisition: Acquisition, how: Reconstruction) -> dict[str, object]:
    """What was drawn, for a file beside the scan."""
    return {"acquisition": asdict(acquisition), "reconstruction": asdict(how)}
