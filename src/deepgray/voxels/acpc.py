"""The AC–PC frame from labels alone: where the anterior commissure is, and how the head is turned.

No label map carries the commissures. The centroids of up to eight paired deep structures are brought onto those of a
reference by a robust affine map; its image of the reference commissures gives the frame. The two ends of putamen and
pallidum help, so that the striatum and the pallidum alone are enough. The place along the AC–PC line is then refined
with three landmarks that lie within a few millimetres of the anterior commissure.

Reference centroids and landmarks are medians of the manual maps of the Harvard-Oxford Atlas 2.0 (Rushmore 2022,
doi:10.3389/fnana.2022.894606), left and right averaged, in canonical millimetres.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from deepgray.errors import AnatomyError, FieldOfViewError, GeometryError, SettingsError, ShapeError
from deepgray.space import Affine, Points, apply_affine, check_affine, check_rigid, spacing_mm, voxel_volume_mm3

Labels = Mapping[str, int | tuple[int, ...]]

# Centroid of the right structure in canonical mm; the left one is its mirror image.
_CENTROIDS_MM: dict[str, tuple[float, float, float]] = {
    "accumbens": (7.9, 10.0, -1.6),
    "caudate": (12.0, 4.0, 13.2),
    "putamen": (23.2, -0.6, 4.0),
    "pallidum": (17.7, -4.6, 2.0),
    "thalamus": (10.3, -20.2, 7.7),
    "hippocampus": (22.8, -21.6, -10.4),
    "amygdala": (20.7, -4.1, -13.9),
    "ventral diencephalon": (8.9, -16.2, -7.2),
}
# Mean of the foremost and of the hindmost third along the longest axis, right side, canonical mm.
_ENDS_MM: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "putamen": ((19.1, 9.1, 1.3), (26.6, -11.4, 5.2)),
    "pallidum": ((14.0, 0.5, 2.3), (21.5, -10.0, 1.5)),
}
_END_WEIGHT = 0.5
# Ends count only where the longest axis is plain: variance along it against the next.
_LONG_AXIS_RATIO = 1.3
_POSTERIOR_COMMISSURE_Y_MM = -26.2
# Keys that end the structure towards the anterior commissure: percentile of y, and its reference in mm.
_LANDMARKS: tuple[tuple[tuple[str, ...], float, float], ...] = (
    (("left accumbens", "right accumbens"), 1.0, 3.5),
    (("left pallidum", "right pallidum"), 99.0, 5.0),
    (("third ventricle",), 99.0, 3.6),
)
_LANDMARK_LIMIT_MM = 3.0
_MINIMUM_PAIRS = 3
# A brain may differ from a scaled and turned reference by about 8 % in its proportions, a centroid by 1.6 mm
# from its place: (1.6 / 0.08)². With eight pairs it hardly acts, with three it keeps the axes from tipping over.
_PROPORTION_PENALTY_MM2 = 400.0
# One side alone cannot tell a skewed brain from a turned one.
_ONE_SIDE_PENALTY_MM2 = 2000.0
_ITERATIONS = 40
# Rounding of places that makes equal what differs by the order of a sum, so that flipped grids give the same ends.
_DECIMALS = 6
# A structure is cut when its cross-section with the edge of the grid exceeds this part of volume^(2/3).
_CUT_FRACTION = 0.25


def _pairs(numbers: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]) -> dict[str, tuple[int, ...]]:
    return {f"{side} {n}": pair[i] for n, pair in numbers.items() for i, side in enumerate(("left", "right"))}


FREESURFER: Labels = MappingProxyType(
    {
        **_pairs(
            {
                "accumbens": ((26,), (58,)),
                "caudate": ((11,), (50,)),
                "putamen": ((12,), (51,)),
                "pallidum": ((13, 811, 813), (52, 812, 814)),
                "thalamus": ((10,), (49,)),
                "hippocampus": ((17,), (53,)),
                "amygdala": ((18,), (54,)),
                "ventral diencephalon": ((28, 801, 803, 805), (60, 802, 804, 806)),
            }
        ),
        "third ventricle": (14,),
    }
)
"""FreeSurfer's numbers, and 801–806 and 811–814 of maps that divide the ventral diencephalon and the pallidum."""

HOA2: Labels = MappingProxyType(
    {
        **_pairs(
            {
                "accumbens": ((7,), (8,)),
                "caudate": ((9,), (10,)),
                "putamen": ((11,), (12,)),
                "pallidum": ((13,), (14,)),
                "thalamus": ((16,), (17,)),
                "hippocampus": ((20,), (21,)),
                "amygdala": ((22,), (23,)),
                "ventral diencephalon": ((25, 27), (26, 28)),
            }
        ),
        "third ventricle": (4,),
    }
)
"""Numbers of the Harvard-Oxford Atlas 2.0."""


