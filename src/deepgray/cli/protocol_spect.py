"""``deepgray protocol b``: caudate and putamen on DaT SPECT, deepgray beside the baselines of work B."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from rich.console import Console
from rich.status import Status

from deepgray.cli.output import news, wants_train, writable_folder
from deepgray.cli.protocol_tables import print_sheets
from deepgray.cli.whole_heads import heads_by_name, other_heads
from deepgray.errors import SettingsError
from deepgray.evaluate.plots import new_figure
from deepgray.train.settings import HELD_OUT

if TYPE_CHECKING:
    from deepgray.protocols.spect.run import Design


@Parameter(name="*")
@dataclass(frozen=True)
class SpectProtocol:
    """What ``deepgray protocol b`` does.

    Attributes:
        anatomies: Folder of whole-head label maps, *_dseg.nii.gz with FreeSurfer's numbers.
        output: Folder for people, networks, tables and the report; a protocol that was stopped goes on from there.
        preset: Size of the baselines: coarse (3 mm) and quick (2 mm) with few channels, or full (1 mm, as published).
        scans: People who train, validate and judge; a quarter of each is healthy.
        heads: Heads that judge; none of them may have trained deepgray's own network.
        arms: Who outlines: deepgray, nnunet, unet, cgan, se-cgan, thr-67.
        ablations: Train work B's network without blur and with mirroring too, and outline mirrored people.
        turned_scans: Test scans whose head is turned; by default 4, or all (full).
        turn_step: Degrees from one angle to the next, up to 180; by default 30, or 10 (full).
        steps: Steps of training of each baseline; by default those of the preset.
        seed: Of the first person.
    """

    anatomies: Path
    _: KW_ONLY
    output: Annotated[Path, Parameter(alias="-o")]
    preset: Literal["coarse", "quick", "full"] = "quick"
    scans: tuple[int, int, int] = (136, 24, 40)
    heads: Annotated[tuple[str, ...], Parameter(consume_multiple=True)] = HELD_OUT
    arms: Annotated[tuple[str, ...], Parameter(consume_multiple=True)] = ()
    ablations: bool = False
    turned_scans: int | None = None
    turn_step: float | None = None
    steps: int | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        if min(self.scans) < 1:
            raise SettingsError(f"People in every set are wanted, {self.scans} came.")
        if self.steps is not None and self.steps < 1:
            raise SettingsError(f"A step of training or more is wanted, {self.steps} came.")


def spect(settings: SpectProtocol) -> int:
    """Caudate and putamen on DaT SPECT: deepgray, a threshold, a U-Net, two GANs and nnU-Net (work B)."""
    with wants_train("Protocols want"):
        from deepgray.protocols.spect import report, run, sets  # noqa: PLC0415 (torch is slow, and an extra)
    new_figure(width_inches=1.0)  # a missing matplotlib is told now, not after hours
    training = other_heads(settings.anatomies, settings.heads)
    planned = sets.plan(training, settings.heads, scans=settings.scans, seed=settings.seed)
    writable_folder(settings.output)
    errors = Console(stderr=True)
    with Status("protocol b", console=errors) as status:
        told = status.update if errors.is_terminal else news
        outcome = run.run(
            planned, heads_by_name(settings.anatomies), settings.output, design=_design(settings), told=told
        )
    print_sheets(report.sheets(outcome.rows, outcome.trained), report.failures(outcome.rows))
    news(f"Report: {report.write(outcome.rows, outcome.trained, settings.output)}.")
    return 0


def _design(settings: SpectProtocol) -> Design:
    from deepgray.protocols.spect import run  # noqa: PLC0415
    from deepgray.train.baselines.recipes import preset  # noqa: PLC0415

    full = settings.preset == "full"
    recipes = preset(settings.preset).recipes
    if settings.steps is not None:
        often = max(1, settings.steps // 10)
        recipes = {n: replace(how, steps=settings.steps, validate_every=often) for n, how in recipes.items()}
    turned_scans, step = settings.turned_scans, settings.turn_step
    return run.Design(
        recipes,
        settings.arms or run.ARMS,
        settings.ablations,
        (settings.scans[2] if full else 4) if turned_scans is None else turned_scans,
        (10.0 if full else 30.0) if step is None else step,
    )
