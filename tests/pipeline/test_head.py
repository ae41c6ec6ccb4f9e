"""Several tasks on one susceptibility map, the head found once: in the map, or in another scan of the same head."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawing_networks import DENTATES, MIDBRAIN, Ellipsoid
from hypothesis import given, settings
from hypothesis import strategies as st

from deepgray.errors import FieldOfViewError, GeometryError, SettingsError
from deepgray.pipeline import analyse, analyse_head, find_head
from deepgray.result import WHOLE_BRAIN, Examination, Result
from deepgray.scan import LabelMap, Scan
from deepgray.space import apply_affine, reordered_grid


def place_mm(labels: LabelMap, key: str) -> np.ndarray:
    (found,) = (s for s in labels.scheme.structures if s.key == key)
    return apply_affine(labels.affine_ras, np.argwhere(labels.mask(found))).mean(axis=0)


def check_places(result: Result, drawn: tuple[Ellipsoid, ...], atol: float = 0.7) -> None:
    for e in drawn:
        x, y, z = e.centre_mm
        np.testing.assert_allclose(place_mm(result.outline.labels, f"left {e.name}"), (x, y, z), atol=atol)
        np.testing.assert_allclose(place_mm(result.outline.labels, f"right {e.name}"), (-x, y, z), atol=atol)


def test_two_tasks_share_the_head(qsm_tasks: dict[str, Path], qsm_scan: Scan) -> None:
    told: list[str] = []
    head = find_head(Examination(qsm_scan), str(qsm_tasks["dentate"]), progress=told.append)
    dentate = analyse_head(head, str(qsm_tasks["dentate"]), progress=told.append)
    midbrain = analyse_head(head, str(qsm_tasks["midbrain"]))
    assert told == ["locate", "outline", "review", "subdivide", "measure"]
    check_places(dentate, DENTATES)
    check_places(midbrain, MIDBRAIN)
    assert dentate.parts is None
    assert [m.name for m in midbrain.models] == ["head-locate-qsm", "midbrain-outline"]
    assert midbrain.models[0] == dentate.models[0]
    assert midbrain.inputs == ()


def test_susceptibility_of_left_and_right(qsm_tasks: dict[str, Path], qsm_scan: Scan) -> None:
    result = analyse(qsm_scan, str(qsm_tasks["midbrain"]))
    means = {(m.structure, m.side): m for m in result.measurements if m.quantity == "susceptibility_mean"}
    assert means["red nucleus", "left"].value == pytest.approx(0.02, abs=1e-3)
    assert means["red nucleus", "right"].value == pytest.approx(0.03, abs=1e-3)
    assert means["red nucleus", "both"].reference == "none"
    assert {m.quantity for m in result.measurements} > {"volume", "susceptibility_sd", "susceptibility_eroded_mean"}


def test_a_reference_is_taken_from_the_examination(qsm_tasks: dict[str, Path], qsm_scan: Scan) -> None:
    task = str(qsm_tasks["dentate"])
    result = analyse_head(find_head(Examination(qsm_scan, reference=WHOLE_BRAIN), task), task)
    means = {m.side: m for m in result.measurements if m.quantity == "susceptibility_mean"}
    assert means["left"].value == pytest.approx(-0.005, abs=1e-3)  # 0.02 − 0.025
    assert means["left"].reference.startswith("whole-brain: 0.0250")


@settings(max_examples=6)
@given(order=st.permutations(range(3)), flips=st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_left_stays_left_however_the_map_is_stored(
    qsm_tasks: dict[str, Path], qsm_scan: Scan, order: list[int], flips: tuple[bool, bool, bool]
) -> None:
    axes = (order[0], order[1], order[2])
    grid = reordered_grid(qsm_scan.grid, axes, flips)
    voxels = np.flip(qsm_scan.voxels.transpose(axes), tuple(a for a in range(3) if flips[a]))
    turned = replace(qsm_scan, voxels=np.ascontiguousarray(voxels), affine_ras=grid.affine_ras)
    result = analyse(turned, str(qsm_tasks["dentate"]))
    check_places(result, DENTATES)
    means = {m.side: m.value for m in result.measurements if m.quantity == "susceptibility_mean"}
    assert means["left"] == pytest.approx(0.02, abs=1e-3)
    assert means["right"] == pytest.approx(0.03, abs=1e-3)


def test_the_pose_may_come_from_another_scan_of_the_head(
    qsm_tasks: dict[str, Path], qsm_scan: Scan, head_scan: Scan
) -> None:
    task = str(qsm_tasks["dentate"])
    head = find_head(Examination(qsm_scan, also=replace(head_scan, sha256="5a" * 32)), task)
    result = analyse_head(head, task)
    check_places(result, DENTATES, atol=1.0)
    assert [m.name for m in result.models] == ["head-locate", "dentate-outline"]
    assert [(i.role, i.name, i.sha256) for i in result.inputs] == [("also", "head", "5a" * 32)]
    assert result.outline.labels.voxels.shape == qsm_scan.voxels.shape


def moved(scan: Scan, by_mm: tuple[float, float, float]) -> Scan:
    affine = scan.affine_ras.copy()
    affine[:3, 3] += by_mm
    return replace(scan, affine_ras=affine)


def test_fields_of_view_that_do_not_overlap_are_refused(qsm_scan: Scan, head_scan: Scan) -> None:
    with pytest.raises(FieldOfViewError, match="0 % of 'map' lies in the field of view of 'head'"):
        Examination(qsm_scan, also=moved(head_scan, (400, 0, 0)))


def test_a_head_at_another_place_is_refused(qsm_tasks: dict[str, Path], qsm_scan: Scan, head_scan: Scan) -> None:
    narrow = np.zeros_like(qsm_scan.voxels)
    narrow[:, :, 50:] = qsm_scan.voxels[:, :, 50:]
    given_ = Examination(replace(qsm_scan, voxels=narrow), also=moved(head_scan, (0, 0, -40)))
    with pytest.raises(GeometryError, match="of the brain in 'head' lies on the brain of 'map'"):
        find_head(given_, str(qsm_tasks["dentate"]))


def test_another_scan_of_the_wrong_kind_is_refused(
    qsm_tasks: dict[str, Path], drawing_task: Path, qsm_scan: Scan, head_scan: Scan
) -> None:
    with pytest.raises(SettingsError, match="finds heads in 'mr' scans, 'pet' came"):
        find_head(Examination(qsm_scan, also=replace(head_scan, modality="pet")), str(qsm_tasks["dentate"]))
    with pytest.raises(SettingsError, match="'drawing' takes none"):
        find_head(Examination(head_scan, also=head_scan), str(drawing_task))


@pytest.mark.parametrize(
    ("name", "kept_mm", "words"),
    [
        ("dentate", (-20, 200), "holds left dentate nucleus is wanted"),
        ("midbrain", (5, 200), "holds left red nucleus, left substantia nigra, left subthalamic nucleus is wanted"),
    ],
)
def test_a_field_of_view_without_the_nuclei_is_refused(
    qsm_tasks: dict[str, Path], qsm_scan: Scan, *, name: str, kept_mm: tuple[float, float], words: str
) -> None:
    head = find_head(Examination(qsm_scan), str(qsm_tasks[name]))
    z = qsm_scan.affine_ras[2, 3] + qsm_scan.affine_ras[2, 2] * np.arange(qsm_scan.voxels.shape[2])
    first = int(np.argmax(z > kept_mm[0]))
    affine = qsm_scan.affine_ras.copy()
    affine[2, 3] = z[first]
    cut = replace(qsm_scan, voxels=np.ascontiguousarray(qsm_scan.voxels[:, :, first:]), affine_ras=affine)
    with pytest.raises(FieldOfViewError, match=words):
        analyse_head(replace(head, examination=Examination(cut)), str(qsm_tasks[name]))
