"""Veins: smooth courses, and tubes that fill voxels in part."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.simulate.framing import Frame  # noqa: E402
from deepgray.simulate.veins import STEP_MM, WALK_MM, Tube, fill, smooth_course, walks  # noqa: E402
from deepgray.space import Grid  # noqa: E402

SPACING = (1.0, 1.2, 2.0)


def frame() -> Frame:
    affine = np.diag([*SPACING, 1.0])
    affine[:3, 3] = (-10.0, -12.0, -15.0)
    return Frame(Grid((24, 20, 16), affine), torch.eye(3), torch.eye(3), torch.zeros(3), torch.zeros(3, 3, 3, 3))


@pytest.mark.parametrize("radius", [0.3, 0.8, 2.0])
def test_a_tube_fills_the_volume_that_it_has(radius: float) -> None:
    course = np.stack([np.zeros(51), np.arange(51) * STEP_MM - 10, np.zeros(51)], axis=1)
    part, chi = fill([Tube(course, radius, 0.3)], frame(), np.random.default_rng(1))
    # points are counted, so what is over one in a voxel is cut away: up to a tenth in the thickest
    assert part.sum() * np.prod(SPACING) == pytest.approx(np.pi * radius**2 * 51 * STEP_MM, rel=0.12)
    assert part.max() <= 1
    np.testing.assert_allclose(chi[part > 0], 0.3, rtol=1e-5)
    assert not chi[part == 0].any()


def test_a_thin_tube_lies_where_its_course_is() -> None:
    course = np.stack([np.full(51, 3.0), np.arange(51) * STEP_MM - 10, np.full(51, 1.0)], axis=1)
    part, _ = fill([Tube(course, 0.4, 0.3)], frame(), np.random.default_rng(1))
    x, _, z = np.nonzero(part)
    assert set(x) == {13}  # 3 mm, 10 mm behind the first voxel
    assert set(z) <= {7, 8}


def test_a_tube_outside_the_scan_is_left_out() -> None:
    part, _ = fill([Tube(np.full((5, 3), 500.0), 1.0, 0.3)], frame(), np.random.default_rng(1))
    assert not part.any()


def test_a_course_is_smooth_and_passes_by_its_control_points() -> None:
    control = np.array([(0, 0, 0), (10, 0, 0), (10, 10, 0), (20, 10, 0)], dtype=float)
    course = smooth_course(control)
    steps = np.diff(course, axis=0)
    steps /= np.linalg.norm(steps, axis=1, keepdims=True)
    turns = np.degrees(np.arccos(np.clip((steps[1:] * steps[:-1]).sum(1), -1, 1)))
    assert turns[2:-2].max() < 30
    assert max(np.linalg.norm(course - p, axis=1).min() for p in control) < 3.0


@pytest.mark.parametrize(("climb", "low", "high"), [(0.0, -4.0, 4.0), (0.8, 8.0, 31.0)])
def test_walks_stay_or_climb(climb: float, low: float, high: float) -> None:
    places = np.moveaxis(np.indices((60, 60, 60)), 0, -1)
    potential = np.linalg.norm(places - 30, axis=-1).astype(np.float32)
    starts = np.array([(40.0, 30, 30), (30, 38, 30), (30, 30, 41)])
    made = walks(potential, starts, length_mm=20 * WALK_MM, climb=climb, generator=np.random.default_rng(2))
    assert len(made) == 3
    for course in made:
        ends = [np.linalg.norm(course[i] - 30) for i in (0, -1)]
        assert low <= ends[1] - ends[0] <= high
