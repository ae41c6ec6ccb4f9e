"""A toy DaT SPECT whose answer is known by construction: four bright balls, the right putamen half as bright."""

from __future__ import annotations

import numpy as np
from toy_heads import centres_mm, labels_at, toy_maps

from deepgray.anatomy import HEMISPHERES, Side, scheme
from deepgray.protocols.spect.sets import Case
from deepgray.scan import LabelMap, Scan
from deepgray.simulate.tissues import tissue_lookup
from deepgray.simulate.whole_head import FINE_MM, NUCLEI, WholeHead
from deepgray.space import apply_affine
from deepgray.train.spect_heads import SpectHead

# Middle (x, y, z) mm, radius, uptake over that of the background, which is 1.
BALLS = {
    "left caudate": ((-12.0, 12.0, 6.0), 6.0, 4.0),
    "left putamen": ((-26.0, -4.0, 0.0), 8.0, 4.0),
    "right caudate": ((12.0, 12.0, 6.0), 6.0, 4.0),
    "right putamen": ((26.0, -4.0, 0.0), 8.0, 2.0),
}
SCAN_SHAPE, SCAN_MM = (48, 48, 36), 3.0
TRUTH_SHAPE = (76, 56, 48)


def upright(shape: tuple[int, int, int], spacing_mm: float) -> np.ndarray:
    """Affine of a grid with 0 mm in its middle."""
    affine = np.diag([spacing_mm, spacing_mm, spacing_mm, 1.0])
    affine[:3, 3] = -(np.array(shape) - 1) / 2 * spacing_mm
    return affine


def inside(shape: tuple[int, int, int], affine: np.ndarray, key: str) -> np.ndarray:
    """Which voxels lie in a ball."""
    middle, radius, _ = BALLS[key]
    points = apply_affine(affine, np.moveaxis(np.indices(shape), 0, -1))
    return np.linalg.norm(points - middle, axis=-1) <= radius


def toy_case(
    *, name: str = "test_toy_NC_seed-1", stage: str = "normal", noise: float = 0.02, truth_mm: float = 1.0
) -> Case:
    """A person whose cerebellum has uptake 1; binding ratios are 3, 3, 3 and 1 but for the edges' partial volume."""
    x, y, z = (round(n / truth_mm) for n in TRUTH_SHAPE)
    affine, fine = upright(SCAN_SHAPE, SCAN_MM), upright((x, y, z), truth_mm)
    voxels = np.ones(SCAN_SHAPE) + noise * np.random.default_rng(1).normal(size=SCAN_SHAPE)
    labels = np.zeros((x, y, z), dtype=np.int16)
    for structure in scheme("striatum4").structures:
        voxels[inside(SCAN_SHAPE, affine, structure.key)] = BALLS[structure.key][2]
        labels[inside((x, y, z), fine, structure.key)] = structure.label
    truth = LabelMap(labels, fine, scheme("striatum4"))
    return Case(name, stage, Scan(voxels.astype(np.float32), affine, name, "spect"), truth, 1.0)


def toy_spect_head() -> SpectHead:
    """The toy head, as training on SPECT draws people from it."""
    labels, coarse, grid = toy_maps()
    fine = {}
    for side in HEMISPHERES:
        places = centres_mm(NUCLEI.grid(2 * FINE_MM)) * (1.0 if side is Side.LEFT else np.array([-1.0, 1.0, 1.0]))
        doubled = tissue_lookup("freesurfer", side)[labels_at(places)].repeat(2, 0).repeat(2, 1).repeat(2, 2)
        x, y, z = NUCLEI.grid(FINE_MM).shape
        fine[side] = np.ascontiguousarray(np.pad(doubled, 1, mode="edge")[1 : x + 1, 1 : y + 1, 1 : z + 1])
    whole = WholeHead("toy", tissue_lookup("freesurfer", Side.LEFT)[labels], grid.affine_ras, fine, has_parts=False)
    return SpectHead(whole, coarse, grid.affine_ras)
