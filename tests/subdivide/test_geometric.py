"""Twelve parts of a striatum of blocks, told by hand, and of real anatomies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from block_striatum import STRIATUM, block_striatum, moved, pose_of, reordered, rigid, value_at
from hypothesis import given, settings
from hypothesis import strategies as st

from deepgray.anatomy import scheme, structure
from deepgray.errors import AnatomyError, SettingsError
from deepgray.read import read_mask
from deepgray.result import Outline
from deepgray.scan import LabelMap
from deepgray.subdivide import by_rule, rule_names, split_label_map
from deepgray.voxels.acpc import FREESURFER
from deepgray.voxels.crop import occupied

TWELVE = scheme("striatum12")
# Caudate and putamen alone do not tell the frame, so that the pose is what counts.
TWO = block_striatum("caudate", "putamen")
FOUR = block_striatum("caudate", "putamen", "accumbens", "pallidum")


def outlined(labels: LabelMap) -> Outline:
    return Outline(labels, None, (), "by hand")


def by_pose(labels: LabelMap, rule: str = "mawlawi") -> LabelMap:
    return by_rule(outlined(labels), pose_of(np.eye(4)), rule=rule).labels


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(
    ("point", "mawlawi", "acpc"),
    [
        ((10.5, 8.5, 10.5), "anterior caudate", "anterior caudate"),
        ((9.5, 8.5, 2.5), "ventral striatum", "anterior caudate"),  # the line stands at 5.25 here
        ((10.5, 8.5, -3.5), "ventral striatum", "ventral striatum"),
        ((10.5, 0.5, 10.5), "anterior caudate", "anterior caudate"),
        ((10.5, -0.5, 10.5), "posterior caudate", "posterior caudate"),
        ((10.5, -4.5, -3.5), "posterior caudate", "posterior caudate"),
        ((22.5, 8.5, 6.5), "anterior putamen", "anterior putamen"),
        ((18.5, 8.5, -3.5), "ventral striatum", "ventral striatum"),  # at -1.05
        ((25.5, 8.5, -2.5), "anterior putamen", "ventral striatum"),  # at -5.95
        ((22.5, -0.5, 6.5), "posterior putamen", "posterior putamen"),
        ((22.5, -8.5, 0.5), "posterior putamen", "posterior putamen"),
        ((22.5, -8.5, -0.5), "ventral putamen", "ventral putamen"),
    ],
)
def test_parts_of_blocks(side: str, point: tuple[float, float, float], mawlawi: str, acpc: str) -> None:
    x, y, z = point
    place = (-x if side == "left" else x, y, z)
    assert value_at(by_pose(TWO), place) == structure(f"{side} {mawlawi}").label
    assert value_at(by_pose(TWO, "acpc"), place) == structure(f"{side} {acpc}").label


def test_volumes_of_blocks_behind_the_commissure() -> None:
    labels = by_pose(TWO)
    expected = {"posterior caudate": 6 * 6 * 18, "posterior putamen": 8 * 14 * 12, "ventral putamen": 8 * 14 * 4}
    for name, voxels in expected.items():
        for side in ("left", "right"):
            assert int(labels.mask(structure(f"{side} {name}")).sum()) == voxels


def check_cover(parts: LabelMap, source: LabelMap) -> None:
    """Every striatal voxel has one part of its own structure and side, and no other voxel has any."""
    may_hold = {
        "caudate": {"ventral striatum", "anterior caudate", "posterior caudate"},
        "putamen": {"ventral striatum", "anterior putamen", "posterior putamen", "ventral putamen"},
        "accumbens": {"ventral striatum"},
        "pallidum": set(),
    }
    table = TWELVE.by_label()
    for original in source.scheme.structures:
        found = {table[n] if n else None for n in np.unique(parts.voxels[source.mask(original)]).tolist()}
        if not may_hold[original.name]:
            assert found <= {None}
        else:
            assert all(s is not None and s.side is original.side for s in found)
            assert {s.name for s in found if s} <= may_hold[original.name]
    assert not parts.voxels[source.voxels == 0].any()
    assert np.array_equal(parts.affine_ras, source.affine_ras)


def test_every_voxel_has_one_part_and_none_outside() -> None:
    check_cover(by_pose(FOUR), FOUR)
    check_cover(split_label_map(FOUR).labels, FOUR)


@settings(max_examples=12, deadline=None)
@given(
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    shift=st.tuples(*[st.floats(-100, 100)] * 3),
    order=st.permutations((0, 1, 2)),
    flips=st.tuples(*[st.booleans()] * 3),
)
def test_parts_move_with_the_head(
    angles: tuple[float, float, float],
    shift: tuple[float, float, float],
    order: list[int],
    flips: tuple[bool, bool, bool],
) -> None:
    motion, axes = rigid(angles, shift), (order[0], order[1], order[2])
    pose = pose_of(np.linalg.inv(motion))
    for source, upright in ((TWO, by_pose(TWO)), (FOUR, by_pose(FOUR))):
        turned = by_rule(outlined(moved(source, motion, axes, flips)), pose).labels
        assert np.array_equal(turned.voxels, reordered(upright.voxels, axes, flips))
    split = split_label_map(moved(FOUR, motion, axes, flips)).labels
    assert np.array_equal(split.voxels, reordered(split_label_map(FOUR).labels.voxels, axes, flips))


def test_side_comes_from_the_label() -> None:
    swapped = LabelMap(TWO.voxels[::-1].copy(), TWO.affine_ras, STRIATUM)  # the left labels lie on the right
    labels = by_pose(swapped)
    assert value_at(labels, (10.5, 8.5, 10.5)) == structure("left anterior caudate").label
    check_cover(labels, swapped)


def test_one_hemisphere() -> None:
    right = block_striatum("caudate", "putamen", "accumbens", "pallidum", sides=("right",))
    parts = split_label_map(right)
    check_cover(parts.labels, right)
    assert "one hemisphere" in parts.notes[0]
    assert not split_label_map(FOUR).notes


def test_method_names_rule_and_frame() -> None:
    assert split_label_map(FOUR, rule="acpc").method == "geometric rule 'acpc'; AC–PC frame of 4 paired structures"


def test_bad_requests_are_refused() -> None:
    assert rule_names() == ("mawlawi", "acpc")
    with pytest.raises(SettingsError, match="mawlawi, acpc; 'oblique' came"):
        by_pose(TWO, "oblique")
    nothing = LabelMap(np.zeros_like(TWO.voxels), TWO.affine_ras, STRIATUM)
    with pytest.raises(AnatomyError, match="without came"):
        by_pose(nothing)
    with pytest.raises(AnatomyError):
        split_label_map(nothing)


@pytest.mark.parametrize("head", ["anatomy-03", "anatomy-05", "anatomy-14"])
def test_real_anatomies_agree_with_an_independent_script(shared_data: Path, head: str) -> None:
    """Of the striatum and the pallidum alone; the script saw all deep structures (means over 15 heads: docs)."""
    volume = read_mask(shared_data / "anatomies" / f"{head}_dseg.nii.gz")
    parts = read_mask(shared_data / "anatomies" / f"{head}_striatum12.nii.gz").voxels
    box = occupied(parts)
    assert box is not None
    wide = tuple(slice(s.start - 10, s.stop + 10) for s in box)
    affine = volume.affine_ras.copy()
    affine[:3, 3] += affine[:3, :3] @ [s.start for s in wide]
    labels = np.zeros_like(volume.voxels[wide])
    for s in STRIATUM.structures:
        labels[np.isin(volume.voxels[wide], FREESURFER[s.key])] = s.label
    source = LabelMap(labels, affine, STRIATUM)
    found = split_label_map(source).labels
    check_cover(found, source)
    # The script's numbers: 1–6 left, 7–12 right, in the order of the scheme.
    for number, part in enumerate(TWELVE.structures, start=1):
        one, other = found.mask(part), parts[wide] == number
        assert 2 * (one & other).sum() / (one.sum() + other.sum()) > 0.85
