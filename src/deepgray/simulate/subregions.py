"""The twelve subregions of a label map of a head, by the geometric rule in the frame of all its deep structures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from deepgray.anatomy import scheme
from deepgray.scan import LabelMap
from deepgray.space import Affine
from deepgray.subdivide.frame import Frame
from deepgray.subdivide.geometric import divide
from deepgray.voxels.acpc import FREESURFER, HOA2, Labels

FRAMES: Mapping[str, Labels] = {"freesurfer": FREESURFER, "hoa2": HOA2}
"""What the AC–PC frame is read from in label maps of each source."""


def parts_by_rule(
    labels: NDArray[np.integer], affine_ras: Affine, *, canonical_from_world: Affine, source: str
) -> tuple[NDArray[np.integer], dict[int, str]]:
    """Subregions of a label map, and what their numbers are called.

    Args:
        labels: (x, y, z) integers.
        affine_ras: Their affine.
        canonical_from_world: The AC–PC frame of the map, from ``voxels.acpc.fit_acpc``.
        source: What the numbers mean: ``freesurfer`` or ``hoa2``.

    Returns:
        (x, y, z) labels of the scheme ``striatum12``, and their names without the side.

    Raises:
        AnatomyError: There is no striatum.
    """
    whole = scheme("striatum")
    striatum = np.zeros(labels.shape, dtype=np.int16)
    for structure in whole.structures:
        striatum[np.isin(labels, FRAMES[source][structure.key])] = structure.label
    frame = Frame(canonical_from_world, "AC–PC frame of all deep structures")
    parts = divide(LabelMap(striatum, affine_ras, whole), frame, rule="mawlawi").labels
    return parts.voxels, {s.label: s.name for s in parts.scheme.structures}
