"""Training a baseline on crops, keeping it, going on after a stop, and outlining with it."""

from __future__ import annotations

import hashlib
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepgray.errors import ModelError, SettingsError
from deepgray.train.baselines.augment import augmented
from deepgray.train.baselines.learning import Adversarial, Learner, Plain, Supervised
from deepgray.train.baselines.networks import WorkBUNet, new_generator
from deepgray.train.baselines.recipes import NNUNET, BaselineSettings, settings_from_json
from deepgray.train.networks import UNet
from deepgray.train.precision import mixed_precision
from deepgray.train.slice_training import Cases
from deepgray.train.transfer import save_whole

# Left and right caudate and putamen, and what is none of them.
CLASSES = 5
# Keeps the seeds of two steps of two runs apart.
SEED_STRIDE = 1_000_003
FLAT = 1e-6
Told = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Trained:
    """A baseline that has learnt.

    Attributes:
        network: That of the best validation.
        settings: How it was made.
        score: Its mean Dice on the crops that validated it.
        step: When it was the best.
        seconds: Of training, all runs together.
        key: Tells settings and data from others.
    """

    network: WorkBUNet | UNet
    settings: BaselineSettings
    score: float
    step: int
    seconds: float
    key: str


def fit(
    training: Cases, validation: Cases, settings: BaselineSettings, *, folder: Path, told: Told | None = None
) -> Trained:
    """Train a baseline, or go on where an earlier run stopped, or take what is finished.

    Args:
        training: Crops of the settings' shape, and class indices 0–4.
        validation: Crops that decide which network is kept.
        settings: The recipe.
        folder: Keeps ``last.pt`` while it goes on, and ``best.pt``.
        told: Is told a line at each validation.

    Raises:
        SettingsError: The folder was made with other settings or crops.
        ModelError: What the folder holds cannot be read.
    """
    key = fingerprint(training, validation, settings)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(settings.seed)
    learner = new_learner(settings)
    learner.generator.to(device)
    images, classes = tensors(training, settings)
    judged = tensors(validation, settings)
    done = _resumed(learner, folder / "last.pt", key)
    began = time.monotonic() - done["seconds"]
    while done["step"] < settings.steps:
        done["step"] += 1
        generator = torch.Generator().manual_seed(settings.seed * SEED_STRIDE + done["step"])
        chosen = torch.randint(len(images), (settings.batch,), generator=generator)
        image, target = augmented(images[chosen], classes[chosen].long(), settings.augmentation, generator)
        learner.generator.train()
        with mixed_precision(device):
            loss = learner.learn(image.to(device), target.to(device), left=1 - (done["step"] - 1) / settings.steps)
        if done["step"] % settings.validate_every == 0 or done["step"] == settings.steps:
            _validated(learner, judged, done)
            done["seconds"] = time.monotonic() - began
            save_whole({"key": key, "done": done, **learner.state()}, folder / "last.pt")
            if told:
                told(
                    f"{settings.arm}: step {done['step']} of {settings.steps}, loss {loss:.3f}, Dice {done['now']:.3f}"
                )
    network = new_generator(settings, CLASSES)
    network.load_state_dict(done["best"])
    trained = Trained(network.eval(), settings, done["score"], done["best_step"], done["seconds"], key)
    save(trained, folder / "best.pt")
    return trained


def new_learner(settings: BaselineSettings) -> Learner:
    """What trains an arm, untrained."""
    if settings.adversary is not None:
        return Adversarial(settings, settings.adversary, CLASSES)
    return Supervised(settings, CLASSES) if settings.arm == NNUNET else Plain(settings, CLASSES)


def scaled(image: NDArray[np.float32], intensity: str) -> NDArray[np.float32]:
    """A crop's intensities as a baseline sees them: ``z-score`` or ``min-max``, of the crop itself."""
    if intensity == "min-max":
        low, high = float(image.min()), float(image.max())
        return np.asarray((image - low) / max(high - low, FLAT), dtype=np.float32)
    return np.asarray((image - image.mean()) / max(float(image.std()), FLAT), dtype=np.float32)


