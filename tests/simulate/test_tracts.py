"""Uneven white matter: dark bundles, a bright rim, a dark peduncle."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from deepgray.simulate.framing import Found, Frame  # noqa: E402
from deepgray.simulate.tissues import INDEX  # noqa: E402
from deepgray.simulate.tracts import Tracts, add_tracts, draw_tracts  # noqa: E402
from deepgray.space import Grid  # noqa: E402

SHAPE = (40, 24, 20)


def frame() -> Frame:
    return Frame(Grid(SHAPE, np.eye(4)), torch.eye(3), torch.eye(3), torch.zeros(3), torch.zeros(3, 3, 3, 3))


def changed(tissues: np.ndarray, tracts: Tracts) -> np.ndarray:
    volume = torch.from_numpy(tissues.astype(np.uint8))
    return add_tracts(np.zeros(SHAPE, dtype=np.float32), Found(volume, volume > 0, volume > 0), frame(), tracts)


def test_white_matter_between_thalamus_and_pallidum_is_dark() -> None:
    tissues = np.full(SHAPE, INDEX["white matter"])
    tissues[:4], tissues[8:12] = INDEX["thalamus"], INDEX["internal pallidum"]
    found = changed(tissues, Tracts(-0.03, 0.0, 0.0, 0.0))
    assert found[5:7, 12, 10].max() < -0.015
    assert found[35, 12, 10] > -0.005
    assert abs(found[1, 12, 10]) < 1e-4  # the thalamus is as it was


def test_the_rim_under_the_cortex_is_bright() -> None:
    tissues = np.full(SHAPE, INDEX["white matter"])
    tissues[:10] = INDEX["cortex"]
    found = changed(tissues, Tracts(0.0, 0.0, 0.01, 0.0))
    # distances are taken on every second voxel: halfway between 2 and 4 mm, exp(-2 / 1.5) and exp(-4 / 1.5)
    assert found[11, 12, 10] == pytest.approx(0.01 * (0.2636 + 0.0695) / 2, rel=0.01)
    assert abs(found[30, 12, 10]) < 1e-5


def test_the_peduncle_is_dark_near_the_nigra() -> None:
    tissues = np.full(SHAPE, INDEX["brainstem"])
    tissues[:6] = INDEX["substantia nigra"]
    found = changed(tissues, Tracts(0.0, 0.0, 0.0, -0.04))
    # halfway between 2 and 4 mm: exp(-2 / 4) and exp(-4 / 4)
    assert found[7, 12, 10] == pytest.approx(-0.04 * (0.6065 + 0.3679) / 2, rel=0.01)
    assert found[35, 12, 10] > -0.002
    assert abs(found[2, 12, 10]) < 1e-4


def test_what_is_not_there_changes_nothing() -> None:
    assert not changed(np.full(SHAPE, INDEX["white matter"]), draw_tracts(np.random.default_rng(1))).any()
