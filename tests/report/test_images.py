"""Maps that are written lie where the scan lies."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from report_results import CENTRES, SHAPE, affine, pose_matrix, result

from deepgray.anatomy import Scheme, Side, Structure, scheme
from deepgray.read import read_mask
from deepgray.report.images import write_entropy, write_labels, write_probabilities
from deepgray.scan import LabelMap, Probabilities
from deepgray.space import Grid, apply_affine


def test_labels_lie_at_their_world_coordinates(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    write_labels(path, result().outline.labels)
    image = nib.load(path)
    assert image.get_data_dtype() == np.uint8
    assert image.shape == SHAPE
    assert np.allclose(image.affine, affine(), atol=1e-4)
    data = np.asarray(image.dataobj)
    for side, label in ((Side.LEFT, 12), (Side.RIGHT, 51)):
        world = apply_affine(image.affine, np.argwhere(data == label)).mean(0)
        expected = apply_affine(np.linalg.inv(pose_matrix()), CENTRES[side])
        assert np.allclose(world, expected, atol=0.4)
    # The left nucleus, canonical (-15, 4, 2), turned by hand-checked rotation, lies on the person's left of the middle.
    assert apply_affine(image.affine, np.argwhere(data == 12)).mean(0)[0] < 5.0


def test_both_forms_are_set_and_agree(tmp_path: Path) -> None:
    write_labels(tmp_path / "a.nii.gz", result().outline.labels)
    header = nib.load(tmp_path / "a.nii.gz").header
    assert (int(header["qform_code"]), int(header["sform_code"])) == (1, 1)
    assert np.allclose(header.get_qform(), header.get_sform(), atol=1e-4)
    assert header.get_xyzt_units()[0] == "mm"
    assert np.allclose(header.get_zooms(), (1.5, 2.0, 2.5))


def test_a_sheared_grid_is_said_by_the_sform_alone_and_can_be_read_again(tmp_path: Path) -> None:
    sheared = affine()
    sheared[0, 2] += 0.5
    write_labels(tmp_path / "a.nii.gz", LabelMap(np.ones(SHAPE, np.uint8) * 11, sheared, scheme("striatum")))
    header = nib.load(tmp_path / "a.nii.gz").header
    assert (int(header["qform_code"]), int(header["sform_code"])) == (0, 1)
    assert np.allclose(read_mask(tmp_path / "a.nii.gz").affine_ras, sheared, atol=1e-5)


@pytest.mark.parametrize(("label", "dtype"), [(255, "uint8"), (256, "int16"), (32767, "int16"), (32768, "int32")])
def test_the_smallest_type_that_holds_the_labels(tmp_path: Path, label: int, dtype: str) -> None:
    user = Scheme("user", (Structure("nucleus", "N", Side.LEFT, label, "user", (1, 2, 3)),))
    voxels = np.zeros(SHAPE, dtype=np.int64)
    voxels[1, 2, 3] = label
    write_labels(tmp_path / "a.nii.gz", LabelMap(voxels, affine(), user))
    image = nib.load(tmp_path / "a.nii.gz")
    assert image.get_data_dtype() == np.dtype(dtype)
    assert np.argwhere(np.asarray(image.dataobj) == label).tolist() == [[1, 2, 3]]


def _probabilities() -> Probabilities:
    voxels = np.zeros((2, 2, 3, 4), dtype=np.float32)
    voxels[0, 0, 1, 2] = 0.5
    voxels[1, 1, 2, 3] = 0.1
    return Probabilities(voxels, scheme("dentate2").structures, (10, 20, 5), Grid(SHAPE, affine()))


def test_entropy_covers_the_whole_scan(tmp_path: Path) -> None:
    write_entropy(tmp_path / "a.nii.gz", _probabilities())
    image = nib.load(tmp_path / "a.nii.gz")
    data = np.asarray(image.dataobj)
    assert (image.get_data_dtype(), data.shape) == (np.float32, SHAPE)
    assert data[10, 21, 7] == pytest.approx(1.0, abs=1e-5)  # one half against one half: one bit
    assert data[11, 22, 8] == pytest.approx(-0.1 * np.log2(0.1) - 0.9 * np.log2(0.9), abs=1e-5)
    assert np.count_nonzero(data > 1e-5) == 2


def test_probabilities_are_four_dimensional_and_rounded_to_float16(tmp_path: Path) -> None:
    write_probabilities(tmp_path / "a.nii.gz", _probabilities())
    image = nib.load(tmp_path / "a.nii.gz")
    data = np.asarray(image.dataobj)
    assert data.shape == (*SHAPE, 2)
    assert data.dtype == np.float32
    assert data[10, 21, 7].tolist() == [0.5, 0.0]
    assert data[11, 22, 8, 1] == np.float32(np.float16(0.1)) != np.float32(0.1)
    assert np.count_nonzero(data) == 2
