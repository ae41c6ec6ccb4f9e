"""The AC–PC frame that the rule divides by: from the outline itself where it can be, else from the pose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from deepgray.anatomy import STRIATUM, Scheme, Side
from deepgray.errors import AnatomyError
from deepgray.result import Pose
from deepgray.scan import LabelMap
from deepgray.space import Affine, rotation_degrees
from deepgray.voxels.acpc import FREESURFER, fit_acpc, fit_acpc_one_side

# Beyond this the outline's frame and the pose do not speak of the same head, and the pose is taken.
_AGREEMENT_MM = 8.0
_AGREEMENT_DEGREES = 12.0
# How far the rotation goes from the outline's towards the pose's, about x, y and z of the canonical frame: striatum and
# pallidum know nodding to about 2°, tilting to 1.3° and turning to 0.6°. A level pose knows nodding to 2.7°, and errs
# mostly to the other side: mixed so, it is known to 1.2° (simulated T1 of nine heads that trained, twice each).
_POSE_SHARE = (0.4, 0.3, 0.1)
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
    numbers = deep_labels(labels.scheme)
    try:
        fit = fit_acpc(labels.voxels, labels.affine_ras, labels=numbers)
    except AnatomyError:
        if len(_sides(labels)) != 1:
            raise
        fit = fit_acpc_one_side(labels.voxels, labels.affine_ras, labels=numbers)
        words = f"AC–PC frame of {len(fit.structures)} structures of one side"
        return Frame(fit.canonical_from_world, words, one_sided=True)
    return Frame(fit.canonical_from_world, f"AC–PC frame of {len(fit.structures) // 2} paired structures")


def _sides(labels: LabelMap) -> set[Side]:
    """Sides whose striatum is in the map."""
    wanted = [s for s in labels.scheme.structures if s.name in STRIATUM]
    return {s.side for s in wanted if labels.mask(s).any()}


def frame_of_outline(labels: LabelMap, pose: Pose) -> Frame:
    """The frame of an outline, guarded and steadied by the pose.

    The place of the commissure comes from the outline, where it is known to about a millimetre; the rotation lies
    between the outline's and the pose's. Where the outline does not hold three whole pairs, or the two disagree by
    more than 8 mm or 12°, the pose is taken as it is.
    """
    try:
        fitted = frame_of_labels(labels)
    except AnatomyError as error:
        return Frame(pose.canonical_from_world, f"AC–PC frame of the pose: {error}")
    if fitted.one_sided:
        return Frame(pose.canonical_from_world, "AC–PC frame of the pose: the outline holds one hemisphere")
    between = fitted.canonical_from_world @ np.linalg.inv(pose.canonical_from_world)
    distance_mm, angle = float(np.linalg.norm(between[:3, 3])), rotation_degrees(between)
    if distance_mm > _AGREEMENT_MM or angle > _AGREEMENT_DEGREES:
        words = f"AC–PC frame of the pose: the outline's lies {distance_mm:.0f} mm and {angle:.0f}° from it"
        return Frame(pose.canonical_from_world, words)
    anterior_commissure = np.linalg.inv(fitted.canonical_from_world)[:3, 3]
    turn = Rotation.from_matrix(between[:3, :3]).as_rotvec()
    step = Rotation.from_rotvec(turn * (1 - np.array(_POSE_SHARE))).as_matrix()
    axes = step @ pose.canonical_from_world[:3, :3]
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = axes, -axes @ anterior_commissure
    return Frame(matrix, f"{fitted.origin}, steadied by the pose")
