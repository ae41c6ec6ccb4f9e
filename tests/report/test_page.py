"""The page says what happened, needs no network, and escapes what it prints."""

import base64
import dataclasses
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from report_results import result

from deepgray.report.page import render, steps, volume_tables, write_page
from deepgray.report.pictures import Pictures, draw
from deepgray.scan import LabelMap

NO_PICTURES = Pictures(b"png", None, None, None)


def test_a_page_is_complete_in_itself(tmp_path: Path) -> None:
    write_page(tmp_path / "a.html", result())
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert not re.search(r"""(src|href)=["'](?!data:)""", text)
    assert "http:" not in text
    assert "https:" not in text
    assert text.count('src="data:image/png;base64,') == 4


def test_the_verdict() -> None:
    fine = render(result(), NO_PICTURES)
    assert "<b>OK</b>" in fine
    assert "No flags" in fine
    noted = render(result(flags=("the box was enlarged",)), NO_PICTURES)
    assert "<b>OK</b>" in noted
    assert "<li>The box was enlarged</li>" in noted
    look = render(result(flags=("review: uncertainty 0.2 is above 0.12",)), NO_PICTURES)
    assert "<b>Review</b>" in look
    assert "<li>Uncertainty 0.2 is above 0.12</li>" in look


def test_what_comes_from_outside_is_escaped() -> None:
    text = render(result(stem="<b>x</b>"), NO_PICTURES)
    assert "<h1>&lt;b&gt;x&lt;/b&gt;</h1>" in text
    assert "A &lt;task&gt; &amp; more" in text


def test_a_correction_is_told_with_who_and_when() -> None:
    text = render(result(corrected=True), NO_PICTURES)
    assert "A. Reader corrected the outline (2030-01-02T03:04:05+00:00)" in text
    assert "both empty" in text
    assert "Nobody looked at the outline" in steps(result())[3]


def test_the_pose_is_told() -> None:
    # 12° about z, then 20° about x: the angle is arccos((trace - 1) / 2) = 23.3°.
    assert "it is turned by 23° from" in steps(result())[1]


def test_the_volume_tables() -> None:
    (title, rows), (second, parts) = volume_tables(result())
    assert (title, second) == ("Structures", "Subregions")
    putamen, caudate = rows
    assert (putamen.name, putamen.left, putamen.right) == ("putamen", "2\u202f934", "1\u202f500")
    assert putamen.asymmetry == "+64.7 %"
    assert (putamen.left_share, round(putamen.right_share, 1)) == (100.0, 51.1)
    assert (caudate.left, caudate.asymmetry) == ("", "undefined")
    assert [p.name for p in parts] == ["anterior putamen"]
    assert volume_tables(result(bare=True)) == []


def test_research_only() -> None:
    assert "Not a medical device" in render(result(bare=True), NO_PICTURES)


def _pixels(png: bytes | None) -> np.ndarray:
    assert png is not None
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def test_contours_have_the_colours_of_the_structures() -> None:
    pictures = draw(result())
    putamen = np.array((213, 94, 140))
    for png in (pictures.overview, pictures.outline):
        assert (np.abs(_pixels(png) - putamen).max(-1) < 12).sum() > 50


def test_an_empty_outline_still_gives_an_overview() -> None:
    whole = result(bare=True)
    labels = whole.outline.labels
    empty = LabelMap(np.zeros_like(labels.voxels), labels.affine_ras, labels.scheme)
    outline = dataclasses.replace(whole.proposed, labels=empty)
    whole = dataclasses.replace(whole, proposed=outline, decision=dataclasses.replace(whole.decision, outline=outline))
    pictures = draw(whole)
    assert pictures.overview.startswith(b"\x89PNG")
    assert pictures.outline is None
    assert "The outline is empty" in render(whole, pictures)


@pytest.mark.parametrize("name", ["overview", "outline"])
def test_pictures_are_embedded_as_they_are(name: str) -> None:
    pictures = draw(result())
    encoded = base64.b64encode(getattr(pictures, name)).decode()
    assert encoded in render(result(), pictures)
