"""What makes white matter uneven on susceptibility maps: dense bundles are dark, its rim under the cortex is bright.

The internal capsule and the layers beside the ventricles (optic radiation, tapetum) hold the most myelin; fibres under
the cortex hold iron; the cerebral peduncle is dark around the substantia nigra. Sizes after the bundles of Min 2024
(doi:10.1002/nbm.5226): posterior limb of the internal capsule about −0.03 ppm relative to other white matter, splenium
about −0.015 ppm; the peduncle by eye, after one real map.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepgray.simulate.framing import Found, Frame
from deepgray.simulate.tissues import TISSUES

# Distances are taken on a grid this coarse: bundles are thicker.
COARSE_MM = 2.0
CAPSULE_REACH_MM = 5.0
LAYER_MM, LAYER_WIDTH_MM = 4.0, 2.0
RIM_MM = 1.5
PEDUNCLE_REACH_MM = 4.0


@dataclass(frozen=True)
class Tracts:
    """How far white matter differs from its mean, ppm.

    Attributes:
        capsule_ppm: Of the internal capsule.
        layer_ppm: Of the layers beside the lateral ventricles.
        rim_ppm: Right under the cortex.
        peduncle_ppm: Of the brainstem around the substantia nigra.
    """

    capsule_ppm: float
    layer_ppm: float
    rim_ppm: float
    peduncle_ppm: float

    def told(self) -> dict[str, float]:
        """For a file."""
        return asdict(self)


def draw_tracts(generator: np.random.Generator) -> Tracts:
    """The white matter of one person."""
    return Tracts(
        capsule_ppm=float(generator.normal(-0.024, 0.006)),
        layer_ppm=float(generator.normal(-0.014, 0.005)),
        rim_ppm=generator.uniform(0.0, 0.014),
        peduncle_ppm=float(generator.normal(-0.040, 0.012)),
    )


def add_tracts(chi: NDArray[np.float32], found: Found, frame: Frame, tracts: Tracts) -> NDArray[np.float32]:
    """A copy of a map whose white matter is uneven.

    Args:
        chi: (x, y, z) ppm.
        found: The head on the same grid.
        frame: How it lies there.
        tracts: Of ``draw_tracts``.
    """
    tissues = found.tissues.numpy()
    spacing = frame.grid.spacing_mm
    steps = np.maximum(1, np.rint(COARSE_MM / spacing)).astype(int)
    coarse = tissues[:: steps[0], :: steps[1], :: steps[2]]

    def away_mm(*names: str) -> NDArray[np.float32]:
        there = np.isin(coarse, [n for n, t in enumerate(TISSUES) if _named(t.name, names)])
        if not there.any():
            return np.full(coarse.shape, np.inf, dtype=np.float32)
        return np.asarray(ndimage.distance_transform_edt(~there, sampling=steps * spacing), dtype=np.float32)

    between = away_mm("putamen", "external pallidum", "internal pallidum", "pallidum") + away_mm("thalamus", "caudate")
    change = tracts.capsule_ppm * np.exp(-np.maximum(between - 4.0, 0) / CAPSULE_REACH_MM)
    away = away_mm("lateral ventricle")
    change += tracts.layer_ppm * np.exp(-(((np.minimum(away, 99.0) - LAYER_MM) / LAYER_WIDTH_MM) ** 2))
    change += tracts.rim_ppm * np.exp(-away_mm("cortex") / RIM_MM)
    peduncle = tracts.peduncle_ppm * np.exp(-away_mm("substantia nigra") / PEDUNCLE_REACH_MM)
    out = chi
    for names, pattern in ((("white matter",), change), (("brainstem", "ventral diencephalon"), peduncle)):
        wide = ndimage.affine_transform(
            pattern.astype(np.float32), 1.0 / steps, output_shape=chi.shape, order=1, mode="nearest"
        )
        there = np.isin(tissues, [n for n, t in enumerate(TISSUES) if _named(t.name, names)]).astype(np.float32)
        out = out + wide * ndimage.gaussian_filter(there, 0.4)
    return np.asarray(out, dtype=np.float32)


def _named(name: str, wanted: tuple[str, ...]) -> bool:
    return name.partition("/")[0].removeprefix("other ") in wanted
