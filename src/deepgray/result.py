"""What the stations hand on: pose, outline, decision, measurements, and the result they make together."""

from __future__ import annotations

from dataclasses import dataclass

from deepgray.anatomy import STRIATUM, Side, Structure
from deepgray.errors import FieldOfViewError, GeometryError, SettingsError
from deepgray.recipe import TRACER_REFERENCES, Task
from deepgray.scan import IntegerVolume, LabelMap, Probabilities, Scan, part_in_view
from deepgray.space import MIRROR_X, Affine, check_rigid, inverse, same_grid

# A second scan of the same head must show at least this part of the first: the deep nuclei are never at its rim.
SHARED_VIEW = 0.5
# The stage of a network that is asked beside the one that outlines.
BESIDE = "beside"


@dataclass(frozen=True, eq=False)
class Pose:
    """Where the head is and how it is turned.

    Attributes:
        canonical_from_world: 4 × 4 rigid, RAS mm to canonical mm.
        confidence: 0–1; below the locate station's limit no head is taken to be found.
        coarse: Coarse map of the whole head (scheme ``coarse``) on a grid of its own in world coordinates.
        deep: Coarse outlines that give the AC–PC frame (scheme ``deep``), likewise; None where no task asked.

    Raises:
        GeometryError: The matrix is not rigid.
    """

    canonical_from_world: Affine
    confidence: float
    coarse: LabelMap
    deep: LabelMap | None = None

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
        fine: On a grid of 1 mm along the scan's axes; None where nobody asked.
        part_uncertainty: The same per subregion, where it is to be divided.
    """

    labels: LabelMap
    probabilities: Probabilities | None
    uncertainty: tuple[StructureUncertainty, ...]
    method: str
    notes: tuple[str, ...] = ()
    fine: LabelMap | None = None
    part_uncertainty: tuple[StructureUncertainty, ...] = ()

    @property
    def score(self) -> float:
        """The scan's uncertainty: the mean over subregions and all that is not divided; 0 where nothing tells of it."""
        whole = (u for u in self.uncertainty if not (self.part_uncertainty and u.structure.name in STRIATUM))
        scores = [u.score for u in (*whole, *self.part_uncertainty)]
        return sum(scores) / len(scores) if scores else 0.0


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


@dataclass(frozen=True)
class AuditLine:
    """One decision of a person, as the record of a study keeps it.

    Attributes:
        reviewer: Who.
        when: ISO 8601 time with zone.
        kind: ``accepted``, ``corrected``, ``rejected`` or ``consensus``.
        seconds: Spent on it, None where nobody measured.
        voxels_added: Voxels with another label than before, background left out.
        voxels_removed: Voxels that had a label before and have none now.
        before_sha256: Checksum of the labels before.
        after_sha256: Checksum of the labels after.
        source: ``page``, or the name of a file.
    """

    reviewer: str
    when: str
    kind: str
    seconds: float | None
    voxels_added: int
    voxels_removed: int
    before_sha256: str
    after_sha256: str
    source: str


@dataclass(frozen=True, eq=False)
class Decision:
    """What a person, or nobody, said of an outline.

    Attributes:
        kind: ``accepted`` (by a person or a batch run), ``corrected``, or ``rejected``: then nothing is measured.
        reviewer: Who; ``batch`` when nobody looked.
        when: ISO 8601 time with zone.
        outline: The outline that everything after it uses.
        changes: What changed, one entry per structure, empty when nothing was corrected.
        audit: Every decision of a person on this study so far, the oldest first.
    """

    kind: str
    reviewer: str
    when: str
    outline: Outline
    changes: tuple[Change, ...] = ()
    audit: tuple[AuditLine, ...] = ()


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
        stage: ``locate``, ``outline``, ``subdivide``, or ``BESIDE`` for one that answers beside that of the outline.
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
class Registration:
    """How a tracer scan was brought onto the scan of the same head.

    Attributes:
        scan_from_tracer: 4 × 4 rigid, the tracer scan's world to the scan's.
        similarity: How much the two tell of one another, 0 to 1; NaN where the map was given.
        seen: Part of the brain in the tracer scan's field of view.
        method: How it was found, in words.

    Raises:
        GeometryError: The matrix is not rigid.
    """

    scan_from_tracer: Affine
    similarity: float
    seen: float
    method: str = "mutual information, DIPY"

    def __post_init__(self) -> None:
        check_rigid(self.scan_from_tracer)


