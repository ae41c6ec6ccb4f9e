"""Susceptibility maps from tissue maps, in torch: iron and myelin per tissue, veins, and what a reconstruction leaves.

One sample: paint every tissue with a drawn susceptibility (a shared iron factor, gradients inside nuclei, texture),
add veins and calcifications, compute the field by the dipole kernel, add noise and what background removal left,
erode the mask, invert it back in one of several ways, blur thick slices, subtract a reference.

Means and spreads of grey matter after Min 2024 (doi:10.1002/nbm.5226), the phantom of Marques 2021
(doi:10.1002/mrm.28716) and, for age, Li 2021 (doi:10.3389/fnins.2020.607705); spreads are widened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from deepgray.simulate.dipole import (
    dipole_kernel,
    invert_threshold,
    invert_tikhonov,
    local_field,
    smooth_total_variation,
)
from deepgray.simulate.mr import average_slices, chance, gaussian_blur, random_rotation, smooth_field, uniform
from deepgray.simulate.tissues import TISSUES, Tissue

# tissue or family -> mean, standard deviation between people, part that goes with the shared iron factor; ppm
MEANS_PPM: dict[str, tuple[float, float, float]] = {
    "striatum": (0.050, 0.020, 0.7),
    "external pallidum": (0.120, 0.025, 0.5),
    "internal pallidum": (0.110, 0.025, 0.5),
    "other pallidum": (0.115, 0.025, 0.5),
    "red nucleus": (0.095, 0.028, 0.7),
    "substantia nigra": (0.105, 0.030, 0.7),
    "subthalamic nucleus": (0.095, 0.025, 0.7),
    "dentate nucleus": (0.100, 0.035, 0.7),
    "interposed nucleus": (0.055, 0.025, 0.7),
    "thalamus": (0.012, 0.012, 0.3),
    "ventral diencephalon": (-0.010, 0.012, 0.0),
    "brainstem": (-0.012, 0.010, 0.0),
    "white": (-0.022, 0.012, 0.0),
    "cortex": (0.008, 0.010, 0.3),
    "fluid": (0.010, 0.012, 0.0),
    "lesion": (0.010, 0.020, 0.0),
    "vessel": (0.120, 0.080, 0.0),
    "choroid plexus": (0.020, 0.080, 0.0),
    "claustrum": (0.010, 0.015, 0.3),
    "midline": (0.0, 0.012, 0.0),
    "basal": (0.010, 0.015, 0.3),
}
NUCLEI = ("red nucleus", "substantia nigra", "subthalamic nucleus", "dentate nucleus", "interposed nucleus")
FAINTEST_PPM = 0.02
# Whole heads tell caudate, putamen and accumbens apart, and keep the contrast of grey, white and fluid within what
# people show.
WHOLE_HEAD_PPM: dict[str, tuple[float, float, float]] = {
    **MEANS_PPM,
    "caudate": (0.045, 0.012, 0.7),
    "putamen": (0.055, 0.020, 0.7),
    "accumbens": (0.022, 0.013, 0.5),
    "white": (-0.024, 0.006, 0.0),
    "cortex": (0.010, 0.006, 0.3),
    "brainstem": (-0.012, 0.006, 0.0),
    "ventral diencephalon": (-0.012, 0.006, 0.0),
    "fluid": (0.010, 0.007, 0.0),
    "thalamus": (0.010, 0.008, 0.3),
}
# What the hilus is between white matter (0) and the sheet (1); the real map of docs/simulation.md shows it bright.
WHOLE_HEAD_HILUS = (0.2, 1.0)
# Change per year of age, and the age at which the means above hold. Signs after Li 2021
# (doi:10.3389/fnins.2020.607705); sizes after the slopes in the 59 people of doi:10.1002/mds.29702.
PPM_PER_YEAR: dict[str, float] = {
    "caudate": 0.0005,
    "putamen": 0.0009,
    "striatum": 0.0007,
    "red nucleus": 0.0005,
    "substantia nigra": 0.0005,
    "subthalamic nucleus": 0.0004,
    "dentate nucleus": 0.0005,
    "thalamus": -0.0002,
}
MEAN_AGE_YEARS = 55.0
# White matter inside the dentate; its hilus may look like that, like the sheet, or between.
HILUS_PPM = -0.01
VEIN_PPM = (0.12, 0.42)
VEIN_RADIUS_MM = (0.35, 1.0)
VEIN_POINTS = 160


@dataclass(frozen=True)
class Reconstruction:
    """How far reconstructed maps may differ from one another; every pair is drawn evenly between its ends.

    Attributes:
        tilt_degrees: Largest angle between the main field and the head's long axis.
        noise_ppm: Standard deviation of the field's noise.
        remnant_ppm: Size of what background removal left.
        direct_share: Share of maps from many head orientations (COSMOS): no inversion artefacts.
        threshold_share: Share of thresholded k-space division; the rest is Tikhonov.
        threshold: Its threshold.
        weight: Weight of Tikhonov's penalty, drawn evenly on a logarithmic scale.
        flat_share: Share of maps that are smoothed by total variation after the inversion.
        flat_ppm: Weight of that smoothing.
        erosion_voxels: How far the mask is eroded.
        holes_share: Share of maps whose mask has holes.
        reference_ppm: Standard deviation of the reference value that was subtracted.
    """

    tilt_degrees: float = 45.0
    noise_ppm: tuple[float, float] = (0.0005, 0.007)
    remnant_ppm: tuple[float, float] = (0.0, 0.015)
    direct_share: float = 0.2
    threshold_share: float = 0.35
    threshold: tuple[float, float] = (0.05, 0.25)
    weight: tuple[float, float] = (5e-4, 4e-2)
    flat_share: float = 0.4
    flat_ppm: tuple[float, float] = (0.002, 0.012)
    erosion_voxels: tuple[float, float] = (0.0, 3.0)
    holes_share: float = 0.2
    reference_ppm: float = 0.012


def draw_means(*, widening: float = 1.0) -> Tensor:
    """Susceptibility of each tissue in one person, (tissues,) ppm: what training on one side at a time draws from.

    ``draw_person`` is not this function with an age. Here one side has to be learnt, so that tissues of one family
    differ and sides are not known; there a whole head has to look like a head, so that tissues of one family agree,
    the sides are related and nuclei have their age. Random numbers are drawn in another order in each, and maps of a
    seed must not change; what they share is ``_in_person``.

    Args:
        widening: Factor on the spread between people.
    """
    iron = float(torch.randn(()))
    out = torch.zeros(len(TISSUES))
    drawn: dict[str, float] = {}
    for number, tissue in enumerate(TISSUES):
        name, key = _whole_name(tissue), _key(tissue, MEANS_PPM)
        if key not in MEANS_PPM:
            continue
        if key not in drawn:
            drawn[key] = _in_person(MEANS_PPM[key], iron, widening)
        sides_differ = 0.1 * MEANS_PPM[key][1] * float(torch.randn(()))
        out[number] = drawn[key] + sides_differ
        if name in NUCLEI:
            out[number] = max(float(out[number]), FAINTEST_PPM)
        if tissue.name.endswith("/hilus"):
            out[number] = HILUS_PPM + uniform(0.0, 1.0) * (float(out[number]) - HILUS_PPM)
    return out


def _in_person(between_people: tuple[float, float, float], iron: float, widening: float) -> float:
    """A tissue's susceptibility in one person, ppm: mean, spread, and the part that goes with the shared iron."""
    mean, spread, shared = between_people
    own: float = shared * iron + (1 - shared**2) ** 0.5 * float(torch.randn(()))
    return mean + widening * spread * own


