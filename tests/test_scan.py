from __future__ import annotations

import numpy as np
import pytest

from deepgray.anatomy import scheme, structure
from deepgray.errors import GeometryError, IntensityError, ShapeError
from deepgray.scan import IntegerVolume, LabelMap, Probabilities, Scan
from deepgray.space import Grid, apply_affine

STRIATUM4 = scheme("striatum4")


def ramp(shape: tuple[int, ...] = (4, 5, 6)) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def test_a_scan_knows_its_grid(any_scan: Scan, any_grid: Grid) -> None:
    assert any_scan.grid.shape == any_grid.shape
    assert any_scan.grid.affine_ras is any_grid.affine_ras


def test_the_painted_scans_are_brighter_on_the_left(any_scan: Scan) -> None:
    brightest = np.unravel_index(any_scan.voxels.argmax(), any_scan.voxels.shape)
    right, front, _ = apply_affine(any_scan.affine_ras, np.array(brightest))
    assert right < 0 < front


@pytest.mark.parametrize("shape", [(20,), (4, 5), (4, 5, 6, 1), (4, 5, 6, 2), (4, 5, 1)])
def test_a_scan_is_one_volume(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="wanted"):
        Scan(ramp(shape), np.eye(4), "scan")


@pytest.mark.parametrize("affine", [np.eye(3), np.diag([1.0, 0, 1, 1]), np.full((4, 4), np.nan)])
def test_a_scan_has_a_place(affine: np.ndarray) -> None:
    with pytest.raises(GeometryError, match="wanted"):
        Scan(ramp(), affine, "scan")


@pytest.mark.parametrize("dtype", [np.float64, np.int16, np.uint8])
def test_a_scan_is_float32(dtype: type) -> None:
    with pytest.raises(IntensityError, match="Float32"):
        Scan(ramp().astype(dtype), np.eye(4), "scan")


def test_a_scan_counts_its_bad_voxels() -> None:
    voxels = ramp()
    voxels[0, 0, :2] = np.nan
    voxels[1, 1, 1] = np.inf
    with pytest.raises(IntensityError, match="3 voxels are NaN or infinite"):
        Scan(voxels, np.eye(4), "scan")


@pytest.mark.parametrize("value", [0, 7])
def test_a_constant_scan_is_no_picture(value: float) -> None:
    with pytest.raises(IntensityError, match=f"every voxel is {value}"):
        Scan(np.full((4, 5, 6), value, dtype=np.float32), np.eye(4), "scan")


def test_a_label_map_gives_the_mask_of_a_structure() -> None:
    labels = np.zeros((4, 5, 6), dtype=np.uint8)
    labels[1, 2, 3], labels[2, 2, 3] = 11, 50
    mask = LabelMap(labels, np.eye(4), STRIATUM4).mask(structure("right caudate"))
    assert mask.dtype == np.bool_
    assert np.argwhere(mask).tolist() == [[2, 2, 3]]


def test_labels_are_whole_and_not_negative() -> None:
    for voxels, words in (
        (np.zeros((4, 5, 6), dtype=np.float32), "Integer"),
        (np.zeros((4, 5, 6), dtype=bool), "Integer"),
        (np.full((4, 5, 6), -1), "from 0 upwards are wanted, -1 came"),
    ):
        with pytest.raises(IntensityError, match=words):
            LabelMap(voxels, np.eye(4), STRIATUM4)
        with pytest.raises(IntensityError, match=words):
            IntegerVolume(voxels, np.eye(4))


def test_an_integer_volume_may_be_empty_and_knows_its_grid(any_grid: Grid) -> None:
    volume = IntegerVolume(np.zeros(any_grid.shape, dtype=np.int16), any_grid.affine_ras)
    assert volume.grid.shape == any_grid.shape


def test_probabilities_know_their_block() -> None:
    block = Probabilities(
        np.zeros((4, 2, 3, 4), np.float32), STRIATUM4.structures, (1, 0, 2), Grid((4, 5, 6), np.eye(4))
    )
    assert block.block == (slice(1, 3), slice(0, 3), slice(2, 6))


@pytest.mark.parametrize(
    ("shape", "low"),
    [
        ((4, 2, 3, 5), (0, 0, 2)),  # one voxel too far up
        ((4, 2, 3, 4), (-1, 0, 0)),
        ((3, 2, 3, 4), (0, 0, 0)),  # a channel is missing
        ((2, 3, 4), (0, 0, 0)),
    ],
)
def test_probabilities_stay_inside_the_grid(shape: tuple[int, ...], low: tuple[int, int, int]) -> None:
    with pytest.raises(ShapeError, match="wanted"):
        Probabilities(np.zeros(shape, np.float32), STRIATUM4.structures, low, Grid((4, 5, 6), np.eye(4)))
