"""The weights that ship, on real scans: what a user gets."""

from __future__ import annotations

import importlib.util
import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepgray import models
from deepgray.anatomy import scheme
from deepgray.evaluate import compare, mapping
from deepgray.pipeline import analyse
from deepgray.read import read, read_mask
from deepgray.result import Result
from deepgray.scan import Scan
from deepgray.space import apply_affine, reordered_grid

# Means and spread of many studies of adults, widened: a volume outside is a failure, whoever the person is.
PLAUSIBLE_MM3 = {"caudate": (2000, 7500), "putamen": (2800, 9000), "accumbens": (200, 1500), "pallidum": (700, 3500)}


@pytest.fixture(scope="module")
def template() -> Scan:
    """The average of 152 people that the nilearn wheel ships."""
    found = importlib.util.find_spec("nilearn")
    if found is None or not found.submodule_search_locations:
        pytest.skip("nilearn is not installed (extra demo)")
    folder = Path(found.submodule_search_locations[0]) / "datasets" / "data"
    return read(folder / "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz")


@pytest.fixture(scope="module")
def result(template: Scan) -> Result:
    """The template, outlined."""
    return analyse(template)


def test_every_network_that_a_task_names_is_the_one_that_was_shipped() -> None:
    for entry in models.entries():
        assert models.verify(entry) == entry.sha256
        assert models.load(entry.name).recipe.name == entry.name
        assert entry.sha256 in models.card(entry.name)


def test_volumes_of_the_template_are_those_of_adults(result: Result) -> None:
    for m in result.measurements:
        if m.quantity == "volume" and m.structure in PLAUSIBLE_MM3 and m.side in {"left", "right"}:
            low, high = PLAUSIBLE_MM3[m.structure]
            assert low < m.value < high, m
    assert not [flag for flag in result.flags if flag.startswith("review: the pose")]


def test_every_number_is_told_once(result: Result) -> None:
    told = [(m.structure, m.side, m.quantity) for m in result.measurements]
    assert len(told) == len(set(told))
    assert ("striatum", "left", "volume") in told
    assert ("ventral putamen", "right", "volume") in told


def test_left_is_left_and_the_template_is_about_symmetric(result: Result, template: Scan) -> None:
    volumes = {}
    for s in result.outline.labels.scheme.structures:
        index = np.argwhere(result.outline.labels.mask(s))
        x = apply_affine(template.affine_ras, index)[:, 0]
        assert (x.mean() < 0) == (s.side == "left"), s.key
        volumes[s.key] = len(index)
    for name in ("caudate", "putamen", "pallidum"):
        assert volumes[f"left {name}"] / volumes[f"right {name}"] == pytest.approx(1, abs=0.12)


def test_parts_fill_the_striatum_and_nothing_else(result: Result) -> None:
    assert result.parts is not None
    striatum = [s.label for s in scheme("striatum").structures if s.name != "pallidum"]
    np.testing.assert_array_equal(result.parts.labels.voxels > 0, np.isin(result.outline.labels.voxels, striatum))
    for s in result.parts.labels.scheme.structures:
        assert result.parts.labels.mask(s).any(), s.key


@pytest.mark.parametrize(("order", "flips"), [((2, 0, 1), (True, False, True)), ((1, 0, 2), (False, True, False))])
def test_another_order_of_the_axes_gives_the_same_labels(
    template: Scan, result: Result, order: tuple[int, int, int], flips: tuple[bool, bool, bool]
) -> None:
    axes = tuple(a for a in range(3) if flips[a])
    grid = reordered_grid(template.grid, order, flips)
    voxels = np.ascontiguousarray(np.flip(template.voxels.transpose(order), axes))
    found = analyse(replace(template, voxels=voxels, affine_ras=grid.affine_ras))
    assert found.outline.labels.voxels.shape == grid.shape
    np.testing.assert_array_equal(found.outline.labels.affine_ras, grid.affine_ras)
    expected = np.flip(result.outline.labels.voxels.transpose(order), axes)
    assert int((found.outline.labels.voxels != expected).sum()) <= 2  # rounding at the seventh digit may tip a voxel


def test_a_mirrored_person_keeps_left_on_the_left(template: Scan, result: Result) -> None:
    mirrored = analyse(replace(template, voxels=np.ascontiguousarray(template.voxels[::-1])))
    for s, side in itertools.product(scheme("striatum").structures, ("left", "right")):
        if s.side == side:
            x = apply_affine(template.affine_ras, np.argwhere(mirrored.outline.labels.mask(s)))[:, 0]
            assert (x.mean() < 0) == (side == "left"), s.key


def test_a_head_lying_on_its_ear_is_outlined_like_an_upright_one(template: Scan, result: Result) -> None:
    turn = np.eye(4)
    turn[:3, :3] = [[0, 0, 1], [0, 1, 0], [-1, 0, 0]]
    affine = turn @ template.affine_ras
    found = analyse(replace(template, affine_ras=affine)).outline.labels
    for name in ("caudate", "putamen"):
        for s in [s for s in found.scheme.structures if s.name == name]:
            both = int((found.mask(s) & result.outline.labels.mask(s)).sum())
            dice = 2 * both / (int(found.mask(s).sum()) + int(result.outline.labels.mask(s).sum()))
            assert dice > 0.93, s.key


@pytest.mark.parametrize("stem", ["1000", "1036"])
def test_a_manually_labelled_scan(shared_data: Path, stem: str) -> None:
    scan = read(shared_data / "malc" / f"{stem}_T1w.nii.gz")
    truth = read_mask(shared_data / "malc" / f"{stem}_dseg.nii.gz")
    scores = compare(analyse(scan).outline.labels, mapping("neuromorphometrics").read(truth.voxels, truth.affine_ras))
    dice = {s.structure: s.dice for s in scores if s.side == "both"}
    assert dice["caudate"] > 0.80
    assert dice["putamen"] > 0.80
    assert dice["accumbens"] > 0.5