def _whole_name(tissue: Tissue) -> str:
    return tissue.name.partition("/")[0].removeprefix("other ")


def _key(tissue: Tissue, table: Mapping[str, tuple[float, float, float]]) -> str:
    """What a tissue is called in a table of susceptibilities: by its name or by its family."""
    name = _whole_name(tissue)
    key = name if name in table else tissue.name
    return key if key in table else tissue.family


@dataclass(frozen=True, eq=False)
class Person:
    """Susceptibilities of one person.

    Attributes:
        age_years: Age.
        iron: The shared iron factor, standard normal.
        left: (tissues,) ppm.
        right: (tissues,) ppm.
    """

    age_years: float
    iron: float
    left: Tensor
    right: Tensor


def draw_person(age_years: float, *, widening: float = 1.0) -> Person:
    """Susceptibility of each tissue on both sides of one person.

    Args:
        age_years: Age; iron rises with it where the literature says so.
        widening: Factor on the spread between people.
    """
    iron = float(torch.randn(()))
    left, right = torch.zeros(len(TISSUES)), torch.zeros(len(TISSUES))
    drawn: dict[str, tuple[float, float]] = {}
    hilus = uniform(*WHOLE_HEAD_HILUS)
    for number, tissue in enumerate(TISSUES):
        key = _key(tissue, WHOLE_HEAD_PPM)
        if key not in WHOLE_HEAD_PPM:
            continue
        if key not in drawn:
            middle = _in_person(WHOLE_HEAD_PPM[key], iron, widening)
            middle += PPM_PER_YEAR.get(key, 0.0) * (age_years - MEAN_AGE_YEARS)
            middle = max(middle, FAINTEST_PPM) if key in NUCLEI else middle
            uneven = 0.07 * WHOLE_HEAD_PPM[key][1] * float(torch.randn(()))
            drawn[key] = (middle - uneven, middle + uneven)
        for side, value in zip((left, right), drawn[key], strict=True):
            side[number] = HILUS_PPM + hilus * (value - HILUS_PPM) if tissue.name.endswith("/hilus") else value
    return Person(age_years, iron, left, right)


