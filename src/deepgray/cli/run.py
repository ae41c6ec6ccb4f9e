"""``deepgray run``: scans in, a folder of results for each."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from deepgray import models
from deepgray.cli.bookkeeping import Outcome, begin, corrected, end, given
from deepgray.cli.output import news, writable_folder
from deepgray.errors import DeepgrayError, DuplicateStemError, SettingsError
from deepgray.pipeline import STAGES_WITH_TRACER, Head, analyse_head, find_head, from_file, locator, tracer_of
from deepgray.read import read, read_reference, stem_of
from deepgray.recipe import Options, Task
from deepgray.report import finished, write
from deepgray.result import NO_REFERENCE, Examination, Reference
from deepgray.review import Decide, accept
from deepgray.worklist import Entry, Request, Worklist

# Settings that a later review does not need.
_NOT_KEPT = ("scans", "_", "output", "task", "overwrite", "corrected", "reviewer")


@Parameter(name="*")
@dataclass(frozen=True)
class RunSettings:
    """What ``deepgray run`` does.

    Attributes:
        scans: Scans, NIfTI or MGZ files.
        output: Folder for the results; each scan gets a folder of its own in it.
        task: Name of a task, or a task file (.toml); several with a comma between them, or the option several times.
            See 'deepgray models tasks'.
        overwrite: Do finished scans again.
        probabilities: Also write the probability map of each structure.
        corrected: A corrected mask of the one scan: labels of the task's scheme, or 0 and 1 for the whole striatum.
        reviewer: Who corrected it.
        also: Another scan of the one scan's head, in the same world space: the pose comes from it.
        unit: Unit of the susceptibility maps, where they do not look like ppm.
        mask: Brain mask of the one susceptibility map: what lies outside is set to zero.
        reference: What numbers are told relative to: a mask of the one scan; susceptibilities also none or
            whole-brain; binding also cerebellum, occipital, brain or box, the task's first when not given.
        frame: Which volume of a tracer scan that holds several, from 1.
        fine: Also write the outline at 1 mm.
        pet: A PET of the one scan's head, in any position: registered, and measured in every structure.
        spect: The same with a SPECT.
        frames: First and last frame of the tracer scan, such as 3:5, of which the mean is measured.
        tracer_unit: What the numbers of the tracer scan are, where no JSON beside it says.
        tracer_reference: Region that the tracer's numbers are told relative to.
        pvc: Also tell numbers with partial volume corrected, by the geometric transfer matrix.
        psf_mm: Resolution of the PET for that, full width at half maximum.
        subdivide: Subdivide by the network or by the geometric rule, instead of what the task says.
        threads: Cores to use; all that are usable when not given.
        engine: Engine that runs the networks; the fastest installed one when not given.
    """

    scans: Annotated[tuple[Path, ...], Parameter(negative="")]
    _: KW_ONLY
    output: Annotated[Path, Parameter(alias="-o")]
    task: Annotated[tuple[str, ...], Parameter(negative="")] = ("striatum",)
    overwrite: bool = False
    probabilities: bool = False
    corrected: Path | None = None
    reviewer: str | None = None
    also: Path | None = None
    unit: Literal["ppm", "ppb"] | None = None
    mask: Path | None = None
    reference: str | None = None
    frame: int | None = None
    fine: bool = False
    pet: Path | None = None
    spect: Path | None = None
    frames: str | None = None
    tracer_unit: Literal["Bq/mL", "kBq/mL", "SUV", "counts"] | None = None
    tracer_reference: Literal["cerebellar-grey", "occipital", "white-matter"] | None = None
    pvc: Literal["gtm"] | None = None
    psf_mm: float | None = None
    subdivide: Literal["network", "rule"] | None = None
    threads: int | None = None
    engine: Literal["openvino", "onnxruntime"] | None = None

    def __post_init__(self) -> None:
        alone = {
            "corrected": self.corrected,
            "also": self.also,
            "mask": self.mask,
            "pet": self.pet,
            "spect": self.spect,
        }
        for name, value in alone.items():
            if value is not None and len(self.scans) != 1:
                raise SettingsError(f"One scan is wanted with --{name}, {len(self.scans)} came.")
        self._check_tracer()
        if (self.corrected is None) != (not (self.reviewer or "").strip()):
            raise SettingsError("A mask and who drew it are wanted together: --corrected MASK --reviewer NAME.")
        if self.corrected is not None and len(self.tasks) != 1:
            raise SettingsError(f"One task is wanted with --corrected, {len(self.tasks)} came.")
        _ = self.options

    def _check_tracer(self) -> None:
        if self.pet is not None and self.spect is not None:
            raise SettingsError("One tracer scan is wanted beside a scan, --pet and --spect came.")
        if (self.pvc is None) != (self.psf_mm is None) or (self.pvc is not None and self.pet is None):
            raise SettingsError(
                "A PET, a correction and a resolution are wanted together: --pet PET --pvc gtm --psf-mm MM."
            )
        asked = {"frames": self.frames, "tracer-unit": self.tracer_unit, "tracer-reference": self.tracer_reference}
        for name, value in asked.items():
            if value is not None and self.pet is None and self.spect is None:
                raise SettingsError(f"A tracer scan (--pet or --spect) is wanted with --{name}.")

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks, each once, in their order."""
        return tuple(dict.fromkeys(name.strip() for words in self.task for name in words.split(",") if name.strip()))

    @property
    def options(self) -> Options:
        """What the line is told."""
        return Options(self.subdivide or "", self.threads, self.engine, self.fine)

    @property
    def again(self) -> bool:
        """Whether finished scans are done again: a correction asks for it."""
        return self.overwrite or self.corrected is not None


