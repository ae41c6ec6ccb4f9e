"""What the stations hand on: pose, outline, decision, measurements, and the result they make together."""

from __future__ import annotations

from dataclasses import dataclass

from deepgray.anatomy import Side, Structure
from deepgray.errors import GeometryError
from deepgray.recipe import Task
from deepgray.scan import LabelMap, Probabilities, Scan
from deepgray.space import MIRROR_X, Affine, check_rigid, inverse, same_grid


@dataclass(frozen=True, eq=False)
class Pose:
    """Where the head is and how it is turned.

    Attributes:
        canonical_from_world: 4 × 4 rigid, RAS mm to canonical mm.
        confidence: 0–1; below the locate station's limit no head is taken to be found.
        coarse: Coarse map of the whole head (scheme ``coarse``) on a grid of its own in world coordinates.

    Raises:
        GeometryError: The matrix is not rigid.
    """

    canonical_from_world: Affine
    confidence: float
    coarse: LabelMap

    def __post_init__(self) -> None:
        check_rigid(self.canonical_from_world)

    def world_from_side(self, side: Side) -> Affine:
        """From the frame of one hemisphere to world, 4 × 4: the right side's is mirrored, so that both look left."""
        back = inverse(self.canonical_from_world)
        return back @ MIRROR_X if side is Side.RIGHT else back


@dataclass(frozen=True)
class StructureUncertainty:
    """How unsure the outline of one structure is.

    Attributes:
        structure: The structure.
        score: 0 (sure) to 1; one minus the Dice that the probabilities expect.
    """

    structure: Structure
    score: float


@dataclass(frozen=True, eq=False)
class Outline:
    """Structures on the scan's own grid.

    Attributes:
        labels: Label map on the scan's grid.
        probabilities: Of each structure, or None where a rule or a person drew the outline.
        uncertainty: A score per structure, empty where there are no probabilities.
        method: How it was made, in words (``network striatum-outline 1``, ``corrected by A. Reader``).
        notes: What a reader should know (``the box was enlarged``).
    """

    labels: LabelMap
    probabilities: Probabilities | None
    uncertainty: tuple[StructureUncertainty, ...]
    method: str
    notes: tuple[str, ...] = ()

    @property
    def score(self) -> float:
        """The scan's uncertainty: the mean of its structures' scores; 0 where there are none."""
        if not self.uncertainty:
            return 0.0
        return sum(u.score for u in self.uncertainty) / len(self.uncertainty)


@dataclass(frozen=True)
class Change:
    """What a correction changed in one structure.

    Attributes:
        structure: The structure.
        added_mm3: Volume that was added.
        removed_mm3: Volume that was taken away.
        dice: Overlap of before and after, NaN when both are empty.
    """

    structure: Structure
    added_mm3: float
    removed_mm3: float
    dice: float


@dataclass(frozen=True, eq=False)
class Decision:
    """What a person, or nobody, said of an outline.

    Attributes:
        kind: ``accepted`` (as it is, by a person or by a batch run) or ``corrected``.
        reviewer: Who; ``batch`` when nobody looked.
        when: ISO 8601 time with zone.
        outline: The outline that everything after it uses.
        changes: What changed, one entry per structure, empty when nothing was corrected.
    """

    kind: str
    reviewer: str
    when: str
    outline: Outline
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Measurement:
    """One number.

    Attributes:
        structure: Name of the structure, without side.
        side: ``left``, ``right`` or ``both``.
        label: Integer in the label map, or None for a number of both sides.
        quantity: What was measured (``volume``, ``volume_partial``, ``asymmetry``).
        value: The number; NaN where it is undefined, with the reason in ``method``.
        unit: Its unit (``mm3``, ``%``, ``ppm``, ``1``).
        lower: Lower end of its interval, or None.
        upper: Upper end of its interval, or None.
        reference: Reference region or value, or an empty string.
        method: How it was computed, in words.
    """

    structure: str
    side: str
    label: int | None
    quantity: str
    value: float
    unit: str
    method: str
    lower: float | None = None
    upper: float | None = None
    reference: str = ""


@dataclass(frozen=True)
class ModelRecord:
    """Which network did what.

    Attributes:
        stage: ``locate``, ``outline`` or ``subdivide``.
        name: Name of the network.
        version: Version of its weights.
        sha256: Checksum of its file.
        recipe: Its recipe as JSON text.
    """

    stage: str
    name: str
    version: str
    sha256: str
    recipe: str


@dataclass(frozen=True)
class StageTime:
    """Wall-clock seconds of one stage."""

    stage: str
    seconds: float


@dataclass(frozen=True, eq=False)
class Result:
    """Everything that was found in one scan.

    Attributes:
        scan: The scan.
        task: What was asked.
        pose: Where the head is.
        proposed: Outline as the network drew it.
        decision: What a person, or nobody, said of it; holds the outline that was used.
        parts: Subregions inside the decided outline, or None.
        measurements: The numbers.
        flags: Sentences that ask for a look; empty when all is well. One that begins with ``review`` asks for a person.
        models: The networks that worked.
        times: Seconds per stage.

    Raises:
        GeometryError: A label map is not on the scan's grid.
    """

    scan: Scan
    task: Task
    pose: Pose
    proposed: Outline
    decision: Decision
    parts: Outline | None
    measurements: tuple[Measurement, ...]
    flags: tuple[str, ...]
    models: tuple[ModelRecord, ...]
    times: tuple[StageTime, ...]

    def __post_init__(self) -> None:
        outlines = [self.proposed, self.decision.outline] + ([self.parts] if self.parts else [])
        if not all(same_grid(o.labels.grid, self.scan.grid) for o in outlines):
            raise GeometryError("Label maps on the scan's own grid are wanted, one on another grid came.")

    @property
    def outline(self) -> Outline:
        """The outline that was measured."""
        return self.decision.outline
