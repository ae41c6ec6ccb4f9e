"""Atrophy of a labelled head: nuclei, cortex and white matter shrink, ventricles and sulci take their room.

Every tissue gets a rate at which its volume changes, fluid the rate that makes the sum nothing. The displacement whose
divergence is that rate, and which turns nothing, is the gradient of a potential (as in Khanal 2017,
doi:10.3389/fnins.2017.00132, without elasticity); it is followed in small steps, and each step asks for what is still
missing. So borders stay smooth, no label is torn or swapped, and what is asked of a volume is what comes. Labels and
their subregions move along one map.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from deepgray.anatomy import HEMISPHERES, Side
from deepgray.errors import SettingsError
from deepgray.space import Affine, spacing_mm
from deepgray.voxels.crop import occupied

# FreeSurfer's numbers, left and right, of what shrinks.
SHRINKING: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = MappingProxyType(
    {
        "caudate": ((11,), (50,)),
        "putamen": ((12,), (51,)),
        "accumbens": ((26,), (58,)),
        "pallidum": ((13, 811, 813), (52, 812, 814)),
        "white matter": ((2,), (41,)),
        "cortex": ((3,), (42,)),
    }
)
VENTRICLES: tuple[tuple[int, ...], tuple[int, ...]] = ((4,), (43,))
SULCI: tuple[int, ...] = (24,)
# The part of each tissue's loss that goes to the ventricle of its side; the sulci take the rest.
TO_VENTRICLE: Mapping[str, float] = MappingProxyType({"white matter": 0.5, "cortex": 0.0})
# Shares that are lost, lowest and highest, of one side. Ageing: caudate .83, putamen .73 and pallidum .51 % a year (Raz
# 2003, AJNR 24:1849), here over 5 to 30 years. Huntington's disease from before to some years after its onset: caudate
# and putamen lose a fifth to a half, pallidum and accumbens are thinner early (van den Bogaard 2011,
# doi:10.1007/s00415-010-5768-0). Parkinson's disease: caudate 11 and putamen 8.1 % smaller on average
# (Pitcher 2012, doi:10.1186/2047-9158-1-17). Cortex and white matter are set by eye; so is all of advanced age, whose
# ventricles gain 24 to 46 ml on twelve heads, for networks that are to know the most atrophied heads too.
PROFILES: Mapping[str, Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "huntington": {
            "caudate": (0.15, 0.45),
            "putamen": (0.15, 0.40),
            "accumbens": (0.10, 0.35),
            "pallidum": (0.10, 0.35),
            "white matter": (0.02, 0.06),
            "cortex": (0.02, 0.06),
        },
        "parkinson": {
            "caudate": (0.03, 0.20),
            "putamen": (0.02, 0.17),
            "accumbens": (0.00, 0.10),
            "pallidum": (0.00, 0.08),
            "white matter": (0.00, 0.03),
            "cortex": (0.00, 0.05),
        },
        "old-age": {
            "caudate": (0.04, 0.25),
            "putamen": (0.04, 0.22),
            "accumbens": (0.04, 0.20),
            "pallidum": (0.03, 0.15),
            "white matter": (0.03, 0.09),
            "cortex": (0.03, 0.09),
        },
        "advanced-age": {
            "caudate": (0.10, 0.35),
            "putamen": (0.10, 0.35),
            "accumbens": (0.10, 0.30),
            "pallidum": (0.05, 0.25),
            "white matter": (0.08, 0.20),
            "cortex": (0.08, 0.18),
        },
    }
)
# Sides of one person differ by so much of a share, standard deviation.
SIDES_DIFFER = 0.08
STEPS = 5
# Steps after that, each for all that is still missing, because voxels round what the field says.
MORE_STEPS = 4
# Around the brain, so that what is at the rim of the block hardly moves.
ROOM_VOXELS = 8

Volume = NDArray[np.float32]
Shares = Mapping[tuple[str, Side], float]


@dataclass(frozen=True)
class Atrophy:
    """What a person lost.

    Attributes:
        profile: Why, one of ``PROFILES``, or a word of one's own.
        shares: Part of the volume that is lost, 0 to 0.7, by tissue of ``SHRINKING`` and side.

    Raises:
        SettingsError: An unknown tissue, or a share out of range.
    """

    profile: str
    shares: Shares

    def __post_init__(self) -> None:
        unknown = sorted({name for name, _ in self.shares} - set(SHRINKING))
        if unknown:
            raise SettingsError(f"Tissues of {', '.join(SHRINKING)} are wanted, {', '.join(unknown)} came.")
        wrong = [share for share in self.shares.values() if not 0 <= share <= 0.7]
        if wrong:
            raise SettingsError(f"Shares that are lost of 0 to 0.7 are wanted, {wrong[0]:g} came.")


def draw_atrophy(generator: np.random.Generator, profile: str) -> Atrophy:
    """Draw what a person lost: one severity for all, a little of its own for each tissue and side.

    Args:
        generator: Where chance comes from.
        profile: One of ``PROFILES``.

    Raises:
        SettingsError: No such profile.
    """
    if profile not in PROFILES:
        raise SettingsError(f"A profile of {', '.join(PROFILES)} is wanted, '{profile}' came.")
    severity = generator.uniform()
    shares = {}
    for name, (low, high) in PROFILES[profile].items():
        middle = low + (high - low) * np.clip(severity + generator.normal(0, 0.15), 0, 1)
        for side in HEMISPHERES:
            shares[name, side] = float(np.clip(middle * (1 + generator.normal(0, SIDES_DIFFER)), 0, 0.6))
    return Atrophy(profile, shares)


def shrink(labels: NDArray[np.integer], affine_ras: Affine, atrophy: Atrophy) -> NDArray[np.int16]:
    """Take from a head what a person lost.

    Args:
        labels: (x, y, z) FreeSurfer's numbers of a whole head.
        affine_ras: Their affine.
        atrophy: What is lost.

    Returns:
        (x, y, z). A tissue that the map does not hold is passed over; so is a loss that no fluid could take.
    """
    brain = occupied(np.isin(labels, [n for pair in SHRINKING.values() for side in pair for n in side]))
    whole = np.asarray(labels, dtype=np.int16).copy()
    if brain is not None:
        block = tuple(slice(max(0, s.start - ROOM_VOXELS), s.stop + ROOM_VOXELS) for s in brain)
        whole[block] = whole[block][_followed(whole[block], spacing_mm(affine_ras), atrophy.shares)]
    return whole


def _followed(block: NDArray[np.int16], spacing: NDArray[np.float64], shares: Shares) -> tuple[NDArray[np.intp], ...]:
    """Where each voxel of a block comes from."""
    start = _volumes(block)
    grid = np.indices(block.shape, dtype=np.float32)
    source, now = grid.copy(), block
    for step in range(STEPS + MORE_STEPS):
        moved = _displacement(_rates(now, start, shares, part=1 / max(1, STEPS - step)), spacing)
        there = [place - shift for place, shift in zip(grid, moved, strict=True)]
        source = np.stack([ndimage.map_coordinates(s, there, order=1, mode="nearest") for s in source])
        places = _nearest(source, block.shape)
        now = block[places]
    return _nearest(source, block.shape)


def _nearest(source: Volume, shape: tuple[int, ...]) -> tuple[NDArray[np.intp], ...]:
    return tuple(np.clip(np.rint(s), 0, n - 1).astype(np.intp) for s, n in zip(source, shape, strict=True))


def _volumes(block: NDArray[np.int16]) -> Mapping[tuple[str, Side], int]:
    """Voxels of each tissue and side."""
    counts = np.bincount(block.ravel(), minlength=1024)
    return {
        (name, side): int(counts[list(numbers)].sum())
        for name, pair in SHRINKING.items()
        for side, numbers in zip(HEMISPHERES, pair, strict=True)
    }


def _rates(
    now: NDArray[np.int16], start: Mapping[tuple[str, Side], int], shares: Shares, *, part: float
) -> NDArray[np.float32]:
    """Relative change of volume wanted of each voxel: ``part`` of what is still missing."""
    table = np.zeros(max(1024, int(now.max()) + 1), dtype=np.float32)
    counts = np.bincount(now.ravel(), minlength=len(table))
    to_ventricle, to_sulci = dict.fromkeys(HEMISPHERES, 0.0), 0.0
    sulci = int(counts[list(SULCI)].sum())
    for (name, side), voxels in _volumes(now).items():
        share, before = shares.get((name, side), 0.0), start[name, side]
        if not voxels or not before:
            continue
        rate = np.log(before * (1 - share) / voxels) * part
        table[list(SHRINKING[name][HEMISPHERES.index(side)])] = rate
        inwards = TO_VENTRICLE.get(name, 1.0) if sulci else 1.0
        to_ventricle[side] -= rate * voxels * inwards
        to_sulci -= rate * voxels * (1 - inwards)
    for side, numbers in zip(HEMISPHERES, VENTRICLES, strict=True):
        room = int(counts[list(numbers)].sum())
        if room:
            table[list(numbers)] = to_ventricle[side] / room
    if sulci:
        table[list(SULCI)] = to_sulci / sulci
    return np.asarray(table[now])


def _displacement(rates: Volume, spacing: NDArray[np.float64]) -> list[Volume]:
    """The displacement in voxels, without turns, whose divergence is a rate; three of (x, y, z)."""
    shape = tuple(int(fft.next_fast_len(n, real=True)) for n in rates.shape)
    spectrum = fft.rfftn(rates - rates.mean(), shape)
    axes = [fft.fftfreq(shape[0]), fft.fftfreq(shape[1]), fft.rfftfreq(shape[2])]
    waves = [
        (2 * np.pi * f / s).astype(np.float32).reshape([-1 if axis == n else 1 for n in range(3)])
        for axis, (f, s) in enumerate(zip(axes, spacing, strict=True))
    ]
    squared = waves[0] ** 2 + waves[1] ** 2 + waves[2] ** 2
    squared[0, 0, 0] = 1.0
    potential = -spectrum / squared
    inside = tuple(slice(0, n) for n in rates.shape)
    return [
        np.asarray(fft.irfftn(1j * wave * potential, shape)[inside] / s, dtype=np.float32)
        for wave, s in zip(waves, spacing, strict=True)
    ]
