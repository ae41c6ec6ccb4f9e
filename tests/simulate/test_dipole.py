"""The physics of susceptibility maps against what is known in closed form."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from torch import Tensor  # noqa: E402

from deepgray.simulate.dipole import (  # noqa: E402
    dipole_kernel,
    invert_orientations,
    invert_threshold,
    invert_tikhonov,
    invert_total_variation,
    local_field,
    smooth_total_variation,
)

torch.set_num_threads(1)
UP = torch.tensor([0.0, 0.0, 1.0])
# Off the axes, so that no frequency of a small grid lies exactly on the cone where the kernel is nought.
TILTED = torch.tensor([0.1, 0.25, 0.95])
SPACING = (1.0, 1.0, 1.0)


def offsets(shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> tuple[Tensor, ...]:
    axes = [(torch.arange(n) - n // 2) * s for n, s in zip(shape, spacing, strict=True)]
    return torch.meshgrid(*axes, indexing="ij")


def ball(
    shape: tuple[int, int, int], spacing: tuple[float, float, float], radius: float, *, softness: float = 0.5
) -> Tensor:
    """A ball in the middle; its border voxels are filled in part."""
    x, y, z = offsets(shape, spacing)
    return ((radius - (x**2 + y**2 + z**2).sqrt()) / (2 * softness) + 0.5).clamp(0, 1)


def phantom() -> Tensor:
    """Two smooth blobs of opposite sign on 32³."""
    x, y, z = offsets((32, 32, 32), SPACING)
    bump = 0.1 * torch.exp(-((x - 4) ** 2 + y**2 + (z + 2) ** 2) / 18)
    return bump - 0.06 * torch.exp(-((x + 5) ** 2 + (y - 3) ** 2 + z**2) / 24)


def relative_error(found: Tensor, chi: Tensor) -> float:
    """Error over size, both about their means: no field tells the mean."""
    difference = found - found.mean() - (chi - chi.mean())
    return float(difference.norm() / (chi - chi.mean()).norm())


@pytest.mark.parametrize("direction", [(0.0, 0.0, 1.0), (0.0, 0.6, 0.8), (0.5, -0.5, 0.7)])
@pytest.mark.parametrize(("spacing", "error"), [((1.0, 1.0, 1.0), 0.02), ((1.0, 1.0, 2.0), 0.035)])
def test_the_field_of_a_ball_is_the_analytic_one(
    direction: tuple[float, float, float], spacing: tuple[float, float, float], error: float
) -> None:
    shape = (96, 96, round(96 / spacing[2]))
    chi = ball(shape, spacing, 8.0, softness=spacing[2])
    # a round border does not change the field outside; the radius of the ball of the same volume is what counts
    cubed = float(chi.sum()) * math.prod(spacing) * 3 / (4 * math.pi)
    assert cubed ** (1 / 3) == pytest.approx(8.0, rel=0.03)
    along = torch.tensor(direction)
    field = local_field(chi, dipole_kernel(shape, spacing, along))
    x, y, z = offsets(shape, spacing)
    distance = (x**2 + y**2 + z**2).sqrt()
    unit = along / along.norm()
    cosine = (x * unit[0] + y * unit[1] + z * unit[2]) / distance.clamp(min=1e-6)
    outside = cubed / 3 / distance.clamp(min=1e-6) ** 3 * (3 * cosine**2 - 1)
    # errors are parts of the largest analytic value, 2/3 at the pole: what a grid of 1 or 2 mm cannot hold
    near = (distance > 11) & (distance < 20)
    assert float((field - outside)[near].abs().max()) < error * 2 / 3
    # with the sphere of Lorentz the field inside a ball is nought
    assert float(field[distance < 5].abs().max()) < error * 2 / 3


def test_the_field_is_linear_and_has_no_mean() -> None:
    chi = phantom()
    kernel = dipole_kernel((32, 32, 32), SPACING, UP)
    torch.testing.assert_close(local_field(3 * chi, kernel), 3 * local_field(chi, kernel))
    assert float(local_field(chi, kernel).mean().abs()) < 1e-8


def test_the_length_of_the_direction_does_not_matter() -> None:
    torch.testing.assert_close(dipole_kernel((8, 8, 8), SPACING, UP), dipole_kernel((8, 8, 8), SPACING, 7 * UP))


def test_the_kernel_is_zero_on_the_magic_cone_and_minus_two_thirds_along_the_field() -> None:
    kernel = dipole_kernel((16, 16, 16), SPACING, UP)
    assert kernel[0, 0, 3] == pytest.approx(-2 / 3)
    assert kernel[3, 0, 0] == pytest.approx(1 / 3)
    assert kernel[3, 3, 3] == pytest.approx(0.0, abs=1e-6)  # k at 54.7° to the field


@pytest.mark.parametrize(("strength", "most"), [(0.02, 0.14), (0.2, 0.42)])
def test_thresholded_division_recovers_a_smooth_phantom(strength: float, most: float) -> None:
    chi, kernel = phantom(), dipole_kernel((32, 32, 32), SPACING, TILTED)
    assert relative_error(invert_threshold(local_field(chi, kernel), kernel, strength), chi) < most


@pytest.mark.parametrize(("weight", "most"), [(1e-4, 0.15), (1e-2, 0.45)])
def test_tikhonov_recovers_a_smooth_phantom(weight: float, most: float) -> None:
    chi, kernel = phantom(), dipole_kernel((32, 32, 32), SPACING, TILTED)
    found = invert_tikhonov(local_field(chi, kernel), kernel, weight)
    assert relative_error(found, chi) < most
    assert float(found.max()) < float(chi.max())  # the penalty makes values too small, never too large


def test_total_variation_recovers_flat_patches_better_than_division() -> None:
    chi = 0.1 * ball((32, 32, 32), SPACING, 6.0)
    kernel = dipole_kernel((32, 32, 32), SPACING, TILTED)
    field = local_field(chi, kernel)
    found = relative_error(invert_total_variation(field, kernel, 2e-5, iterations=60), chi)
    assert found < 0.15
    assert found < relative_error(invert_threshold(field, kernel, 0.1), chi)


def test_total_variation_recovers_a_smooth_phantom() -> None:
    chi, kernel = phantom(), dipole_kernel((32, 32, 32), SPACING, TILTED)
    assert relative_error(invert_total_variation(local_field(chi, kernel), kernel, 1e-5, iterations=60), chi) < 0.04


def test_four_directions_recover_a_smooth_phantom() -> None:
    chi = phantom()
    turned = [UP, torch.tensor([0.0, 0.7, 0.7]), torch.tensor([0.7, 0.0, 0.7]), torch.tensor([0.6, -0.5, 0.6])]
    kernels = [dipole_kernel((32, 32, 32), SPACING, d) for d in turned]
    assert relative_error(invert_orientations([local_field(chi, k) for k in kernels], kernels), chi) < 0.02


def test_one_direction_leaves_the_cone_empty() -> None:
    chi, kernel = phantom(), dipole_kernel((32, 32, 32), SPACING, TILTED)
    assert relative_error(invert_orientations([local_field(chi, kernel)], [kernel]), chi) > 0.02


def test_smoothing_by_total_variation_lowers_noise_and_keeps_an_edge() -> None:
    torch.manual_seed(1)
    clean = torch.zeros(16, 16, 16)
    clean[8:] = 0.1
    noisy = clean + 0.01 * torch.randn(16, 16, 16)
    found = smooth_total_variation(noisy, 0.01, iterations=20)
    assert float((found - clean)[3:6].std()) < 0.5 * float((noisy - clean)[3:6].std())
    step = float(found[9:11].mean() - found[5:7].mean())
    assert step == pytest.approx(0.1, rel=0.15)
    assert math.isclose(float(found.mean()), float(noisy.mean()), rel_tol=1e-3)
