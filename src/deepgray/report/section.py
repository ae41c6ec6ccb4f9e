"""What the page says of one task: pictures, tables, what was done, and where it comes from."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from jinja2 import Environment, StrictUndefined, Template

from deepgray.report.pictures import Pictures, heat
from deepgray.report.provenance import versions
from deepgray.report.ranges import ranged
from deepgray.report.slab import colour_stops
from deepgray.report.tracer import QUANTITIES as TRACER_QUANTITIES
from deepgray.report.tracer import tracer_part, tracer_step
from deepgray.report.uptake import QUANTITIES, Binding, binding_of
from deepgray.result import Measurement, Outline, Result
from deepgray.space import rotation_degrees

_TEMPLATE = "section.html.jinja"
_REVIEW = "review"
_PAIRED = ("volume", "volume_partial", "asymmetry")
_SUSCEPTIBILITY = "susceptibility_"


@dataclass(frozen=True)
class VolumeRow:
    """Volumes of one structure as the page prints them; an empty text where there is no number.

    Attributes:
        name: Structure without side.
        colour: CSS colour, empty for what is no single structure of the scheme.
        left: Volume, mm³.
        right: Volume, mm³.
        both: Volume of both sides together, mm³.
        partial_left: Volume from probabilities, mm³.
        partial_right: Volume from probabilities, mm³.
        asymmetry: In %.
        left_share: Length of the bar, 0–100.
        right_share: Length of the bar, 0–100.
    """

    name: str
    colour: str
    left: str
    right: str
    both: str
    partial_left: str
    partial_right: str
    asymmetry: str
    left_share: float
    right_share: float


@dataclass(frozen=True)
class Swatch:
    """A line of a legend."""

    name: str
    colour: str


@dataclass(frozen=True)
class SusceptibilityRow:
    """Susceptibility of one structure of one side as the page prints it, ppm.

    Attributes:
        name: Structure without side.
        side: ``left``, ``right`` or ``both``.
        colour: CSS colour.
        mean: Mean.
        sd: Standard deviation.
        median: Median.
        trimmed_mean: Mean without the ends.
        eroded_mean: Mean without the outermost voxels.
    """

    name: str
    side: str
    colour: str
    mean: str
    sd: str
    median: str
    trimmed_mean: str
    eroded_mean: str


def render_section(result: Result, pictures: Pictures) -> str:
    """What the report says of one task, as HTML text.

    Args:
        result: The result.
        pictures: Its pictures.
    """
    ppm = susceptibility_rows(result)
    colours = {s.name: _css(s.colour) for s in result.outline.labels.scheme.structures}
    parts = {s.name: _css(s.colour) for s in result.parts.labels.scheme.structures} if result.parts else {}
    # a SPECT beside an MR has a part of its own
    binding = binding_of(result, colours) if "binding" in result.task.measures else None
    elsewhere = (*_PAIRED, _SUSCEPTIBILITY, *QUANTITIES, *TRACER_QUANTITIES)
    return _template().render(
        result=result,
        needs_review=needs_review(result.flags),
        reasons=[_reason(f) for f in result.flags],
        tables=volume_tables(result),
        susceptibilities=ppm,
        has_susceptibility=bool(ppm),
        reference=next((m.reference for m in result.measurements if m.quantity == _SUSCEPTIBILITY + "mean"), ""),
        left_out=_left_out(result),
        others=[m for m in result.measurements if not m.quantity.startswith(elsewhere)],
        binding=binding,
        tracer=tracer_part(result, colours | parts),
        slab_top=_slab_top(pictures, binding),
        colour_stops=colour_stops(),
        pictures=pictures,
        embedded=_embedded,
        legend=legend(result.outline),
        parts_legend=legend(result.parts) if result.parts else [],
        steps=steps(result),
        scores=score_table(result.proposed),
        most_bits=_most_bits(result),
        recipes={m.stage: json.loads(m.recipe) if m.recipe else {} for m in result.models},
        versions={"deepgray": "", **versions()},
        seconds=sum(t.seconds for t in result.times),
    )


def _slab_top(pictures: Pictures, binding: Binding | None) -> str:
    """What the last colour of the slab stands for."""
    if pictures.slab is None:
        return ""
    if binding is None or not math.isfinite(binding.level):
        return f"{pictures.slab.top:.3g}"
    return f"{pictures.slab.top / binding.level:.1f} times the reference"


def needs_review(flags: Iterable[str]) -> bool:
    """Whether one of a result's flags asks for a person."""
    return any(f.lower().startswith(_REVIEW) for f in flags)


