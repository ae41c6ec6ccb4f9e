"""A dentate nucleus from nobody's atlas: a closed body, or a curved sheet open towards the midline.

Training heads have the dentates of one atlas, and a network that learns these alone takes a half of another atlas's
for something else. Sizes and the direction of the hilus are ours, set by eye, and drawn far wider than people differ.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from deepgray.simulate.nuclei import ROOM_MM, Nucleus

SPACING_MM = 0.5
# Half axes of the body around which the sheet lies: across, forward, up.
HALF_AXES_MM = ((4.0, 8.0), (7.0, 12.5), (3.5, 7.5))
# Standard deviations of its turns about these axes.
TURN_DEGREES = (20.0, 15.0, 20.0)
# Part of the nuclei that are closed bodies; their hilus is drawn with the tissue.
CLOSED_SHARE = 0.3
THICKNESS_MM = (1.6, 4.0)
# The hilus looks to the midline, forward and up; how far that differs, and how wide it opens (half its angle). A narrow
# mouth would make the hollow look like the hilus of a closed nucleus, which belongs to it.
MOUTH = (1.0, 0.3, 0.2)
MOUTH_SPREAD = 0.4
OPENING_DEGREES = (50.0, 105.0)
VOLUME_MM3 = (350.0, 1300.0)
GROWTH = (0.7, 1.4)


def draw_sheet(generator: np.random.Generator) -> Nucleus:
    """The left dentate nucleus of nobody.

    Args:
        generator: Of everything random.

    Returns:
        A nucleus around the origin, in mm; left is left.
    """
    axes = np.array([generator.uniform(*ends) for ends in HALF_AXES_MM])
    closed = generator.random() < CLOSED_SHARE
    thickness = generator.uniform(*THICKNESS_MM)
    reach = float(axes.max()) + 0.5 * THICKNESS_MM[1] + ROOM_MM
    steps = np.arange(-reach, reach + SPACING_MM, SPACING_MM)
    points = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1)
    turn = Rotation.from_euler("xyz", generator.normal(0, 1, 3) * TURN_DEGREES, degrees=True).as_matrix()
    own = points @ turn
    body = _from_ellipsoid(own, axes)
    mouth = np.array(MOUTH) + generator.normal(0, MOUTH_SPREAD, 3)
    opening = _into_cone(own / axes, mouth / np.linalg.norm(mouth), np.radians(generator.uniform(*OPENING_DEGREES)))
    sheet = np.maximum(np.abs(body) - 0.5 * thickness, opening * axes.mean())
    distance = body if closed else sheet
    wanted = np.exp(generator.uniform(*np.log(VOLUME_MM3)))
    growth = float(np.clip(np.cbrt(wanted / ((distance < 0).sum() * SPACING_MM**3)), *GROWTH))
    affine = np.diag([SPACING_MM * growth] * 3 + [1.0])
    affine[:3, 3] = -reach * growth
    centre = growth * points[distance < 0].mean(axis=0)
    return Nucleus((growth * distance).astype(np.float32), affine, np.asarray(centre))


def _from_ellipsoid(points: NDArray[np.float64], axes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Signed distance to an ellipsoid, true to first order near its surface."""
    inner = np.linalg.norm(points / axes, axis=-1)
    slope = np.linalg.norm(points / axes**2, axis=-1)
    return np.asarray(np.where(slope > 0, inner * (inner - 1) / np.maximum(slope, 1e-6), -axes.min()))


def _into_cone(directions: NDArray[np.float64], mouth: NDArray[np.float64], half_angle: float) -> NDArray[np.float64]:
    """How far places lie inside a cone from the origin, as a part of their distance to it; negative outside."""
    length = np.linalg.norm(directions, axis=-1)
    angle = np.arccos(np.clip(directions @ mouth / np.maximum(length, 1e-6), -1.0, 1.0))
    return np.asarray(length * np.sin(np.clip(half_angle - angle, -0.5 * np.pi, 0.5 * np.pi)))
