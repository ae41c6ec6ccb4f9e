"""The arms of protocol A, each from a scan whose head was found to twelve subregions on its grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from deepgray.models import Model
from deepgray.outline import outline
from deepgray.pipeline import Head, analyse_head, reviewed
from deepgray.protocols.striatum.atlas import PARTS, Atlas, RegistrationSettings, by_atlases
from deepgray.protocols.striatum.expert import drawn_by_expert
from deepgray.recipe import Options
from deepgray.result import Drawn, Result
from deepgray.review import corrected
from deepgray.scan import LabelMap

ATLAS, ONE_STAGE, CASCADE = "atlas", "one-stage", "cascade"
# The cascade of which an expert mends every scan; what the arm with correction takes its flagged scans from.
MENDED = "cascade, all corrected"
# The cascade of which an expert mends the flagged scans.
CORRECTION = "cascade + correction"
# The recipe of the network of one stage.
ONE_STAGE_NETWORK = "striatum-one-stage"
RUN = (ATLAS, ONE_STAGE, CASCADE, MENDED)
TASK, EXPERT, WHEN = "striatum", "simulated expert", "2026-01-01T00:00:00+00:00"


@dataclass(frozen=True, eq=False)
class Tools:
    """What the arms need besides a scan.

    Attributes:
        atlases: Labelled heads to choose from.
        registration: How they are brought onto a scan.
        one_stage: The network that gives subregions at once, or None.
        options: Threads and engine.
    """

    atlases: Sequence[Atlas] = ()
    registration: RegistrationSettings = field(default_factory=RegistrationSettings)
    one_stage: Model | None = None
    options: Options = field(default_factory=Options)


@dataclass(frozen=True, eq=False)
class Seen:
    """A scan whose head was found, and the true striatum that the expert knows.

    Attributes:
        head: The scan and its pose.
        truth: True caudate, putamen and accumbens.
        seed: Of the expert.
        tools: What arms need.
    """

    head: Head
    truth: LabelMap
    seed: int
    tools: Tools

    @cached_property
    def result(self) -> Result:
        """The cascade as it ships."""
        return analyse_head(self.head, TASK, options=self.tools.options)

    def outlined(self, arm: str) -> LabelMap:
        """Labels of ``striatum12`` by an arm.

        Raises:
            AnatomyError: The arm refuses the scan.
            ModelError: The network of the arm is missing.
            MissingExtraError: The registration is not installed.
        """
        return {
            ATLAS: self._by_atlases,
            ONE_STAGE: self._at_once,
            CASCADE: lambda: _parts(self.result),
            MENDED: self._mended,
        }[arm]()

    def _by_atlases(self) -> LabelMap:
        tools = self.tools
        return by_atlases(self.head.examination.scan, self.head.pose, tools.atlases, tools.registration)

    def _at_once(self) -> LabelMap:
        model = self.tools.one_stage
        if model is None:
            raise ValueError("a network of one stage is wanted, none came")
        return outline(self.head.examination.scan, self.head.pose, model=model, scheme=PARTS).labels

    def _mended(self) -> LabelMap:
        """Everything after the outline again, with the mask that the expert gives back."""
        mask = drawn_by_expert(self.truth, seed=self.seed)
        first = self.result
        drawn = Drawn(first.pose, first.proposed, first.models, first.times)
        decide = corrected(mask, reviewer=EXPERT, when=WHEN)
        return _parts(reviewed(self.head.examination, drawn, TASK, decide=decide, options=self.tools.options))


def _parts(result: Result) -> LabelMap:
    if result.parts is None:
        raise ValueError(f"subregions are wanted, task '{result.task.name}' gives none")
    return result.parts.labels
