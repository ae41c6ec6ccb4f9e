"""Where the head is and how it is turned: one whole-head network, looked through again until the pose stands still.

The network gives a coarse map and, for every voxel of the brain, how far it is from its canonical place. The pose is
the rigid map that brings the voxels to their places: thousands of votes, so that left and right, front and top follow
from the whole anatomy. The network then sees the head again, upright in that pose. It knows heads that are turned by up
to some sixty degrees; where its votes disagree, the head is turned by each of the 24 rotations of a cube first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from deepgray.anatomy import Scheme, scheme, structure
from deepgray.errors import GeometryError, NoHeadError
from deepgray.models import Model
from deepgray.result import Pose
from deepgray.scan import LabelMap, Scan
from deepgray.space import Affine, Grid, Points, apply_affine, inverse, rigid_fit, rotation_degrees
from deepgray.voxels.intensity import normalise
from deepgray.voxels.resample import to_frame

# Looks at the head after the first: each in the pose found before.
MORE_LOOKS = 3
# Votes that disagree by more than this (median) may come from a head that is turned too far.
DOUBTFUL_MM = 6.0
# The pose stands still when a look turns and moves it by less than this.
STILL_DEGREES = 2.0
STILL_MM = 1.5
# Less brain than this in the field of view is no head.
SMALLEST_BRAIN_ML = 60.0
# Coordinates that disagree with one another by more than this (median) belong to no head.
LARGEST_RESIDUAL_MM = 14.0
COORDINATE_CHANNELS = ("x", "y", "z")
DECIMETRE_MM = 100.0
ROBUST_ITERATIONS = 4


@dataclass(frozen=True, eq=False)
class _Look:
    """One look at the head."""

    pose: Affine
    residual_mm: float
    brain_ml: float
    classes: NDArray[np.uint8]
    frame: Grid
    world_from_frame: Affine


def locate(scan: Scan, model: Model) -> Pose:
    """Find the head.

    Args:
        scan: Any orientation, any contrast the network was trained on.
        model: The whole-head network.

    Returns:
        The pose with a confidence: 1 when the coordinates agree, falling with the square of their disagreement.

    Raises:
        NoHeadError: Too little brain, or coordinates that belong to no head.
    """
    look = _first_look(scan, model)
    for _ in range(MORE_LOOKS):
        again = _look(scan, look.pose, model)
        moved = again.pose @ np.linalg.inv(look.pose)
        look = again
        if rotation_degrees(moved) < STILL_DEGREES and np.linalg.norm(moved[:3, 3]) < STILL_MM:
            break
    if look.brain_ml < SMALLEST_BRAIN_ML or look.residual_mm > LARGEST_RESIDUAL_MM:
        raise NoHeadError(
            f"A scan that shows a head is wanted; {look.brain_ml:.0f} ml of brain were found, whose places disagree by "
            f"{look.residual_mm:.0f} mm."
        )
    confidence = float(np.exp(-((look.residual_mm / LARGEST_RESIDUAL_MM) ** 2)))
    return Pose(look.pose, confidence, _coarse_map(look, model))


def _first_look(scan: Scan, model: Model) -> _Look:
    """The look whose votes agree best: by the scan's own axes or, where that is doubtful, by any turn of a cube."""
    guess = _first_guess(scan, model)
    best = _look(scan, guess, model)
    if best.residual_mm <= DOUBTFUL_MM:
        return best
    middle = np.eye(4)
    middle[:3, 3] = _middle(model)
    for turn in Rotation.create_group("O").as_matrix():
        turned = np.eye(4)
        turned[:3, :3] = turn
        candidate = _look(scan, middle @ turned @ np.linalg.inv(middle) @ guess, model)
        if candidate.residual_mm < best.residual_mm:
            best = candidate
    return best


def _middle(model: Model) -> NDArray[np.float64]:
    box = model.recipe.box
    return np.asarray((np.asarray(box.low_mm) + np.asarray(box.high_mm)) / 2, dtype=np.float64)


def _first_guess(scan: Scan, model: Model) -> Affine:
    """Upright by the scan's own axes, the middle of what is bright in the middle of the network's box."""
    step = [max(1, n // 64) for n in scan.voxels.shape]
    small = np.abs(scan.voxels[:: step[0], :: step[1], :: step[2]])
    if not small.any():
        raise NoHeadError("A scan that shows a head is wanted, next to nothing in this one differs from zero.")
    bright = np.argwhere(small > 0.5 * small[small > 0].mean()) * step
    pose = np.eye(4)
    pose[:3, 3] = _middle(model) - apply_affine(scan.affine_ras, bright.mean(axis=0))
    return pose


def _look(scan: Scan, pose: Affine, model: Model) -> _Look:
    recipe = model.recipe
    frame = recipe.box.grid(recipe.spacing_mm)
    world_from_frame = inverse(pose)
    seen = to_frame(scan.voxels, scan.affine_ras, frame, world_from_frame=world_from_frame)
    if np.count_nonzero(seen) < seen.size // 1000:
        raise NoHeadError("A scan that shows a head is wanted, next to nothing in this one differs from zero.")
    logits = model.network.run(normalise(seen, recipe.intensity)[None, None])[0]
    count = logits.shape[0] - len(COORDINATE_CHANNELS)
    classes = logits[:count].argmax(axis=0).astype(np.uint8)
    brain = (classes > 0) & (seen != 0)
    voxel_ml = frame.voxel_volume_mm3 / 1000.0
    brain_ml = float(brain.sum()) * voxel_ml
    if brain_ml < SMALLEST_BRAIN_ML:
        return _Look(pose, np.inf, brain_ml, classes, frame, world_from_frame)
    places = apply_affine(frame.affine_ras, np.argwhere(brain))
    wanted = places + logits[count:, brain].T.astype(np.float64) * DECIMETRE_MM
    correction, residual_mm = _robust_fit(places, wanted)
    return _Look(correction @ pose, residual_mm, brain_ml, classes, frame, world_from_frame)


def _robust_fit(points: Points, wanted: Points) -> tuple[Affine, float]:
    """Rigid fit that far-off votes do not move (Cauchy weights), and the median distance after it, mm.

    Votes near the anterior commissure count more: heads differ in size, and the frame is defined there.
    """
    near = 1.0 / (1.0 + (np.linalg.norm(wanted, axis=1) / 60.0) ** 2)
    weights = near
    for _ in range(ROBUST_ITERATIONS):
        pose = rigid_fit(points, wanted, weights)
        error = np.linalg.norm(apply_affine(pose, points) - wanted, axis=1)
        weights = near / (1.0 + (error / max(2.0, float(np.median(error)))) ** 2)
    return pose, float(np.median(error))


def _coarse_map(look: _Look, model: Model) -> LabelMap:
    coarse: Scheme = scheme("coarse")
    names = [n for n in model.recipe.outputs if n not in COORDINATE_CHANNELS]
    table = np.zeros(len(names) + 1, dtype=np.uint8)
    for channel, name in enumerate(names, start=1):
        known = structure(name)
        if known not in coarse.structures:
            raise GeometryError(f"A coarse map of {coarse.name} structures is wanted, '{name}' came.")
        table[channel] = known.label
    return LabelMap(table[look.classes], look.world_from_frame @ look.frame.affine_ras, coarse)
