"""The weights that ship, on a real susceptibility map of one person."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepgray.pipeline import analyse_head, find_head
from deepgray.read import read
from deepgray.result import Examination, Result
from deepgray.scan import Scan
from deepgray.space import reordered_grid

MAP = Path("qsm") / "challenge2016_Chimap.nii.gz"
# Published means and standard deviations of healthy adults, ppm, and volumes of one side, widened.
PLAUSIBLE = {
    "red nucleus": (0.095, 0.022, 120, 400),
    "substantia nigra": (0.105, 0.028, 250, 700),
    "subthalamic nucleus": (0.095, 0.020, 60, 220),
    "dentate nucleus": (0.100, 0.035, 400, 1600),
}


@pytest.fixture(scope="module")
def chi(shared_data: Path) -> Scan:
    """The in-vivo map of the 2016 reconstruction challenge."""
    return read(shared_data / MAP, modality="qsm")


@pytest.fixture(scope="module")
def results(chi: Scan) -> dict[str, Result]:
    """Both tasks."""
    head = find_head(Examination(chi), "midbrain")
    return {task: analyse_head(head, task) for task in ("midbrain", "dentate")}


@pytest.mark.parametrize("task", ["midbrain", "dentate"])
def test_volume_and_susceptibility_are_those_of_adults_and_the_sides_are_alike(
    results: dict[str, Result], task: str
) -> None:
    found = {(m.structure, m.side, m.quantity): m.value for m in results[task].measurements}
    for structure in dict.fromkeys(m.structure for m in results[task].measurements):
        mean, spread, low, high = PLAUSIBLE[structure]
        sides = [found[structure, side, "susceptibility_mean"] for side in ("left", "right")]
        volumes = [found[structure, side, "volume"] for side in ("left", "right")]
        for value, volume in zip(sides, volumes, strict=True):
            assert abs(value - mean) < 2 * spread, (structure, sides)
            assert low < volume < high, (structure, volumes)
        assert abs(sides[0] - sides[1]) < 0.25 * mean
        assert abs(volumes[0] - volumes[1]) < 0.25 * np.mean(volumes)


def test_the_order_of_the_axes_changes_nothing(chi: Scan, results: dict[str, Result]) -> None:
    order, flips = (2, 0, 1), (True, False, True)
    array = np.ascontiguousarray(np.flip(chi.voxels.transpose(order), axis=(0, 2)))
    stored = replace(chi, voxels=array, affine_ras=reordered_grid(chi.grid, order, flips).affine_ras)
    again = analyse_head(find_head(Examination(stored), "midbrain"), "midbrain")
    wanted = np.flip(results["midbrain"].outline.labels.voxels.transpose(order), axis=(0, 2))
    np.testing.assert_array_equal(again.outline.labels.voxels, wanted)


def test_a_mirrored_person_keeps_left_on_the_left(chi: Scan, results: dict[str, Result]) -> None:
    mirrored = replace(chi, voxels=np.ascontiguousarray(chi.voxels[::-1]))
    found = analyse_head(find_head(Examination(mirrored), "midbrain"), "midbrain").outline.labels
    for labels in (found, results["midbrain"].outline.labels):
        places = {}
        for s in labels.scheme.structures:
            index = np.argwhere(labels.mask(s)).mean(axis=0)
            places[s.key] = float((labels.affine_ras[:3, :3] @ index + labels.affine_ras[:3, 3])[0])
        for name in ("red nucleus", "substantia nigra", "subthalamic nucleus"):
            assert places[f"left {name}"] < places[f"right {name}"] - 4.0
