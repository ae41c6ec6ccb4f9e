from pathlib import Path

import numpy as np
import pytest

from deepgray.anatomy import STRUCTURES, scheme, structure
from deepgray.errors import SettingsError
from deepgray.evaluate import LabelMapping, mapping, mapping_from_file, mapping_from_scheme, mapping_names
from deepgray.evaluate.mapping import Entry

AFFINE = np.diag([1.0, 2.0, 3.0, 1.0])


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.tsv"
    path.write_text(text, encoding="utf-8")
    return path


def volume(*labels: int, dtype: type = np.int16) -> np.ndarray:
    voxels = np.zeros((4, 3, 2), dtype=dtype)
    voxels.flat[1 : 1 + len(labels)] = labels
    return voxels


def ours(*keys: str) -> list[int]:
    return [structure(key).label if key else 0 for key in keys]


def test_shipped_mappings() -> None:
    assert mapping_names() == ("freesurfer", "hoa2", "neuromorphometrics")


@pytest.mark.parametrize(
    ("name", "right", "left"),
    [  # accumbens, caudate, pallidum, putamen, thalamus, as the sources' tables list them
        ("neuromorphometrics", (23, 36, 55, 57, 59), (30, 37, 56, 58, 60)),
        ("freesurfer", (58, 50, 52, 51, 49), (26, 11, 13, 12, 10)),
        ("hoa2", (8, 10, 14, 12, 17), (7, 9, 13, 11, 16)),
    ],
)
def test_labels_and_sides_of_shipped_mappings(name: str, right: tuple[int, ...], left: tuple[int, ...]) -> None:
    names = ("accumbens", "caudate", "pallidum", "putamen", "thalamus")
    labels = mapping(name).read(volume(*right, *left), AFFINE)
    expected = ours(*(f"right {n}" for n in names), *(f"left {n}" for n in names))
    assert labels.voxels.flat[1:11].tolist() == expected
    assert np.count_nonzero(labels.voxels) == 10


def test_neuromorphometrics_knows_all_deep_structures() -> None:
    found = mapping("neuromorphometrics").read(volume(31, 32, 47, 48, 61, 62, 4), AFFINE).voxels.flat[1:8].tolist()
    names = ("amygdala", "hippocampus", "ventral diencephalon")
    assert found[:6] == ours(*(f"{side} {name}" for name in names for side in ("right", "left")))
    assert found[6] == scheme("deep").structures[-1].label


@pytest.mark.parametrize("name", ["malc/1000_dseg.nii.gz", "hoa2/101915_dseg.nii.gz"])
def test_left_lies_left_on_real_labels(shared_data: Path, name: str) -> None:
    import nibabel  # noqa: PLC0415

    image = nibabel.load(shared_data / name)
    source = "hoa2" if name.startswith("hoa2") else "neuromorphometrics"
    labels = mapping(source).read(np.asarray(image.dataobj).astype(np.int32), image.affine.astype(np.float64))
    for part in ("accumbens", "caudate", "pallidum", "putamen", "thalamus"):
        left, right = (np.argwhere(labels.mask(structure(f"{side} {part}"))).mean(0) for side in ("left", "right"))
        assert (labels.affine_ras[:3, :3] @ (right - left))[0] > 5


def test_label_that_is_not_listed_is_background() -> None:
    labels = mapping("hoa2").read(volume(9, 1, 999, -4), AFFINE)
    assert labels.voxels.flat[1:5].tolist() == ours("left caudate", "", "", "")
    assert labels.affine_ras is AFFINE


def test_nothing_listed_gives_an_empty_map() -> None:
    assert not mapping("hoa2").read(volume(), AFFINE).voxels.any()


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int64])
def test_any_integer_type_is_read(dtype: type) -> None:
    assert mapping("hoa2").read(volume(11, 12, dtype=dtype), AFFINE).voxels.flat[1] == structure("left putamen").label


def test_several_labels_of_one_structure_and_one_ignored(tmp_path: Path) -> None:
    path = written(tmp_path, "label\tname\tside\n3\tcaudate\tleft\n4\tCaudate\tLeft \n5\t\t\n7\tputamen\tright\n")
    read = mapping_from_file(path)
    assert read.name == "mine"
    assert [s.key for s in read.scheme.structures] == ["left caudate", "right putamen"]
    labels = read.read(volume(3, 4, 5, 7), AFFINE)
    assert labels.voxels.flat[1:5].tolist() == ours("left caudate", "left caudate", "", "right putamen")


def test_a_scheme_reads_its_own_labels() -> None:
    labels = mapping_from_scheme(scheme("striatum4")).read(volume(11, 12, 26), AFFINE)
    assert labels.voxels.flat[1:4].tolist() == [11, 12, 0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("label\tname\n3\tcaudate\n", "columns label, name, side are wanted, side missing"),
        ("label\tname\tside\nthree\tcaudate\tleft\n", "line 2: an integer label is wanted, 'three' came"),
        ("label\tname\tside\n3\tcauda\tleft\n", "line 2: a name and side .* wanted, 'left cauda' came"),
        ("label\tname\tside\n3\tcaudate\tboth\n", "'both caudate' came"),
        ("label\tname\tside\n3\tcaudate\n", "' caudate' came"),
        ("label\tname\tside\n3\tcaudate\tleft\n3\tputamen\tleft\n", r"once, \[3\] came twice"),
        ("label\tname\tside\n0\tcaudate\tleft\n", "labels above 0 are wanted, 0 came"),
        ("label\tname\tside\n", "at least one label is wanted, none came"),
        ("", "at least one label is wanted, none came"),
    ],
)
def test_refuses_a_table_that_is_not_understood(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        mapping_from_file(written(tmp_path, text))


def test_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="readable mapping file"):
        mapping_from_file(tmp_path / "none.tsv")


def test_refuses_an_unknown_name() -> None:
    with pytest.raises(SettingsError, match="freesurfer, hoa2, neuromorphometrics; 'fsl' came"):
        mapping("fsl")


def test_every_structure_of_the_table_can_be_mapped() -> None:
    whole = LabelMapping("all", tuple(Entry(n, s) for n, s in enumerate(STRUCTURES, start=1)))
    assert len(whole.scheme.structures) == len(STRUCTURES)
