"""Which files of a folder belong together, and what is refused when they are read."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.anatomy import scheme
from deepgray.errors import GeometryError, IntensityError, MaskError, SettingsError
from deepgray.train.pairs import PairFiles, find_pairs, read_pair

AFFINE = np.array([[-1.0, 0, 0, 5], [0, 1.5, 0, -7], [0, 0, 2, 3], [0, 0, 0, 1]])
RED = scheme("midbrain6")


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / f"{name}.nii.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def found(folder: Path, **options: str) -> dict[str, tuple[str, str]]:
    """Names of scan and label map, seen from the folder, by the pair's name."""
    pairs = find_pairs(folder, **options)  # type: ignore[arg-type]
    return {p.name: (p.scan.relative_to(folder.parent).as_posix(), p.labels.name) for p in pairs}


def test_a_plain_folder(tmp_path: Path) -> None:
    touch(tmp_path / "p", "a", "a_dseg", "b", "b_dseg", "without", "a_mask")
    assert found(tmp_path / "p") == {
        "a": ("p/a.nii.gz", "a_dseg.nii.gz"),
        "b": ("p/b.nii.gz", "b_dseg.nii.gz"),
    }


def test_a_plain_folder_with_kinds_of_scan(tmp_path: Path) -> None:
    touch(tmp_path / "p", "a_T1w", "a_Chimap", "a_desc-manual_dseg")
    assert found(tmp_path / "p", modality="qsm")["a_Chimap"][0] == "p/a_Chimap.nii.gz"
    assert found(tmp_path / "p", modality="mr")["a_T1w"][0] == "p/a_T1w.nii.gz"


def test_bids_with_derivatives(tmp_path: Path) -> None:
    data = touch(
        tmp_path / "data", "sub-1/anat/sub-1_T1w", "sub-1/anat/sub-1_Chimap", "sub-2/ses-a/anat/sub-2_ses-a_Chimap",
        "derivatives/manual/sub-1/anat/sub-1_desc-manual_dseg",
        "derivatives/manual/sub-2/ses-a/anat/sub-2_ses-a_space-Chimap_dseg",
    )  # fmt: skip
    wanted = ["sub-1_Chimap", "sub-2_ses-a_Chimap"]
    assert [p.name for p in find_pairs(data, modality="qsm")] == wanted
    pairs = find_pairs(data / "derivatives" / "manual", modality="qsm")
    assert [p.name for p in pairs] == wanted
    assert [p.subject for p in pairs] == ["sub-1", "sub-2"]


def test_results_of_deepgray_beside_the_scans(tmp_path: Path) -> None:
    touch(
        tmp_path / "p",
        "sub-1_T1w",
        "sub-1_T1w/sub-1_T1w_desc-striatum_dseg",
        "sub-1_T1w/sub-1_T1w_desc-striatum_entropy",
    )
    assert found(tmp_path / "p")["sub-1_T1w"] == ("p/sub-1_T1w.nii.gz", "sub-1_T1w_desc-striatum_dseg.nii.gz")


def test_one_folder_for_each_person(tmp_path: Path) -> None:
    touch(tmp_path / "p", "anna/T1", "anna/T1_dseg", "bert/T1", "bert/T1_dseg")
    assert found(tmp_path / "p") == {
        "anna-T1": ("p/anna/T1.nii.gz", "T1_dseg.nii.gz"),
        "bert-T1": ("p/bert/T1.nii.gz", "T1_dseg.nii.gz"),
    }


def test_a_word_chooses_among_several_label_maps(tmp_path: Path) -> None:
    touch(tmp_path / "p", "a_T1w", "a_desc-one_dseg", "a_desc-two_dseg")
    with pytest.raises(SettingsError, match=r"One label map for every scan .* a_desc-one_dseg.nii.gz, a_desc-two"):
        find_pairs(tmp_path / "p")
    assert found(tmp_path / "p", word="desc-two")["a_T1w"][1] == "a_desc-two_dseg.nii.gz"


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a", "b"], r"Label maps \*_dseg.nii.gz are wanted in .*, none is there"),
        (["a_dseg", "b"], r"a_dseg.nii.gz has none: a.nii.gz or a_<kind>.nii.gz"),
        (["a_bold", "a_angio", "a_dseg"], r"a_dseg.nii.gz may belong to .*a_angio.nii.gz, .*a_bold.nii.gz"),
    ],
)
def test_what_does_not_pair_is_refused(tmp_path: Path, names: list[str], words: str) -> None:
    touch(tmp_path / "p", *names)
    with pytest.raises(SettingsError, match=words):
        find_pairs(tmp_path / "p")


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"A folder of scans and label maps is wanted"):
        find_pairs(tmp_path / "nothing")


