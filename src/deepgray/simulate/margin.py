"""How far a nucleus is seen beyond its label.

Manual borders of striatum and pallidum do not lie at the half-way intensity but inside it: raters leave the mixed
voxels out. A simulated image in which the labels end half-way teaches a network to draw larger than people do, so the
image of a nucleus reaches beyond its label by ``mr.RATER_MARGIN_MM``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from deepgray.simulate.mr import sample_linear, sample_nearest
from deepgray.simulate.tissues import INDEX, TISSUES
from deepgray.space import Grid

# Further away nothing is kept.
REACH_MM = 3.0
_NUCLEI = np.array([t.family in {"striatum", "pallidum"} and not t.name.startswith("other ") for t in TISSUES])
_NUCLEI[INDEX["accumbens rim"]] = False


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What lies around the nuclei of one side.

    Attributes:
        distance_mm: (x, y, z) float16, from the surface of the nuclei, negative inside, up to ``REACH_MM``.
        nearest: (x, y, z) uint8, the nucleus that is nearest.
        affine: 4 × 4, index to mm of the tissue map's frame.
    """

    distance_mm: Tensor
    nearest: Tensor
    affine: Tensor


def surroundings(tissues: NDArray[np.uint8], grid: Grid) -> Surroundings:
    """Look around the nuclei of a tissue map of one side.

    Args:
        tissues: (x, y, z) on ``grid``.
        grid: Cubic voxels.
    """
    nuclei, half = _NUCLEI[tissues], float(grid.spacing_mm[0]) / 2
    distance, nearest = np.full(tissues.shape, REACH_MM), tissues
    if nuclei.any():
        outside, where = ndimage.distance_transform_edt(~nuclei, sampling=grid.spacing_mm, return_indices=True)
        inside = ndimage.distance_transform_edt(nuclei, sampling=grid.spacing_mm)
        distance = np.where(nuclei, half - inside, outside - half).clip(-REACH_MM, REACH_MM)
        nearest = tissues[tuple(where)]
    kept = (distance.astype(np.float16), np.ascontiguousarray(nearest), grid.affine_ras)
    return Surroundings(*(torch.from_numpy(array).to(torch.get_default_device()) for array in kept))


def as_seen(tissues: Tensor, points_mm: Tensor, around: Surroundings, margin_mm: float) -> Tensor:
    """What an image shows at points: the nuclei reach beyond their labels.

    Args:
        tissues: (…) what the labels say.
        points_mm: (x, y, z, 3) or (n, 3) where, in the frame of ``around``.
        around: Of the nuclei that reach.
        margin_mm: How far.

    Returns:
        (…) tissues.
    """
    if margin_mm <= 0:
        return tissues
    distance = sample_linear(around.distance_mm.float()[None], around.affine, points_mm, beyond="border")[0]
    reached = distance < margin_mm
    nuclei = torch.from_numpy(_NUCLEI).to(tissues.device)
    widened = reached & ~nuclei[tissues.long()]
    nearest = sample_nearest(around.nearest, around.affine, points_mm[widened])
    out = tissues.clone()
    out[widened] = nearest.to(out.dtype)
    return out
