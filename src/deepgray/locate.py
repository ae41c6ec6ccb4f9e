"""Where the head is and how it is turned: a coarse map from one whole-head network, and geometry.

The network tells thalamus, striatum, cerebellum and brainstem from the rest of the brain, both sides alike. Which way
is front, up and left follows from how they lie to one another, never from what a network guessed: the striatum's two
halves give the lateral axis, striatum before thalamus the front, brainstem and cerebellum below it the bottom, and the
three together say which half is the left. The centroids of the halves are then brought onto those of a reference. The
network looks again at the head in that pose, until the pose stands still.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

from deepgray.anatomy import Scheme, scheme
from deepgray.errors import NoHeadError, SettingsError
from deepgray.models import Model
from deepgray.result import Pose
from deepgray.scan import LabelMap, Scan
from deepgray.space import Affine, Grid, Points, apply_affine, inverse, rigid_fit, rotation_degrees
from deepgray.voxels.components import largest_component
from deepgray.voxels.intensity import normalise
from deepgray.voxels.resample import closest_ras, to_frame

# A susceptibility map is signed around the zero of its background. Lifted and turned over, its brain is bright, its
# fluid and cortex lie a little below its white matter and its nuclei are dark: a contrast like many that the network
# was trained on. Stronger values are cut: veins and what background removal left would rule the scaling.
LIFT_PPM = 0.3
CUT_PPM = 0.25
# Looks at the head after the first: each in the pose found before.
MORE_LOOKS = 3
# The pose stands still when a look turns and moves it by less than this.
STILL_DEGREES = 2.0
STILL_MM = 1.0
# A look that fits worse than the one before by more than this is not taken.
WORSE_MM = 0.5
# A fit worse than this may come from a head that is turned too far: it is turned by each rotation of a cube.
DOUBTFUL_MM = 5.0
# So many of those turns are followed to their end: an upside-down head can look right at first.
CANDIDATES = 6
# Centroids that lie farther than this (root mean square) from a human's belong to no head.
LARGEST_RESIDUAL_MM = 9.0
# Less brain than this in the field of view is no head.
SMALLEST_BRAIN_ML = 60.0
# Less of a structure than this does not vote.
SMALLEST_STRUCTURE_ML = 0.8

# Centroids in canonical mm, right side, and how much they count; mean of the 15 label maps that the network was trained
# and validated on, left and right averaged. Among those heads one fits the mean of the others within 2.2 mm and 4.7°.
REFERENCE: dict[str, tuple[tuple[float, float, float], float]] = {
    "thalamus": ((12.4, -18.9, 7.3), 1.0),
    "striatum": ((20.4, 1.6, 6.4), 1.0),
    "cerebellum": ((21.2, -55.5, -33.2), 0.3),
    "brainstem": ((0.0, -24.3, -20.7), 0.5),
}
# On T1 the pose lifts the face by 2.7 ± 2.7° too far. Networks do not mind; planes are laid in ``subdivide.frame``'s.
_SIGNS = tuple(product((1.0, -1.0), repeat=3))
PAIRED = ("thalamus", "striatum", "cerebellum")
SPLITS = 4


@dataclass(frozen=True, eq=False)
class _Look:
    """One look at the head: the pose it suggests, how well it fits, and what was seen."""

    pose: Affine
    residual_mm: float
    brain_ml: float
    classes: NDArray[np.uint8]
    frame: Grid
    world_from_frame: Affine


def locate(scan: Scan, model: Model) -> Pose:
    """Find the head.

    Args:
        scan: Any orientation, any contrast the network was trained on; or a susceptibility map, which is shown to a
            network for magnetic resonance images as an image.
        model: The whole-head network; its outputs are the names of ``REFERENCE`` and ``rest of brain``.

    Returns:
        The pose with a confidence: 1 when the structures lie exactly as in the reference, falling with the square of
        their distance from it.

    Raises:
        NoHeadError: Too little brain, or structures that do not lie as in a head.
        SettingsError: A scan of a modality that the network does not see.
    """
    scan = _as_seen(scan, model)
    look = min((_settled(scan, first, model) for first in _first_looks(scan, model)), key=lambda seen: seen.residual_mm)
    if look.brain_ml < SMALLEST_BRAIN_ML:
        raise NoHeadError(f"A scan that shows a head is wanted; {look.brain_ml:.0f} ml of brain were found.")
    if not look.residual_mm <= LARGEST_RESIDUAL_MM:
        raise NoHeadError(
            "A scan that shows a head with thalamus and striatum is wanted; what was found does not lie as in a head"
            f"{f' ({look.residual_mm:.0f} mm off)' if np.isfinite(look.residual_mm) else ''}."
        )
    confidence = float(np.exp(-((look.residual_mm / LARGEST_RESIDUAL_MM) ** 2)))
    return Pose(look.pose, confidence, _coarse_map(look, model))


def _as_seen(scan: Scan, model: Model) -> Scan:
    seen = model.recipe.modality
    if scan.modality == seen:
        return scan
    if (scan.modality, seen) != ("qsm", "mr"):
        raise SettingsError(f"'{model.name}' finds heads in '{seen}' scans, '{scan.modality}' came.")
    lifted = np.float32(LIFT_PPM) - np.clip(scan.voxels, -CUT_PPM, CUT_PPM)
    return replace(scan, voxels=np.where(scan.voxels != 0, lifted, np.float32(0)).astype(np.float32), modality=seen)


def _settled(scan: Scan, look: _Look, model: Model) -> _Look:
    """Look again in the pose that was found, until it stands still or fits no better."""
    for _ in range(MORE_LOOKS):
        if not np.isfinite(look.residual_mm):
            break
        again = _look(scan, look.pose, model)
        if again.residual_mm > look.residual_mm + WORSE_MM:
            break
        moved = again.pose @ inverse(look.pose)
        look = again
        if rotation_degrees(moved) < STILL_DEGREES and np.linalg.norm(moved[:3, 3]) < STILL_MM:
            break
    return look


def _first_looks(scan: Scan, model: Model) -> list[_Look]:
    """One look by the scan's own axes or, where that is doubtful, the best few of all turns of a cube."""
    guess = _first_guess(scan, model)
    own = _look(scan, guess, model)
    if own.residual_mm <= DOUBTFUL_MM:
        return [own]
    middle = np.eye(4)
    middle[:3, 3] = _middle(model)
    looks = [own]
    for turn in _turns_of_a_cube():
        turned = np.eye(4)
        turned[:3, :3] = turn
        looks.append(_look(scan, middle @ turned @ inverse(middle) @ guess, model))
    return sorted(looks, key=lambda seen: seen.residual_mm)[:CANDIDATES]


