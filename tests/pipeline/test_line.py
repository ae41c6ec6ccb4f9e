"""One scan through all stations, with networks that draw ellipsoids at known places."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from drawing_networks import AROUND, NUCLEI

import deepgray
from deepgray.anatomy import STRIATUM, scheme
from deepgray.errors import MaskError, ModelError, NoHeadError, SettingsError
from deepgray.pipeline import STAGES, analyse, from_file
from deepgray.recipe import Options
from deepgray.report import read_kept, write
from deepgray.result import Result
from deepgray.scan import LabelMap, Scan
from deepgray.space import apply_affine


@pytest.fixture(scope="module")
def result(drawing_task: Path, head_scan: Scan) -> Result:
    return analyse(head_scan, str(drawing_task))


def place_mm(labels: LabelMap, key: str) -> np.ndarray:
    (found,) = (s for s in labels.scheme.structures if s.key == key)
    return apply_affine(labels.affine_ras, np.argwhere(labels.mask(found))).mean(axis=0)


def test_every_nucleus_lies_where_the_network_drew_it_on_both_sides(result: Result) -> None:
    for drawn in NUCLEI:
        x, y, z = drawn.centre_mm
        np.testing.assert_allclose(place_mm(result.outline.labels, f"left {drawn.name}"), (x, y, z), atol=0.6)
        np.testing.assert_allclose(place_mm(result.outline.labels, f"right {drawn.name}"), (-x, y, z), atol=0.6)


def test_the_parts_fill_the_striatum_and_nothing_else(result: Result) -> None:
    assert result.parts is not None
    labels = result.outline.labels
    striatum = np.isin(labels.voxels, [s.label for s in labels.scheme.structures if s.name in STRIATUM])
    np.testing.assert_array_equal(result.parts.labels.voxels > 0, striatum)
    assert place_mm(result.parts.labels, "left anterior putamen")[0] < 0
    assert place_mm(result.parts.labels, "right anterior putamen")[0] > 0


def test_every_part_has_a_score(result: Result) -> None:
    assert {u.structure for u in result.proposed.part_uncertainty} == set(scheme("striatum12").structures)
    assert 0 < result.proposed.score < 0.5


def test_what_was_done_is_written_down(result: Result) -> None:
    assert [t.stage for t in result.times] == list(STAGES)
    assert [(m.stage, m.name, m.version) for m in result.models] == [
        ("locate", "head-locate", "7"),
        ("outline", "striatum-outline", "7"),
        ("subdivide", "striatum-subdivide", "7"),
    ]
    assert all(len(m.sha256) == 64 for m in result.models)
    assert result.decision.reviewer == "batch"
    assert result.decision.when.endswith("+00:00")
    assert result.flags == ()
    assert {m.structure for m in result.measurements} >= {"caudate", "anterior caudate"}


def test_all_deep_structures_give_the_frame_of_the_parts_now_and_in_a_review(
    drawing_task: Path, head_scan: Scan, tmp_path: Path
) -> None:
    task = drawing_task.with_name("with-deep.toml")
    words = drawing_task.read_text().replace("drawing", "with-deep") + 'deep_model = "deep-outline.onnx"\n'
    task.write_text(words.replace('subdivide_model = "striatum-subdivide.onnx"\n', ""))
    result = analyse(head_scan, str(task))
    assert [m.name for m in result.models] == ["head-locate", "striatum-outline", "deep-outline"]
    assert result.parts is not None
    assert "AC–PC frame of 8 paired structures" in result.parts.method
    assert result.pose.deep is not None
    for drawn in AROUND[:-1]:
        found = apply_affine(result.pose.canonical_from_world, place_mm(result.pose.deep, f"right {drawn.name}"))
        np.testing.assert_allclose(found * [-1, 1, 1], drawn.centre_mm, atol=1.0)
    write(result, tmp_path)
    kept = read_kept(tmp_path, head_scan.stem, task="with-deep").pose.deep
    assert kept is not None
    assert kept.scheme == scheme("deep")
    np.testing.assert_array_equal(kept.voxels, result.pose.deep.voxels)
    np.testing.assert_array_equal(kept.affine_ras, result.pose.deep.affine_ras)


def test_progress_is_told_before_each_stage(drawing_task: Path, head_scan: Scan) -> None:
    told: list[str] = []
    analyse(head_scan, str(drawing_task), progress=told.append)
    assert told == list(STAGES)


def test_the_rule_may_take_the_place_of_the_network(drawing_task: Path, head_scan: Scan) -> None:
    result = analyse(head_scan, str(drawing_task), options=Options(subdivide="rule", threads=1))
    assert result.parts is not None
    assert "rule" in result.parts.method
    assert [m.stage for m in result.models] == ["locate", "outline"]


def test_bounds_of_the_task_ask_for_a_look(drawing_task: Path, head_scan: Scan, result: Result) -> None:
    left, right = (
        next(m.value for m in result.measurements if (m.structure, m.side, m.quantity) == ("caudate", side, "volume"))
        for side in ("left", "right")
    )
    path = drawing_task.with_name("bounded.toml")
    path.write_text(
        drawing_task.read_text() + f'\n[[plausible]]\nstructure = "caudate"\nvolume_mm3 = [1, {right - 1}]\n'
        '\n[[plausible]]\nstructure = "putamen"\nvolume_mm3 = [1, 99999]\nside_ratio = 2\n'
    )
    told = analyse(head_scan, str(path)).flags
    expected = [f"review: {side} caudate: {mm3:.0f} mm³, 1–" for side, mm3 in (("left", left), ("right", right))]
    assert [flag[: len(start)] for flag, start in zip(told, expected, strict=True)] == expected


def test_a_task_without_parts_has_none(drawing_task: Path, head_scan: Scan) -> None:
    text = "".join(line for line in drawing_task.read_text().splitlines(keepends=True) if "subdivide" not in line)
    path = drawing_task.with_name("whole.toml")
    path.write_text(text)
    assert analyse(head_scan, str(path)).parts is None
    with pytest.raises(SettingsError, match="has none"):
        analyse(head_scan, str(path), options=Options(subdivide="network"))


def save(labels: LabelMap, path: Path, voxels: np.ndarray) -> Path:
    nib.save(nib.Nifti1Image(voxels.astype(np.uint8), labels.affine_ras), path)
    return path


def test_a_correction_is_measured_and_subdivided_again(
    drawing_task: Path, head_scan: Scan, result: Result, tmp_path: Path
) -> None:
    labels = result.outline.labels
    voxels = labels.voxels.copy()
    world = apply_affine(labels.affine_ras, np.argwhere(voxels == 12))
    gone = np.argwhere(voxels == 12)[world[:, 1] > 0]
    voxels[tuple(gone.T)] = 0  # the front half of the left putamen
    path = save(labels, tmp_path / "mask.nii.gz", voxels)
    again = analyse(head_scan, str(drawing_task), decide=from_file(path, "A. Reader"))
    np.testing.assert_array_equal(again.outline.labels.voxels, voxels)
    assert (again.decision.kind, again.decision.reviewer) == ("corrected", "A. Reader")
    assert again.decision.when.endswith("+00:00")
    assert again.parts is not None
    assert not again.parts.labels.voxels[tuple(gone.T)].any()
    volume = {(m.structure, m.side): m.value for m in again.measurements if m.quantity == "volume"}
    before = {(m.structure, m.side): m.value for m in result.measurements if m.quantity == "volume"}
    removed_mm3 = len(gone) * head_scan.grid.voxel_volume_mm3
    assert before["putamen", "left"] - volume["putamen", "left"] == pytest.approx(removed_mm3)
    (change,) = (c for c in again.decision.changes if c.structure.key == "left putamen")
    assert change.removed_mm3 == pytest.approx(removed_mm3)


def test_a_mask_that_does_not_fit_is_refused_by_its_name(
    drawing_task: Path, head_scan: Scan, result: Result, tmp_path: Path
) -> None:
    empty = save(result.outline.labels, tmp_path / "empty.nii.gz", np.zeros(head_scan.voxels.shape))
    with pytest.raises(MaskError, match=r"^empty\.nii\.gz: .* an empty one came"):
        analyse(head_scan, str(drawing_task), decide=from_file(empty, "A. Reader"))


def test_a_scan_without_a_head_is_refused(drawing_task: Path) -> None:
    voxels = np.zeros((40, 40, 40), np.float32)
    voxels[10:14, 10:14, 10:14] = 1
    with pytest.raises(NoHeadError):
        analyse(Scan(voxels, np.diag([2.0, 2.0, 2.0, 1.0]), "cube"), str(drawing_task))


def test_another_modality_is_refused(drawing_task: Path, head_scan: Scan) -> None:
    scan = Scan(head_scan.voxels, head_scan.affine_ras, "head", modality="qsm")
    with pytest.raises(SettingsError, match="of modality 'mr' is wanted by 'drawing', 'qsm' came"):
        analyse(scan, str(drawing_task))


def test_a_network_that_is_not_there_is_refused(drawing_task: Path, head_scan: Scan) -> None:
    path = drawing_task.with_name("lost.toml")
    path.write_text(drawing_task.read_text().replace("head-locate.onnx", "absent.onnx"))
    with pytest.raises(ModelError, match=r"absent\.onnx"):
        analyse(head_scan, str(path))


@pytest.mark.parametrize("options", [{"subdivide": "magic"}, {"threads": 0}])
def test_options_out_of_range_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match="is wanted"):
        Options(**options)  # type: ignore[arg-type]


def test_the_python_door_reads_analyses_and_writes(drawing_task: Path, head_scan: Scan, tmp_path: Path) -> None:
    nib.save(nib.Nifti1Image(head_scan.voxels, head_scan.affine_ras), tmp_path / "sub-01_T1w.nii.gz")
    result = deepgray.analyse(deepgray.read(tmp_path / "sub-01_T1w.nii.gz"), str(drawing_task))
    folder = deepgray.write(result, tmp_path / "results")
    written = nib.load(folder / "sub-01_T1w_desc-drawing_dseg.nii.gz")
    np.testing.assert_array_equal(np.asarray(written.dataobj), result.outline.labels.voxels)
    np.testing.assert_allclose(written.affine, head_scan.affine_ras, atol=1e-5)
