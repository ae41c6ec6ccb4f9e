"""What training and inference must do alike, stored inside every network file; and what a task is made of."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from deepgray.anatomy import STRUCTURES
from deepgray.errors import GeometryError, SettingsError
from deepgray.space import Box, Grid, block_within


@dataclass(frozen=True)
class Recipe:
    """How a network sees the world.

    Attributes:
        name: Name of the network.
        version: Version of the weights.
        modality: ``mr``, ``qsm``, ``spect`` or ``pet``.
        spacing_mm: Voxel size of the frame, isotropic.
        low_mm: Lowest corner of the box in the canonical frame, mm (left hemisphere if mirrored).
        high_mm: Highest corner.
        mirrored: One hemisphere at a time: the right one is mirrored into the left box and mirrored back.
        inputs: Channels that go in: ``image``, and names of structures whose masks follow it.
        outputs: What each output channel after the background (channel 0) stands for, names without side.
        intensity: Name of the intensity scaling, see ``voxels.intensity``.
        border_logit: Added to the background's logit: above 0 draws borders further inside, below 0 further outside.
        output_logits: Added to each output's logit besides, so that the borders of one structure are drawn farther
            outside than another's; nothing if empty.
        sides_alike: Part (0–1) of the difference between both sides' volumes of a structure that is taken away, on a
            logarithmic scale: for images whose noise says more of that difference than anatomy does.
        wide_low_mm: Lowest corner of what the network sees, where that is more than the box it answers for; or None.
        wide_high_mm: Highest corner of it.
        wide_spacing_mm: Voxel size of it, isotropic.

    Raises:
        SettingsError: A number or a name is out of range.
    """

    name: str
    version: str
    modality: str
    spacing_mm: float
    low_mm: tuple[float, float, float]
    high_mm: tuple[float, float, float]
    mirrored: bool
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    intensity: str = "percentiles"
    border_logit: float = 0.0
    output_logits: tuple[float, ...] = ()
    sides_alike: float = 0.0
    wide_low_mm: tuple[float, float, float] | None = None
    wide_high_mm: tuple[float, float, float] | None = None
    wide_spacing_mm: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.spacing_mm < 20:
            raise SettingsError(f"Recipe '{self.name}': a spacing of 0–20 mm is wanted, {self.spacing_mm} came.")
        if not 0 <= self.sides_alike <= 1 or (self.sides_alike > 0 and not self.mirrored):
            raise SettingsError(
                f"Recipe '{self.name}': sides_alike of 0–1, and 0 unless mirrored, is wanted, {self.sides_alike} came."
            )
        if self.output_logits and len(self.output_logits) != len(self.outputs):
            raise SettingsError(
                f"Recipe '{self.name}': output_logits for {len(self.outputs)} outputs, or none, are wanted, "
                f"{len(self.output_logits)} came."
            )
        if self.inputs[:1] != ("image",):
            raise SettingsError(f"Recipe '{self.name}': inputs that begin with 'image' are wanted, {self.inputs} came.")
        given = {v is not None for v in (self.wide_low_mm, self.wide_high_mm, self.wide_spacing_mm)}
        if len(given) > 1:
            raise SettingsError(
                f"Recipe '{self.name}': wide_low_mm, wide_high_mm and wide_spacing_mm together, or none, are wanted."
            )
        try:
            _ = self.box, self.near
        except (GeometryError, ValueError) as error:
            raise SettingsError(f"Recipe '{self.name}': a box in mm is wanted: {error}") from error

    @property
    def box(self) -> Box:
        """The box in the canonical frame."""
        return Box(self.low_mm, self.high_mm)

    @property
    def grid(self) -> Grid:
        """What the network answers for, in the canonical frame."""
        return self.box.grid(self.spacing_mm)

    @property
    def seen(self) -> Grid:
        """What the network sees, in the canonical frame: ``grid`` unless it sees more."""
        if self.wide_low_mm is None or self.wide_high_mm is None or self.wide_spacing_mm is None:
            return self.grid
        return Box(self.wide_low_mm, self.wide_high_mm).grid(self.wide_spacing_mm)

    @property
    def near(self) -> tuple[slice, ...]:
        """The part of what a wide network sees that the box and its mirror image fill; all that another one sees.

        Raises:
            GeometryError: They do not fill whole voxels of it.
        """
        if self.wide_spacing_mm is None:
            return ()
        part = block_within(self.box.both_sides.grid(self.wide_spacing_mm), self.seen)
        if part is None or not self.mirrored:
            raise GeometryError(
                f"the box of one side, {self.low_mm} to {self.high_mm}, does not lie on voxels of what is seen"
            )
        return part

    @property
    def is_wide(self) -> bool:
        """Whether the network sees more than it answers for; its grids are fixed then."""
        return self.wide_spacing_mm is not None

    def to_json(self) -> str:
        """The recipe as JSON text."""
        told = {key: value for key, value in asdict(self).items() if value is not None and value != ()}
        return json.dumps(told, sort_keys=True)


def recipe_from_json(text: str) -> Recipe:
    """The recipe that ``Recipe.to_json`` wrote.

    Raises:
        SettingsError: Not JSON, or keys are missing or unknown.
    """
    try:
        values = json.loads(text)
        if not isinstance(values, dict):
            raise SettingsError(f"A recipe in JSON, an object with keys, is wanted, {type(values).__name__} came.")
        known = {f.name for f in fields(Recipe)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise SettingsError(f"A recipe with the keys {sorted(known)} is wanted, {unknown} came besides.")
        arguments: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return Recipe(**arguments)
    except (ValueError, TypeError) as error:
        raise SettingsError(f"A recipe in JSON is wanted: {error}.") from error


# What a tracer scan beside a magnetic resonance image can be told relative to; the first one where nobody says.
TRACER_REFERENCES: tuple[str, ...] = ("cerebellar-grey", "occipital", "white-matter")
# What can be measured in an outline.
MEASURES: tuple[str, ...] = ("volume", "susceptibility", "binding")
# Reference regions of tracer scans.
REFERENCES: tuple[str, ...] = ("cerebellum", "occipital", "brain", "box")
_NAMES = {"measures": MEASURES, "references": REFERENCES}


@dataclass(frozen=True)
class Plausible:
    """What an outline of a structure may be; beyond it a person is asked to look. A bound that is None does not hold.

    Attributes:
        structure: Name without side.
        volume_mm3: Smallest and largest volume of one side.
        side_ratio: How many times one side may be as large as the other.
        mean_ppm: Lowest and highest mean susceptibility of one side, as it is printed.

    Raises:
        SettingsError: An unknown structure, bounds in the wrong order, a ratio below 1, or no bound at all.
    """

    structure: str
    volume_mm3: tuple[float, float] | None = None
    side_ratio: float | None = None
    mean_ppm: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.structure not in {s.name for s in STRUCTURES}:
            raise SettingsError(f"A structure such as 'caudate' is wanted in 'plausible', {self.structure!r} came.")
        for name, pair in (("volume_mm3", self.volume_mm3), ("mean_ppm", self.mean_ppm)):
            if pair is not None and not (len(pair) == 2 and pair[0] < pair[1]):
                raise SettingsError(f"{self.structure}: a lower and a higher {name} are wanted, {list(pair)} came.")
        if self.side_ratio is not None and self.side_ratio < 1:
            raise SettingsError(f"{self.structure}: a side_ratio of 1 or more is wanted, {self.side_ratio:g} came.")
        if all(bound is None for bound in (self.volume_mm3, self.side_ratio, self.mean_ppm)):
            raise SettingsError(f"{self.structure}: at least one bound is wanted in 'plausible', none came.")


@dataclass(frozen=True)
class CategoryLimits:
    """Specific binding ratios below which a pattern of loss is suggested, for the task's first reference.

    Attributes:
        front_below: Mean of both caudates and anterior putamina: caudates too.
        better_putamen_below: Better posterior putamen: both putamina.
        worse_putamen_below: Worse posterior putamen: one putamen.
    """

    front_below: float
    better_putamen_below: float
    worse_putamen_below: float


@dataclass(frozen=True)
class Task:
    """One thing deepgray can do: read from a file, never from code.

    Attributes:
        name: Name of the task; output files carry it (``_desc-<name>_dseg``).
        title: One line for people.
        modality: What kind of scan it wants.
        scheme: Scheme of the outline.
        locate_model: Name of the whole-head network.
        outline_model: Name of the network that outlines.
        subdivide_scheme: Scheme of the parts, or an empty string.
        subdivide_model: Name of the network that subdivides, or an empty string for the geometric rule.
        subdivide_by: ``network`` (where there is one) or ``rule``, when the user does not say.
        review_above: Scans whose uncertainty exceeds this are flagged "review".
        measures: What is measured, names of ``MEASURES``.
        note: What the report says of how the structures are defined, or an empty string.
        also_model: Name of the network that locates the head in another scan of it, or an empty string.
        deep_model: Name of the network whose coarse outlines of all deep structures help the outline to give the AC–PC
            frame of the parts, or an empty string.
        plausible: What outlines may be, structure by structure; ``[[plausible]]`` in the file.
        references: Reference regions of a tracer scan, names of ``REFERENCES``, the one that is used first.
        category: Limits of the suggested visual category; ``[category]`` in the file. None suggests nothing.
    """

    name: str
    title: str
    modality: str
    scheme: str
    locate_model: str
    outline_model: str
    review_above: float
    subdivide_scheme: str = ""
    subdivide_model: str = ""
    subdivide_by: str = "network"
    measures: tuple[str, ...] = ("volume",)
    note: str = ""
    also_model: str = ""
    deep_model: str = ""
    plausible: tuple[Plausible, ...] = ()
    references: tuple[str, ...] = ()
    category: CategoryLimits | None = None


def task_from_mapping(values: dict[str, object], origin: str) -> Task:
    """A task from the keys of a task file.

    Args:
        values: What the file holds.
        origin: Name of the file, for messages.

    Raises:
        SettingsError: A key is missing or unknown, or a value is of the wrong kind.
    """
    known = {f.name for f in fields(Task)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise SettingsError(f"{origin}: the keys {', '.join(sorted(known))} are wanted, {', '.join(unknown)} came.")
    values = {key: _value(key, value, origin) for key, value in values.items()}
    if values.get("subdivide_by", "rule") not in ("network", "rule"):
        raise SettingsError(
            f"{origin}: 'network' or 'rule' is wanted for 'subdivide_by', {values['subdivide_by']!r} came."
        )
    if "susceptibility" in values.get("measures", ()) and values.get("modality") != "qsm":  # type: ignore[operator]
        raise SettingsError(f"{origin}: the modality 'qsm' is wanted for the measure 'susceptibility'.")
    if ("binding" in values.get("measures", ())) != bool(values.get("references")):  # type: ignore[operator]
        raise SettingsError(f"{origin}: the measure 'binding' and 'references' are wanted together.")
    try:
        return Task(**values)  # type: ignore[arg-type]
    except TypeError as error:
        raise SettingsError(f"{origin}: {error}.") from error


def _value(key: str, value: object, origin: str) -> object:
    """A value of a task file, of the kind that its key wants."""
    if key in _NAMES:
        names = value if isinstance(value, list) else []
        if not names or not all(name in _NAMES[key] for name in names):
            known = ", ".join(_NAMES[key])
            raise SettingsError(f"{origin}: names of {known} are wanted for '{key}', {value!r} came.")
        return tuple(names)
    if key == "plausible":
        return _plausible(value, origin)
    if key == "category":
        return _category(value, origin)
    kind: type | tuple[type, ...] = (int, float) if key == "review_above" else str
    if not isinstance(value, kind) or isinstance(value, bool):
        wanted = "a number" if key == "review_above" else "text"
        raise SettingsError(f"{origin}: {wanted} is wanted for '{key}', {value!r} came.")
    return value


def _plausible(value: object, origin: str) -> tuple[Plausible, ...]:
    """Bounds from the tables ``[[plausible]]`` of a task file."""
    tables: list[Any] = value if isinstance(value, list) else [value]
    for table in tables:
        if not (isinstance(table, dict) and "structure" in table and all(map(_is_bound, table, table.values()))):
            raise SettingsError(
                f"{origin}: in [[plausible]] a structure, and of volume_mm3 = [low, high], side_ratio = number, "
                f"mean_ppm = [low, high] what holds for it, are wanted; {table!r} came."
            )
    bounds: list[dict[str, Any]] = [{k: tuple(v) if isinstance(v, list) else v for k, v in t.items()} for t in tables]
    try:
        return tuple(Plausible(**named) for named in bounds)
    except SettingsError as error:
        raise SettingsError(f"{origin}: {error}") from error


def _category(value: object, origin: str) -> CategoryLimits:
    """Limits from the table ``[category]`` of a task file."""
    names = [f.name for f in fields(CategoryLimits)]
    if not (
        isinstance(value, dict)
        and sorted(value) == sorted(names)
        and all(type(v) in (int, float) for v in value.values())
    ):
        raise SettingsError(f"{origin}: in [category] numbers for {', '.join(names)} are wanted, {value!r} came.")
    return CategoryLimits(**value)


def _is_bound(key: str, value: object) -> bool:
    """Whether a value of ``[[plausible]]`` is of the kind that its key wants."""
    if key == "structure":
        return isinstance(value, str)
    if key == "side_ratio":
        return type(value) in (int, float)
    return key in ("volume_mm3", "mean_ppm") and isinstance(value, list) and all(type(v) in (int, float) for v in value)


@dataclass(frozen=True)
class Options:
    """What a task leaves open, or a user wants otherwise.

    Attributes:
        subdivide: ``network``, ``rule``, or empty for what the task says.
        threads: Cores to use; all usable ones when None.
        engine: Name of the engine; the fastest installed one when None.
        fine: Also give the outline at 1 mm.

    Raises:
        SettingsError: No such way to subdivide, or no thread.
    """

    subdivide: str = ""
    threads: int | None = None
    engine: str | None = None
    fine: bool = False

    def __post_init__(self) -> None:
        if self.subdivide not in ("", "network", "rule"):
            raise SettingsError(f"'network' or 'rule' is wanted to subdivide, '{self.subdivide}' came.")
        if self.threads is not None and self.threads < 1:
            raise SettingsError(f"At least one thread is wanted, {self.threads} came.")

    def settled(self, task: Task) -> Task:
        """The task as it is done with these options.

        Raises:
            SettingsError: A network is wanted to subdivide, and the task has none.
        """
        if self.subdivide == "network" and not task.subdivide_model:
            raise SettingsError(f"A task with a network that subdivides is wanted, '{task.name}' has none.")
        way = self.subdivide or task.subdivide_by
        return replace(task, subdivide_model="") if way == "rule" else task
