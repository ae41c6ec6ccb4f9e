"""Drawn dentates: of a plausible size, open towards the midline or closed, and the same for the same generator."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from deepgray.simulate import dentate_sheet
from deepgray.simulate.dentate_sheet import GROWTH, SPACING_MM, VOLUME_MM3, draw_sheet
from deepgray.simulate.nuclei import ROOM_MM, Nucleus


def mask(nucleus: Nucleus) -> np.ndarray:
    return nucleus.distance_mm < 0


def hollow_mm3(nucleus: Nucleus) -> float:
    """What lies between the parts of a nucleus along x: its hollow, whether open or not."""
    body = mask(nucleus)
    before = np.maximum.accumulate(body, axis=0)
    after = np.maximum.accumulate(body[::-1], axis=0)[::-1]
    return float((before & after & ~body).sum() * abs(np.linalg.det(nucleus.affine[:3, :3])))


@pytest.mark.parametrize("seed", range(12))
def test_a_drawn_dentate_has_a_size_that_people_have_and_room_around_it(seed: int) -> None:
    drawn = draw_sheet(np.random.default_rng(seed))
    volume = mask(drawn).sum() * abs(np.linalg.det(drawn.affine[:3, :3]))
    assert VOLUME_MM3[0] * 0.8 < volume < VOLUME_MM3[1] * 1.3
    assert np.isclose(drawn.affine[0, 0] / SPACING_MM, np.clip(drawn.affine[0, 0] / SPACING_MM, *GROWTH))
    border = np.concatenate([drawn.distance_mm.take(end, axis=axis).ravel() for axis in range(3) for end in (0, -1)])
    assert border.min() > 0.5 * ROOM_MM * GROWTH[0]
    assert np.abs(drawn.centre_mm).max() < 6


def test_one_body_whose_distances_are_millimetres() -> None:
    for seed in range(6):
        drawn = draw_sheet(np.random.default_rng(seed))
        assert ndimage.label(mask(drawn))[1] == 1
        steps = np.linalg.norm(np.gradient(drawn.distance_mm, drawn.affine[0, 0]), axis=0)
        near = np.abs(drawn.distance_mm) < 1.0
        assert 0.6 < np.median(steps[near]) < 1.4


def test_an_open_one_is_open_to_the_midline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dentate_sheet, "CLOSED_SHARE", 0.0)
    monkeypatch.setattr(dentate_sheet, "MOUTH_SPREAD", 0.0)
    for seed in range(6):
        drawn = draw_sheet(np.random.default_rng(seed))
        body = mask(drawn)
        middle = (np.array(body.shape) - 1) // 2
        lateral, medial = body[: middle[0], middle[1], middle[2]], body[middle[0] :, middle[1], middle[2]]
        assert lateral.any(), "the sheet lies on the outer side"
        assert not medial.any(), "and not on the side of the midline"


def test_a_closed_one_has_no_hollow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dentate_sheet, "CLOSED_SHARE", 1.0)
    assert hollow_mm3(draw_sheet(np.random.default_rng(1))) == 0
    monkeypatch.setattr(dentate_sheet, "CLOSED_SHARE", 0.0)
    assert hollow_mm3(draw_sheet(np.random.default_rng(1))) > 0


def test_the_same_generator_draws_the_same() -> None:
    first, second, other = (draw_sheet(np.random.default_rng(seed)) for seed in (4, 4, 5))
    np.testing.assert_array_equal(first.distance_mm, second.distance_mm)
    np.testing.assert_array_equal(first.affine, second.affine)
    assert first.distance_mm.shape != other.distance_mm.shape or (first.distance_mm != other.distance_mm).any()