def _turns_of_a_cube() -> list[NDArray[np.float64]]:
    """The 24 rotations that bring the axes onto one another."""
    signed = (np.diag(signs) @ np.eye(3)[list(order)] for order in permutations(range(3)) for signs in _SIGNS)
    return [turn for turn in signed if np.linalg.det(turn) > 0]


def _middle(model: Model) -> NDArray[np.float64]:
    box = model.recipe.box
    return np.asarray((np.asarray(box.low_mm) + np.asarray(box.high_mm)) / 2, dtype=np.float64)


def _first_guess(scan: Scan, model: Model) -> Affine:
    """Upright by the scan's own axes, the middle of what is bright in the middle of the network's box."""
    voxels, affine_ras = closest_ras(scan.voxels, scan.affine_ras)
    step = [max(1, n // 64) for n in voxels.shape]
    small = np.abs(voxels[:: step[0], :: step[1], :: step[2]])
    bright = np.argwhere(small > 0.5 * small[small > 0].mean()) if small.any() else np.zeros((0, 3))
    if len(bright) == 0:
        raise NoHeadError("A scan that shows a head is wanted, next to nothing in this one differs from zero.")
    pose = np.eye(4)
    pose[:3, 3] = _middle(model) - apply_affine(affine_ras, bright.mean(axis=0) * step)
    return pose


def _look(scan: Scan, pose: Affine, model: Model) -> _Look:
    recipe = model.recipe
    frame = recipe.grid
    world_from_frame = inverse(pose)
    seen = to_frame(scan.voxels, scan.affine_ras, frame, world_from_frame=world_from_frame)
    if np.count_nonzero(seen) < seen.size // 1000:
        raise NoHeadError("A scan that shows a head is wanted, next to nothing in this one differs from zero.")
    logits = model.network.run(normalise(seen, recipe.intensity)[None, None])[0]
    classes = logits.argmax(axis=0).astype(np.uint8)
    classes[(seen == 0) | ~largest_component(classes > 0)] = 0
    voxel_ml = frame.voxel_volume_mm3 / 1000.0
    brain_ml = float(np.count_nonzero(classes)) * voxel_ml
    clouds = {}
    for channel, name in enumerate(recipe.outputs, start=1):
        if name in REFERENCE:
            places = np.argwhere(classes == channel)
            if len(places) * voxel_ml >= SMALLEST_STRUCTURE_ML:
                clouds[name] = apply_affine(frame.affine_ras, places)
    if brain_ml < SMALLEST_BRAIN_ML or not {"thalamus", "striatum"} <= set(clouds):
        return _Look(pose, np.inf, brain_ml, classes, frame, world_from_frame)
    correction, residual_mm = pose_of_clouds(clouds)
    return _Look(correction @ pose, residual_mm, brain_ml, classes, frame, world_from_frame)


def pose_of_clouds(clouds: dict[str, Points]) -> tuple[Affine, float]:
    """The canonical frame of a head from where its structures lie.

    Args:
        clouds: Voxels of each structure in mm of any frame, both sides together; thalamus and striatum at least.
            Without brainstem and cerebellum up is the frame's own.

    Returns:
        4 × 4 rigid to canonical mm, and the weighted root mean square distance of the centroids from the reference, mm.
    """
    pose = _axes(clouds)
    for _ in range(SPLITS):
        source, target, weights = _centroids(clouds, pose)
        if len(source) < 3:  # fewer points do not fix a rotation
            return pose, float("inf")
        pose = rigid_fit(source, target, weights)
    error = ((apply_affine(pose, source) - target) ** 2).sum(axis=1)
    return pose, float(np.sqrt((weights * error).sum() / weights.sum()))


def _axes(clouds: dict[str, Points]) -> Affine:
    """First axes: lateral along the striatum's two halves, front from thalamus to striatum, up from what lies below."""
    striatum, thalamus = clouds["striatum"], clouds["thalamus"].mean(axis=0)
    middle = striatum.mean(axis=0)
    lateral = np.linalg.svd((striatum - middle)[:: max(1, len(striatum) // 2000)], full_matrices=False)[2][0]
    front = middle - thalamus
    front = front - (front @ lateral) * lateral
    front /= max(float(np.linalg.norm(front)), 1e-6)
    below = clouds.get("brainstem", clouds.get("cerebellum"))
    up = (middle + thalamus) / 2 - below.mean(axis=0) if below is not None else np.array([0.0, 0.0, 1.0])
    right = np.cross(front, up)
    right = lateral * (1.0 if right @ lateral >= 0 else -1.0)
    rotation = np.stack([right, front, np.cross(right, front)])
    pose = np.eye(4)
    pose[:3, :3] = rotation
    pose[:3, 3] = -rotation @ middle
    return pose


def _centroids(clouds: dict[str, Points], pose: Affine) -> tuple[Points, Points, NDArray[np.float64]]:
    """Centroids of every half, where they belong, and how much they count."""
    source, target, weights = [], [], []
    for name, points in clouds.items():
        place, weight = REFERENCE[name]
        if name not in PAIRED:
            source.append(points.mean(axis=0))
            target.append(place)
            weights.append(weight)
            continue
        x = apply_affine(pose, points)[:, 0]
        for sign in (-1.0, 1.0):
            half = points[sign * x > 0]
            if len(half) * 4 >= len(points):
                source.append(half.mean(axis=0))
                target.append((sign * place[0], place[1], place[2]))
                weights.append(weight)
    return np.array(source), np.array(target), np.array(weights)


def _coarse_map(look: _Look, model: Model) -> LabelMap:
    """The coarse map with sides: what lies right of the pose's mid-sagittal plane is right."""
    coarse: Scheme = scheme("coarse")
    affine = look.world_from_frame @ look.frame.affine_ras
    index = np.argwhere(look.classes > 0)
    right = apply_affine(look.pose @ affine, index)[:, 0] > 0
    of = {s.key: s.label for s in coarse.structures}
    tables = np.zeros((2, len(model.recipe.outputs) + 1), dtype=np.uint8)
    for channel, name in enumerate(model.recipe.outputs, start=1):
        tables[:, channel] = [of.get(f"{side} {name}", of.get(f"midline {name}", 0)) for side in ("left", "right")]
    voxels = np.zeros(look.classes.shape, dtype=np.uint8)
    places = tuple(index.T)
    voxels[places] = tables[right.astype(int), look.classes[places]]
    return LabelMap(voxels, affine, coarse)
