"""Whole simulated susceptibility maps of a toy head with small nuclei at known places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from toy_heads import labels_with_small_nuclei, small_nuclei_mm, toy_head_with_small_nuclei

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.anatomy import HEMISPHERES, structure  # noqa: E402
from deepgray.errors import AnatomyError, SettingsError  # noqa: E402
from deepgray.simulate import acquisition, framing, small_nuclei, whole_head_qsm  # noqa: E402
from deepgray.simulate.small_nuclei import NucleusVariety, QsmHead, prepare_head, with_atlas  # noqa: E402
from deepgray.simulate.whole_head_qsm import QsmSettings, SimulatedQsm, simulate_qsm  # noqa: E402
from deepgray.space import apply_affine, check_rigid, rotation_degrees, same_grid  # noqa: E402

torch.set_num_threads(1)
LABELS, AFFINE = toy_head_with_small_nuclei(2.5)
STILL = NucleusVariety(growth=0.0, share=0.0, fold_mm=(0.0, 0.0))
PLAIN = QsmSettings(
    (2.5, 3.0, 3.5), "tikhonov", rotation_degrees=30.0, displacement_mm=0.0, zoom=0.0, age_years=60.0, nuclei=STILL,
    vein_density=(0.0, 0.0),
)  # fmt: skip
NAMES = ("dentate nucleus", "red nucleus", "substantia nigra", "subthalamic nucleus")


@pytest.fixture(scope="module", autouse=True)
def coarser_nuclei() -> Iterator[None]:
    """Coarser tissue maps: a tenth of the time."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (small_nuclei, framing):
            patch.setattr(module, "NUCLEUS_MM", 1.6)
            patch.setattr(module, "DEEP_MM", 3.0)
        patch.setattr(whole_head_qsm, "SAMPLE_MM", 2.0)
        patch.setattr(acquisition, "BACKGROUND_MM", 4.0)
        yield


@pytest.fixture(scope="module")
def head(coarser_nuclei: None) -> QsmHead:
    return prepare_head(LABELS, AFFINE, name="toy")


@pytest.fixture(scope="module")
def made(head: QsmHead) -> SimulatedQsm:
    return simulate_qsm(head, PLAIN, seed=2)


def test_everything_lies_on_one_grid(made: SimulatedQsm) -> None:
    np.testing.assert_allclose(made.scan.grid.spacing_mm, (2.5, 3.0, 3.5))
    for other in (made.mask, made.true_chi, *made.labels.values()):
        assert same_grid(other.grid, made.scan.grid)
    assert (made.scan.modality, made.scan.unit, made.true_chi.unit) == ("qsm", "ppm", "ppm")
    assert {name: labels.scheme.name for name, labels in made.labels.items()} == {
        "dentate": "dentate2",
        "midbrain": "midbrain6",
    }


def test_the_map_is_zero_outside_its_mask_and_looks_like_one_in_ppm(made: SimulatedQsm) -> None:
    inside = made.mask.voxels > 0
    assert not made.scan.voxels[~inside].any()
    assert 0.005 < np.percentile(np.abs(made.scan.voxels[inside]), 99) < 0.5
    assert (made.scan.voxels[inside] < 0).mean() > 0.2


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("side", HEMISPHERES)
def test_under_the_true_pose_every_nucleus_lies_in_its_place(made: SimulatedQsm, name: str, side: str) -> None:
    wanted = structure(f"{side} {name}")
    labels = made.labels["dentate" if name == "dentate nucleus" else "midbrain"]
    places = apply_affine(made.canonical_from_world @ labels.affine_ras, np.argwhere(labels.mask(wanted)))
    assert len(places) >= 3
    # the toy's own frame is found to 1.5 mm (test_acpc), voxels are up to 3.5 mm
    np.testing.assert_allclose(places.mean(axis=0), small_nuclei_mm(name, str(side)), atol=3.0)


def test_the_true_pose_is_a_rotation_that_was_drawn(made: SimulatedQsm) -> None:
    check_rigid(made.canonical_from_world)
    assert 0 < rotation_degrees(made.canonical_from_world) <= 30.1


def test_true_means_are_those_of_the_true_map(made: SimulatedQsm) -> None:
    assert set(made.nuclei_ppm) == {f"{side} {name}" for side in HEMISPHERES for name in NAMES}
    for key, ppm in made.nuclei_ppm.items():
        labels = made.labels["dentate" if "dentate" in key else "midbrain"]
        assert made.true_chi.voxels[labels.mask(structure(key))].mean() == pytest.approx(ppm, abs=1e-6)
    drawn = made.drawn["tissue_ppm"]
    assert isinstance(drawn, dict)
    assert made.nuclei_ppm["left red nucleus"] == pytest.approx(drawn["left red nucleus"], rel=0.6)
    assert made.drawn["age_years"] == 60.0


