"""Folders of toy label maps made ready for training, once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from toy_heads import save_heads, toy_head

pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.anatomy import HEMISPHERES, Side
from deepgray.errors import SettingsError
from deepgray.simulate import whole_head
from deepgray.simulate.tissues import INDEX, TISSUES
from deepgray.space import Box, apply_affine
from deepgray.train import heads, spect_heads
from deepgray.train.heads import Hemisphere, Sources, fine_grid, load_heads, load_hemispheres
from deepgray.train.spect_heads import load_spect_heads

BOX = Box((-36.0, -14.0, -10.0), (4.0, 18.0, 22.0))
# FreeSurfer's numbers of the toy head to those of the Harvard-Oxford atlas; the rest is not labelled there.
HOA2 = {11: 9, 50: 10, 12: 11, 51: 12, 26: 7, 58: 8, 13: 13, 52: 14, 10: 16, 49: 17, 17: 20, 53: 21, 18: 22, 54: 23}
HOA2 |= {28: 25, 60: 26, 14: 4, 16: 15}


@pytest.fixture(scope="module", autouse=True)
def coarser() -> Iterator[None]:
    """Hemispheres at 1.5 mm instead of 0.75 mm: an eighth of the time."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (heads, spect_heads, whole_head):
            patch.setattr(module, "FINE_MM", 1.5)
        yield


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory, coarser: None) -> Sources:
    folder = tmp_path_factory.mktemp("label-maps")
    anatomies = save_heads(folder / "anatomies", ("anatomy-01", "anatomy-05"), spacing=3.0)
    labels, affine = toy_head(2.0)
    table = np.zeros(600, np.int16)
    table[list(HOA2)] = list(HOA2.values())
    (folder / "nuclei").mkdir()
    nib.save(nib.Nifti1Image(table[labels], affine), folder / "nuclei" / "100_dseg.nii.gz")
    return Sources(anatomies, folder / "nuclei", folder / "cache")


@pytest.fixture(scope="module")
def hemispheres(sources: Sources) -> list[Hemisphere]:
    return load_hemispheres(sources, BOX, held_out=False)


def centre_mm(found: Hemisphere, prefix: str) -> np.ndarray:
    numbers = [number for name, number in INDEX.items() if name.startswith(prefix)]
    return apply_affine(found.affine, np.argwhere(np.isin(found.tissues, numbers))).mean(axis=0)


def test_both_sides_of_every_map_that_is_not_held_out(hemispheres: list[Hemisphere]) -> None:
    assert [h.name for h in hemispheres] == ["anatomy-01-left", "anatomy-01-right", "100-left", "100-right"]
    assert [h.placed for h in hemispheres] == [False, False, True, True]


def test_what_is_held_out_is_anatomies_alone(sources: Sources) -> None:
    assert [h.name for h in load_hemispheres(sources, BOX, held_out=True)] == ["anatomy-05-left", "anatomy-05-right"]


def test_hemispheres_lie_on_the_left_of_the_canonical_frame(hemispheres: list[Hemisphere]) -> None:
    # The toy head's putamen; the fit of ellipsoids finds the frame to 1.5 mm (test_acpc).
    for found in hemispheres:
        np.testing.assert_allclose(centre_mm(found, "putamen/"), (-25, -1, 4), atol=2.0)
        assert found.tissues.shape == fine_grid(BOX).shape


def test_copies_with_atrophy_are_smaller_and_train_only(sources: Sources, hemispheres: list[Hemisphere]) -> None:
    wanted = replace(sources, atrophied=1)
    found = {h.name: h for h in load_hemispheres(wanted, BOX, held_out=False)}
    assert list(found) == [
        "anatomy-01-left", "anatomy-01-right", "anatomy-01-left-after-0", "anatomy-01-right-after-0",
        "100-left", "100-right",
    ]  # fmt: skip
    putamen = [number for name, number in INDEX.items() if name.startswith("putamen/")]
    for side in ("left", "right"):
        before, after = (
            np.isin(found[name].tissues, putamen).sum() for name in (f"anatomy-01-{side}", f"anatomy-01-{side}-after-0")
        )
        assert 0.4 * before < after < 0.95 * before
    for one, two in zip(hemispheres, (h for h in found.values() if "after" not in h.name), strict=True):
        np.testing.assert_array_equal(one.tissues, two.tissues)
    assert len(load_hemispheres(wanted, BOX, held_out=True)) == 2


def test_the_box_is_kept_with_room_around_it() -> None:
    # 40 × 32 × 32 mm and 13 mm on each side, at 1.5 mm.
    assert fine_grid(BOX).shape == (44, 39, 39)
    np.testing.assert_allclose(fine_grid(BOX).affine_ras[:3, 3], np.array([-36, -14, -10]) - 13 + 0.75)


def test_anatomies_are_cut_into_parts_by_the_rule(hemispheres: list[Hemisphere]) -> None:
    for found in hemispheres[:2]:
        for whole in ("caudate", "putamen"):
            front, back = (centre_mm(found, f"{whole}/{where} {whole}")[1] for where in ("anterior", "posterior"))
            assert front > 0 > back
        assert centre_mm(found, "putamen/ventral putamen")[2] < 0


