"""The fast image: how wide, how noisy, how bright."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.simulate.spect_surrogate import Surrogate, draw_surrogate, surrogate  # noqa: E402

SPACING_MM = (2.0, 3.0, 2.5)
PLAIN = Surrogate(fwhm_mm=12.0, noise_share=0.0, haze_share=0.0, shading=0.0)


def test_a_point_is_as_wide_as_was_drawn() -> None:
    activity = torch.zeros(41, 31, 33)
    activity[20, 15, 16] = 1.0
    found = surrogate(activity, SPACING_MM, PLAIN)
    for axis, spacing in enumerate(SPACING_MM):
        line = found.sum(dim=[a for a in range(3) if a != axis]) / found.sum()
        steps = torch.arange(len(line)) * spacing
        sigma = ((line * steps**2).sum() - (line * steps).sum() ** 2).sqrt()
        assert 2.3548 * float(sigma) == pytest.approx(12.0, rel=0.03)


def test_noise_is_as_strong_and_as_wide_as_was_drawn_and_grows_with_activity() -> None:
    torch.manual_seed(1)
    activity = torch.ones(60, 60, 60)
    activity[30:] = 4.0
    noisy = replace(PLAIN, noise_share=0.1, noise_mm=9.0)
    found = surrogate(activity, (3.0, 3.0, 3.0), noisy)
    low, high = found[:24] - 1, found[36:] - 4
    assert float(low.std()) == pytest.approx(0.1, rel=0.15)
    assert float(high.std() / low.std()) == pytest.approx(2.0, rel=0.15)  # variance as activity
    # half of the correlation is left at half of the width: 4.5 mm is one and a half voxels
    near, far = (float((low[n:] * low[:-n]).mean() / low.var()) for n in (1, 2))
    assert near > 0.5 > far


def test_haze_lies_over_everything() -> None:
    activity = torch.zeros(40, 40, 40)
    activity[10:30, 10:30, 10:30] = 1.0
    clear, hazy = (surrogate(activity, (3.0, 3.0, 3.0), replace(PLAIN, haze_share=share)) for share in (0.0, 0.3))
    assert float(hazy[2, 20, 20]) > float(clear[2, 20, 20]) + 0.01
    # a cube of 60 mm keeps less than half of a haze of 35 mm in its middle
    assert 0.05 < float((hazy - clear)[20, 20, 20]) < 0.15


def test_shading_and_scale_change_the_whole_image() -> None:
    activity = torch.ones(20, 20, 20)
    assert surrogate(activity, (3.0,) * 3, replace(PLAIN, scale=1.2)).mean() == pytest.approx(1.2)
    torch.manual_seed(0)
    shaded = surrogate(activity, (3.0,) * 3, replace(PLAIN, shading=0.08))
    assert float((shaded - 1).abs().max()) == pytest.approx(0.08, abs=0.01)


def test_images_are_never_below_nought() -> None:
    torch.manual_seed(0)
    activity = torch.zeros(20, 20, 20)
    activity[8:12] = 0.2
    assert surrogate(activity, (3.0,) * 3, replace(PLAIN, noise_share=3.0)).min() >= 0


def test_qualities_are_drawn_from_torch_s_generator() -> None:
    torch.manual_seed(3)
    one = draw_surrogate()
    torch.manual_seed(3)
    assert draw_surrogate() == one
    assert draw_surrogate() != one
    assert 10 <= one.fwhm_mm <= 16
