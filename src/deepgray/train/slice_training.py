"""Training the 2.5-D network on plain arrays, keeping it, and labelling volumes with several of it together."""

from __future__ import annotations

import copy
import json
import pickle
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from torch import Tensor

from deepgray.errors import GeometryError, ModelError, SettingsError
from deepgray.train.attention import AttentionUNet, supervised_loss
from deepgray.train.slices import Jitter, SliceFrame, from_slices, largest_of_each, moved, to_slices, with_neighbours
from deepgray.train.transfer import Checkpoint, Ends, carry, save_whole
from deepgray.voxels.intensity import normalise

# An output is taken where several networks together are surer than this.
THRESHOLD = 0.5


@dataclass(frozen=True)
class SliceSettings:
    """How a 2.5-D network is made and trained.

    Attributes:
        classes: Names of the outputs, sides included (``left red nucleus``).
        labels: Label of each output in the arrays.
        frame: Which slices it sees.
        widths: Channels of each level.
        attention: Whether skip connections pass through gates.
        intensity: Name of the intensity scaling of a whole volume, see ``voxels.intensity``.
        jitter: How slices are moved while it learns.
        learning_rate: Of Adam.
        batch: Slices of one step.
        epochs: At most so many.
        patience: Epochs without improvement before it stops.
        empty_share: In each epoch, slices without any label for each slice with one.
        seed: Of everything random.

    Raises:
        SettingsError: Names and labels differ in number or repeat, or the crop cannot be halved often enough.
    """

    classes: tuple[str, ...]
    labels: tuple[int, ...]
    frame: SliceFrame = field(default_factory=lambda: SliceFrame(axis=2, crop=128))
    widths: tuple[int, ...] = (32, 64, 128, 256, 512)
    attention: bool = True
    intensity: str = "percentiles"
    jitter: Jitter = field(default_factory=Jitter)
    learning_rate: float = 1e-4
    batch: int = 32
    epochs: int = 200
    patience: int = 20
    empty_share: float = 0.25
    seed: int = 1

    def __post_init__(self) -> None:
        if not self.classes or len(self.classes) != len(self.labels) or len(set(self.labels)) < len(self.labels):
            raise SettingsError(f"A label of its own for every class is wanted, {self.classes}, {self.labels} came.")
        if min(self.labels) < 1 or min(self.batch, self.epochs, self.patience) < 1 or len(self.widths) < 2:
            raise SettingsError("Labels, batch, epochs and patience above 0 and two levels or more are wanted.")
        least = 2 ** len(self.widths)  # two pixels at the coarsest level, or a batch of one has no spread there
        if self.frame.crop % (least // 2) or self.frame.crop < least:
            raise SettingsError(
                f"A crop of {least} pixels or more that can be halved {len(self.widths) - 1} times is wanted, "
                f"{self.frame.crop} came."
            )

    def to_json(self) -> str:
        """The settings as JSON text."""
        return json.dumps(asdict(self), sort_keys=True)


def settings_from_json(text: str) -> SliceSettings:
    """The settings that ``SliceSettings.to_json`` wrote."""
    values = _as_tuples(json.loads(text))
    values["frame"] = SliceFrame(**values["frame"])
    values["jitter"] = Jitter(**_as_tuples(values["jitter"]))
    return SliceSettings(**values)


def _as_tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}


@dataclass(frozen=True, eq=False)
class Cases:
    """Volumes with their label maps.

    Attributes:
        images: (x, y, z) float32 each, or one array (n, x, y, z).
        labels: Integers of the same shapes; 0 is background.

    Raises:
        GeometryError: Not as many, or of other shapes.
    """

    images: Sequence[NDArray[np.float32]] | NDArray[np.float32]
    labels: Sequence[NDArray[np.integer]] | NDArray[np.integer]

    def __post_init__(self) -> None:
        shapes = [[v.shape for v in volumes] for volumes in (self.images, self.labels)]
        if shapes[0] != shapes[1] or not shapes[0]:
            raise GeometryError(f"A label map of its shape for every volume is wanted, {shapes[0]}, {shapes[1]} came.")

    def chosen(self, numbers: Sequence[int]) -> Cases:
        """Those with these numbers."""
        return Cases([self.images[n] for n in numbers], [self.labels[n] for n in numbers])


