"""Whole simulated susceptibility maps with a known answer: tissue, field, background, noise, and the way back.

One map: a person's susceptibilities, painted with partial volume on the scan's grid; veins, lesions, calcifications;
the field of the brain by the dipole kernel and that of air and bone around it; noise; removal of the background;
inversion; a reference. Everything is linear but the masks, so the same grid serves field and inversion.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepgray.anatomy import HEMISPHERES, Side, scheme, structure
from deepgray.errors import SettingsError
from deepgray.scan import IntegerVolume, LabelMap, Scan
from deepgray.simulate import acquisition, susceptibility, veins
from deepgray.simulate.acquisition import INVERSIONS, Acquired
from deepgray.simulate.framing import Found, Frame, draw_frame, tissues_at
from deepgray.simulate.mr import uniform
from deepgray.simulate.small_nuclei import BOXES, NucleusVariety, QsmHead, draw_nuclei
from deepgray.simulate.spots import draw_spots, fill_spots
from deepgray.simulate.tissues import INDEX, TISSUES
from deepgray.simulate.tracts import add_tracts, draw_tracts
from deepgray.space import Affine

REFERENCES = ("none", "csf", "whole-brain")
BACKGROUNDS = ("remnant", "none")
AGES_YEARS = (20.0, 85.0)
# Voxels are painted from samples no further apart than this.
SAMPLE_MM = 0.6
SLAB = 12
# Texture of tissue: distance of the control points of its two scales, and its size.
FINE_MM, COARSE_MM = 3.0, 14.0
TEXTURE_PPM = (0.006, 0.018)
SCHEMES = {"dentate": "dentate2", "midbrain": "midbrain6"}


@dataclass(frozen=True)
class QsmSettings:
    """How a simulated susceptibility map is drawn.

    Attributes:
        spacing_mm: Voxel size.
        inversion: ``tkd``, ``tikhonov``, ``tv``, ``cosmos`` or ``random``.
        tilt_degrees: Largest angle between the main field and the scan's third axis.
        rotation_degrees: Largest rotation of the head in the scan, about any axis.
        reference: ``none``, ``csf`` (lateral ventricles) or ``whole-brain``.
        background: ``remnant``: air and bone make a field, which spherical means remove as far as they can; ``none``.
        age_years: Age, or None to draw it.
        noise_ppm: Ends between which the standard deviation of the field's noise is drawn.
        displacement_mm: Largest standard deviation of the head's smooth deformation.
        zoom: Largest relative change of the head's size.
        nuclei: How far the nuclei may differ from their source.
        vein_density: Ends of the relative number of veins; 0 draws none.
    """

    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    inversion: str = "random"
    tilt_degrees: float = 15.0
    rotation_degrees: float = 15.0
    reference: str = "none"
    background: str = "remnant"
    age_years: float | None = None
    noise_ppm: tuple[float, float] = (0.001, 0.005)
    displacement_mm: float = 1.5
    zoom: float = 0.08
    nuclei: NucleusVariety = field(default_factory=NucleusVariety)
    vein_density: tuple[float, float] = (0.4, 1.3)

    def __post_init__(self) -> None:
        if not all(0.4 <= s <= 4.0 for s in self.spacing_mm):
            raise SettingsError(f"Voxels of 0.4 to 4 mm are wanted, {self.spacing_mm} came.")
        for word, known in (
            (self.inversion, ("random", *INVERSIONS)),
            (self.reference, REFERENCES),
            (self.background, BACKGROUNDS),
        ):
            if word not in known:
                raise SettingsError(f"One of {', '.join(known)} is wanted, '{word}' came.")
        if self.age_years is not None and not 0 <= self.age_years <= 110:
            raise SettingsError(f"An age of 0 to 110 years is wanted, {self.age_years:g} came.")


@dataclass(frozen=True, eq=False)
class SimulatedQsm:
    """A susceptibility map and what is true of it.

    Attributes:
        scan: The map, ppm, 0 outside the mask.
        mask: Where it was reconstructed.
        labels: True labels on the scan's grid by group: ``dentate`` (scheme ``dentate2``), ``midbrain``
            (``midbrain6``).
        true_chi: The true susceptibility with the same reference, ppm, 0 outside the brain.
        canonical_from_world: 4 × 4 rigid, the true pose.
        nuclei_ppm: True mean of each nucleus in its true mask, by key (``left red nucleus``).
        drawn: Everything else that was drawn.
    """

    scan: Scan
    mask: IntegerVolume
    labels: dict[str, LabelMap]
    true_chi: Scan
    canonical_from_world: Affine
    nuclei_ppm: dict[str, float]
    drawn: dict[str, object]


def simulate_qsm(head: QsmHead, settings: QsmSettings, *, seed: int) -> SimulatedQsm:
    """One susceptibility map of a head.

    Args:
        head: A label map made ready by ``small_nuclei.prepare_head``.
        settings: How it is drawn.
        seed: The same seed gives the same map.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return _simulate(head, settings, seed)


@dataclass(frozen=True, eq=False)
class _Truth:
    """A person in a scan before anything is measured."""

    frame: Frame
    found: Found
    chi: Tensor
    drawn: dict[str, object]


