"""A tracer scan in structures that were outlined on a magnetic resonance image of the same head.

The tracer scan stays as it is. Every voxel of a structure, on the grid of the magnetic resonance image, is looked up in
it, by cubic splines between its voxels: a tracer voxel that lies half inside a structure counts about half as much as
one inside. Linear weights would blur once more: on simulated pairs they lose 1 to 5 % of a subregion's mean, splines
0.3 % (docs/pet.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepgray.errors import FieldOfViewError
from deepgray.measure.binding import Uptake, binding, binding_ratio
from deepgray.measure.partial_volume import corrected_means
from deepgray.measure.references import Level
from deepgray.measure.tracer_references import WORDS, region_of
from deepgray.measure.volume import Part, parts_of
from deepgray.result import Measurement, Outline, Pose, Registered, Registration, Tracer
from deepgray.scan import IntegerVolume, LabelMap, Scan
from deepgray.space import Affine, Points, apply_affine, inverse

PET_MEAN, SUVR, BPND = "pet_mean", "suvr", "bpnd"
# Quantities with partial volume corrected carry this after their name.
CORRECTED = "_gtm"
# Of a reference region at least this part must lie in the field of view; of a structure, nearly all.
LEAST_REFERENCE, LEAST_STRUCTURE = 0.5, 0.95
SMALLEST_REFERENCE_ML = 2.0
_SUVR = "mean / mean of the reference"
_BPND = "mean / mean of the reference − 1, as of a late static frame"

Values = NDArray[np.float64]
# A tracer scan at voxels (n, 3) of a label map: (n,), NaN outside the field of view.
Look = Callable[[NDArray[np.intp]], Values]


@dataclass(frozen=True, eq=False)
class _Numbers:
    """Means of one part, with what is wrong with them."""

    part: Part
    mean: float
    count: int
    reason: str = ""


def registered(scan: Scan, pose: Pose, tracer: Tracer, registration: Registration) -> Registered:
    """A tracer scan with its registration and its reference region.

    Args:
        scan: The magnetic resonance image.
        pose: Where the head is.
        tracer: The tracer scan.
        registration: Where its head lies.

    Raises:
        FieldOfViewError: One of the two scans lacks the reference region.
    """
    region = region_of(tracer.reference, scan, pose)
    held_ml = float(region.voxels.sum()) * region.grid.voxel_volume_mm3 / 1000
    words = WORDS[tracer.reference]
    if held_ml < SMALLEST_REFERENCE_ML:
        raise FieldOfViewError(
            f"At least {SMALLEST_REFERENCE_ML:g} ml of {words} are wanted as reference, {held_ml:.1f} ml were found in "
            f"'{scan.stem}'. Another --tracer-reference may do."
        )
    values = _values(tracer.scan, registration, apply_affine(region.affine_ras, np.argwhere(region.voxels)))
    seen = float(np.isfinite(values).mean())
    if seen < LEAST_REFERENCE:
        raise FieldOfViewError(
            f"A reference region in the field of view of '{tracer.scan.stem}' is wanted; {100 * seen:.0f} % of "
            f"{words} lies in it. Another --tracer-reference may do."
        )
    return Registered(tracer, registration, region)


def reference_level(given: Registered) -> Level:
    """What the reference region of a tracer scan holds; a mean that is not above 0 comes with its reason."""
    region = given.region
    values = _values(given.tracer.scan, given.registration, _world(region))
    held_ml = float(np.isfinite(values).sum()) * region.grid.voxel_volume_mm3 / 1000
    mean = float(values[np.isfinite(values)].mean())
    reason = "" if mean > 0 else f"a reference mean above 0 is wanted, {mean:.4g} came"
    return Level(given.tracer.reference, mean, f"{WORDS[given.tracer.reference]}, {held_ml:.0f} ml", reason)


def tracer_measures(outlines: Sequence[Outline], scan: Scan, pose: Pose, given: Registered) -> tuple[Measurement, ...]:
    """Means and ratios of each structure, of each side and of both, and of the whole striatum.

    Args:
        outlines: The outline, and its parts where there are any; what an earlier one told is not told again.
        scan: The magnetic resonance image.
        pose: Where the head is.
        given: The tracer scan.

    Returns:
        Of a PET ``pet_mean``, ``suvr`` and ``bpnd``; of a SPECT ``uptake_mean``, ``sbr`` and ``asi``. With a resolution
        given, those of a PET again with partial volume corrected, ``suvr_gtm`` and so on. NaN with the reason in its
        method where a structure is empty or out of view, or the reference is not above 0.
    """
    level = reference_level(given)
    told: dict[tuple[str, str, str], Measurement] = {}
    for number, outline in enumerate(outlines):
        rows = list(rows_in(outline.labels, given, level, look=look_in(outline.labels, given)))
        if given.tracer.psf_mm is not None:
            others = [o for n, o in enumerate(outlines) if n != number]
            rows += _corrected_rows(outline, others, (scan, pose), level=level, given=given)
        for row in rows:
            told.setdefault((row.structure, row.side, row.quantity), row)
    return tuple(told.values())


def rows_in(labels: LabelMap, given: Registered, level: Level, *, look: Look) -> Iterator[Measurement]:
    """Numbers of a label map's structures as they are, without a correction for partial volume.

    Args:
        labels: The structures.
        given: The tracer scan.
        level: What its reference region holds.
        look: The tracer scan at voxels of the label map.
    """
    found, unit = _found(labels, look), given.tracer.scan.unit
    if given.tracer.scan.modality == "spect":
        yield from binding(_uptakes(found), (level,), unit=unit)
        return
    for one in found:
        yield from _of_pet(one, level, unit, "")


def look_in(labels: LabelMap, given: Registered) -> Look:
    """Looks a tracer scan up at voxels of a label map."""
    return lambda places: _values(given.tracer.scan, given.registration, apply_affine(labels.affine_ras, places))


def values_at(scan: Scan, affine: Affine, points: Points) -> Values:
    """A scan at points, by cubic splines between its voxels.

    Args:
        scan: The scan.
        affine: 4 × 4, the points' millimetres to the scan's world.
        points: (n, 3).

    Returns:
        (n,), NaN outside the field of view.
    """
    index = apply_affine(inverse(scan.affine_ras) @ affine, points)
    shape = np.array(scan.voxels.shape)
    inside = ((index >= -0.5) & (index <= shape - 0.5)).all(axis=1)
    index = np.clip(index, 0, shape - 1)  # within half a voxel of the border
    from scipy import ndimage  # noqa: PLC0415 (an extra: whoever has a tracer scan registered it, which wants it too)

    values = ndimage.map_coordinates(scan.voxels, index.T, order=3, output=np.float64, mode="mirror")
    return np.where(inside, values, np.nan)


def _values(scan: Scan, registration: Registration, points: Points) -> Values:
    return values_at(scan, inverse(registration.scan_from_tracer), points)


def _world(region: IntegerVolume) -> Points:
    return apply_affine(region.affine_ras, np.argwhere(region.voxels))


def _found(labels: LabelMap, look: Look) -> list[_Numbers]:
    """Means of a label map's parts; voxels of several structures are pooled."""
    places = np.argwhere(labels.voxels > 0)
    label_of = labels.voxels[tuple(places.T)]
    values = look(places)
    return [
        _numbers(part, values[np.isin(label_of, [member.label for member in part.members])])
        for part in parts_of(labels.scheme)
    ]


