"""Projections of small phantoms: adjoint, sharpness, attenuation, directions."""

from __future__ import annotations

import numpy as np
import pytest

from deepgray.errors import SettingsError, ShapeError
from deepgray.simulate.gamma_camera import Camera, Projector

SHAPE, VOXEL_MM = (48, 48, 40), 3.0
CAMERA = Camera(views=8, radius_mm=120.0)


def cylinder(radius_mm: float) -> np.ndarray:
    steps = (np.arange(48) - 23.5) * VOXEL_MM
    inside = np.hypot(steps[:, None], steps[None]) < radius_mm
    return np.repeat(inside[..., None], 40, axis=2).astype(np.float32)


@pytest.mark.parametrize(("view", "blurs"), [(0, True), (1, True), (5, True), (1, False)])
def test_the_way_back_is_the_exact_adjoint(view: int, blurs: bool) -> None:  # noqa: FBT001
    generator = np.random.default_rng(1)
    body = cylinder(60) * np.float32(0.015)
    projector = Projector(CAMERA, body, shape=SHAPE, voxel_mm=VOXEL_MM, blurs=blurs)
    image = generator.random(SHAPE).astype(np.float32)
    counts = generator.random((48, 40)).astype(np.float32)
    there = (projector.forward(image, view).astype(float) * counts).sum()
    back = (projector.back(counts, view).astype(float) * image).sum()
    assert there == pytest.approx(back, rel=1e-5)


def test_a_point_is_as_wide_as_the_collimator_and_the_detector_make_it() -> None:
    # at the middle, 120 mm away: 1.3 · (27 + 120) / 27 = 7.078 mm, with 3.8 mm of the detector 8.034 mm
    assert CAMERA.fwhm_mm(np.array([120.0]))[0] == pytest.approx(8.034, abs=1e-3)
    image = np.zeros(SHAPE, np.float32)
    image[23:25, 23:25, 20] = 1.0
    seen = Projector(CAMERA, None, shape=SHAPE, voxel_mm=VOXEL_MM).forward(image, 0)
    steps = np.arange(40) * VOXEL_MM
    line = seen.sum(axis=0) / seen.sum()
    sigma = np.sqrt((line * steps**2).sum() - (line * steps).sum() ** 2)
    assert 2.3548 * sigma == pytest.approx(8.034, rel=0.03)
    assert seen.sum() == pytest.approx(4.0, rel=1e-3)  # nothing is lost


def test_a_near_point_is_sharper_than_a_far_one() -> None:
    near, far = np.zeros(SHAPE, np.float32), np.zeros(SHAPE, np.float32)
    near[24, 40, 20] = far[24, 8, 20] = 1.0  # the first view looks from +y
    projector = Projector(CAMERA, None, shape=SHAPE, voxel_mm=VOXEL_MM)
    assert projector.forward(near, 0).max() > 1.3 * projector.forward(far, 0).max()


def test_half_a_turn_shows_the_mirror_image() -> None:
    image = np.zeros(SHAPE, np.float32)
    image[10, 24, 20] = 1.0
    projector = Projector(CAMERA, None, shape=SHAPE, voxel_mm=VOXEL_MM, blurs=False)
    assert projector.forward(image, 0).argmax() == 10 * 40 + 20
    assert projector.forward(image, 4).argmax() == 37 * 40 + 20


def test_photons_are_lost_on_their_way_to_the_detector() -> None:
    body = cylinder(60) * np.float32(0.015)
    image = np.zeros(SHAPE, np.float32)
    image[24, 30, 20] = 1.0  # 19.5 mm in front of the middle
    projector = Projector(CAMERA, body, shape=SHAPE, voxel_mm=VOXEL_MM, blurs=False)
    path = 60 - 19.5
    assert projector.forward(image, 0).sum() == pytest.approx(np.exp(-0.015 * path), rel=0.03)
    assert projector.forward(image, 4).sum() == pytest.approx(np.exp(-0.015 * (60 + 19.5)), rel=0.03)


def test_a_uniform_cylinder_gives_the_attenuated_line_integral() -> None:
    body = cylinder(60) * np.float32(0.015)
    projector = Projector(CAMERA, body, shape=SHAPE, voxel_mm=VOXEL_MM, blurs=False)
    # through the middle: (1 - exp(-μ · 120)) / μ mm, in voxels of 3 mm
    wanted = (1 - np.exp(-0.015 * 120)) / 0.015 / 3
    assert projector.forward(cylinder(60), 0)[23:25, 20].mean() == pytest.approx(wanted, rel=0.02)


def test_what_is_no_camera_is_refused() -> None:
    with pytest.raises(SettingsError, match="At least 4 views are wanted, 2 came"):
        Camera(views=2)
    with pytest.raises(SettingsError, match="positive lengths"):
        Camera(radius_mm=0.0)
    with pytest.raises(ShapeError, match="multiple of 4 voxels"):
        Projector(CAMERA, None, shape=(46, 46, 10), voxel_mm=3.0)
