"""The people of protocol B."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toy_spect import toy_case

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.errors import InputError, SettingsError  # noqa: E402
from deepgray.protocols.spect import sets  # noqa: E402
from deepgray.protocols.spect.sets import (  # noqa: E402
    TEST,
    TRAIN,
    VALIDATE,
    Case,
    Subject,
    class_indices,
    crop_centre_mm,
    crop_grid,
    cropped,
    made,
    plan,
    stages,
)
from deepgray.scan import LabelMap  # noqa: E402
from deepgray.simulate.whole_head_spect import SimulatedSpect, SpectSettings  # noqa: E402

HEADS = tuple(f"head-{n:02d}" for n in range(12))


def test_a_quarter_is_healthy_and_patients_have_the_shares_of_early_disease() -> None:
    # 30 patients at 20.3 : 51.3 : 24.6 of 96.2: 6.33, 16.0, 7.67
    assert Counter(stages(40)) == {"normal": 10, "one-putamen": 6, "both-putamina": 16, "caudates": 8}
    assert Counter(stages(136))["normal"] == 34
    assert Counter(stages(24))["normal"] == 6
    assert Counter(stages(4)) == {"normal": 1, "one-putamen": 1, "both-putamina": 1, "caudates": 1}


def test_heads_of_one_set_are_in_no_other_one() -> None:
    planned = plan(HEADS, ("x", "y", "z"), scans=(136, 24, 40))
    by_set = {group: {p.head for p in planned if p.group == group} for group in (TRAIN, VALIDATE, TEST)}
    assert by_set[TEST] == {"x", "y", "z"}
    assert by_set[VALIDATE] == {"head-04", "head-09"}
    assert by_set[TRAIN] == set(HEADS) - by_set[VALIDATE]
    assert Counter(p.group for p in planned) == {TRAIN: 136, VALIDATE: 24, TEST: 40}
    assert len({p.name for p in planned}) == len({p.seed for p in planned}) == 200
    assert [p.head for p in planned if p.group == TRAIN] == sorted(p.head for p in planned if p.group == TRAIN)


def test_too_few_heads_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"Two heads that train, one that judges .* 1, 1 heads"):
        plan(("a",), ("b",), scans=(1, 1, 1))


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, int]]:
    """Head, stage and seed of the people that were simulated."""
    calls: list[tuple[str, str, int]] = []

    def simulate(head: str, settings: SpectSettings, *, seed: int) -> SimulatedSpect:
        calls.append((head, settings.stage, seed))
        case = toy_case()
        on_scan = np.zeros(case.scan.voxels.shape, dtype=np.int16)
        on_scan[2:4, 2:4, 2:4], on_scan[6:8, 2:4, 2:4], on_scan[0, 0, 0] = 23, 24, 31
        reference = LabelMap(on_scan, case.scan.affine_ras, sets.scheme("spect-reference"))
        fine = {"striatum4": case.truth}
        return SimulatedSpect(
            case.scan, {"spect-reference": reference}, fine, np.eye(4), {}, {}, {}, {"age_years": 60.0}
        )

    monkeypatch.setattr(sets, "simulate_spect", simulate)
    return calls


def test_a_person_is_simulated_once_and_read_again(simulated: list[tuple[str, str, int]], tmp_path: Path) -> None:
    planned = (Subject(TEST, "a", "caudates", 7), Subject(TRAIN, "b", "normal", 8))
    first = list(made(planned, lambda name: name, tmp_path, how=SpectSettings()))  # type: ignore[arg-type,return-value]
    again = list(made(planned, lambda name: name, tmp_path, how=SpectSettings()))  # type: ignore[arg-type,return-value]
    assert simulated == [("a", "caudates", 7), ("b", "normal", 8)]
    assert [c.name for c in again] == ["test_a_ANC3_seed-7", "train_b_NC_seed-8"]
    assert (again[0].stage, again[0].stratum) == ("caudates", "ANC3")
    toy = toy_case()
    np.testing.assert_array_equal(again[0].scan.voxels, first[0].scan.voxels)
    boxes = np.zeros(toy.scan.voxels.shape, dtype=bool)
    boxes[2:4, 2:4, 2:4] = boxes[6:8, 2:4, 2:4] = True
    assert again[0].reference_mean == pytest.approx(float(toy.scan.voxels[boxes].mean()))  # not the occipital voxel


def test_a_folder_of_people_who_were_drawn_otherwise_is_refused(
    simulated: list[tuple[str, str, int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = (Subject(TEST, "a", "caudates", 7), Subject(TEST, "a", "normal", 8))

    def people(how: SpectSettings) -> list[Case]:
        return list(made(planned, lambda name: name, tmp_path, how=how))  # type: ignore[arg-type,return-value]

    people(SpectSettings())
    assert len(simulated) == 2
    with pytest.raises(SettingsError, match="A folder of people who were drawn alike is wanted"):
        people(SpectSettings(physics="fast"))
    monkeypatch.setattr(sets, "simulator_mark", lambda: "another simulator")
    with pytest.raises(SettingsError, match=r"another simulator.* came\. Choose another folder"):
        people(SpectSettings())


def test_the_truth_has_room_around_and_lies_where_it_lay(simulated: list[tuple[str, str, int]], tmp_path: Path) -> None:
    (case,) = made((Subject(TEST, "a", "normal", 7),), lambda name: name, tmp_path, how=SpectSettings())  # type: ignore[arg-type,return-value]
    assert len(simulated) == 1
    toy = toy_case().truth
    assert case.truth.voxels.shape == tuple(n + 2 * sets.ROOM_MM for n in toy.voxels.shape)
    for structure in toy.scheme.structures:
        wanted = np.argwhere(toy.mask(structure)) + toy.affine_ras[:3, 3]
        found = np.argwhere(case.truth.mask(structure)) + case.truth.affine_ras[:3, 3]
        np.testing.assert_allclose(found, wanted)


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_text("nothing", encoding="utf-8")
    with pytest.raises(InputError, match=r"A simulated person is wanted, .*a\.npz cannot be read"):
        sets.read(tmp_path / "a.npz", name="a", stage="normal")


def test_crops_hold_the_image_and_the_classes_around_the_striatum() -> None:
    case = toy_case(noise=0.0)
    centre = crop_centre_mm(case)
    assert np.abs(centre - [0, 4, 3]).max() < 4 * sets.OFF_CENTRE_MM  # the middle of all true voxels, roughly
    np.testing.assert_array_equal(centre, crop_centre_mm(case))
    other = crop_centre_mm(replace(case, name="test_toy_NC_seed-2"))
    assert not np.allclose(centre, other)
    cases = cropped([case], (32, 32, 16), 3.0)
    assert np.asarray(cases.images[0]).shape == (32, 32, 16)
    classes = np.asarray(cases.labels[0])
    assert set(np.unique(classes)) == {0, 1, 2, 3, 4}
    bright = [float(np.asarray(cases.images[0])[classes == n].mean()) for n in (1, 2, 3, 4)]
    assert all(3.0 < mean <= 4.0 for mean in bright[:3])  # uptake 4, less at the border
    assert 1.6 < bright[3] <= 2.0  # the right putamen


def test_class_indices_are_places_in_the_scheme() -> None:
    case = toy_case()
    grid = crop_grid(np.array([-26.0, -4.0, 0.0]), (2, 2, 2), 1.0)
    np.testing.assert_array_equal(class_indices(case.truth, grid), 2)  # left putamen
