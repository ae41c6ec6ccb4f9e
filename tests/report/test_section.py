"""What the page says of one task: verdict, tables, what was done; and its pictures."""

import base64
import dataclasses
import io

import numpy as np
import pytest
from PIL import Image
from report_results import result

from deepgray.anatomy import structure
from deepgray.recipe import Task
from deepgray.report.pictures import Pictures, draw
from deepgray.report.section import render_section, score_table, steps, susceptibility_rows, volume_tables
from deepgray.result import InputRecord, Measurement, Outline, Result, StructureUncertainty
from deepgray.scan import LabelMap

NO_PICTURES = Pictures(b"png", None, None, None)


def test_the_verdict() -> None:
    fine = render_section(result(), NO_PICTURES)
    assert "<b>OK</b>" in fine
    assert "No flags" in fine
    noted = render_section(result(flags=("the box was enlarged",)), NO_PICTURES)
    assert "<b>OK</b>" in noted
    assert "<li>The box was enlarged</li>" in noted
    look = render_section(result(flags=("review: uncertainty 0.2 is above 0.12",)), NO_PICTURES)
    assert "<b>Review</b>" in look
    assert "<li>Uncertainty 0.2 is above 0.12</li>" in look


def test_a_correction_is_told_with_who_and_when() -> None:
    text = render_section(result(corrected=True), NO_PICTURES)
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
    assert (putamen.name, putamen.left) == ("putamen", "2\u202f934")
    assert putamen.right == "1\u202f500\n1\u202f400–1\u202f600"  # with its interval
    assert putamen.asymmetry == "+64.7 %"
    assert (putamen.left_share, round(putamen.right_share, 1)) == (100.0, 51.1)
    assert (caudate.left, caudate.asymmetry) == ("", "undefined")
    assert [p.name for p in parts] == ["anterior putamen"]
    assert volume_tables(result(bare=True)) == []


def test_scores_stand_side_by_side() -> None:
    labels = result().outline.labels
    whole = (
        StructureUncertainty(structure("left caudate"), 0.1),
        StructureUncertainty(structure("right caudate"), 0.2),
    )
    parts = (StructureUncertainty(structure("right anterior caudate"), 0.3),)
    found = score_table(Outline(labels, None, whole, "network", part_uncertainty=parts))
    assert found == {"caudate": {"left": 0.1, "right": 0.2}, "anterior caudate": {"right": 0.3}}


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
    assert "The outline is empty" in render_section(whole, pictures)


@pytest.mark.parametrize("name", ["overview", "outline"])
def test_pictures_are_embedded_as_they_are(name: str) -> None:
    pictures = draw(result())
    encoded = base64.b64encode(getattr(pictures, name)).decode()
    assert encoded in render_section(result(), pictures)


PPM = Task("dentate", "Nuclei", "qsm", "striatum", "l", "o", 0.1, measures=("volume", "susceptibility"), note="A note.")


def map_result() -> Result:
    """A result on a susceptibility map, in words that are easy to find."""
    whole = result(bare=True)
    numbers = {"mean": 0.1234, "sd": 0.0212, "median": 0.1, "trimmed_mean": -0.11, "eroded_mean": float("nan")}
    measured = tuple(
        Measurement(
            *("putamen", side, 12, f"susceptibility_{name}", value, "ppm"),
            method="mean of 90 voxels; 7 outside the map's mask left out; not calibrated",
            reference="csf.nii.gz: 0.015000 ppm subtracted",
        )
        for side in ("left", "right")
        for name, value in numbers.items()
    )
    scan = dataclasses.replace(whole.scan, modality="qsm", unit="ppm", changes=("It was set to zero outside.",))
    also = InputRecord("also", "sub-01_T1w", "ab" * 32)
    return dataclasses.replace(whole, scan=scan, task=PPM, measurements=measured, inputs=(also,))


def test_susceptibilities_have_a_table_of_their_own() -> None:
    rows = susceptibility_rows(map_result())
    assert [(row.name, row.side) for row in rows] == [("putamen", "left"), ("putamen", "right")]
    assert (rows[0].mean, rows[0].sd, rows[0].median) == ("0.1234", "0.0212", "0.1000")
    assert (rows[0].trimmed_mean, rows[0].eroded_mean) == ("−0.1100", "undefined")
    text = render_section(map_result(), NO_PICTURES)
    assert "Reference: csf.nii.gz: 0.015000 ppm subtracted." in text
    assert "Left out, because outside the map&#39;s mask: 7 voxels of the left putamen." in text
    assert "a regularised inversion lowers small nuclei by up to half" in text
    assert "Other measures" not in text
    assert "<li>A note.</li>" in text
    assert "Susceptibility</h2>" not in render_section(result(), NO_PICTURES)


def test_what_reading_changed_and_where_the_pose_is_from_are_told() -> None:
    told = steps(map_result())
    assert told[0].endswith("mm. It was set to zero outside.")
    assert told[1].startswith("The head was found in sub-01_T1w, another scan of it, with a confidence")
    assert "ab" * 32 in render_section(map_result(), NO_PICTURES)


def test_susceptibility_maps_have_one_grey_window() -> None:
    assert draw(map_result()).window == "−0.1 (black) to 0.2 ppm (white)"
    assert draw(result()).window == ""


def test_small_nuclei_get_finer_pixels() -> None:
    whole = result(bare=True)
    labels = np.zeros_like(whole.outline.labels.voxels)
    labels[24:26, 20:22, 15:17] = 12  # with its margins some 30 mm: at 0.6 mm six slices would have 300 pixels
    small = dataclasses.replace(whole.outline, labels=dataclasses.replace(whole.outline.labels, voxels=labels))
    decision = dataclasses.replace(whole.decision, outline=small)
    assert _pixels(draw(dataclasses.replace(whole, decision=decision)).outline).shape[1] >= 6 * 160
