"""What a run leaves behind for people and for inference: plot, network file, card."""

from __future__ import annotations

import csv
from pathlib import Path

import torch

from deepgray.evaluate.plots import new_figure
from deepgray.train.export import export
from deepgray.train.settings import TrainSettings


def write_up(settings: TrainSettings) -> Path:
    """Export the best weights of a run, plot its log, and generate its card.

    Returns:
        The network file.
    """
    target = settings.out / f"{settings.network}.onnx"
    sha256 = export(settings.out / "best.pt", target)
    plot(settings.out / "log.csv", settings.out / "log.png", scans=_held_out(settings))
    (settings.out / f"{settings.network}.md").write_text(card(settings, sha256), encoding="utf-8")
    return target


def plot(log: Path, picture: Path, *, scans: str = "simulated scans of held-out heads") -> None:
    """Loss and validation score on ``scans`` against steps."""
    with log.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    steps = [float(r["step"]) for r in rows]
    figure = new_figure(width_inches=7, height_inches=4)
    left = figure.add_subplot()
    left.plot(steps, [float(r["loss"]) for r in rows], color="tab:gray", label="training loss")
    left.set(xlabel="step", ylabel="training loss")
    right = left.twinx()
    right.plot(steps, [float(r["validation"]) for r in rows], color="tab:blue", marker=".", label="validation score")
    right.set_ylabel(f"validation score, {scans}", color="tab:blue")
    figure.savefig(picture, dpi=120)


def card(settings: TrainSettings, sha256: str) -> str:
    """The part of a network's card that a run knows by itself, Markdown."""
    kept = torch.load(settings.out / "best.pt", weights_only=True)
    recipe = settings.recipe
    size = sum(v.numel() for v in kept["weights"].values())
    return "\n".join(
        [
            f"# {recipe.name} {recipe.version}",
            "",
            f"- sha256: `{sha256}`",
            f"- network: U-Net, widths {', '.join(map(str, kept['widths']))}, {size / 1e6:.2f} million parameters",
            f"- sees: {recipe.wide_low_mm or recipe.low_mm} to {recipe.wide_high_mm or recipe.high_mm} mm at "
            f"{recipe.wide_spacing_mm or recipe.spacing_mm:g} mm, {', '.join(recipe.inputs)}",
            f"- gives: {', '.join(recipe.outputs)} in {recipe.low_mm} to {recipe.high_mm} mm at "
            f"{recipe.spacing_mm:g} mm",
            f"- trained on: {_sources(settings)}",
            *(
                []
                if settings.start is None
                else [f"- began with the weights in `{'/'.join(settings.start.weights.parts[-2:])}`"]
            ),
            f"- steps: {kept['step']} of {settings.steps} planned, seed {settings.seed}",
            f"- score on {_held_out(settings)} while training: {kept['score']:.4f}",
            "",
        ]
    )


def _held_out(settings: TrainSettings) -> str:
    return "simulated scans of held-out heads" if settings.pairs is None else "held-out pairs"


def _sources(settings: TrainSettings) -> str:
    if settings.pairs is not None:
        return f"pairs of scans and label maps in `{settings.pairs.folder.name}`"
    sources = [f"label maps in `{settings.anatomies.name}`"] if settings.anatomies else []
    if settings.nuclei is not None:
        sources.append(f"nuclei in `{settings.nuclei.name}`, placed in heads of the former")
    return f"simulated scans of {' and '.join(sources)}; no real scan"
