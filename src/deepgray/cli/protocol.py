"""``deepgray protocol``: the protocols of published works, on simulated scans with a known answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from cyclopts import App, Parameter
from rich.console import Console
from rich.progress import track

from deepgray.cli.output import news, wants_train, writable_folder
from deepgray.cli.protocol_spect import spect
from deepgray.cli.protocol_striatum import striatum
from deepgray.cli.protocol_tables import print_sheets
from deepgray.errors import SettingsError
from deepgray.evaluate.plots import new_figure
from deepgray.read import read_mask
from deepgray.train.settings import HELD_OUT

if TYPE_CHECKING:
    from deepgray.protocols.cases import Row
    from deepgray.protocols.qsm_report import Report
    from deepgray.protocols.sets import Heads, Planned
    from deepgray.simulate.small_nuclei import QsmHead

_Item = TypeVar("_Item")
_Arm = Literal["transfer", "no transfer", "no attention"]

app = App(name="protocol", help="Run the protocol of a published work on simulated scans with a known answer.")
app.command(striatum, name="a")
app.command(spect, name="b")
_OURS = "All figures are of simulated maps; those of the work are of its own people and stand beside them to orient."
_HEAD_C = f"Work C: [10.1148/ryai.240478](https://doi.org/10.1148/ryai.240478). {_OURS}"
_HEAD_D = f"Work D: Zhao 2022, [10.3389/fnins.2022.801618](https://doi.org/10.3389/fnins.2022.801618). {_OURS}"
# Dice that the works printed, on real scans of their own.
_WORK_C = {
    "internal dentate nucleus, left": ".90 ± .03",
    "internal dentate nucleus, right": ".89 ± .04",
    "external dentate nucleus, left": ".86 ± .04",
    "external dentate nucleus, right": ".84 ± .07",
}
_WORK_D = {
    "transfer red nucleus": ".903 ± .023",
    "transfer substantia nigra": ".864 ± .033",
    "transfer subthalamic nucleus": ".777 ± .066",
    "no transfer red nucleus": ".903",
    "no transfer substantia nigra": ".866",
    "no transfer subthalamic nucleus": ".762",
}


@Parameter(name="*")
@dataclass(frozen=True)
class DentateProtocol:
    """What ``deepgray protocol c`` does.

    Attributes:
        anatomies: Folder of whole-head label maps, *_dseg.nii.gz with FreeSurfer's numbers and the small nuclei
            801-814.
        atlas: Label map of the SPL atlas (.nrrd, .nii.gz): its dentate nuclei are those of the external set.
        output: Folder for scans' results and the report; a protocol that was stopped goes on from there.
        heads: Heads that judge; none of them may have trained the network.
        scans: Scans of each head in each set.
        seed: Of the first scan.
    """

    anatomies: Path
    _: KW_ONLY
    atlas: Path
    output: Annotated[Path, Parameter(alias="-o")]
    heads: Annotated[tuple[str, ...], Parameter(consume_multiple=True)] = HELD_OUT
    scans: int = 4
    seed: int = 1

    def __post_init__(self) -> None:
        if self.scans < 1:
            raise SettingsError(f"At least one scan of each head is wanted, {self.scans} came.")


@Parameter(name="*")
@dataclass(frozen=True)
class MidbrainProtocol:
    """What ``deepgray protocol d`` does.

    Attributes:
        anatomies: Folder of whole-head label maps, *_dseg.nii.gz with FreeSurfer's numbers and the small nuclei
            801-814.
        output: Folder for sets, networks and the report; a protocol that was stopped goes on from there.
        heads: Heads that judge; all others train the arms.
        scans: Scans of the target set.
        source_scans: Scans of the source set; as many as of the target set unless said.
        tests: Scans of each head that judges.
        widths: Channels of each level of the arms' networks; fewer make them faster.
        epochs: At most so many epochs per network.
        patience: Epochs without improvement before a network stops.
        batch: Slices of one step.
        learning_rate: Of Adam.
        folds: Folds of the target set.
        arms: Which arms to train. Arms of one output folder may be trained side by side, one command each; a last one
            with all of them makes the report.
        own_only: Judge deepgray's own network only, and train no arms.
        seed: Of the first scan.
    """

    anatomies: Path
    _: KW_ONLY
    output: Annotated[Path, Parameter(alias="-o")]
    heads: Annotated[tuple[str, ...], Parameter(consume_multiple=True)] = HELD_OUT
    scans: int = 24
    source_scans: int | None = None
    tests: int = 4
    widths: Annotated[tuple[int, ...], Parameter(consume_multiple=True)] = (32, 64, 128, 256, 512)
    epochs: int = 200
    patience: int = 20
    batch: int = 32
    learning_rate: float = 1e-4
    folds: int = 5
    arms: Annotated[tuple[_Arm, ...], Parameter(consume_multiple=True)] = ("transfer", "no transfer", "no attention")
    own_only: bool = False
    seed: int = 1

    def __post_init__(self) -> None:
        source_scans = self.scans if self.source_scans is None else self.source_scans
        if self.tests < 1 or min(self.scans, source_scans) < self.folds:
            raise SettingsError(
                f"One test of each head and as many scans of both sets as folds are wanted, {self.tests}, {self.scans} "
                f"and {source_scans} came."
            )


@app.command(name="c")
def dentate(settings: DentateProtocol) -> int:
    """Dentate nuclei: an internal and an external set, and raters as the yardstick (work C)."""
    _wanted()
    from deepgray.protocols import dentate, sets, tables  # noqa: PLC0415 (torch is slow, and an extra)
    from deepgray.protocols.qsm_report import Report  # noqa: PLC0415

    writable_folder(settings.output)
    planned = dentate.plan(settings.heads, scans=settings.scans, seed=settings.seed)
    heads = _heads(settings.anatomies, settings.atlas, dentate.EXTERNAL)
    judged = sets.judged(planned, heads, settings.output, task=dentate.TASK)
    rows = [row for found in _shown(judged, len(planned), "scans") for row in found]
    inside = tuple(one for one in planned if one.group == dentate.INTERNAL)
    raters = dentate.rate(sets.truths(inside, settings.output, task=dentate.TASK))
    sheets = (tables.overlap_sheet(rows, printed=_WORK_C, by_side=True), tables.raters_sheet(*raters))
    _told(Report("Protocol C: dentate nucleus on QSM", _HEAD_C, sheets, rows), settings.output)
    return 0


@app.command(name="d")
def midbrain(settings: MidbrainProtocol) -> int:
    """Red nucleus, nigra and subthalamic nucleus: transfer, attention, and deepgray's own network (work D)."""
    _wanted()
    from deepgray.protocols import midbrain, tables  # noqa: PLC0415
    from deepgray.protocols.qsm_report import Report  # noqa: PLC0415

    writable_folder(settings.output)
    known = sorted(p.name.removesuffix("_dseg.nii.gz") for p in settings.anatomies.glob("*_dseg.nii.gz"))
    training = tuple(name for name in known if name not in settings.heads)
    if not training:
        raise SettingsError(f"Heads besides {', '.join(settings.heads)} are wanted in {settings.anatomies}.")
    counts = {
        midbrain.SOURCE: settings.scans if settings.source_scans is None else settings.source_scans,
        midbrain.TARGET: settings.scans,
        midbrain.TEST: settings.tests,
    }
    planned = midbrain.plan(training, settings.heads, counts, seed=settings.seed)
    if settings.own_only:
        planned = tuple(one for one in planned if one.group == midbrain.TEST)
    rows: list[Row] = []
    crops: dict[str, list[midbrain.Crop]] = {name: [] for name in (midbrain.SOURCE, midbrain.TARGET, midbrain.TEST)}
    made = midbrain.prepared(planned, _heads(settings.anatomies), settings.output)
    for one, (crop, found) in zip(planned, _shown(made, len(planned), "scans"), strict=True):
        crops[one.group].append(crop)
        rows += found
    seconds: dict[str, float] = {}
    if not settings.own_only:
        design = midbrain.DesignSettings(
            widths=settings.widths,
            epochs=settings.epochs,
            patience=settings.patience,
            batch=settings.batch,
            learning_rate=settings.learning_rate,
            folds=settings.folds,
            arms=settings.arms,
        )
        further, seconds = midbrain.run(crops, settings.output, design)
        rows += further
    sheets = [tables.overlap_sheet(rows, printed=_WORK_D, by_side=False)]
    sheets += [tables.paired_sheet(rows), tables.training_sheet(seconds)] if seconds else []
    _told(Report("Protocol D: midbrain nuclei on QSM", _HEAD_D, tuple(sheets), rows), settings.output)
    return 0


