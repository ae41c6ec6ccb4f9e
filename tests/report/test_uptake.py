"""What the page says of binding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from report_results import result

from deepgray.report.page import section_of
from deepgray.report.uptake import Binding, binding_of
from deepgray.result import Measurement, Result

NAN = float("nan")


def spect() -> Result:
    """SBR of 1.5 and 0.75 by a cerebellum of 2; nothing by the occipital cortex."""
    by, none = "cerebellum: 2 (by hand)", "occipital: none"
    rows: tuple[tuple[str, str, str, float, str, str], ...] = (
        ("dorsal striatum", "left", "uptake_mean", 5.0, "", "mean"),
        ("dorsal striatum", "left", "sbr", 1.5, by, "mean"),
        ("dorsal striatum", "right", "sbr", 0.75, by, "mean"),
        ("dorsal striatum", "both", "sbr", 1.125, by, "mean"),
        ("dorsal striatum", "both", "asi", 33.333, by, "100"),
        ("putamen", "left", "sbr", -0.25, by, "mean"),
        ("putamen", "left", "putamen_caudate_ratio", 0.875, by, "ratio"),
        ("dorsal striatum", "left", "sbr_occipital", NAN, none, "mean; undefined: it is cut off"),
        ("dorsal striatum", "both", "sbr_occipital", NAN, none, "mean; undefined: it is cut off"),
        ("dorsal striatum", "both", "suggested_category", 1.0, by, "suggested ANC1 (one putamen reduced): why"),
    )
    numbers = tuple(
        Measurement(name, side, None, quantity, value, "1", method, reference=reference)
        for name, side, quantity, value, reference, method in rows
    )
    made = result()
    task = replace(made.task, measures=("volume", "binding"), references=("cerebellum", "occipital"))
    return replace(made, measurements=(*made.measurements, *numbers), task=task)


def told() -> Binding:
    found = binding_of(spect(), {"putamen": "#d55e8c"})
    assert found is not None
    return found


def test_rows_are_structures_by_the_chosen_reference() -> None:
    rows = {row.name: row for row in told().rows}
    assert list(rows) == ["dorsal striatum", "putamen"]
    whole = rows["dorsal striatum"]
    assert (whole.left, whole.right, whole.both, whole.asymmetry) == ("1.50", "0.75", "1.12", "33.3")
    assert (rows["putamen"].left, rows["putamen"].right) == ("−0.25", "")
    assert rows["putamen"].ratio_left == "0.88"
    assert rows["putamen"].colour == "#d55e8c"


def test_each_reference_says_what_it_gives_or_why_it_gives_nothing() -> None:
    chosen, other = told().references
    assert (chosen.words, chosen.reason, chosen.row.left) == ("cerebellum: 2 (by hand)", "", "1.50")
    assert (other.words, other.reason, other.row.left) == ("occipital: none", "it is cut off", "undefined")


def test_the_level_is_that_of_the_chosen_reference() -> None:
    assert told().level == pytest.approx(5.0 / 2.5)


def test_a_result_without_binding_has_nothing_to_tell() -> None:
    assert binding_of(result(), {}) is None


def test_the_page_shows_the_category_the_slab_and_the_numbers() -> None:
    html = section_of(spect()).html
    assert "Suggested category: ANC1 (one putamen reduced): why." in html
    assert "Axial slab through the striatum in colours" in html
    assert "times the reference" in html
    assert "it is cut off" in html
    assert ">1.50<" in html
    assert "uptake_mean" not in html  # it is in the table of measurements
    assert "Axial slab" not in section_of(result()).html


def test_nothing_is_said_of_a_level_that_is_not_there() -> None:
    made = spect()
    numbers = tuple(replace(m, value=NAN) if m.quantity == "sbr" else m for m in made.measurements)
    found = binding_of(replace(made, measurements=numbers), {})
    assert found is not None
    assert np.isnan(found.level)
