"""A training run, readable from top to bottom: settings, data, network, loop, checkpoint."""

from __future__ import annotations

import copy
import csv
import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import Progress
from torch import nn
from torch.utils.data import DataLoader

from deepgray.recipe import Recipe
from deepgray.simulate.mr import Appearance
from deepgray.train.camera_people import camera_people
from deepgray.train.heads import Sources, load_heads, load_hemispheres
from deepgray.train.losses import at_scales, both_sides_error, shares, uptake_error
from deepgray.train.networks import OutlineNetwork, WideUNet, network_of
from deepgray.train.nuclei_heads import load_nuclei_heads
from deepgray.train.pair_samples import PairSamples, pair_samples
from deepgray.train.precision import memory_order, mixed_precision
from deepgray.train.qsm_samples import QsmSamples
from deepgray.train.samples import EASY_SAMPLES, HeadSamples, HemisphereSamples, Sample
from deepgray.train.settings import TrainSettings
from deepgray.train.spect_heads import load_spect_heads
from deepgray.train.spect_samples import SpectHeadSamples, SpectOutlineSamples, SpectWideSamples
from deepgray.train.transfer import Ends, Transfer, carry, hold, read_checkpoint, save_whole

Stream = (
    HemisphereSamples
    | HeadSamples
    | QsmSamples
    | SpectOutlineSamples
    | SpectWideSamples
    | SpectHeadSamples
    | PairSamples
)
VALIDATION_SAMPLES = 16
VALIDATION_PEOPLE = 24
AVERAGE_DECAY = 0.998
CLIP_NORM = 5.0
LOG_COLUMNS = ("step", "seconds", "learning_rate", "loss", "validation")

HEAD_APPEARANCE = Appearance(
    rotation_degrees=25.0,
    shift_mm=18.0,
    displacement_mm=3.0,
    control_mm=40.0,
    t1_share=0.35,
    cropped_share=0.25,
    thick_mm=8.0,
)


@dataclass
class Run:
    """What changes while a run goes on, and is kept in its checkpoint.

    Attributes:
        step: Steps done.
        best: Best score so far.
        best_step: The step that reached it.
        seconds: Wall-clock seconds so far.
        log: Rows of ``log.csv``.
        free: Weights that a freeze lets go, where the run began with another network's.
        judged_by: Fingerprint of the validation samples that gave the scores.
    """

    step: int = 0
    best: float = -math.inf
    best_step: int = 0
    seconds: float = 0.0
    log: list[tuple[float, ...]] = field(default_factory=list)
    free: tuple[str, ...] = ()
    judged_by: str = ""


def train(settings: TrainSettings, *, told: Callable[[Transfer], None] | None = None) -> Path:
    """Train a network, or go on with a run that was interrupted.

    Args:
        settings: The run; written to ``settings.out`` beside the results.
        told: Called with what was carried over, where a run begins with the weights of another.

    Returns:
        The checkpoint with the best weights, ``best.pt``.
    """
    torch.set_num_threads(settings.threads)
    torch.set_default_device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(settings.seed)
    settings.out.mkdir(parents=True, exist_ok=True)
    (settings.out / "settings.json").write_text(settings.to_json(), encoding="utf-8")
    network = network_of(settings.recipe, settings.widths, patch=settings.patch)
    begun = _begin(settings, network, told)
    samples, validation = make_samples(settings)
    network.to(memory_format=memory_order(torch.get_default_device()))  # type: ignore[call-overload]
    average = copy.deepcopy(network)
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=1e-4)
    run = _resume(settings.out / "last.pt", network, average, optimiser) or begun
    _judge_again(settings, run, average, validation)
    # weights of another run have seen the easy ones
    samples.drawn = run.step * settings.batch + (EASY_SAMPLES if settings.start else 0)
    torch.manual_seed(settings.seed + run.step + 1)
    stream = iter(
        DataLoader(
            samples, batch_size=None, num_workers=settings.workers, prefetch_factor=2 if settings.workers else None
        )
    )
    recipe = settings.recipe
    tracer = recipe.border_logit if recipe.modality == "spect" and recipe.mirrored else None
    began, recent = time.monotonic() - run.seconds, 0.0
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(settings.network, total=settings.steps, completed=run.step)
        while run.step < settings.steps and not _tired(run, settings):
            hold(network, run.free if settings.start and run.step < settings.start.freeze else ())
            shown = list(islice(stream, settings.batch))
            loss = step(network, optimiser, shown, learning_rate(settings, run.step), tracer)
            run.step += 1
            blend(average, network, min(AVERAGE_DECAY, run.step / (run.step + 20)))
            recent = loss if recent == 0 else 0.98 * recent + 0.02 * loss
            progress.update(bar, completed=run.step, description=f"{settings.network} loss {recent:.3f}")
            if run.step % settings.validate_every == 0 or run.step == settings.steps:
                run.seconds = time.monotonic() - began
                score = validate(average, recipe, validation)
                _record(settings, run, (recent, score), (network, average, optimiser))
    return settings.out / "best.pt"