def test_the_same_seed_gives_the_same_map_and_leaves_the_generator_alone(head: QsmHead, made: SimulatedQsm) -> None:
    torch.manual_seed(1)
    again = simulate_qsm(head, PLAIN, seed=2)
    np.testing.assert_array_equal(again.scan.voxels, made.scan.voxels)
    after = torch.rand(())
    torch.manual_seed(1)
    assert torch.rand(()) == after


@pytest.mark.parametrize(("inversion", "least"), [("tkd", 0.5), ("tv", 0.5), ("cosmos", 0.8)])
def test_every_inversion_gives_a_map_of_what_was_there(head: QsmHead, inversion: str, least: float) -> None:
    how = replace(PLAIN, inversion=inversion, noise_ppm=(1e-4, 1e-4), background="none")
    found = simulate_qsm(head, how, seed=4)
    inside = found.mask.voxels > 0
    assert found.drawn["inversion"] == inversion
    # a map does not tell what changes over the whole head (spherical means take it away), but what is small
    true, map_ppm = (v - ndimage.gaussian_filter(v, 2.0) for v in (found.true_chi.voxels, found.scan.voxels))
    deep = ndimage.binary_erosion(inside, iterations=4)
    assert np.corrcoef(true[deep], map_ppm[deep])[0, 1] > least


def test_the_reference_is_nought_afterwards(head: QsmHead, made: SimulatedQsm) -> None:
    whole = simulate_qsm(head, replace(PLAIN, reference="whole-brain"), seed=2)
    assert whole.scan.voxels[whole.mask.voxels > 0].mean() == pytest.approx(0.0, abs=1e-5)
    shift = made.scan.voxels - whole.scan.voxels
    np.testing.assert_allclose(shift[made.mask.voxels > 0], whole.drawn["reference_ppm"], atol=1e-6)


def test_a_reference_that_is_not_in_the_mask_is_refused(head: QsmHead) -> None:
    with pytest.raises(SettingsError, match="'csf' is empty here"):  # the toy head has no lateral ventricles
        simulate_qsm(head, replace(PLAIN, reference="csf"), seed=2)


def test_nuclei_of_another_atlas_take_the_place_and_the_volume_of_the_head_s_own(
    head: QsmHead, made: SimulatedQsm
) -> None:
    atlas, affine = labels_with_small_nuclei({"dentate nucleus": (371, 375)}, spacing=1.0)
    other = with_atlas(head, atlas, affine, atlas="spl")
    assert other.atlases == {"midbrain": "own", "dentate": "spl"}
    found = simulate_qsm(other, PLAIN, seed=2)
    one, two = ((s.labels["dentate"].voxels > 0).sum() for s in (found, made))
    assert one == pytest.approx(two, rel=0.35)
    np.testing.assert_array_equal(found.labels["midbrain"].voxels, made.labels["midbrain"].voxels)


def test_a_head_without_small_nuclei_is_refused() -> None:
    with pytest.raises(AnatomyError, match=r"every small nucleus are wanted, there is no red nucleus \(801\)"):
        prepare_head(np.where(LABELS == 801, 28, LABELS), AFFINE, name="toy")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"spacing_mm": (9.0, 1.0, 1.0)}, "Voxels of 0.4 to 4 mm"),
        ({"inversion": "magic"}, "'magic' came"),
        ({"reference": "pons"}, "'pons' came"),
        ({"age_years": 200.0}, "An age of 0 to 110 years"),
    ],
)
def test_settings_out_of_range_are_refused(setting: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        QsmSettings(**setting)


def test_a_side_that_lost_most_of_its_nucleus_is_drawn_again(head: QsmHead, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = small_nuclei.nuclei.place_dentate, []

    def shredded_at_first(bare: np.ndarray, *rest: object) -> np.ndarray:
        calls.append(len(calls))
        return bare.copy() if len(calls) <= 2 else real(bare, *rest)

    monkeypatch.setattr(small_nuclei.nuclei, "place_dentate", shredded_at_first)
    made = small_nuclei.draw_nuclei(head, "dentate", STILL, np.random.default_rng(1))
    assert len(calls) == 4
    for side, tissues in made.items():
        whole = small_nuclei._volume_mm3(head.shapes["dentate"][side])
        assert (tissues != head.bare["dentate"][side]).sum() * 1.6**3 > 0.6 * whole
