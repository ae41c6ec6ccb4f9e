"""Whole simulated SPECT scans of a toy head."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from toy_heads import parts_at, toy_head_with_small_nuclei

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.anatomy import HEMISPHERES, Side, structure  # noqa: E402
from deepgray.errors import SettingsError  # noqa: E402
from deepgray.simulate import whole_head, whole_head_spect  # noqa: E402
from deepgray.simulate.tissues import INDEX  # noqa: E402
from deepgray.simulate.whole_head import WholeHead, prepare  # noqa: E402
from deepgray.simulate.whole_head_spect import SimulatedSpect, SpectSettings, simulate_spect  # noqa: E402
from deepgray.space import apply_affine, check_rigid, rotation_degrees, same_grid  # noqa: E402

LABELS, AFFINE = toy_head_with_small_nuclei(3.0)
COARSE = SpectSettings(
    stage="both-putamina", grid="clinical", spacing_mm=(5.0, 5.0, 4.0), physics="fast", displacement_mm=0.0, zoom=0.0
)


@pytest.fixture(scope="module", autouse=True)
def coarser() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(whole_head, "FINE_MM", 2.0)
        patch.setattr(whole_head_spect, "CAMERA_SHAPE", (44, 44, 36))
        patch.setattr(whole_head_spect, "CAMERA_MM", 6.0)
        yield


@pytest.fixture(scope="module")
def head(coarser: None) -> WholeHead:
    points = apply_affine(AFFINE, np.moveaxis(np.indices(LABELS.shape), 0, -1))
    names = {1: "anterior caudate", 2: "posterior caudate", 3: "ventral striatum"}
    names |= {4: "anterior putamen", 5: "posterior putamen"}
    return prepare(LABELS, AFFINE, name="toy", parts=(parts_at(points), names))


@pytest.fixture(scope="module")
def made(head: WholeHead) -> SimulatedSpect:
    return simulate_spect(head, replace(COARSE, rotation_degrees=90.0), seed=2)


def test_everything_is_there_on_the_scan_s_grid_and_at_one_millimetre(made: SimulatedSpect) -> None:
    assert made.scan.modality == "spect"
    assert made.scan.stem == "toy_seed-2"
    np.testing.assert_allclose(made.scan.grid.spacing_mm, (5.0, 5.0, 4.0))
    assert set(made.labels) == {"striatum", "striatum4", "striatum12", "spect-reference"}
    assert set(made.fine_labels) == {"striatum", "striatum4", "striatum12"}
    for labels in made.labels.values():
        assert same_grid(labels.grid, made.scan.grid)
    for labels in made.fine_labels.values():
        np.testing.assert_allclose(labels.grid.spacing_mm, 1.0)
    assert set(np.unique(made.fine_labels["striatum4"].voxels)) == {0, 11, 12, 50, 51}
    assert set(np.unique(made.labels["spect-reference"].voxels)) == {0, 23, 24, 31, 32}


@pytest.mark.parametrize("side", HEMISPHERES)
@pytest.mark.parametrize(("name", "place"), [("putamen", (25, -1, 4)), ("caudate", (12, 4, 13))])
def test_under_the_true_pose_both_label_maps_lie_in_their_place(
    made: SimulatedSpect, name: str, place: tuple[float, float, float], side: str
) -> None:
    for labels, tolerance in ((made.labels["striatum"], 4.0), (made.fine_labels["striatum"], 2.5)):
        mask = labels.mask(structure(f"{side} {name}"))
        found = apply_affine(made.canonical_from_world @ labels.affine_ras, np.argwhere(mask)).mean(axis=0)
        np.testing.assert_allclose(found, ((-1 if side == "left" else 1) * place[0], *place[1:]), atol=tolerance)


def test_fine_labels_have_the_volume_of_the_head(head: WholeHead, made: SimulatedSpect) -> None:
    putamen = [number for name, number in INDEX.items() if name.startswith("putamen/")]
    volume = np.isin(head.fine[Side.RIGHT], putamen).sum() * 8  # voxels of 2 mm
    mask = made.fine_labels["striatum4"].mask(structure("right putamen"))
    assert mask.sum() == pytest.approx(volume, rel=0.03)


def test_the_pose_is_rigid_and_turned(made: SimulatedSpect) -> None:
    check_rigid(made.canonical_from_world)
    assert 1 < rotation_degrees(made.canonical_from_world) < 90 + 12 + 1


def test_the_reference_regions_are_where_they_are_told(made: SimulatedSpect) -> None:
    labels = made.labels["spect-reference"]
    index = made.canonical_from_world @ labels.affine_ras
    occipital = apply_affine(index, np.argwhere(np.isin(labels.voxels, (31, 32))))
    assert occipital[:, 1].max() < -55
    assert occipital[:, 2].max() < 35
    cerebellum = apply_affine(index, np.argwhere(labels.voxels == 23))
    np.testing.assert_allclose(cerebellum.mean(axis=0), (-22, -52, -36), atol=5)


def test_the_truth_is_the_person_that_was_drawn(made: SimulatedSpect) -> None:
    binding = made.drawn["binding"]
    assert isinstance(binding, dict)
    worse = made.drawn["worse_side"]
    better = "left" if worse == "right" else "right"
    ratios = made.true_sbr["occipital cortex"]
    for side in ("left", "right"):
        # binding is relative to cortex 1, which a slow change of uptake blurs a little
        assert ratios[f"{side} ventral striatum"] == pytest.approx(binding[f"{side} ventral striatum"], rel=0.25)
        assert ratios[f"{side} posterior putamen"] < ratios[f"{side} anterior putamen"]
    assert ratios[f"{worse} putamen"] < ratios[f"{better} putamen"]
    left, right = (made.true_sbr["cerebellum"][f"{side} putamen"] for side in ("left", "right"))
    assert made.asi_percent["putamen"] == pytest.approx(abs(left - right) / (left + right) * 100, abs=1e-2)


def test_the_scan_shows_less_than_the_truth_and_more_than_nothing(made: SimulatedSpect) -> None:
    for key in ("left caudate", "right caudate"):
        assert 0.1 < made.scan_sbr["cerebellum"][key] < made.true_sbr["cerebellum"][key]


def test_the_same_seed_gives_the_same_scan_and_leaves_the_generator_alone(head: WholeHead) -> None:
    torch.manual_seed(1)
    one, two, other = (simulate_spect(head, COARSE, seed=seed) for seed in (7, 7, 8))
    np.testing.assert_array_equal(one.scan.voxels, two.scan.voxels)
    assert one.scan.voxels.sum() != other.scan.voxels.sum()
    after = torch.rand(())
    torch.manual_seed(1)
    assert torch.rand(()) == after


def test_counts_and_reconstruction_give_the_same_head(head: WholeHead) -> None:
    fast, full = (
        simulate_spect(head, replace(COARSE, physics=physics, stage="normal"), seed=3) for physics in ("fast", "full")
    )
    assert fast.true_sbr == full.true_sbr
    for name, labels in fast.fine_labels.items():
        np.testing.assert_array_equal(labels.voxels, full.fine_labels[name].voxels)
    assert set(full.drawn) >= {"acquisition", "reconstruction"}
    assert np.corrcoef(fast.scan.voxels.ravel(), full.scan.voxels.ravel())[0, 1] > 0.85


def test_the_grid_of_the_initiative_keeps_its_planes_when_it_is_cut(head: WholeHead) -> None:
    found = simulate_spect(head, replace(COARSE, grid="ppmi", spacing_mm=None, partial_share=1.0), seed=1)
    assert found.scan.voxels.shape == (91, 109, 91)
    low, high = found.drawn["planes"]
    assert (low, high) != (0, 91)
    assert not found.scan.voxels[..., :low].any()
    assert not found.scan.voxels[..., high:].any()
    assert not found.labels["spect-reference"].voxels[..., :low].any()


def test_a_clinical_scan_that_is_cut_loses_planes_but_never_the_striatum(head: WholeHead) -> None:
    for seed in (1, 2):
        whole, cut = (simulate_spect(head, replace(COARSE, partial_share=share), seed=seed) for share in (0.0, 1.0))
        assert cut.scan.voxels.shape[2] < whole.scan.voxels.shape[2]
        assert (cut.labels["striatum"].voxels > 0).sum() == (whole.labels["striatum"].voxels > 0).sum()


def test_more_counts_leave_less_noise_and_all_else_alike(head: WholeHead) -> None:
    few, most = (simulate_spect(head, replace(COARSE, physics="full", counts=n), seed=4) for n in (1e5, 1e9))
    np.testing.assert_array_equal(few.fine_labels["striatum4"].voxels, most.fine_labels["striatum4"].voxels)
    assert few.true_sbr == most.true_sbr
    detail = [float(np.abs(np.diff(one.scan.voxels, axis=0)).mean()) for one in (few, most)]
    assert detail[0] > 1.5 * detail[1] > 0
    drawn = [one.drawn["acquisition"] for one in (few, most)]
    assert [d.pop("counts") for d in drawn] == [1e5, 1e9]  # type: ignore[attr-defined]
    assert drawn[0] == drawn[1]


def test_clinical_grids_are_drawn_within_their_limits(head: WholeHead) -> None:
    found = simulate_spect(head, replace(COARSE, spacing_mm=None), seed=4)
    spacing = found.scan.grid.spacing_mm
    assert np.ptp(spacing) == 0
    assert 3.0 <= spacing[0] <= 4.5


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"grid": "huge"}, "'huge' came"),
        ({"physics": "slow"}, "'slow' came"),
        ({"spacing_mm": (4.0, 4.0, 4.0)}, "A voxel size is for the clinical grid"),
        ({"grid": "clinical", "spacing_mm": (0.2, 4.0, 4.0)}, "Voxels of 1 to 8 mm"),
        ({"rotation_degrees": 270.0}, "0 to 180 degrees"),
        ({"counts": 0.0}, "Counts above 0, of physics 'full', are wanted; 0 of 'full' came"),
        ({"counts": 3e6, "physics": "fast"}, "3e\\+06 of 'fast' came"),
    ],
)
def test_settings_out_of_range_are_refused(setting: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        SpectSettings(**setting)
