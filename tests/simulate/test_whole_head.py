"""Whole simulated scans of a toy head whose nuclei lie at known places, the left caudate longer than the right one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from toy_heads import PART_NAMES, STORAGES, labels_at, parts_at, stored, toy_head

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.anatomy import structure  # noqa: E402
from deepgray.errors import SettingsError  # noqa: E402
from deepgray.scan import LabelMap  # noqa: E402
from deepgray.simulate import whole_head  # noqa: E402
from deepgray.simulate.whole_head import MrSettings, SimulatedScan, WholeHead, prepare, simulate_mr  # noqa: E402
from deepgray.space import Grid, apply_affine, check_rigid, reordered_grid, rotation_degrees, same_grid  # noqa: E402
from deepgray.voxels.acpc import FREESURFER, fit_acpc  # noqa: E402

torch.set_num_threads(1)  # small tensors
PLAIN = MrSettings(spacing_mm=(2.0, 2.5, 3.0), displacement_mm=0.0, zoom=0.0)
TURNED = replace(PLAIN, rotation_degrees=60.0)
LABELS, AFFINE = toy_head(2.5)
GRID = Grid((LABELS.shape[0], LABELS.shape[1], LABELS.shape[2]), AFFINE)
PARTS = parts_at(apply_affine(AFFINE, np.moveaxis(np.indices(LABELS.shape), 0, -1)))


@pytest.fixture(scope="module", autouse=True)
def coarser_nuclei() -> Iterator[None]:
    """Nuclei at 1.5 mm instead of 0.75 mm: an eighth of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(whole_head, "FINE_MM", 1.5)
        yield


@pytest.fixture(scope="module")
def head(coarser_nuclei: None) -> WholeHead:
    return prepare(LABELS, AFFINE, name="toy", parts=(PARTS, PART_NAMES))


@pytest.fixture(scope="module")
def head_without_parts(coarser_nuclei: None) -> WholeHead:
    return prepare(LABELS, AFFINE, name="toy")


@pytest.fixture(scope="module", params=[1, 2, 3])
def simulated(request: pytest.FixtureRequest, head: WholeHead) -> SimulatedScan:
    return simulate_mr(head, TURNED, seed=request.param)


def places_mm(labels: LabelMap, key: str) -> np.ndarray:
    return apply_affine(labels.affine_ras, np.argwhere(labels.mask(structure(key))))


def head_centre_mm(head: WholeHead, name: str, *, sign: int) -> np.ndarray:
    """Where a nucleus of the toy head lies in its canonical frame (which the fit found to about a millimetre)."""
    number = {"caudate": (11, 50), "putamen": (12, 51), "accumbens": (26, 58), "pallidum": (13, 52)}[name][sign > 0]
    return apply_affine(head.affine, np.argwhere(np.isin(LABELS, number))).mean(axis=0)


def test_truth_and_image_share_the_grid(simulated: SimulatedScan) -> None:
    assert simulated.parts is not None
    assert same_grid(simulated.striatum.grid, simulated.scan.grid)
    assert same_grid(simulated.parts.grid, simulated.scan.grid)
    np.testing.assert_allclose(simulated.scan.grid.spacing_mm, (2.0, 2.5, 3.0))


def test_the_true_pose_is_a_rotation_that_was_drawn(simulated: SimulatedScan) -> None:
    check_rigid(simulated.canonical_from_world)
    assert 0 < rotation_degrees(simulated.canonical_from_world) <= 60.1


@pytest.mark.parametrize("name", ["caudate", "putamen", "accumbens", "pallidum"])
@pytest.mark.parametrize(("side", "sign"), [("left", -1), ("right", 1)])
def test_under_the_true_pose_every_nucleus_lies_in_its_place(
    simulated: SimulatedScan, head: WholeHead, name: str, side: str, sign: int
) -> None:
    found = apply_affine(simulated.canonical_from_world, places_mm(simulated.striatum, f"{side} {name}"))
    assert (found[:, 0] * sign).min() > -1.0
    np.testing.assert_allclose(found.mean(axis=0), head_centre_mm(head, name, sign=sign), atol=0.6)


def test_the_commissure_lies_at_nought(simulated: SimulatedScan) -> None:
    # The toy head is built around its anterior commissure; the fit of ellipsoids finds it to 1.5 mm (test_acpc).
    found = apply_affine(simulated.canonical_from_world, places_mm(simulated.striatum, "left putamen")).mean(axis=0)
    np.testing.assert_allclose(found, (-25, -1, 4), atol=2.0)


def test_the_longer_caudate_stays_left(simulated: SimulatedScan) -> None:
    left, right = (len(places_mm(simulated.striatum, f"{side} caudate")) for side in ("left", "right"))
    assert left / right == pytest.approx(11 / 8, rel=0.06)


def test_the_image_shows_what_the_labels_say(head: WholeHead) -> None:
    found = simulate_mr(head, replace(TURNED, stripped_share=1.0), seed=4)
    voxels, places = found.scan.voxels, places_mm(found.striatum, "left putamen")
    canonical = labels_at(
        apply_affine(found.canonical_from_world @ found.scan.affine_ras, np.moveaxis(np.indices(voxels.shape), 0, -1))
    )
    assert len(places) > 50
    white, fluid = voxels[np.isin(canonical, (2, 41))], voxels[canonical == 14]
    assert np.median(white) > np.median(voxels[found.striatum.voxels > 0]) > np.median(fluid)


