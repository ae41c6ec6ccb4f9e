"""A tracer scan in structures outlined elsewhere: values worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from block_striatum import affine, block_striatum
from scipy.ndimage import gaussian_filter

from deepgray.errors import FieldOfViewError, SettingsError
from deepgray.measure import tracer as station
from deepgray.measure.tracer import reference_level, registered, tracer_measures, values_at
from deepgray.result import Measurement, Outline, Pose, Registered, Registration, Tracer
from deepgray.scan import IntegerVolume, LabelMap, Scan
from deepgray.space import apply_affine, reordered_grid

# The tracer scan's world is moved against the outline's: 100 mm to the right, 10 up, and turned about z by 90 degrees.
SCAN_FROM_TRACER = np.array([[0.0, -1, 0, 100], [1, 0, 0, -40], [0, 0, 1, 10], [0, 0, 0, 1]])
# Means of blocks: left caudate 3, right caudate 5, putamen 2, all else 1.
LEFT, RIGHT, PUTAMEN = 3.0, 5.0, 2.0
LABELS = block_striatum("caudate", "putamen")
OUTLINE = Outline(LABELS, None, (), "by hand")
POSE = Pose(np.eye(4), 1.0, LabelMap(LABELS.voxels, affine(), LABELS.scheme))
MR = Scan(np.arange(LABELS.voxels.size, dtype=np.float32).reshape(LABELS.voxels.shape), affine(), "T1w")


def tracer_scan(modality: str = "pet", *, scale: float = 1.0) -> Scan:
    """What the blocks hold, in a world of its own, its axes in another order and the last one turned round."""
    table = {11: LEFT, 50: RIGHT, 12: PUTAMEN, 51: PUTAMEN}
    values = np.vectorize(lambda label: table.get(int(label), 1.0))(LABELS.voxels)
    order, flips = (1, 0, 2), (False, False, True)
    grid = reordered_grid(LABELS.grid, order, flips)
    voxels = np.flip(values.transpose(order), axis=2).astype(np.float32) * np.float32(scale)
    return Scan(voxels, np.linalg.inv(SCAN_FROM_TRACER) @ grid.affine_ras, "pet", modality, "Bq/mL")


def region(low: tuple[int, int, int] = (0, 0, 0)) -> IntegerVolume:
    """A corner of the outline's grid where the tracer holds 1."""
    voxels = np.zeros(LABELS.voxels.shape, dtype=np.uint8)
    voxels[low[0] : low[0] + 4, low[1] : low[1] + 4, low[2] : low[2] + 4] = 1
    return IntegerVolume(voxels, affine())


def given(scan: Scan, *, psf_mm: float | None = None) -> Registered:
    return Registered(Tracer(scan, psf_mm=psf_mm), Registration(SCAN_FROM_TRACER, 0.2, 1.0), region((2, 2, 8)))


def by_key(found: tuple[Measurement, ...]) -> dict[tuple[str, str, str], Measurement]:
    return {(m.structure, m.side, m.quantity): m for m in found}


@pytest.mark.parametrize("scale", [1.0, 7000.0])
def test_means_and_ratios_of_a_pet_in_a_world_of_its_own(scale: float) -> None:
    found = by_key(tracer_measures((OUTLINE,), MR, POSE, given(tracer_scan(scale=scale))))
    left, right = found["caudate", "left", "pet_mean"], found["caudate", "right", "pet_mean"]
    # the middles of both scans' voxels lie on one another: nothing is lost at the borders
    assert left.value == pytest.approx(LEFT * scale, rel=1e-5)
    assert right.value == pytest.approx(RIGHT * scale, rel=1e-5)
    assert (left.unit, left.label) == ("Bq/mL", 11)
    assert found["caudate", "left", "suvr"].value == pytest.approx(3.0, rel=1e-5)
    assert found["caudate", "left", "bpnd"].value == pytest.approx(2.0, rel=1e-5)
    assert found["caudate", "right", "bpnd"].value == pytest.approx(4.0, rel=1e-5)
    assert found["caudate", "both", "bpnd"].value == pytest.approx(3.0, rel=1e-5)
    assert found["putamen", "both", "bpnd"].value == pytest.approx(1.0, rel=1e-5)
    assert found["caudate", "left", "bpnd"].reference.startswith(f"cerebellar-grey: {scale:.6g} (")
    assert not any(quantity.endswith("_gtm") for _, _, quantity in found)


def test_a_spect_has_the_names_of_a_spect() -> None:
    found = by_key(tracer_measures((OUTLINE,), MR, POSE, given(tracer_scan("spect"))))
    assert {quantity for _, _, quantity in found} == {"uptake_mean", "sbr", "asi", "putamen_caudate_ratio"}
    assert found["caudate", "left", "sbr"].value == pytest.approx(2.0, rel=1e-5)
    # |2 - 4| / (2 + 4)
    assert found["caudate", "both", "asi"].value == pytest.approx(100 / 3, rel=1e-4)


def test_a_point_on_a_voxel_has_its_value_one_between_two_regions_half_of_each_and_one_outside_none() -> None:
    voxels = np.zeros((40, 4, 4), dtype=np.float32)
    voxels[20:] = 8.0
    scan = Scan(voxels, np.diag([2.0, 1, 1, 1]), "pet", "pet")  # the regions meet at 39 mm
    points = np.array([[80.0 - 2, 0, 0], [0, 0, 0], [39, 1, 1], [39, 2, 2], [-1.1, 0, 0], [79.1, 0, 0]])
    np.testing.assert_allclose(values_at(scan, np.eye(4), points), [8, 0, 4, 4, np.nan, np.nan], atol=1e-6)


