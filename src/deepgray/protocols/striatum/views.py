"""What is kept of a person to be looked at: the scan around the striatum, the truth, and each arm's outline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepgray.anatomy import scheme
from deepgray.scan import LabelMap
from deepgray.simulate.whole_head_pet import SimulatedPet
from deepgray.space import Affine
from deepgray.train.cache import save_arrays
from deepgray.voxels.crop import occupied

# Around the true striatum.
ROOM_VOXELS = 14


@dataclass(frozen=True, eq=False)
class View:
    """A person around the striatum.

    Attributes:
        image: (x, y, z) float32 of the scan.
        truth: True subregions on the same grid.
        outlines: By arm, on the same grid.
    """

    image: NDArray[np.float32]
    truth: LabelMap
    outlines: Mapping[str, LabelMap]


def keep_scan(folder: Path, made: SimulatedPet) -> None:
    """Keep the scan around the striatum, and the truth."""
    truth = made.labels["striatum12"]
    box = occupied(truth.voxels) or (slice(0, 2),) * 3
    low = np.array([max(0, s.start - ROOM_VOXELS) for s in box])
    high = np.array([s.stop + ROOM_VOXELS for s in box])
    part = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    affine = truth.affine_ras.copy()
    affine[:3, 3] += affine[:3, :3] @ low
    image, labels = made.mr.voxels[part], truth.voxels[part].astype(np.int16)
    save_arrays(folder / "scan.npz", {"image": image, "truth": labels, "affine": affine, "low": low})


def keep_labels(folder: Path, key: str, labels: LabelMap) -> None:
    """Keep an outline where the scan was kept."""
    with np.load(folder / "scan.npz") as kept:
        low, shape = kept["low"], kept["truth"].shape
    part = tuple(slice(a, a + n) for a, n in zip(low, shape, strict=True))
    save_arrays(folder / f"{key}.npz", {"labels": labels.voxels[part].astype(np.int16)})


def read_view(folder: Path, keys: Mapping[str, str]) -> View:
    """What was kept of a person.

    Args:
        folder: Of the person.
        keys: Names of files by arm; those that are not there are left out.
    """
    named = scheme("striatum12")
    with np.load(folder / "scan.npz") as kept:
        image, affine = kept["image"], kept["affine"]
        truth = LabelMap(kept["truth"], affine, named)
    outlines = {}
    for arm, key in keys.items():
        if (folder / f"{key}.npz").exists():
            outlines[arm] = _labels(folder / f"{key}.npz", affine)
    return View(image, truth, outlines)


def _labels(path: Path, affine: Affine) -> LabelMap:
    with np.load(path) as kept:
        return LabelMap(kept["labels"], affine, scheme("striatum12"))