def test_parts_lie_in_their_compartments_and_are_cut_where_they_were(simulated: SimulatedScan) -> None:
    assert simulated.parts is not None
    for side in ("left", "right"):
        for compartment in ("caudate", "putamen"):
            whole = simulated.striatum.mask(structure(f"{side} {compartment}"))
            for place in ("anterior", "posterior"):
                part = simulated.parts.mask(structure(f"{side} {place} {compartment}"))
                assert part.sum() > 10
                assert not (part & ~whole).any()
            front = apply_affine(
                simulated.canonical_from_world, places_mm(simulated.parts, f"{side} anterior {compartment}")
            )
            back = apply_affine(
                simulated.canonical_from_world, places_mm(simulated.parts, f"{side} posterior {compartment}")
            )
            assert front[:, 1].min() > back[:, 1].max() - 4.0
    striatum = [
        structure(f"{side} {n}").label for side in ("left", "right") for n in ("caudate", "putamen", "accumbens")
    ]
    np.testing.assert_array_equal(simulated.parts.voxels > 0, np.isin(simulated.striatum.voxels, striatum))


def test_parts_by_the_rule_are_the_rules_on_the_head_as_it_lies(coarser_nuclei: None) -> None:
    bent = MrSettings(spacing_mm=(2.0, 2.0, 2.0), displacement_mm=5.0, rotation_degrees=30.0)
    head = prepare(LABELS, AFFINE, name="toy", parts="rule")
    torch.manual_seed(3)
    placed = whole_head.place_head(head, bent)
    deep, parts = placed.labels("deep"), placed.labels("striatum12")
    assert {s.key for s in deep.scheme.structures if deep.mask(s).any()} == {*FREESURFER} - {"third ventricle"} | {
        "midline third ventricle"
    }
    numbers = {s.key.removeprefix("midline "): s.label for s in deep.scheme.structures}
    assert same_grid(parts.grid, deep.grid)
    canonical = fit_acpc(deep.voxels, deep.affine_ras, labels=numbers).canonical_from_world
    assert rotation_degrees(canonical @ np.linalg.inv(placed.canonical_from_world)) > 0.5  # the head is truly bent
    for side in ("left", "right"):
        front, back = (
            apply_affine(canonical, places_mm(parts, f"{side} {place} putamen"))[:, 1]
            for place in ("anterior", "posterior")
        )
        assert front.min() >= -1e-4
        assert back.max() < 1e-4


def test_without_parts_none_are_told(head_without_parts: WholeHead) -> None:
    assert not head_without_parts.has_parts
    assert simulate_mr(head_without_parts, PLAIN, seed=1).parts is None


def test_the_seed_decides(head: WholeHead) -> None:
    one, again, other = (simulate_mr(head, TURNED, seed=seed) for seed in (7, 7, 8))
    np.testing.assert_array_equal(one.scan.voxels, again.scan.voxels)
    np.testing.assert_array_equal(one.striatum.voxels, again.striatum.voxels)
    assert one.scan.stem == "toy_seed-7"
    assert one.scan.voxels.shape != other.scan.voxels.shape or (one.scan.voxels != other.scan.voxels).any()


def test_simulating_leaves_the_random_numbers_of_others_alone(head: WholeHead) -> None:
    torch.manual_seed(0)
    wanted = torch.rand(3)
    torch.manual_seed(0)
    simulate_mr(head, PLAIN, seed=5)
    assert torch.equal(torch.rand(3), wanted)


def test_how_the_label_map_is_stored_makes_no_difference(head_without_parts: WholeHead) -> None:
    storage = STORAGES[13]
    other = prepare(stored(LABELS, *storage), reordered_grid(GRID, *storage).affine_ras, name="toy")
    for side, fine in head_without_parts.fine.items():
        assert (other.fine[side] != fine).mean() < 1e-3
    found = simulate_mr(other, PLAIN, seed=2)
    assert apply_affine(found.canonical_from_world, places_mm(found.striatum, "left caudate"))[:, 0].max() < 1.0


def test_deformation_changes_shapes_a_little(head: WholeHead) -> None:
    bent = simulate_mr(head, MrSettings(spacing_mm=(3.0, 3.0, 3.0), contrast="mixed", thick_share=1.0), seed=3)
    found = apply_affine(bent.canonical_from_world, places_mm(bent.striatum, "right putamen")).mean(axis=0)
    assert np.linalg.norm(found - head_centre_mm(head, "putamen", sign=1)) < 10


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"contrast": "flair"}, "'flair' came"), ({"spacing_mm": (1.0, 1.0, 8.0)}, "0.3 to 5 mm are wanted")],
)
def test_settings_out_of_range_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        MrSettings(**changes)  # type: ignore[arg-type]


def test_an_unknown_source_is_refused() -> None:
    with pytest.raises(SettingsError, match="'aal' came"):
        prepare(LABELS, AFFINE, name="toy", source="aal")


def test_the_image_reaches_beyond_the_labels_and_the_truth_does_not(head: WholeHead) -> None:
    """White matter around nuclei turns as dark as they are; labels, place and all else are drawn alike."""
    half_way, wide = (simulate_mr(head, replace(PLAIN, margin_mm=m), seed=1) for m in (0.0, 2.0))
    np.testing.assert_array_equal(half_way.striatum.voxels, wide.striatum.voxels)
    changed = np.abs(half_way.scan.voxels - wide.scan.voxels) > 0.02 * np.ptp(half_way.scan.voxels)
    distance = ndimage.distance_transform_edt(half_way.striatum.voxels == 0, sampling=PLAIN.spacing_mm)
    assert changed.any()
    assert distance[changed].max() < 8.0  # the margin, the blur and what a voxel takes with it


@pytest.mark.parametrize("margin_mm", [-0.1, 4.0, float("nan")])
def test_a_margin_out_of_range_is_refused(margin_mm: float) -> None:
    with pytest.raises(SettingsError, match="A margin of 0 to 3 mm is wanted"):
        MrSettings(margin_mm=margin_mm)
