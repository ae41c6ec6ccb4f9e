"""One task on one scan, loaded for a review: what the page shows of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepgray import models
from deepgray.errors import OutputError
from deepgray.pipeline import examination_of, options_of, reviewed
from deepgray.recipe import Options, Task
from deepgray.report import read_kept
from deepgray.result import Drawn, Examination, Measurement
from deepgray.review import accept
from deepgray.scan import LabelMap
from deepgray.serve.window import Window, around
from deepgray.voxels.filters import gaussian, pieces
from deepgray.voxels.uncertainty import voxel_entropy
from deepgray.worklist import Entry, Review, unpacked

# Every outline has a thin doubtful rim. Smoothed by this much the rim fades, and what is still above so many bits is a
# doubtful place; 1 bit is a coin between two structures.
SMOOTH_MM = 1.5
DOUBTFUL_BITS = 0.5
MOST_PLACES = 12


@dataclass(frozen=True)
class Place:
    """A doubtful place.

    Attributes:
        index: Its middle, where most doubt lies around, in the window.
        bits: Entropy summed over its voxels.
        structure: Key of the structure that lies there most, empty where none does.
    """

    index: tuple[int, int, int]
    bits: float
    structure: str


@dataclass(frozen=True, eq=False)
class Study:
    """A study that is being reviewed.

    Attributes:
        folder: Output folder.
        entry: How it stood when it was loaded.
        examination: The scan, and what came with it.
        drawn: What stands before the decision.
    """

    folder: Path
    entry: Entry
    examination: Examination
    drawn: Drawn

    @property
    def stem(self) -> str:
        """Name of the scan."""
        return self.entry.request.stem

    @property
    def key(self) -> tuple[str, str]:
        """Names of scan and task, as the worklist has them."""
        return self.entry.request.stem, self.entry.request.task

    @property
    def task_name(self) -> str:
        """Name of the task, or of its file."""
        return self.entry.request.given["task"]

    @cached_property
    def task(self) -> Task:
        """The task, as it was done."""
        return self.options.settled(models.task(self.task_name))

    @cached_property
    def options(self) -> Options:
        """What the run was told."""
        return options_of(self.entry.request.given)

    @property
    def proposed(self) -> LabelMap:
        """What the network drew."""
        return self.drawn.proposed.labels

    @cached_property
    def window(self) -> Window:
        """What the page shows."""
        return around(self.proposed)

    @cached_property
    def image(self) -> NDArray[np.float32]:
        """The scan in the window."""
        return np.ascontiguousarray(self.window.view(self.examination.scan.voxels))

    @cached_property
    def entropy(self) -> NDArray[np.float32]:
        """Entropy in the window, bits; zero everywhere where the outline came without probabilities."""
        whole = np.zeros(self.proposed.voxels.shape, dtype=np.float32)
        if self.drawn.proposed.probabilities is not None:
            whole[self.drawn.proposed.probabilities.block] = voxel_entropy(self.drawn.proposed.probabilities)
        return np.ascontiguousarray(self.window.view(whole))

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """The doubtful places, that with the most entropy first."""
        smooth = gaussian(self.entropy, SMOOTH_MM / self.window.grid.spacing_mm)
        bodies, count = pieces(smooth >= DOUBTFUL_BITS)
        if not count:
            return ()
        bits = np.bincount(bodies.ravel(), weights=self.entropy.ravel())[1:]
        labels = self.window.view(self.proposed.voxels)
        found = []
        for body in np.argsort(-bits)[:MOST_PLACES]:
            mask = bodies == body + 1
            x, y, z = (int(n) for n in np.unravel_index(np.where(mask, smooth, -np.inf).argmax(), mask.shape))
            found.append(Place((x, y, z), float(bits[body]), self._most(labels[mask])))
        return tuple(found)

    @cached_property
    def before(self) -> tuple[Measurement, ...]:
        """The numbers that the network's own outline gives."""
        result = reviewed(self.examination, self.drawn, self.task_name, decide=accept, options=self.options)
        return result.measurements

    def labels(self, said: Sequence[Review], reviewer: str) -> NDArray[np.integer]:
        """What a reviewer drew last, or the network's outline.

        Args:
            said: The decisions on this study.
            reviewer: Who; those of others do not count.
        """
        own = [review for review in said if review.reviewer == reviewer]
        return unpacked(own[-1].mask, self.proposed) if own else self.proposed.voxels

    def _most(self, labels: NDArray[np.integer]) -> str:
        found = labels[labels != 0]
        return self.proposed.scheme.by_label()[int(np.bincount(found).argmax())].key if found.size else ""


def load(folder: Path, entry: Entry, sha256: str) -> Study:
    """Load a study.

    Args:
        folder: Output folder.
        entry: How it stands.
        sha256: Checksum that the scan had when it was run, empty where nobody took it.

    Raises:
        InputError: The scan is gone or cannot be used.
        OutputError: The scan is another one now, or what was kept is gone.
    """
    examination = examination_of(entry.request.given)
    if sha256 and examination.scan.sha256 != sha256:
        raise OutputError(
            f"The scan that was run is wanted, {entry.request.given['scan']} has changed since. Run it again."
        )
    return Study(folder, entry, examination, read_kept(folder, entry.request.stem, task=entry.request.task))
