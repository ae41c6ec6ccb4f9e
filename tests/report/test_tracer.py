"""What the report says of a tracer scan beside the scan."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from report_results import SHAPE, affine, result, scan

from deepgray.report import write
from deepgray.report.kept import kept_name, read_kept
from deepgray.report.page import render
from deepgray.report.pictures import draw
from deepgray.report.provenance import provenance
from deepgray.report.record import Record
from deepgray.report.tracer import tracer_part
from deepgray.result import Measurement, Registered, Registration, Result, Tracer
from deepgray.scan import IntegerVolume, Scan

# The tracer's world is the scan's, moved by 7 mm to the front.
MOVED = np.eye(4)
MOVED[1, 3] = 7.0


def with_tracer(modality: str = "pet", *, psf_mm: float | None = None) -> Result:
    """A PET that shows the scan's picture, with a mean, an SUVR and a BPnd on each side."""
    world = np.linalg.inv(MOVED) @ affine()
    tracer = Scan(scan().voxels * 10 + 1, world, "sub-01_pet", modality, "Bq/mL", sha256="77" * 32)
    region = np.zeros(SHAPE, dtype=np.uint8)
    region[20:26, 10:14, 10:14] = 1
    given = Registered(Tracer(tracer, psf_mm=psf_mm), Registration(MOVED, 0.234, 0.98), IntegerVolume(region, affine()))
    numbers = [
        Measurement("putamen", side, label, quantity, value, unit, "by hand", reference="cerebellar-grey: 1000 (grey)")
        for side, label, values in (("left", 12, (3000.0, 3.0, 2.0)), ("right", 51, (2500.0, 2.5, 1.5)))
        for quantity, value, unit in zip(("pet_mean", "suvr", "bpnd"), values, ("Bq/mL", "1", "1"), strict=True)
    ]
    if psf_mm is not None:
        numbers += [Measurement("putamen", "left", 12, "bpnd_gtm", 2.75, "1", "by hand")]
    numbers += [
        Measurement("caudate", "left", 11, "bpnd", float("nan"), "1", "mean; undefined: the structure is empty")
    ]
    base = result()
    return replace(base, measurements=(*base.measurements, *numbers), registered=given)


def test_rows_hold_the_numbers_of_each_side() -> None:
    told = tracer_part(with_tracer(), {"putamen": "#aabbcc"})
    assert told is not None
    assert (told.kind, told.ratio_name, told.unit, told.correction) == ("PET", "BPnd", "Bq/mL", "")
    putamen, caudate = told.rows
    assert (putamen.name, putamen.colour) == ("putamen", "#aabbcc")
    assert (putamen.mean, putamen.suvr) == (("3000", "2500", ""), ("3.000", "2.500", ""))
    assert putamen.ratio == ("2.000", "1.500", "")
    assert caudate.ratio == ("undefined", "", "")
    assert told.undefined == ("the structure is empty",)
    assert told.reference == "cerebellar-grey: 1000 (grey)"
    assert (
        "turned by 0.0°, origin moved by (+0.0, +7.0, +0.0) mm, similarity 0.234; 98 % of the brain"
        in told.registration
    )


def test_a_result_without_a_tracer_says_nothing_of_one() -> None:
    assert tracer_part(result(), {}) is None
    base = result()
    assert "<h2>PET</h2>" not in render(base, draw(base))


def test_the_page_shows_both_numbers_side_by_side_where_partial_volume_was_corrected() -> None:
    shown = with_tracer(psf_mm=5.5)
    html = render(shown, draw(shown))
    assert "<h2>PET</h2>" in html
    assert "BPnd, corrected" in html
    assert "2.750" in html
    assert "geometric transfer matrix, 5.5 mm" in html
    assert "<td>pet_mean</td>" not in html  # not told twice
    plain = with_tracer()
    assert "corrected<br>" not in render(plain, draw(plain))


def test_the_check_picture_shows_the_tracer_where_the_registration_puts_it() -> None:
    """The tracer is the scan's own picture, moved and moved back: where the scan is bright, so is it."""
    told = tracer_part(with_tracer(), {})
    assert told is not None
    picture = np.asarray(Image.open(io.BytesIO(told.picture)).convert("RGB"), dtype=float)
    half = picture.shape[0] // 2
    upper, lower = (part.mean(axis=-1) for part in (picture[:half], picture[half : 2 * half]))
    assert np.corrcoef((upper > 60).ravel(), (lower > 60).ravel())[0, 1] > 0.8


def test_the_json_tells_the_matrix_and_the_similarity(tmp_path: Path) -> None:
    told = provenance(with_tracer(psf_mm=5.0), (), own=(), kept=Record())
    registration = told["tasks"]["striatum"]["registration"]  # type: ignore[index]
    assert registration["scan_from_tracer"] == MOVED.tolist()
    assert (registration["similarity"], registration["psf_mm"]) == (0.234, 5.0)
    assert registration["tracer"]["sha256"] == "77" * 32
    json.dumps(told)
    assert provenance(result(), (), own=(), kept=Record())["tasks"]["striatum"]["registration"] is None  # type: ignore[index]


def test_a_review_finds_the_registration_again(tmp_path: Path) -> None:
    write(with_tracer(), tmp_path)
    assert (tmp_path / "sub-01_T1w" / kept_name("sub-01_T1w", "striatum")).exists()
    found = read_kept(tmp_path, "sub-01_T1w", task="striatum").registration
    assert found is not None
    np.testing.assert_array_equal(found.scan_from_tracer, MOVED)
    assert (found.similarity, found.seen) == (pytest.approx(0.234), pytest.approx(0.98))
