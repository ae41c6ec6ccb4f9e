"""Volumes: of each structure, of both sides, of the whole striatum, and how the sides differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deepgray.anatomy import HEMISPHERES, STRIATUM, Scheme, Side, Structure
from deepgray.result import Measurement, Outline
from deepgray.scan import LabelMap, Probabilities

VOLUME = "volume"
VOLUME_PARTIAL = "volume_partial"
ASYMMETRY = "asymmetry"

_SUBREGIONS_PER_SIDE = 6

_HARD = "voxels × voxel volume"
_PARTIAL = "sum of probabilities × voxel volume"
_ASYMMETRY = "100 × (left − right) / ((left + right) / 2), of volume"


@dataclass(frozen=True)
class Part:
    """A structure, or several as one, that is measured as one.

    Attributes:
        name: Name without side.
        side: ``left``, ``right``, ``midline`` or ``both``.
        members: Structures of the scheme that it is made of.
        made_of: In words, empty where it is one structure.
    """

    name: str
    side: str
    members: tuple[Structure, ...]
    made_of: str = ""

    @property
    def label(self) -> int | None:
        """Its label, None where it is several structures."""
        return None if len(self.members) > 1 or self.made_of else self.members[0].label


def volumes(outline: Outline) -> tuple[Measurement, ...]:
    """The volumes of an outline.

    Each structure of each side, both sides together, and the whole striatum where the scheme holds all its parts:
    ``volume`` (mm³, voxels counted), ``volume_partial`` (mm³, where the outline has probabilities of every part) and,
    where there are two sides, ``asymmetry`` (%, positive where the left is larger).

    Args:
        outline: Structures on the scan's grid.

    Returns:
        Measurements, structure by structure. The volume of a structure that was not found is 0; an asymmetry is NaN,
        with the reason in its method, where both sides are empty.
    """
    parts = parts_of(outline.labels.scheme)
    hard = _hard_mm3(outline.labels)
    partial = _partial_mm3(outline.probabilities) if outline.probabilities else {}
    measured: list[Measurement] = []
    for name in dict.fromkeys(part.name for part in parts):
        sides = [part for part in parts if part.name == name]
        measured += [_total(part, hard, quantity=VOLUME, method=_HARD) for part in sides]
        measured += [
            _total(part, partial, quantity=VOLUME_PARTIAL, method=_PARTIAL)
            for part in sides
            if all(member.label in partial for member in part.members)
        ]
        measured += _asymmetry(sides, hard)
    return tuple(measured)


def parts_of(scheme: Scheme) -> list[Part]:
    """What is measured of a scheme, structure by structure: left, right, both; then the whole striatum alike."""
    parts: list[Part] = []
    for name in dict.fromkeys(s.name for s in scheme.structures):
        single = [Part(name, s.side.value, (s,)) for s in scheme.structures if s.name == name]
        parts += _with_both(single)
    if any(part.name == "striatum" for part in parts):
        return parts
    whole = [_whole_striatum(scheme, side) for side in HEMISPHERES]
    return parts + _with_both([part for part in whole if part is not None])


def _with_both(sides: list[Part]) -> list[Part]:
    if {part.side for part in sides} != set(HEMISPHERES):
        return sides
    members = tuple(member for part in sides for member in part.members)
    made_of = ", ".join(filter(None, [sides[0].made_of, "both sides"]))
    return [*sides, Part(sides[0].name, "both", members, made_of)]


def _whole_striatum(scheme: Scheme, side: Side) -> Part | None:
    """The striatum of one side, or None where the scheme lacks a part of it or holds it in two ways."""
    own = scheme.of_side(side)
    compartments = tuple(s for s in own if s.name in STRIATUM)
    subregions = tuple(s for s in own if s.group == "striatum12")
    if len(compartments) == len(STRIATUM):
        members = compartments
    elif not compartments and len(subregions) == _SUBREGIONS_PER_SIDE:
        members = subregions
    else:
        return None
    return Part("striatum", side.value, members, f"sum of {', '.join(s.name for s in members)}")


def _hard_mm3(labels: LabelMap) -> dict[int, float]:
    counts = np.bincount(labels.voxels[labels.voxels > 0])
    voxel = labels.grid.voxel_volume_mm3
    return {s.label: float(counts[s.label]) * voxel if s.label < len(counts) else 0.0 for s in labels.scheme.structures}


def _partial_mm3(probabilities: Probabilities) -> dict[int, float]:
    sums = probabilities.voxels.sum(axis=(1, 2, 3), dtype=np.float64) * probabilities.grid.voxel_volume_mm3
    return {s.label: float(mm3) for s, mm3 in zip(probabilities.structures, sums, strict=True)}


def _total(part: Part, mm3: dict[int, float], *, quantity: str, method: str) -> Measurement:
    return Measurement(
        structure=part.name,
        side=part.side,
        label=part.label,
        quantity=quantity,
        value=sum(mm3[member.label] for member in part.members),
        unit="mm3",
        method=f"{method} ({part.made_of})" if part.made_of else method,
    )


def _asymmetry(sides: list[Part], mm3: dict[int, float]) -> list[Measurement]:
    if not any(part.side == "both" for part in sides):
        return []
    left, right = (
        sum(mm3[member.label] for part in sides if part.side == side for member in part.members) for side in HEMISPHERES
    )
    empty = left + right == 0
    return [
        Measurement(
            structure=sides[0].name,
            side="both",
            label=None,
            quantity=ASYMMETRY,
            value=float("nan") if empty else 100.0 * (left - right) / ((left + right) / 2),
            unit="%",
            method=f"{_ASYMMETRY}; undefined: both sides are empty" if empty else _ASYMMETRY,
        )
    ]
