"""Simulated DaT SPECT for training: image and wanted answer lie on one another, and sides keep their sides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from toy_heads import centres_mm, labels_at

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from toy_spect import toy_spect_head  # noqa: E402

from deepgray.simulate.mr import Appearance  # noqa: E402
from deepgray.space import Box, apply_affine, inverse  # noqa: E402
from deepgray.train import spect_samples  # noqa: E402
from deepgray.train.camera_people import CameraPerson  # noqa: E402
from deepgray.train.samples import Sample, shape_of  # noqa: E402
from deepgray.train.settings import RECIPES  # noqa: E402
from deepgray.train.spect_heads import SpectHead  # noqa: E402
from deepgray.train.spect_samples import SpectHeadSamples, SpectOutlineSamples, SpectWideSamples  # noqa: E402

torch.set_num_threads(1)  # small tensors
STILL = Appearance(rotation_degrees=0.0, shift_mm=0.0, zoom=0.0, displacement_mm=0.0, cropped_share=0.0)
OUTLINE = replace(RECIPES["datspect-outline"], spacing_mm=3.0)
HEAD = replace(RECIPES["head-locate-spect"], spacing_mm=8.0)


@pytest.fixture(scope="module")
def toy() -> SpectHead:
    return toy_spect_head()


def seeded(samples: SpectOutlineSamples | SpectHeadSamples | SpectWideSamples, seed: int) -> Sample:
    torch.manual_seed(seed)
    return samples.draw()


@pytest.fixture
def never_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spect_samples, "CUT_SHARE", 0.0)


def test_an_outline_sample(toy: SpectHead) -> None:
    sample = seeded(SpectOutlineSamples([toy], OUTLINE), 1)
    assert sample.inputs.shape == (1, *shape_of(OUTLINE)) == (1, 20, 28, 24)
    assert sample.inputs.dtype == torch.float32
    assert sample.target.dtype == torch.int64
    assert set(sample.target.unique().tolist()) == {0, 1, 2, 3}
    assert -0.25 <= float(sample.inputs.min()) < float(sample.inputs.max()) <= 1.75


@pytest.mark.usefixtures("never_cut")
def test_both_sides_come_as_a_left_one_with_their_own_size(toy: SpectHead) -> None:
    samples = SpectOutlineSamples([toy], OUTLINE, appearance=STILL)
    seen = {int((seeded(samples, seed).target == 1).sum()) for seed in range(12)}
    grid = OUTLINE.box.grid(OUTLINE.spacing_mm)
    left = labels_at(centres_mm(grid)) == 11
    right = labels_at(centres_mm(grid) * np.array([-1.0, 1.0, 1.0])) == 50
    assert len(seen) == 2
    assert left.sum() > 1.1 * right.sum()
    assert sorted(seen) == [pytest.approx(right.sum(), rel=0.1), pytest.approx(left.sum(), rel=0.1)]


@pytest.mark.usefixtures("never_cut")
def test_the_structures_on_the_other_side_are_not_wanted(toy: SpectHead) -> None:
    sample = seeded(SpectOutlineSamples([toy], OUTLINE, appearance=STILL), 2)
    x = centres_mm(OUTLINE.box.grid(OUTLINE.spacing_mm))[..., 0]
    assert not sample.target.numpy()[x > 1.5].any()


@pytest.mark.usefixtures("never_cut")
def test_the_striatum_is_brighter_than_what_lies_around_it(toy: SpectHead) -> None:
    for seed in range(6):
        sample = seeded(SpectOutlineSamples([toy], OUTLINE), seed)
        inside = sample.target > 0
        assert float(sample.inputs[0][inside].mean()) > 1.2 * float(sample.inputs[0][~inside].mean())


def test_a_whole_head_sample(toy: SpectHead, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spect_samples, "FAR_SHARE", 0.0)
    sample = seeded(SpectHeadSamples([toy], HEAD, appearance=STILL), 1)
    assert sample.inputs.shape == (1, *shape_of(HEAD)) == (1, 28, 28, 28)
    found = {n: np.argwhere(sample.target.numpy() == n).mean(axis=0) * 8.0 + np.array(HEAD.low_mm) for n in (1, 2)}
    # the voxel's middle is half a voxel from its corner; both sides together lie in the middle
    np.testing.assert_allclose(found[1] + 4.0, (0, -20, 7.5), atol=6.0)
    assert found[2][1] > found[1][1] + 8


def test_what_a_cut_scan_does_not_show_is_not_wanted(toy: SpectHead) -> None:
    samples = SpectHeadSamples([toy], HEAD, appearance=replace(STILL, cropped_share=1.0))
    cut = 0
    for seed in range(6):
        torch.manual_seed(seed)
        sample = samples.draw(0.0)
        lowest = sample.inputs[0].min()
        missing = (sample.inputs[0] == lowest).numpy()
        planes = [missing.all(axis=tuple(a for a in range(3) if a != axis)) for axis in range(3)]
        cut += sum(int(p.sum()) for p in planes) > 0
        assert not sample.target.numpy()[missing].any()
    assert cut >= 4  # a drawn cut may be thinner than a voxel


def test_the_same_seed_gives_the_same_sample(toy: SpectHead) -> None:
    samples = SpectOutlineSamples([toy], OUTLINE)
    one, again, other = (seeded(samples, seed) for seed in (4, 4, 5))
    assert torch.equal(one.inputs, again.inputs)
    assert not torch.equal(one.inputs, other.inputs)


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> CameraPerson:
    """Two passes, the later one twice as bright: a ball on the left at (-20, 4, 6), a smaller one on the right."""
    monkeypatch.setattr(spect_samples, "CAMERA_SHARE", 1.0)
    monkeypatch.setattr(spect_samples, "CAMERA_APPEARANCE", STILL)
    monkeypatch.setattr(spect_samples, "CUT_SHARE", 0.0)
    monkeypatch.setattr(spect_samples, "STRIPPED_SHARE", 0.0)
    grid, fine = Box((-90.0, -90.0, -90.0), (90.0, 90.0, 90.0)).grid(3.0), Box((-40, -20, -20), (40, 30, 30)).grid(1.0)

    def balls(points: np.ndarray, left: int, right: int) -> np.ndarray:
        near = [np.linalg.norm(points - np.array([x, 4, 6]), axis=-1) for x in (-20, 20)]
        return (left * (near[0] < 9) + right * (near[1] < 6)).astype(np.uint8)

    places = centres_mm(grid)
    image = 1 + 2.0 * balls(places, 1, 1)
    coarse, tissues = balls(places, 2, 2), np.ones(grid.shape, np.uint8)
    images = np.stack([image, 2 * image]).astype(np.float16)
    labels = balls(centres_mm(fine), 12, 51)
    return CameraPerson("ball", images, grid.affine_ras, tissues, coarse, labels, fine.affine_ras)


def test_sides_of_somebody_in_the_camera_keep_their_size_and_place(toy: SpectHead, person: CameraPerson) -> None:
    samples = SpectOutlineSamples([toy], OUTLINE, people=[person])
    drawn = [seeded(samples, seed) for seed in range(8)]
    volumes = sorted({int((s.target == 2).sum()) for s in drawn})  # 2: the putamen
    assert volumes == [pytest.approx(4 / 3 * np.pi * r**3 / 27, rel=0.15) for r in (6, 9)]
    for sample in drawn:
        places = centres_mm(OUTLINE.box.grid(OUTLINE.spacing_mm))[sample.target.numpy() == 2]
        np.testing.assert_allclose(places.mean(axis=0), (-20, 4, 6), atol=1.0)
        assert set(sample.target.unique().tolist()) == {0, 2}
        assert float(sample.inputs[0][sample.target == 2].mean()) > 0.6
        assert float(sample.inputs.median()) < 0.1


def test_filters_differ_from_sample_to_sample(toy: SpectHead, person: CameraPerson) -> None:
    samples = SpectOutlineSamples([toy], OUTLINE, people=[person])
    assert len({round(float(seeded(samples, seed).inputs.std()), 4) for seed in range(8)}) > 4


@pytest.mark.usefixtures("person")
def test_some_samples_are_the_surrogates_where_the_camera_has_people(
    toy: SpectHead, person: CameraPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spect_samples, "CAMERA_SHARE", 0.5)
    samples = SpectOutlineSamples([toy], OUTLINE, people=[person])
    with_caudate = [bool((seeded(samples, seed).target == 1).any()) for seed in range(12)]
    assert 2 <= sum(with_caudate) <= 10  # only the toy head has one


def test_a_whole_head_in_the_camera(toy: SpectHead, person: CameraPerson) -> None:
    sample = seeded(SpectHeadSamples([toy], replace(HEAD, spacing_mm=4.0), people=[person], appearance=STILL), 3)
    bright = (sample.target == 2).numpy()
    assert bright.sum() == pytest.approx(4 / 3 * np.pi * (9**3 + 6**3) / 64, rel=0.2)
    assert float(sample.inputs[0][sample.target == 2].mean()) > 0.5


def test_a_wide_sample_shows_the_head_and_wants_both_sides(person: CameraPerson) -> None:
    """The balls at x = ∓20 of 9 and 6 mm, or mirrored; the answer lies where the image is bright."""
    wide = RECIPES["datspect-wide"]
    samples = SpectWideSamples(wide, people=[person], appearances=[STILL])
    sizes = set()
    for seed in range(6):
        sample = seeded(samples, seed)
        assert sample.inputs.shape == (1, *wide.seen.shape)
        assert sample.target.shape == (64, 64, 48)
        assert set(sample.target.unique().tolist()) == {0, 2}
        grid = Box((-48.0, *wide.low_mm[1:]), (48.0, *wide.high_mm[1:])).grid(1.5)
        places = centres_mm(grid)[sample.target.numpy() == 2]
        left, right = places[places[:, 0] < 0], places[places[:, 0] > 0]
        np.testing.assert_allclose(left.mean(axis=0), (-20, 4, 6), atol=0.8)
        np.testing.assert_allclose(right.mean(axis=0), (20, 4, 6), atol=0.8)
        sizes.add(len(left) > len(right))
        assert max(len(left), len(right)) == pytest.approx(4 / 3 * np.pi * 9**3 / 1.5**3, rel=0.1)
        seen = apply_affine(inverse(wide.seen.affine_ras), [[-20, 4, 6], [20, 4, 6], [0, 4, 6]]).round().astype(int)
        bright = sample.inputs[0].numpy()[tuple(seen.T)]
        assert bright[:2].min() > 2 * bright[2]
    assert sizes == {True, False}
