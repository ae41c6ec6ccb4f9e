"""What is a SPECT, and what is refused as one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage
from toy_heads import ellipsoid

from deepgray.errors import GeometryError, IntensityError, SettingsError, ShapeError
from deepgray.read import read
from deepgray.read.spect import FEWEST_VIEWS, LEAST_CHANGE, MOST_DETAIL, check_spect, fine_detail, view_change
from deepgray.space import Box, apply_affine

GRID = Box((-90.0, -108.0, -90.0), (90.0, 108.0, 90.0)).grid(3.0)


@cache
def sharp() -> np.ndarray:
    """A head with striatum and folds, as sharp as voxels are."""
    points = apply_affine(GRID.affine_ras, np.moveaxis(np.indices(GRID.shape), 0, -1))
    folds = 1 + 0.5 * np.sign(np.sin(points / 3.0)).prod(axis=-1)
    head = np.where(ellipsoid(points, (0, 0, 0), (70, 90, 70)), folds, 0.0)
    for sign in (-1, 1):
        head[ellipsoid(points, (sign * 20, 10, 5), (10, 20, 12))] = 5.0
    return head.astype(np.float32)


@cache
def spect() -> np.ndarray:
    """The same through a camera that blurs over 11 mm, with noise as grainy as that of a filtered image."""
    noise = np.random.default_rng(1).normal(0, 1, GRID.shape)
    grain = ndimage.gaussian_filter(noise, 1.3)
    image = ndimage.gaussian_filter(sharp(), 11 / 2.355 / 3) + 0.06 * grain / grain.std()
    return image.astype(np.float32)


def save(path: Path, voxels: np.ndarray, affine: np.ndarray | None = GRID.affine_ras) -> Path:
    nib.save(nib.Nifti1Image(voxels, affine), path)
    return path


def test_a_spect_is_read_as_it_is(tmp_path: Path) -> None:
    scan = read(save(tmp_path / "s.nii.gz", spect()), modality="spect")
    assert scan.modality == "spect"
    assert np.array_equal(scan.voxels, spect())
    assert scan.changes == ()


def test_small_negative_voxels_of_a_filter_pass(tmp_path: Path) -> None:
    voxels = spect()
    assert voxels.min() < 0
    read(save(tmp_path / "s.nii.gz", voxels - np.float32(0.02)), modality="spect")


def test_a_masked_image_is_not_called_sharp() -> None:
    voxels = np.where(sharp() > 0, spect(), 0).astype(np.float32)
    assert fine_detail(voxels, GRID.affine_ras) < MOST_DETAIL / 2


def test_an_image_as_sharp_as_an_mr_is_refused(tmp_path: Path) -> None:
    assert fine_detail(sharp(), GRID.affine_ras) > MOST_DETAIL
    with pytest.raises(
        IntensityError, match=r"s\.nii\.gz: a SPECT is wanted, blurred over 7 mm.*looks like an MR or CT"
    ):
        read(save(tmp_path / "s.nii.gz", sharp()), modality="spect")


def test_a_real_t1_is_refused_and_the_real_mean_spect_is_not(shared_data: Path) -> None:
    image = next(iter(sorted(shared_data.glob("ds002748/**/*T1w.nii.gz"))), None)
    mean = shared_data / "receptors" / "DAT_fpcit_hc174_dukart_spect.nii.gz"
    if image is None or not mean.is_file():
        pytest.skip("the T1 image or the mean SPECT is not here")
    with pytest.raises(IntensityError, match="looks like an MR or CT"):
        read(image, modality="spect")
    assert read(mean, modality="spect").voxels.max() > 0


def test_a_ct_is_refused(tmp_path: Path) -> None:
    hounsfield = np.where(sharp() > 0, 40 + 10 * spect(), -1000).astype(np.float32)
    with pytest.raises(IntensityError, match="looks like a CT in Hounsfield units"):
        read(save(tmp_path / "s.nii.gz", hounsfield), modality="spect")


def test_an_image_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IntensityError, match="a SPECT with counts is wanted, every voxel is 0"):
        read(save(tmp_path / "s.nii.gz", np.zeros((8, 8, 8), np.float32)), modality="spect")


def test_negative_totals_are_refused(tmp_path: Path) -> None:
    with pytest.raises(IntensityError, match="the sum of all voxels is -"):
        read(save(tmp_path / "s.nii.gz", -spect()), modality="spect")


def test_a_signed_map_is_refused(tmp_path: Path) -> None:
    voxels = spect()
    signs = np.where(np.indices(voxels.shape).sum(axis=0) % 3 == 0, -1, 1)
    with pytest.raises(IntensityError, match=r"negative voxels hold .* as much as the positive ones"):
        read(save(tmp_path / "s.nii.gz", (voxels * signs).astype(np.float32)), modality="spect")


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_projections_are_refused(tmp_path: Path, axis: int) -> None:
    views = [
        ndimage.rotate(spect(), angle, axes=(0, 1), reshape=False, order=1).sum(axis=1) for angle in range(0, 360, 6)
    ]
    projections = np.moveaxis(np.stack(views), 0, axis)
    with pytest.raises(ShapeError, match="in 60 planes every row has the same sum, which looks like projections"):
        read(save(tmp_path / "s.nii.gz", np.ascontiguousarray(projections), np.diag([3.0, 3, 3, 1])), modality="spect")


@pytest.mark.parametrize("planes", [FEWEST_VIEWS, FEWEST_VIEWS + 6])
def test_an_image_cut_to_few_slices_is_no_set_of_projections(planes: int) -> None:
    voxels = spect()[:, :, 15 : 15 + planes]
    assert view_change(voxels)[0] > LEAST_CHANGE
    check_spect(voxels, GRID.affine_ras)


def test_a_header_without_orientation_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "s.nii.gz", spect(), None)
    with pytest.raises(GeometryError, match="where left and right are is wanted, qform and sform codes are both 0"):
        read(path, modality="spect")


@pytest.mark.parametrize("name", ["s.nii.gz", "s.mgz"])
def test_a_series_is_refused_unless_a_frame_is_picked(tmp_path: Path, name: str) -> None:
    frames = np.stack([spect(), 2 * spect(), 3 * spect()], axis=-1)
    made = nib.MGHImage if name.endswith("mgz") else nib.Nifti1Image
    nib.save(made(frames, GRID.affine_ras), tmp_path / name)
    with pytest.raises(ShapeError, match="one volume is wanted, 3 frames came: say which with --frame, from 1 to 3"):
        read(tmp_path / name, modality="spect")
    second = read(tmp_path / name, modality="spect", frame=2)
    assert np.array_equal(second.voxels, 2 * spect())
    assert second.changes == ("Frame 2 of 3 was read.",)
    for wrong in (0, 4):
        with pytest.raises(ShapeError, match=f"a frame from 1 to 3 is wanted, {wrong} came"):
            read(tmp_path / name, modality="spect", frame=wrong)


def test_a_frame_of_one_volume_is_that_volume(tmp_path: Path) -> None:
    path = save(tmp_path / "s.nii.gz", spect())
    assert read(path, modality="spect", frame=1).changes == ()
    with pytest.raises(ShapeError, match="a frame from 1 to 1 is wanted, 2 came"):
        read(path, modality="spect", frame=2)


def test_a_frame_of_another_modality_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="A frame belongs to the modalities pet and spect, 'mr' came"):
        read(save(tmp_path / "s.nii.gz", spect()), frame=1)
