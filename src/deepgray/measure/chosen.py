"""The measures that a task names."""

from __future__ import annotations

from collections.abc import Callable

from deepgray.measure.susceptibility import susceptibility
from deepgray.measure.volume import volumes
from deepgray.recipe import Task
from deepgray.result import Examination, Measurement, Outline

_MEASURES: dict[str, Callable[[Outline, Examination], tuple[Measurement, ...]]] = {
    "volume": lambda outline, _: volumes(outline),
    "susceptibility": lambda outline, given: susceptibility(outline, given.scan, reference=given.reference),
}


def measured(task: Task, examination: Examination, *, outlines: tuple[Outline, ...]) -> tuple[Measurement, ...]:
    """What a task measures, in each outline; a number that an earlier outline told is not told again.

    Args:
        task: Names the measures.
        examination: The scan, and what its numbers are told relative to.
        outlines: The outline, and its parts where there are any.

    Returns:
        Measurements, outline by outline.

    Raises:
        MaskError: The reference region is empty or on another grid.
    """
    numbers: dict[tuple[str, str, str], Measurement] = {}
    for outline in outlines:
        for name in task.measures:
            for m in _MEASURES[name](outline, examination):
                numbers.setdefault((m.structure, m.side, m.quantity), m)  # parts add up to the same whole striatum
    return tuple(numbers.values())
