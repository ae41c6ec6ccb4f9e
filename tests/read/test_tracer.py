"""Tracer scans: one volume, means of frames, units."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from deepgray.errors import IntensityError, SettingsError, ShapeError
from deepgray.read import read_tracer

AFFINE = np.diag([2.0, 2.0, 3.0, 1.0])


def frames(*levels: float) -> np.ndarray:
    """Frames of a wedge from 0 to 1, each multiplied by its level."""
    wedge = np.linspace(0, 1, 8 * 8 * 6).reshape(8, 8, 6)
    return np.stack([wedge * level for level in levels], axis=-1).astype(np.float32)


def saved(folder: Path, voxels: np.ndarray, **sidecar: object) -> Path:
    path = folder / "sub-01_pet.nii.gz"
    nib.save(nib.Nifti1Image(voxels, AFFINE), path)
    if sidecar:
        (folder / "sub-01_pet.json").write_text(json.dumps(sidecar))
    return path


def test_one_volume_is_read_as_it_is_with_the_unit_of_its_sidecar(tmp_path: Path) -> None:
    scan = read_tracer(saved(tmp_path, frames(5000)[..., 0], Units="Bq/mL"))
    assert (scan.modality, scan.unit, scan.stem, scan.changes) == ("pet", "Bq/mL", "sub-01_pet", ())
    assert scan.voxels.max() == pytest.approx(5000)


def test_the_mean_of_frames_weighs_them_alike_where_nothing_is_known(tmp_path: Path) -> None:
    scan = read_tracer(saved(tmp_path, frames(900, 10, 20, 60)), frames="2:4")
    assert scan.voxels.max() == pytest.approx(30.0)
    assert scan.changes == ("It is the mean of frames 2 to 4, each weighted alike.",)


def test_the_mean_of_frames_weighs_them_by_their_durations(tmp_path: Path) -> None:
    path = saved(tmp_path, frames(900, 10, 20, 60), FrameDuration=[60, 100, 100, 200], Units="SUV")
    scan = read_tracer(path, frames="2:4")
    assert scan.voxels.max() == pytest.approx((10 * 100 + 20 * 100 + 60 * 200) / 400)
    assert scan.changes[0].endswith("weighted by their durations.")
    assert read_tracer(path, frames="3:3").voxels.max() == pytest.approx(20.0)


def test_several_frames_without_a_choice_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match="4 frames came"):
        read_tracer(saved(tmp_path, frames(1, 2, 3, 4)))
    with pytest.raises(ShapeError, match="a frame from 1 to 4 is wanted, 5 came"):
        read_tracer(tmp_path / "sub-01_pet.nii.gz", frames="4:5")


@pytest.mark.parametrize("words", ["3", "a:b", "0:2", "3:2"])
def test_frames_that_are_not_two_numbers_are_refused(tmp_path: Path, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        read_tracer(saved(tmp_path, frames(1, 2, 3)), frames=words)


def test_counts_and_suv_mixed_are_refused(tmp_path: Path) -> None:
    with pytest.raises(IntensityError, match="counts and SUV mixed"):
        read_tracer(saved(tmp_path, frames(2.0, 9000.0)), frames="1:2")


def test_a_unit_that_its_sidecar_or_its_numbers_contradict_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, frames(9000)[..., 0], Units="Bq/mL")
    with pytest.raises(SettingsError, match="says Bq/mL, --tracer-unit SUV"):
        read_tracer(path, unit="SUV")
    (tmp_path / "sub-01_pet.json").unlink()
    with pytest.raises(IntensityError, match="looks like counts or Bq/mL"):
        read_tracer(path, unit="SUV")
    with pytest.raises(IntensityError, match="looks like SUV"):
        read_tracer(saved(tmp_path, frames(3)[..., 0]), unit="Bq/mL")
    assert read_tracer(path, unit="SUV").unit == "SUV"
    with pytest.raises(SettingsError, match="'mCi' came"):
        read_tracer(path, unit="mCi")
