"""Where the rule's frame comes from: the outline, the pose, or both."""

from __future__ import annotations

import numpy as np
import pytest
from block_striatum import block_striatum, pose_of, rigid

from deepgray.anatomy import Scheme, Side, Structure, scheme
from deepgray.errors import AnatomyError
from deepgray.space import MIRROR_X, rotation_degrees
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


def test_place_comes_from_the_outline_and_the_rotation_lies_between() -> None:
    pose = pose_of(rigid((4, 0, 0), (1, -2, 2)) @ FITTED)
    frame = frame_of_outline(FOUR, pose)
    between = frame.canonical_from_world @ np.linalg.inv(FITTED)
    assert np.allclose(between[:3, 3], 0.0, atol=1e-9)  # the commissure where the outline puts it
    assert np.isclose(rotation_degrees(between), 1.6, atol=1e-6)  # two fifths of a nod of 4°
    assert frame.origin == "AC–PC frame of 4 paired structures, steadied by the pose"


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
