"""What the page says of a PET or SPECT beside the scan: the check picture of its registration, and its numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from contourpy import LineType, contour_generator
from numpy.typing import NDArray

from deepgray.report.canvas import Colour, Lines, Panel, canvas_png
from deepgray.report.planes import Image, Plane, View, index_from_canonical, sample_plane
from deepgray.report.ranges import ranged
from deepgray.report.shapes import Shape, extent_of, shapes_of
from deepgray.result import Measurement, Registered, Result
from deepgray.space import Affine, inverse, rotation_degrees

# Beginnings of the names of quantities that are shown here.
QUANTITIES = ("pet_mean", "suvr", "bpnd")
_MEAN = {"pet": "pet_mean", "spect": "uptake_mean"}
_RATIO = {"pet": "bpnd", "spect": "sbr"}
_SIZE_MM = {View.AXIAL: (170.0, 210.0), View.CORONAL: (170.0, 210.0), View.SAGITTAL: (210.0, 210.0)}
_MIDDLE_MM = (0.0, -18.0, 5.0)
_STEP_MM = 0.9
# PET contours over the scan: parts of the brightest hundredth of the brain; the first one is about the head's own edge.
_LEVELS: tuple[tuple[float, Colour], ...] = ((0.25, (0.25, 0.85, 1.0)), (0.75, (1.0, 0.6, 0.1)))
_REGION_COLOUR = (0.3, 1.0, 0.3)


@dataclass(frozen=True)
class TracerRow:
    """Numbers of one structure as the page prints them; an empty text where there is none.

    Attributes:
        name: Structure without side.
        colour: CSS colour, empty for what is no single structure.
        mean: Left, right, both.
        suvr: Left, right, both; empty of a SPECT.
        ratio: BPnd or SBR: left, right, both.
        corrected: The same with partial volume corrected.
    """

    name: str
    colour: str
    mean: tuple[str, str, str]
    suvr: tuple[str, str, str]
    ratio: tuple[str, str, str]
    corrected: tuple[str, str, str]


@dataclass(frozen=True)
class TracerPart:
    """What is told of a tracer scan.

    Attributes:
        kind: ``PET`` or ``SPECT``.
        ratio_name: ``BPnd`` or ``SBR``.
        unit: Of the means.
        rows: Structure by structure.
        reference: The reference, with its mean.
        registration: How it was registered, in words.
        correction: How partial volume was corrected, empty where it was not.
        picture: The check picture, PNG.
        undefined: Why numbers are undefined, each reason once.
    """

    kind: str
    ratio_name: str
    unit: str
    rows: tuple[TracerRow, ...]
    reference: str
    registration: str
    correction: str
    picture: bytes
    undefined: tuple[str, ...]


def tracer_part(result: Result, colours: Mapping[str, str]) -> TracerPart | None:
    """What is told of the tracer scan of a result, None where there is none.

    Args:
        result: The result.
        colours: CSS colours of structures by name.
    """
    given = result.registered
    if given is None:
        return None
    modality = given.tracer.scan.modality
    shown = (_MEAN[modality], "suvr", _RATIO[modality])
    own = [m for m in result.measurements if m.quantity.removesuffix("_gtm") in shown]
    found = {(m.structure, m.side, m.quantity): m for m in own}
    psf_mm = given.tracer.psf_mm
    return TracerPart(
        kind=modality.upper(),
        ratio_name="BPnd" if modality == "pet" else "SBR",
        unit=given.tracer.scan.unit,
        rows=tuple(_row(name, found, shown, colours.get(name, "")) for name in dict.fromkeys(m.structure for m in own)),
        reference=next((m.reference for m in own if m.reference), given.tracer.reference),
        registration=_registration_words(given),
        correction="" if psf_mm is None else f"geometric transfer matrix, {psf_mm:g} mm",
        picture=check_picture(result, given),
        undefined=tuple(dict.fromkeys(m.method.partition("undefined: ")[2] for m in own if math.isnan(m.value))),
    )


def _row(
    name: str, found: Mapping[tuple[str, str, str], Measurement], shown: tuple[str, str, str], colour: str
) -> TracerRow:
    def three(quantity: str, style: str) -> tuple[str, str, str]:
        left, right, both = (
            ranged(found.get((name, side, quantity)), lambda value: _number(value, style))
            for side in ("left", "right", "both")
        )
        return left, right, both

    mean, suvr, ratio = shown
    return TracerRow(
        name, colour, three(mean, ".4g"), three(suvr, ".3f"), three(ratio, ".3f"), three(f"{ratio}_gtm", ".3f")
    )


def _number(value: float, style: str) -> str:
    return format(value, style).replace("-", "−") if math.isfinite(value) else "undefined"


def _registration_words(given: Registered) -> str:
    found = given.registration
    shift = found.scan_from_tracer[:3, 3]
    moved = ", ".join(f"{mm:+.1f}" for mm in shift).replace("-", "−")
    similar = "" if math.isnan(found.similarity) else f", similarity {found.similarity:.3f}"
    return (
        f"{found.method}: turned by {rotation_degrees(found.scan_from_tracer):.1f}°, origin moved by ({moved}) mm"
        f"{similar}; {100 * found.seen:.0f} % of the brain lies in its field of view"
    )


def tracer_step(given: Registered) -> str:
    """What was done with a tracer scan, in a sentence or two."""
    scan = given.tracer.scan
    changes = f" {' '.join(scan.changes)}" if scan.changes else ""
    return (
        f"The {scan.modality.upper()} {scan.stem} was registered rigidly to the scan by {given.registration.method}, "
        f"and looked up at every voxel of the structures without resampling it.{changes}"
    )


def check_picture(result: Result, given: Registered) -> bytes:
    """Three planes: the scan with contours of the tracer, and the tracer in colours with contours of the outline.

    Args:
        result: The result.
        given: Its tracer scan.

    Returns:
        PNG bytes.
    """
    extent = extent_of(result.outline.labels, result.pose.canonical_from_world)
    x, y, z = extent.centre_mm if extent else _MIDDLE_MM
    middle = _MIDDLE_MM
    places = {
        View.AXIAL: (middle[0], middle[1], z),
        View.CORONAL: (middle[0], y, middle[2]),
        View.SAGITTAL: (x - 22.0, middle[1], middle[2]),
    }
    planes = [Plane(view, place, *_SIZE_MM[view], _STEP_MM) for view, place in places.items()]
    scan_index = index_from_canonical(result.scan, result.pose)
    tracer_index = _tracer_index(result, given)
    greys = [sample_plane(result.scan.voxels, scan_index, plane) for plane in planes]
    hots = [sample_plane(given.tracer.scan.voxels, tracer_index, plane) for plane in planes]
    region = _region_shape(given)
    region_index = inverse(result.pose.canonical_from_world @ given.region.affine_ras)
    white, bright = _top(greys), _top(hots)
    upper = [
        Panel(plane, _rgb(grey / white), _tracer_lines(hot / bright))
        for plane, grey, hot in zip(planes, greys, hots, strict=True)
    ]
    shapes = shapes_of(result.outline.labels)
    lower = [
        Panel(
            plane,
            _warm(hot / bright),
            (*(_lines(s, scan_index, plane) for s in shapes), _lines(region, region_index, plane)),
        )
        for plane, hot in zip(planes, hots, strict=True)
    ]
    return canvas_png([upper, lower])


def _tracer_index(result: Result, given: Registered) -> Affine:
    """4 × 4, canonical mm to the tracer scan's voxel index."""
    world = result.pose.canonical_from_world @ given.registration.scan_from_tracer
    return inverse(world @ given.tracer.scan.affine_ras)


