"""People with a stage: which parts bind how much, on which side."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.anatomy import Side  # noqa: E402
from deepgray.errors import SettingsError  # noqa: E402
from deepgray.simulate.tissues import INDEX, TISSUES  # noqa: E402
from deepgray.simulate.uptake import HEALTHY_BINDING, STAGES, Uptake, activity_at, draw_uptake  # noqa: E402


def people(stage: str, count: int = 60, age: float | None = 60.0) -> list[Uptake]:
    return [draw_uptake(np.random.default_rng(seed), stage=stage, age_years=age) for seed in range(count)]


def mean_binding(drawn: list[Uptake], part: str, place: str) -> float:
    """Of the worse or the better side, or of both."""
    values = []
    for one in drawn:
        for side, parts in one.binding.items():
            worse = side is one.worse_side
            if place == "both" or one.worse_side is None or worse == (place == "worse"):
                values.append(parts[part])
    return float(np.mean(values))


def test_healthy_people_bind_as_told_on_both_sides() -> None:
    drawn = people("normal", 200)
    for name, binding in HEALTHY_BINDING.items():
        assert mean_binding(drawn, name, "both") == pytest.approx(binding, rel=0.05)
    leans = [one.binding[Side.LEFT]["anterior putamen"] / one.binding[Side.RIGHT]["anterior putamen"] for one in drawn]
    assert np.mean(leans) == pytest.approx(1.0, abs=0.02)
    assert 0.02 < np.std(leans) < 0.06
    assert all(one.worse_side is None for one in drawn)


def test_disease_takes_the_back_of_the_putamen_first_and_one_side_before_the_other() -> None:
    one, two, three = (people(stage) for stage in STAGES[1:])
    for drawn in (one, two, three):
        worse = [mean_binding(drawn, n, "worse") for n in ("posterior putamen", "anterior putamen", "anterior caudate")]
        assert worse == sorted(worse)
        assert mean_binding(drawn, "anterior putamen", "worse") < mean_binding(drawn, "anterior putamen", "better")
        assert {p.worse_side for p in drawn} == {Side.LEFT, Side.RIGHT}
    for part in HEALTHY_BINDING:
        later = [mean_binding(drawn, part, "worse") for drawn in (people("normal"), one, two, three)]
        assert later == sorted(later, reverse=True)
    # a putamen that is seen in the first reading, a caudate that keeps less than half in the last
    assert mean_binding(one, "anterior putamen", "better") > 0.6 * HEALTHY_BINDING["anterior putamen"]
    assert mean_binding(three, "anterior caudate", "better") < 0.5 * HEALTHY_BINDING["anterior caudate"]


def test_binding_falls_with_age_by_four_to_seven_percent_in_ten_years() -> None:
    young, old = (mean_binding(people("normal", 40, age), "anterior caudate", "both") for age in (40.0, 80.0))
    loss = (young - old) / mean_binding(people("normal", 40, 60.0), "anterior caudate", "both") / 4
    assert 0.04 <= loss <= 0.067


def test_one_of_four_is_healthy_and_most_patients_have_lost_both_putamina() -> None:
    found = Counter(one.stage for one in people("random", 800, None))
    assert found["normal"] / 800 == pytest.approx(0.25, abs=0.05)
    patients = 800 - found["normal"]
    assert found["one-putamen"] / patients == pytest.approx(0.211, abs=0.05)
    assert found["both-putamina"] / patients == pytest.approx(0.533, abs=0.06)
    assert found["caudates"] / patients == pytest.approx(0.256, abs=0.05)


def test_the_same_chance_gives_the_same_person() -> None:
    one, other = (draw_uptake(np.random.default_rng(5)) for _ in range(2))
    assert one.told() == other.told()
    assert one.told()["stage"] in STAGES


def at(uptake: Uptake, tissue: str, point: tuple[float, float, float]) -> float:
    return float(activity_at(uptake, torch.tensor([INDEX[tissue]]), torch.tensor([point]))[0])


def test_activity_is_the_binding_of_the_own_side_on_what_is_everywhere() -> None:
    one = people("one-putamen", 1)[0]
    for side, x in ((Side.LEFT, -25.0), (Side.RIGHT, 25.0)):
        parts = one.binding[side]
        assert at(one, "putamen/anterior putamen", (x, 60.0, 0.0)) == pytest.approx(
            1 + parts["anterior putamen"], rel=1e-4
        )
        assert at(one, "putamen/posterior putamen", (x, -60.0, 0.0)) == pytest.approx(
            1 + parts["posterior putamen"], rel=1e-4
        )
        assert at(one, "putamen/ventral putamen", (x, -9.0, -5.0)) == pytest.approx(1 + parts["ventral putamen"])
        assert at(one, "accumbens/ventral striatum", (x, 9.0, -5.0)) == pytest.approx(1 + parts["ventral striatum"])
    assert at(one, "cortex", (30.0, 0.0, 0.0)) == pytest.approx(1.0)
    assert at(one, "air", (30.0, 0.0, 0.0)) == 0.0


def test_binding_falls_smoothly_from_front_to_back() -> None:
    one = people("both-putamina", 1)[0]
    line = [at(one, "putamen/posterior putamen", (25.0, y, 0.0)) for y in (20.0, 5.0, 0.0, -5.0, -20.0)]
    assert line == sorted(line, reverse=True)
    middle = 1 + (one.binding[Side.RIGHT]["anterior putamen"] + one.binding[Side.RIGHT]["posterior putamen"]) / 2
    assert line[2] == pytest.approx(middle, rel=1e-4)


def test_parotid_glands_shine_in_the_soft_tissue_only() -> None:
    one = people("normal", 1)[0]
    soft = float(one.nonspecific[INDEX["soft tissue"]])
    assert at(one, "soft tissue", (-55.0, -10.0, -65.0)) == pytest.approx(soft + one.gland)
    assert at(one, "soft tissue", (-55.0, -10.0, 0.0)) == pytest.approx(soft)
    assert at(one, "cortical bone", (-55.0, -10.0, -65.0)) == pytest.approx(
        float(one.nonspecific[INDEX["cortical bone"]])
    )


def test_every_tissue_has_an_uptake() -> None:
    table = people("normal", 1)[0].nonspecific
    assert len(table) == len(TISSUES)
    assert (table[1:] > 0).all()


@pytest.mark.parametrize(
    ("stage", "age", "words"), [("late", None, "'late' came"), ("normal", 200.0, "0 to 110 years")]
)
def test_people_that_cannot_be_are_refused(stage: str, age: float | None, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        draw_uptake(np.random.default_rng(0), stage=stage, age_years=age)