def _numbers(part: Part, values: Values) -> _Numbers:
    known = values[np.isfinite(values)]
    seen = len(known) / len(values) if len(values) else 0.0
    if not len(values):
        return _Numbers(part, float("nan"), 0, "the structure is empty")
    if seen < LEAST_STRUCTURE:
        return _Numbers(part, float("nan"), len(values), f"{100 * seen:.0f} % of it lies in the tracer's field of view")
    return _Numbers(part, float(known.mean()), len(known))


def _uptakes(found: Sequence[_Numbers]) -> Mapping[tuple[str, str], Uptake]:
    return {(n.part.name, n.part.side): Uptake(n.mean, n.count, n.part.label, n.part.made_of) for n in found}


def _of_pet(one: _Numbers, level: Level, unit: str, words: str) -> Iterator[Measurement]:
    """Mean, SUVR and BPnd of one part; ``words`` tells of a correction."""
    part, suffix = one.part, CORRECTED if words else ""
    made_of = f" ({part.made_of})" if part.made_of else ""
    mean = f"mean of {one.count} voxels{made_of}{words}"
    method = f"{mean}; undefined: {one.reason}" if one.reason else mean
    yield Measurement(part.name, part.side, part.label, PET_MEAN + suffix, one.mean, unit, method)
    ratio, reason = (float("nan"), one.reason) if one.reason else binding_ratio(one.mean, level)
    for quantity, value, formula in ((SUVR, ratio + 1.0, _SUVR), (BPND, ratio, _BPND)):
        method = f"{formula}{made_of}{words}" + (f"; undefined: {reason}" if reason else "")
        name = quantity + suffix
        yield Measurement(part.name, part.side, part.label, name, value, "1", method, reference=level.described)


def _corrected_rows(
    outline: Outline,
    others: Sequence[Outline],
    head: tuple[Scan, Pose],
    *,
    level: Level,
    given: Registered,
) -> Iterator[Measurement]:
    """The same with partial volume corrected: several structures as one by their volumes."""
    psf_mm = given.tracer.psf_mm or 0.0
    from_scan = inverse(given.registration.scan_from_tracer)
    means = corrected_means(
        outline, others, head, psf_mm=psf_mm, values=lambda points: values_at(given.tracer.scan, from_scan, points)
    )
    counts = {s.label: int((outline.labels.voxels == s.label).sum()) for s in outline.labels.scheme.structures}
    words = f", partial volume corrected (geometric transfer matrix, {psf_mm:g} mm)"
    for one in _found(outline.labels, look_in(outline.labels, given)):
        members = [m.label for m in one.part.members if counts[m.label]]
        mean = one.mean
        if not one.reason:
            total = sum(counts[label] for label in members)
            mean = sum(counts[label] * means[label] for label in members) / total
        yield from _of_pet(_Numbers(one.part, mean, one.count, one.reason), level, given.tracer.scan.unit, words)
