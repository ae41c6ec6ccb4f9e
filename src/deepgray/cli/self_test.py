"""A scan made in code, for ``deepgray doctor``: ellipsoids in the place of a head and its deep nuclei."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepgray.scan import Scan
from deepgray.voxels.filters import gaussian

SPACING_MM = 2.0
SHAPE = (88, 108, 100)
# Index of the anterior commissure.
_ORIGIN = np.array([44.0, 56.0, 46.0])


@dataclass(frozen=True)
class _Blob:
    """An ellipsoid, in canonical mm; a paired one is drawn on both sides."""

    centre_mm: tuple[float, float, float]
    radii_mm: tuple[float, float, float]
    intensity: float
    paired: bool = False


# From outside to inside: what comes later covers what came before. Intensities are those of a T1.
_HEAD: tuple[_Blob, ...] = (
    _Blob((0, -16, 14), (78, 96, 92), 0.80),  # scalp
    _Blob((0, -16, 16), (72, 90, 82), 0.10),  # skull and fluid
    _Blob((0, -16, 18), (66, 84, 66), 0.50),  # cortex
    _Blob((0, -16, 18), (61, 79, 61), 0.85),  # white matter
    _Blob((24, -58, -32), (25, 24, 20), 0.60, paired=True),  # cerebellum
    _Blob((0, -26, -28), (13, 13, 26), 0.80),  # brainstem
    _Blob((7, -8, 18), (5, 26, 7), 0.15, paired=True),  # lateral ventricle
    _Blob((0, -12, 2), (2, 12, 10), 0.15),  # third ventricle
    _Blob((10, -20, 8), (8, 14, 9), 0.62, paired=True),  # thalamus
    _Blob((13, 8, 10), (5.5, 13, 10), 0.55, paired=True),  # caudate
    _Blob((25, 0, 3), (6, 17, 10), 0.57, paired=True),  # putamen
    _Blob((18.5, -4, 2), (4, 9, 6), 0.72, paired=True),  # pallidum
    _Blob((8, 10, -3), (4, 5, 4), 0.55, paired=True),  # accumbens
)


def self_test_scan() -> Scan:
    """A head of ellipsoids at 2 mm, blurred, with a little noise; the same one every time."""
    voxels = np.full(SHAPE, 0.02, dtype=np.float32)
    for blob in _HEAD:
        for mirror in (1, -1) if blob.paired else (1,):
            _draw(voxels, blob, mirror)
    voxels = gaussian(voxels, 0.6)
    noise = np.random.default_rng(0).standard_normal(SHAPE, dtype=np.float32)
    affine = np.diag([SPACING_MM, SPACING_MM, SPACING_MM, 1.0])
    affine[:3, 3] = -_ORIGIN * SPACING_MM
    return Scan(np.abs(voxels + 0.015 * noise).astype(np.float32) * 1000, affine, stem="self-test")


def _draw(voxels: NDArray[np.float32], blob: _Blob, mirror: int) -> None:
    centre = np.array(blob.centre_mm) * [mirror, 1, 1] / SPACING_MM + _ORIGIN
    radii = np.array(blob.radii_mm) / SPACING_MM
    x, y, z = np.ogrid[tuple(slice(0, n) for n in SHAPE)]
    distance = sum(((axis - c) / r) ** 2 for axis, c, r in zip((x, y, z), centre, radii, strict=True))
    voxels[distance <= 1] = blob.intensity
