"""The page needs no network, escapes what it prints, and takes over the sections of other tasks."""

import re
from pathlib import Path

from report_results import result

from deepgray.report.page import Section, render, section_of, sections_in, write_page
from deepgray.report.pictures import Pictures

NO_PICTURES = Pictures(b"png", None, None, None)


def test_a_page_is_complete_in_itself(tmp_path: Path) -> None:
    write_page(tmp_path / "a.html", "sub-01_T1w", [section_of(result())])
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert not re.search(r"""(src|href)=["'](?!data:)""", text)
    assert "http:" not in text
    assert "https:" not in text
    assert text.count('src="data:image/png;base64,') == 4


def test_what_comes_from_outside_is_escaped() -> None:
    text = render(result(stem="<b>x</b>"), NO_PICTURES)
    assert "<h1>&lt;b&gt;x&lt;/b&gt;</h1>" in text
    assert "A &lt;task&gt; &amp; more" in text


def test_research_only() -> None:
    assert "Not a medical device" in render(result(bare=True), NO_PICTURES)


def test_sections_come_back_as_they_were(tmp_path: Path) -> None:
    sections = [Section("b", "Second", True, "<p>b</p>"), Section("a", "First", False, "<p>a</p>")]
    write_page(tmp_path / "a.html", "scan", sections)
    assert sections_in(tmp_path / "a.html", 2) == ["<p>b</p>", "<p>a</p>"]
    assert sections_in(tmp_path / "a.html", 3) == []
    text = (tmp_path / "a.html").read_text()
    assert '<a href="#task-b">Second</a>: review' in text
    assert '<a href="#task-a">First</a>: OK' in text


def test_one_task_needs_no_list_of_tasks(tmp_path: Path) -> None:
    write_page(tmp_path / "a.html", "scan", [Section("a", "First", False, "<p>a</p>")])
    assert "#task-" not in (tmp_path / "a.html").read_text()
