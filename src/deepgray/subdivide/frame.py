"""The AC–PC frame that the rule divides by: of the outline and the deep structures around it, else of the pose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deepgray.anatomy import STRIATUM, Scheme, Side
from deepgray.errors import AnatomyError
from deepgray.result import Pose
from deepgray.scan import LabelMap
from deepgray.space import Affine, rotation_degrees
from deepgray.voxels.acpc import FREESURFER, LabelledVoxels, fit_acpc_of_maps, fit_acpc_one_side

# Beyond this the outline's frame and the pose do not speak of the same head, and the pose is taken.
_AGREEMENT_MM = 8.0
_AGREEMENT_DEGREES = 12.0
_PARTS_OF_PALLIDUM = ("external pallidum", "internal pallidum")


@dataclass(frozen=True, eq=False)
class Frame:
    """An AC–PC frame and where it comes from.

    Attributes:
        canonical_from_world: 4 × 4 rigid, RAS mm to canonical mm.
        origin: In words.
        one_sided: Whether one hemisphere had to do.
    """

    canonical_from_world: Affine
    origin: str
    one_sided: bool = False


def deep_labels(scheme: Scheme) -> dict[str, tuple[int, ...]]:
    """Label numbers of the deep structures that a scheme names, keys as ``voxels.acpc`` wants them."""
    found: dict[str, tuple[int, ...]] = {}
    for structure in scheme.structures:
        name = "pallidum" if structure.name in _PARTS_OF_PALLIDUM else structure.name
        key = name if structure.side is Side.MIDLINE else f"{structure.side} {name}"
        if key in FREESURFER:
            found[key] = (*found.get(key, ()), structure.label)
    return found


def frame_of_labels(labels: LabelMap) -> Frame:
    """The frame of a label map alone, of one hemisphere where there is only one.

    Raises:
        AnatomyError: Too little of the deep structures is there; FieldOfViewError where they are cut.
    """
    try:
        return _fitted(labels)
    except AnatomyError:
        if len(_sides(labels)) != 1:
            raise
        fit = fit_acpc_one_side(labels.voxels, labels.affine_ras, labels=deep_labels(labels.scheme))
        words = f"AC–PC frame of {len(fit.structures)} structures of one side"
        return Frame(fit.canonical_from_world, words, one_sided=True)


def _fitted(*maps: LabelMap) -> Frame:
    fit = fit_acpc_of_maps([LabelledVoxels(m.voxels, m.affine_ras, deep_labels(m.scheme)) for m in maps])
    return Frame(fit.canonical_from_world, f"AC–PC frame of {len(fit.structures) // 2} paired structures")


def _sides(labels: LabelMap) -> set[Side]:
    """Sides whose striatum is in the map."""
    wanted = [s for s in labels.scheme.structures if s.name in STRIATUM]
    return {s.side for s in wanted if labels.mask(s).any()}


def frame_of_outline(labels: LabelMap, pose: Pose) -> Frame:
    """The frame of an outline and of the deep structures that the outline does not hold, guarded by the pose.

    Where three whole pairs are not to be had, or the frame and the pose disagree by more than 8 mm or 12°, the pose is
    taken as it is.
    """
    try:
        fitted = _fitted(labels, *((pose.deep,) if pose.deep is not None else ()))
    except AnatomyError as error:
        return Frame(pose.canonical_from_world, f"AC–PC frame of the pose: {error}")
    between = fitted.canonical_from_world @ np.linalg.inv(pose.canonical_from_world)
    distance_mm, angle = float(np.linalg.norm(between[:3, 3])), rotation_degrees(between)
    if distance_mm > _AGREEMENT_MM or angle > _AGREEMENT_DEGREES:
        words = f"AC–PC frame of the pose: the outline's lies {distance_mm:.0f} mm and {angle:.0f}° from it"
        return Frame(pose.canonical_from_world, words)
    return fitted
