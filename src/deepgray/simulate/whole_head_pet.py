"""Pairs of scans with a known answer: a magnetic resonance image and a PET of one head that moved in between.

The head lies in the magnetic resonance image as in ``whole_head``. Its activity is painted on that grid, blurred to the
resolution of the PET, brought onto the PET's own grid by a known rigid motion, and given noise. What is true is told
twice: of the activity itself, and of the blurred activity before motion and noise, both within the true labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from deepgray.anatomy import Structure, scheme
from deepgray.errors import SettingsError
from deepgray.scan import LabelMap, Scan
from deepgray.simulate import spect_truth
from deepgray.simulate.mr import random_rotation, smooth_field
from deepgray.simulate.pet_uptake import TRACERS
from deepgray.simulate.uptake import Uptake, activity_at, draw_uptake
from deepgray.simulate.whole_head import MrSettings, PlacedHead, WholeHead, brain_middle, image_of, place_head
from deepgray.space import FWHM_PER_SIGMA, Affine, Grid, exactly_rigid, inverse

# From research scanners to those of clinics.
FWHM_MM = (2.5, 6.0)
SPACING_MM, SLICE_MM = (1.2, 2.6), (1.5, 3.3)
ACROSS_MM, ALONG_MM = (235.0, 260.0), (175.0, 220.0)
# Of the mean of the brain, per voxel.
NOISE_SHARE = (0.03, 0.10)
NOISE_WIDTH_MM = (3.0, 6.0)
UNEVEN, UNEVEN_POINTS = 0.03, 6
# Bq/ml of what the occipital cortex holds.
LEVEL = (2000.0, 15000.0)
# What ratios are told relative to: the first that the label map has.
REFERENCES = ("cerebellar cortex", "occipital cortex")
Image = NDArray[np.float32]


@dataclass(frozen=True)
class PetSettings:
    """How a pair is drawn.

    Attributes:
        mr: How the magnetic resonance image is drawn; voxels of 1.5 mm at most, the activity is painted on them.
        tracer: One of ``pet_uptake.TRACERS``.
        stage: One of ``uptake.STAGES``, or ``random``.
        age_years: Age, or None to draw it.
        fwhm_mm: Resolution of the PET, full width at half maximum, or None to draw it within ``FWHM_MM``.
        noise_share: Standard deviation of the noise as part of the brain's mean, or None to draw it.
        motion_mm: Largest shift of the head along each axis of the PET.
        motion_degrees: Largest turn between the two scans, about any axis.

    Raises:
        SettingsError: A number or a name is out of range.
    """

    mr: MrSettings = field(default_factory=MrSettings)
    tracer: str = "fp-cit"
    stage: str = "random"
    age_years: float | None = None
    fwhm_mm: float | None = None
    noise_share: float | None = None
    motion_mm: float = 15.0
    motion_degrees: float = 15.0

    def __post_init__(self) -> None:
        if self.tracer not in TRACERS:
            raise SettingsError(f"A tracer is wanted, one of {', '.join(TRACERS)}; '{self.tracer}' came.")
        if max(self.mr.spacing_mm) > 1.5:
            raise SettingsError(f"Voxels of 1.5 mm at most are wanted beside a PET, {self.mr.spacing_mm} came.")
        if self.fwhm_mm is not None and not 1.0 <= self.fwhm_mm <= 20.0:
            raise SettingsError(f"A resolution of 1 to 20 mm is wanted, {self.fwhm_mm:g} came.")
        if not 0 <= self.motion_degrees <= 180 or not 0 <= self.motion_mm <= 100:
            raise SettingsError("A turn of 0 to 180 degrees and a shift of 0 to 100 mm are wanted.")


@dataclass(frozen=True)
class TrueMean:
    """What is true of one region.

    Attributes:
        structure: Name without side.
        side: ``left``, ``right`` or ``both``.
        activity: Mean of the activity itself, Bq/ml.
        seen: Mean of the blurred activity, Bq/ml.
    """

    structure: str
    side: str
    activity: float
    seen: float


@dataclass(frozen=True, eq=False)
class SimulatedPet:
    """A pair and what is true of it.

    Attributes:
        mr: The magnetic resonance image.
        pet: The PET, Bq/ml.
        labels: True labels on the grid of ``mr`` by scheme: ``striatum``, ``pet-reference`` and, where the subregions
            are known, ``striatum12``.
        mr_from_pet: 4 × 4 rigid, the PET's world to that of ``mr``.
        canonical_from_world: 4 × 4 rigid, the true pose in ``mr``.
        means: What is true of each region.
        drawn: Everything that was drawn.
    """

    mr: Scan
    pet: Scan
    labels: Mapping[str, LabelMap]
    mr_from_pet: Affine
    canonical_from_world: Affine
    means: tuple[TrueMean, ...]
    drawn: dict[str, object]


def simulate_pet(head: WholeHead, settings: PetSettings, *, seed: int) -> SimulatedPet:
    """One pair of scans of a head.

    Args:
        head: A label map made ready by ``whole_head.prepare``.
        settings: How it is drawn.
        seed: The same seed gives the same pair.

    Raises:
        AnatomyError: The label map has no cortex.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return _simulate(head, settings, np.random.default_rng(seed), f"{head.name}_seed-{seed}")


