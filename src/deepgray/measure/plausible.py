"""Whether an outline can be what it is called: its size, its likeness to the other side, its susceptibility.

The bounds come from the task file. They are wide: healthy and atrophied nuclei pass, a vein or half a nucleus does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from deepgray.anatomy import Side
from deepgray.measure.susceptibility import SUSCEPTIBILITY_MEAN
from deepgray.measure.volume import VOLUME
from deepgray.recipe import Plausible, Task
from deepgray.result import Measurement

_Numbers = dict[tuple[str, str, str], float]


def implausible(task: Task, measurements: Iterable[Measurement]) -> tuple[str, ...]:
    """Outlines that a person should look at, because they are not what their structure can be.

    Args:
        task: Holds the bounds; a number that lies on one passes.
        measurements: What was measured: volumes, and mean susceptibilities where the task has bounds for them.

    Returns:
        A sentence for each structure of each side that is too small, too large, or of another susceptibility, and
        one for each pair whose sides differ too much. A structure that is empty is passed over, as is a number that
        was not measured.
    """
    numbers = {(m.structure, m.side, m.quantity): m.value for m in measurements}
    return tuple(sentence for bounds in task.plausible for sentence in _sentences(bounds, numbers))


def _sentences(bounds: Plausible, numbers: _Numbers) -> Iterator[str]:
    for side in Side:
        odd = [*_odd_volume(bounds, numbers, side), *_odd_mean(bounds, numbers, side)]
        if odd:
            yield f"{side} {bounds.structure}: {' and '.join(odd)}: look at it"
    yield from _unlike(bounds, numbers)


def _odd_volume(bounds: Plausible, numbers: _Numbers, side: Side) -> Iterator[str]:
    volume_mm3 = numbers.get((bounds.structure, side, VOLUME), 0.0)
    if bounds.volume_mm3 is None or volume_mm3 == 0:
        return
    low, high = bounds.volume_mm3
    if not low <= volume_mm3 <= high:
        yield f"{volume_mm3:.0f} mm³, {low:g}–{high:g} expected"


def _odd_mean(bounds: Plausible, numbers: _Numbers, side: Side) -> Iterator[str]:
    mean_ppm = numbers.get((bounds.structure, side, SUSCEPTIBILITY_MEAN))
    if bounds.mean_ppm is None or mean_ppm is None:
        return
    low, high = bounds.mean_ppm
    if mean_ppm < low or mean_ppm > high:  # of a NaN neither is true
        yield f"mean of {mean_ppm:.3f} ppm, {low:g} to {high:g} expected"


def _unlike(bounds: Plausible, numbers: _Numbers) -> Iterator[str]:
    left, right = (numbers.get((bounds.structure, side, VOLUME), 0.0) for side in (Side.LEFT, Side.RIGHT))
    if bounds.side_ratio is None or min(left, right) == 0:
        return
    ratio = max(left, right) / min(left, right)
    if ratio > bounds.side_ratio:
        larger, smaller = (Side.LEFT, Side.RIGHT) if left > right else (Side.RIGHT, Side.LEFT)
        yield (
            f"{bounds.structure}: the {larger} is {ratio:.1f} times as large as the {smaller} "
            f"({max(left, right):.0f} and {min(left, right):.0f} mm³), up to {bounds.side_ratio:g} times expected: "
            "look at both"
        )
