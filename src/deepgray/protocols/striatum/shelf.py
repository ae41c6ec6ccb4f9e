"""The scans of people, made once and kept with everything that is true of them."""

from __future__ import annotations

import json
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepgray.anatomy import scheme
from deepgray.protocols.striatum.people import Heads, Person, simulated
from deepgray.scan import LabelMap, Scan
from deepgray.simulate.whole_head_pet import SimulatedPet, TrueMean
from deepgray.train.cache import save_arrays


def scanned(person: Person, heads: Heads, folder: Path) -> SimulatedPet:
    """The scans of a person, from the folder where they are there.

    Args:
        person: Who.
        heads: Gives the head, after what was lost.
        folder: Where people are kept.
    """
    path = folder / f"{person.name}.npz"
    if not path.exists():
        keep(path, simulated(person, heads))
    return read(path)


def keep(path: Path, made: SimulatedPet) -> None:
    """Keep scans and what is true of them."""
    told = {"stem": made.mr.stem, "means": [astuple(m) for m in made.means], "drawn": made.drawn}
    arrays: dict[str, NDArray[Any]] = {
        "mr": made.mr.voxels,
        "mr_affine": made.mr.affine_ras,
        "pet": made.pet.voxels,
        "pet_affine": made.pet.affine_ras,
        "mr_from_pet": made.mr_from_pet,
        "canonical_from_world": made.canonical_from_world,
        "told": np.array(json.dumps(told, default=str)),
    }
    save_arrays(path, arrays | {f"labels {name}": own.voxels for name, own in made.labels.items()})


def read(path: Path) -> SimulatedPet:
    """Scans that were kept."""
    with np.load(path) as kept:
        told = json.loads(str(kept["told"]))
        affine = kept["mr_affine"]
        names = [key.removeprefix("labels ") for key in kept.files if key.startswith("labels ")]
        return SimulatedPet(
            Scan(kept["mr"], affine, told["stem"]),
            Scan(kept["pet"], kept["pet_affine"], told["stem"], "pet", "Bq/mL"),
            {name: LabelMap(kept[f"labels {name}"], affine, scheme(name)) for name in names},
            kept["mr_from_pet"],
            kept["canonical_from_world"],
            tuple(TrueMean(*one) for one in told["means"]),
            told["drawn"],
        )
