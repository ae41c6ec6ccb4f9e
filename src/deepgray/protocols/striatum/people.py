"""The people of protocol A: who they are, what they lost, and their scans."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepgray.errors import SettingsError
from deepgray.simulate.atrophy import PROFILES, draw_atrophy, shrink
from deepgray.simulate.whole_head import WholeHead, prepare
from deepgray.simulate.whole_head_pet import PetSettings, SimulatedPet, simulate_pet
from deepgray.space import Affine
from deepgray.train.heads import parts_beside, read_integers

CONTROLS, ATROPHIED = "controls", "atrophied"
GROUPS = (CONTROLS, ATROPHIED)
ENDING = "_dseg.nii.gz"
# Seeds of the two groups lie apart.
_APART = 5000


@dataclass(frozen=True)
class Person:
    """Somebody who is scanned.

    Attributes:
        group: ``controls`` or ``atrophied``.
        head: Name of the label map.
        profile: Why something is lost, one of ``PROFILES``; empty for a control.
        seed: Of everything random.
    """

    group: str
    head: str
    profile: str
    seed: int

    @property
    def name(self) -> str:
        """Unique in a protocol."""
        word = self.profile or "control"
        return f"{self.head}_{word}_seed-{self.seed}"


@dataclass(frozen=True, eq=False)
class LabelledHead:
    """A label map and its subregions, as they come.

    Attributes:
        name: Name of the head.
        labels: (x, y, z) FreeSurfer's numbers.
        affine: 4 × 4, index to RAS mm.
        parts: (x, y, z) subregions.
        part_names: What their numbers are called.
    """

    name: str
    labels: NDArray[np.int16]
    affine: Affine
    parts: NDArray[np.int16]
    part_names: dict[int, str] = field(default_factory=dict)

    def ready(self) -> WholeHead:
        """The head made ready for simulation, as it is."""
        return prepare(self.labels, self.affine, name=self.name, parts=(self.parts, self.part_names))

    def shrunken(self, profile: str, *, seed: int) -> WholeHead:
        """The same after a loss that is drawn."""
        lost = draw_atrophy(np.random.default_rng(seed), profile)
        now = shrink(self.labels, self.affine, lost, parts=self.parts)
        if now.parts is None:
            raise SettingsError(f"Subregions of {self.name} are wanted, none came.")
        return prepare(now.labels, self.affine, name=self.name, parts=(now.parts, self.part_names))


Heads = Callable[[Person], WholeHead]


def read_head(anatomies: Path, name: str) -> LabelledHead:
    """A head and its subregions from a folder of label maps.

    Raises:
        SettingsError: There are no subregions beside it.
        InputError: A file is missing or no label map.
    """
    path = anatomies / f"{name}{ENDING}"
    labels, affine = read_integers(path)
    beside = parts_beside(path, labels, affine)
    if beside is None:
        raise SettingsError(f"Subregions beside {path} (*_striatum12.nii.gz) are wanted, there are none.")
    return LabelledHead(name, labels, affine, *beside)


def plan(heads: tuple[str, ...], *, scans: int, seed: int = 1) -> tuple[Person, ...]:
    """Everybody, in an order of which any beginning holds about as many of each group and head.

    Args:
        heads: Names of heads, none of which trained a network or is an atlas.
        scans: People of each head in each group.
        seed: Of the first person.
    """
    profiles = tuple(PROFILES)
    planned = []
    for turn in range(scans):
        for number, head in enumerate(heads):
            own = seed + 100 * number + turn
            planned.append(Person(CONTROLS, head, "", own))
            planned.append(Person(ATROPHIED, head, profiles[(turn + number) % len(profiles)], own + _APART))
    return tuple(planned)


def simulated(person: Person, heads: Heads) -> SimulatedPet:
    """The T1 and the PET of a person, FP-CIT; controls have healthy transporters."""
    stage = "normal" if person.group == CONTROLS else "random"
    return simulate_pet(heads(person), PetSettings(stage=stage), seed=person.seed)
