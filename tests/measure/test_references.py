"""Reference regions of a head whose regions are known."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from toy_heads import ellipsoid, turned

from deepgray.anatomy import scheme
from deepgray.errors import MaskError, SettingsError
from deepgray.measure.references import (
    SMALLEST_ML,
    level_of_mask,
    reference_levels,
    reference_region,
)
from deepgray.result import NO_REFERENCE, Outline, Pose, Reference
from deepgray.scan import IntegerVolume, LabelMap, Scan
from deepgray.space import Box, apply_affine, inverse

CEREBELLUM, OCCIPITAL, BRAIN, STRIATUM, VENTRICLE = 0.8, 1.0, 1.5, 5.0, 0.1
WORLD_FROM_CANONICAL = turned((10, -15, 40), (20, -5, 12))
COARSE = Box((-90.0, -120.0, -75.0), (90.0, 90.0, 90.0)).grid(3.0)


@cache
def head() -> tuple[np.ndarray, np.ndarray]:
    """Coarse labels in the canonical frame, and activity there: flat in each region."""
    points = apply_affine(COARSE.affine_ras, np.moveaxis(np.indices(COARSE.shape), 0, -1))
    y = points[..., 1]
    labels = np.where(ellipsoid(points, (0, -18, 20), (66, 84, 58)), 27, 0)
    for sign, cerebellum, striatum in ((-1, 23, 21), (1, 24, 22)):
        labels[ellipsoid(points, (sign * 24, -60, -38), (24, 22, 20))] = cerebellum
        labels[ellipsoid(points, (sign * 20, 2, 6), (12, 20, 14))] = striatum
    labels[ellipsoid(points, (0, -26, -30), (12, 12, 26))] = 25
    activity = np.select(
        [np.isin(labels, (21, 22)), np.isin(labels, (23, 24)), labels > 0], [STRIATUM, CEREBELLUM, BRAIN], 0
    )
    # the length of the cerebrum is 168 mm from −102: its hindmost fifth ends at −68.4
    activity = np.where((labels == 27) & (y < -66), OCCIPITAL, activity)
    for sign in (-1, 1):
        ventricle = ellipsoid(points, (sign * 10, -2, 21), (9, 30, 9))
        activity = np.where(ventricle & (labels == 27), VENTRICLE, activity)
    return labels.astype(np.uint8), activity.astype(np.float32)


def scene(*, keep: np.ndarray | None = None, scale: float = 1.0) -> tuple[Scan, Pose, Outline]:
    """The head, turned, on a scan's grid that is the coarse map's; what is not kept is outside the field of view."""
    labels, activity = head()
    kept = np.ones(labels.shape, dtype=bool) if keep is None else keep
    affine = WORLD_FROM_CANONICAL @ COARSE.affine_ras
    coarse = LabelMap(labels * kept, affine, scheme("coarse"))
    scan = Scan(activity * kept * np.float32(scale), affine, "scan", "spect")
    outlined = np.where(labels == 21, 12, np.where(labels == 22, 51, 0)).astype(np.int16)
    outline = Outline(LabelMap(outlined, affine, scheme("datspect")), None, (), "by hand")
    return scan, Pose(inverse(WORLD_FROM_CANONICAL), 1.0, coarse), outline


def heights() -> np.ndarray:
    return apply_affine(COARSE.affine_ras, np.moveaxis(np.indices(COARSE.shape), 0, -1))[..., 2]


def test_each_region_holds_its_own_activity_only() -> None:
    scan, pose, outline = scene()
    found = {
        level.name: level
        for level in reference_levels(("cerebellum", "occipital", "brain", "box"), scan, pose, outline=outline)
    }
    assert found["cerebellum"].mean == pytest.approx(CEREBELLUM, rel=1e-6)
    assert found["occipital"].mean == pytest.approx(OCCIPITAL, rel=1e-6)
    assert found["box"].mean == pytest.approx(CEREBELLUM, rel=1e-3)  # interpolated between voxels
    assert found["box"].words.startswith("20 × 10 × 18 mm")
    assert all(not level.reason for level in found.values())
    inside = reference_region("brain", scan, pose, outline=outline)
    assert set(np.unique(scan.voxels[inside])) == {np.float32(v) for v in (CEREBELLUM, OCCIPITAL, BRAIN)}


def test_the_ventricles_and_the_striatum_are_left_out_of_the_brain() -> None:
    scan, pose, outline = scene()
    inside = reference_region("brain", scan, pose, outline=outline)
    assert not inside[np.isclose(scan.voxels, VENTRICLE)].any()
    points = apply_affine(COARSE.affine_ras, np.argwhere(inside))
    from_middle = np.linalg.norm(points - [20, 2, 6], axis=1)
    assert from_middle.min() > 12 + 10 - 1  # the smallest radius and the spill, less rounding of voxels


def test_a_correction_beyond_the_located_striatum_is_left_out_too() -> None:
    scan, pose, outline = scene()
    labels = outline.labels.voxels.copy()
    labels[30, 40, 48] = 12  # in the middle of the upper brain
    drawn = Outline(LabelMap(labels, scan.affine_ras, outline.labels.scheme), None, (), "corrected")
    before = reference_region("brain", scan, pose, outline=outline)
    after = reference_region("brain", scan, pose, outline=drawn)
    assert before[30, 40, 48]
    assert not after[27:34, 40, 48].any()  # up to 9 mm away
    assert after[34, 40, 48]  # 12 mm


def test_a_scan_without_cerebellum_keeps_the_other_references() -> None:
    scan, pose, outline = scene(keep=heights() > -20)
    levels = reference_levels(("cerebellum", "occipital", "brain", "box"), scan, pose, outline=outline)
    found = {level.name: level for level in levels}
    assert np.isnan(found["cerebellum"].mean)
    assert found["cerebellum"].reason.startswith(
        f"at least {SMALLEST_ML['cerebellum']:g} ml of the cerebellum is wanted"
    )
    assert "box" in found["box"].reason or "cerebellum" in found["box"].reason
    assert found["occipital"].mean == pytest.approx(OCCIPITAL, rel=1e-6)
    assert found["brain"].mean > 0


def test_a_mean_of_zero_or_below_is_a_reason() -> None:
    scan, pose, outline = scene(scale=-1.0)
    (level,) = reference_levels(("cerebellum",), scan, pose, outline=outline)
    assert level.mean == pytest.approx(-CEREBELLUM, rel=1e-6)
    assert level.reason == "a reference mean above 0 is wanted, -0.8 came"


def test_an_unknown_region_is_refused() -> None:
    scan, pose, outline = scene()
    with pytest.raises(SettingsError, match="References are wanted, of cerebellum, occipital, brain, box; pons came"):
        reference_levels(("pons",), scan, pose, outline=outline)


def test_a_mask_of_the_user() -> None:
    scan, _, _ = scene()
    mask = np.isclose(scan.voxels, CEREBELLUM)
    level = level_of_mask(Reference("mine.nii.gz", IntegerVolume(mask.astype(np.uint8), scan.affine_ras)), scan)
    assert level.mean == pytest.approx(CEREBELLUM, rel=1e-6)
    assert level.words == f"mean of {int(mask.sum())} voxels of a mask"
    with pytest.raises(MaskError, match="reference region on the scan's grid"):
        level_of_mask(Reference("mine", IntegerVolume(mask[1:].astype(np.uint8), scan.affine_ras)), scan)
    with pytest.raises(SettingsError, match="a region is wanted"):
        level_of_mask(NO_REFERENCE, scan)
