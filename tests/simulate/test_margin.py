"""Nuclei are seen beyond their labels by what was asked, in any direction, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.simulate.margin import as_seen, surroundings  # noqa: E402
from deepgray.simulate.mr import random_rotation, sample_nearest  # noqa: E402
from deepgray.simulate.tissues import INDEX  # noqa: E402
from deepgray.space import Box  # noqa: E402

GRID = Box((-30.0, -30.0, -30.0), (30.0, 30.0, 30.0)).grid(0.75)
PUTAMEN, CAUDATE = INDEX["putamen/anterior putamen"], INDEX["caudate/anterior caudate"]
WHITE, OTHER = INDEX["white matter"], INDEX["other caudate"]


def ball(radius_mm: float) -> np.ndarray:
    """A putamen of this radius around the middle, its lower half caudate, in white matter."""
    places = np.moveaxis(np.indices(GRID.shape), 0, -1) @ GRID.affine_ras[:3, :3].T + GRID.affine_ras[:3, 3]
    inside = np.linalg.norm(places, axis=-1) < radius_mm
    nucleus = np.where(places[..., 2] < 0, CAUDATE, PUTAMEN)
    return np.where(inside, nucleus, WHITE).astype(np.uint8)


def points() -> torch.Tensor:
    """Places on a fine grid that lies at an angle."""
    torch.manual_seed(4)
    axis = torch.arange(-20.0, 20.0, 0.4)
    return torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1) @ random_rotation(90.0).T


def seen(tissues: np.ndarray, margin_mm: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Labels and what is seen at the points."""
    labelled = sample_nearest(torch.from_numpy(tissues), torch.from_numpy(GRID.affine_ras), points())
    return labelled, as_seen(labelled, points(), surroundings(tissues, GRID), margin_mm)


def radius_mm(inside: torch.Tensor) -> float:
    """Of the ball that has the volume of these points."""
    return float((float(inside.sum()) * 0.4**3 * 3 / (4 * np.pi)) ** (1 / 3))


@pytest.mark.parametrize("margin_mm", [0.3, 0.5, 1.0])
def test_a_ball_grows_by_the_margin(margin_mm: float) -> None:
    before_mm, after_mm = (radius_mm(tissues != WHITE) for tissues in seen(ball(8.0), margin_mm))
    assert after_mm - before_mm == pytest.approx(margin_mm, abs=0.08)  # of voxels of 0.75 mm


def test_what_is_new_is_the_nearest_nucleus() -> None:
    labelled, found = seen(ball(8.0), 0.5)
    new = found != labelled
    height = points()[..., 2]
    assert bool((labelled[new] == WHITE).all())
    assert bool((found[new & (height > 1)] == PUTAMEN).all())
    assert bool((found[new & (height < -1)] == CAUDATE).all())


def test_no_margin_changes_nothing() -> None:
    labelled, found = seen(ball(8.0), 0.0)
    assert torch.equal(labelled, found)


def test_nuclei_of_the_other_side_stay_as_they_are() -> None:
    tissues = ball(8.0)
    tissues[tissues != WHITE] = OTHER
    labelled, found = seen(tissues, 1.0)
    assert torch.equal(labelled, found)
