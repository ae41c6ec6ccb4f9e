"""How much of a dopamine tracer every tissue of a person holds, from healthy to advanced disease.

The tables here are those of [123I]FP-CIT, a ligand of the dopamine transporter, on SPECT; tracers of PET have their
own (``pet_uptake``). Activity is relative to the grey matter of the occipital cortex. The striatum binds by subregion
and side: less with age; in disease the posterior putamen goes first, one side before the other, the caudate last.
Everything that is not cited is set by eye against the mean image of healthy people, with a wide spread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from deepgray.anatomy import HEMISPHERES, Side
from deepgray.errors import SettingsError
from deepgray.simulate.tissues import INDEX, TISSUES

STAGES = ("normal", "one-putamen", "both-putamina", "caudates")
# Healthy people to patients as in the SPECT-alone study of Wang 2024 (doi:10.1109/TRPMS.2024.3398360).
HEALTHY_SHARE = 0.25
# Visual reading of 398 people with early disease (doi:10.1186/s12883-021-02470-8, table 2): one putamen lost, both
# putamina lost, caudate greatly reduced too; the 3.8 % read as normal are left out.
PATIENT_SHARES: Mapping[str, float] = {"one-putamen": 20.3, "both-putamina": 51.3, "caudates": 24.6}
AGES_YEARS = (35.0, 85.0)
MEAN_AGE_YEARS, AGE_SPREAD_YEARS = 63.0, 10.0
# Loss of binding in each ten years of a healthy life, 4 to 6.7 % (Varrone 2013, doi:10.1007/s00259-012-2276-8), of
# the value at this age.
LOSS_PER_DECADE = (0.04, 0.067)
REFERENCE_AGE_YEARS = 60.0

# Specific binding of healthy striatum before the scanner's blur, about twice what scanners show: their recovery is
# 46 to 59 % (PMC6038970).
HEALTHY_BINDING: Mapping[str, float] = {
    "ventral striatum": 5.4,
    "anterior caudate": 4.5,
    "posterior caudate": 4.0,
    "anterior putamen": 4.6,
    "posterior putamen": 3.6,
    "ventral putamen": 4.2,
}
# From person to person, about that of visually normal scans (PMC4182457, table 2: 15 to 17 %).
PERSON_SPREAD, PART_SPREAD = 0.15, 0.05
# So that the two sides of a healthy person differ by 2.6 ± 2.1 % of their mean (PMC5991417, table 3).
SIDE_SPREAD = 0.035

# What is left of the binding on the worse and the better side. The putamen by eye: patients' scans of each reading look
# like this. The caudate so that patients keep about .6 of the healthy ratio there, and their putamen to caudate is
# about three quarters of the healthy one. Published: .64 and .74 (40 reduced scans, PMC4182457, table 2), .39 and .70
# (8 patients, PMC5991417, table 3), the latter .61 (28 patients of stages 1 to 4, Seibyl 1995,
# doi:10.1002/ana.410380407), .58 and .64 on PET (PMC2702757). The ventral striatum of the last stage was raised
# with it, by eye.
LEFT_OF_BINDING: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "one-putamen": {
        "ventral striatum": (0.80, 0.95),
        "anterior caudate": (0.75, 0.95),
        "posterior caudate": (0.60, 0.85),
        "anterior putamen": (0.50, 0.85),
        "posterior putamen": (0.25, 0.60),
        "ventral putamen": (0.40, 0.70),
    },
    "both-putamina": {
        "ventral striatum": (0.70, 0.75),
        "anterior caudate": (0.66, 0.76),
        "posterior caudate": (0.55, 0.62),
        "anterior putamen": (0.30, 0.40),
        "posterior putamen": (0.12, 0.18),
        "ventral putamen": (0.25, 0.30),
    },
    "caudates": {
        "ventral striatum": (0.50, 0.55),
        "anterior caudate": (0.40, 0.48),
        "posterior caudate": (0.32, 0.36),
        "anterior putamen": (0.12, 0.15),
        "posterior putamen": (0.05, 0.05),
        "ventral putamen": (0.10, 0.10),
    },
}
# Spread of the logarithm of each loss (1: twice the loss in decibels), shared by a side and by part.
LOSS_SPREAD, PART_LOSS_SPREAD = 0.18, 0.08
# Binding changes smoothly from the anterior to the posterior part, over about this far on each side of the plane.
BLEND_MM = (2.0, 5.0)

# Mean and relative spread of what is not specific binding in the striatum, by tissue or else by family.
NONSPECIFIC: Mapping[str, tuple[float, float]] = {
    "cortex": (1.0, 0.0),
    "hippocampus": (1.1, 0.08),
    "amygdala": (1.45, 0.10),
    "thalamus": (1.25, 0.08),
    "ventral diencephalon": (1.6, 0.12),
    "red nucleus": (1.5, 0.12),
    "substantia nigra": (1.6, 0.15),
    "subthalamic nucleus": (1.5, 0.12),
    "other red nucleus": (1.5, 0.12),
    "other substantia nigra": (1.6, 0.15),
    "other subthalamic nucleus": (1.5, 0.12),
    "cerebellar cortex": (0.86, 0.05),
    "dentate nucleus": (0.86, 0.06),
    "dentate nucleus/hilus": (0.86, 0.06),
    "interposed nucleus": (0.86, 0.06),
    "cerebellar white matter": (0.86, 0.06),
    "cerebrospinal fluid": (0.35, 0.30),
    "soft tissue": (0.75, 0.30),
    "skin": (1.0, 0.25),
    "muscle": (0.7, 0.30),
    "mucosa": (1.6, 0.40),
    "eye": (0.4, 0.30),
    "cancellous bone": (0.35, 0.30),
    "spinal cord": (1.0, 0.15),
    "claustrum": (1.2, 0.10),
    "midline tissue": (1.0, 0.15),
    "basal forebrain": (1.7, 0.15),
    "accumbens rim": (2.2, 0.20),
}
FAMILY: Mapping[str, tuple[float, float]] = {
    "air": (0.0, 0.0),
    "striatum": (1.0, 0.0),
    "pallidum": (1.5, 0.15),
    "white": (0.95, 0.05),
    "lesion": (0.9, 0.10),
    "fluid": (0.3, 0.30),
    "vessel": (0.7, 0.25),
    "soft": (0.75, 0.25),
    "skull": (0.15, 0.40),
    "brainstem": (1.28, 0.10),
    "cortex": (1.0, 0.05),
}
OTHER_TISSUE = (1.0, 0.10)
# Parotid glands, canonical mm of the right side: middle and radii; the soft tissue in them, how much, by eye.
GLAND_MM: tuple[tuple[float, float, float], tuple[float, float, float]] = ((55.0, -10.0, -65.0), (12.0, 18.0, 24.0))
GLAND_UPTAKE = (1.0, 4.0)
# Compartments whose two parts blend into one another.
_BLENDED = {"caudate": ("anterior caudate", "posterior caudate"), "putamen": ("anterior putamen", "posterior putamen")}


@dataclass(frozen=True, eq=False)
class Tracer:
    """What people hold of a tracer.

    Attributes:
        name: Name of the tracer.
        binding: Specific binding of healthy subregions at ``REFERENCE_AGE_YEARS``, before the scanner's blur.
        left: What is left of it by stage and subregion, on the worse and the better side; above 1 where it rises.
        nonspecific: Mean and relative spread of everything else, by tissue.
        family: The same by family of tissues, for those without numbers of their own.
        gland: Uptake of the parotid glands, least and most.
    """

    name: str
    binding: Mapping[str, float]
    left: Mapping[str, Mapping[str, tuple[float, float]]]
    nonspecific: Mapping[str, tuple[float, float]]
    family: Mapping[str, tuple[float, float]]
    gland: tuple[float, float] = GLAND_UPTAKE


FP_CIT_SPECT = Tracer("fp-cit", HEALTHY_BINDING, LEFT_OF_BINDING, NONSPECIFIC, FAMILY)


@dataclass(frozen=True, eq=False)
class Uptake:
    """What was drawn for a person.

    Attributes:
        stage: One of ``STAGES``.
        age_years: Age.
        worse_side: Side that lost more, or None in health.
        binding: Specific binding by side and subregion, relative to the occipital cortex.
        nonspecific: (tissues,) everything else.
        gland: Of the parotid glands.
        blend_mm: Width of the change from anterior to posterior parts.
    """

    stage: str
    age_years: float
    worse_side: Side | None
    binding: Mapping[Side, Mapping[str, float]]
    nonspecific: Tensor
    gland: float
    blend_mm: float

    def told(self) -> dict[str, object]:
        """In plain words and numbers."""
        named = {t.name: round(float(v), 4) for t, v in zip(TISSUES, self.nonspecific, strict=True)}
        return {
            "stage": self.stage,
            "age_years": round(self.age_years, 2),
            "worse_side": None if self.worse_side is None else str(self.worse_side),
            "binding": {f"{s} {n}": round(v, 4) for s, parts in self.binding.items() for n, v in parts.items()},
            "nonspecific": {n: v for n, v in named.items() if not n.startswith("other ")},
            "gland": round(self.gland, 4),
            "blend_mm": round(self.blend_mm, 3),
        }


def draw_uptake(
    generator: np.random.Generator,
    *,
    stage: str = "random",
    age_years: float | None = None,
    tracer: Tracer = FP_CIT_SPECT,
) -> Uptake:
    """Draw a person.

    Args:
        generator: Where chance comes from.
        stage: One of ``STAGES``, or ``random``: one healthy person to three patients.
        age_years: Age, or None to draw it.
        tracer: What people hold of it.

    Raises:
        SettingsError: A stage that is not known, or an age out of 0 to 110 years.
    """
    if stage not in ("random", *STAGES):
        raise SettingsError(f"A stage is wanted, one of random, {', '.join(STAGES)}; '{stage}' came.")
    if age_years is not None and not 0 <= age_years <= 110:
        raise SettingsError(f"An age of 0 to 110 years is wanted, {age_years:g} came.")
    drawn = _draw_stage(generator)
    stage = drawn if stage == "random" else stage
    age = float(np.clip(generator.normal(MEAN_AGE_YEARS, AGE_SPREAD_YEARS), *AGES_YEARS))
    age = age if age_years is None else age_years
    sides = list(HEMISPHERES) if generator.random() < 0.5 else list(HEMISPHERES[::-1])
    binding = _healthy(tracer, age, generator)
    if stage != "normal":
        left = tracer.left[stage]
        binding = {side: _lose(binding[side], left, n, generator) for n, side in enumerate(sides)}
    return Uptake(
        stage,
        age,
        None if stage == "normal" else sides[0],
        binding,
        _draw_nonspecific(tracer, generator),
        float(generator.uniform(*tracer.gland)),
        float(generator.uniform(*BLEND_MM)),
    )


def _draw_stage(generator: np.random.Generator) -> str:
    if generator.random() < HEALTHY_SHARE:
        return "normal"
    shares = np.array(list(PATIENT_SHARES.values()))
    return str(generator.choice(list(PATIENT_SHARES), p=shares / shares.sum()))


def _healthy(tracer: Tracer, age_years: float, generator: np.random.Generator) -> dict[Side, dict[str, float]]:
    loss = generator.uniform(*LOSS_PER_DECADE) * (age_years - REFERENCE_AGE_YEARS) / 10
    person = np.exp(PERSON_SPREAD * generator.standard_normal()) * (1 - loss)
    parts = {name: np.exp(PART_SPREAD * generator.standard_normal()) for name in tracer.binding}
    lean = SIDE_SPREAD * generator.standard_normal()
    return {
        side: {n: float(person * parts[n] * np.exp(sign * lean) * v) for n, v in tracer.binding.items()}
        for side, sign in zip(HEMISPHERES, (-0.5, 0.5), strict=True)
    }


def _lose(
    binding: Mapping[str, float],
    left: Mapping[str, tuple[float, float]],
    place: int,
    generator: np.random.Generator,
) -> dict[str, float]:
    """What disease leaves; ``place`` 0 is the worse side. Losses are powers, so that nothing falls below zero."""
    shared = LOSS_SPREAD * generator.standard_normal()
    out = {}
    for name, pair in left.items():
        power = np.exp(shared + PART_LOSS_SPREAD * generator.standard_normal())
        out[name] = float(binding[name] * pair[place] ** power)
    return out


def _draw_nonspecific(tracer: Tracer, generator: np.random.Generator) -> Tensor:
    rows = [tracer.nonspecific.get(t.name) or tracer.family.get(t.family, OTHER_TISSUE) for t in TISSUES]
    means, spreads = np.array(rows).T
    drawn = means * (1 + spreads * np.clip(generator.standard_normal(len(TISSUES)), -2.0, 2.0))
    return torch.from_numpy(drawn).float()


def activity_at(uptake: Uptake, tissues: Tensor, points_mm: Tensor) -> Tensor:
    """Activity at points of the head.

    Args:
        uptake: The person.
        tissues: (…) uint8, seen from each point's own side.
        points_mm: (…, 3) canonical mm.

    Returns:
        (…) float32, occipital grey matter 1.
    """
    index = tissues.long()
    out = uptake.nonspecific[index]
    left = points_mm[..., 0] < 0
    behind = torch.sigmoid(-points_mm[..., 1] / uptake.blend_mm)
    for side, here in ((Side.LEFT, left), (Side.RIGHT, ~left)):
        front, back = _tables(uptake.binding[side])
        ends = front[index], back[index]
        out = out + here * (ends[0] + (ends[1] - ends[0]) * behind)
    return out + _glands(uptake, index, points_mm)


def _tables(binding: Mapping[str, float]) -> tuple[Tensor, Tensor]:
    """Specific binding of each tissue far in front of and far behind the anterior commissure."""
    front, back = torch.zeros(len(TISSUES)), torch.zeros(len(TISSUES))
    for number, tissue in enumerate(TISSUES):
        whole, _, part = tissue.name.removeprefix("other ").partition("/")
        if part in binding and part not in _BLENDED.get(whole, ()):
            front[number] = back[number] = binding[part]
        elif whole in _BLENDED:
            front[number], back[number] = (binding[name] for name in _BLENDED[whole])
        elif whole == "accumbens":
            front[number] = back[number] = binding["ventral striatum"]
    return front, back


def _glands(uptake: Uptake, index: Tensor, points_mm: Tensor) -> Tensor:
    middle, radii = (torch.tensor(numbers) for numbers in GLAND_MM)
    away = (torch.stack([points_mm[..., 0].abs(), points_mm[..., 1], points_mm[..., 2]], dim=-1) - middle) / radii
    inside = ((away**2).sum(dim=-1) < 1) & (index == INDEX["soft tissue"])
    return inside * uptake.gland
