"""What is noted down while a scan goes along the line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from deepgray import models
from deepgray.recipe import Options
from deepgray.result import BESIDE, ModelRecord, StageTime

STAGES: tuple[str, ...] = ("locate", "outline", "review", "subdivide", "measure")
# With a tracer scan beside the scan.
STAGES_WITH_TRACER: tuple[str, ...] = ("locate", "outline", "register", "review", "subdivide", "measure")
Progress = Callable[[str], None]


@dataclass
class Work:
    """Seconds per stage, and the networks that were used.

    Attributes:
        options: Threads and engine.
        progress: Called with the name of each stage as it begins.
        times: Filled stage by stage.
        used: Filled network by network.
    """

    options: Options
    progress: Progress | None
    times: list[StageTime] = field(default_factory=list)
    used: list[ModelRecord] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Tell that a stage begins, and note how long it takes."""
        if self.progress is not None:
            self.progress(name)
        start = time.perf_counter()
        yield
        self.times.append(StageTime(name, time.perf_counter() - start))

    def model(self, stage: str, name: str) -> models.Model:
        """A network, opened and noted, and the one that is asked beside it."""
        model = models.load(name, threads=self.options.threads, engine=self.options.engine)
        for each, at in ((model, stage), (model.beside, BESIDE)):
            if each is not None:
                self.used.append(ModelRecord(at, each.name, each.version, each.sha256, each.recipe.to_json()))
        return model


def now() -> str:
    """The time, ISO 8601 with zone."""
    return datetime.now(UTC).isoformat(timespec="seconds")
