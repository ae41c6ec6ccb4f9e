"""Settings of one training run, saved beside its results."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from deepgray.anatomy import HEMISPHERES, Scheme, Side, scheme, scheme_from_file, structure
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
# Anatomies that validate and never train, unless said otherwise.
HELD_OUT = ("anatomy-05", "anatomy-09", "anatomy-12")
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
    ),
    "deep-outline": Recipe(
        name="deep-outline",
        version="1",
        modality="mr",
        spacing_mm=2.0,
        low_mm=(-44.0, -56.0, -38.0),
        high_mm=(4.0, 40.0, 42.0),
        mirrored=True,
        inputs=("image",),
        outputs=tuple(dict.fromkeys(s.name for s in scheme("deep").structures)),
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
    "midbrain-outline": Recipe(
        name="midbrain-outline",
        version="1",
        modality="qsm",
        spacing_mm=0.8,
        low_mm=(-26.0, -37.0, -25.6),
        high_mm=(6.0, 1.4, 12.8),
        mirrored=True,
        inputs=("image",),
        outputs=("red nucleus", "substantia nigra", "subthalamic nucleus"),
        intensity="susceptibility",
    ),
    "dentate-outline": Recipe(
        name="dentate-outline",
        version="1",
        modality="qsm",
        spacing_mm=0.8,
        low_mm=(-33.6, -79.2, -53.6),
        high_mm=(4.8, -34.4, -8.8),
        mirrored=True,
        inputs=("image",),
        outputs=("dentate nucleus",),
        intensity="susceptibility",
        border_logit=-1.2,
    ),
    "head-locate-spect": Recipe(
        name="head-locate-spect",
        version="1",
        modality="spect",
        spacing_mm=4.0,
        low_mm=(-112.0, -136.0, -120.0),
        high_mm=(112.0, 88.0, 104.0),
        mirrored=False,
        inputs=("image",),
        outputs=("thalamus", "striatum", "cerebellum", "brainstem", "rest of brain"),
    ),
    "datspect-outline": Recipe(
        name="datspect-outline",
        version="1",
        modality="spect",
        spacing_mm=1.5,
        low_mm=(-48.0, -46.0, -26.0),
        high_mm=(12.0, 38.0, 46.0),
        mirrored=True,
        inputs=("image",),
        outputs=("caudate", "putamen", "accumbens"),
        border_logit=-2.4,
        output_logits=(0.3, -0.2, 0.0),
        sides_alike=0.8,
    ),
}
# It sees the whole head and both sides, and answers for one of them.
RECIPES["datspect-wide"] = replace(
    RECIPES["datspect-outline"],
    name="datspect-wide",
    low_mm=(-48.0, -52.0, -26.0),
    high_mm=(12.0, 44.0, 46.0),
    border_logit=-1.6,
    wide_low_mm=(-96.0, -112.0, -74.0),
    wide_high_mm=(96.0, 80.0, 82.0),
    wide_spacing_mm=3.0,
)
# Protocol A's comparator: the subregions straight from the scan.
RECIPES["striatum-one-stage"] = replace(RECIPES["striatum-outline"], name="striatum-one-stage", outputs=PARTS)


@dataclass(frozen=True)
class StartSettings:
    """The weights that a run begins with.

    Attributes:
        weights: ``best.pt`` or ``last.pt`` of another run, or a network file (.onnx).
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
class PairSettings:
    """A user's scans with label maps, to train on.

    Attributes:
        folder: Where they are, see ``pairs.find_pairs``.
        scheme: What the labels mean: a shipped scheme's name or a scheme file (.tsv); the table's own labels of what
            the network outlines if empty. The names in it become the network's outputs.
        word: Only label maps with this word in their name.
        held_out: People whose names contain one of these words validate; a share of all if empty.
        held_out_share: The share.
        locate: Whole-head network that finds the head, a name or the path of an .onnx file; that of the task if empty.
        unit: Of susceptibility maps, ``ppm`` or ``ppb``; ppm, and refused where they do not look like it, if empty.
        masks: Whether every scan has a brain mask, ``X_mask.nii.gz``, outside which it is set to zero.

    Raises:
        SettingsError: A share that is not between 0 and 1, or an unknown unit.
    """

    folder: Path
    scheme: str = ""
    word: str = ""
    held_out: tuple[str, ...] = ()
    held_out_share: float = 0.2
    locate: str = ""
    unit: str = ""
    masks: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.held_out_share < 1:
            raise SettingsError(f"A share between 0 and 1 to hold out is wanted, {self.held_out_share} came.")
        if self.unit not in ("", "ppm", "ppb"):
            raise SettingsError(f"Pairs in ppm or ppb are wanted, '{self.unit}' came.")

    def labels_of(self, network: str) -> Scheme:
        """What the labels mean.

        Raises:
            SettingsError: No such scheme, or it has structures without a side.
        """
        if not self.scheme:
            keys = [f"{side} {name}" for side in HEMISPHERES for name in RECIPES[network].outputs]
            return Scheme(network, tuple(structure(key) for key in keys))
        found = scheme_from_file(Path(self.scheme)) if self.scheme.endswith(".tsv") else scheme(self.scheme)
        middle = [s.name for s in found.structures if s.side is Side.MIDLINE]
        if middle:
            raise SettingsError(
                f"Structures with a side are wanted for a network that sees one side, {', '.join(middle)} came."
            )
        return found


