"""``deepgray train``: a network from label maps or a user's pairs, resumed where it stopped, exported with its card."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.console import Console

from deepgray import models
from deepgray.cli.output import news, wants_train, writable_folder
from deepgray.errors import SettingsError
from deepgray.train.settings import HELD_OUT, RECIPES, PairSettings, StartSettings, TrainSettings

# Widths and patch of each network as it ships.
_SHAPES: dict[str, tuple[tuple[int, ...], int]] = {
    "head-locate": ((24, 48, 96, 128), 2),
    "striatum-outline": ((16, 32, 64, 128), 1),
    "deep-outline": ((16, 32, 64, 128), 1),
    "striatum-subdivide": ((12, 24, 48, 96), 1),
    "striatum-one-stage": ((16, 32, 64, 128), 1),
    "midbrain-outline": ((16, 32, 64, 128), 1),
    "dentate-outline": ((16, 32, 64, 128), 1),
    "head-locate-spect": ((16, 32, 64, 128), 1),
    "datspect-outline": ((16, 32, 64, 128), 1),
    "datspect-wide": ((32, 64, 96, 128), 1),
}


@Parameter(name="*")
@dataclass(frozen=True)
class TrainCommand:
    """What ``deepgray train`` does.

    Attributes:
        network: Which network.
        anatomies: Folder of whole-head label maps, *_dseg.nii.gz with FreeSurfer's numbers.
        pairs: Instead of label maps alone: a folder, BIDS dataset or BIDS derivative of scans with label maps, such as
            X.nii.gz beside X_dseg.nii.gz.
        scheme: What the labels of the pairs mean: a scheme's name or a table (.tsv) of label, name and side; deepgray's
            own labels when not given. Its names become the network's outputs.
        labels: Only label maps of the pairs with this word in their name.
        locate: Whole-head network that finds the head in the pairs, a name or an .onnx file.
        unit: Unit of the susceptibility maps among the pairs, where they do not look like ppm.
        masks: Every susceptibility map of the pairs has a brain mask beside it, X_mask.nii.gz: what lies outside is set
            to zero.
        start: Begin with these weights, a shipped network's name, an .onnx file, or best.pt or last.pt of another run:
            what fits is loaded, first and last layers are adapted.
        freeze: With --from: for so many steps only the output layers, and what was adapted or is new, learn.
        classes: With --from: NEW=OLD, an output that begins with one of the checkpoint's, where names do not say it.
        output: Folder of the run: settings, checkpoints, log, plot, network file and card. A run that was stopped
            goes on from there.
        nuclei: Folder of subcortical label maps with the numbers of the Harvard-Oxford atlas 2.0.
        atlas: Label map of the CIT168 atlas, for more shapes of the midbrain's nuclei.
        atrophied: For striatal networks and those for SPECT: copies of each training anatomy that lost tissue, made
            once: the first as in Huntington's disease, then Parkinson's, old age, advanced age.
        camera: For networks for SPECT: so many people are imaged by the full camera before the training begins, in
            about four seconds each, and kept; three quarters of what is shown are theirs.
        cache: Folder for prepared label maps, to share between runs.
        held_out: Anatomies, or people of the pairs, whose names contain one of these words validate and never train.
            When not given: three anatomies, or a fifth of the people.
        steps: Optimiser steps.
        batch: Samples of a step; on processors without AMX two at once take half as long a sample as one.
        learning_rate: Highest learning rate.
        validate_every: Steps between validations.
        patience: Validations without improvement before the run stops.
        threads: CPU threads.
        workers: Processes that make samples.
        seed: Of everything random.
    """

    network: Literal[
        "head-locate",
        "striatum-outline",
        "deep-outline",
        "striatum-subdivide",
        "striatum-one-stage",
        "midbrain-outline",
        "dentate-outline",
        "head-locate-spect",
        "datspect-outline",
        "datspect-wide",
    ]
    _: KW_ONLY
    anatomies: Path | None = None
    pairs: Path | None = None
    scheme: str = ""
    labels: str = ""
    locate: str = ""
    unit: Literal["ppm", "ppb"] | None = None
    masks: bool = False
    start: Annotated[str, Parameter(name="--from")] = ""
    freeze: int = 0
    classes: Annotated[tuple[str, ...], Parameter(name="--class")] = ()
    output: Annotated[Path, Parameter(alias="-o")]
    nuclei: Path | None = None
    atlas: Path | None = None
    atrophied: int = 0
    camera: int = 0
    cache: Path | None = None
    held_out: tuple[str, ...] = ()
    steps: int = 8000
    batch: int = 1
    learning_rate: float = 2e-3
    validate_every: int = 250
    patience: int = 20
    threads: int = 2
    workers: int = 0
    seed: int = 1


def train(command: TrainCommand) -> int:
    """Train a network on scans simulated from label maps, or on scans with label maps.

    The path of the network file goes to standard output.
    """
    with wants_train("Training wants"):
        from deepgray.train import loop, transfer, writing  # noqa: PLC0415 (torch is slow, and an extra)
    run = _settings(command)
    writable_folder(command.output)
    news(f"Training {command.network}; interrupt it at any time, the same command goes on.")
    loop.train(run, told=lambda carried: Console(stderr=True).print(transfer.table(carried)))
    print(writing.write_up(run))
    return 0


def _settings(command: TrainCommand) -> TrainSettings:
    widths, patch = _SHAPES[command.network]
    anatomies_held_out = (command.held_out if command.anatomies else ()) or HELD_OUT
    return TrainSettings(
        network=command.network,
        anatomies=command.anatomies,
        out=command.output,
        nuclei=command.nuclei,
        atlas=command.atlas,
        atrophied=command.atrophied,
        camera=command.camera,
        cache=command.cache,
        held_out=anatomies_held_out,
        steps=command.steps,
        batch=command.batch,
        learning_rate=command.learning_rate,
        widths=widths,
        patch=patch,
        validate_every=command.validate_every,
        patience=command.patience,
        threads=command.threads,
        workers=command.workers,
        seed=command.seed,
        start=_start(command),
        pairs=_pairs(command),
    )


def _start(command: TrainCommand) -> StartSettings | None:
    if not command.start:
        if command.freeze or command.classes:
            raise SettingsError("Weights to begin with (--from) are wanted with --freeze and --class, none came.")
        return None
    return StartSettings(_weights(command.start), tuple(_class(word) for word in command.classes), command.freeze)


def _weights(named: str) -> Path:
    """The file of a shipped network, or a path as it stands."""
    if named not in models.names():
        return Path(named)
    shipped = models.entry(named)
    models.verify(shipped)
    return shipped.path


def _class(word: str) -> tuple[str, str]:
    new, _, old = (part.strip().lower() for part in word.partition("="))
    if not (new and old):
        raise SettingsError(f"A class as NEW=OLD is wanted, '{word}' came.")
    return new, old


def _pairs(command: TrainCommand) -> PairSettings | None:
    if command.pairs is None:
        if command.scheme or command.labels or command.locate or command.unit or command.masks:
            raise SettingsError(
                "Scans with label maps (--pairs) are wanted with --scheme, --labels, --locate, --unit and --masks."
            )
        return None
    modality = RECIPES[command.network].modality
    if (command.unit or command.masks) and modality != "qsm":
        raise SettingsError(
            f"A network for susceptibility maps is wanted with --unit and --masks, '{command.network}' is for "
            f"'{modality}'."
        )
    return PairSettings(
        command.pairs,
        command.scheme,
        word=command.labels,
        held_out=command.held_out,
        locate=command.locate,
        unit=command.unit or "",
        masks=command.masks,
    )