@dataclass(frozen=True, eq=False)
class Fitted:
    """A trained network.

    Attributes:
        network: Ready to be used.
        settings: How it was made.
        score: Mean Dice over classes, on slices of the volumes that validated.
        epochs: How many it was trained.
        seconds: Wall-clock time of the training.
    """

    network: AttentionUNet
    settings: SliceSettings
    score: float
    epochs: int
    seconds: float

    def checkpoint(self, where: str = "another network") -> Checkpoint:
        """Its weights, to begin another one with."""
        return Checkpoint(self.network.state_dict(), ("image",), self.settings.classes, where)


def new_network(settings: SliceSettings, start: Checkpoint | None = None) -> AttentionUNet:
    """An untrained network, or one that begins with the weights of another.

    Raises:
        ModelError: The weights fit nothing.
    """
    torch.manual_seed(settings.seed)
    network = AttentionUNet(1 + len(settings.classes), settings.widths, attention=settings.attention)
    if start is not None:
        heads = tuple(f"heads.{n}" for n in range(len(network.heads)))
        carry(network, start, Ends("", heads, ("image",), settings.classes))
    return network


def fit(training: Cases, validation: Cases, settings: SliceSettings, *, start: Checkpoint | None = None) -> Fitted:
    """Train a network until it no longer improves on other volumes.

    Args:
        training: Volumes to learn from.
        validation: Volumes to stop by.
        settings: How.
        start: Weights to begin with.

    Returns:
        The network as it was when it was best.

    Raises:
        SettingsError: No slice holds any of the labels.
        ModelError: ``start`` fits nothing.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = new_network(settings, start).to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a fifth faster on a CPU
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    images, classes = _slices(training, settings, device)
    judged = _slices(validation, settings, device)
    best, best_score, best_epoch, epoch = copy.deepcopy(network), -1.0, 0, 0
    began = time.monotonic()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("epochs", total=settings.epochs)
        while epoch < settings.epochs and epoch - best_epoch < settings.patience:
            epoch += 1
            network.train()
            for chosen in _batches(classes, settings):
                image, target = moved(images[chosen], classes[chosen].long(), settings.jitter)
                loss = supervised_loss(network.all_scales(image), target)
                optimiser.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
            score = _score(network.eval(), *judged, settings)
            if score > best_score:
                best, best_score, best_epoch = copy.deepcopy(network), score, epoch
            progress.update(bar, completed=epoch, description=f"epochs, best Dice {best_score:.3f}")
    return Fitted(best.eval(), settings, best_score, epoch, time.monotonic() - began)


def _slices(cases: Cases, settings: SliceSettings, device: torch.device) -> tuple[Tensor, Tensor]:
    """Every slice with its neighbours (slices, 3, h, w), and classes (slices, h, w) uint8."""
    images = [with_neighbours(_prepared(image, settings)) for image in cases.images]
    classes = []
    for labels in cases.labels:
        made = np.zeros(labels.shape, dtype=np.uint8)
        for number, label in enumerate(settings.labels, start=1):
            made[labels == label] = number
        classes.append(to_slices(made, settings.frame))
    if not any(c.any() for c in classes):
        raise SettingsError(f"Slices that hold one of the labels {settings.labels} are wanted, none does.")
    seen = torch.from_numpy(np.concatenate(images)).to(device, memory_format=torch.channels_last)
    return seen, torch.from_numpy(np.concatenate(classes)).to(device)


def _prepared(image: NDArray[np.float32], settings: SliceSettings) -> NDArray[np.float32]:
    scaled = normalise(np.asarray(image, dtype=np.float32), settings.intensity)
    return np.asarray(to_slices(scaled, settings.frame), dtype=np.float32)


def _batches(classes: Tensor, settings: SliceSettings) -> list[Tensor]:
    """Slices of one epoch in random order: all with a label, and some without."""
    labelled = classes.flatten(1).any(1)
    full, empty = (torch.nonzero(mask)[:, 0].cpu() for mask in (labelled, ~labelled))
    some = empty[torch.randperm(len(empty))[: round(settings.empty_share * len(full))]]
    order = torch.cat([full, some])
    return list(torch.split(order[torch.randperm(len(order))], settings.batch))


def _score(network: AttentionUNet, images: Tensor, classes: Tensor, settings: SliceSettings) -> float:
    """Mean Dice over the classes that occur, all slices together."""
    count = 1 + len(settings.classes)
    overlap, total = torch.zeros(count), torch.zeros(count)
    with torch.no_grad():
        for image, target in zip(
            torch.split(images, settings.batch), torch.split(classes, settings.batch), strict=True
        ):
            found = network(image).argmax(1)
            for number in range(1, count):
                one, other = found == number, target == number
                overlap[number] += 2 * (one & other).sum().cpu()
                total[number] += (one.sum() + other.sum()).cpu()
    wanted = [n for n in range(1, count) if bool((classes == n).any())]
    return float((overlap[wanted] / total[wanted]).mean())


def probabilities(fitted: Fitted, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities of the classes, slice by slice.

    Args:
        fitted: A trained network.
        image: (x, y, z) float32.

    Returns:
        (classes, x, y, z) without the background; 0 outside the crop.
    """
    stack = torch.from_numpy(with_neighbours(_prepared(image, fitted.settings)))
    device = next(fitted.network.parameters()).device
    with torch.no_grad():
        parts = [fitted.network(part.to(device)).softmax(1).cpu() for part in torch.split(stack, fitted.settings.batch)]
    found = torch.cat(parts)[:, 1:].movedim(1, 0).numpy()
    return from_slices(found, (image.shape[0], image.shape[1], image.shape[2]), fitted.settings.frame)