@dataclass(frozen=True)
class Line:
    """What is printed of one task on one scan.

    Attributes:
        stem: Name of the scan.
        state: ``done``, ``review``, ``skipped`` or ``failed``.
        seconds: Wall-clock seconds.
        words: Where the results are, or why there are none.
        task: Name of the task.
        asked: Why a person should look; empty when nothing asks for one.
    """

    stem: str
    state: str
    seconds: float
    words: str
    task: str
    asked: str = ""

    def __str__(self) -> str:
        return "\t".join((self.stem, self.state, f"{self.seconds:.1f}", self.words, self.task, self.asked))


def run(settings: RunSettings) -> int:
    """Outline and measure scans.

    One line per scan and task goes to standard output: the scan's name, what happened, seconds, where the results are
    or why there are none, the task, and why a person should look (empty where nothing asks for one). A scan that fails
    does not stop the others, nor does a task.
    """
    stems = _stems(settings.scans)
    tasks = tuple(settings.options.settled(models.task(name)) for name in settings.tasks)
    reference = _checked(settings, tasks)
    writable_folder(settings.output)
    failed: list[str] = []
    named = tuple((name, task.name) for name, task in zip(settings.tasks, tasks, strict=True))
    with Worklist(settings.output) as works:
        works.enqueue(v.request(*n) for v in _visits(settings, tasks[0].modality, reference) for n in named)
        for number, visit in enumerate(_visits(settings, tasks[0].modality, reference), start=1):
            for line in _visited(works, visit, named, title=f"{number}/{len(stems)} {visit.stem}"):
                print(line, flush=True)
                if line.state == "failed" and visit.stem not in failed:
                    failed.append(visit.stem)
    if failed:
        news(f"{len(failed)} of {len(stems)} scans failed: {', '.join(failed)}.")
    return 1 if failed else 0


def _checked(settings: RunSettings, tasks: Sequence[Task]) -> Reference:
    """Refuse settings that do not fit the tasks, and read the reference region."""
    if not tasks:
        raise SettingsError("A task is wanted, none came.")
    modalities = sorted({task.modality for task in tasks})
    if len(modalities) > 1:
        raise SettingsError(f"Tasks on scans of one modality are wanted, {' and '.join(modalities)} came.")
    _check_modality(settings, modalities[0], tasks[0].name)
    reference = read_reference(settings.reference or NO_REFERENCE.name)
    _check_reference(reference, tasks)
    if reference.region is not None and len(settings.scans) != 1:
        raise SettingsError(f"One scan is wanted with a mask as --reference, {len(settings.scans)} came.")
    return reference


def _check_modality(settings: RunSettings, modality: str, task: str) -> None:
    """Refuse settings that belong to scans of another modality."""
    susceptibility, tracers = ("susceptibility maps", ("qsm",)), ("tracer scans", ("spect", "pet"))
    either = (f"{susceptibility[0]} or {tracers[0]}", susceptibility[1] + tracers[1])
    wanted = {"unit": susceptibility, "mask": susceptibility, "reference": either, "frame": tracers}
    wanted |= dict.fromkeys(("pet", "spect"), ("magnetic resonance images", ("mr",)))
    for name, (words, modalities) in wanted.items():
        if getattr(settings, name) is not None and modality not in modalities:
            raise SettingsError(f"A task on {words} is wanted with --{name}, {task} works on '{modality}'.")


def _check_reference(reference: Reference, tasks: Sequence[Task]) -> None:
    """Refuse a region that a task does not measure by."""
    for task in tasks:
        known = task.references or ("none", "whole-brain")
        if reference.region is None and reference.name not in (NO_REFERENCE.name, *known):
            raise SettingsError(
                f"A mask is wanted with --reference, or of {task.name} one of {', '.join(known)}; "
                f"'{reference.name}' came."
            )


@dataclass(frozen=True)
class _Told:
    """Who is told of a task on a scan: the person who waits, and the worklist."""

    progress: Callable[[str], None]
    works: Worklist
    entry: Entry


