"""The page for people: one HTML file that needs no network and no JavaScript, with a section for each task."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template

from deepgray.report.pictures import Pictures, draw
from deepgray.report.provenance import DISCLAIMER, versions
from deepgray.report.section import heat_stops, needs_review, render_section
from deepgray.result import Result

_TEMPLATE = "page.html.jinja"
# Stand around each section, so that it can be taken over into the page of a further task. Nothing inside can hold
# them: what comes from outside is escaped.
_BEGIN, _END = "<!-- deepgray: section {number} -->", "<!-- deepgray: end of section {number} -->"


@dataclass(frozen=True)
class Section:
    """What a page says of one task.

    Attributes:
        name: Name of the task.
        title: Its title.
        needs_review: Whether it asks for a person.
        html: The section.
    """

    name: str
    title: str
    needs_review: bool
    html: str


def section_of(result: Result) -> Section:
    """The section of a result, with its pictures."""
    return Section(
        result.task.name, result.task.title, needs_review(result.flags), render_section(result, draw(result))
    )


def sections_in(path: Path, count: int) -> list[str]:
    """The sections of a page that was written before.

    Args:
        path: The page.
        count: How many sections it must hold.

    Returns:
        HTML of each, in their order; empty where the page does not hold so many.

    Raises:
        OSError: The page cannot be read.
    """
    rest, found = path.read_text(encoding="utf-8"), []
    for number in range(count):
        _, begin, rest = rest.partition(_BEGIN.format(number=number))
        html, end, rest = rest.partition(_END.format(number=number))
        if not (begin and end):
            return []
        found.append(html.strip())
    return found


def write_page(path: Path, stem: str, sections: Iterable[Section]) -> None:
    """The report of a scan.

    Args:
        path: File to write, ``.html``.
        stem: Name of the scan.
        sections: One for each task.

    Raises:
        OSError: The file cannot be written.
    """
    path.write_text(render_page(stem, sections), encoding="utf-8")


def render_page(stem: str, sections: Iterable[Section]) -> str:
    """The report as HTML text."""
    return _template().render(
        stem=stem,
        sections=list(sections),
        begin=_BEGIN,
        end=_END,
        heat_stops=heat_stops(),
        versions={"deepgray": "", **versions()},
        disclaimer=DISCLAIMER,
    )


def render(result: Result, pictures: Pictures) -> str:
    """The report of one task as HTML text.

    Args:
        result: The result.
        pictures: Its pictures.
    """
    html = render_section(result, pictures)
    return render_page(
        result.scan.stem, [Section(result.task.name, result.task.title, needs_review(result.flags), html)]
    )


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(files("deepgray.report").joinpath(_TEMPLATE).read_text(encoding="utf-8"))
