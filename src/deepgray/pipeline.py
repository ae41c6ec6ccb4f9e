"""The stations in order: one scan in, one result out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from deepgray import models
from deepgray.anatomy import scheme
from deepgray.errors import MaskError, SettingsError
from deepgray.locate import locate
from deepgray.measure import volumes
from deepgray.outline import outline
from deepgray.read import read_mask
from deepgray.recipe import Options
from deepgray.result import Decision, ModelRecord, Outline, Result, StageTime
from deepgray.review import Decide, accept, corrected, flags
from deepgray.scan import Scan
from deepgray.subdivide import by_network, by_rule

STAGES: tuple[str, ...] = ("locate", "outline", "review", "subdivide", "measure")
Progress = Callable[[str], None]


@dataclass
class _Work:
    """What is noted down while the work goes on: seconds per stage, and the networks that were used."""

    options: Options
    progress: Progress | None
    times: list[StageTime] = field(default_factory=list)
    used: list[ModelRecord] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        if self.progress is not None:
            self.progress(name)
        start = time.perf_counter()
        yield
        self.times.append(StageTime(name, time.perf_counter() - start))

    def model(self, stage: str, name: str) -> models.Model:
        model = models.load(name, threads=self.options.threads, engine=self.options.engine)
        self.used.append(ModelRecord(stage, model.name, model.version, model.sha256, model.recipe.to_json()))
        return model


def analyse(
    scan: Scan,
    task: str = "striatum",
    *,
    decide: Decide = accept,
    progress: Progress | None = None,
    options: Options = Options(),  # noqa: B008 (frozen)
) -> Result:
    """Outline and measure one scan.

    Args:
        scan: The scan, of the task's modality.
        task: Name of a task, or the path of a task file (``.toml``).
        decide: What a person, or nobody, says of the outline.
        progress: Called with the name of each of ``STAGES`` as it begins.
        options: What the task leaves open.

    Raises:
        SettingsError: No such task, or a scan of another modality.
        ModelError: A network is missing, damaged, or not the one that was shipped.
        AnatomyError: No head, or the structures are cut off.
        MaskError: The corrected mask does not fit.
    """
    what = options.settled(models.task(task))
    if scan.modality != what.modality:
        raise SettingsError(f"A scan of modality '{what.modality}' is wanted by '{what.name}', '{scan.modality}' came.")
    work = _Work(options, progress)
    with work.stage("locate"):
        pose = locate(scan, work.model("locate", what.locate_model))
    with work.stage("outline"):
        proposed = outline(scan, pose, model=work.model("outline", what.outline_model), scheme=scheme(what.scheme))
    with work.stage("review"):
        decision = decide(scan, proposed)
    with work.stage("subdivide"):
        parts: Outline | None = None
        if what.subdivide_model:
            parts = by_network(scan, decision.outline, pose, model=work.model("subdivide", what.subdivide_model))
        elif what.subdivide_scheme:
            parts = by_rule(decision.outline, pose)
    with work.stage("measure"):
        numbers = volumes(decision.outline)
        told = {(m.structure, m.side, m.quantity) for m in numbers}  # the parts add up to the same whole striatum
        further = volumes(parts) if parts else ()
        numbers += tuple(m for m in further if (m.structure, m.side, m.quantity) not in told)
    decision = replace(decision, when=decision.when or _now())
    raised = flags(pose, proposed, decision, task=what) + (parts.notes if parts else ())
    return Result(scan, what, pose, proposed, decision, parts, numbers, raised, tuple(work.used), tuple(work.times))


def from_file(path: Path | str, reviewer: str) -> Decide:
    """Bring back a corrected mask from a file, as of now.

    Args:
        path: NIfTI or MGZ: labels of the outline's scheme, or 0 and 1 for the whole striatum.
        reviewer: Who drew it.

    Returns:
        What ``analyse`` takes as ``decide``; it raises MaskError where the mask does not fit.

    Raises:
        InputError: The file is no mask.
    """
    bring_back = corrected(read_mask(path), reviewer=reviewer, when=_now())

    def decide(scan: Scan, proposed: Outline) -> Decision:
        try:
            return bring_back(scan, proposed)
        except MaskError as error:
            raise MaskError(f"{Path(path).name}: {error}") from error

    return decide


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
