"""Twelve parts by a network that sees the scan and the outline, one hemisphere at a time in the canonical frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepgray.anatomy import HEMISPHERES, STRIATUM, Side, scheme
from deepgray.errors import AnatomyError
from deepgray.models import Model
from deepgray.result import Outline, Pose
from deepgray.scan import LabelMap, Scan
from deepgray.voxels.crop import occupied
from deepgray.voxels.filters import nearest
from deepgray.voxels.intensity import normalise
from deepgray.voxels.resample import from_frame, to_frame

# A compartment can only hold these parts.
_ALLOWED: dict[str, tuple[str, ...]] = {
    "caudate": ("ventral striatum", "anterior caudate", "posterior caudate"),
    "putamen": ("ventral striatum", "anterior putamen", "posterior putamen", "ventral putamen"),
    "accumbens": ("ventral striatum",),
}


def by_network(scan: Scan, outline: Outline, pose: Pose, *, model: Model) -> Outline:
    """Divide an outline's striatum into twelve parts.

    Args:
        scan: The scan.
        outline: Striatum on the scan's grid, as drawn or corrected.
        pose: Where the head is.
        model: A network whose inputs are the image and the masks of caudate, putamen and accumbens.

    Returns:
        Labels of the scheme ``striatum12`` on the same grid: every striatal voxel has one, all others 0.

    Raises:
        AnatomyError: The outline holds no striatum.
    """
    answer = np.zeros(outline.labels.voxels.shape, dtype=np.uint8)
    for side in HEMISPHERES:
        _divide_side(scan, outline.labels, answer, side=(side, pose), model=model)
    if not answer.any():
        raise AnatomyError("An outline with caudate, putamen or accumbens is wanted, one without came.")
    divided = LabelMap(answer, outline.labels.affine_ras, scheme("striatum12"))
    return Outline(divided, None, (), f"network {model.name} {model.version}")


def _divide_side(
    scan: Scan, labels: LabelMap, answer: NDArray[np.uint8], *, side: tuple[Side, Pose], model: Model
) -> None:
    """Write the parts of one side into ``answer``."""
    hemisphere, pose = side
    numbers = {s.name: s.label for s in labels.scheme.of_side(hemisphere) if s.name in STRIATUM}
    box = occupied(np.isin(labels.voxels, list(numbers.values())))
    if box is None:
        return
    frame = model.recipe.grid
    world_from_frame = pose.world_from_side(hemisphere)
    seen = normalise(
        to_frame(scan.voxels, scan.affine_ras, frame, world_from_frame=world_from_frame), model.recipe.intensity
    )
    masks = [
        to_frame(
            (labels.voxels == numbers.get(name, -1)).astype(np.float32),
            labels.affine_ras,
            frame,
            world_from_frame=world_from_frame,
        )
        > 0.5
        for name in model.recipe.inputs[1:]
    ]
    logits = model.network.run(np.stack([seen, *masks]).astype(np.float32)[None])[0, 1:]
    low, high = tuple(s.start for s in box), tuple(s.stop for s in box)
    target = labels.grid.crop((low[0], low[1], low[2]), (high[0], high[1], high[2]))
    # Logits are lifted so that every place the frame covers is above the 0 that stands outside it.
    lifted = from_frame(logits - logits.min() + 1.0, frame, target, world_from_frame=world_from_frame)
    own = labels.voxels[box]
    table = {s.name: s.label for s in scheme("striatum12").of_side(hemisphere)}
    for name, number in numbers.items():
        chosen = _chosen(lifted, own == number, _ALLOWED[name], model.recipe.outputs)
        inside = own == number
        answer[box][inside] = np.array([table[p] for p in _ALLOWED[name]], dtype=np.uint8)[chosen[inside]]


def _chosen(
    lifted: NDArray[np.float32], mask: NDArray[np.bool_], allowed: tuple[str, ...], outputs: tuple[str, ...]
) -> NDArray[np.intp]:
    """Index into ``allowed`` of every voxel; voxels that the frame does not reach take the nearest one's."""
    picked = lifted[[outputs.index(name) for name in allowed]]
    best = picked.argmax(axis=0)
    known = mask & (picked.max(axis=0) > 0)
    if known.all() or not known.any() or not (mask & ~known).any():
        return np.asarray(best)
    return np.asarray(best[nearest(known)[1]])