def predict(ensemble: Sequence[Fitted], image: NDArray[np.float32]) -> NDArray[np.int16]:
    """Labels by the mean of several networks: where one class passes a half, and only its largest component.

    Args:
        ensemble: Networks of the same classes, those of the folds.
        image: (x, y, z) float32.

    Returns:
        (x, y, z) labels of the settings.
    """
    mean = np.mean([probabilities(fitted, image) for fitted in ensemble], axis=0)
    table = np.array(ensemble[0].settings.labels, dtype=np.int16)
    return largest_of_each(np.where(mean.max(0) > THRESHOLD, table[mean.argmax(0)], 0).astype(np.int16))


def save(fitted: Fitted, path: Path) -> None:
    """Keep a trained network, whole or not at all."""
    kept = {
        "weights": fitted.network.state_dict(),
        "settings": fitted.settings.to_json(),
        "score": fitted.score,
        "epochs": fitted.epochs,
        "seconds": fitted.seconds,
    }
    save_whole(kept, path)


def load(path: Path) -> Fitted:
    """A network that ``save`` kept.

    Raises:
        ModelError: Missing, or another file.
    """
    try:
        kept = torch.load(path, weights_only=True, map_location="cpu")
        settings = settings_from_json(kept["settings"])
        network = AttentionUNet(1 + len(settings.classes), settings.widths, attention=settings.attention)
        network.load_state_dict(kept["weights"])
        return Fitted(network.eval(), settings, kept["score"], kept["epochs"], kept["seconds"])
    except (OSError, EOFError, KeyError, RuntimeError, TypeError, ValueError, pickle.UnpicklingError) as error:
        raise ModelError(f"A 2.5-D network of deepgray is wanted, {path} cannot be read: {error}") from error
