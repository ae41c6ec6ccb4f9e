"""Turned and mirrored heads."""

from __future__ import annotations

import numpy as np
import pytest
from toy_spect import BALLS, toy_case

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.anatomy import structure  # noqa: E402
from deepgray.protocols.spect import turned as turning  # noqa: E402
from deepgray.protocols.spect.cases import Found, judged  # noqa: E402
from deepgray.protocols.spect.sets import Case  # noqa: E402
from deepgray.protocols.spect.turned import about, angles, condition, mirrored, turned  # noqa: E402
from deepgray.space import apply_affine  # noqa: E402


@pytest.fixture(autouse=True)
def coarser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turning, "SIDE_VOXELS", 48)
    monkeypatch.setattr(turning, "SIDE_MM", 3.0)


def middle(case: Case, key: str) -> np.ndarray:
    return apply_affine(case.truth.affine_ras, np.argwhere(case.truth.mask(structure(key)))).mean(axis=0)


def brightest(case: Case, key: str) -> float:
    """Mean of the scan around the true middle of a structure."""
    index = apply_affine(np.linalg.inv(case.scan.affine_ras), middle(case, key)).round().astype(int)
    return float(case.scan.voxels[tuple(index)])


def test_angles_end_at_180_degrees() -> None:
    assert angles(60) == (60.0, 120.0, 180.0)
    assert condition("y", 30.0) == "y 030"


@pytest.mark.parametrize(
    ("axis", "place"),
    # left putamen at (-26, -4, 0): where a quarter turn by the right hand brings it
    [("x", (-26, 0, -4)), ("y", (0, -4, 26)), ("z", (4, -26, 0))],
)
def test_a_quarter_turn_brings_scan_and_truth_where_a_hand_would(axis: str, place: tuple[float, float, float]) -> None:
    case = turned(toy_case(), axis, 90.0)
    np.testing.assert_allclose(middle(case, "left putamen"), place, atol=0.6)
    for key, (_, _, uptake) in BALLS.items():
        assert brightest(case, key) == pytest.approx(uptake, abs=0.3)
    np.testing.assert_allclose(np.abs(case.scan.affine_ras[:3, :3]), 3 * np.eye(3))  # an upright grid


def test_the_truth_turns_without_interpolation() -> None:
    case = toy_case()
    for row in judged(Found(turned(case, "x", 35.0).truth), turned(case, "x", 35.0), arm="toy"):
        assert row.dice == 1.0
        assert row.truth_sbr > 0.5


def test_a_rotation_keeps_its_middle() -> None:
    point = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(apply_affine(about("y", 77.0, middle_mm=point), point), point)


def test_a_mirrored_person_has_the_right_nucleus_where_the_left_one_was() -> None:
    case, other = toy_case(), mirrored(toy_case())
    np.testing.assert_allclose(middle(other, "right putamen"), [26, -4, 0], atol=0.1)
    assert brightest(other, "right putamen") == pytest.approx(4.0, abs=0.3)  # in the toy this is the bright one, left
    assert brightest(other, "left putamen") == pytest.approx(2.0, abs=0.3)
    assert other.truth.mask(structure("left putamen")).sum() == case.truth.mask(structure("right putamen")).sum()
    again = mirrored(other)
    np.testing.assert_array_equal(again.scan.voxels, case.scan.voxels)
    np.testing.assert_array_equal(again.truth.voxels, case.truth.voxels)
    np.testing.assert_allclose(again.truth.affine_ras, case.truth.affine_ras)
