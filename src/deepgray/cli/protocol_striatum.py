"""``deepgray protocol a``: twelve subregions on T1 and PET by an atlas, one network, two networks, and an expert."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.status import Status

from deepgray.cli.output import news, wants_train, writable_folder
from deepgray.cli.protocol_tables import print_sheets
from deepgray.cli.whole_heads import other_heads
from deepgray.errors import SettingsError
from deepgray.evaluate.plots import new_figure
from deepgray.train.settings import HELD_OUT

if TYPE_CHECKING:
    from deepgray.protocols.striatum.arms import Tools
    from deepgray.protocols.striatum.atlas import Atlas
    from deepgray.protocols.striatum.people import LabelledHead, Person
    from deepgray.protocols.striatum.run import Told
    from deepgray.simulate.whole_head import WholeHead
    from deepgray.train.settings import TrainSettings

ARMS = ("atlas", "one-stage")


@Parameter(name="*")
@dataclass(frozen=True)
class StriatumProtocol:
    """What ``deepgray protocol a`` does.

    Attributes:
        anatomies: Folder of whole-head label maps, *_dseg.nii.gz with FreeSurfer's numbers.
        output: Folder for atlases, networks, people and the report; a protocol that was stopped goes on from there.
        heads: Heads that judge; none of them may have trained a network. All others are atlases.
        scans: People of each head, as many controls as atrophied ones.
        one_stage: Network file (.onnx) that gives the subregions at once; trained in the output folder without it.
        steps: Steps of that training.
        without: Leave arms out: atlas, one-stage.
        voters: How many atlases vote.
        threads: Cores to use.
        seed: Of the first person.
    """

    anatomies: Path
    _: KW_ONLY
    output: Annotated[Path, Parameter(alias="-o")]
    heads: Annotated[tuple[str, ...], Parameter(consume_multiple=True)] = HELD_OUT
    scans: int = 4
    one_stage: Path | None = None
    steps: int = 8000
    without: Annotated[tuple[str, ...], Parameter(consume_multiple=True)] = ()
    voters: int = 3
    threads: int | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        if self.scans < 1 or self.steps < 1 or self.voters < 1:
            raise SettingsError(
                f"People, steps and voters of 1 or more are wanted; {self.scans}, {self.steps} and {self.voters} came."
            )
        unknown = sorted(set(self.without) - set(ARMS))
        if unknown:
            raise SettingsError(f"Arms to leave out, of {', '.join(ARMS)}, are wanted; {', '.join(unknown)} came.")


def striatum(settings: StriatumProtocol) -> int:
    """Twelve subregions: atlases, one network, the cascade, and an expert who mends what is flagged (work A)."""
    with wants_train("Protocols want"):
        from deepgray.protocols.striatum import people, report, run  # noqa: PLC0415 (torch is slow, and an extra)
    new_figure(width_inches=1.0)  # a missing matplotlib is told now, not after hours
    training = other_heads(settings.anatomies, settings.heads)
    writable_folder(settings.output)
    planned = people.plan(settings.heads, scans=settings.scans, seed=settings.seed)
    errors = Console(stderr=True)
    with Status("protocol a", console=errors) as status:
        told = status.update if errors.is_terminal else news
        tools = _tools(settings, training, told)
        outcome = run.run(planned, _heads(settings.anatomies), settings.output, tools=tools, told=told)
    print_sheets(report.sheets(outcome), report.failures(outcome))
    news(f"Report: {report.write(outcome, settings.output)}.")
    return 0


def _tools(settings: StriatumProtocol, training: tuple[str, ...], told: Told) -> Tools:
    """What the arms need, made where it is missing."""
    from deepgray import models  # noqa: PLC0415
    from deepgray.protocols.striatum import people, run  # noqa: PLC0415
    from deepgray.protocols.striatum.arms import Tools  # noqa: PLC0415
    from deepgray.protocols.striatum.atlas import RegistrationSettings  # noqa: PLC0415
    from deepgray.recipe import Options  # noqa: PLC0415

    atlases: tuple[Atlas, ...] = ()
    network, how = None, RegistrationSettings(voters=settings.voters)
    if "atlas" not in settings.without:
        if not training:
            raise SettingsError(f"Heads besides {', '.join(settings.heads)} are wanted in {settings.anatomies}.")
        folder = settings.output / "atlases"
        atlases = run.atlases_of(
            training, lambda n: people.read_head(settings.anatomies, n).ready(), folder, settings=how, told=told
        )
    if "one-stage" not in settings.without:
        file = settings.one_stage or run.one_stage_of(_training(settings))
        network = models.load(str(file), threads=settings.threads)
    return Tools(atlases, how, network, Options(threads=settings.threads))


def _training(settings: StriatumProtocol) -> TrainSettings:
    """The run that trains the network of one stage."""
    from deepgray.protocols.striatum.arms import ONE_STAGE_NETWORK  # noqa: PLC0415
    from deepgray.train.settings import TrainSettings  # noqa: PLC0415

    return TrainSettings(
        network=ONE_STAGE_NETWORK,
        anatomies=settings.anatomies,
        out=settings.output / "one-stage",
        held_out=settings.heads,
        steps=settings.steps,
        validate_every=max(1, min(250, settings.steps // 4)),
        threads=settings.threads or 1,
    )


def _heads(anatomies: Path) -> Callable[[Person], WholeHead]:
    """Gives a person's head; label maps, and the head of the last person, are kept."""
    from deepgray.protocols.striatum import people  # noqa: PLC0415

    @lru_cache(maxsize=4)
    def labelled(name: str) -> LabelledHead:
        return people.read_head(anatomies, name)

    def head(person: Person) -> WholeHead:
        own = labelled(person.head)
        return own.shrunken(person.profile, seed=person.seed) if person.profile else own.ready()

    return head
