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
    levels: tuple[Level, ...]


def _binding(given: _Measured) -> tuple[Measurement, ...]:
    scan, limits = given.examination.scan, given.task.category
    found = uptakes(given.outline, scan, given.pose)
    numbers = binding(found, given.levels, unit=scan.unit)
    if limits is None:
        return numbers
    first = next(level for level in given.levels if level.name == given.task.references[0])
    return numbers + suggested_category(found, first, limits=limits)


def levels_of(task: Task, examination: Examination, pose: Pose, *, outline: Outline) -> tuple[Level, ...]:
    """What reference regions of a tracer scan hold: the one that was asked for, or the task's first; then its others.

    Args:
        task: Names the regions.
        examination: The scan, and what was asked for.
        pose: Where the head is.
        outline: The striatum, which the whole brain is taken without.

    Returns:
        Nothing where the task measures no binding.

    Raises:
        MaskError: The region that was asked for is on another grid.
    """
    if "binding" not in task.measures:
        return ()
    scan, reference = examination.scan, examination.reference
    names = task.references
    if reference.name in names:
        names = (reference.name, *(n for n in names if n != reference.name))
    levels = reference_levels(names, scan, pose, outline=outline)
    return levels if reference.region is None or not names else (level_of_mask(reference, scan), *levels)


_MEASURES: dict[str, Callable[[_Measured], tuple[Measurement, ...]]] = {
    "volume": lambda given: volumes(given.outline),
    "susceptibility": lambda given: susceptibility(
        given.outline, given.examination.scan, reference=given.examination.reference
    ),
    "binding": _binding,
}


def measured(
    task: Task, examination: Examination, pose: Pose, *, outlines: tuple[Outline, ...], levels: tuple[Level, ...]
) -> tuple[Measurement, ...]:
    """What a task measures, in each outline; a number that an earlier outline told is not told again.

    Args:
        task: Names the measures.
        examination: The scan, and what its numbers are told relative to.
        pose: Where the head is.
        outlines: The outline, and its parts where there are any.
        levels: From ``levels_of``.

    Returns:
        Measurements, outline by outline.

    Raises:
        MaskError: The reference region is empty or on another grid.
    """
    numbers: dict[tuple[str, str, str], Measurement] = {}
    for outline in outlines:
        for name in task.measures:
            for m in _MEASURES[name](_Measured(task, examination, pose, outline, levels)):
                numbers.setdefault((m.structure, m.side, m.quantity), m)  # parts add up to the same whole striatum
    return tuple(numbers.values())