@dataclass
class _Visit:
    """One scan, read once for all its tasks, its head found once for each network that finds heads."""

    path: Path
    settings: RunSettings
    modality: str
    reference: Reference
    heads: dict[str, Head] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        return stem_of(self.path)

    def request(self, task: str, told: str) -> Request:
        """What the worklist keeps: enough to read the scan again for a review."""
        kept = {f.name: getattr(self.settings, f.name) for f in fields(RunSettings) if f.name not in _NOT_KEPT}
        kept |= {"scan": self.path, "modality": self.modality, "task": task}
        for name in ("task", "reference"):  # a name, or a file
            if kept[name] and Path(str(kept[name])).is_file():
                kept[name] = Path(str(kept[name]))
        return Request(self.stem, told, given(kept))

    @cached_property
    def examination(self) -> Examination:
        given = self.settings
        scan = read(self.path, modality=self.modality, unit=given.unit, mask=given.mask, frame=given.frame)
        also = None if self.settings.also is None else read(self.settings.also)
        return Examination(scan, also, self.reference, tracer_of(self.request("", "").given))

    def head(self, task: str, progress: Callable[[str], None]) -> Head:
        options = self.settings.options
        name = locator(self.examination, models.task(task))
        if name not in self.heads:
            self.heads[name] = find_head(self.examination, task, progress=progress, options=options)
        return self.heads[name]

    def analysed(self, task: str, told: _Told) -> tuple[Path, tuple[str, ...]]:
        """Where the results of a task are, and its flags."""
        progress = told.progress
        settings = self.settings
        progress("read")
        decide: Decide = accept
        if settings.corrected is not None and settings.reviewer is not None:
            decide = from_file(settings.corrected, settings.reviewer)
        head = self.head(task, progress)
        result = analyse_head(head, task, decide=decide, progress=progress, options=settings.options)
        progress("report")
        if settings.corrected is not None:
            result = corrected(told.works, told.entry, result, source=settings.corrected.name)
        folder = write(
            result,
            settings.output,
            probabilities=settings.probabilities,
            overwrite=settings.again,
            again=[models.task(name).name for name in settings.tasks],
        )
        return folder, result.flags


def _visits(settings: RunSettings, modality: str, reference: Reference) -> Iterator[_Visit]:
    """The scans one by one, so that no voxels of an earlier one are held."""
    return (_Visit(path, settings, modality, reference) for path in settings.scans)


def _stems(scans: Sequence[Path]) -> tuple[str, ...]:
    first: dict[str, Path] = {}
    for path in scans:
        stem = stem_of(path)
        if stem in first:
            raise DuplicateStemError(
                f"Scans with different names are wanted, {first[stem]} and {path} would both write to '{stem}'."
            )
        first[stem] = path
    return tuple(first)


def _visited(works: Worklist, visit: _Visit, named: Sequence[tuple[str, str]], *, title: str) -> Iterator[Line]:
    """Do the tasks on one scan, unless another process is at it."""
    again = visit.settings.again
    with works.claimed(visit.stem) as other:
        for name, told in named:
            if other:
                yield Line(visit.stem, "skipped", 0.0, f"{other} is at it", told)
                continue
            entry = begin(works, visit.request(name, told), again=again)
            line = _one(visit, name, entry, works=works, title=title)
            failure = line.words if line.state == "failed" else ""
            decided = visit.settings.corrected is not None and not failure
            end(works, entry, outcome=Outcome(failure, line.seconds, decided), again=again)
            yield line


def _one(visit: _Visit, task: str, entry: Entry, *, works: Worklist, title: str) -> Line:
    settings, stem, told = visit.settings, visit.stem, entry.request.task
    if not settings.again and finished(settings.output, stem, task=told):
        words = f"{settings.output / stem} is there already (--overwrite does it again)"
        return Line(stem, "skipped", 0.0, words, told)
    start = time.perf_counter()
    try:
        with _bar(title) as progress:
            folder, flags = visit.analysed(task, _Told(progress, works, entry))
    except DeepgrayError as error:
        return Line(stem, "failed", time.perf_counter() - start, str(error), told)
    except Exception as error:  # one scan's surprise must not cost the night's other scans
        traceback.print_exc(file=sys.stderr)
        words = f"unexpected {type(error).__name__}: {error}"
        return Line(stem, "failed", time.perf_counter() - start, words, told)
    asked = [flag.removeprefix("review: ") for flag in flags if flag.startswith("review")]
    state = "review" if asked else "done"
    return Line(stem, state, time.perf_counter() - start, str(folder), told, "; ".join(asked))


@contextmanager
def _bar(title: str) -> Iterator[Callable[[str], None]]:
    """A bar on standard error that moves with the stages; it is gone when the scan's line is printed."""
    columns = (TextColumn("{task.fields[title]}"), BarColumn(24), TextColumn("{task.description}"), TimeElapsedColumn())
    console = Console(stderr=True)
    quiet = not console.is_terminal
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, disable=quiet) as bar:
        stages = ("read", *STAGES_WITH_TRACER, "report")
        shown = bar.add_task("", total=len(stages), title=title)

        def progress(stage: str) -> None:
            bar.update(shown, completed=stages.index(stage), description=stage)

        yield progress