def test_masks_are_given_where_they_are_wanted(tmp_path: Path) -> None:
    data = touch(
        tmp_path / "data", "sub-1/sub-1_Chimap", "sub-1/sub-1_T1w", "sub-1/sub-1_dseg", "sub-1/sub-1_Chimap_mask",
        "sub-1/sub-1_T1w_mask", "sub-2/sub-2_Chimap", "sub-2/sub-2_dseg", "derivatives/bet/sub-2_desc-brain_mask",
        "plain/a", "plain/a_dseg", "plain/a_mask",
    )  # fmt: skip
    pairs = find_pairs(data, modality="qsm", masks=True)
    assert {p.name: p.mask.name for p in pairs if p.mask} == {
        "a": "a_mask.nii.gz",
        "sub-1_Chimap": "sub-1_Chimap_mask.nii.gz",
        "sub-2_Chimap": "sub-2_desc-brain_mask.nii.gz",
    }
    assert all(p.mask is None for p in find_pairs(data, modality="qsm"))


@pytest.mark.parametrize(
    ("names", "came"),
    [(["b_mask"], "none came"), (["a_desc-one_mask", "a_desc-two_mask"], "a_desc-one_mask.nii.gz, a_desc-two_mask")],
)
def test_a_scan_without_its_mask_or_with_several_is_refused(tmp_path: Path, names: list[str], came: str) -> None:
    touch(tmp_path / "p", "a", "a_dseg", *names)
    with pytest.raises(SettingsError, match=rf"One brain mask a_mask.nii.gz is wanted for a.nii.gz, .*{came}"):
        find_pairs(tmp_path / "p", masks=True)


def test_maps_in_ppb_with_values_outside_the_brain_are_read_with_unit_and_mask(tmp_path: Path) -> None:
    ppb = np.random.default_rng(3).normal(0, 40, (24, 24, 24)).astype(np.float32)
    ppb[10, 11, 12] = 125
    inside, labels = np.zeros((24, 24, 24), np.uint8), np.zeros((24, 24, 24), np.int16)
    inside[4:20, 4:20, 4:20], labels[10, 11, 12] = 1, 401
    for name, voxels in (("a_Chimap", ppb), ("a_mask", inside), ("a_dseg", labels)):
        nib.save(nib.Nifti1Image(voxels, AFFINE), tmp_path / f"{name}.nii.gz")
    (files,) = find_pairs(tmp_path, modality="qsm", masks=True)
    scan = read_pair(files, RED, modality="qsm", unit="ppb").scan
    assert (scan.unit, scan.voxels[0, 0, 0]) == ("ppm", 0)
    assert scan.voxels[10, 11, 12] == pytest.approx(0.125)
    (bare,) = find_pairs(tmp_path, modality="qsm")
    with pytest.raises(IntensityError, match="zero"):
        read_pair(bare, RED, modality="qsm", unit="ppb")


def save(folder: Path, labels: np.ndarray, affine: np.ndarray = AFFINE) -> PairFiles:
    image = np.arange(4 * 5 * 6, dtype=np.float32).reshape(4, 5, 6)
    nib.save(nib.Nifti1Image(image, AFFINE), folder / "a.nii.gz")
    nib.save(nib.Nifti1Image(labels.astype(np.int16), affine), folder / "a_dseg.nii.gz")
    return find_pairs(folder)[0]


def red_nucleus() -> np.ndarray:
    labels = np.zeros((4, 5, 6))
    labels[1, 2, 3] = 401
    return labels


def test_a_label_map_in_another_order_of_axes_is_brought_into_the_scans(tmp_path: Path) -> None:
    turned = nib.as_closest_canonical(nib.Nifti1Image(red_nucleus().astype(np.int16), AFFINE))
    assert turned.get_fdata()[2, 2, 3] == 401  # its first axis is flipped
    pair = read_pair(save(tmp_path, turned.get_fdata(), turned.affine), RED)
    np.testing.assert_array_equal(pair.labels.voxels, red_nucleus())
    np.testing.assert_array_equal(pair.labels.affine_ras, pair.scan.affine_ras)


def test_a_label_map_on_another_grid_is_refused(tmp_path: Path) -> None:
    shifted = AFFINE.copy()
    shifted[2, 3] += 1
    with pytest.raises(GeometryError, match=r"a_dseg.nii.gz: the grid of a.nii.gz is wanted \(4 × 5 × 6 voxels"):
        read_pair(save(tmp_path, red_nucleus(), shifted), RED)


def test_labels_that_are_not_in_the_scheme_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MaskError, match=r"labels of the scheme 'dentate2' are wanted \(301, 302\), 401 came"):
        read_pair(save(tmp_path, red_nucleus()), scheme("dentate2"))


def test_an_empty_label_map_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MaskError, match=r"labels are wanted, every voxel is 0"):
        read_pair(save(tmp_path, np.zeros((4, 5, 6))), RED)
