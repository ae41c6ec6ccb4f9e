"""Settings of one training run, saved beside its results."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from deepgray.errors import SettingsError
from deepgray.recipe import Recipe

PARTS = (
    "ventral striatum",
    "anterior caudate",
    "posterior caudate",
    "anterior putamen",
    "posterior putamen",
    "ventral putamen",
)
STRIATUM_BOX_LOW_MM = (-44.0, -38.0, -16.0)
STRIATUM_BOX_HIGH_MM = (4.0, 34.0, 40.0)

RECIPES: dict[str, Recipe] = {
    "head-locate": Recipe(
        name="head-locate",
        version="1",
        modality="mr",
        spacing_mm=3.0,
        low_mm=(-120.0, -138.0, -120.0),
        high_mm=(120.0, 102.0, 120.0),
        mirrored=False,
        inputs=("image",),
        outputs=("thalamus", "striatum", "cerebellum", "brainstem", "rest of brain"),
    ),
    "striatum-outline": Recipe(
        name="striatum-outline",
        version="1",
        modality="mr",
        spacing_mm=1.0,
        low_mm=STRIATUM_BOX_LOW_MM,
        high_mm=STRIATUM_BOX_HIGH_MM,
        mirrored=True,
        inputs=("image",),
        outputs=("caudate", "putamen", "accumbens", "pallidum"),
        border_logit=2.0,
    ),
    "striatum-subdivide": Recipe(
        name="striatum-subdivide",
        version="1",
        modality="mr",
        spacing_mm=1.0,
        low_mm=STRIATUM_BOX_LOW_MM,
        high_mm=STRIATUM_BOX_HIGH_MM,
        mirrored=True,
        inputs=("image", "caudate", "putamen", "accumbens"),
        outputs=PARTS,
    ),
}


@dataclass(frozen=True)
class StartSettings:
    """The weights that a run begins with.

    Attributes:
        weights: ``best.pt`` or ``last.pt`` of another run.
        classes: New output and the checkpoint's output it begins with, where names and anatomy do not say it.
        freeze: For so many steps only the output layers, and what was adapted or is new, learn.

    Raises:
        SettingsError: A negative number of steps.
    """

    weights: Path
    classes: tuple[tuple[str, str], ...] = ()
    freeze: int = 0

    def __post_init__(self) -> None:
        if self.freeze < 0:
            raise SettingsError(f"Steps to freeze, 0 or more, are wanted; {self.freeze} came.")


@dataclass(frozen=True)
class TrainSettings:
    """One training run.

    Attributes:
        network: Which network: ``head-locate``, ``striatum-outline`` or ``striatum-subdivide``.
        anatomies: Folder of whole-head label maps.
        out: Folder of the run: settings, checkpoint, log, plot.
        nuclei: Folder of subcortical label maps, or None.
        cache: Folder for prepared label maps; ``out``/cache if None.
        held_out: Anatomies whose names contain one of these words validate and never train.
        steps: Optimiser steps.
        warmup: Steps until the learning rate is reached.
        learning_rate: Highest learning rate.
        widths: Channels of each level.
        patch: Voxels that the first level takes together along each axis; 2 for the whole-head network.
        validate_every: Steps between validations.
        patience: Validations without improvement before the run stops.
        threads: CPU threads of the network.
        workers: Processes that make samples; 0 makes them in the training process.
        seed: Of everything random.
        start: Weights to begin with; random ones if None.
    """

    network: str
    anatomies: Path
    out: Path
    nuclei: Path | None = None
    cache: Path | None = None
    held_out: tuple[str, ...] = ("anatomy-05", "anatomy-09", "anatomy-12")
    steps: int = 8000
    warmup: int = 200
    learning_rate: float = 2e-3
    widths: tuple[int, ...] = (16, 32, 64, 128)
    patch: int = 1
    validate_every: int = 250
    patience: int = 12
    threads: int = 1
    workers: int = 0
    seed: int = 1
    start: StartSettings | None = None

    def __post_init__(self) -> None:
        if self.network not in RECIPES:
            raise SettingsError(f"A network is wanted, one of {', '.join(RECIPES)}; '{self.network}' came.")
        if self.steps < 1 or self.validate_every < 1 or not self.learning_rate > 0:
            raise SettingsError("Positive steps, validate_every and learning_rate are wanted.")

    @property
    def recipe(self) -> Recipe:
        """Recipe of the network."""
        return RECIPES[self.network]

    def to_json(self) -> str:
        """The settings as JSON text."""
        return json.dumps(asdict(self), default=str, indent=2, sort_keys=True)
