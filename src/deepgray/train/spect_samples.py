"""Simulated DaT SPECT for the network that finds the head and the one that outlines the striatum of one side.

Every sample is another person: uptake by stage of disease, painted on voxels of a camera's size, blurred, hazed and
made noisy by ``simulate.spect_surrogate``; or one of those whom the full camera imaged beforehand
(``train.camera_people``), each time with another filter, turned and bent a little more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from deepgray.anatomy import HEMISPHERES, Side, scheme
from deepgray.recipe import Recipe
from deepgray.simulate import mr
from deepgray.simulate.spect import FILTER_MM
from deepgray.simulate.spect_surrogate import draw_surrogate, surrogate
from deepgray.simulate.tissues import TISSUES, output_lookup
from deepgray.simulate.uptake import activity_at, draw_uptake
from deepgray.simulate.whole_head import tissues_at
from deepgray.simulate.whole_head_spect import CAMERA_MM
from deepgray.space import FWHM_PER_SIGMA, apply_affine
from deepgray.train.camera_people import LABELS, CameraPerson
from deepgray.train.samples import EASY_SAMPLES, FAR_SHARE, Sample, SampleStream, shape_of
from deepgray.train.spect_heads import SpectHead
from deepgray.voxels.intensity import normalise

_Item = TypeVar("_Item")

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
# Part of the samples that the full camera imaged, where there are such people.
CAMERA_SHARE = 0.75

# The pose found on a SPECT scan is off by up to 5 degrees and 4 mm. Much more would take from the network what it knows
# of a nucleus that binds nothing: where in the head it lies.
OUTLINE_APPEARANCE = mr.Appearance(rotation_degrees=8.0, shift_mm=4.5, zoom=0.10, displacement_mm=1.6, control_mm=25.0)
# People in the camera are bent and zoomed already.
CAMERA_APPEARANCE = replace(OUTLINE_APPEARANCE, zoom=0.04, displacement_mm=0.6)
# A network that is shown whole heads knows the few that train it by heart, and outlines those of others less well,
# unless they are bent anew each time: single nuclei, or regions.
WIDE_APPEARANCES = (
    mr.Appearance(rotation_degrees=6.0, shift_mm=3.2, zoom=0.10, displacement_mm=2.4, control_mm=25.0),
    mr.Appearance(rotation_degrees=6.0, shift_mm=3.2, zoom=0.10, displacement_mm=3.0, control_mm=45.0),
)
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
        people: Those whom the full camera imaged.
        appearance: Limits of pose and deformation of the others.
        seed: Of the first worker; each worker adds its number.
    """

    def __init__(
        self,
        heads: list[SpectHead],
        recipe: Recipe,
        *,
        people: Sequence[CameraPerson] = (),
        appearance: mr.Appearance = OUTLINE_APPEARANCE,
        seed: int = 0,
    ) -> None:
        super().__init__(recipe, appearance=appearance, seed=seed)
        self.own = [h for h in heads if not h.placed]
        self.placed = [h for h in heads if h.placed]
        self.people = people
        self.table = torch.from_numpy(output_lookup(recipe.outputs).astype(np.int64))
        self.label_tables = [_label_table(recipe.outputs, side) for side in HEMISPHERES]

    def draw(self) -> Sample:
        """One sample from torch's generator."""
        if self.people and mr.chance(CAMERA_SHARE):
            return self._of_person(_one_of(self.people))
        return self._of_head()

    def _of_person(self, person: CameraPerson) -> Sample:
        """One side of somebody whom the camera imaged."""
        is_right = mr.chance(0.5)
        warp = mr.draw_warp(shape_of(self.recipe), (self.recipe.spacing_mm,) * 3, self.centre_mm, CAMERA_APPEARANCE)
        points = warp.points_mm * torch.tensor([-1.0, 1.0, 1.0]) if is_right else warp.points_mm
        image = _seen_by_camera(person, points)
        labels = mr.sample_nearest(torch.from_numpy(person.labels), torch.from_numpy(person.labels_affine), points)
        target = self.label_tables[int(is_right)][labels.long()]
        if mr.chance(CUT_SHARE):
            image = _cut(image)
        return Sample(mr.normalise(image)[None], target, torch.ones_like(target, dtype=torch.bool))

    def _of_head(self) -> Sample:
        heads = self.placed if self.placed and mr.chance(PLACED_SHARE) else self.own
        head = _one_of(heads)
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


