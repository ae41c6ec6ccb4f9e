"""Specific binding of a tracer in the striatum: mean, binding ratio, asymmetry, putamen to caudate.

A ratio here is that of the image: the scanner's blur leaves about half of the true one, and less of small structures.
Compare within one camera and reconstruction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepgray.anatomy import HEMISPHERES, STRIATUM, Side, Structure
from deepgray.measure.references import Level
from deepgray.result import Measurement, Outline, Pose
from deepgray.scan import Scan
from deepgray.space import Affine, apply_affine
from deepgray.voxels.crop import Box, occupied

UPTAKE_MEAN = "uptake_mean"
SBR = "sbr"
ASI = "asi"
PUTAMEN_CAUDATE_RATIO = "putamen_caudate_ratio"
# Several structures as one. What work on DaT SPECT calls the whole striatum is the dorsal one: without accumbens.
DORSAL = "dorsal striatum"
_WHOLES: Mapping[str, tuple[str, ...]] = {DORSAL: ("caudate", "putamen"), "striatum": STRIATUM}
# The putamen in front of and behind the coronal plane through the anterior commissure.
ANTERIOR, POSTERIOR = "anterior putamen", "posterior putamen"

_ASI = "100 × abs(left − right) / (left + right) of the SBR, without a factor of one half"
_RATIO = "SBR of the putamen / SBR of the caudate"


@dataclass(frozen=True)
class Uptake:
    """A tracer in a part of the striatum.

    Attributes:
        mean: Mean of its voxels; NaN where there is none.
        count: How many voxels.
        label: In the label map; None for what is no single structure of it.
        made_of: In words, empty where it is one structure.
    """

    mean: float
    count: int
    label: int | None
    made_of: str = ""


Uptakes = Mapping[tuple[str, str], Uptake]


def uptakes(outline: Outline, scan: Scan, pose: Pose) -> dict[tuple[str, str], Uptake]:
    """Means by name and side (``left``, ``right``, ``both``).

    The structures of the outline; the putamen in front of and behind the coronal plane through the anterior commissure;
    the dorsal striatum, which is caudate and putamen; and the striatum, where the outline has an accumbens too. Both
    sides are pooled voxel by voxel.

    Args:
        outline: Structures on the scan's grid.
        scan: The scan.
        pose: Where the coronal plane is.
    """
    box = occupied(outline.labels.voxels) or (slice(0, 1), slice(0, 1), slice(0, 1))
    labels, values = outline.labels.voxels[box], scan.voxels[box]
    front = _in_front(labels.shape, pose.canonical_from_world @ outline.labels.affine_ras, box)
    out: dict[tuple[str, str], Uptake] = {}
    for name, members, made_of in _parts(outline.labels.scheme.structures):
        masks = {s.side.value: np.isin(labels, [m.label for m in members if m.side is s.side]) for s in members}
        if name in (ANTERIOR, POSTERIOR):
            masks = {side: mask & (front if name == ANTERIOR else ~front) for side, mask in masks.items()}
        numbers = {} if made_of else {m.side.value: m.label for m in members}
        if len(masks) == len(HEMISPHERES):
            masks["both"] = np.any(list(masks.values()), axis=0)
        for side, mask in masks.items():
            out[name, side] = _uptake(values[mask], numbers.get(side), made_of)
    return out


def _parts(structures: tuple[Structure, ...]) -> Iterator[tuple[str, tuple[Structure, ...], str]]:
    """Name, the structures that it is made of, and how, in words."""
    names = tuple(dict.fromkeys(s.name for s in structures))
    for name in names:
        yield name, tuple(s for s in structures if s.name == name), ""
    if "putamen" in names:
        for name in (ANTERIOR, POSTERIOR):
            members = tuple(s for s in structures if s.name == "putamen")
            yield name, members, "putamen split at the anterior commissure"
    for name, made_of in _WHOLES.items():
        if name not in names and set(made_of) <= set(names):
            yield name, tuple(s for s in structures if s.name in made_of), " and ".join(made_of)


def _in_front(shape: tuple[int, ...], canonical_from_index: Affine, box: Box) -> NDArray[np.bool_]:
    """Which voxels of a box lie in front of the anterior commissure."""
    index = np.moveaxis(np.indices(shape), 0, -1) + np.array([axis.start for axis in box])
    return np.asarray(apply_affine(canonical_from_index, index)[..., 1] >= 0)


def _uptake(values: NDArray[np.float32], label: int | None, made_of: str) -> Uptake:
    mean = float(values.mean(dtype=np.float64)) if values.size else float("nan")
    return Uptake(mean, int(values.size), label, made_of)


def binding(found: Uptakes, levels: Sequence[Level], *, unit: str) -> tuple[Measurement, ...]:
    """Means, binding ratios by each reference, asymmetries and putamen/caudate ratios.

    Args:
        found: From ``uptakes``.
        levels: Reference regions. Quantities of the first are ``sbr``, ``asi`` and ``putamen_caudate_ratio``; those of
            a further one carry its name (``sbr_occipital``).
        unit: Of the scan.

    Returns:
        Measurements. A number is NaN, with the reason in its method, where its structure is empty, its reference is
        missing or not above 0, or what it is divided by is not above 0.
    """
    measured = [_mean(key, uptake, unit) for key, uptake in found.items()]
    for number, level in enumerate(levels):
        suffix = f"_{level.name}" if number else ""
        ratios = {key: _ratio(key, uptake, level, suffix) for key, uptake in found.items()}
        measured += ratios.values()
        sbr = {key: m.value for key, m in ratios.items()}
        measured += _asymmetries(sbr, level, suffix)
        measured += _putamen_to_caudate(sbr, level, suffix)
    return tuple(measured)


def binding_ratio(mean: float, level: Level) -> tuple[float, str]:
    """The specific binding ratio, mean over reference less one, and why it is NaN where it is."""
    if level.reason:
        return float("nan"), level.reason
    if not np.isfinite(mean):
        return float("nan"), "the structure is empty"
    return mean / level.mean - 1.0, ""


def asymmetry_index(left: float, right: float) -> tuple[float, str]:
    """``abs(left - right) / (left + right)`` in percent, and why it is NaN where it is."""
    if not np.isfinite([left, right]).all():
        return float("nan"), "a side has no SBR"
    if left + right <= 0:
        return float("nan"), f"a sum of both sides above 0 is wanted, {left + right:.3g} came"
    return 100.0 * abs(left - right) / (left + right), ""


def _mean(key: tuple[str, str], uptake: Uptake, unit: str) -> Measurement:
    name, side = key
    words = _words(f"mean of {uptake.count} voxels", uptake, side)
    method = _told(words, "" if uptake.count else "the structure is empty")
    return Measurement(name, side, uptake.label, UPTAKE_MEAN, uptake.mean, unit, method)


def _ratio(key: tuple[str, str], uptake: Uptake, level: Level, suffix: str) -> Measurement:
    name, side = key
    value, reason = binding_ratio(uptake.mean, level)
    method = _told(_words(f"mean of {uptake.count} voxels / mean of the reference − 1", uptake, side), reason)
    return Measurement(name, side, uptake.label, SBR + suffix, value, "1", method, reference=level.described)


def _asymmetries(sbr: Mapping[tuple[str, str], float], level: Level, suffix: str) -> Iterator[Measurement]:
    for name in [name for name, side in sbr if side == "both"]:
        value, reason = asymmetry_index(sbr[name, Side.LEFT.value], sbr[name, Side.RIGHT.value])
        method = _told(_ASI, reason)
        yield Measurement(name, "both", None, ASI + suffix, value, "%", method, reference=level.described)


def _putamen_to_caudate(sbr: Mapping[tuple[str, str], float], level: Level, suffix: str) -> Iterator[Measurement]:
    quantity = PUTAMEN_CAUDATE_RATIO + suffix
    for side in ("left", "right", "both"):
        putamen, caudate = sbr.get(("putamen", side)), sbr.get(("caudate", side))
        if putamen is None or caudate is None:
            continue
        defined = caudate > 0 and np.isfinite(putamen)
        value = putamen / caudate if defined else float("nan")
        method = _told(_RATIO, "" if defined else "a caudate with an SBR above 0, and a putamen with one, are wanted")
        yield Measurement("putamen", side, None, quantity, value, "1", method, reference=level.described)


def _words(words: str, uptake: Uptake, side: str) -> str:
    return ", ".join(filter(None, [words, uptake.made_of, "both sides pooled" if side == "both" else ""]))


def _told(words: str, reason: str) -> str:
    return f"{words}; undefined: {reason}" if reason else words