@dataclass(frozen=True, eq=False)
class AcpcFit:
    """An AC–PC frame that was found in a label map.

    Attributes:
        canonical_from_world: 4 × 4 rigid, RAS mm to canonical mm (origin at the anterior commissure).
        residual_mm: Root mean square distance of the centroids from the fitted reference.
        posterior_commissure_mm: Where the posterior commissure is expected, canonical mm.
        structures: Keys of the structures that were used.

    Raises:
        GeometryError: The matrix is not rigid.
    """

    canonical_from_world: Affine
    residual_mm: float
    posterior_commissure_mm: tuple[float, float, float]
    structures: tuple[str, ...]

    def __post_init__(self) -> None:
        check_rigid(self.canonical_from_world)


@dataclass(frozen=True, eq=False)
class LabelledVoxels:
    """A label map for the fit.

    Attributes:
        voxels: (x, y, z) integers.
        affine_ras: 4 × 4, voxel index to RAS mm.
        labels: Numbers of each structure, keys as in ``FREESURFER``.
    """

    voxels: NDArray[np.integer]
    affine_ras: Affine
    labels: Labels


def fit_acpc(voxels: NDArray[np.integer], affine_ras: Affine, *, labels: Labels) -> AcpcFit:
    """The AC–PC frame of a label map.

    The answer moves with the head: turned, flipped or permuted grids give the same frame.

    Args:
        voxels: (x, y, z) integers.
        affine_ras: 4 × 4, voxel index to RAS mm.
        labels: Numbers of each structure, keys as in ``FREESURFER``; what the map does not hold is passed over.

    Returns:
        The frame. Structures that the edge of the grid cuts are not used.

    Raises:
        ShapeError: The voxels are not a volume.
        GeometryError: The affine does not place voxels.
        SettingsError: A key is unknown, or a number stands for two structures.
        FieldOfViewError: Fewer than three structures are whole on both sides, and some are cut by the edge.
        AnatomyError: Fewer than three structures are there on both sides, or left and right are swapped.
    """
    return fit_acpc_of_maps([LabelledVoxels(voxels, affine_ras, labels)])


def fit_acpc_of_maps(maps: Sequence[LabelledVoxels]) -> AcpcFit:
    """The AC–PC frame of several label maps of one head, each on a grid of its own.

    Args:
        maps: The best one first: a structure is taken from the first map that holds it.

    Returns:
        As ``fit_acpc``, and raises what it raises.
    """
    points: dict[str, Points] = {}
    cut: set[str] = set()
    for one in maps:
        found, ends = _structure_points(one.voxels, one.affine_ras, one.labels)
        new = {key: cloud for key, cloud in found.items() if key not in points}
        points |= new
        cut |= ends & new.keys()
    return _fit(points, _paired_keys(points, frozenset(cut)), _PROPORTION_PENALTY_MM2)


def fit_acpc_one_side(voxels: NDArray[np.integer], affine_ras: Affine, *, labels: Labels) -> AcpcFit:
    """The AC–PC frame of a label map that holds one hemisphere; clearly less sure than with both.

    The fit is nearly a similarity. Against the frames of both sides it is off by 2 mm sideways, 1 mm forwards and 2 mm
    upwards, and 4°, 5° and 3° about x, y and z (means over 15 heads, striatum and pallidum of one side).

    Args:
        voxels: As in ``fit_acpc``.
        affine_ras: As in ``fit_acpc``.
        labels: As in ``fit_acpc``.

    Returns:
        The frame, from the side that has more structures.

    Raises:
        ShapeError: The voxels are not a volume.
        GeometryError: The affine does not place voxels.
        SettingsError: A key is unknown, or a number stands for two structures.
        FieldOfViewError: Fewer than three structures are whole on either side, and some are cut by the edge.
        AnatomyError: Fewer than three structures are there, or left and right are swapped.
    """
    points, cut = _structure_points(voxels, affine_ras, labels)
    whole = set(points) - cut
    keys = max((tuple(f"{s} {n}" for n in _CENTROIDS_MM if f"{s} {n}" in whole) for s in ("left", "right")), key=len)
    if len(keys) < _MINIMUM_PAIRS:
        raise _too_few("Three or more deep structures, whole, are wanted on one side", keys, cut)
    return _fit(points, keys, _ONE_SIDE_PENALTY_MM2)


