"""Two balls for dentate nuclei."""

from __future__ import annotations

import numpy as np

from deepgray.anatomy import scheme, structure
from deepgray.scan import LabelMap

AFFINE = np.diag([-0.8, 1.0, 1.5, 1.0])


def ball(radius_mm: float = 6.0) -> LabelMap:
    index = np.stack(np.meshgrid(*[np.arange(n) for n in (40, 32, 24)], indexing="ij"), axis=-1)
    places = index * np.abs(np.diag(AFFINE)[:3])
    voxels = np.zeros((40, 32, 24), dtype=np.int16)
    for x, key in ((8.0, "left dentate nucleus"), (24.0, "right dentate nucleus")):
        voxels[np.linalg.norm(places - [x, 16.0, 18.0], axis=-1) < radius_mm] = structure(key).label
    return LabelMap(voxels, AFFINE, scheme("dentate2"))
