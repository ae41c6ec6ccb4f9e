"""Where the rule's frame comes from: the outline, the deep structures around it, or the pose."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from block_striatum import block_striatum, pose_of, rigid

from deepgray.anatomy import Scheme, Side, Structure, scheme, structure
from deepgray.errors import AnatomyError
from deepgray.space import MIRROR_X
from deepgray.subdivide.frame import deep_labels, frame_of_labels, frame_of_outline

FOUR = block_striatum("caudate", "putamen", "accumbens", "pallidum")
FITTED = frame_of_labels(FOUR).canonical_from_world


def test_numbers_come_from_the_schemes_names() -> None:
    parts = (
        Structure("external pallidum", "GPe", Side.LEFT, 5, "pallidum", (0, 0, 0)),
        Structure("internal pallidum", "GPi", Side.LEFT, 7, "pallidum", (0, 0, 0)),
        Structure("third ventricle", "V3", Side.MIDLINE, 9, "user", (0, 0, 0)),
        Structure("red nucleus", "RN", Side.LEFT, 11, "midbrain", (0, 0, 0)),
    )
    assert deep_labels(Scheme("own", parts)) == {"left pallidum": (5, 7), "third ventricle": (9,)}
    assert deep_labels(scheme("striatum"))["right caudate"] == (50,)


def test_frame_comes_from_the_outline_and_is_guarded_by_the_pose() -> None:
    frame = frame_of_outline(FOUR, pose_of(rigid((4, 0, 0), (1, -2, 2)) @ FITTED))
    assert np.array_equal(frame.canonical_from_world, FITTED)
    assert frame.origin == "AC–PC frame of 4 paired structures"


def test_deep_structures_join_the_outline() -> None:
    names = ("caudate", "putamen", "accumbens", "pallidum", "thalamus")
    whole = block_striatum(*names, of=scheme("deep"))
    wanted = frame_of_labels(whole)
    # What both hold is taken from the outline: the pose's caudate is another one, and does not count.
    coarse = block_striatum("putamen", "thalamus", of=scheme("deep"))
    for side in ("left", "right"):
        wrong = block_striatum("accumbens", sides=(side,), of=scheme("deep")).voxels > 0
        coarse.voxels[wrong & (coarse.voxels == 0)] = structure(f"{side} caudate").label
    frame = frame_of_outline(FOUR, replace(pose_of(FITTED), deep=coarse))
    assert frame.origin == wanted.origin == "AC–PC frame of 5 paired structures"
    assert np.allclose(frame.canonical_from_world, wanted.canonical_from_world, atol=1e-9)
    assert not np.allclose(frame.canonical_from_world, FITTED, atol=1e-3)


def test_deep_structures_stand_in_for_what_an_outline_lost() -> None:
    one = block_striatum("caudate", "putamen", "accumbens", "pallidum", sides=("left",))
    both = block_striatum("caudate", "putamen", "accumbens", "pallidum", of=scheme("deep"))
    frame = frame_of_outline(one, replace(pose_of(FITTED), deep=both))
    assert np.allclose(frame.canonical_from_world, FITTED, atol=1e-9)


@pytest.mark.parametrize("away", [rigid((0, 0, 0), (0, 9, 0)), rigid((0, 0, 13), (0, 0, 0))])
def test_pose_is_taken_where_the_two_disagree(away: np.ndarray) -> None:
    frame = frame_of_outline(FOUR, pose_of(away @ FITTED))
    assert np.allclose(frame.canonical_from_world, away @ FITTED)
    assert "AC–PC frame of the pose: the outline's lies" in frame.origin


def test_pose_is_taken_where_the_outline_does_not_tell() -> None:
    frame = frame_of_outline(block_striatum("caudate", "putamen"), pose_of(FITTED))
    assert np.array_equal(frame.canonical_from_world, FITTED)
    assert "2 came" in frame.origin
    one = block_striatum("caudate", "putamen", "accumbens", "pallidum", sides=("left",))
    assert np.array_equal(frame_of_outline(one, pose_of(FITTED)).canonical_from_world, FITTED)


def test_one_hemisphere_will_do_without_a_pose() -> None:
    names = ("caudate", "putamen", "accumbens", "pallidum")
    left, right = (frame_of_labels(block_striatum(*names, sides=(side,))) for side in ("left", "right"))
    assert left.one_sided
    assert np.allclose(left.canonical_from_world, MIRROR_X @ right.canonical_from_world @ MIRROR_X, atol=1e-9)


def test_too_little_is_refused_without_a_pose() -> None:
    with pytest.raises(AnatomyError, match="both sides"):
        frame_of_labels(block_striatum("caudate", "putamen"))
    with pytest.raises(AnatomyError, match="one side"):
        frame_of_labels(block_striatum("caudate", "putamen", sides=("right",)))
