"""``deepgray train``: a network from label maps, resumed where it stopped, exported with its card."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from deepgray.cli.output import news, writable_folder
from deepgray.errors import MissingExtraError

# Widths and patch of each network as it ships.
_SHAPES: dict[str, tuple[tuple[int, ...], int]] = {
    "head-locate": ((24, 48, 96, 128), 2),
    "striatum-outline": ((16, 32, 64, 128), 1),
    "striatum-subdivide": ((12, 24, 48, 96), 1),
}


@Parameter(name="*")
@dataclass(frozen=True)
class TrainCommand:
    """What ``deepgray train`` does.

    Attributes:
        network: Which network.
        anatomies: Folder of whole-head label maps, *_dseg.nii.gz with FreeSurfer's numbers; beside each may stand
            *_striatum12.nii.gz.
        output: Folder of the run: settings, checkpoints, log, plot, network file and card. A run that was stopped
            goes on from there.
        nuclei: Folder of subcortical label maps with the numbers of the Harvard-Oxford atlas 2.0.
        cache: Folder for prepared label maps, to share between runs.
        held_out: Anatomies whose names contain one of these words validate and never train.
        steps: Optimiser steps.
        learning_rate: Highest learning rate.
        validate_every: Steps between validations.
        patience: Validations without improvement before the run stops.
        threads: CPU threads.
        workers: Processes that make samples.
        seed: Of everything random.
    """

    network: Literal["head-locate", "striatum-outline", "striatum-subdivide"]
    _: KW_ONLY
    anatomies: Path
    output: Annotated[Path, Parameter(alias="-o")]
    nuclei: Path | None = None
    cache: Path | None = None
    held_out: tuple[str, ...] = ("anatomy-05", "anatomy-09", "anatomy-12")
    steps: int = 8000
    learning_rate: float = 2e-3
    validate_every: int = 250
    patience: int = 20
    threads: int = 2
    workers: int = 0
    seed: int = 1


def train(command: TrainCommand) -> int:
    """Train a network on scans simulated from label maps.

    The path of the network file goes to standard output.
    """
    try:
        from deepgray.train import loop, settings, writing  # noqa: PLC0415 (torch is slow, and an extra)
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"Training wants {error.name}: pip install 'deepgray[train]'.") from error
    writable_folder(command.output)
    widths, patch = _SHAPES[command.network]
    run = settings.TrainSettings(
        network=command.network,
        anatomies=command.anatomies,
        out=command.output,
        nuclei=command.nuclei,
        cache=command.cache,
        held_out=command.held_out,
        steps=command.steps,
        learning_rate=command.learning_rate,
        widths=widths,
        patch=patch,
        validate_every=command.validate_every,
        patience=command.patience,
        threads=command.threads,
        workers=command.workers,
        seed=command.seed,
    )
    news(f"Training {command.network}; interrupt it at any time, the same command goes on.")
    loop.train(run)
    print(writing.write_up(run))
    return 0
