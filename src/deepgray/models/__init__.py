"""The networks and tasks that deepgray ships, and those of a user by path.

A shipped network is checked against the checksum in ``catalogue.toml`` once per process before it is used.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from deepgray.engine import Network, open_network
from deepgray.errors import ChecksumError, ModelError
from deepgray.models.catalogue import Entry, entries, entry
from deepgray.models.intervals import Calibration, calibration
from deepgray.models.tasks import task, task_names
from deepgray.recipe import Recipe, Task

__all__ = [
    "Calibration",
    "Entry",
    "Model",
    "absent",
    "calibration",
    "card",
    "entries",
    "entry",
    "load",
    "names",
    "task",
    "task_names",
    "verify",
]


@dataclass(frozen=True, eq=False)
class Model:
    """A network with its papers.

    Attributes:
        name: Name of the network.
        version: Version of its weights.
        sha256: Checksum of its file.
        network: The network, ready to run.
        recipe: What it wants and what it gives.
        card: Its card, Markdown; empty for a user's own file.
        beside: A network of another kind that is asked the same: the mean of both answers counts.
    """

    name: str
    version: str
    sha256: str
    network: Network
    recipe: Recipe
    card: str
    beside: Model | None = None

    @property
    def weights(self) -> str:
        """What all its answers come from: its checksum, and that of the network beside it after a plus sign."""
        return self.sha256 if self.beside is None else f"{self.sha256}+{self.beside.sha256}"


def names() -> tuple[str, ...]:
    """Names of the networks that ship, in the order of the catalogue."""
    return tuple(e.name for e in entries())


def absent(task: Task) -> tuple[str, ...]:
    """Networks that a task names and that do not ship: neither in the catalogue nor paths; sorted."""
    named = (task.locate_model, task.also_model, task.outline_model, task.deep_model, task.subdivide_model)
    return tuple(sorted(name for name in {*named} - {"", *names()} if not name.endswith(".onnx")))


def load(name: str, *, threads: int | None = None, engine: str | None = None) -> Model:
    """A network by its name, or by the path of an ONNX file with a recipe inside.

    The network stays open: asked again for the same one, the same one is given.

    Args:
        name: One of ``names()``, or a path that ends in ``.onnx``.
        threads: Cores to use; all usable ones when None.
        engine: Name of the engine; the fastest installed one when None.

    Raises:
        SettingsError: No network has this name.
        ModelError: The weights file is missing or cannot be opened, or the network beside it gives something else.
        ChecksumError: The weights file is not the one that was shipped.
        MissingExtraError: The engine is not installed.
    """
    if name.endswith(".onnx"):
        path = Path(name)
        if not path.is_file():
            raise ModelError(f"A network file is wanted at {path}, there is none.")
        return _opened(path, checksum(path), threads, engine)
    shipped = entry(name)
    return _opened(shipped.path, verify(shipped), threads, engine)


@cache
def _opened(path: Path, sha256: str, threads: int | None, engine: str | None) -> Model:
    network = open_network(path, threads=threads, engine=engine)
    shipped = next((e for e in entries() if e.path == path), None)
    if shipped is None:
        return Model(network.recipe.name, network.recipe.version, sha256, network, network.recipe, "")
    beside = load(shipped.beside, threads=threads, engine=engine) if shipped.beside else None
    if beside is not None and beside.recipe.outputs != network.recipe.outputs:
        raise ModelError(
            f"A network beside '{shipped.name}' that gives {', '.join(network.recipe.outputs)} is wanted, "
            f"'{beside.name}' gives {', '.join(beside.recipe.outputs)}."
        )
    return Model(shipped.name, shipped.version, sha256, network, network.recipe, card(shipped.name), beside)


@cache
def verify(shipped: Entry) -> str:
    """Check a shipped weights file, once per process.

    Args:
        shipped: Entry of the catalogue.

    Returns:
        Its checksum.

    Raises:
        ModelError: The file is missing.
        ChecksumError: The file is not the one that was shipped.
    """
    if not shipped.path.is_file():
        raise ModelError(f"The weights of '{shipped.name}' are wanted at {shipped.path}, the file is not there.")
    came = checksum(shipped.path)
    if came != shipped.sha256:
        wanted = shipped.sha256 or "none (no weights are listed yet)"
        raise ChecksumError(f"{shipped.path}: sha256 {wanted} is wanted, {came} came.")
    return came


def checksum(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal text.

    Raises:
        ModelError: The file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"A readable network file is wanted, {path} is not: {error}.") from error


def card(name: str) -> str:
    """The card of a shipped network: what it was trained and tested on, and what it is not for.

    Returns:
        Markdown.

    Raises:
        SettingsError: No network has this name.
        ModelError: Its card is missing.
    """
    path = entry(name).card_path
    if not path.is_file():
        raise ModelError(f"The card of '{name}' is wanted at {path}, the file is not there.")
    return path.read_text(encoding="utf-8")
