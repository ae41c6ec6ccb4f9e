"""``deepgray run``: scans in, a folder of results for each."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from deepgray import models
from deepgray.cli.output import news, writable_folder
from deepgray.errors import DeepgrayError, DuplicateStemError, SettingsError
from deepgray.pipeline import STAGES, analyse, from_file
from deepgray.read import read, stem_of
from deepgray.recipe import Options
from deepgray.report import finished, write
from deepgray.review import Decide, accept


@Parameter(name="*")
@dataclass(frozen=True)
class RunSettings:
    """What ``deepgray run`` does.

    Attributes:
        scans: Scans, NIfTI or MGZ files.
        output: Folder for the results; each scan gets a folder of its own in it.
        task: Name of a task, or a task file (.toml). See 'deepgray models tasks'.
        overwrite: Do finished scans again.
        probabilities: Also write the probability map of each structure.
        corrected: A corrected mask of the one scan: labels of the task's scheme, or 0 and 1 for the whole striatum.
        reviewer: Who corrected it.
        subdivide: Subdivide by the network or by the geometric rule, instead of what the task says.
        threads: Cores to use; all that are usable when not given.
        engine: Engine that runs the networks; the fastest installed one when not given.
    """

    scans: Annotated[tuple[Path, ...], Parameter(negative="")]
    _: KW_ONLY
    output: Annotated[Path, Parameter(alias="-o")]
    task: str = "striatum"
    overwrite: bool = False
    probabilities: bool = False
    corrected: Path | None = None
    reviewer: str | None = None
    subdivide: Literal["network", "rule"] | None = None
    threads: int | None = None
    engine: Literal["openvino", "onnxruntime"] | None = None

    def __post_init__(self) -> None:
        if self.corrected is not None and len(self.scans) != 1:
            raise SettingsError(f"One scan is wanted with --corrected, {len(self.scans)} came.")
        if (self.corrected is None) != (not (self.reviewer or "").strip()):
            raise SettingsError("A mask and who drew it are wanted together: --corrected MASK --reviewer NAME.")
        _ = self.options

    @property
    def options(self) -> Options:
        """What the line is told."""
        return Options(self.subdivide or "", self.threads, self.engine)

    @property
    def again(self) -> bool:
        """Whether finished scans are done again: a correction asks for it."""
        return self.overwrite or self.corrected is not None


def run(settings: RunSettings) -> int:
    """Outline and measure scans.

    One line per scan goes to standard output: its name, what happened, seconds, and where the results are or why there
    are none. A scan that fails does not stop the others.
    """
    stems = _stems(settings.scans)
    settings.options.settled(models.task(settings.task))
    writable_folder(settings.output)
    failed = []
    for number, (path, stem) in enumerate(zip(settings.scans, stems, strict=True), start=1):
        line = _one(path, settings, title=f"{number}/{len(stems)} {stem}", stem=stem)
        print("\t".join(line), flush=True)
        if line[1] == "failed":
            failed.append(stem)
    if failed:
        news(f"{len(failed)} of {len(stems)} scans failed: {', '.join(failed)}.")
    return 1 if failed else 0


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


def _one(path: Path, settings: RunSettings, *, title: str, stem: str) -> tuple[str, str, str, str]:
    if not settings.again and finished(settings.output, stem):
        return stem, "skipped", "0.0", f"{settings.output / stem} is there already (--overwrite does it again)"
    start = time.perf_counter()
    try:
        with _bar(title) as progress:
            folder, flags = _analysed(path, settings, progress)
    except DeepgrayError as error:
        return stem, "failed", f"{time.perf_counter() - start:.1f}", str(error)
    except Exception as error:  # one scan's surprise must not cost the night's other scans
        traceback.print_exc(file=sys.stderr)
        return stem, "failed", f"{time.perf_counter() - start:.1f}", f"unexpected {type(error).__name__}: {error}"
    state = "review" if any(flag.startswith("review") for flag in flags) else "done"
    return stem, state, f"{time.perf_counter() - start:.1f}", str(folder)


def _analysed(path: Path, settings: RunSettings, progress: Callable[[str], None]) -> tuple[Path, tuple[str, ...]]:
    progress("read")
    scan = read(path, modality=models.task(settings.task).modality)
    decide: Decide = accept
    if settings.corrected is not None and settings.reviewer is not None:
        decide = from_file(settings.corrected, settings.reviewer)
    result = analyse(scan, settings.task, decide=decide, progress=progress, options=settings.options)
    progress("report")
    folder = write(result, settings.output, probabilities=settings.probabilities, overwrite=settings.again)
    return folder, result.flags


@contextmanager
def _bar(title: str) -> Iterator[Callable[[str], None]]:
    """A bar on standard error that moves with the stages; it is gone when the scan's line is printed."""
    columns = (TextColumn("{task.fields[title]}"), BarColumn(24), TextColumn("{task.description}"), TimeElapsedColumn())
    console = Console(stderr=True)
    quiet = not console.is_terminal
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, disable=quiet) as bar:
        stages = ("read", *STAGES, "report")
        shown = bar.add_task("", total=len(stages), title=title)

        def progress(stage: str) -> None:
            bar.update(shown, completed=stages.index(stage), description=stage)

        yield progress
