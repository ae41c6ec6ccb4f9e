"""Susceptibility of each nucleus, in ppm.

Absolute values depend on the reconstruction: a regularised inversion lowers small nuclei by up to half. No value here
is called calibrated; compare within one reconstruction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepgray.anatomy import HEMISPHERES, Structure
from deepgray.errors import MaskError
from deepgray.result import NO_REFERENCE, Measurement, Outline, Reference
from deepgray.scan import Scan, mask_on_grid
from deepgray.voxels.crop import occupied
from deepgray.voxels.filters import eroded

SUSCEPTIBILITY_MEAN = "susceptibility_mean"
SUSCEPTIBILITY_MEDIAN = "susceptibility_median"
SUSCEPTIBILITY_SD = "susceptibility_sd"
SUSCEPTIBILITY_TRIMMED_MEAN = "susceptibility_trimmed_mean"
SUSCEPTIBILITY_ERODED_MEAN = "susceptibility_eroded_mean"

UNIT = "ppm"
# Cut from each end of the ranked values.
TRIMMED = 0.10

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Sample:
    """The map inside one nucleus of one side, or of both sides together.

    Attributes:
        values: Where the map is not zero, ppm.
        core: Those of them whose six neighbours belong to the same nucleus and side.
        left_out: Voxels of the nucleus where the map is exactly zero: outside its mask.
        pooled: Both sides.
    """

    values: Values
    core: Values
    left_out: int
    pooled: bool = False


@dataclass(frozen=True)
class _Zero:
    """What is subtracted, ppm, and how that is told."""

    ppm: float
    words: str


def _trimmed(values: Values) -> float:
    cut = int(TRIMMED * len(values))
    return float(np.sort(values)[cut : len(values) - cut].mean())


# Quantity: how it is computed, in words and in numbers; whether from the core; whether the reference is subtracted.
_QUANTITIES: tuple[tuple[str, str, Callable[[Values], float], bool, bool], ...] = (
    (SUSCEPTIBILITY_MEAN, "mean", lambda v: float(v.mean()), False, True),
    (SUSCEPTIBILITY_MEDIAN, "median", lambda v: float(np.median(v)), False, True),
    (SUSCEPTIBILITY_SD, "standard deviation (n − 1)", lambda v: float(v.std(ddof=1)), False, False),
    (
        SUSCEPTIBILITY_TRIMMED_MEAN,
        "mean without the lowest and the highest 10 %",
        _trimmed,
        False,
        True,
    ),
    (SUSCEPTIBILITY_ERODED_MEAN, "mean without the outermost layer of voxels", lambda v: float(v.mean()), True, True),
)


def susceptibility(outline: Outline, scan: Scan, *, reference: Reference) -> tuple[Measurement, ...]:
    """The susceptibility of each nucleus: left, right, and the voxels of both sides together.

    Absolute values depend on the reconstruction (a regularised inversion lowers small nuclei by up to half), so that
    no value is called calibrated. Voxels where the map is exactly zero lie outside its mask: they are left out, and
    counted in the method.

    Args:
        outline: Structures on the map's grid.
        scan: The map, ppm, zero outside its mask.
        reference: What is subtracted from all but the standard deviation; printed with its value.

    Returns:
        Mean, median, SD, 10 % trimmed mean and eroded mean, ppm, structure by structure; NaN with the reason in the
        method where there are too few voxels.

    Raises:
        MaskError: The reference region is on another grid, or holds no voxel of the map.
    """
    zero = _zero(scan, reference)
    measured: list[Measurement] = []
    for name in dict.fromkeys(s.name for s in outline.labels.scheme.structures):
        sides = [s for s in outline.labels.scheme.structures if s.name == name]
        samples = [_sample(outline, scan, s) for s in sides]
        for structure, sample in zip(sides, samples, strict=True):
            measured += _numbers(name, structure.side.value, structure.label, sample=sample, zero=zero)
        if {s.side for s in sides} == set(HEMISPHERES):
            measured += _numbers(name, "both", None, sample=_pooled(samples), zero=zero)
    return tuple(measured)


def _zero(scan: Scan, reference: Reference) -> _Zero:
    if reference.region is None and reference.name == NO_REFERENCE.name:
        return _Zero(0.0, reference.name)
    region = scan.voxels != 0
    if reference.region is not None:
        region &= mask_on_grid(reference.region, scan.grid, what="reference region") != 0
    if not region.any():
        raise MaskError(f"A reference region that holds voxels of the map is wanted, '{reference.name}' holds none.")
    ppm = float(scan.voxels[region].mean(dtype=np.float64))
    return _Zero(ppm, f"{reference.name}: {ppm:.6f} ppm subtracted")


def _sample(outline: Outline, scan: Scan, structure: Structure) -> _Sample:
    mask = outline.labels.mask(structure)
    box = occupied(mask)
    if box is None:
        return _Sample(np.empty(0), np.empty(0), 0)
    inside, map_ppm = mask[box], scan.voxels[box].astype(np.float64)
    known = inside & (map_ppm != 0)
    core = eroded(inside) & known  # beyond the box nothing is inside, so that its rim goes too
    return _Sample(map_ppm[known], map_ppm[core], int(inside.sum() - known.sum()))


def _pooled(samples: list[_Sample]) -> _Sample:
    values, core = (np.concatenate(parts) for parts in ([s.values for s in samples], [s.core for s in samples]))
    return _Sample(values, core, sum(s.left_out for s in samples), pooled=True)


def _numbers(name: str, side: str, label: int | None, *, sample: _Sample, zero: _Zero) -> Iterator[Measurement]:
    for quantity, words, number, of_core, shifted in _QUANTITIES:
        values = sample.core if of_core else sample.values
        fewest = 2 if quantity == SUSCEPTIBILITY_SD else 1
        enough = len(values) >= fewest
        yield Measurement(
            structure=name,
            side=side,
            label=label,
            quantity=quantity,
            value=number(values) - (zero.ppm if shifted else 0.0) if enough else float("nan"),
            unit=UNIT,
            method=_method(words, sample, len(values)) + ("" if enough else f"; undefined: {fewest} wanted"),
            reference=zero.words if shifted else "",
        )


def _method(words: str, sample: _Sample, count: int) -> str:
    pooled = ", both sides pooled" if sample.pooled else ""
    left_out = f"; {sample.left_out} outside the map's mask left out" if sample.left_out else ""
    return f"{words} of {count} voxels{pooled}{left_out}; not calibrated"
