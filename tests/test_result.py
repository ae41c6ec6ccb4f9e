from __future__ import annotations

import numpy as np
import pytest

from deepgray.anatomy import scheme, structure
from deepgray.errors import GeometryError
from deepgray.recipe import Task
from deepgray.result import Decision, Outline, Pose, Result, StructureUncertainty
from deepgray.scan import LabelMap, Scan
from deepgray.space import MIRROR_X, Affine

TASK = Task("striatum", "Striatum", "mr", "striatum4", "head-locate", "striatum-outline", 0.2)
COARSE = LabelMap(np.zeros((4, 4, 4), dtype=np.uint8), np.diag([3.0, 3, 3, 1]), scheme("coarse"))


def outline(shape: tuple[int, int, int], affine_ras: Affine) -> Outline:
    labels = LabelMap(np.zeros(shape, dtype=np.uint8), affine_ras, scheme("striatum4"))
    return Outline(labels, None, (), "by hand")


def result(scan: Scan, proposed: Outline, decided: Outline, parts: Outline | None) -> Result:
    decision = Decision("accepted", "batch", "2026-01-01T00:00:00+00:00", decided)
    pose = Pose(np.eye(4), 1.0, COARSE)
    return Result(scan, TASK, pose, proposed, decision, parts, (), (), (), ())


def test_a_pose_is_rigid() -> None:
    for matrix in (MIRROR_X, np.diag([1.1, 1, 1, 1]), np.zeros((4, 4))):
        with pytest.raises(GeometryError):
            Pose(matrix, 1.0, COARSE)


def test_the_score_of_an_outline_is_the_mean_of_its_structures() -> None:
    labels = outline((4, 4, 4), np.eye(4)).labels
    scores = tuple(
        StructureUncertainty(structure(key), score) for key, score in (("left caudate", 0.1), ("right putamen", 0.4))
    )
    assert Outline(labels, None, scores, "network").score == pytest.approx(0.25)


def test_the_score_of_a_divided_outline_counts_its_parts_instead_of_what_they_are_parts_of() -> None:
    labels = outline((4, 4, 4), np.eye(4)).labels
    whole, parts = (
        tuple(StructureUncertainty(structure(key), score) for key, score in scores)
        for scores in (
            (("left caudate", 0.9), ("left accumbens", 0.9), ("left pallidum", 0.1)),
            (("left anterior caudate", 0.3), ("left posterior caudate", 0.5)),
        )
    )
    divided = Outline(labels, None, whole, "network", part_uncertainty=parts)
    assert divided.score == pytest.approx((0.1 + 0.3 + 0.5) / 3)


def test_an_outline_drawn_by_a_person_has_no_score() -> None:
    assert outline((4, 4, 4), np.eye(4)).score == 0


def test_a_result_measures_the_outline_that_was_decided(any_scan: Scan) -> None:
    proposed = outline(any_scan.grid.shape, any_scan.affine_ras)
    decided = outline(any_scan.grid.shape, any_scan.affine_ras.copy())
    assert result(any_scan, proposed, decided, None).outline is decided


@pytest.mark.parametrize("which", ["proposed", "decided", "parts"])
@pytest.mark.parametrize("fault", ["shape", "place"])
def test_every_label_map_lies_on_the_grid_of_the_scan(oblique_scan: Scan, which: str, fault: str) -> None:
    shape, affine = oblique_scan.grid.shape, oblique_scan.affine_ras
    right = outline(shape, affine)
    moved = affine.copy()
    moved[0, 3] += 1
    wrong = outline((shape[1], shape[0], shape[2]), affine) if fault == "shape" else outline(shape, moved)
    outlines = {"proposed": right, "decided": right, "parts": right} | {which: wrong}
    with pytest.raises(GeometryError, match="the scan's own grid"):
        result(oblique_scan, **outlines)
