"""The arms of protocol D: the 2.5-D network with transfer, without it, and without attention, each of several folds.

A source set is learnt first; its network is the start for the folds of the target set, which are averaged. What is
finished is kept in a folder and not done again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepgray.errors import SettingsError
from deepgray.train.slice_training import Cases, Fitted, SliceSettings, fit, load, predict, save
from deepgray.train.transfer import Checkpoint

TRANSFER, NO_TRANSFER, NO_ATTENTION = "transfer", "no transfer", "no attention"
ARMS = (TRANSFER, NO_TRANSFER, NO_ATTENTION)


@dataclass(frozen=True)
class ArmSettings:
    """A comparison of arms.

    Attributes:
        source: How the source network is made.
        target: How the target networks are made; ``attention`` is switched off where an arm says so.
        folder: Where finished networks are kept: ``<arm>/source.pt``, ``<arm>/fold-1.pt`` …
        folds: Into how many parts the target cases are divided; each validates once.
        arms: Which arms: ``transfer``, ``no transfer``, ``no attention`` (which is with transfer).

    Raises:
        SettingsError: Fewer than two folds, or no such arm.
    """

    source: SliceSettings
    target: SliceSettings
    folder: Path
    folds: int = 5
    arms: tuple[str, ...] = ARMS

    def __post_init__(self) -> None:
        unknown = sorted(set(self.arms) - set(ARMS))
        if unknown or self.folds < 2:
            raise SettingsError(
                f"Two folds or more and arms of {', '.join(ARMS)} are wanted; {self.folds} and {unknown} came."
            )


@dataclass(frozen=True, eq=False)
class ArmResult:
    """What one arm gave.

    Attributes:
        arm: Its name.
        labels: Label map of each test volume, folds averaged.
        scores: Of each fold, mean Dice on the slices that validated it.
        seconds: Training of all its folds.
        source_seconds: Training of its source network; 0 without transfer.
        folds: The networks.
    """

    arm: str
    labels: tuple[NDArray[np.int16], ...]
    scores: tuple[float, ...]
    seconds: float
    source_seconds: float
    folds: tuple[Fitted, ...]


def run_arms(
    source: Cases, target: Cases, test: Sequence[NDArray[np.float32]], *, settings: ArmSettings
) -> tuple[ArmResult, ...]:
    """Train every arm and label the test volumes, or take what is finished already.

    Args:
        source: Where transfer begins: many volumes with other classes.
        target: Volumes that are divided into folds.
        test: Volumes to label, (x, y, z) float32 each, on the target's grid.
        settings: Networks, folds, arms, and where to keep what is finished.

    Returns:
        One result for each arm, in their order.

    Raises:
        SettingsError: Fewer cases than folds, or the folder holds networks of other settings or data.
    """
    for cases, whose in ((source, "source"), (target, "target")):
        if len(cases.images) < settings.folds:
            raise SettingsError(f"At least {settings.folds} {whose} cases are wanted, {len(cases.images)} came.")
    return tuple(_arm(arm, source, target, test, settings=settings) for arm in settings.arms)


def _arm(
    arm: str, source: Cases, target: Cases, test: Sequence[NDArray[np.float32]], *, settings: ArmSettings
) -> ArmResult:
    folder = settings.folder / arm.replace(" ", "-")
    attention = arm != NO_ATTENTION
    start: Checkpoint | None = None
    source_seconds = 0.0
    if arm != NO_TRANSFER:
        begun = _fold(source, 0, replace(settings.source, attention=attention), settings.folds, folder / "source.pt")
        start, source_seconds = begun.checkpoint("the source network"), begun.seconds
    made = replace(settings.target, attention=attention)
    folds = [
        _fold(target, number, made, settings.folds, folder / f"fold-{number + 1}.pt", start=start)
        for number in range(settings.folds)
    ]
    labels = tuple(predict(folds, image) for image in test)
    scores, seconds = tuple(f.score for f in folds), sum(f.seconds for f in folds)
    return ArmResult(arm, labels, scores, seconds, source_seconds, tuple(folds))


def _fold(  # noqa: PLR0913 (a fold is its cases, its number, how, of how many, where, and from what)
    cases: Cases, number: int, how: SliceSettings, folds: int, kept: Path, *, start: Checkpoint | None = None
) -> Fitted:
    """Train one fold, or load it where it is kept."""
    mark = kept.with_suffix(".txt")
    wanted = f"{how.to_json()}\nfold {number + 1} of {folds}\n{_fingerprint(cases, start)}\n"
    if kept.exists() and mark.exists():
        if mark.read_text(encoding="utf-8") != wanted:
            raise SettingsError(f"A folder of the same settings and data is wanted, {kept} was made with others.")
        return load(kept)
    held = [n for n in division(len(cases.images), folds, seed=how.seed)[number]]
    others = [n for n in range(len(cases.images)) if n not in held]
    fitted = fit(cases.chosen(others), cases.chosen(held), how, start=start)
    kept.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(wanted, encoding="utf-8")
    save(fitted, kept)
    return fitted


def division(count: int, folds: int, *, seed: int) -> list[list[int]]:
    """Numbers below ``count`` divided at random into parts of nearly one size, the same ones every time."""
    order = np.random.default_rng(seed).permutation(count)
    return [sorted(int(n) for n in order[first::folds]) for first in range(folds)]


def _fingerprint(cases: Cases, start: Checkpoint | None) -> str:
    """Tells data and first weights from others."""
    digest = hashlib.sha256()
    for image, labels in zip(cases.images, cases.labels, strict=True):
        digest.update(np.ascontiguousarray(image).tobytes())
        digest.update(np.ascontiguousarray(labels).tobytes())
    for name, tensor in sorted((start.weights if start else {}).items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().numpy().tobytes())
    return digest.hexdigest()
