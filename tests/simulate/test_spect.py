"""From activity to an image and back to activity."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from deepgray.errors import SettingsError
from deepgray.simulate.gamma_camera import Camera, Projector
from deepgray.simulate.spect import (
    WATER_PER_MM,
    Acquisition,
    Phantom,
    Reconstruction,
    draw_acquisition,
    draw_reconstruction,
    ellipses,
    ordered_subsets,
    reconstruct,
    scan_phantom,
    take,
    told,
)

VOXEL_MM = 6.0
BLOCK = (slice(14, 18), slice(18, 22), slice(8, 12))
CAMERA = Camera(views=24, radius_mm=130.0)
QUIET = Acquisition(CAMERA, counts=1e9, scatter_share=0.0)
EXACT = Reconstruction(iterations=6, subsets=6, models_blur=True, attenuation_scale=1.0, filter_mm=0.0)


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    """A cylinder of 80 mm radius with activity 1 and a block of 5 in it."""
    steps = (np.arange(36) - 17.5) * VOXEL_MM
    inside = np.repeat((np.hypot(steps[:, None], steps[None]) < 80)[..., None], 20, axis=2).astype(np.float32)
    activity = inside.copy()
    activity[BLOCK] = 5.0
    return Phantom(activity, inside * np.float32(WATER_PER_MM), VOXEL_MM)


def image_of(phantom: Phantom, acquisition: Acquisition, how: Reconstruction) -> np.ndarray:
    return scan_phantom(phantom, acquisition, how, generator=np.random.default_rng(3))


def test_without_noise_and_with_the_camera_s_model_activity_comes_back(phantom: Phantom) -> None:
    found = image_of(phantom, QUIET, EXACT)
    assert found[20:24, 10:14, 6:14].mean() == pytest.approx(1.0, abs=0.05)
    assert found[BLOCK].mean() == pytest.approx(5.0, rel=0.15)  # its edges stay soft


def test_what_is_not_corrected_is_seen(phantom: Phantom) -> None:
    dark = image_of(phantom, QUIET, replace(EXACT, attenuation="none"))
    assert dark[20:24, 10:14, 6:14].mean() < 0.5
    blurred = image_of(phantom, QUIET, replace(EXACT, models_blur=False, filter_mm=8.0))
    assert blurred[BLOCK].mean() < 4.0


def test_an_ellipse_does_nearly_as_well_as_a_map(phantom: Phantom) -> None:
    found = image_of(phantom, QUIET, replace(EXACT, attenuation="ellipse"))
    assert found[20:24, 10:14, 6:14].mean() == pytest.approx(1.0, abs=0.1)


def test_scatter_lifts_the_background_unless_it_is_taken_off(phantom: Phantom) -> None:
    hazy = replace(QUIET, scatter_share=0.3)
    with_it = image_of(phantom, hazy, EXACT)
    without = image_of(phantom, hazy, replace(EXACT, scatter_corrected=1.0))
    region = (slice(20, 24), slice(10, 14), slice(6, 14))
    assert with_it[region].mean() > 1.2
    assert without[region].mean() == pytest.approx(1.0, abs=0.06)


def test_counts_are_those_that_were_asked_for_and_chance_is_poisson(phantom: Phantom) -> None:
    projector = Projector(CAMERA, phantom.attenuation_per_mm, shape=phantom.activity.shape, voxel_mm=VOXEL_MM)
    how = Acquisition(CAMERA, counts=3e5, scatter_share=0.25)
    one, two = (take(projector, phantom, how, generator=np.random.default_rng(seed)) for seed in (1, 2))
    assert one.counts.sum() == pytest.approx(3e5, rel=0.01)
    assert one.scatter.sum() == pytest.approx(0.25 * 3e5, rel=0.01)
    # the variance of a difference of two Poisson numbers is their sum
    difference = (one.counts - two.counts).astype(float)
    assert (difference**2).sum() == pytest.approx((one.counts + two.counts).sum(), rel=0.05)
    assert (one.counts == np.rint(one.counts)).all()


def test_fewer_counts_give_more_noise(phantom: Phantom) -> None:
    region = (slice(20, 24), slice(10, 14), slice(4, 16))
    how = replace(EXACT, filter_mm=6.0)
    few, many = (image_of(phantom, replace(QUIET, counts=n), how)[region].std() for n in (2e4, 2e6))
    assert few > 3 * many


def test_a_head_that_moves_is_smeared(phantom: Phantom) -> None:
    still = image_of(phantom, QUIET, EXACT)
    moved = image_of(phantom, replace(QUIET, motion_mm=(12.0, 0.0, 0.0), motion_degrees=5.0), EXACT)
    assert moved[BLOCK].mean() < 0.95 * still[BLOCK].mean()
    # half of the motion before and half behind: what is smeared lies around where the phantom is
    places = [np.array(ndimage.center_of_mass(np.clip(image - 2.0, 0, None))) * VOXEL_MM for image in (still, moved)]
    np.testing.assert_allclose(places[1], places[0], atol=1.5)


def test_outside_the_circle_of_all_views_there_is_nothing(phantom: Phantom) -> None:
    projector = Projector(CAMERA, None, shape=phantom.activity.shape, voxel_mm=VOXEL_MM)
    counts = np.ones((24, 36, 20), np.float32)
    found = next(ordered_subsets(projector, counts, 0.1 * counts, subsets=30))
    assert not found[0, 0].any()
    assert found[18, 18].min() > 0


def test_the_filter_keeps_the_mean(phantom: Phantom) -> None:
    projector = Projector(CAMERA, phantom.attenuation_per_mm, shape=phantom.activity.shape, voxel_mm=VOXEL_MM)
    taken = take(projector, phantom, QUIET, generator=np.random.default_rng(0))
    plain, smooth = (
        reconstruct(taken, projector, replace(EXACT, iterations=1, filter_mm=mm), voxel_mm=VOXEL_MM)
        for mm in (0.0, 9.0)
    )
    assert smooth.mean() == pytest.approx(plain.mean(), rel=0.01)
    assert smooth.max() < plain.max()


def test_ellipses_cover_what_they_are_fitted_to() -> None:
    x, y = np.meshgrid(np.arange(30) - 14, np.arange(30) - 16, indexing="ij")
    head = ((x / 8) ** 2 + (y / 11) ** 2 <= 1)[..., None] & np.array([True, False])
    found = ellipses(head, 0.012)
    assert (found[..., 0] > 0).sum() == pytest.approx(head[..., 0].sum(), rel=0.05)
    assert found.max() == pytest.approx(0.012)
    assert not found[..., 1].any()


def test_a_camera_that_sees_nothing_is_told() -> None:
    nothing = np.zeros((36, 36, 20), np.float32)
    with pytest.raises(SettingsError, match="there is none"):
        image_of(Phantom(nothing, nothing, VOXEL_MM), QUIET, EXACT)


def test_what_is_no_reconstruction_is_refused() -> None:
    with pytest.raises(SettingsError, match="'magic' came"):
        Reconstruction(attenuation="magic")
    with pytest.raises(SettingsError, match="At least one iteration"):
        Reconstruction(iterations=0)


def test_examinations_are_drawn_within_what_clinics_do() -> None:
    generator = np.random.default_rng(0)
    taken = [draw_acquisition(generator, motion_share=0.5) for _ in range(40)]
    made = [draw_reconstruction(generator) for _ in range(40)]
    assert all(1e6 < a.counts < 4.1e6 for a in taken)
    assert {bool(any(a.motion_mm)) for a in taken} == {True, False}
    assert {r.attenuation for r in made} == {"map", "ellipse", "none"}
    # where scatter is left in, attenuation is corrected with less
    assert all((r.attenuation_scale < 0.9) == (r.scatter_corrected == 0) for r in made)
    assert told(taken[0], made[0])["acquisition"]["camera"]["views"] in (60, 64, 90)