def _simulate(head: QsmHead, settings: QsmSettings, seed: int) -> SimulatedQsm:
    truth = _truth(head, settings, np.random.default_rng(seed))
    draw = acquisition.draw(settings.inversion, settings.tilt_degrees, settings.noise_ppm)
    made = acquisition.acquire(
        truth.chi, truth.found, head, truth.frame, draw, with_background=settings.background != "none"
    )
    reference = _reference_ppm(made, truth.found, settings.reference)
    true_reference = _reference_ppm(Acquired(truth.chi, made.mask), truth.found, settings.reference)
    affine, stem = truth.frame.grid.affine_ras, f"{head.name}_seed-{seed}"
    labels = {group: _labels(truth.found, affine, name) for group, name in SCHEMES.items()}
    true = ((truth.chi - true_reference) * truth.found.inside).numpy().astype(np.float32)
    found = ((made.chi - reference) * torch.from_numpy(made.mask)).numpy().astype(np.float32)
    return SimulatedQsm(
        Scan(found, affine, stem, "qsm", "ppm"),
        IntegerVolume(made.mask.astype(np.uint8), affine),
        labels,
        Scan(true, affine, stem, "qsm", "ppm"),
        truth.frame.canonical_from_world,
        _nuclei_ppm(labels, true),
        {**truth.drawn, "reference_ppm": reference, "true_reference_ppm": true_reference, **draw.told()},
    )


def _truth(head: QsmHead, settings: QsmSettings, generator: np.random.Generator) -> _Truth:
    age = settings.age_years if settings.age_years is not None else uniform(*AGES_YEARS)
    person = susceptibility.draw_person(age)
    nuclei = {group: draw_nuclei(head, group, settings.nuclei, generator) for group in BOXES}
    frame = draw_frame(
        head,
        settings.spacing_mm,
        rotation_degrees=settings.rotation_degrees,
        displacement_mm=settings.displacement_mm,
        zoom=settings.zoom,
    )
    found = tissues_at(head, nuclei, frame)
    density = generator.uniform(*settings.vein_density)
    spots = draw_spots(found, frame, generator)
    tracts = draw_tracts(generator)
    chi = add_tracts(_paint(head, nuclei, frame, person).numpy(), found, frame, tracts)
    chi = fill_spots(chi, spots, frame)
    if density > 0:
        part, vein_ppm = veins.fill(veins.draw_veins(found, frame, density, generator), frame, generator)
        chi += part * (vein_ppm - chi)
    drawn: dict[str, object] = {
        "age_years": age,
        "iron": person.iron,
        "tissue_ppm": _tissue_ppm(person),
        "atlases": head.atlases,
        "tracts": tracts.told(),
        "vein_density": density,
        "spots": [s.told() for s in spots],
    }
    return _Truth(frame, found, torch.from_numpy(chi) * found.inside, drawn)


def _paint(
    head: QsmHead, nuclei: dict[str, dict[Side, NDArray[np.uint8]]], frame: Frame, person: susceptibility.Person
) -> Tensor:
    """Susceptibility with partial volume: the mean over samples inside each voxel."""
    shape = frame.grid.shape
    spacing = frame.grid.spacing_mm
    typical = float(np.cbrt(np.prod(spacing)))
    texture = susceptibility.draw_texture(
        shape, fine_voxels=FINE_MM / typical, coarse_voxels=COARSE_MM / typical, absolute_ppm=TEXTURE_PPM
    )
    table = torch.cat([person.left, person.right])
    relative, absolute = texture.relative.repeat(2), texture.absolute.repeat(2)
    counts = [max(1, int(np.ceil(s / SAMPLE_MM))) for s in spacing]
    inner = [(torch.arange(n) + 0.5) / n - 0.5 for n in counts]
    offsets = torch.stack(torch.meshgrid(*inner, indexing="ij"), dim=-1).reshape(-1, 3)
    out = torch.zeros(shape)
    for low in range(0, shape[0], SLAB):
        slab = slice(low, low + SLAB)
        points = frame.head_mm(slab)
        pattern = texture.pattern[slab]
        total = torch.zeros(points.shape[:-1])
        for offset in offsets:
            step = frame.linear @ (offset * torch.from_numpy(spacing).float())
            tissue, left = frame.look_up(head, nuclei, points + step)
            index = tissue.long() + len(TISSUES) * (~left)
            chi = table[index]
            total += chi + (chi * relative[index] + absolute[index]) * pattern
        out[slab] = total / len(offsets)
    return out


def _reference_ppm(made: Acquired, found: Found, reference: str) -> float:
    if reference == "none":
        return 0.0
    region = torch.from_numpy(made.mask)
    if reference == "csf":
        region = region & (found.tissues == INDEX["lateral ventricle"])
    if not bool(region.any()):
        raise SettingsError(f"A reference region inside the mask is wanted, '{reference}' is empty here.")
    return float(made.chi[region].mean())


def _labels(found: Found, affine: Affine, name: str) -> LabelMap:
    names = {s.name for s in scheme(name).structures}
    tables = {side: torch.zeros(len(TISSUES), dtype=torch.int16) for side in HEMISPHERES}
    for number, tissue in enumerate(TISSUES):
        whole = tissue.name.partition("/")[0]
        if whole in names:
            for side, table in tables.items():
                table[number] = structure(f"{side} {whole}").label
    index = found.tissues.long()
    voxels = torch.where(found.left, tables[Side.LEFT][index], tables[Side.RIGHT][index])
    return LabelMap(voxels.numpy(), affine, scheme(name))


def _nuclei_ppm(labels: dict[str, LabelMap], true: NDArray[np.float32]) -> dict[str, float]:
    told = {}
    for group in labels.values():
        for one in group.scheme.structures:
            mask = group.mask(one)
            if mask.any():
                told[one.key] = float(true[mask].mean())
    return told


def _tissue_ppm(person: susceptibility.Person) -> dict[str, float]:
    """What was drawn for each tissue of the person, by name."""
    told = {}
    for number, tissue in enumerate(TISSUES):
        for side, table in ((Side.LEFT, person.left), (Side.RIGHT, person.right)):
            if float(table[number]) != 0 and not tissue.name.startswith("other "):
                told[f"{side} {tissue.name}"] = round(float(table[number]), 5)
    return told
