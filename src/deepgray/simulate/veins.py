"""Veins for susceptibility maps: long smooth tubes over the cortex, out from the ventricles and around the midbrain.

A tube is a cloud of points that fills it evenly; counted into voxels it gives true partial volume, however thin it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepgray.simulate.framing import Found, Frame
from deepgray.simulate.tissues import INDEX
from deepgray.space import MIRROR_X, Points, apply_affine, inverse

STEP_MM = 0.4
WALK_MM = 1.5
POINTS_PER_MM3 = 80.0
VEIN_PPM = (0.15, 0.40)
# Courses in canonical mm of the left side: the basal vein around the midbrain, the internal cerebral vein above the
# third ventricle, the thalamostriate vein between thalamus and caudate, one from the fourth ventricle to the dentate.
COURSES_MM: tuple[tuple[tuple[float, float, float], ...], ...] = (
    ((-12, 2, -15), (-16, -8, -15), (-20, -18, -11), (-17, -28, -5), (-7, -36, 2), (-1, -39, 5)),
    ((-2, -2, 9), (-2.5, -12, 13), (-2.5, -24, 13), (-2, -33, 9), (-1, -39, 5)),
    ((-3, -2, 8), (-9, -3, 14), (-14, -11, 18), (-18, -20, 20), (-22, -28, 16)),
    ((-6, -42, -22), (-8, -47, -29), (-11, -52, -31), (-15, -58, -31)),
)
COURSE_RADIUS_MM = (0.4, 1.0)
# How many veins of full density begin at the surface and at the ventricles, how long they are, their radii.
SURFACE = (220, 45.0, (0.25, 0.8))
DEEP = (160, 24.0, (0.15, 0.35))
_FLUID = [INDEX["cerebrospinal fluid"]]
_VENTRICLES = [INDEX["lateral ventricle"]]
_WHITE = [INDEX["white matter"]]
_CORTEX = [INDEX["cortex"], INDEX["cerebellar cortex"]]


@dataclass(frozen=True, eq=False)
class Tube:
    """One vein.

    Attributes:
        course_mm: (n, 3) points ``STEP_MM`` apart, mm of the scan's world.
        radius_mm: Radius.
        chi_ppm: Susceptibility.
    """

    course_mm: Points
    radius_mm: float
    chi_ppm: float


def draw_veins(found: Found, frame: Frame, density: float, generator: np.random.Generator) -> list[Tube]:
    """The veins of one head.

    Args:
        found: The head on the scan's grid.
        frame: How it lies there.
        density: Relative number of veins.
        generator: Of everything random.
    """
    spacing = frame.grid.spacing_mm
    tissues = ndimage.zoom(found.tissues.numpy(), spacing, order=0, grid_mode=True, mode="nearest")
    corner_mm = frame.grid.affine_ras[:3, 3] - spacing / 2 + 0.5
    to_fluid = _distance(np.isin(tissues, _FLUID))
    to_ventricle = _distance(np.isin(tissues, _VENTRICLES))
    surface = np.isin(tissues, _CORTEX) & (to_fluid > 0) & (to_fluid < 1.5)
    wall = np.isin(tissues, _WHITE) & (to_ventricle > 0) & (to_ventricle < 2.5)
    courses = _courses(frame, generator)
    radii = [COURSE_RADIUS_MM] * len(courses)
    for starts, potential, climb, (count, length_mm, radius_mm) in (
        (surface, to_fluid, 0.0, SURFACE),
        (wall, to_ventricle, 0.75, DEEP),
    ):
        places = np.argwhere(starts)
        if len(places) == 0:
            continue
        chosen = places[generator.integers(len(places), size=round(count * density))]
        made = walks(potential, chosen.astype(np.float64), length_mm=length_mm, climb=climb, generator=generator)
        courses += [course + corner_mm for course in made]
        radii += [radius_mm] * len(made)
    return [Tube(c, generator.uniform(*r), generator.uniform(*VEIN_PPM)) for c, r in zip(courses, radii, strict=True)]


def _courses(frame: Frame, generator: np.random.Generator) -> list[Points]:
    """The named veins of both sides, each a little elsewhere than its course."""
    made = []
    for course in COURSES_MM:
        for mirror in (np.eye(4), MIRROR_X):
            control = apply_affine(mirror, np.array(course)) + generator.normal(0, 1.2, (len(course), 3))
            made.append(smooth_course(frame.world_mm(control)))
    return made


def smooth_course(control_mm: Points) -> Points:
    """A smooth line of points ``STEP_MM`` apart through control points (n, 3)."""
    steps = np.linalg.norm(np.diff(control_mm, axis=0), axis=1)
    along = np.r_[0.0, np.cumsum(steps)]
    dense = np.arange(0.0, along[-1], STEP_MM)
    line = np.stack([np.interp(dense, along, control_mm[:, i]) for i in range(3)], axis=1)
    sigma = max(1.0, 0.3 * float(steps.mean()) / STEP_MM)
    return np.asarray(ndimage.gaussian_filter1d(line, sigma, axis=0, mode="nearest"))


def walks(
    potential: NDArray[np.float32], starts: Points, *, length_mm: float, climb: float, generator: np.random.Generator
) -> list[Points]:
    """Smooth walks through a map of distances.

    Args:
        potential: (x, y, z) distance on a grid of 1 mm.
        starts: (n, 3) where they begin, mm from the first voxel.
        length_mm: How long the longest are.
        climb: 0 stays at the distance where it began, 1 goes straight uphill.
        generator: Of everything random.

    Returns:
        One smooth course each, mm from the first voxel.
    """
    slope = [part.astype(np.float32) for part in np.gradient(ndimage.gaussian_filter(potential, 1.2))]
    place, level = starts, _at(potential, starts)
    heading = generator.normal(0, 1, place.shape)
    places = [place]
    for _ in range(round(length_mm / WALK_MM)):
        uphill = _unit(np.stack([_at(part, place) for part in slope], axis=1))
        heading = heading + 0.3 * generator.normal(0, 1, heading.shape)
        along = _unit(heading - (heading * uphill).sum(axis=1, keepdims=True) * uphill)
        back = np.clip(0.5 * (level - _at(potential, place)), -1, 1)[:, None] * uphill
        heading = _unit((1 - climb) * (along + back) + climb * (uphill + 0.5 * along))
        place = place + WALK_MM * heading
        places.append(place)
    ends = generator.integers(len(places) // 3, len(places) + 1, size=len(starts))
    return [smooth_course(course[:end]) for course, end in zip(np.stack(places, axis=1), ends, strict=True)]


def fill(
    tubes: list[Tube], frame: Frame, generator: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How much of each voxel is vein, and the mean susceptibility of that part.

    Args:
        tubes: Veins.
        frame: Where the scan's voxels lie.
        generator: Of the points that fill a tube.

    Returns:
        Parts in 0–1 and ppm, (x, y, z) each; ppm is 0 where there is no vein.
    """
    shape = frame.grid.shape
    index_from_world = inverse(frame.grid.affine_ras)
    part = np.zeros(int(np.prod(shape)), dtype=np.float32)
    chi = np.zeros_like(part)
    for tube in tubes:
        step_mm3 = np.pi * tube.radius_mm**2 * STEP_MM
        each = max(3, round(step_mm3 * POINTS_PER_MM3))
        weight = step_mm3 / each / frame.grid.voxel_volume_mm3
        cloud = np.repeat(tube.course_mm, each, axis=0)
        offset = _unit(generator.normal(0, 1, cloud.shape))
        offset *= tube.radius_mm * generator.random((len(cloud), 1)) ** (1 / 3)
        index = np.rint(apply_affine(index_from_world, cloud + offset)).astype(np.int64)
        kept = ((index >= 0) & (index < shape)).all(axis=1)
        places, counts = np.unique(np.ravel_multi_index(tuple(index[kept].T), shape), return_counts=True)
        part[places] += (counts * weight).astype(np.float32)
        chi[places] += (counts * weight * tube.chi_ppm).astype(np.float32)
    mean = np.divide(chi, part, out=np.zeros_like(chi), where=part > 0)
    return np.minimum(part, 1.0).reshape(shape), mean.reshape(shape)


def _distance(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    return np.asarray(ndimage.distance_transform_edt(~mask), dtype=np.float32)


def _unit(vectors: Points) -> Points:
    return np.asarray(vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9))


def _at(volume: NDArray[np.float32], places: Points) -> NDArray[np.float64]:
    found = ndimage.map_coordinates(volume, places.T, order=1, mode="nearest", output=np.float64)
    return np.asarray(found)
