"""Atrophy of a labelled head: what is asked of a volume is what comes, and nothing is torn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from toy_heads import centres_mm, ellipsoid, grid_around, labels_at, toy_head, turned

from deepgray.anatomy import HEMISPHERES, Side
from deepgray.errors import SettingsError
from deepgray.simulate.atrophy import PROFILES, SHRINKING, Atrophy, draw_atrophy, shrink
from deepgray.space import apply_affine

GRID = grid_around((0, -18, 14), (156, 188, 156), (1.5, 1.5, 2.0))
# Turned, so that the two ends of an ellipsoid do not change by a whole plane of voxels at once.
POINTS = apply_affine(turned((5, 4, 6), (0.3, 0.4, 0.2)), centres_mm(GRID))
LOST = {
    ("caudate", Side.LEFT): 0.35,
    ("caudate", Side.RIGHT): 0.25,
    ("putamen", Side.LEFT): 0.20,
    ("putamen", Side.RIGHT): 0.30,
    ("white matter", Side.LEFT): 0.03,
    ("white matter", Side.RIGHT): 0.03,
}


@pytest.fixture(scope="module")
def head() -> np.ndarray:
    """A toy head with a lateral ventricle medial of each caudate."""
    labels = labels_at(POINTS)
    for sign, label in ((-1, 4), (1, 43)):
        inside = ellipsoid(POINTS, (sign * 5.5, 2, 16), (4, 22, 7)) & np.isin(labels, (2, 41))
        labels[inside & (POINTS[..., 0] * sign > 0)] = label
    return labels


def volume(labels: np.ndarray, name: str, side: Side) -> int:
    return int(np.isin(labels, SHRINKING[name][HEMISPHERES.index(side)]).sum())


@pytest.fixture(scope="module")
def after(head: np.ndarray) -> np.ndarray:
    return shrink(head, GRID.affine_ras, Atrophy("a test", LOST))


@pytest.mark.parametrize(("name", "side"), list(LOST))
def test_volumes_shrink_by_what_was_asked(head: np.ndarray, after: np.ndarray, name: str, side: Side) -> None:
    lost = 1 - volume(after, name, side) / volume(head, name, side)
    assert lost == pytest.approx(LOST[name, side], abs=0.04)  # of some thousand voxels; on 1 mm maps it is a hundredth


def test_what_was_not_asked_for_keeps_its_volume(head: np.ndarray, after: np.ndarray) -> None:
    for label in (10, 49, 17, 53, 26, 58):
        assert (after == label).sum() == pytest.approx((head == label).sum(), rel=0.07)


def test_ventricles_and_sulci_take_the_room(head: np.ndarray, after: np.ndarray) -> None:
    lost = {
        side: sum(volume(head, name, side) - volume(after, name, side) for name in ("caudate", "putamen"))
        for side in HEMISPHERES
    }
    for side, label in zip(HEMISPHERES, (4, 43), strict=True):
        assert (after == label).sum() > (head == label).sum() + 0.8 * lost[side]
    assert (after == 24).sum() > (head == 24).sum()


def test_sides_stay_where_they_were(after: np.ndarray) -> None:
    left = POINTS[..., 0] < 0
    for name in ("caudate", "putamen", "accumbens"):
        of_left, of_right = SHRINKING[name]
        assert left[np.isin(after, of_left)].all()
        assert not left[np.isin(after, of_right)].any()


def test_nuclei_stay_whole_and_have_no_holes(after: np.ndarray) -> None:
    for label in (11, 50, 12, 51):
        mask = after == label
        assert ndimage.label(mask, np.ones((3, 3, 3)))[1] == 1
        np.testing.assert_array_equal(ndimage.binary_fill_holes(mask), mask)


def test_nothing_lost_changes_nothing(head: np.ndarray) -> None:
    found = shrink(head, GRID.affine_ras, Atrophy("none", dict.fromkeys(LOST, 0.0)))
    np.testing.assert_array_equal(found, head)


def test_a_map_without_brain_stays_as_it_is() -> None:
    labels = np.full((6, 6, 6), 511, dtype=np.int16)
    np.testing.assert_array_equal(shrink(labels, np.eye(4), Atrophy("a test", LOST)), labels)


def test_a_toy_head_without_ventricles_gives_to_the_sulci() -> None:
    labels, affine = toy_head(3.0)
    found = shrink(labels, affine, Atrophy("a test", {("cortex", Side.LEFT): 0.1}))
    assert (found == 3).sum() == pytest.approx(0.9 * (labels == 3).sum(), rel=0.02)
    assert (found == 24).sum() > (labels == 24).sum()


@pytest.mark.parametrize("profile", list(PROFILES))
def test_losses_lie_in_their_range_and_repeat_with_their_seed(profile: str) -> None:
    drawn = [draw_atrophy(np.random.default_rng(seed), profile) for seed in range(40)]
    assert draw_atrophy(np.random.default_rng(3), profile).shares == drawn[3].shares
    for (name, _), share in (pair for one in drawn for pair in one.shares.items()):
        low, high = PROFILES[profile][name]
        assert low * 0.6 <= share <= high * 1.4  # sides differ by up to four standard deviations of a tenth
    means = {name: np.mean([d.shares[name, Side.LEFT] for d in drawn]) for name in SHRINKING}
    for name, (low, high) in PROFILES[profile].items():
        assert low < means[name] < high


def test_nonsense_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"Shares that are lost of 0 to 0\.7 are wanted, 0\.9 came"):
        Atrophy("a test", {("caudate", Side.LEFT): 0.9})
    with pytest.raises(SettingsError, match=r"Tissues of caudate, .* are wanted, skin came"):
        Atrophy("a test", {("skin", Side.LEFT): 0.1})
    with pytest.raises(SettingsError, match=r"A profile of huntington, .*, advanced-age is wanted, 'flu' came"):
        draw_atrophy(np.random.default_rng(1), "flu")
