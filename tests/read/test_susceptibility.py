"""A susceptibility map is in ppm, signed and zero outside the head; what looks like another image is refused."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from deepgray.errors import IntensityError, MaskError, SettingsError
from deepgray.read import read, read_reference
from deepgray.scan import Scan

AFFINE = np.diag([-1.0, 1.5, 2.0, 1.0])


def ppm_map(*, sd: float = 0.03) -> np.ndarray:
    """Zero at the rim, 99 % of the rest within 2.6 standard deviations."""
    voxels = np.zeros((24, 20, 16), np.float32)
    voxels[3:-3, 3:-3, 3:-3] = np.random.default_rng(0).normal(0, sd, (18, 14, 10))
    return voxels


def save(path: Path, voxels: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
    nib.save(nib.Nifti1Image(voxels, affine), path)
    return path


def read_qsm(folder: Path, voxels: np.ndarray, **options: str) -> Scan:
    return read(save(folder / "map.nii.gz", voxels.astype(np.float32)), modality="qsm", **options)


def test_a_map_in_ppm_is_taken_as_it_is(tmp_path: Path) -> None:
    scan = read_qsm(tmp_path, ppm_map())
    np.testing.assert_array_equal(scan.voxels, ppm_map())
    assert (scan.unit, scan.modality, scan.changes) == ("ppm", "qsm", ())


def test_ppb_are_refused_until_they_are_stated(tmp_path: Path) -> None:
    with pytest.raises(IntensityError, match=r"99 % lie within ±7\d\.\d, which looks like ppb: --unit ppb states that"):
        read_qsm(tmp_path, ppm_map() * 1000)
    scan = read_qsm(tmp_path, ppm_map() * 1000, unit="ppb")
    np.testing.assert_allclose(scan.voxels, ppm_map(), rtol=1e-6)
    assert (scan.unit, scan.changes) == ("ppm", ("Its values were stated to be ppb and brought to ppm.",))


@pytest.mark.parametrize(
    ("voxels", "options", "words"),
    [
        (ppm_map(), {"unit": "ppb"}, "looks like ppm: --unit ppm states that"),
        (ppm_map(sd=0.25), {}, "phase or a field in radians"),  # 99 % within 0.65, but the median is 0.17
        (ppm_map(sd=1.2), {}, "phase or a field in radians"),
        (ppm_map(sd=6), {}, "field map in Hz"),
        (ppm_map(sd=1500), {}, "the scanner's own numbers"),
        (ppm_map(sd=3e-8), {}, "a map without a unit"),
        (np.abs(ppm_map()) * 10000, {}, "magnitude or T1 image"),
        (np.abs(ppm_map()) + 1, {}, "magnitude or T1 image"),
        (ppm_map() + 0.001, {}, r"0\.0 % of its voxels are; --mask FILE"),
        (np.where(ppm_map() == 0, np.nan, ppm_map()), {}, r"NaN or infinite ones came; --mask FILE"),
    ],
)
def test_what_looks_like_something_else_is_refused(
    tmp_path: Path, voxels: np.ndarray, options: dict[str, str], words: str
) -> None:
    with pytest.raises(IntensityError, match=rf"^map\.nii\.gz: .*{words}"):
        read_qsm(tmp_path, voxels, **options)


def test_a_stated_unit_widens_the_limits(tmp_path: Path) -> None:
    assert read_qsm(tmp_path, ppm_map(sd=0.7), unit="ppm").unit == "ppm"  # 99 % within 1.8
    with pytest.raises(IntensityError, match=r"in ppm is wanted, 99 % of it within ±0\.002 to ±5"):
        read_qsm(tmp_path, ppm_map() * 1000, unit="ppm")


def test_a_map_relative_to_fluid_is_taken(tmp_path: Path) -> None:
    shifted = np.where(ppm_map() == 0, 0, ppm_map() + 0.03)  # a sixth is negative
    assert read_qsm(tmp_path, shifted).voxels.max() > 0.1


def test_a_mask_in_another_order_sets_the_outside_to_zero(tmp_path: Path) -> None:
    inside = ppm_map() != 0
    inside[:12] = False  # different left from right
    flipped = AFFINE @ np.array([[-1, 0, 0, 23], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1.0]])
    mask = save(tmp_path / "brain.nii.gz", np.swapaxes(inside[::-1], 1, 2).astype(np.uint8), flipped)
    scan = read_qsm(tmp_path, np.where(ppm_map() == 0, np.nan, ppm_map()), mask=str(mask))
    np.testing.assert_array_equal(scan.voxels, np.where(inside, ppm_map(), 0))
    (told,) = scan.changes
    assert told.startswith("It was set to zero outside the mask brain.nii.gz (SHA-256 ")


def test_a_mask_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    other = save(tmp_path / "other.nii.gz", np.ones((24, 20, 15), np.uint8))
    with pytest.raises(MaskError, match="a brain mask on the scan's grid is wanted"):
        read_qsm(tmp_path, ppm_map(), mask=str(other))
    empty = save(tmp_path / "empty.nii.gz", np.zeros((24, 20, 16), np.uint8))
    with pytest.raises(MaskError, match="an empty one came"):
        read_qsm(tmp_path, ppm_map(), mask=str(empty))


def test_unit_and_mask_belong_to_susceptibility(tmp_path: Path) -> None:
    path = save(tmp_path / "t1.nii.gz", ppm_map())
    with pytest.raises(SettingsError, match="belong to the modality 'qsm', 'mr' came"):
        read(path, unit="ppb")
    with pytest.raises(SettingsError, match="one of ppm, ppb; 'Hz' came"):
        read(path, modality="qsm", unit="Hz")


def test_references_by_name_and_by_mask(tmp_path: Path) -> None:
    assert (read_reference("none").region, read_reference("whole-brain").name) == (None, "whole-brain")
    region = np.zeros((24, 20, 16), np.uint8)
    with pytest.raises(MaskError, match=r"csf\.nii\.gz: a reference region with labelled voxels is wanted"):
        read_reference(save(tmp_path / "csf.nii.gz", region))
    region[5, 5, 5] = 4
    reference = read_reference(save(tmp_path / "csf.nii.gz", region))
    assert (reference.name, len(reference.sha256)) == ("csf.nii.gz", 64)
    assert reference.region is not None
    assert np.argwhere(reference.region.voxels).tolist() == [[5, 5, 5]]


def test_the_real_map_is_taken(shared_data: Path) -> None:
    folder = shared_data / "qsm"
    if not folder.is_dir():
        pytest.skip("the real susceptibility map is not here")
    whole = read(folder / "challenge2016_Chimap.nii.gz", modality="qsm")
    again = read(folder / "challenge2016_Chimap.nii.gz", modality="qsm", mask=folder / "challenge2016_mask.nii.gz")
    np.testing.assert_array_equal(whole.voxels, again.voxels)  # it comes masked
    assert np.percentile(np.abs(whole.voxels[whole.voxels != 0]), 99) == pytest.approx(0.1057, abs=1e-3)
