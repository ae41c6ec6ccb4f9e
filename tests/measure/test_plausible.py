"""Outlines that cannot be their structure are told, with what came and what was expected; others are not."""

from __future__ import annotations

import pytest

from deepgray import models
from deepgray.anatomy import scheme
from deepgray.measure import implausible
from deepgray.recipe import Plausible, Task
from deepgray.result import Measurement

DENTATE = Plausible("dentate nucleus", volume_mm3=(500, 1800), side_ratio=2, mean_ppm=(-0.05, 0.35))


def task_of(*bounds: Plausible) -> Task:
    return Task("t", "T", "qsm", "dentate2", "l", "o", 0.1, measures=("volume", "susceptibility"), plausible=bounds)


def numbers(
    left_mm3: float, right_mm3: float, *, left_ppm: float | None = 0.1, right_ppm: float | None = 0.1
) -> tuple[Measurement, ...]:
    found = [
        Measurement("dentate nucleus", side, None, "volume", mm3, "mm3", "by hand")
        for side, mm3 in (("left", left_mm3), ("right", right_mm3), ("both", left_mm3 + right_mm3))
    ]
    found += [
        Measurement("dentate nucleus", side, None, "susceptibility_mean", ppm, "ppm", "by hand")
        for side, ppm in (("left", left_ppm), ("right", right_ppm))
        if ppm is not None
    ]
    return tuple(found)


def test_usual_nuclei_pass() -> None:
    assert implausible(task_of(DENTATE), numbers(700, 900)) == ()


def test_a_task_without_bounds_lets_everything_pass() -> None:
    assert implausible(task_of(), numbers(1, 9999, left_ppm=3.0)) == ()


def test_a_remnant_is_told_with_what_was_expected() -> None:
    bounds = Plausible("dentate nucleus", volume_mm3=(500, 1800))
    assert implausible(task_of(bounds), numbers(244, 700)) == (
        "left dentate nucleus: 244 mm³, 500–1800 expected: look at it",
    )


def test_a_nucleus_that_is_too_large_is_told_of_its_own_side() -> None:
    assert implausible(task_of(DENTATE), numbers(1000, 1900)) == (
        "right dentate nucleus: 1900 mm³, 500–1800 expected: look at it",
    )


def test_a_number_on_its_bound_passes_and_one_beside_it_does_not() -> None:
    assert implausible(task_of(DENTATE), numbers(500, 1000, left_ppm=0.35, right_ppm=-0.05)) == ()
    assert len(implausible(task_of(DENTATE), numbers(499, 998, left_ppm=0.351, right_ppm=-0.051))) == 2


def test_a_vein_is_one_sentence_for_its_side_and_one_for_the_pair() -> None:
    # 650 / 86 = 7.56.
    assert implausible(task_of(DENTATE), numbers(86, 650, left_ppm=0.44)) == (
        "left dentate nucleus: 86 mm³, 500–1800 expected and mean of 0.440 ppm, -0.05 to 0.35 expected: look at it",
        "dentate nucleus: the right is 7.6 times as large as the left (650 and 86 mm³), up to 2 times expected: "
        "look at both",
    )


@pytest.mark.parametrize(("left_mm3", "right_mm3"), [(1300, 600), (600, 1300)])
def test_sides_that_differ_too_much_are_told_whichever_is_larger(left_mm3: float, right_mm3: float) -> None:
    (sentence,) = implausible(task_of(DENTATE), numbers(left_mm3, right_mm3))
    larger, smaller = ("left", "right") if left_mm3 > right_mm3 else ("right", "left")
    assert f"the {larger} is 2.2 times as large as the {smaller} (1300 and 600 mm³)" in sentence


def test_sides_that_differ_as_much_as_allowed_pass() -> None:
    assert implausible(task_of(DENTATE), numbers(1200, 600)) == ()


def test_an_empty_side_is_left_to_the_flag_for_empty_ones() -> None:
    assert implausible(task_of(DENTATE), numbers(0, 700, left_ppm=float("nan"))) == ()


def test_what_was_not_measured_is_not_judged() -> None:
    assert implausible(task_of(DENTATE), numbers(700, 700, left_ppm=None, right_ppm=None)) == ()
    assert implausible(task_of(DENTATE), ()) == ()


def test_a_low_susceptibility_is_told() -> None:
    (sentence,) = implausible(task_of(DENTATE), numbers(700, 700, right_ppm=-0.2))
    assert sentence == "right dentate nucleus: mean of -0.200 ppm, -0.05 to 0.35 expected: look at it"


@pytest.mark.parametrize("name", ["dentate", "midbrain", "striatum"])
def test_each_shipped_task_has_bounds_for_all_its_structures(name: str) -> None:
    task = models.task(name)
    assert {b.structure for b in task.plausible} == {s.name for s in scheme(task.scheme).structures}
    assert all(b.volume_mm3 and b.side_ratio for b in task.plausible)
    assert all(bool(b.mean_ppm) == (task.modality == "qsm") for b in task.plausible)


# Means of a side, published: subthalamic nucleus in MRI and in stereology (Hum Brain Mapp 38:909, PMC6867036); and the
# mean of 15 manual caudates (docs/plausible.md). All lie well inside.
@pytest.mark.parametrize(
    ("name", "structure", "volume_mm3"),
    [("midbrain", "subthalamic nucleus", 99), ("midbrain", "subthalamic nucleus", 132), ("striatum", "caudate", 3615)],
)
def test_published_means_pass(name: str, structure: str, volume_mm3: float) -> None:
    measured = [
        Measurement(structure, side, None, "volume", volume_mm3, "mm3", "published") for side in ("left", "right")
    ]
    assert implausible(models.task(name), measured) == ()
