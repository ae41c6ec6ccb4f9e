"""The people of protocol A, and the shelf they are kept on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from toy_heads import save_heads
from toy_striatum import toy_pair

pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.protocols.striatum import shelf
from deepgray.protocols.striatum.people import ATROPHIED, CONTROLS, PATIENT_PROFILES, plan, read_head
from deepgray.simulate.tissues import INDEX


def test_any_beginning_holds_both_groups_and_all_heads() -> None:
    planned = plan(("a", "b", "c"), scans=4)
    assert len(planned) == 24
    assert [p.group for p in planned[:6]] == [CONTROLS, ATROPHIED] * 3
    assert {p.head for p in planned[:6]} == {"a", "b", "c"}
    assert len({p.seed for p in planned}) == len({p.name for p in planned}) == 24
    profiles = [p.profile for p in planned if p.group == ATROPHIED]
    assert {name: profiles.count(name) for name in PATIENT_PROFILES} == dict.fromkeys(PATIENT_PROFILES, 4)
    assert all(not p.profile for p in planned if p.group == CONTROLS)


def test_an_atrophied_head_has_less_caudate(tmp_path: Path) -> None:
    head = read_head(save_heads(tmp_path, ("toy",), spacing=2.0), "toy")
    before, after = head.ready(), head.shrunken("huntington", seed=1)
    caudate = [n for name, n in INDEX.items() if name.startswith("caudate/")]
    for side in before.fine:
        shares = [np.isin(h.fine[side], caudate).sum() for h in (before, after)]
        assert shares[1] < 0.9 * shares[0]
    assert after.has_parts
    assert after.by_rule


def test_a_person_is_simulated_once_and_comes_back_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (person, *_) = plan(("a",), scans=1)
    made = toy_pair("somebody")
    monkeypatch.setattr(shelf, "simulated", lambda *_: made)
    first = shelf.scanned(person, None, tmp_path)  # type: ignore[arg-type]
    monkeypatch.setattr(shelf, "simulated", None)  # calling it would fail
    again = shelf.scanned(person, None, tmp_path)  # type: ignore[arg-type]
    for one in (first, again):
        assert one.mr.stem == "somebody"
        assert one.pet.unit == "Bq/mL"
        np.testing.assert_array_equal(one.mr.voxels, made.mr.voxels)
        np.testing.assert_array_equal(one.pet.voxels, made.pet.voxels)
        assert one.means == made.means
        assert one.drawn == made.drawn
        for name, labels in made.labels.items():
            np.testing.assert_array_equal(one.labels[name].voxels, labels.voxels)
            assert one.labels[name].scheme.name == name