def _fit(points: Mapping[str, Points], keys: tuple[str, ...], penalty_mm2: float) -> AcpcFit:
    reference = np.array([_on_side(key, _CENTROIDS_MM[key.split(" ", 1)[1]]) for key in keys])
    centroids = np.array([points[key].mean(axis=0) for key in keys])
    linear, shift = _robust_affine(reference, centroids, np.ones(len(keys)), penalty_mm2=penalty_mm2)
    reference_ends, ends = _ends({key: points[key] for key in keys}, linear[:, 1])
    weight = np.r_[np.ones(len(keys)), np.full(len(ends), _END_WEIGHT)]
    both, seen = np.r_[reference, reference_ends], np.r_[centroids, ends]
    linear, shift = _robust_affine(both, seen, weight, penalty_mm2=penalty_mm2)
    if np.linalg.det(linear) < 0:
        raise AnatomyError("Left structures on the left side are wanted; in this map left and right are swapped.")
    anterior, posterior = shift, linear @ [0.0, _POSTERIOR_COMMISSURE_Y_MM, 0.0] + shift
    axes = _axes(linear)
    stretch = float(np.linalg.norm(linear[:, 1]))
    ahead = _landmark_shift_mm(points, anterior, axes[:, 1], stretch=stretch)
    matrix = np.eye(4)
    matrix[:3, :3] = axes.T
    matrix[:3, 3] = -axes.T @ (anterior + ahead * axes[:, 1])
    pc = apply_affine(matrix, posterior)
    residual = reference @ linear.T + shift - centroids  # of the centroids alone
    rms = float(np.sqrt((residual**2).sum(axis=1).mean()))
    return AcpcFit(matrix, rms, (float(pc[0]), float(pc[1]), float(pc[2])), keys)


def _on_side(key: str, right_mm: tuple[float, float, float]) -> tuple[float, float, float]:
    return (-right_mm[0], *right_mm[1:]) if key.startswith("left") else right_mm


def _ends(points: Mapping[str, Points], forward: NDArray[np.float64]) -> tuple[Points, Points]:
    """Reference and place of the front and back ends of the long structures, each (n, 3)."""
    reference, found = [np.zeros((0, 3))], [np.zeros((0, 3))]
    for key, cloud in points.items():
        name = key.split(" ", 1)[1]
        centred = cloud - cloud.mean(axis=0)
        variance, directions = np.linalg.eigh(centred.T @ centred)
        if name not in _ENDS_MM or variance[2] < _LONG_AXIS_RATIO * variance[1]:
            continue
        ahead = directions[:, 2] * (1.0 if directions[:, 2] @ forward > 0 else -1.0)
        along = np.round(centred @ ahead, _DECIMALS)
        back, front = np.percentile(along, [100 / 3, 200 / 3])
        found.append(np.stack([cloud[along > front].mean(axis=0), cloud[along < back].mean(axis=0)]))
        reference.append(np.array([_on_side(key, end) for end in _ENDS_MM[name]]))
    return np.concatenate(reference), np.concatenate(found)


def _lookup(labels: Labels) -> tuple[tuple[str, ...], NDArray[np.uint8]]:
    """Keys, and a table from label number to 1 + position of its key; the last entry is for all higher numbers."""
    known = {"third ventricle", *(f"{side} {name}" for name in _CENTROIDS_MM for side in ("left", "right"))}
    unknown = sorted(set(labels) - known)
    if unknown:
        raise SettingsError(f"Structures such as 'left caudate' are wanted, {', '.join(unknown)} came.")
    numbers = {key: (value,) if isinstance(value, int) else tuple(value) for key, value in labels.items()}
    listed = [number for values in numbers.values() for number in values]
    if not listed or min(listed) < 1 or len(set(listed)) < len(listed):
        raise SettingsError(f"Label numbers above 0, each for one structure, are wanted; {sorted(listed)} came.")
    table = np.zeros(max(listed) + 2, dtype=np.uint8)
    for code, values in enumerate(numbers.values(), start=1):
        table[list(values)] = code
    return tuple(numbers), table


