"""A small whole result: oblique, anisotropic, its first axis running to the left, left larger than right."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from deepgray.anatomy import Side, scheme
from deepgray.recipe import Task
from deepgray.result import (
    Change,
    Decision,
    Measurement,
    ModelRecord,
    Outline,
    Pose,
    Result,
    StageTime,
    StructureUncertainty,
)
from deepgray.scan import LabelMap, Probabilities, Scan
from deepgray.space import apply_affine

SHAPE = (48, 40, 30)
SPACING = (1.5, 2.0, 2.5)
TURN = Rotation.from_euler("zx", [12, 20], degrees=True).as_matrix()
# Centre of the left and the right nucleus, RAS mm in the canonical frame, and their half lengths.
CENTRES = {Side.LEFT: np.array([-15.0, 4.0, 2.0]), Side.RIGHT: np.array([15.0, 4.0, 2.0])}
HALF_MM = {Side.LEFT: np.array([6.0, 13.0, 9.0]), Side.RIGHT: np.array([5.0, 10.0, 7.0])}


def affine() -> np.ndarray:
    """Turned, anisotropic, x backwards, the middle voxel at (5, -8, 12) mm."""
    matrix = np.eye(4)
    matrix[:3, :3] = TURN @ np.diag([-SPACING[0], SPACING[1], SPACING[2]])
    matrix[:3, 3] = np.array([5.0, -8.0, 12.0]) - matrix[:3, :3] @ (np.array(SHAPE) / 2)
    return matrix


def pose_matrix() -> np.ndarray:
    """Takes the middle voxel to the canonical origin and turns the head back."""
    matrix = np.eye(4)
    matrix[:3, :3] = TURN.T
    matrix[:3, 3] = -TURN.T @ np.array([5.0, -8.0, 12.0])
    return matrix


def canonical_points() -> np.ndarray:
    """Canonical millimetres of every voxel, (x, y, z, 3)."""
    index = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1)
    return apply_affine(pose_matrix() @ affine(), index)


def inside(side: Side) -> np.ndarray:
    """The nucleus of one side: an ellipsoid."""
    return (((canonical_points() - CENTRES[side]) / HALF_MM[side]) ** 2).sum(-1) < 1


def scan(stem: str = "sub-01_T1w") -> Scan:
    """Bright head, dark nuclei."""
    points = canonical_points()
    voxels = np.where((points**2).sum(-1) < 36**2, 100.0, 0.0) + points[..., 1] * 0.1
    voxels[inside(Side.LEFT) | inside(Side.RIGHT)] = 60
    return Scan(voxels.astype(np.float32), affine(), stem, sha256="5a" * 32)


def outline(name: str, label_of: dict[Side, int], *, with_probabilities: bool) -> Outline:
    """One structure a side."""
    labels = np.zeros(SHAPE, dtype=np.int64)
    for side, label in label_of.items():
        labels[inside(side)] = label
    used = scheme(name)
    if not with_probabilities:
        return Outline(LabelMap(labels, affine(), used), None, (), "rule by hand")
    low, high = (4, 3, 2), (44, 37, 28)
    block = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    probability = np.stack([(labels[block] == s.label) * np.float32(0.8003) for s in used.structures])
    probabilities = Probabilities(probability.astype(np.float32), used.structures, low, scan().grid)
    scores = tuple(StructureUncertainty(s, 0.1) for s in used.structures)
    return Outline(
        LabelMap(labels, affine(), used), probabilities, scores, "network by hand 1", ("the box was enlarged",)
    )


TASK = Task("striatum", "A <task> & more", "mr", "striatum", "locate", "outline", 0.12, "striatum12", "subdivide")


def result(
    *, corrected: bool = False, flags: tuple[str, ...] = (), stem: str = "sub-01_T1w", bare: bool = False
) -> Result:
    """A whole result; ``bare`` without probabilities, parts and measurements."""
    proposed = outline("striatum", {Side.LEFT: 12, Side.RIGHT: 51}, with_probabilities=not bare)
    parts = outline("striatum12", {Side.LEFT: 107, Side.RIGHT: 108}, with_probabilities=False)
    left = proposed.labels.scheme.structures[1]
    decision = (
        Decision("corrected", "A. Reader", "2030-01-02T03:04:05+00:00", proposed, (Change(left, 12.0, 3.0, np.nan),))
        if corrected
        else Decision("accepted", "batch", "2030-01-02T03:04:05+00:00", proposed)
    )
    measurements = (
        Measurement("putamen", "left", 12, "volume", 2934.123456, "mm3", "voxels × voxel volume"),
        Measurement("putamen", "right", 51, "volume", 1500.0, "mm3", "voxels × voxel volume", 1400.0, 1600.5, "none"),
        Measurement("putamen", "both", None, "asymmetry", 64.7, "%", "100 × (left − right) / mean"),
        Measurement("caudate", "both", None, "asymmetry", float("nan"), "%", "both empty"),
        Measurement("anterior putamen", "left", 107, "volume", 2934.0, "mm3", "voxels × voxel volume"),
    )
    return Result(
        scan=scan(stem),
        task=TASK,
        pose=Pose(pose_matrix(), 0.93, proposed.labels),
        proposed=proposed,
        decision=decision,
        parts=None if bare else parts,
        measurements=() if bare else measurements,
        flags=flags,
        models=(ModelRecord("outline", "striatum-outline", "1", "ab" * 32, '{"spacing_mm": 1.0}'),),
        times=(StageTime("outline", 1.25),),
    )
