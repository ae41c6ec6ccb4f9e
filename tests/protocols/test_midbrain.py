"""Protocol D with toy heads: sets are made once, and the arms learn from them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from deepgray.anatomy import scheme
from deepgray.protocols import midbrain, sets
from deepgray.protocols.cases import Row, write_rows
from deepgray.protocols.midbrain import SOURCE, TARGET, TEST, Crop, DesignSettings, plan, prepared, run
from deepgray.protocols.sets import Planned
from deepgray.scan import IntegerVolume, LabelMap, Scan
from deepgray.simulate.whole_head_qsm import QsmSettings, SimulatedQsm

SIZES: Mapping[str, tuple[int, int, int]] = {SOURCE: (16, 16, 6), TARGET: (16, 6, 16), TEST: (16, 6, 16)}


def toy(one: Planned) -> SimulatedQsm:
    """A map with six bright blocks, at a place of its own."""
    generator = np.random.default_rng(one.seed)
    named = scheme("midbrain6")
    voxels = np.zeros((24, 22, 20), dtype=np.int16)
    start = generator.integers(4, 8, 3)
    for number, structure in enumerate(named.structures):
        x, y, z = start + np.array([2 * number, 1, 2])
        voxels[x : x + 2, y : y + 3, z : z + 3] = structure.label
    chi = (0.01 * generator.normal(size=voxels.shape) + 0.1 * (voxels > 0) * (1 + voxels % 7)).astype(np.float32)
    affine = np.eye(4)
    scan = Scan(chi, affine, f"{one.head}_seed-{one.seed}", "qsm", "ppm")
    truth = LabelMap(voxels, affine, named)
    mask = IntegerVolume(np.ones(voxels.shape, dtype=np.uint8), affine)
    ppm = {s.key: 0.1 for s in named.structures}
    return SimulatedQsm(scan, mask, {"midbrain": truth}, scan, affine, ppm, {})


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the maps that were simulated."""
    names: list[str] = []

    def simulate(head: Planned, _: QsmSettings, *, seed: int) -> SimulatedQsm:
        names.append(head.name)
        assert seed == head.seed
        return toy(head)

    def judge(case: SimulatedQsm, task: str, *, group: str) -> tuple[Row, ...]:
        assert task == "midbrain"
        return (Row(group, case.scan.stem, "red nucleus", "left", 0.9, 1.0, 1.0, 1.0, 0.1, 0.1, 0.1),)

    monkeypatch.setattr(midbrain, "simulate_qsm", simulate)
    monkeypatch.setattr(midbrain, "judge", judge)
    monkeypatch.setattr(midbrain, "SIZES", SIZES)
    monkeypatch.setattr(midbrain, "OFF_CENTRE_MM", 0.5)
    return names


def crops_of(planned: tuple[Planned, ...], out: Path) -> tuple[dict[str, list[Crop]], list[Row]]:
    crops: dict[str, list[Crop]] = {SOURCE: [], TARGET: [], TEST: []}
    rows: list[Row] = []
    for one, (crop, found) in zip(planned, prepared(planned, lambda p: p, out), strict=True):  # type: ignore[arg-type,return-value]
        crops[one.group].append(crop)
        rows += found
    return crops, rows


def test_heads_that_judge_train_nothing() -> None:
    planned = plan(("a", "b"), ("c", "d"), {SOURCE: 9, TARGET: 5, TEST: 2})
    assert {p.head for p in planned if p.group != TEST} == {"a", "b"}
    assert {p.head for p in planned if p.group == TEST} == {"c", "d"}
    assert [sum(p.group == g for p in planned) for g in (SOURCE, TARGET, TEST)] == [9, 5, 4]
    assert len({p.seed for p in planned}) == len(planned)
    assert {p.settings.spacing_mm for p in planned if p.group == SOURCE} == {(0.63, 0.63, 2.0)}
    assert {p.settings.spacing_mm for p in planned if p.group != SOURCE} == {(0.83, 0.83, 0.80)}


def test_a_scan_is_made_once_and_its_crop_lies_where_it_lay(made: list[str], tmp_path: Path) -> None:
    planned = plan(("a",), ("c",), {SOURCE: 1, TARGET: 1, TEST: 1})
    _, rows = crops_of(planned, tmp_path)
    again, same = crops_of(planned, tmp_path)
    assert made == [p.name for p in planned]
    assert [r.case for r in rows] == [r.case for r in same] == ["c_seed-20001"]
    crop, whole = again[TEST][0].known, toy(planned[-1])
    assert crop.scan.voxels.shape == SIZES[TEST]
    places = np.argwhere(crop.truth.voxels) + crop.truth.affine_ras[:3, 3]
    np.testing.assert_array_equal(whole.labels["midbrain"].voxels[tuple(places.astype(int).T)] > 0, True)
    assert crop.simulated_ppm == whole.nuclei_ppm


def test_the_arms_are_judged_on_the_scans_that_judge(made: list[str], tmp_path: Path) -> None:
    assert made == []
    crops, own = crops_of(plan(("a", "b"), ("c",), {SOURCE: 2, TARGET: 2, TEST: 1}), tmp_path)
    design = DesignSettings(widths=(4, 8, 8), epochs=1, patience=1, folds=2, arms=("transfer",))
    rows, seconds = run(crops, tmp_path, design)
    assert {(r.group, r.case) for r in rows} == {("transfer", "c_seed-20001")}
    assert {r.case for r in rows} == {r.case for r in own}, "or no arm could be paired with deepgray's own network"
    assert len(rows) == 6
    assert all(0 <= r.dice <= 1 for r in rows)
    assert seconds["transfer"] > 0


def test_what_was_judged_is_read_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (one,) = (Planned("internal", "a", QsmSettings(), 1),)
    row = Row("internal", "a", "dentate nucleus", "left", 0.9, 1.0, 1.0, 1.0, 0.1, 0.1, 0.1)
    write_rows(tmp_path / "cases" / f"{one.name}_dentate.tsv", [row])
    monkeypatch.setattr(sets, "simulate_qsm", None)  # calling it would fail
    assert list(sets.judged((one,), lambda p: p, tmp_path, task="dentate")) == [(row,)]  # type: ignore[arg-type,return-value]
