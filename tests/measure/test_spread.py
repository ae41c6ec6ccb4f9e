"""How far numbers move over plausible masks."""

from __future__ import annotations

import numpy as np
import pytest

from deepgray.anatomy import scheme
from deepgray.measure.references import Level
from deepgray.measure.spread import MASKS, Told, numbers_in, spreads
from deepgray.result import Outline, Pose, Registered, Registration, Tracer
from deepgray.scan import IntegerVolume, LabelMap, Probabilities, Scan
from deepgray.space import Grid, apply_affine
from deepgray.voxels.plausible_masks import plausible_masks

# 1 × 1 × 2 mm, first axis to the left; two balls of a caudate at x = ±9 mm.
AFFINE = np.diag([-1.0, 1.0, 2.0, 1.0])
AFFINE[:3, 3] = (19.5, -9.5, -9.0)
SHAPE = (40, 20, 10)
LEFT, RIGHT = 11, 50
SCHEME = scheme("striatum4")
POSE = Pose(np.eye(4), 1.0, LabelMap(np.ones((2, 2, 2), np.uint8), np.eye(4), scheme("coarse")))
WORLD = apply_affine(AFFINE, np.moveaxis(np.indices(SHAPE), 0, -1))


def outline(*, softness_mm: float = 0.6) -> Outline:
    """Balls of 6 mm whose rims are soft."""
    distance = {s: np.linalg.norm(WORLD - np.array([x, 0, 0]), axis=-1) for s, x in ((LEFT, -9), (RIGHT, 9))}
    balls = {label: 1 / (1 + np.exp((d - 6) / softness_mm)) for label, d in distance.items()}
    empty = np.zeros(SHAPE)
    values = np.stack([balls.get(s.label, empty) for s in SCHEME.structures]).astype(np.float32)
    labels = np.where(balls[LEFT] > 0.5, LEFT, np.where(balls[RIGHT] > 0.5, RIGHT, 0)).astype(np.int16)
    probabilities = Probabilities(values, SCHEME.structures, (0, 0, 0), Grid(SHAPE, AFFINE))
    return Outline(LabelMap(labels, AFFINE, SCHEME), probabilities, (), "by hand")


def level(mean: float = 10.0) -> Level:
    return Level("cerebellum", mean, "by hand")


def scan(inside: float = 30.0, outside: float = 10.0) -> Scan:
    """Brighter inside the balls."""
    return Scan(np.where(outline().labels.voxels > 0, inside, outside).astype(np.float32), AFFINE, "spect", "spect")


def test_the_spread_of_a_volume_is_that_of_the_masks() -> None:
    given = outline()
    found = spreads(given, None, Told(("volume",), None, POSE))
    assert given.probabilities is not None
    masks = plausible_masks(given.labels, given.probabilities, count=MASKS)
    left = np.array([(mask.voxels == LEFT).sum() * 2.0 for mask in masks])
    both = np.array([(mask.voxels > 0).sum() * 2.0 for mask in masks])
    assert found["caudate", "left", "volume"] == pytest.approx(float(left.std(ddof=1)))
    assert found["caudate", "both", "volume"] == pytest.approx(float(both.std(ddof=1)))
    assert found["caudate", "left", "volume_partial"] == found["caudate", "left", "volume"]
    assert found["putamen", "left", "volume"] == 0
    assert ("putamen", "both", "asymmetry") not in found  # undefined in every mask


def test_a_softer_rim_moves_more() -> None:
    told = Told(("volume",), None, POSE)
    key = ("caudate", "left", "volume")
    assert spreads(outline(softness_mm=1.2), None, told)[key] > 1.3 * spreads(outline(), None, told)[key]


def test_what_is_as_bright_all_around_does_not_move() -> None:
    voxels = np.where(np.abs(WORLD[..., 1]) > 9, 11.0, 30.0).astype(np.float32)  # even wherever a mask may be
    told = Told(("binding",), Scan(voxels, AFFINE, "spect", "spect"), POSE, (level(),))
    found = spreads(outline(), None, told)
    assert found["caudate", "left", "sbr"] == pytest.approx(0.0, abs=1e-6)
    assert spreads(outline(), None, Told(("binding",), scan(), POSE, (level(),)))["caudate", "left", "sbr"] > 0.05


def test_numbers_are_relative_to_the_levels_that_are_given() -> None:
    found = numbers_in([outline().labels], Told(("volume", "binding"), scan(), POSE, (level(),)))
    assert found["caudate", "left", "sbr"] == pytest.approx(2.0)
    assert found["caudate", "both", "asi"] == pytest.approx(0.0)
    assert found["caudate", "left", "volume"] == (outline().labels.voxels == LEFT).sum() * 2.0


def test_a_tracer_is_looked_up_once_and_gives_the_same_numbers() -> None:
    pet = Scan(scan().voxels, AFFINE, "pet", "pet", "Bq/mL")
    region = IntegerVolume((np.abs(WORLD[..., 0]) < 1).astype(np.uint8), AFFINE)
    beside = Registered(Tracer(pet), Registration(np.eye(4), 0.2, 1.0), region)
    told = Told(("volume",), None, POSE, (), beside, level())
    given = outline()
    found = spreads(given, None, told)
    assert given.probabilities is not None
    slowly = [
        numbers_in([mask], told)["caudate", "left", "bpnd"]
        for mask in plausible_masks(given.labels, given.probabilities, count=MASKS)
    ]
    assert found["caudate", "left", "bpnd"] == pytest.approx(float(np.std(slowly, ddof=1)))
    assert found["caudate", "left", "suvr"] == pytest.approx(found["caudate", "left", "bpnd"])


def test_an_outline_without_probabilities_has_no_spreads() -> None:
    assert spreads(Outline(outline().labels, None, (), "by hand"), None, Told(("volume",), None, POSE)) == {}
