"""Simulated pairs of T1 and PET of a toy head."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from toy_heads import parts_at, toy_head_with_small_nuclei

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.errors import SettingsError  # noqa: E402
from deepgray.measure.tracer import values_at  # noqa: E402
from deepgray.simulate import whole_head, whole_head_pet  # noqa: E402
from deepgray.simulate.pet_uptake import TRACERS  # noqa: E402
from deepgray.simulate.uptake import STAGES, draw_uptake  # noqa: E402
from deepgray.simulate.whole_head import MrSettings, WholeHead, prepare  # noqa: E402
from deepgray.simulate.whole_head_pet import PetSettings, SimulatedPet, simulate_pet  # noqa: E402
from deepgray.space import Grid, apply_affine, check_rigid, inverse, rotation_degrees, same_grid  # noqa: E402

LABELS, AFFINE = toy_head_with_small_nuclei(3.0)
MR = MrSettings(spacing_mm=(1.5, 1.5, 1.5), displacement_mm=0.0, zoom=0.0)
QUIET = PetSettings(mr=MR, stage="normal", fwhm_mm=5.0, noise_share=0.0)


@pytest.fixture(scope="module", autouse=True)
def coarser() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(whole_head, "FINE_MM", 2.0)
        patch.setattr(whole_head_pet, "SPACING_MM", (2.5, 3.0))
        patch.setattr(whole_head_pet, "SLICE_MM", (3.0, 3.3))
        yield


@pytest.fixture(scope="module")
def head(coarser: None) -> WholeHead:
    points = apply_affine(AFFINE, np.moveaxis(np.indices(LABELS.shape), 0, -1))
    names = {1: "anterior caudate", 2: "posterior caudate", 3: "ventral striatum"}
    names |= {4: "anterior putamen", 5: "posterior putamen"}
    return prepare(LABELS, AFFINE, name="toy", parts=(parts_at(points), names))


@pytest.fixture(scope="module")
def made(head: WholeHead) -> SimulatedPet:
    return simulate_pet(head, QUIET, seed=2)


def means(made: SimulatedPet) -> dict[tuple[str, str], tuple[float, float]]:
    return {(m.structure, m.side): (m.activity, m.seen) for m in made.means}


def test_a_pair_has_labels_on_the_t1_and_a_pet_on_a_grid_of_its_own(made: SimulatedPet) -> None:
    assert (made.mr.modality, made.pet.modality, made.pet.unit) == ("mr", "pet", "Bq/mL")
    assert set(made.labels) == {"striatum", "striatum12", "pet-reference"}
    assert all(same_grid(labels.grid, made.mr.grid) for labels in made.labels.values())
    assert not same_grid(made.pet.grid, made.mr.grid)
    check_rigid(made.mr_from_pet)
    assert 0 < rotation_degrees(made.mr_from_pet) <= 15
    assert made.pet.voxels.min() >= 0


def test_brought_back_by_the_true_motion_the_pet_holds_what_is_told_of_each_structure(made: SimulatedPet) -> None:
    found, labels = means(made), made.labels["striatum"]
    still = 0.0
    for s in labels.scheme.structures:
        points = apply_affine(labels.affine_ras, np.argwhere(labels.mask(s)))
        mean = float(np.nanmean(values_at(made.pet, inverse(made.mr_from_pet), points)))
        assert mean == pytest.approx(found[s.name, str(s.side)][1], rel=0.02)
        still = max(still, abs(float(np.nanmean(values_at(made.pet, np.eye(4), points))) / mean - 1))
    assert still > 0.3  # without the motion they hold something else


def test_what_is_seen_is_less_than_the_truth_in_the_striatum_and_more_beside_it(made: SimulatedPet) -> None:
    found = means(made)
    for side in ("left", "right", "both"):
        activity, seen = found["posterior putamen", side]
        assert 0.4 * activity < seen < activity
    activity, seen = found["pallidum", "left"]  # beside the putamen
    assert seen > activity
    (cortex, _), (putamen, _) = found["occipital cortex", "both"], found["putamen", "both"]
    assert cortex == pytest.approx(made.drawn["level_bq_per_ml"], rel=0.1)
    assert putamen / cortex > 3


def test_a_blur_keeps_the_sum_and_has_its_width() -> None:
    point = np.zeros((61, 61, 61), dtype=np.float32)
    point[30, 30, 30] = 1.0
    grid = Grid(point.shape, np.diag([1.0, 1.0, 1.0, 1.0]))
    blurred = whole_head_pet.blur(point, grid, 8.0)
    assert blurred.sum() == pytest.approx(1.0, abs=1e-3)
    # full width at half maximum 8 mm: half as high 4 mm away
    assert blurred[34, 30, 30] / blurred[30, 30, 30] == pytest.approx(0.5, abs=0.01)


def test_noise_has_the_share_that_is_asked_for(head: WholeHead, made: SimulatedPet) -> None:
    noisy = simulate_pet(head, replace(QUIET, noise_share=0.08), seed=2)
    inside = made.pet.voxels > 0.5 * np.percentile(made.pet.voxels, 90)
    level = float(made.pet.voxels[inside].mean())
    spread = float((noisy.pet.voxels - made.pet.voxels)[inside].std()) / level
    assert spread == pytest.approx(0.08, rel=0.35)  # more where it is brighter


def test_the_same_seed_gives_the_same_pair_and_another_one_another(head: WholeHead, made: SimulatedPet) -> None:
    np.testing.assert_array_equal(simulate_pet(head, QUIET, seed=2).pet.voxels, made.pet.voxels)
    assert not np.array_equal(simulate_pet(head, QUIET, seed=3).mr_from_pet, made.mr_from_pet)


def test_disease_takes_transporters_and_raises_receptors() -> None:
    people = {
        (name, stage): np.mean(
            [
                list(side.values())
                for seed in range(40)
                for side in draw_uptake(np.random.default_rng(seed), stage=stage, tracer=tracer).binding.values()
            ],
            axis=0,
        )
        for name, tracer in TRACERS.items()
        for stage in ("normal", "both-putamina")
    }
    parts = list(TRACERS["fp-cit"].binding)
    posterior = parts.index("posterior putamen")
    fp_cit = people["fp-cit", "both-putamina"] / people["fp-cit", "normal"]
    assert fp_cit[posterior] < 0.25
    assert fp_cit[parts.index("ventral striatum")] > 0.6
    raclopride = people["raclopride", "both-putamina"] / people["raclopride", "normal"]
    # putamen behind: 2.79 / 2.03, caudate: 1.76 / 1.54
    assert raclopride[posterior] == pytest.approx(1.37, abs=0.06)
    assert raclopride[parts.index("anterior caudate")] == pytest.approx(1.14, abs=0.06)
    assert all(set(tracer.left) == set(STAGES[1:]) for tracer in TRACERS.values())


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"tracer": "fdg"}, "fp-cit, raclopride; 'fdg' came"),
        ({"fwhm_mm": 0.0}, "1 to 20 mm"),
        ({"motion_degrees": 200.0}, "0 to 180 degrees"),
        ({"mr": MrSettings(spacing_mm=(1.0, 1.0, 3.0))}, "1.5 mm at most"),
    ],
)
def test_what_cannot_be_drawn_is_told(more: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        replace(QUIET, **more)
