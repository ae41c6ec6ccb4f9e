"""Rigid registration of a tracer scan to a magnetic resonance image of the same head.

The two share anatomy but no contrast, so that their mutual information is made as large as can be (Maes 1997,
doi:10.1109/42.563664; Wells 1996, doi:10.1016/S1361-8415(01)80004-9). A search over shifts and turns on coarse points
finds where to begin, so that the two headers need not agree; DIPY's registration (Garyfallidis 2014,
doi:10.3389/fninf.2014.00008) goes on from there. Only the brain that ``locate`` found and a rim around it count: what
lies outside may be cut off, stripped, or held by a tracer in its own way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deepgray.errors import FieldOfViewError, GeometryError, MissingExtraError
from deepgray.result import Pose, Registration
from deepgray.scan import Scan
from deepgray.space import Affine, Grid, Points, apply_affine, exactly_rigid, inverse, rotation_degrees, spacing_mm
from deepgray.voxels.crop import occupied
from deepgray.voxels.filters import gaussian, nearest
from deepgray.voxels.interpolate import at_affine
from deepgray.voxels.resample import averaged, closest_ras

if TYPE_CHECKING:
    from scipy.spatial.transform import Rotation

# The brain and so much around it: fluid, and bone, which is dark in every tracer.
RIM_MM = 9.0
# Voxels that registration looks at; both scans are averaged to about this size, but not over it.
SPACING_MM = 4.0
# Points of the search, and those of its refinement, lie so far apart.
SEARCH_MM, REFINE_MM = 12.0, 8.0
SHIFTS_MM = (-32.0, -16.0, 0.0, 16.0, 32.0)
TURNS_DEGREES = (-18.0, 0.0, 18.0)
# The best shift of so many of the turns is refined.
STARTS = 8
# It is done twice, once under a blur of this standard deviation; the best few of all are refined again without it.
SEARCH_BLUR_MM, FINER_STARTS = 5.0, 4
BINS = 32
# The width of the joint histogram's smoothing, bins.
SMOOTH_BINS = 1.0
# At least this part of the brain and its rim must lie in the tracer scan's field of view.
LEAST_SEEN = 0.5
# Below this similarity a person should look: 40 simulated pairs have 0.119 to 0.231, eight pairs of different people
# 0.041 to 0.113.
DOUBTFUL = 0.115
# Stretches of the tracer scan's head against the other beyond this belong to another person, or to a wrong voxel size:
# twelve pairs of one person have up to 1.04 (1.06 as blurred as SPECT), five of six of different people 1.09 to 1.19.
MOST_STRETCH = 1.08
_ITERATIONS, _FACTORS, _SIGMAS = [60], [1], [0.0]
_MOST_MOVED_MM, _MOST_TURNED_DEGREES = 12.0, 12.0

Volume = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class _Picture:
    """A volume for registration, intensities cut at their ends and brought to bins."""

    voxels: NDArray[np.float64]
    affine: Affine

    @property
    def grid(self) -> Grid:
        x, y, z = self.voxels.shape
        return Grid((x, y, z), self.affine)

    def blurred(self, sigma_mm: float) -> _Picture:
        """The same, its details gone."""
        return _Picture(gaussian(self.voxels, sigma_mm / self.grid.spacing_mm).astype(np.float64), self.affine)

    def at(self, points: Points) -> NDArray[np.float64]:
        """Values at points of the world; NaN outside."""
        from scipy import ndimage  # noqa: PLC0415 (an extra)

        index = apply_affine(inverse(self.affine), points)
        return np.asarray(
            ndimage.map_coordinates(self.voxels, index.T, order=1, mode="constant", cval=np.nan, prefilter=False)
        )


@dataclass(frozen=True, eq=False)
class _Points:
    """Points of the brain and its rim, and what the magnetic resonance image holds there, in bins."""

    world: Points
    values: NDArray[np.float64]


def register(scan: Scan, tracer: Scan, pose: Pose) -> Registration:
    """Where a tracer scan's head lies in the scan of the same head.

    Args:
        scan: A magnetic resonance image of any contrast.
        tracer: A PET or SPECT, of any grid and world.
        pose: Where the head is in the scan, with its coarse map.

    Returns:
        The rigid map from the tracer scan's world to the scan's, and how alike the two are then.

    Raises:
        MissingExtraError: DIPY or SciPy is not installed.
        FieldOfViewError: The tracer scan shows less than half of the brain.
        GeometryError: Heads of different size.
    """
    for name in ("scipy", "dipy"):
        if find_spec(name) is None:
            raise MissingExtraError(f"Registration wants {name}: pip install 'deepgray[register]'.")
    fixed, moving = _picture(scan), _picture(tracer)
    brain = brain_points(pose, SEARCH_MM)
    start = _started(fixed, moving, brain, pose)
    found = _refined_by_dipy(fixed, moving, start, mask=_mask(pose, fixed.grid))
    points = _points(fixed, brain_points(pose, REFINE_MM))
    seen = float(np.isfinite(moving.at(apply_affine(found, points.world))).mean())
    if seen < LEAST_SEEN:
        raise FieldOfViewError(
            f"Scans that show one head are wanted; {100 * seen:.0f} % of the brain in '{scan.stem}' lies in the field "
            f"of view of '{tracer.stem}' after registration, {100 * LEAST_SEEN:.0f} % are needed."
        )
    _check_size(points, moving, found, (scan.stem, tracer.stem))
    return Registration(inverse(found), similarity(points.values, moving.at(apply_affine(found, points.world))), seen)


def doubts(found: Registration) -> tuple[str, ...]:
    """Sentences that ask for a look at a registration; empty when all is well."""
    if found.similarity >= DOUBTFUL or np.isnan(found.similarity):
        return ()
    return (
        f"review: the tracer scan and the scan look little alike after registration (similarity {found.similarity:.3f},"
        f" {DOUBTFUL:g} and more expected): look at the check picture.",
    )


def similarity(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """How much two pictures tell of one another: mutual information by the mean of their own, 0 to 1.

    Args:
        one: Values in bins, 0 to ``BINS`` − 1.
        other: Values in bins at the same places; those that are NaN do not count.

    Returns:
        ``2 I(a; b) / (H(a) + H(b))``; 0 where nothing counts.
    """
    known = np.isfinite(other)
    joint = np.zeros((BINS, BINS))
    index = np.rint(one[known]).astype(int), np.rint(other[known]).astype(int)
    np.add.at(joint, index, 1.0)
    if not joint.any():
        return 0.0
    smooth = gaussian(joint, SMOOTH_BINS, edge="nearest").astype(np.float64)
    smooth /= smooth.sum()
    a, b, both = (_entropy(p) for p in (smooth.sum(axis=1), smooth.sum(axis=0), smooth))
    return float(2 * (a + b - both) / (a + b)) if a + b > 0 else 0.0


def _entropy(shares: NDArray[np.float64]) -> float:
    positive = shares[shares > 0]
    return float(-(positive * np.log(positive)).sum())


def brain_points(pose: Pose, spacing: float) -> Points:
    """Points of the brain and its rim, (n, 3) world mm, about this far apart."""
    coarse = pose.coarse
    steps = np.maximum(1, np.rint(spacing / coarse.grid.spacing_mm)).astype(int)
    inside = _with_rim(coarse.voxels > 0, coarse.affine_ras)[:: steps[0], :: steps[1], :: steps[2]]
    return apply_affine(coarse.affine_ras, np.argwhere(inside) * steps)


def _with_rim(brain: NDArray[np.bool_], affine: Affine) -> NDArray[np.bool_]:
    return np.asarray(nearest(brain, spacing_mm(affine))[0] <= RIM_MM)


def _mask(pose: Pose, grid: Grid) -> NDArray[np.int32]:
    coarse = pose.coarse
    index = inverse(coarse.affine_ras) @ grid.affine_ras
    near = _with_rim(coarse.voxels > 0, coarse.affine_ras)
    return np.asarray(at_affine(near[None], index, grid.shape, nearest=True)[0].astype(np.int32))


def _picture(scan: Scan) -> _Picture:
    voxels, affine = averaged(*closest_ras(scan.voxels, scan.affine_ras), SPACING_MM)
    bright = voxels[voxels > 0.1 * voxels.max()]
    top = float(np.percentile(bright, 99.5))
    return _Picture(np.clip(voxels / top, 0, 1).astype(np.float64) * (BINS - 1), affine)


def _points(fixed: _Picture, world: Points) -> _Points:
    values = fixed.at(world)
    known = np.isfinite(values)
    return _Points(world[known], values[known])


def _started(fixed: _Picture, moving: _Picture, brain: Points, pose: Pose) -> Affine:
    """Where to begin, to the tracer scan's world: the best of many shifts and turns, refined on coarse points.

    Once as the pictures are, and once blurred: a blur leads there from farther away on a noisy tracer scan, and
    without one large bright places mislead less.
    """
    near = brain_points(pose, REFINE_MM)
    many = _points(fixed, near)
    centre = many.world.mean(axis=0)
    starts = list(_starts(moving, centre))
    best = []
    for one, other in ((fixed, moving), (fixed.blurred(SEARCH_BLUR_MM), moving.blurred(SEARCH_BLUR_MM))):
        few, all_points = _points(one, brain), _points(one, near)
        # one shift of every turn, for the best few of all would lie beside one another
        scored = [max((_score(few, other, first), n) for n, first in enumerate(turned)) for turned in starts]
        order = np.argsort([score for score, _ in scored])[::-1][:STARTS]
        best += [_refined(all_points, other, starts[turn][scored[turn][1]], centre) for turn in order]
    best.sort(key=lambda found: _score(many, moving, found), reverse=True)
    refined = [_refined(many, moving, found, centre) for found in best[:FINER_STARTS]]
    return max(refined, key=lambda found: _score(many, moving, found))


def _starts(moving: _Picture, centre: Points) -> Iterator[list[Affine]]:
    """Shifts about the middle of what is bright, for each turn about the three axes."""
    from scipy.spatial.transform import Rotation  # noqa: PLC0415 (an extra)

    bright = np.argwhere(moving.voxels > 0.25 * np.percentile(moving.voxels, 98))
    points = apply_affine(moving.affine, bright)
    # a neck may be shown or not: from the top of the head downwards about as much as a brain is high
    head = points[points[:, 2] > np.percentile(points[:, 2], 99.5) - 150.0]
    middle = head.mean(axis=0)
    shifts = np.stack(np.meshgrid(*[SHIFTS_MM] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    for turn in product(TURNS_DEGREES, repeat=3):
        rotation = Rotation.from_euler("xyz", turn, degrees=True)
        yield [_about(centre, middle + shift, rotation) for shift in shifts]


def _about(centre: Points, goal: Points, turn: Rotation) -> Affine:
    """Turn about a centre, and bring it to a goal."""
    matrix = np.eye(4)
    matrix[:3, :3] = turn.as_matrix()
    matrix[:3, 3] = goal - matrix[:3, :3] @ centre
    return matrix


def _score(points: _Points, moving: _Picture, moved: Affine) -> float:
    """Similarity, less where the brain leaves the field of view."""
    values = moving.at(apply_affine(moved, points.world))
    seen = float(np.isfinite(values).mean())
    return similarity(points.values, values) * min(1.0, seen / 0.8) if seen > LEAST_SEEN / 2 else 0.0


def _refined(points: _Points, moving: _Picture, start: Affine, centre: Points) -> Affine:
    from scipy import optimize  # noqa: PLC0415 (an extra)
    from scipy.spatial.transform import Rotation  # noqa: PLC0415

    goal, first = apply_affine(start, centre), Rotation.from_matrix(start[:3, :3])

    def moved(six: NDArray[np.float64]) -> Affine:
        return _about(centre, goal + six[:3], Rotation.from_rotvec(six[3:], degrees=True) * first)

    found = optimize.minimize(
        lambda six: -_score(points, moving, moved(six)),
        np.zeros(6),
        method="Powell",
        bounds=[(-25.0, 25.0)] * 6,
        options={"xtol": 0.3, "ftol": 1e-4, "maxfev": 400},
    )
    return moved(found.x)


def _refined_by_dipy(fixed: _Picture, moving: _Picture, start: Affine, *, mask: NDArray[np.int32]) -> Affine:
    """The rigid map to the tracer scan's world that makes mutual information largest, from a start nearby."""
    from dipy.align.imaffine import AffineRegistration, MutualInformationMetric  # noqa: PLC0415 (an extra)
    from dipy.align.transforms import RigidTransform3D  # noqa: PLC0415

    engine = AffineRegistration(
        metric=MutualInformationMetric(nbins=BINS, sampling_proportion=None),
        level_iters=_ITERATIONS,
        sigmas=_SIGMAS,
        factors=_FACTORS,
        verbosity=0,
    )
    box = occupied(mask) or (slice(None),) * 3
    cropped = fixed.affine.copy()
    cropped[:3, 3] = apply_affine(fixed.affine, np.array([axis.start or 0 for axis in box]))
    found = engine.optimize(
        fixed.voxels[box],
        moving.voxels,
        RigidTransform3D(),
        None,
        static_grid2world=cropped,
        moving_grid2world=moving.affine,
        starting_affine=start,
        static_mask=mask[box],
    )
    matrix = exactly_rigid(found.affine)
    change = matrix @ inverse(start)
    centre = apply_affine(fixed.affine, np.argwhere(mask).mean(axis=0))
    moved_mm = float(np.linalg.norm(apply_affine(matrix, centre) - apply_affine(start, centre)))
    astray = moved_mm > _MOST_MOVED_MM or rotation_degrees(change) > _MOST_TURNED_DEGREES
    return start if astray else matrix