@dataclass(frozen=True)
class TrainSettings:
    """One training run.

    Attributes:
        network: Which network, one of ``RECIPES``.
        anatomies: Folder of whole-head label maps to simulate scans from, or None where there are pairs.
        out: Folder of the run: settings, checkpoint, log, plot.
        nuclei: Folder of subcortical label maps, or None.
        atlas: Label map of the CIT168 atlas whose midbrain nuclei are used besides those of the heads, or None.
        atrophied: For striatal networks and those for SPECT: copies of each training anatomy that lost tissue.
        camera: For networks for SPECT: people whom the full camera images before the training begins.
        cache: Folder for prepared label maps; ``out``/cache if None.
        held_out: Anatomies whose names contain one of these words validate and never train.
        steps: Optimiser steps.
        batch: Samples of a step.
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
        pairs: Scans with label maps to train on instead of simulated ones.
    """

    network: str
    anatomies: Path | None
    out: Path
    nuclei: Path | None = None
    atlas: Path | None = None
    atrophied: int = 0
    camera: int = 0
    cache: Path | None = None
    held_out: tuple[str, ...] = HELD_OUT
    steps: int = 8000
    batch: int = 1
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
    pairs: PairSettings | None = None

    def __post_init__(self) -> None:
        if self.network not in RECIPES:
            raise SettingsError(f"A network is wanted, one of {', '.join(RECIPES)}; '{self.network}' came.")
        if (self.anatomies is None) == (self.pairs is None):
            raise SettingsError("Either label maps to simulate scans from or pairs of scans and label maps are wanted.")
        recipe = RECIPES[self.network]
        if self.pairs is not None and (not recipe.mirrored or len(recipe.inputs) > 1 or recipe.is_wide):
            raise SettingsError(f"A network that outlines one side is wanted for pairs, '{self.network}' came.")
        if min(self.atrophied, self.camera) < 0:
            raise SettingsError(
                f"Copies with atrophy and people in the camera, 0 or more, are wanted; {self.atrophied} and "
                f"{self.camera} came."
            )
        if self.camera and (self.pairs is not None or recipe.modality != "spect"):
            raise SettingsError(
                f"A network for SPECT that learns from label maps is wanted with people in the camera, "
                f"'{self.network}'{' with pairs' if self.pairs else ''} came."
            )
        if recipe.is_wide and not self.camera:
            raise SettingsError(f"People in the camera are wanted for '{self.network}', it learns from nobody else.")
        if min(self.steps, self.batch, self.validate_every) < 1 or not self.learning_rate > 0:
            raise SettingsError("Positive steps, batch, validate_every and learning_rate are wanted.")

    @property
    def recipe(self) -> Recipe:
        """Recipe of the network; pairs bring their own names, and borders that are where a person drew them."""
        recipe = RECIPES[self.network]
        if self.pairs is None:
            return recipe
        names = dict.fromkeys(s.name for s in self.pairs.labels_of(self.network).structures)
        return replace(recipe, outputs=tuple(names), border_logit=0.0, output_logits=())

    def to_json(self) -> str:
        """The settings as JSON text."""
        return json.dumps(asdict(self), default=str, indent=2, sort_keys=True)