class SpectWideSamples(SampleStream):
    """Whole heads, and what lies around the nuclei of both sides on the voxels of the answer.

    Args:
        recipe: Frame and outputs of the network.
        people: Those whom the full camera imaged; nobody else is shown.
        appearances: Limits of pose and deformation; each sample takes one of them.
        seed: Of the first worker; each worker adds its number.
    """

    def __init__(
        self,
        recipe: Recipe,
        *,
        people: Sequence[CameraPerson],
        appearances: Sequence[mr.Appearance] = WIDE_APPEARANCES,
        seed: int = 0,
    ) -> None:
        super().__init__(recipe, appearance=appearances[0], seed=seed)
        self.people, self.appearances = people, appearances
        left, right = (_label_table(recipe.outputs, side) for side in HEMISPHERES)
        self.table = torch.maximum(left, right)
        self.near = recipe.near
        self.seen, self.fineness = recipe.seen, round(float(recipe.seen.spacing_mm[0]) / recipe.spacing_mm)
        middle = (np.array(self.seen.shape) - 1) / 2
        self.middle_mm = torch.from_numpy(apply_affine(self.seen.affine_ras, middle)).float()

    def draw(self) -> Sample:
        """One sample from torch's generator."""
        person = _one_of(self.people)
        spacing_mm = float(self.seen.spacing_mm[0])
        warp = mr.draw_warp(self.seen.shape, (spacing_mm,) * 3, self.middle_mm, _one_of(self.appearances))
        points = warp.points_mm * torch.tensor([-1.0, 1.0, 1.0]) if mr.chance(0.5) else warp.points_mm
        image = _seen_by_camera(person, points)
        if mr.chance(CUT_SHARE):
            image = _cut(image)
        image = torch.from_numpy(normalise(image.numpy(), self.recipe.intensity, within=self.near))
        labels = torch.from_numpy(person.labels)
        around = points[tuple(slice(part.start - 1, part.stop + 1) for part in self.near)]
        inner = (slice(self.fineness, -self.fineness),) * 3
        places = _finer(around, self.fineness)[inner]
        target = self.table[mr.sample_nearest(labels, torch.from_numpy(person.labels_affine), places).long()]
        return Sample(image[None], target, torch.ones_like(target, dtype=torch.bool))


class SpectHeadSamples(SampleStream):
    """Whole heads: some turned by any angle, the others nearly upright.

    Args:
        heads: Heads to draw from.
        recipe: Frame of the network.
        people: Those whom the full camera imaged.
        appearance: Limits; its rotation is that of the nearly upright ones.
        seed: Of the first worker; each worker adds its number.
    """

    def __init__(
        self,
        heads: list[SpectHead],
        recipe: Recipe,
        *,
        people: Sequence[CameraPerson] = (),
        appearance: mr.Appearance = LOCATE_APPEARANCE,
        seed: int = 0,
    ) -> None:
        super().__init__(recipe, appearance=appearance, seed=seed)
        self.heads = heads
        self.people = people

    def next_sample(self) -> Sample:
        """Easy ones first: the largest rotation grows with what was drawn."""
        return self.draw(min(1.0, self.drawn / EASY_SAMPLES))

    def draw(self, difficulty: float = 1.0) -> Sample:
        """One sample from torch's generator; ``difficulty`` 0–1 is the part of the largest rotation."""
        limit = 180.0 if mr.chance(FAR_SHARE) else self.appearance.rotation_degrees
        appearance = replace(self.appearance, rotation_degrees=limit * max(0.1, difficulty))
        spacing_mm = self.recipe.spacing_mm
        points = mr.draw_warp(shape_of(self.recipe), (spacing_mm,) * 3, self.centre_mm, appearance).points_mm
        if self.people and mr.chance(CAMERA_SHARE):
            person = _one_of(self.people)
            image = _seen_by_camera(person, points)
            coarse, affine = person.coarse, person.affine
        else:
            head = _one_of(self.heads)
            activity = paint(head, points, spacing_mm)
            image = surrogate(activity, (spacing_mm,) * 3, draw_surrogate()).clamp(min=FAINTEST)
            if mr.chance(STRIPPED_SHARE):
                image = _stripped(image, tissues_at(head.head, points)[0])
            coarse, affine = head.coarse, head.coarse_affine
        target = mr.sample_nearest(torch.from_numpy(coarse), torch.from_numpy(affine), points).long()
        if mr.chance(self.appearance.cropped_share):
            image = _cut(image)
        target = target * (image != 0)
        return Sample(mr.normalise(image)[None], target, torch.ones_like(target, dtype=torch.bool))


def _one_of(items: Sequence[_Item]) -> _Item:
    """One at random, from torch's generator."""
    return items[int(torch.randint(len(items), (1,)))]


def _label_table(outputs: tuple[str, ...], side: Side) -> Tensor:
    """Output of the network, counted from 1, by label of one side's structures."""
    table = torch.zeros(256, dtype=torch.int64)
    for structure in scheme(LABELS).of_side(side):
        if structure.name in outputs:
            table[structure.label] = 1 + outputs.index(structure.name)
    return table


def _seen_by_camera(person: CameraPerson, points_mm: Tensor) -> Tensor:
    """A person's image at points, after any of the kept passes and any filter; sometimes the brain alone.

    Args:
        person: Somebody whom the camera imaged.
        points_mm: (x, y, z, 3) canonical mm.

    Returns:
        (x, y, z) float32, occipital grey matter about 1; zero outside the camera's field of view.
    """
    image = torch.from_numpy(person.images[int(torch.randint(len(person.images), (1,)))]).float()
    image = mr.gaussian_blur(image, (mr.uniform(*FILTER_MM) / FWHM_PER_SIGMA / CAMERA_MM,) * 3).clamp(min=FAINTEST)
    affine = torch.from_numpy(person.affine)
    seen = mr.sample_linear(image[None], affine, points_mm)[0]
    if mr.chance(STRIPPED_SHARE):
        return _stripped(seen, mr.sample_nearest(torch.from_numpy(person.tissues), affine, points_mm))
    return seen


def _finer(voxels: Tensor, times: int = COARSENESS) -> Tensor:
    """(x, y, z, channels) on voxels so many times as fine."""
    moved = voxels.permute(3, 0, 1, 2)[None]
    finer = functional.interpolate(moved, scale_factor=times, mode="trilinear", align_corners=False)
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
