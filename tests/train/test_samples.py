"""Training examples drawn from toy heads: what goes in and what is wanted lie on one another."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from toy_heads import centres_mm, labels_at, parts_at, toy_maps

torch = pytest.importorskip("torch", reason="torch (extra train) is not installed")

from drawing_networks import recipe_of  # noqa: E402

from deepgray.anatomy import Side  # noqa: E402
from deepgray.recipe import Recipe  # noqa: E402
from deepgray.simulate.mr import Appearance  # noqa: E402
from deepgray.simulate.tissues import INDEX, output_lookup, tissue_lookup  # noqa: E402
from deepgray.space import Box  # noqa: E402
from deepgray.train.heads import Head, Hemisphere  # noqa: E402
from deepgray.train.samples import HeadSamples, HemisphereSamples, Sample, shape_of  # noqa: E402
from deepgray.train.settings import RECIPES  # noqa: E402

torch.set_num_threads(1)  # small tensors
STILL = Appearance(rotation_degrees=0.0, shift_mm=0.0, zoom=0.0, displacement_mm=0.0, stripped_share=0.0)
BOX = {"low_mm": (-36.0, -24.0, -10.0), "high_mm": (4.0, 24.0, 22.0)}
OUTLINE, PARTS = recipe_of("striatum-outline", **BOX), recipe_of("striatum-subdivide", **BOX)
HEAD = Recipe(
    name="head-locate",
    version="1",
    modality="mr",
    spacing_mm=3.0,
    low_mm=(-96.0, -114.0, -84.0),
    high_mm=(96.0, 78.0, 108.0),
    mirrored=False,
    inputs=("image",),
    outputs=("thalamus", "striatum", "cerebellum", "brainstem", "rest of brain"),
)


def hemisphere(name: str, *, placed: bool = False) -> Hemisphere:
    """The left side of a toy head, cut into parts."""
    grid = Box((-50.0, -38.0, -24.0), (18.0, 38.0, 36.0)).grid(1.0)
    places = centres_mm(grid)
    tissues = tissue_lookup("freesurfer", Side.LEFT)[labels_at(places)]
    parts = parts_at(places)
    tissues[(tissues == INDEX["caudate/anterior caudate"]) & (parts == 2)] = INDEX["caudate/posterior caudate"]
    tissues[(tissues == INDEX["putamen/anterior putamen"]) & (parts == 5)] = INDEX["putamen/posterior putamen"]
    return Hemisphere(name, tissues, grid.affine_ras, placed)


def head() -> Head:
    labels, coarse, grid = toy_maps()
    return Head("anatomy-01", tissue_lookup("freesurfer", Side.LEFT)[labels], coarse, grid.affine_ras)


ANATOMY, NUCLEI = hemisphere("mine-01-left"), hemisphere("100-left", placed=True)
TOY = head()


def seeded(samples: HemisphereSamples | HeadSamples, seed: int = 3) -> Sample:
    torch.manual_seed(seed)
    return samples.draw()


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * float((one & other).sum()) / float(one.sum() + other.sum())


def test_an_outline_sample() -> None:
    sample = seeded(HemisphereSamples([ANATOMY], OUTLINE, appearance=Appearance()))
    assert shape_of(OUTLINE) == (20, 24, 16)
    assert sample.inputs.shape == (1, 20, 24, 16)
    assert sample.inputs.dtype == torch.float32
    assert -0.25 <= float(sample.inputs.min()) <= float(sample.inputs.max()) <= 1.75
    assert sample.target.dtype == torch.int64
    assert set(sample.target.unique().tolist()) == {0, 1, 2, 3, 4}
    assert bool(sample.inside.all())


def test_a_head_that_lies_still_is_wanted_where_it_is() -> None:
    sample = seeded(HemisphereSamples([ANATOMY], OUTLINE, appearance=STILL))
    labels = labels_at(centres_mm(OUTLINE.box.grid(OUTLINE.spacing_mm)))
    for channel, label in enumerate((11, 12, 26, 13), start=1):
        assert (
            dice(sample.target.numpy() == channel, labels == label) > 0.8
        )  # edges of both grids meet: half a voxel is open


def test_of_what_lies_on_both_sides_only_the_own_half_is_wanted() -> None:
    deep = RECIPES["deep-outline"]
    sample = seeded(HemisphereSamples([ANATOMY], deep, appearance=STILL))
    places = centres_mm(deep.box.grid(deep.spacing_mm))
    labels = labels_at(places)
    for name, label in (("thalamus", 10), ("ventral diencephalon", 28), ("third ventricle", 14)):
        wanted = (labels == label) & (places[..., 0] <= 0)
        assert dice(sample.target.numpy() == 1 + deep.outputs.index(name), wanted) > 0.7, name
    assert not sample.target.numpy()[places[..., 0] > 1].any()


def test_a_sample_for_the_parts_carries_masks_drawn_by_another() -> None:
    sample = seeded(HemisphereSamples([ANATOMY], PARTS, appearance=STILL))
    assert sample.inputs.shape == (4, 20, 24, 16)
    assert set(sample.inputs[1:].unique().tolist()) == {0.0, 1.0}
    assert torch.equal(sample.inside, sample.target > 0)
    labels = labels_at(centres_mm(PARTS.box.grid(PARTS.spacing_mm)))
    for mask, label in zip(sample.inputs[1:].numpy(), (11, 12, 26), strict=True):
        assert 0.6 < dice(mask > 0, labels == label) <= 1.0
    striatum = np.isin(labels, (11, 12, 26))
    assert dice(sample.target.numpy() > 0, striatum) > 0.85
    front = centres_mm(PARTS.box.grid(PARTS.spacing_mm))[..., 1]
    names = {name: number for number, name in enumerate(PARTS.outputs, start=1)}
    assert front[sample.target.numpy() == names["anterior caudate"]].min() > -1.5
    assert front[sample.target.numpy() == names["posterior caudate"]].max() < 1.5


def test_the_seed_decides() -> None:
    samples = HemisphereSamples([ANATOMY], OUTLINE, appearance=Appearance())
    one, again, other = (seeded(samples, seed) for seed in (1, 1, 2))
    assert torch.equal(one.inputs, again.inputs)
    assert torch.equal(one.target, again.target)
    assert not torch.equal(one.inputs, other.inputs)


@pytest.mark.parametrize(("share", "wanted"), [(0.0, {1}), (1.0, {2})])
def test_the_share_of_nuclei_decides_from_which_pool_is_drawn(share: float, wanted: set[int]) -> None:
    pools = HemisphereSamples([ANATOMY, NUCLEI], OUTLINE, appearance=STILL, nuclei_share=share)
    # Paint each map with one structure, to see which one was drawn.
    pools.maps = {
        name: torch.full_like(tissues, INDEX[structure])
        for (name, tissues), structure in zip(
            pools.maps.items(), ("caudate/anterior caudate", "putamen/anterior putamen"), strict=True
        )
    }
    found = {int(n) for seed in range(4) for n in seeded(pools, seed).target.unique()}
    assert found - {0} == wanted  # background beyond the midline, where the other side is


def test_nuclei_of_others_teach_parts_too() -> None:
    samples = HemisphereSamples([ANATOMY, NUCLEI], PARTS, appearance=STILL, nuclei_share=1.0)
    assert samples.pools == [[ANATOMY], [NUCLEI]]


def test_the_stream_never_ends() -> None:
    torch.manual_seed(0)
    stream = islice(HemisphereSamples([ANATOMY], OUTLINE, appearance=Appearance()), 3)
    assert [tuple(sample.target.shape) for sample in stream] == [(20, 24, 16)] * 3


def test_a_whole_head_is_wanted_on_the_grid_of_the_patches() -> None:
    sample = seeded(HeadSamples([TOY], HEAD, appearance=Appearance(), patch=2))
    assert sample.inputs.shape == (1, 64, 64, 64)
    assert sample.target.shape == sample.inside.shape == (32, 32, 32)
    assert set(sample.target.unique().tolist()) <= set(range(6))


def test_a_whole_head_that_lies_still_is_wanted_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepgray.train.samples.FAR_SHARE", 0.0)
    target = seeded(HeadSamples([TOY], HEAD, appearance=STILL, patch=2)).target.numpy()
    places = centres_mm(HEAD.box.grid(2 * HEAD.spacing_mm))
    labels = labels_at(places)
    for channel, wanted in ((1, (10, 49)), (4, (16, 28, 60)), (5, (2, 41, 3, 42, 14, 17, 53, 18, 54))):
        assert dice(target == channel, np.isin(labels, wanted)) > 0.7  # voxels of 6 mm
    # Both sides are one class.
    assert set(np.sign(places[target == 2][:, 0])) == {-1.0, 1.0}


def test_what_the_scanner_did_not_see_is_neither_shown_nor_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    slab = torch.zeros(64, 64, 64, dtype=torch.bool)
    slab[:, 20:41] = True  # half of the patch that holds voxel 40
    samples = HeadSamples([TOY], HEAD, appearance=Appearance(stripped_share=0.0), patch=2)
    monkeypatch.setattr(samples, "_field_of_view", lambda shape: slab)
    sample = seeded(samples)
    assert len(sample.inputs[0][~slab].unique()) == 1
    wanted = (sample.target > 0).any(dim=2).any(dim=0)
    assert torch.equal(wanted, (torch.arange(32) >= 10) & (torch.arange(32) < 20))


@pytest.mark.parametrize("seed", range(5))
def test_a_cropped_field_of_view_is_a_slab(seed: int) -> None:
    torch.manual_seed(seed)
    samples = HeadSamples([TOY], HEAD, appearance=Appearance(cropped_share=1.0))
    seen = samples._field_of_view((20, 30, 40))
    places = seen.nonzero()
    sides = places.max(dim=0).values - places.min(dim=0).values + 1
    assert int(sides.prod()) == len(places)
    part = sides / torch.tensor([20, 30, 40])
    assert sorted(part.tolist())[1:] == [1.0, 1.0]
    assert 0.3 < float(part.min()) <= 0.8


def test_easy_heads_come_first() -> None:
    torch.manual_seed(0)
    samples = HeadSamples([TOY], HEAD, appearance=Appearance())
    list(islice(samples, 2))
    assert samples.drawn == 2


def test_channels_of_the_recipe_are_those_of_the_tissues() -> None:
    assert output_lookup(OUTLINE.outputs)[INDEX["putamen/anterior putamen"]] == 2