def susceptibility_rows(result: Result) -> list[SusceptibilityRow]:
    """Susceptibilities of the outline's structures, left, right, both; empty where none was measured."""
    colours = {s.name: _css(s.colour) for s in result.outline.labels.scheme.structures}
    found: dict[tuple[str, str], dict[str, str]] = {}
    for m in result.measurements:
        if m.quantity.startswith(_SUSCEPTIBILITY):
            numbers = found.setdefault((m.structure, m.side), {})
            numbers[m.quantity.removeprefix(_SUSCEPTIBILITY)] = ranged(m, _ppm)
    return [SusceptibilityRow(name, side, colours.get(name, ""), **row) for (name, side), row in found.items()]


def _left_out(result: Result) -> list[str]:
    """Sentences on nuclei that the map's mask cuts."""
    means = [m for m in result.measurements if m.quantity == _SUSCEPTIBILITY + "mean" and m.side != "both"]
    cut = [(f"{m.side} {m.structure}", re.search(r"(\d+) outside the map's mask", m.method)) for m in means]
    return [
        f"Left out, because outside the map's mask: {found[1]} voxel{'s' if found[1] != '1' else ''} of the {name}."
        for name, found in cut
        if found
    ]


def volume_tables(result: Result) -> list[tuple[str, list[VolumeRow]]]:
    """Volumes of the outline's structures and of its parts, as two titled tables; an empty table is left out."""
    colours = {s.name: _css(s.colour) for s in result.outline.labels.scheme.structures}
    part_colours = {s.name: _css(s.colour) for s in result.parts.labels.scheme.structures} if result.parts else {}
    names = list(dict.fromkeys(m.structure for m in result.measurements if m.quantity in _PAIRED))
    whole = _rows([n for n in names if n not in part_colours], result.measurements, colours)
    parts = _rows([n for n in names if n in part_colours], result.measurements, part_colours)
    return [(title, rows) for title, rows in (("Structures", whole), ("Subregions", parts)) if rows]


def score_table(proposed: Outline) -> dict[str, dict[str, float]]:
    """Scores of structures and subregions by name and side."""
    found: dict[str, dict[str, float]] = {}
    for u in (*proposed.uncertainty, *proposed.part_uncertainty):
        found.setdefault(u.structure.name, {})[str(u.structure.side)] = u.score
    return found


def legend(outline: Outline) -> list[Swatch]:
    """Names and colours of an outline's structures, without sides."""
    colours = {s.name: _css(s.colour) for s in outline.labels.scheme.structures}
    return [Swatch(name, colour) for name, colour in colours.items()]


def steps(result: Result) -> list[str]:
    """What was done, a sentence or two for each stage."""
    turned = rotation_degrees(result.pose.canonical_from_world)
    also = next((f" in {i.name}, another scan of it," for i in result.inputs if i.role == "also"), "")
    sentences = [
        _as_read(result),
        f"The head was found{also} with a confidence of {result.pose.confidence:.0%}; it is turned by {turned:.0f}°"
        " from the frame of the anterior and posterior commissures, in which all pictures here are shown.",
        _sentence("The structures were outlined", result.proposed),
        _decided(result),
    ]
    if result.parts is not None:
        sentences.append(_sentence("The outline was divided into subregions", result.parts))
    sentences.append("Volumes were measured on the scan's own grid. Asymmetry is 100 · (L − R) / ((L + R) / 2).")
    if result.registered is not None:
        sentences.append(tracer_step(result.registered))
    sentences += [result.intervals] if result.intervals else []
    if any(m.quantity.startswith(_SUSCEPTIBILITY) for m in result.measurements):
        sentences.append(
            "Susceptibilities were measured in the map's own voxels, without those where it is exactly zero; numbers of"
            " both sides are those of their voxels together."
        )
    if any(m.quantity == "sbr" for m in result.measurements):
        sentences.append(
            "Specific binding ratios are mean / mean of the reference − 1, in the scan's own voxels; references were"
            " taken on the whole image from where the head was found."
        )
    return sentences


