"""Small scans that catch a lost axis: oblique, anisotropic, flipped, permuted, and different left from right."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from drawing_networks import (  # noqa: F401 (fixtures)
    drawing_task,
    head_scan,
    qsm_scan,
    qsm_tasks,
    spect_scan,
    spect_task,
)
from scipy.spatial.transform import Rotation

from deepgray.scan import Scan
from deepgray.space import Grid, apply_affine

# The same examples every time where a machine decides, new ones where a person works.
hypothesis.settings.register_profile(
    "deepgray", deadline=None, max_examples=50, derandomize="CI" in os.environ, print_blob=True
)
hypothesis.settings.load_profile("deepgray")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def centred_grid(shape: tuple[int, int, int], directions_mm: np.ndarray) -> Grid:
    """A grid whose middle lies at the world's origin; the columns of ``directions_mm`` are its voxel steps."""
    affine = np.eye(4)
    affine[:3, :3] = directions_mm
    affine[:3, 3] = -directions_mm @ ((np.asarray(shape) - 1) / 2)
    return Grid(shape, affine)


STRAIGHT = centred_grid((12, 14, 10), np.diag([1.0, 1.5, 2.0]))
FLIPPED = centred_grid((12, 14, 10), np.diag([-1.0, 1.5, 2.0]))
# The first index axis goes up, the second to the left, the third to the front.
PERMUTED = centred_grid((10, 12, 14), np.array([[0, -1.0, 0], [0, 0, 1.5], [2.0, 0, 0]]))
OBLIQUE = centred_grid(
    (12, 14, 10), Rotation.from_euler("zx", [20, 15], degrees=True).as_matrix() @ np.diag([-1.0, 1.5, 2.0])
)
GRIDS = {"straight": STRAIGHT, "flipped": FLIPPED, "permuted": PERMUTED, "oblique": OBLIQUE}


def world_coordinates(grid: Grid) -> np.ndarray:
    """RAS millimetres of every voxel centre, (x, y, z, 3)."""
    indices = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape], indexing="ij"), axis=-1)
    return apply_affine(grid.affine_ras, indices)


def paint(grid: Grid) -> np.ndarray:
    """200 on the person's left, 100 on the right, and one more for every millimetre to the front. Float32."""
    world = world_coordinates(grid)
    return (np.where(world[..., 0] < 0, 200.0, 100.0) + world[..., 1]).astype(np.float32)


@pytest.fixture(params=list(GRIDS))
def any_grid(request: pytest.FixtureRequest) -> Grid:
    """Each of the four small grids in turn."""
    return GRIDS[request.param]


@pytest.fixture
def any_scan(any_grid: Grid) -> Scan:
    """A painted scan on each of the four small grids in turn."""
    return Scan(paint(any_grid), any_grid.affine_ras, stem="painted")


@pytest.fixture
def oblique_scan() -> Scan:
    """A painted scan: oblique, anisotropic, its first axis running to the left."""
    return Scan(paint(OBLIQUE), OBLIQUE.affine_ras, stem="oblique")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real scans beside the repository."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real scans (shared/data beside the repository) are not here")
    return SHARED_DATA