def _tired(run: Run, settings: TrainSettings) -> bool:
    """Whether the validation has not improved for too long."""
    return run.step - run.best_step >= settings.patience * settings.validate_every


def _begin(settings: TrainSettings, network: OutlineNetwork, told: Callable[[Transfer], None] | None) -> Run:
    """A new run, with the weights of another one where they are wanted."""
    if settings.start is None or (settings.out / "last.pt").exists():
        return Run()
    recipe = settings.recipe
    first = "gather" if settings.patch > 1 else "encoder.0.0.0"
    # those of a wide network are not alike: they fit as they are, or are new
    heads = () if recipe.is_wide else tuple(f"heads.{n}" for n in range(len(network.heads)))
    ends = Ends(first, heads, recipe.inputs, recipe.outputs)
    carried = carry(network, read_checkpoint(settings.start.weights), ends, dict(settings.start.classes))
    if told is not None:
        told(carried)
    return Run(free=carried.free)


def make_samples(settings: TrainSettings) -> tuple[Stream, list[Sample]]:
    """The endless training stream, and a fixed validation set from heads that are held out."""
    if settings.anatomies is None or settings.pairs is not None:
        return pair_samples(settings)
    cache = settings.cache or settings.out / "cache"
    sources = Sources(settings.anatomies, settings.nuclei, cache, settings.held_out, settings.atrophied)
    recipe = settings.recipe
    made: list[Stream] = []
    for held_out in (False, True):
        if recipe.modality == "qsm" and recipe.mirrored:
            sides = load_nuclei_heads(sources, recipe.name, recipe.box, held_out=held_out, atlas=settings.atlas)
            made.append(QsmSamples(sides, recipe, seed=settings.seed))
        elif recipe.modality == "spect":
            kind = SpectOutlineSamples if recipe.mirrored else SpectHeadSamples
            spect_heads = load_spect_heads(sources, held_out=held_out)
            # a few are enough to validate with: no more samples than VALIDATION_SAMPLES are drawn from them
            count = min(settings.camera, VALIDATION_PEOPLE) if held_out else settings.camera
            people = camera_people(spect_heads, count, cache)
            made.append(
                SpectWideSamples(recipe, people=people, seed=settings.seed)
                if recipe.is_wide
                else kind(spect_heads, recipe, people=people, seed=settings.seed)
            )
        elif recipe.mirrored:
            maps = load_hemispheres(sources, recipe.box, held_out=held_out)
            made.append(HemisphereSamples(maps, recipe, appearance=Appearance(), seed=settings.seed))
        else:
            heads = load_heads(sources, held_out=held_out)
            patch, seed = settings.patch, settings.seed
            made.append(HeadSamples(heads, recipe, appearance=HEAD_APPEARANCE, patch=patch, seed=seed))
    with torch.random.fork_rng():
        torch.manual_seed(20_240_229)
        validation = [made[1].draw() for _ in range(VALIDATION_SAMPLES)]
    return made[0], validation


def learning_rate(settings: TrainSettings, step_number: int) -> float:
    """Linear warm-up, then half a cosine down to nothing."""
    if step_number < settings.warmup:
        return settings.learning_rate * (step_number + 1) / settings.warmup
    done = (step_number - settings.warmup) / max(1, settings.steps - settings.warmup)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def step(
    network: OutlineNetwork,
    optimiser: torch.optim.Optimizer,
    samples: list[Sample],
    rate: float,
    tracer: float | None = None,
) -> float:
    """One optimiser step; the loss before it.

    Args:
        network: What learns.
        optimiser: Of its weights.
        samples: What it is shown at once.
        rate: Learning rate.
        tracer: For outlines in which a tracer is measured: the recipe's border logit; the mean intensity counts too.
    """
    for group in optimiser.param_groups:
        group["lr"] = rate
    device = next(network.parameters()).device
    inputs = torch.stack([sample.inputs for sample in samples]).to(device, memory_format=memory_order(device))
    with mixed_precision(device):
        outputs = network.all_scales(inputs)
    target = torch.stack([sample.target for sample in samples]).to(device)
    inside = torch.stack([sample.inside for sample in samples]).to(device)
    if isinstance(network, WideUNet):
        loss = both_sides_error(outputs, target, inputs[:, :, *network.near], steps=network.STEPS, tracer=tracer)
    else:
        loss = at_scales(outputs, target, inside)
        if tracer is not None:
            truth = shares(target, outputs[0].shape[1])
            loss = loss + uptake_error(outputs[0], truth, inputs[:, 0], border_logit=tracer)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(network.parameters(), CLIP_NORM)
    optimiser.step()
    return float(loss.detach())


