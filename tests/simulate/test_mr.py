from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from deepgray.simulate import mr  # noqa: E402
from deepgray.simulate.tissues import INDEX, TISSUES  # noqa: E402
from deepgray.voxels.intensity import normalise  # noqa: E402

torch.set_num_threads(1)  # small tensors
SHAPE, SPACING_MM = (20, 16, 12), (1.0, 1.5, 2.0)
CENTRE = torch.tensor([-20.0, -2.0, 12.0])
STILL = mr.Appearance(rotation_degrees=0.0, shift_mm=0.0, zoom=0.0, displacement_mm=0.0)
STRIPPED = mr.Appearance(stripped_share=1.0)


def layers() -> torch.Tensor:
    """Air, skin, bone, fluid, cortex, white matter and caudate, one behind the other."""
    names = (
        "air",
        "skin",
        "cortical bone",
        "cerebrospinal fluid",
        "cortex",
        "white matter",
        "caudate/anterior caudate",
    )
    tissues = torch.zeros(28, 12, 14, dtype=torch.uint8)
    for number, name in enumerate(names):
        tissues[4 * number : 4 * number + 4] = INDEX[name]
    return tissues


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_seed_gives_the_same_scan(seed: int) -> None:
    scans = []
    for _ in range(2):
        torch.manual_seed(seed)
        warp = mr.draw_warp(SHAPE, SPACING_MM, CENTRE, mr.Appearance())
        scans.append((warp.points_mm, mr.acquire(mr.paint(layers(), STRIPPED), 1.0, STRIPPED)))
    assert torch.equal(scans[0][0], scans[1][0])
    assert torch.equal(scans[0][1], scans[1][1])


def test_other_seeds_give_other_scans() -> None:
    torch.manual_seed(1)
    one = mr.paint(layers(), STRIPPED)
    torch.manual_seed(2)
    assert not torch.equal(one, mr.paint(layers(), STRIPPED))


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), limit=st.floats(0.0, 180.0))
def test_rotations_are_rigid_and_within_the_limit(seed: int, limit: float) -> None:
    torch.manual_seed(seed)
    turn = mr.random_rotation(limit).double().numpy()
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-5)
    assert np.linalg.det(turn) == pytest.approx(1.0, abs=1e-5)
    assert np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))) <= limit + 0.1


def test_without_limits_the_warp_is_the_grid_itself() -> None:
    warp = mr.draw_warp(SHAPE, SPACING_MM, CENTRE, STILL)
    # The first voxel lies (n − 1) / 2 steps before the middle: 9.5 × 1, 7.5 × 1.5 and 5.5 × 2 mm.
    assert warp.points_mm[0, 0, 0].tolist() == pytest.approx([-29.5, -13.25, 1.0])
    assert warp.points_mm[1, 1, 1].tolist() == pytest.approx([-28.5, -11.75, 3.0])
    assert torch.allclose(warp.rigid_mm, warp.points_mm)


def test_a_turned_head_without_zoom_lies_where_its_tissues_lie() -> None:
    torch.manual_seed(3)
    warp = mr.draw_warp(SHAPE, SPACING_MM, CENTRE, replace(STILL, rotation_degrees=40.0, shift_mm=10.0))
    assert torch.allclose(warp.rigid_mm, warp.points_mm, atol=1e-4)
    assert not torch.allclose(warp.points_mm[0, 0, 0], torch.tensor([-29.5, -13.25, 1.0]), atol=1.0)


@pytest.mark.parametrize("seed", range(4))
def test_zoom_changes_sizes_and_not_the_pose(seed: int) -> None:
    torch.manual_seed(seed)
    warp = mr.draw_warp(SHAPE, SPACING_MM, CENTRE, replace(STILL, rotation_degrees=30.0, shift_mm=5.0, zoom=0.2))
    # Distances in the rigid frame are those of the sample's grid: from corner to corner 19, 22.5 and 22 mm.
    diagonal = warp.rigid_mm[-1, -1, -1] - warp.rigid_mm[0, 0, 0]
    assert float(diagonal.norm()) == pytest.approx(np.sqrt(19**2 + 22.5**2 + 22**2), rel=1e-4)
    # The two frames differ by one factor along each axis, at most 20 % from one; so the origins are one.
    ratio = (warp.points_mm / warp.rigid_mm).reshape(-1, 3)
    for axis in range(3):
        far = warp.rigid_mm.reshape(-1, 3)[:, axis].abs() > 3
        assert float(ratio[far, axis].std()) < 1e-3
        assert abs(float(ratio[far, axis].mean()) - 1) <= 0.2


def test_bending_moves_tissues_and_leaves_the_pose() -> None:
    torch.manual_seed(4)
    bent = mr.draw_warp((40, 40, 40), (1.0, 1.0, 1.0), CENTRE, replace(STILL, displacement_mm=3.0))
    apart = (bent.points_mm - bent.rigid_mm).norm(dim=-1)
    assert 0.1 < float(apart.mean()) < 9.0
    steps = bent.rigid_mm[1:] - bent.rigid_mm[:-1]
    assert torch.allclose(steps, torch.tensor([1.0, 0.0, 0.0]).expand_as(steps), atol=1e-4)


