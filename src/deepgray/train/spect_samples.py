"""Simulated DaT SPECT for the network that finds the head and the one that outlines the striatum of one side.

Every sample is another person: uptake by stage of disease, painted on voxels of a camera's size, blurred, hazed and
made noisy by ``simulate.spect_surrogate``.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from deepgray.recipe import Recipe
from deepgray.simulate import mr
from deepgray.simulate.spect_surrogate import draw_surrogate, surrogate
from deepgray.simulate.tissues import TISSUES, output_lookup
from deepgray.simulate.uptake import activity_at, draw_uptake
from deepgray.simulate.whole_head import tissues_at
from deepgray.train.samples import EASY_SAMPLES, FAR_SHARE, Sample, SampleStream, shape_of
from deepgray.train.spect_heads import SpectHead

# Voxels of the painted image are this many of the network's: the finest detail is about 10 mm wide.
COARSENESS = 2
# Painted voxels around an outline's box whose blur reaches into it.
MARGIN = 8
# Random places in each painted voxel whose activity is averaged.
PLACES = 4
# Uptake is not quite even: relative standard deviation of its slow change.
UNEVEN, UNEVEN_POINTS = (0.0, 0.08), 5
CUT_SHARE = 0.12
# What is seen holds at least this; 0 is what is not seen.
FAINTEST = 1e-6
# Images of which only the brain was kept, as on group maps; of half of them without its fluid.
STRIPPED_SHARE = 0.2
# Part of the outline's samples whose nuclei are another person's, where there are such heads.
PLACED_SHARE = 0.5

# The pose found on a SPECT scan is off by a few degrees and millimetres.
OUTLINE_APPEARANCE = mr.Appearance(rotation_degrees=14.0, shift_mm=8.0, zoom=0.16, displacement_mm=2.2, control_mm=25.0)
LOCATE_APPEARANCE = mr.Appearance(
    rotation_degrees=25.0, shift_mm=20.0, zoom=0.2, displacement_mm=3.0, control_mm=40.0, cropped_share=0.25
)


def paint(head: SpectHead, points_mm: Tensor, spacing_mm: float) -> Tensor:
    """Activity of a new person at points of a head.

    Args:
        head: The head.
        points_mm: (x, y, z, 3) middles of voxels, canonical mm.
        spacing_mm: Side of the voxels.

    Returns:
        (x, y, z) float32, occipital grey matter 1.
    """
    person = draw_uptake(np.random.default_rng(int(torch.randint(2**31, (1,)))))
    image = torch.zeros(points_mm.shape[:-1])
    for _ in range(PLACES):
        places = points_mm + (torch.rand(points_mm.shape) - 0.5) * spacing_mm
        tissues, _ = tissues_at(head.head, places)
        image = image + activity_at(person, tissues, places) / PLACES
    uneven = mr.smooth_field(tuple(image.shape), (UNEVEN_POINTS,) * 3, 1)[0] * mr.uniform(*UNEVEN)
    return image * (1 + uneven.clamp(-0.3, 0.3))


class SpectOutlineSamples(SampleStream):
    """The box around one side's striatum, the right side mirrored.

    Args:
        heads: Heads to draw from.
        recipe: Frame and outputs of the network.
        appearance: Limits of pose and deformation.
        seed: Of the first worker; each worker adds its number.
    """

    def __init__(
        self, heads: list[SpectHead], recipe: Recipe, *, appearance: mr.Appearance = OUTLINE_APPEARANCE, seed: int = 0
    ) -> None:
        super().__init__(recipe, appearance=appearance, seed=seed)
        self.own = [h for h in heads if not h.placed]
        self.placed = [h for h in heads if h.placed]
        self.table = torch.from_numpy(output_lookup(recipe.outputs).astype(np.int64))

    def draw(self) -> Sample:
        """One sample from torch's generator."""
        heads = self.placed if self.placed and mr.chance(PLACED_SHARE) else self.own
        head = heads[int(torch.randint(len(heads), (1,)))]
        mirrored = mr.chance(0.5)
        fine_mm = self.recipe.spacing_mm
        spacing_mm = COARSENESS * fine_mm
        x, y, z = (n // COARSENESS + 2 * MARGIN for n in shape_of(self.recipe))
        warp = mr.draw_warp((x, y, z), (spacing_mm,) * 3, self.centre_mm, self.appearance)
        points = warp.points_mm * torch.tensor([-1.0, 1.0, 1.0]) if mirrored else warp.points_mm
        image = surrogate(paint(head, points, spacing_mm), (spacing_mm,) * 3, draw_surrogate()).clamp(min=FAINTEST)
        cut = (slice(MARGIN * COARSENESS, -MARGIN * COARSENESS),) * 3
        image = _finer(image[..., None])[cut][..., 0]
        tissues, left = tissues_at(head.head, _finer(points)[cut])
        if mr.chance(STRIPPED_SHARE):
            image = _stripped(image, tissues)
        if mr.chance(CUT_SHARE):
            image = _cut(image)
        target = self.table[tissues.long()] * (left ^ mirrored)
        return Sample(mr.normalise(image)[None], target, torch.ones_like(target, dtype=torch.bool))


class SpectHeadSamples(SampleStream):
    """Whole heads: some turned by any angle, the others nearly upright.

    Args:
        heads: Heads to draw from.
        recipe: Frame of the network.
        appearance: Limits; its rotation is that of the nearly upright ones.
        seed: Of the first worker; each worker adds its number.
    """

    def __init__(
        self, heads: list[SpectHead], recipe: Recipe, *, appearance: mr.Appearance = LOCATE_APPEARANCE, seed: int = 0
    ) -> None:
        super().__init__(recipe, appearance=appearance, seed=seed)
        self.heads = heads

    def next_sample(self) -> Sample:
        """Easy ones first: the largest rotation grows with what was drawn."""
        return self.draw(min(1.0, self.drawn / EASY_SAMPLES))

    def draw(self, difficulty: float = 1.0) -> Sample:
        """One sample from torch's generator; ``difficulty`` 0–1 is the part of the largest rotation."""
        head = self.heads[int(torch.randint(len(self.heads), (1,)))]
        limit = 180.0 if mr.chance(FAR_SHARE) else self.appearance.rotation_degrees
        appearance = replace(self.appearance, rotation_degrees=limit * max(0.1, difficulty))
        spacing_mm = self.recipe.spacing_mm
        warp = mr.draw_warp(shape_of(self.recipe), (spacing_mm,) * 3, self.centre_mm, appearance)
        activity = paint(head, warp.points_mm, spacing_mm)
        image = surrogate(activity, (spacing_mm,) * 3, draw_surrogate()).clamp(min=FAINTEST)
        target = mr.sample_nearest(
            torch.from_numpy(head.coarse), torch.from_numpy(head.coarse_affine), warp.points_mm
        ).long()
        if mr.chance(STRIPPED_SHARE):
            image = _stripped(image, tissues_at(head.head, warp.points_mm)[0])
        if mr.chance(self.appearance.cropped_share):
            image = _cut(image)
        target = target * (image != 0)
        return Sample(mr.normalise(image)[None], target, torch.ones_like(target, dtype=torch.bool))


def _finer(voxels: Tensor) -> Tensor:
    """(x, y, z, channels) on voxels ``COARSENESS`` times as fine."""
    moved = voxels.permute(3, 0, 1, 2)[None]
    finer = functional.interpolate(moved, scale_factor=COARSENESS, mode="trilinear", align_corners=False)
    return finer[0].permute(1, 2, 3, 0)


def _stripped(image: Tensor, tissues: Tensor) -> Tensor:
    """The brain alone, with or without its fluid."""
    kept = torch.tensor([t.inside_brain for t in TISSUES])
    if mr.chance(0.5):
        kept = kept & torch.tensor([t.family != "fluid" for t in TISSUES])
    return image * kept[tissues.long()]


def _cut(image: Tensor) -> Tensor:
    """What a field of view that ends early shows: nothing beyond one or two planes across an axis."""
    axis = int(torch.randint(3, (1,)))
    count = image.shape[axis]
    low = int(mr.uniform(0.0, 0.35) * count)
    high = count - (int(mr.uniform(0.0, 0.35) * count) if mr.chance(0.5) else 0)
    keep = torch.zeros(count, dtype=torch.bool)
    keep[low:high] = True
    shape = [1, 1, 1]
    shape[axis] = count
    return image * keep.reshape(shape)