@dataclass(frozen=True, eq=False)
class Drawn:
    """What stands before the decision of a person.

    Attributes:
        pose: Where the head is.
        proposed: Outline as the network drew it.
        models: The networks that worked so far.
        times: Seconds per stage so far.
        registration: How a tracer scan that came beside the scan lies in it, or None.
        divided: The rule's parts of ``proposed``, where they are at hand; not kept for a review.
    """

    pose: Pose
    proposed: Outline
    models: tuple[ModelRecord, ...]
    times: tuple[StageTime, ...]
    registration: Registration | None = None
    divided: Outline | None = None


@dataclass(frozen=True, eq=False)
class Reference:
    """What susceptibilities or binding are told relative to.

    Attributes:
        name: ``none`` (the task's own), ``whole-brain``, a located region (``cerebellum``), or the name of a mask.
        region: The mask, on the scan's grid, axes in any order and direction; None without one.
        sha256: Of the mask's file, empty where there is none.
    """

    name: str = "none"
    region: IntegerVolume | None = None
    sha256: str = ""


NO_REFERENCE = Reference()
WHOLE_BRAIN = Reference("whole-brain")


@dataclass(frozen=True, eq=False)
class Tracer:
    """A PET or SPECT of the head that a magnetic resonance image shows, and how it is measured.

    Attributes:
        scan: The tracer scan, in a world of its own.
        reference: What its numbers are told relative to, one of ``recipe.TRACER_REFERENCES``.
        psf_mm: Resolution (full width at half maximum) that numbers are corrected for besides, or None.

    Raises:
        SettingsError: No such reference, or a resolution that no scanner has.
    """

    scan: Scan
    reference: str = TRACER_REFERENCES[0]
    psf_mm: float | None = None

    def __post_init__(self) -> None:
        if self.reference not in TRACER_REFERENCES:
            raise SettingsError(f"A reference of {', '.join(TRACER_REFERENCES)} is wanted, '{self.reference}' came.")
        if self.psf_mm is not None and not 1.0 <= self.psf_mm <= 20.0:
            raise SettingsError(f"A resolution of 1 to 20 mm is wanted for the correction, {self.psf_mm:g} came.")


@dataclass(frozen=True, eq=False)
class Registered:
    """A tracer scan as it was measured.

    Attributes:
        tracer: The scan.
        registration: Where its head lies.
        region: Reference region, 1 inside, on a grid of its own in the world of the magnetic resonance image.
    """

    tracer: Tracer
    registration: Registration
    region: IntegerVolume


@dataclass(frozen=True, eq=False)
class Examination:
    """A scan, and what came with it.

    Attributes:
        scan: The scan that is outlined and measured.
        also: The same head in another modality, on any grid of the same world space: the pose comes from it.
        reference: What susceptibilities or binding are told relative to.
        tracer: A PET or SPECT of the same head, in a world of its own, or None.

    Raises:
        FieldOfViewError: The two scans hardly show the same place.
    """

    scan: Scan
    also: Scan | None = None
    reference: Reference = NO_REFERENCE
    tracer: Tracer | None = None

    def __post_init__(self) -> None:
        if self.also is not None and (shared := part_in_view(self.scan, self.also.grid)) < SHARED_VIEW:
            raise FieldOfViewError(
                f"Two scans of one head in one world space are wanted; {100 * shared:.0f} % of "
                f"'{self.scan.stem}' lies in the field of view of '{self.also.stem}'."
            )


@dataclass(frozen=True)
class InputRecord:
    """A file that came beside the scan.

    Attributes:
        role: ``also``, ``reference``, ``pet`` or ``spect``.
        name: Its name.
        sha256: Checksum of the file, empty where it came from memory.
    """

    role: str
    name: str
    sha256: str


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
        flags: Sentences that ask for a look, of a person where one begins with ``review``; empty when all is well.
        models: The networks that worked.
        times: Seconds per stage.
        inputs: Files that came beside the scan.
        registered: The tracer scan that was measured with it, or None.
        intervals: A sentence on ``lower`` and ``upper`` of the measurements, or why there are none.

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
    inputs: tuple[InputRecord, ...] = ()
    registered: Registered | None = None
    intervals: str = ""

    def __post_init__(self) -> None:
        outlines = (self.proposed, self.decision.outline, self.parts)
        if not all(same_grid(o.labels.grid, self.scan.grid) for o in outlines if o):
            raise GeometryError("Label maps on the scan's own grid are wanted, one on another grid came.")

    @property
    def outline(self) -> Outline:
        """The outline that was measured."""
        return self.decision.outline