def _structure_points(
    voxels: NDArray[np.integer], affine_ras: Affine, labels: Labels
) -> tuple[dict[str, Points], frozenset[str]]:
    """World coordinates of each structure's voxels, and the keys of those that the edge of the grid cuts."""
    if voxels.ndim != 3:
        raise ShapeError(f"One three-dimensional label map is wanted, an array of shape {voxels.shape} came.")
    check_affine(affine_ras)
    keys, table = _lookup(labels)
    axis = int(np.argmax(np.abs(voxels.strides)))  # slabs that lie together in memory
    found, codes = [np.zeros((0, 3), np.int64)], [np.zeros(0, np.uint8)]
    for position, slab in enumerate(np.moveaxis(voxels, axis, 0)):
        coded = table[np.clip(slab.astype(np.int64), 0, len(table) - 1)]
        inside = np.argwhere(coded)
        if len(inside):
            found.append(np.insert(inside, axis, position, axis=1))
            codes.append(coded[tuple(inside.T)])
    index, code = np.concatenate(found), np.concatenate(codes)
    points, cut = {}, set()
    for number, key in enumerate(keys, start=1):
        own = index[code == number]
        if len(own):
            points[key] = apply_affine(affine_ras, own)
            if _is_cut(own, (voxels.shape[0], voxels.shape[1], voxels.shape[2]), affine_ras):
                cut.add(key)
    return points, frozenset(cut)


def _is_cut(index: NDArray[np.int64], shape: tuple[int, int, int], affine_ras: Affine) -> bool:
    volume_mm3 = voxel_volume_mm3(affine_ras)
    face_mm2 = volume_mm3 / spacing_mm(affine_ras)
    ends = np.maximum((index == 0).sum(axis=0), (index == np.array(shape) - 1).sum(axis=0))
    return bool((ends * face_mm2).max() > _CUT_FRACTION * (len(index) * volume_mm3) ** (2 / 3))


def _paired_keys(points: Mapping[str, Points], cut: frozenset[str]) -> tuple[str, ...]:
    whole = set(points) - cut
    names = [n for n in _CENTROIDS_MM if f"left {n}" in whole and f"right {n}" in whole]
    if len(names) >= _MINIMUM_PAIRS:
        return tuple(f"{side} {name}" for name in names for side in ("left", "right"))
    raise _too_few("Three or more deep structures, whole on both sides, are wanted", names, cut)


def _too_few(wanted: str, found: Sequence[str], cut: frozenset[str]) -> AnatomyError:
    words = f"{wanted} to find the AC–PC frame; {len(found)} came ({', '.join(found) or 'none'})"
    if cut:
        return FieldOfViewError(f"{words}, and the edge of the image cuts {', '.join(sorted(cut))}.")
    return AnatomyError(f"{words}.")


def _robust_affine(
    reference: Points, target: Points, base_weight: NDArray[np.float64], *, penalty_mm2: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Affine map from reference to target by iteratively reweighted least squares (Cauchy weights).

    Its proportions are drawn towards those of a similarity, so that three pairs are enough.
    """
    homogeneous = np.c_[reference, np.ones(len(reference))]
    weight = base_weight
    prior = np.zeros((3, 3))
    penalty = np.diag([penalty_mm2] * 3 + [0.0])
    # The first pass has no prior: only a tiny term that keeps the equations solvable.
    current = np.diag([1e-6, 1e-6, 1e-6, 0.0])
    solution = np.zeros((4, 3))
    for _ in range(_ITERATIONS):
        normal = homogeneous.T @ (weight[:, None] * homogeneous) + current
        right = homogeneous.T @ (weight[:, None] * target) + current[:, :3] @ prior.T
        solution = np.linalg.solve(normal, right)
        distance = np.linalg.norm(homogeneous @ solution - target, axis=1)
        scale = max(1.0, float(np.median(distance)))
        weight = base_weight / (1 + (distance / (2 * scale)) ** 2)
        u, stretch, vt = np.linalg.svd(solution[:3].T)
        prior, current = stretch.mean() * u @ vt, penalty
    return solution[:3].T, solution[3]


def _axes(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """Canonical axes as columns: y along the AC–PC line, x across the plane that the line and the vertical span."""
    y = linear[:, 1] / np.linalg.norm(linear[:, 1])
    x = np.cross(linear[:, 1], linear[:, 2])
    x /= np.linalg.norm(x)
    if not np.isfinite(x).all():
        raise GeometryError("Deep structures that span a volume are wanted, all in one plane came.")
    return np.stack([x, y, np.cross(x, y)], axis=1)


def _landmark_shift_mm(
    points: Mapping[str, Points], anterior: NDArray[np.float64], forward: NDArray[np.float64], *, stretch: float
) -> float:
    """How far ahead of the affine map's commissure the landmarks put it, mm, at most ``_LANDMARK_LIMIT_MM``."""
    shifts = [0.0]
    for keys, percentile, reference_mm in _LANDMARKS:
        seen = [float(np.percentile((points[k] - anterior) @ forward, percentile)) for k in keys if k in points]
        if seen:
            shifts.append(float(np.median(seen)) - stretch * reference_mm)
    return float(np.clip(np.median(shifts), -_LANDMARK_LIMIT_MM, _LANDMARK_LIMIT_MM))