def test_tissues_at_known_points() -> None:
    tissues = torch.zeros(4, 5, 6, dtype=torch.uint8)
    tissues[1, 2, 3], tissues[3, 4, 5], tissues[0, 0, 0] = 7, 9, 11
    # The first axis runs to the left in steps of 2 mm, the third upwards in steps of 3 mm, from (10, −5, 0).
    affine = torch.tensor([[-2.0, 0, 0, 10], [0, 1, 0, -5], [0, 0, 3, 0], [0, 0, 0, 1]], dtype=torch.float64)
    points = torch.tensor(
        [
            [8.0, -3, 9],
            [8.9, -3.4, 10.4],
            [4, -1, 15],
            [10, -5, 0],
            [12.1, -5, 0],
            [4, -1, 17],
            [4, 0.1, 15],
            [8, -3, 6],
        ]
    )
    assert mr.sample_nearest(tissues, affine, points).tolist() == [7, 7, 9, 11, 0, 0, 0, 0]


@pytest.mark.parametrize("seed", range(6))
def test_a_stripped_head_has_no_signal_outside_the_brain(seed: int) -> None:
    torch.manual_seed(seed)
    image = mr.paint(layers(), replace(STRIPPED, t1_share=0.5, t2_share=0.2))
    assert not image[:12].any()
    assert image[12:].any()


def test_a_head_with_its_skull_shows_it() -> None:
    torch.manual_seed(5)
    image = mr.paint(layers(), mr.Appearance(stripped_share=0.0, t1_share=1.0, t2_share=0.0))
    assert float(image[4:8].mean()) > 0.1


@pytest.mark.parametrize("seed", range(6))
def test_a_plausible_t1_contrast_is_in_order(seed: int) -> None:
    torch.manual_seed(seed)
    image = mr.paint(layers(), mr.Appearance(stripped_share=1.0, t1_share=1.0, t2_share=0.0))
    fluid, cortex, white = (float(image[start : start + 4].mean()) for start in (12, 16, 20))
    assert fluid < cortex < white


@pytest.mark.parametrize("seed", range(6))
def test_a_plausible_t2_contrast_is_in_order(seed: int) -> None:
    torch.manual_seed(seed)
    image = mr.paint(layers(), mr.Appearance(stripped_share=1.0, t1_share=0.0, t2_share=1.0))
    fluid, cortex, white = (float(image[start : start + 4].mean()) for start in (12, 16, 20))
    assert fluid > cortex > white


@settings(max_examples=12)
@given(seed=st.integers(0, 10_000), spacing=st.sampled_from([0.5, 1.0, 3.0]), thick=st.sampled_from([0.0, 1.0]))
def test_every_acquisition_is_finite(seed: int, spacing: float, thick: float) -> None:
    torch.manual_seed(seed)
    appearance = mr.Appearance(thick_share=thick, thick_mm=8.0, t1_share=0.3, t2_share=0.3)
    image = mr.acquire(mr.paint(layers(), appearance), spacing, appearance)
    assert image.shape == layers().shape
    assert image.dtype == torch.float32
    assert bool(torch.isfinite(image).all())
    assert float(image.std()) > 0


def test_noise_leaves_what_brain_extraction_set_to_zero() -> None:
    torch.manual_seed(0)
    image = torch.cat([torch.zeros(5, 5, 5), torch.ones(5, 5, 5)])
    for _ in range(4):
        noisy = mr._add_noise(image, 0.1)
        assert not noisy[:5].any()
        assert 0.02 < float(noisy[5:].std()) < 0.2


def test_blurring_keeps_the_sum_and_the_middle() -> None:
    image = torch.zeros(21, 21, 21)
    image[10, 10, 10] = 1.0
    blurred = mr.gaussian_blur(image, (1.0, 2.0, 0.0))
    assert float(blurred.sum()) == pytest.approx(1.0, abs=1e-5)
    assert float(blurred[10, 10, 10]) == float(blurred.max())
    assert not blurred[:, :, :10].any()
    # A Gaussian falls to exp(−1/2) one standard deviation away.
    assert float(blurred[11, 10, 10] / blurred[10, 10, 10]) == pytest.approx(np.exp(-0.5), rel=1e-4)
    assert float(blurred[10, 12, 10] / blurred[10, 10, 10]) == pytest.approx(np.exp(-0.5), rel=1e-4)


def test_thick_slices_lose_detail_along_one_axis() -> None:
    torch.manual_seed(6)
    image = torch.randn(24, 24, 24)
    thick = mr._thicken(image, 1.0, 6.0)
    lost = [float(thick.diff(dim=axis).std() / image.diff(dim=axis).std()) for axis in range(3)]
    assert min(lost) < 0.5 * sorted(lost)[1]


@settings(max_examples=10)
@given(seed=st.integers(0, 10_000), shape=st.sampled_from([(8, 9, 10), (45, 50, 55)]), zeros=st.floats(0.0, 0.8))
def test_training_and_inference_scale_alike(seed: int, shape: tuple[int, int, int], zeros: float) -> None:
    random = np.random.default_rng(seed)
    voxels = (random.gamma(2.0, 100.0, shape) * (random.random(shape) >= zeros)).astype(np.float32)
    one = normalise(voxels, "percentiles")
    np.testing.assert_allclose(mr.normalise(torch.from_numpy(voxels)).numpy(), one, atol=1e-4)


def test_every_tissue_can_be_painted() -> None:
    every = torch.arange(len(TISSUES), dtype=torch.uint8).repeat_interleave(64).reshape(len(TISSUES), 8, 8)
    torch.manual_seed(7)
    for _ in range(8):
        assert bool(torch.isfinite(mr.paint(every, mr.Appearance(t1_share=0.3, t2_share=0.3))).all())
