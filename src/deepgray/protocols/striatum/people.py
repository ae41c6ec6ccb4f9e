"""The people of protocol A: who they are, what they lost, and their scans."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepgray.simulate.atrophy import draw_atrophy, shrink
from deepgray.simulate.whole_head import WholeHead, prepare
from deepgray.simulate.whole_head_pet import PetSettings, SimulatedPet, simulate_pet
from deepgray.space import Affine
from deepgray.train.heads import read_integers

CONTROLS, ATROPHIED = "controls", "atrophied"
GROUPS = (CONTROLS, ATROPHIED)
ENDING = "_dseg.nii.gz"
# Why patients lost tissue, of ``simulate.atrophy.PROFILES``.
PATIENT_PROFILES = ("huntington", "parkinson", "old-age")
# Seeds of the two groups lie apart.
_APART = 5000


@dataclass(frozen=True)
class Person:
    """Somebody who is scanned.

    Attributes:
        group: ``controls`` or ``atrophied``.
        head: Name of the label map.
        profile: Why something is lost, one of ``PATIENT_PROFILES``; empty for a control.
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
    """A label map, as it comes.

    Attributes:
        name: Name of the head.
        labels: (x, y, z) FreeSurfer's numbers.
        affine: 4 × 4, index to RAS mm.
    """

    name: str
    labels: NDArray[np.int16]
    affine: Affine

    def ready(self) -> WholeHead:
        """The head made ready for simulation, as it is."""
        return prepare(self.labels, self.affine, name=self.name, parts="rule")

    def shrunken(self, profile: str, *, seed: int) -> WholeHead:
        """The same after a loss that is drawn."""
        lost = draw_atrophy(np.random.default_rng(seed), profile)
        return prepare(shrink(self.labels, self.affine, lost), self.affine, name=self.name, parts="rule")


Heads = Callable[[Person], WholeHead]


def read_head(anatomies: Path, name: str) -> LabelledHead:
    """A head from a folder of label maps.

    Raises:
        InputError: The file is missing or no label map.
    """
    return LabelledHead(name, *read_integers(anatomies / f"{name}{ENDING}"))


def plan(heads: tuple[str, ...], *, scans: int, seed: int = 1) -> tuple[Person, ...]:
    """Everybody, in an order of which any beginning holds about as many of each group and head.

    Args:
        heads: Names of heads, none of which trained a network or is an atlas.
        scans: People of each head in each group.
        seed: Of the first person.
    """
    planned = []
    for turn in range(scans):
        for number, head in enumerate(heads):
            own = seed + 100 * number + turn
            planned.append(Person(CONTROLS, head, "", own))
            profile = PATIENT_PROFILES[(turn + number) % len(PATIENT_PROFILES)]
            planned.append(Person(ATROPHIED, head, profile, own + _APART))
    return tuple(planned)


def simulated(person: Person, heads: Heads) -> SimulatedPet:
    """The T1 and the PET of a person, FP-CIT; controls have healthy transporters."""
    stage = "normal" if person.group == CONTROLS else "random"
    return simulate_pet(heads(person), PetSettings(stage=stage), seed=person.seed)