def _check_size(points: _Points, moving: _Picture, found: Affine, stems: tuple[str, str]) -> None:
    """Refuse heads that fit one another only when stretched."""
    stretch = _stretch(points, moving, found)
    if max(*stretch, *(1 / s for s in stretch)) > MOST_STRETCH:
        words = " × ".join(f"{s:.2f}" for s in stretch)
        raise GeometryError(
            f"Two scans of one person are wanted; the head in '{stems[1]}' fits that in '{stems[0]}' only when it is "
            f"stretched by {words}, which is another person or a wrong voxel size."
        )


def _stretch(points: _Points, moving: _Picture, found: Affine) -> tuple[float, float, float]:
    """By how much the brain must be stretched to fit best; it may move with that, for a wrong size misplaces it."""
    from scipy import optimize  # noqa: PLC0415 (an extra)

    centre = points.world.mean(axis=0)

    def score(six: NDArray[np.float64]) -> float:
        stretched = (points.world - centre) * np.exp(six[:3]) + centre + 100.0 * six[3:]
        return -similarity(points.values, moving.at(apply_affine(found, stretched)))

    bounds = [(-0.4, 0.4)] * 3 + [(-0.3, 0.3)] * 3  # logarithms, and decimetres
    best = optimize.minimize(score, np.zeros(6), method="Powell", bounds=bounds, options={"xtol": 0.005})
    x, y, z = (float(s) for s in np.exp(best.x[:3]))
    return x, y, z