def _wanted() -> None:
    with wants_train("Protocols want"):
        import deepgray.protocols.midbrain  # noqa: F401, PLC0415 (torch is slow, and an extra)
    new_figure(width_inches=1.0)  # a missing matplotlib is told now, not after hours


def _heads(anatomies: Path, atlas: Path | None = None, atlas_group: str = "") -> Heads:
    """Gives the head of a planned scan, with the atlas's nuclei for the scans of one set; the last few are kept."""
    from deepgray.simulate.small_nuclei import prepare_head, with_atlas  # noqa: PLC0415

    @lru_cache(maxsize=2)
    def own(name: str) -> QsmHead:
        labels = read_mask(anatomies / f"{name}_dseg.nii.gz")
        return prepare_head(labels.voxels, labels.affine_ras, name=name)

    @lru_cache(maxsize=2)
    def other(name: str) -> QsmHead:
        if atlas is None:
            return own(name)
        labels = read_mask(atlas)
        return with_atlas(own(name), labels.voxels, labels.affine_ras, atlas="spl")

    def head(one: Planned) -> QsmHead:
        return other(one.head) if one.group == atlas_group else own(one.head)

    return head


def _shown(items: Iterable[_Item], total: int, words: str) -> Iterable[_Item]:
    return track(items, words, total=total, transient=True, console=Console(stderr=True))


def _told(report: Report, output: Path) -> None:
    """Print a protocol's tables, and write its report."""
    from deepgray.protocols import qsm_report  # noqa: PLC0415

    print_sheets(report.sheets, report.failures)
    news(f"Report: {qsm_report.write(report, output)}.")