def _top(pictures: list[Image]) -> float:
    values = np.concatenate([picture.ravel() for picture in pictures])
    inside = values[values > 0.05 * values.max()] if values.max() > 0 else values
    return max(float(np.percentile(inside, 98)), 1e-12)


def _region_shape(given: Registered) -> Shape:
    colour = (round(255 * _REGION_COLOUR[0]), round(255 * _REGION_COLOUR[1]), round(255 * _REGION_COLOUR[2]))
    return Shape("reference", colour, given.region.voxels.astype(np.float32), (0, 0, 0))


def _tracer_lines(share: Image) -> tuple[Lines, ...]:
    return tuple(Lines(colour, 1.2, _segments(share, level)) for level, colour in _LEVELS)


def _lines(shape: Shape, index: Affine, plane: Plane) -> Lines:
    red, green, blue = (c / 255 for c in shape.colour)
    return Lines((red, green, blue), 1.2, _segments(sample_plane(shape.mask, index, plane, low=shape.low), 0.5))


def _segments(picture: Image, level: float) -> tuple[NDArray[np.float64], ...]:
    if picture.max() <= level:
        return ()
    found = contour_generator(z=picture, line_type=LineType.Separate).lines(level)
    return tuple(np.asarray(line, dtype=np.float64) for line in found)


def _rgb(grey: Image) -> NDArray[np.float32]:
    return np.repeat(np.clip(grey / 1.1, 0, 1)[..., None], 3, axis=-1).astype(np.float32)


def _warm(share: Image) -> NDArray[np.float32]:
    """Black over violet and orange to pale yellow."""
    s = np.clip(share, 0, 1) ** 0.8
    colours = np.stack(
        [1.6 * s, 1.8 * s - 0.7, np.where(s < 0.4, 1.2 * s, 0.9 - 1.05 * s) + 2.2 * (s - 0.8).clip(0)], -1
    )
    return np.clip(colours, 0, 1).astype(np.float32)