def _simulate(head: WholeHead, settings: PetSettings, generator: np.random.Generator, stem: str) -> SimulatedPet:
    person = draw_uptake(generator, stage=settings.stage, age_years=settings.age_years, tracer=TRACERS[settings.tracer])
    placed = place_head(head, settings.mr)
    mr = Scan(image_of(placed, settings.mr), placed.affine, stem)
    level = float(generator.uniform(*LEVEL))
    activity = paint(placed, person) * np.float32(level)
    fwhm_mm = settings.fwhm_mm or float(generator.uniform(*FWHM_MM))
    blurred = blur(activity, mr.grid, fwhm_mm)
    grid, motion = _draw_grid(generator), _draw_motion(placed, settings, generator)
    share = settings.noise_share if settings.noise_share is not None else float(generator.uniform(*NOISE_SHARE))
    width_mm = float(generator.uniform(*NOISE_WIDTH_MM))
    clean = moved(blurred, mr.grid, grid, mr_from_pet=motion)
    noise = share * _coloured(clean, grid, width_mm, generator)
    labels = _labels(head, placed)
    return SimulatedPet(
        mr,
        Scan(np.maximum(clean + noise, 0).astype(np.float32), grid.affine_ras, stem, "pet", "Bq/mL"),
        labels,
        motion,
        placed.canonical_from_world,
        true_means(activity, blurred, labels),
        {
            **person.told(),
            "tracer": settings.tracer,
            "level_bq_per_ml": level,
            "fwhm_mm": fwhm_mm,
            "noise_share": share,
            "noise_width_mm": width_mm,
        },
    )


def paint(placed: PlacedHead, person: Uptake) -> Image:
    """Activity on the grid of the magnetic resonance image, occipital grey matter 1."""
    found = activity_at(person, placed.tissues, placed.warp.points_mm)
    uneven = 1 + UNEVEN * smooth_field(tuple(found.shape), (UNEVEN_POINTS,) * 3, 1)[0].clamp(-2.5, 2.5)
    return (found * uneven).numpy().astype(np.float32)


def blur(image: Image, grid: Grid, fwhm_mm: float) -> Image:
    """An image at the resolution of a scanner: a Gaussian, alike in all directions."""
    sigma = fwhm_mm / FWHM_PER_SIGMA / grid.spacing_mm
    return np.asarray(ndimage.gaussian_filter(image, sigma, mode="constant"), dtype=np.float32)


def moved(image: Image, source: Grid, target: Grid, *, mr_from_pet: Affine) -> Image:
    """An image on the grid of a scanner in which the head lies otherwise, by cubic splines; 0 outside."""
    index = inverse(source.affine_ras) @ mr_from_pet @ target.affine_ras
    out = ndimage.affine_transform(image, index[:3, :3], offset=index[:3, 3], output_shape=target.shape, order=3)
    return np.maximum(np.asarray(out, dtype=np.float32), 0)


def true_means(activity: Image, blurred: Image, labels: Mapping[str, LabelMap]) -> tuple[TrueMean, ...]:
    """Means of every structure, of each side and of both; regions without voxels are left out."""
    found: dict[tuple[str, str], TrueMean] = {}
    for one in labels.values():
        for name in dict.fromkeys(s.name for s in one.scheme.structures):
            members = [s for s in one.scheme.structures if s.name == name]
            for side, own in _sides(members):
                mask = np.isin(one.voxels, [s.label for s in own])
                if mask.any():
                    pair = (float(image[mask].mean(dtype=np.float64)) for image in (activity, blurred))
                    found[name, side] = TrueMean(name, side, *pair)
    return tuple(found.values())


def _sides(members: list[Structure]) -> list[tuple[str, list[Structure]]]:
    return [*((str(s.side), [s]) for s in members), ("both", members)]


def _labels(head: WholeHead, placed: PlacedHead) -> dict[str, LabelMap]:
    """True labels; those of the references know the occipital cortex."""
    regions = spect_truth.occipital(head).regions(placed.tissues, placed.warp.points_mm)
    of_left, of_right = spect_truth.label_tables("pet-reference")
    voxels = torch.where(placed.left, of_left[regions], of_right[regions]).numpy()
    out = {name: placed.labels(name) for name in ("striatum", *(("striatum12",) if head.has_parts else ()))}
    return {**out, "pet-reference": LabelMap(voxels, placed.affine, scheme("pet-reference"))}


def _draw_grid(generator: np.random.Generator) -> Grid:
    """The PET's grid, 0 mm in its middle."""
    across, along = generator.uniform(*SPACING_MM), generator.uniform(*SLICE_MM)
    spacing = np.array([across, across, along])
    view = np.array([*[generator.uniform(*ACROSS_MM)] * 2, generator.uniform(*ALONG_MM)])
    x, y, z = (int(n) for n in np.rint(view / spacing))
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = -(np.array([x, y, z]) - 1) / 2 * spacing
    return Grid((x, y, z), affine)


def _draw_motion(placed: PlacedHead, settings: PetSettings, generator: np.random.Generator) -> Affine:
    """From the PET's world to that of the other scan: the middle of the brain is near the middle of the PET."""
    middle = brain_middle(placed.tissues.numpy(), placed.affine, placed.canonical_from_world)
    motion = np.eye(4)
    motion[:3, :3] = random_rotation(settings.motion_degrees).double().numpy()
    motion = exactly_rigid(motion)
    shift = generator.uniform(-1, 1, 3) * settings.motion_mm
    motion[:3, 3] = middle + motion[:3, :3] @ shift
    return motion


def _coloured(clean: Image, grid: Grid, width_mm: float, generator: np.random.Generator) -> Image:
    """Noise in units of the clean image: its neighbours are alike, its variance grows with the activity."""
    level = float(clean[clean > 0.3 * np.percentile(clean, 98)].mean())
    # white noise through a Gaussian: its autocorrelation is wider than the Gaussian by the root of two
    sigma = width_mm / 2**0.5 / FWHM_PER_SIGMA / grid.spacing_mm
    noise = ndimage.gaussian_filter(generator.standard_normal(grid.shape, dtype=np.float32), sigma)
    strength = np.sqrt(np.maximum(clean, 0.05 * level) * level)
    return np.asarray(noise / noise.std() * strength, dtype=np.float32)