def tensors(cases: Cases, settings: BaselineSettings) -> tuple[Tensor, Tensor]:
    """Crops (cases, 1, x, y, z), scaled, and classes (cases, x, y, z) uint8.

    Raises:
        SettingsError: Crops of another shape.
    """
    for image in cases.images:
        if image.shape != settings.shape:
            raise SettingsError(f"Crops of {settings.shape} voxels are wanted, one of {image.shape} came.")
    images = np.stack([scaled(image, settings.intensity) for image in cases.images])[:, None]
    classes = np.stack([labels.astype(np.uint8) for labels in cases.labels])
    return torch.from_numpy(images), torch.from_numpy(classes)


def _validated(learner: Learner, judged: tuple[Tensor, Tensor], done: dict[str, Any]) -> None:
    """Note the score, and the network where it is the best so far."""
    done["now"] = mean_dice(learner.generator.eval(), *judged)
    if done["now"] > done["score"]:
        weights = {name: tensor.detach().cpu().clone() for name, tensor in learner.generator.state_dict().items()}
        done.update(score=done["now"], best_step=done["step"], best=weights)


def mean_dice(network: WorkBUNet | UNet, images: Tensor, classes: Tensor) -> float:
    """Mean Dice over the classes that occur, all crops together."""
    overlap, total = torch.zeros(CLASSES), torch.zeros(CLASSES)
    device = next(network.parameters()).device
    with torch.no_grad():
        for image, target in zip(images, classes, strict=True):
            found = network(image[None].to(device))[0].argmax(0).cpu()
            for number in range(1, CLASSES):
                one, other = found == number, target == number
                overlap[number] += 2 * (one & other).sum()
                total[number] += one.sum() + other.sum()
    wanted = [n for n in range(1, CLASSES) if bool((classes == n).any())]
    return float((overlap[wanted] / total[wanted]).mean())


def probabilities(trained: Trained, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Shares of the five classes in one crop.

    Args:
        trained: A baseline.
        image: (x, y, z) float32 of the settings' shape, as it came from the scanner.

    Returns:
        (5, x, y, z), adding up to one; background first.
    """
    seen = torch.from_numpy(scaled(image, trained.settings.intensity))[None, None]
    device = next(trained.network.parameters()).device
    with torch.no_grad():
        found = trained.network(seen.to(device)).softmax(1)[0].cpu().numpy()
    return np.asarray(found, dtype=np.float32)


def fingerprint(training: Cases, validation: Cases, settings: BaselineSettings) -> str:
    """Tells settings and crops from others, 16 hexadecimal digits."""
    digest = hashlib.sha256(settings.to_json().encode())
    for cases in (training, validation):
        for image, labels in zip(cases.images, cases.labels, strict=True):
            digest.update(np.ascontiguousarray(image).tobytes())
            digest.update(np.ascontiguousarray(labels).tobytes())
    return digest.hexdigest()[:16]


def _resumed(learner: Learner, path: Path, key: str) -> dict[str, Any]:
    """How far an earlier run came; its learner goes on from there."""
    if not path.exists():
        return {"step": 0, "seconds": 0.0, "score": -1.0, "best_step": 0, "best": {}, "now": 0.0}
    kept = _read(path)
    if kept["key"] != key:
        raise SettingsError(f"A folder of the same settings and crops is wanted, {path} was made with others.")
    learner.resume(kept)
    done: dict[str, Any] = kept["done"]
    return done


def save(trained: Trained, path: Path) -> None:
    """Keep a trained baseline, whole or not at all."""
    told = {"score": trained.score, "step": trained.step, "seconds": trained.seconds, "key": trained.key}
    weights = trained.network.state_dict()
    save_whole({"weights": weights, "settings": trained.settings.to_json(), **told}, path)


def load(path: Path) -> Trained:
    """A baseline that ``save`` kept.

    Raises:
        ModelError: Missing, or another file.
    """
    kept = _read(path)
    try:
        settings = settings_from_json(kept["settings"])
        network = new_generator(settings, CLASSES)
        network.load_state_dict(kept["weights"])
        return Trained(network.eval(), settings, kept["score"], kept["step"], kept["seconds"], kept["key"])
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        raise ModelError(f"A baseline of deepgray is wanted, {path} cannot be read: {error}") from error


def _read(path: Path) -> dict[str, Any]:
    try:
        kept: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
        return kept
    except (OSError, EOFError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        raise ModelError(f"A checkpoint of a baseline is wanted, {path} cannot be read: {error}") from error
