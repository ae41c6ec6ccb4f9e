"""Background fields: known sources, and what spherical means leave of them."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.simulate import background  # noqa: E402
from deepgray.simulate.background import AIR_PPM, BONE_PPM, add_rim_artefacts, remove_background, source_table  # noqa: E402
from deepgray.simulate.dipole import dipole_kernel, local_field  # noqa: E402
from deepgray.simulate.tissues import INDEX  # noqa: E402

torch.set_num_threads(1)
SHAPE, SPACING = (48, 48, 36), (1.0, 1.0, 1.5)
UP = torch.tensor([0.0, 0.2, 1.0])
PLACES = np.stack(
    np.meshgrid(*[(np.arange(n) - (n - 1) / 2) * s for n, s in zip(SHAPE, SPACING, strict=True)], indexing="ij")
)
MASK = np.linalg.norm(PLACES, axis=0) < 17


def soft_ball(centre: tuple[float, float, float], radius: float) -> torch.Tensor:
    distance = np.linalg.norm(PLACES - np.array(centre)[:, None, None, None], axis=0)
    return torch.from_numpy(np.clip((radius - distance) / 2 + 0.5, 0, 1).astype(np.float32))


def test_air_and_bone_have_their_susceptibilities_and_the_brain_none() -> None:
    table = source_table()
    assert float(table[INDEX["air"]]) == pytest.approx(AIR_PPM)
    assert float(table[INDEX["cortical bone"]]) == pytest.approx(BONE_PPM)
    assert float(table[INDEX["red nucleus"]]) == float(table[INDEX["cortex"]]) == 0


def test_a_source_outside_is_removed_and_one_inside_stays() -> None:
    kernel = dipole_kernel(SHAPE, SPACING, UP)
    outside = local_field(5 * soft_ball((0, 0, 22), 3), kernel)
    inside = local_field(0.1 * soft_ball((0, 3, 0), 4), kernel)
    left, known = remove_background(outside, MASK, SPACING, (6.0, 4.0, 2.5))
    local, _ = remove_background(inside, MASK, SPACING, (6.0, 4.0, 2.5))
    assert float(left[known].std()) < 0.08 * float(outside[torch.from_numpy(known)].std())
    true = inside[known]
    assert np.corrcoef(local[known].numpy(), true.numpy())[0, 1] > 0.95


def test_the_edge_is_lost_by_the_smallest_radius() -> None:
    _, known = remove_background(torch.zeros(SHAPE), MASK, SPACING, (6.0, 3.0))
    assert not (known & ~MASK).any()
    depth = 17 - np.linalg.norm(PLACES, axis=0)
    assert depth[known].min() == pytest.approx(3.0, abs=1.6)


def test_nothing_is_known_without_radii() -> None:
    field, known = remove_background(torch.ones(SHAPE), MASK, SPACING, ())
    assert not known.any()
    assert not field.any()


@pytest.mark.parametrize(("kind", "middle_mm", "deepest_mm"), [(0, (0.0, 2.0), 10.0), (1, (2.0, 6.0), 16.0)])
def test_strong_artefacts_lie_at_the_rim_and_weak_ones_deeper(
    kind: int, middle_mm: tuple[float, float], deepest_mm: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "RIM_ARTEFACTS", (background.RIM_ARTEFACTS[kind],))
    torch.manual_seed(5)
    seen = torch.zeros(40, 36, 32)
    seen[4:-4, 4:-4, 4:-4] = 0.01
    depths, largest = [], []
    for _ in range(20):
        changed = add_rim_artefacts(seen, 0.8)
        assert ((changed == 0) >= (seen == 0)).all()
        change = (changed - seen).abs()
        places = torch.nonzero(change > 0.05)
        depths.append(torch.minimum(places - 4, torch.tensor(seen.shape) - 5 - places).min(dim=1).values * 0.8)
        largest.append(float(change.max()))
    assert middle_mm[0] <= torch.cat(depths).median() <= middle_mm[1]
    assert torch.cat(depths).max() < deepest_mm
    assert max(largest) > background.RIM_ARTEFACTS[0].ppm[0]


def test_a_map_without_a_rim_keeps_its_values() -> None:
    empty = torch.zeros(SHAPE)
    assert torch.equal(add_rim_artefacts(empty, 1.0), empty)
