"""The measures that a task names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from deepgray.measure.binding import binding, uptakes
from deepgray.measure.category import suggested_category
from deepgray.measure.references import Level, level_of_mask, reference_levels
from deepgray.measure.susceptibility import susceptibility
from deepgray.measure.volume import volumes
from deepgray.recipe import Task
from deepgray.result import Examination, Measurement, Outline, Pose


@dataclass(frozen=True, eq=False)
class _Measured:
    """What a measure may look at."""

    task: Task
    examination: Examination
    pose: Pose
    outline: Outline


def _binding(given: _Measured) -> tuple[Measurement, ...]:
    scan, limits, levels = given.examination.scan, given.task.category, _levels(given)
    found = uptakes(given.outline, scan, given.pose)
    numbers = binding(found, levels, unit=scan.unit)
    if limits is None:
        return numbers
    first = next(level for level in levels if level.name == given.task.references[0])
    return numbers + suggested_category(found, first, limits=limits)


def _levels(given: _Measured) -> tuple[Level, ...]:
    """The reference that was asked for, or the task's first one; then the task's others."""
    scan, reference = given.examination.scan, given.examination.reference
    names = given.task.references
    if reference.name in names:
        names = (reference.name, *(n for n in names if n != reference.name))
    levels = reference_levels(names, scan, given.pose, outline=given.outline)
    return levels if reference.region is None else (level_of_mask(reference, scan), *levels)


_MEASURES: dict[str, Callable[[_Measured], tuple[Measurement, ...]]] = {
    "volume": lambda given: volumes(given.outline),
    "susceptibility": lambda given: susceptibility(
        given.outline, given.examination.scan, reference=given.examination.reference
    ),
    "binding": _binding,
}


def measured(
    task: Task, examination: Examination, pose: Pose, *, outlines: tuple[Outline, ...]
) -> tuple[Measurement, ...]:
    """What a task measures, in each outline; a number that an earlier outline told is not told again.

    Args:
        task: Names the measures.
        examination: The scan, and what its numbers are told relative to.
        pose: Where the head is.
        outlines: The outline, and its parts where there are any.

    Returns:
        Measurements, outline by outline.

    Raises:
        MaskError: The reference region is empty or on another grid.
    """
    numbers: dict[tuple[str, str, str], Measurement] = {}
    for outline in outlines:
        for name in task.measures:
            for m in _MEASURES[name](_Measured(task, examination, pose, outline)):
                numbers.setdefault((m.structure, m.side, m.quantity), m)  # parts add up to the same whole striatum
    return tuple(numbers.values())