def blend(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move the averaged weights a little towards the network's."""
    with torch.no_grad():
        for slow, fast in zip(average.parameters(), network.parameters(), strict=True):
            slow.lerp_(fast, 1 - decay)


def validate(network: OutlineNetwork, recipe: Recipe, samples: list[Sample]) -> float:
    """Mean Dice over samples and the classes that occur; where masks go in, the background is not to choose."""
    scores: list[float] = []
    first = 1 if len(recipe.inputs) > 1 else 0
    with torch.no_grad():
        for sample in samples:
            with mixed_precision(sample.inputs.device):
                output = network.all_scales(sample.inputs[None])[0][0].float()
            chosen = (output[first:].argmax(0) + first) * sample.inside
            target = sample.target * sample.inside
            for number in range(1, 1 + len(recipe.outputs)):
                wanted = int((target == number).sum())
                if wanted > 0:
                    overlap = int(((chosen == number) & (target == number)).sum())
                    scores.append(2 * overlap / (int((chosen == number).sum()) + wanted))
    return sum(scores) / len(scores)


def _record(
    settings: TrainSettings,
    run: Run,
    figures: tuple[float, float],
    state: tuple[OutlineNetwork, OutlineNetwork, torch.optim.Optimizer],
) -> None:
    """Keep the log, the last checkpoint and, if it is the best yet, the averaged weights."""
    loss, score = figures
    network, average, optimiser = state
    run.log.append((run.step, round(run.seconds, 1), learning_rate(settings, run.step), loss, score))
    if score > run.best:
        run.best, run.best_step = score, run.step
        best = {
            "weights": average.state_dict(),
            "widths": settings.widths,
            "patch": settings.patch,
            "recipe": settings.recipe.to_json(),
            "score": score,
            "step": run.step,
        }
        save_whole(best, settings.out / "best.pt")
    kept = {
        "network": network.state_dict(),
        "average": average.state_dict(),
        "optimiser": optimiser.state_dict(),
        "run": vars(run),
        "recipe": settings.recipe.to_json(),
    }
    save_whole(kept, settings.out / "last.pt")
    with (settings.out / "log.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(LOG_COLUMNS)
        writer.writerows(run.log)


def _judge_again(settings: TrainSettings, run: Run, average: OutlineNetwork, validation: list[Sample]) -> None:
    """Score the best weights anew, where a run goes on with other validation samples than it had.

    They are other ones when the simulation, the heads or the recipe changed since; an old score that no network can
    reach now would keep ``best.pt`` as it is for ever.
    """
    mark = fingerprint(validation)
    if run.step > 0 and run.judged_by != mark:
        run.best, run.best_step = -math.inf, run.step  # patience begins anew
        if (settings.out / "best.pt").exists():
            best = torch.load(settings.out / "best.pt", weights_only=True)
            network = copy.deepcopy(average)
            network.load_state_dict(best["weights"])
            run.best = best["score"] = validate(network, settings.recipe, validation)
            save_whole(best, settings.out / "best.pt")
    run.judged_by = mark


def fingerprint(samples: list[Sample]) -> str:
    """SHA-256 of everything in samples, as hexadecimal text: the same only where each voxel is the same."""
    digest = hashlib.sha256()
    for sample in samples:
        for part in (sample.inputs, sample.target, sample.inside):
            digest.update(repr((tuple(part.shape), part.dtype)).encode())
            digest.update(part.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _resume(path: Path, network: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer) -> Run | None:
    if not path.exists():
        return None
    kept = torch.load(path, weights_only=True)
    network.load_state_dict(kept["network"])
    average.load_state_dict(kept["average"])
    optimiser.load_state_dict(kept["optimiser"])
    return Run(**kept["run"])