def test_a_blurred_ball_is_measured_as_it_is_although_the_voxels_are_large() -> None:
    """Voxels of 3 mm: the mean of a blurred ball is that of the fine image within half a percent."""
    fine = np.zeros((96, 96, 96), dtype=np.float32)
    middle = np.moveaxis(np.indices(fine.shape), 0, -1) - 48.0
    ball = np.linalg.norm(middle, axis=-1) < 8
    fine[ball] = 5.0
    fine = gaussian_filter(fine, 5.0 / 2.3548)
    affine_3mm = np.diag([3.0, 3, 3, 1])
    coarse = Scan(np.ascontiguousarray(fine[::3, ::3, ::3]), affine_3mm, "pet", "pet")
    found = values_at(coarse, np.eye(4), np.argwhere(ball).astype(float)).mean()
    assert found == pytest.approx(float(fine[ball].mean()), rel=0.005)


@pytest.mark.parametrize("level", [-0.1, -2.0])
def test_a_reference_that_is_not_above_zero_gives_no_ratio_but_its_reason(level: float) -> None:
    scan = tracer_scan()
    voxels = np.where(scan.voxels == 1.0, np.float32(level), scan.voxels)
    found = by_key(tracer_measures((OUTLINE,), MR, POSE, given(replace(scan, voxels=voxels))))
    for quantity in ("suvr", "bpnd"):
        row = found["caudate", "left", quantity]
        assert np.isnan(row.value)
        assert "undefined: a reference mean above 0 is wanted, " in row.method
    assert found["caudate", "left", "pet_mean"].value == pytest.approx(LEFT)


def test_a_structure_out_of_view_and_an_empty_one_give_no_number_but_their_reason() -> None:
    scan = tracer_scan()
    # its second axis is the outline's first, from left to right: what lies left of x = 0 is cut off
    corner = scan.affine_ras.copy()
    corner[:3, 3] = apply_affine(scan.affine_ras, np.array([0, 32, 0]))
    cut = Tracer(replace(scan, voxels=scan.voxels[:, 32:], affine_ras=corner))
    seen = Registered(cut, Registration(SCAN_FROM_TRACER, 0.2, 0.5), region((50, 2, 8)))
    found = by_key(tracer_measures((OUTLINE,), MR, POSE, seen))
    assert "0 % of it lies in the tracer's field of view" in found["caudate", "left", "bpnd"].method
    assert np.isnan(found["caudate", "left", "pet_mean"].value)
    assert np.isnan(found["caudate", "both", "suvr"].value)
    assert found["caudate", "right", "bpnd"].value == pytest.approx(4.0, rel=1e-5)
    assert "the structure is empty" in found["accumbens", "left", "bpnd"].method


def test_blurred_blocks_are_lower_and_the_correction_brings_them_back() -> None:
    scan = tracer_scan()
    psf_mm = 5.0
    blurred = replace(scan, voxels=gaussian_filter(scan.voxels, psf_mm / 2.3548))
    found = by_key(tracer_measures((OUTLINE,), MR, POSE, given(blurred, psf_mm=psf_mm)))
    for side, true in (("left", LEFT), ("right", RIGHT)):
        assert found["caudate", side, "bpnd"].value < 0.8 * (true - 1)
        assert found["caudate", side, "bpnd_gtm"].value == pytest.approx(true - 1, rel=0.02)
    assert found["caudate", "both", "bpnd_gtm"].value == pytest.approx(3.0, rel=0.02)
    assert found["putamen", "left", "suvr_gtm"].value == pytest.approx(2.0, rel=0.02)
    assert "geometric transfer matrix, 5 mm" in found["putamen", "left", "suvr_gtm"].method


def test_a_reference_out_of_view_or_not_found_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    scan, registration = tracer_scan(), Registration(SCAN_FROM_TRACER, 0.2, 1.0)
    far = np.eye(4)
    far[:3, 3] = 500.0
    full = IntegerVolume(np.ones((20, 20, 20), dtype=np.uint8), far)
    monkeypatch.setattr(station, "region_of", lambda *_: full)
    with pytest.raises(FieldOfViewError, match="A reference region in the field of view of 'pet' is wanted; 0 % of"):
        registered(MR, POSE, Tracer(scan), registration)
    empty = IntegerVolume(np.zeros((4, 4, 4), dtype=np.uint8), np.eye(4))
    monkeypatch.setattr(station, "region_of", lambda *_: empty)
    with pytest.raises(FieldOfViewError, match=r"0\.0 ml were found in 'T1w'"):
        registered(MR, POSE, Tracer(scan), registration)


def test_the_level_is_the_mean_of_the_region() -> None:
    level = reference_level(given(tracer_scan(scale=3.0)))
    assert (level.name, level.reason) == ("cerebellar-grey", "")
    assert level.mean == pytest.approx(3.0)


@pytest.mark.parametrize(("values", "words"), [({"reference": "pons"}, "pons"), ({"psf_mm": 0.0}, "1 to 20 mm")])
def test_a_tracer_is_valid_from_birth(values: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Tracer(tracer_scan(), **values)
