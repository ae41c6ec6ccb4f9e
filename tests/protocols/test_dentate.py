"""The plan of protocol C and its raters."""

from __future__ import annotations

from toy_dentates import ball

from deepgray.protocols.dentate import EXTERNAL, INTERNAL, plan, rate


def test_the_external_set_shares_neither_inversion_nor_voxels_nor_ages_with_the_internal_one() -> None:
    planned = plan(("a", "b", "c"), scans=4)
    assert len(planned) == 24
    inside = [p.settings for p in planned if p.group == INTERNAL]
    outside = [p.settings for p in planned if p.group == EXTERNAL]
    for what in ("inversion", "spacing_mm", "age_years", "tilt_degrees"):
        assert not {getattr(s, what) for s in inside} & {getattr(s, what) for s in outside}
    assert len({p.name for p in planned}) == 24
    assert len({p.seed for p in planned}) == 24
    assert {s.inversion for s in inside} == {"tkd", "tikhonov", "cosmos"}


def test_a_rater_agrees_more_with_herself_than_with_another() -> None:
    within, between = rate([ball(radius) for radius in (4.5, 5.0, 5.5, 6.0, 6.5)])
    assert 0.9 < within.estimate.value <= 1.0
    assert between.estimate.value < within.estimate.value
    assert (within.form, within.subjects) == ("ICC(2,1)", 10)