def _as_read(result: Result) -> str:
    scan = result.scan
    spacing = " × ".join(f"{s:.2f}" for s in scan.grid.spacing_mm)
    shape = " × ".join(str(n) for n in scan.voxels.shape)
    if not scan.changes:
        return f"The scan was read as it is: {shape} voxels of {spacing} mm, without changing its grid or intensities."
    return f"The scan was read on its own grid, {shape} voxels of {spacing} mm. {' '.join(scan.changes)}"


def _sentence(start: str, outline: Outline) -> str:
    notes = f" Note: {'; '.join(outline.notes)}." if outline.notes else ""
    return f"{start}: {outline.method}.{notes}"


def _decided(result: Result) -> str:
    decision = result.decision
    if decision.kind == "corrected":
        return f"{decision.reviewer} corrected the outline ({decision.when}); everything after it used the correction."
    if decision.kind == "rejected":
        return f"{decision.reviewer} rejected the outline ({decision.when}); nothing was measured."
    if decision.reviewer == "batch":
        return f"Nobody looked at the outline: it was taken as it is in a batch run ({decision.when})."
    return f"{decision.reviewer} accepted the outline as it is ({decision.when})."


def _rows(names: Iterable[str], measurements: Iterable[Measurement], colours: dict[str, str]) -> list[VolumeRow]:
    found: dict[tuple[str, str, str], Measurement] = {}
    for m in measurements:
        found.setdefault((m.structure, m.side, m.quantity), m)
    names = list(names)
    sided = [m.value for (n, side, q), m in found.items() if n in names and side != "both" and q == "volume"]
    return [_row(name, found, colours.get(name, ""), max(sided, default=0.0)) for name in names]


def _row(name: str, found: dict[tuple[str, str, str], Measurement], colour: str, most: float) -> VolumeRow:
    def volume(side: str, quantity: str = "volume") -> str:
        return ranged(found.get((name, side, quantity)), _whole)

    sides = [found.get((name, side, "volume")) for side in ("left", "right")]
    shares = [100 * m.value / most if m is not None and m.value > 0 and most > 0 else 0.0 for m in sides]
    return VolumeRow(
        name=name,
        colour=colour,
        left=volume("left"),
        right=volume("right"),
        both=volume("both"),
        partial_left=volume("left", "volume_partial"),
        partial_right=volume("right", "volume_partial"),
        asymmetry=ranged(found.get((name, "both", "asymmetry")), _percent),
        left_share=shares[0],
        right_share=shares[1],
    )


def _reason(flag: str) -> str:
    """A flag without the word that the verdict beside it says already."""
    text = flag[len(_REVIEW) :].lstrip(" :,-–") if flag.lower().startswith(_REVIEW) else flag
    return text[:1].upper() + text[1:] if text else flag


def _whole(value: float) -> str:
    return f"{value:,.0f}".replace(",", "\u202f") if math.isfinite(value) else "undefined"


def _ppm(value: float) -> str:
    return f"{value:.4f}".replace("-", "−") if math.isfinite(value) else "undefined"


def _percent(value: float) -> str:
    return f"{value:+.1f} %".replace("-", "−") if math.isfinite(value) else "undefined"


def _most_bits(result: Result) -> float:
    probabilities = result.proposed.probabilities
    return math.log2(len(probabilities.structures) + 1) if probabilities else 0.0


def heat_stops() -> str:
    """The colours of the entropy picture as stops of a CSS gradient."""
    colours = (np.clip(heat(np.linspace(0, 1, 9, dtype=np.float32)), 0, 1) * 255).astype(int).tolist()
    return ", ".join(_css((red, green, blue)) for red, green, blue in colours)


def _css(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _embedded(png: bytes | None) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}" if png else ""


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(files("deepgray.report").joinpath(_TEMPLATE).read_text(encoding="utf-8"))
