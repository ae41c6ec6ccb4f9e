"""A toy T1 and PET with twelve blocks as subregions, for tests of protocol A: every number can be worked out by hand.

Each subregion is a block of 4 × 4 × 4 voxels of 2 mm, 512 mm³. The PET has 4 in them and 2 elsewhere: BPnd is 1.
Moved by a voxel to the front, a block keeps three quarters: Dice .75, BPnd (3 × 4 + 2) / 4 / 2 − 1 = .75.
"""

from __future__ import annotations

import math

import numpy as np

from deepgray.anatomy import Side, scheme
from deepgray.result import Registered, Registration, Tracer
from deepgray.scan import IntegerVolume, LabelMap, Scan
from deepgray.simulate.whole_head_pet import SimulatedPet, TrueMean

PARTS = scheme("striatum12")
SHAPE = (32, 40, 24)
AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])
AFFINE[:3, 3] = (-31.0, -40.0, -20.0)
BLOCK_MM3 = 512.0


def blocks(moved: int = 0) -> LabelMap:
    """The twelve blocks, moved to the front by some voxels."""
    voxels = np.zeros(SHAPE, dtype=np.int16)
    for side, x in ((Side.LEFT, 4), (Side.RIGHT, 22)):
        for number, one in enumerate(PARTS.of_side(side)):
            y, z = 4 + 8 * (number % 3) + moved, 3 + 10 * (number // 3)
            voxels[x : x + 4, y : y + 4, z : z + 4] = one.label
    return LabelMap(voxels, AFFINE, PARTS)


def whole() -> LabelMap:
    """The same as caudate, putamen and accumbens."""
    wanted = scheme("striatum")
    voxels = np.zeros(SHAPE, dtype=np.int16)
    parts = blocks()
    for one in PARTS.structures:
        name = one.parent if one.parent != "striatum" else "accumbens"
        label = next(s.label for s in wanted.of_side(one.side) if s.name == name)
        voxels[parts.mask(one)] = label
    return LabelMap(voxels, AFFINE, wanted)


def toy_pair(name: str = "toy") -> SimulatedPet:
    """The scans and what is true of them."""
    labels = blocks()
    generator = np.random.default_rng(1)
    image = (100 + 50 * (labels.voxels > 0) + generator.normal(0, 1, SHAPE)).astype(np.float32)
    uptake = np.where(labels.voxels > 0, 4.0, 2.0).astype(np.float32)
    means = [TrueMean(s.name, str(s.side), 6.0, 4.0) for s in PARTS.structures]
    means.append(TrueMean("cerebellar cortex", "both", 1.5, 2.0))
    return SimulatedPet(
        Scan(image, AFFINE, name),
        Scan(uptake, AFFINE, name, "pet", "Bq/mL"),
        {"striatum": whole(), "striatum12": labels},
        np.eye(4),
        np.eye(4),
        tuple(means),
        {"stage": "normal"},
    )


def toy_seen(made: SimulatedPet) -> Registered:
    """The PET with a reference region that holds 2."""
    region = np.zeros(SHAPE, dtype=np.uint8)
    region[12:18, 2:6, 2:6] = 1
    return Registered(Tracer(made.pet), Registration(np.eye(4), math.nan, 1.0), IntegerVolume(region, AFFINE))
