"""Calcifications, microbleeds and lesions."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.simulate.framing import Found, Frame  # noqa: E402
from deepgray.simulate.spots import KINDS, Spot, draw_spots, fill_spots  # noqa: E402
from deepgray.simulate.tissues import INDEX  # noqa: E402
from deepgray.space import Grid  # noqa: E402

SPACING = (1.0, 1.2, 2.0)


def frame() -> Frame:
    affine = np.diag([*SPACING, 1.0])
    affine[:3, 3] = (-10.0, -12.0, -15.0)
    return Frame(Grid((24, 20, 16), affine), torch.eye(3), torch.eye(3), torch.zeros(3), torch.zeros(3, 3, 3, 3))


def test_a_spot_has_its_place_its_volume_and_its_susceptibility() -> None:
    chi = np.full((24, 20, 16), 0.01, dtype=np.float32)
    spot = Spot("microbleed", (2.0, 0.0, 1.0), 3.0, 0.5)
    found = fill_spots(chi, [spot], frame())
    assert found[12, 10, 8] == pytest.approx(0.5)
    volume = ((found - 0.01) / 0.49).sum() * np.prod(SPACING)
    assert volume == pytest.approx(4 / 3 * np.pi * 27, rel=0.1)
    assert chi.max() == chi.min()


def test_a_spot_at_the_edge_is_cut() -> None:
    chi = np.zeros((24, 20, 16), dtype=np.float32)
    found = fill_spots(chi, [Spot("lesion", (-10.0, -12.0, -15.0), 3.0, 0.04)], frame())
    assert found[0, 0, 0] == pytest.approx(0.04)


def test_spots_are_drawn_where_their_kind_belongs() -> None:
    tissues = torch.full((24, 20, 16), INDEX["cortex"], dtype=torch.uint8)
    tissues[5, 5, 5] = INDEX["choroid plexus"]
    found = Found(tissues, tissues > 0, tissues > 0)
    spots = [s for seed in range(30) for s in draw_spots(found, frame(), np.random.default_rng(seed))]
    kinds = {s.kind for s in spots}
    assert kinds == {"choroid calcification", "microbleed"}  # there is no white matter and no pallidum
    for spot in spots:
        assert KINDS[spot.kind].radius_mm[0] <= spot.radius_mm <= KINDS[spot.kind].radius_mm[1]
        if spot.kind == "choroid calcification":
            assert spot.centre_mm == (-5.0, -6.0, -5.0)
            assert spot.chi_ppm < 0