@dataclass(frozen=True, eq=False)
class Texture:
    """What makes one tissue uneven.

    Attributes:
        pattern: (x, y, z) smooth, about unit variance.
        relative: (tissues,) part of a tissue's own value that goes with the pattern.
        absolute: (tissues,) ppm that go with it.
    """

    pattern: Tensor
    relative: Tensor
    absolute: Tensor

    def on(self, chi: Tensor, index: Tensor) -> Tensor:
        """Susceptibilities with their texture; ``index`` holds the tissue of each voxel."""
        return chi * (1 + self.relative[index] * self.pattern) + self.absolute[index] * self.pattern


def draw_texture(
    shape: tuple[int, ...],
    *,
    fine_voxels: float = 5.0,
    coarse_voxels: float = 14.0,
    absolute_ppm: tuple[float, float] = (0.0, 0.012),
) -> Texture:
    """Gradients inside nuclei, and texture elsewhere.

    Args:
        shape: Voxels.
        absolute_ppm: Ends of the texture outside nuclei.
        fine_voxels: Distance of the fine pattern's control points.
        coarse_voxels: Distance of the coarse pattern's control points.
    """
    fine = smooth_field(shape, tuple(max(4, int(n // fine_voxels)) for n in shape), 1)[0]
    coarse = smooth_field(shape, tuple(max(3, int(n // coarse_voxels)) for n in shape), 1)[0]
    relative = torch.zeros(len(TISSUES))
    absolute = torch.full((len(TISSUES),), uniform(*absolute_ppm))
    for number, tissue in enumerate(TISSUES):
        if _whole_name(tissue) in NUCLEI:
            relative[number], absolute[number] = uniform(0.0, 0.3), 0.0
    absolute[0] = 0.0
    return Texture(0.7 * fine + 0.7 * coarse, relative, absolute)


def paint(tissues: Tensor, means: Tensor) -> Tensor:
    """Susceptibility of a tissue map: means, gradients inside nuclei, texture.

    Args:
        tissues: (x, y, z) uint8.
        means: (tissues,) ppm, of ``draw_means``.

    Returns:
        (x, y, z) ppm.
    """
    index = tissues.long()
    return draw_texture(tuple(tissues.shape)).on(means[index], index)


def field_noise(chi: Tensor, noise_ppm: float) -> Tensor:
    """Noise of a field map: iron shortens T2* and costs signal.

    Args:
        chi: (x, y, z) ppm.
        noise_ppm: Standard deviation where there is no iron.

    Returns:
        (x, y, z) ppm.
    """
    return noise_ppm * (1 + 4 * chi.abs().clamp(max=0.5)) * torch.randn(tuple(chi.shape))


def add_veins(chi: Tensor, spacing_mm: float, *, count: int) -> Tensor:
    """Draw smooth, long veins of random course into a map.

    Args:
        chi: (x, y, z) ppm.
        spacing_mm: Voxel size.
        count: How many.
    """
    out = chi.clone()
    shape = torch.tensor(chi.shape)
    for _ in range(count):
        control = torch.rand(4, 3) * shape
        course = functional.interpolate(control.T[None], size=VEIN_POINTS, mode="linear", align_corners=True)[0]
        smooth = functional.avg_pool1d(course[None], 31, 1, 15, count_include_pad=False)[0].T
        cell = smooth.round().long()
        kept = ((cell >= 0) & (cell < shape)).all(dim=1)
        cell = cell[kept]
        if len(cell) == 0:
            continue
        line = torch.zeros(tuple(chi.shape))
        line[cell[:, 0], cell[:, 1], cell[:, 2]] = 1.0
        sigma = max(0.45, uniform(*VEIN_RADIUS_MM) / spacing_mm)
        low, high = (cell.min(0).values - 4).clamp(min=0).tolist(), (cell.max(0).values + 5).tolist()
        part = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        tube = gaussian_blur(line[part], (sigma, sigma, sigma))
        share = (tube / tube.max()).clamp(0, 1)
        out[part] = out[part] * (1 - share) + uniform(*VEIN_PPM) * share
    return out


def add_calcification(chi: Tensor, spacing_mm: float) -> Tensor:
    """One or two small diamagnetic spots."""
    out = chi.clone()
    for _ in range(1 + int(chance(0.3))):
        centre = [int(uniform(2, n - 3)) for n in chi.shape]
        radius = max(1, round(uniform(0.6, 2.0) / spacing_mm))
        part = tuple(slice(max(0, c - radius), c + radius) for c in centre)
        out[part] = out[part] - uniform(0.05, 0.3)
    return out


def brain_mask(inside: Tensor, how: Reconstruction) -> Tensor:
    """The mask of a reconstruction: the brain, eroded, sometimes with holes.

    Args:
        inside: (x, y, z) bool, the brain.
        how: Limits.
    """
    distance = gaussian_blur(inside.float(), (1.5, 1.5, 1.5))
    reach = uniform(*how.erosion_voxels) / 3.0
    mask = inside & (distance > 0.5 + 0.48 * reach)
    if chance(how.holes_share):
        rough = smooth_field(tuple(inside.shape), tuple(max(4, n // 6) for n in inside.shape), 1)[0]
        edge = distance < 0.97
        mask &= ~(edge & (rough > 1.0))
    return mask


def reconstruct(chi: Tensor, inside: Tensor, spacing_mm: float, how: Reconstruction) -> Tensor:
    """What is reconstructed of a susceptibility distribution.

    Args:
        chi: (x, y, z) ppm.
        inside: (x, y, z) bool, the brain; outside is left out of field and map.
        spacing_mm: Voxel size.
        how: Limits.

    Returns:
        (x, y, z) ppm, 0 outside the mask.
    """
    mask = brain_mask(inside, how)
    remnant = smooth_field(tuple(chi.shape), (4, 4, 4), 1)[0] * uniform(*how.remnant_ppm)
    noise = uniform(*how.noise_ppm)
    if chance(how.direct_share):
        found = chi + remnant + noise * torch.randn(tuple(chi.shape))
    else:
        up = random_rotation(how.tilt_degrees) @ torch.tensor([0.0, 0.0, 1.0])
        kernel = dipole_kernel((chi.shape[0], chi.shape[1], chi.shape[2]), (spacing_mm, spacing_mm, spacing_mm), up)
        field = local_field(chi * inside, kernel)
        field = (field + remnant + field_noise(chi, noise)) * mask
        if chance(how.threshold_share):
            found = invert_threshold(field, kernel, uniform(*how.threshold))
        else:
            low, high = torch.log(torch.tensor(how.weight)).tolist()
            found = invert_tikhonov(field, kernel, float(torch.exp(torch.tensor(uniform(low, high)))))
    if chance(how.flat_share):
        found = smooth_total_variation(found, uniform(*how.flat_ppm), iterations=8)
    found = found - how.reference_ppm * float(torch.randn(()))
    return found * mask


def thicken(image: Tensor, spacing_mm: float, axis: int, thickness_mm: float) -> Tensor:
    """Average over slices of a thickness along one axis, on the same grid."""
    return average_slices(image, spacing_mm, axis, thickness_mm, blur=0.35)