def test_nuclei_lie_in_the_head_of_a_donor_and_are_cut_into_parts_by_the_rule(hemispheres: list[Hemisphere]) -> None:
    for placed in hemispheres[2:]:
        names = {TISSUES[number].name for number in np.unique(placed.tissues)}
        assert "white matter" in names  # the atlas labels none of these
        for whole in ("caudate", "putamen"):
            front, back = (centre_mm(placed, f"{whole}/{where} {whole}")[1] for where in ("anterior", "posterior"))
            assert front > 0 > back
        assert (placed.tissues == INDEX["air"]).mean() < 0.01


def test_what_was_made_is_kept(sources: Sources, hemispheres: list[Hemisphere]) -> None:
    kept = {path: path.stat().st_mtime_ns for path in sources.cache.glob("anatomy-01-*.npz")}
    again = load_hemispheres(sources, BOX, held_out=False)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    for one, two in zip(hemispheres, again, strict=True):
        np.testing.assert_array_equal(one.tissues, two.tissues)


def test_another_box_is_kept_beside_the_first(sources: Sources, hemispheres: list[Hemisphere]) -> None:
    before = set(sources.cache.glob("anatomy-05-left-*.npz"))
    load_hemispheres(sources, Box((-30.0, -8.0, -4.0), (-20.0, 8.0, 8.0)), held_out=True)
    assert len(set(sources.cache.glob("anatomy-05-left-*.npz")) - before) == 1
    assert not list(sources.cache.glob("*.partial*"))


def test_whole_heads_carry_the_canonical_frame_in_their_affine(sources: Sources) -> None:
    (head,) = load_heads(sources, held_out=False)
    assert head.name == "anatomy-01"
    putamina = apply_affine(head.affine, np.argwhere(head.coarse == 2))
    thalami = apply_affine(head.affine, np.argwhere(head.coarse == 1))
    # Both sides together; the toy head's thalami lie at y = −20 and z = 7.5 mm.
    np.testing.assert_allclose(thalami.mean(axis=0), (0, -20, 7.5), atol=2.0)
    assert abs(putamina[:, 0].mean()) < 1.5
    assert putamina[:, 1].mean() > thalami[:, 1].mean() + 15


def test_coarse_classes_and_tissues_agree(sources: Sources) -> None:
    (head,) = load_heads(sources, held_out=True)
    classes = {TISSUES[t].name: set(np.unique(head.coarse[head.tissues == t])) for t in np.unique(head.tissues)}
    assert classes["thalamus"] == {1}
    assert classes["putamen/anterior putamen"] == classes["other putamen"] == classes["external pallidum"] == {2}
    assert classes["brainstem"] == classes["ventral diencephalon"] == {4}
    assert classes["cortex"] == classes["white matter"] == classes["hippocampus"] == {5}
    assert classes["air"] == classes["skin"] == classes["cerebrospinal fluid"] == {0}


def test_labels_beyond_the_table_are_left_out(tmp_path: Path) -> None:
    labels, affine = toy_head(3.0)
    labels[labels == 3] = 11_101
    nib.save(nib.Nifti1Image(labels, affine), tmp_path / "anatomy-05_dseg.nii.gz")
    (head,) = load_heads(Sources(tmp_path, None, tmp_path / "cache"), held_out=True)
    left, right = np.array_split(head.tissues, 2)
    assert not (left == INDEX["cortex"]).any()
    assert (right == INDEX["cortex"]).any()
    assert not head.coarse[head.tissues == 0].any()


@pytest.mark.parametrize(
    ("names", "held_out", "words"),
    [((), False, "none of 0 is one"), (("mine-01",), True, "with anatomy-05 or"), (("anatomy-05",), False, "without")],
)
def test_a_folder_without_heads_to_train_on_or_to_hold_out_is_refused(
    tmp_path: Path, names: tuple[str, ...], *, held_out: bool, words: str
) -> None:
    for name in names:
        (tmp_path / f"{name}_dseg.nii.gz").touch()
    with pytest.raises(SettingsError, match=words):
        Sources(tmp_path, None, tmp_path / "cache").files(held_out=held_out)


def of_family(tissues: np.ndarray, prefix: str) -> np.ndarray:
    return np.isin(tissues, [number for name, number in INDEX.items() if name.startswith(prefix)])


def test_heads_for_spect_may_hold_the_nuclei_of_others(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    own, placed = load_spect_heads(sources, held_out=False)
    assert (own.placed, placed.placed) == (False, True)
    assert placed.head.name == "100-in-anatomy-01"
    assert placed.head.has_parts
    np.testing.assert_array_equal(placed.head.tissues, own.head.tissues)
    for side in HEMISPHERES:
        for name in ("caudate/", "putamen/"):
            before, after = (of_family(head.head.fine[side], name) for head in (own, placed))
            assert 2 * (before & after).sum() / (before.sum() + after.sum()) > 0.8
    monkeypatch.setattr(spect_heads, "_placed_side", None)  # what is kept is not made again
    _, again = load_spect_heads(sources, held_out=False)
    np.testing.assert_array_equal(again.head.fine[Side.LEFT], placed.head.fine[Side.LEFT])


def test_nobody_elses_nuclei_validate_on_spect(sources: Sources) -> None:
    assert [head.placed for head in load_spect_heads(sources, held_out=True)] == [False]
