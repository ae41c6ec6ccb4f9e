"""What a network is shown while it learns: one endless stream of samples per kind of network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.utils.data import IterableDataset

from deepgray.recipe import Recipe
from deepgray.simulate import mr
from deepgray.simulate.margin import as_seen, surroundings
from deepgray.simulate.tissues import output_lookup
from deepgray.space import Grid
from deepgray.train.heads import Head, Hemisphere

# Standard deviation of the blur of one-sided samples. On real T1 scans the intensity crosses the border of manual
# striatal labels as after a Gaussian of about 0.9 mm; sharper training scans make outlines too large.
POINT_SPREAD_MM = (0.35, 1.15)
# The largest rotation is reached after this many samples.
EASY_SAMPLES = 1200
# Share of heads that are turned by any angle.
FAR_SHARE = 0.4


@dataclass(frozen=True, eq=False)
class Sample:
    """One training example.

    Attributes:
        inputs: (channels, x, y, z) float32.
        target: (x, y, z) int64 classes.
        inside: (x, y, z) bool, where the answer counts. For the whole-head network both answers lie on the coarser
            grid of its first level.
    """

    inputs: Tensor
    target: Tensor
    inside: Tensor


def on_device(array: NDArray[np.generic]) -> Tensor:
    """An array as a tensor where samples are made: a GPU where there is one."""
    return torch.from_numpy(array).to(torch.get_default_device())


def shape_of(recipe: Recipe) -> tuple[int, int, int]:
    """Voxels of the recipe's box."""
    return recipe.grid.shape


class SampleStream(IterableDataset[Sample]):
    """An endless stream of samples for one network.

    Args:
        recipe: Frame, inputs and outputs of the network.
        appearance: Limits of pose and deformation.
        seed: Of the first worker; each worker adds its number.
    """

    def __init__(self, recipe: Recipe, *, appearance: mr.Appearance, seed: int) -> None:
        self.recipe, self.appearance, self.seed = recipe, appearance, seed
        self.drawn = 0

    @property
    def centre_mm(self) -> Tensor:
        """(3,) middle of the network's box."""
        return (torch.tensor(self.recipe.box.low_mm) + torch.tensor(self.recipe.box.high_mm)) / 2

    def __iter__(self) -> Iterator[Sample]:
        worker = torch.utils.data.get_worker_info()
        if worker is not None:
            torch.manual_seed(self.seed + 1000 * worker.id)
        while True:
            self.drawn += 1
            yield self.next_sample()

    def next_sample(self) -> Sample:
        """The next one of the stream."""
        return self.draw()

    def draw(self) -> Sample:
        """One sample from torch's generator."""
        raise NotImplementedError


class HemisphereSamples(SampleStream):
    """Simulated one-sided scans for ``striatum-outline``, ``deep-outline`` and ``striatum-subdivide``.

    Args:
        hemispheres: Tissue maps to draw from, anatomies and nuclei in donors alike.
        recipe: Frame, inputs and outputs of the network.
        appearance: Limits of the simulation.
        nuclei_share: Share of samples drawn from maps of nuclei placed in donors, if there are any.
        seed: Of the first worker; each worker adds its number.
    """

    def __init__(
        self,
        hemispheres: list[Hemisphere],
        recipe: Recipe,
        *,
        appearance: mr.Appearance,
        nuclei_share: float = 0.6,
        seed: int = 0,
    ) -> None:
        super().__init__(recipe, appearance=appearance, seed=seed)
        whole = [h for h in hemispheres if not h.placed]
        self.pools = [p for p in (whole, [h for h in hemispheres if h.placed]) if p]
        self.nuclei_share = nuclei_share
        self.maps = {h.name: on_device(h.tissues) for h in hemispheres}
        grid = Grid(hemispheres[0].tissues.shape, hemispheres[0].affine)
        self.around = {h.name: surroundings(h.tissues, grid) for h in hemispheres}
        self.affine = on_device(grid.affine_ras)
        self.table = on_device(output_lookup(recipe.outputs).astype(np.int64))
        self.mask_tables = [on_device(output_lookup((n,)) > 0) for n in recipe.inputs[1:]]

    def draw(self) -> Sample:
        """One sample from torch's generator."""
        pool = self.pools[-1] if mr.chance(self.nuclei_share) else self.pools[0]
        name = pool[int(torch.randint(len(pool), (1,)))].name
        tissues = self.maps[name]
        spacing = self.recipe.spacing_mm
        shape = shape_of(self.recipe)
        warp = mr.draw_warp(shape, (spacing, spacing, spacing), self.centre_mm, self.appearance)
        image = self._image(name, warp.points_mm, shape)
        answer = mr.sample_nearest(tissues, self.affine, warp.points_mm).long()
        # Thalamus, ventricle and others are one tissue on both sides; only this side's half is the answer.
        target = self.table[answer] * (warp.points_mm[..., 0] <= 0)
        if not self.mask_tables:
            return Sample(image[None], target, torch.ones_like(target, dtype=torch.bool))
        drawn = self._drawn_by_another(tissues, warp.points_mm, shape)
        masks = torch.stack([table[drawn] for table in self.mask_tables]).float()
        return Sample(torch.cat([image[None], masks]), target, target > 0)

    def _image(self, name: str, points_mm: Tensor, shape: tuple[int, int, int]) -> Tensor:
        """Painted finer than the network sees it, so that borders hold true partial volume."""
        spacing = self.recipe.spacing_mm
        fineness = 1.35 if mr.chance(0.7) else 1.0
        fine_shape = tuple(round(n * fineness) for n in shape)
        points = points_mm
        if fineness > 1:
            moved = points_mm.permute(3, 0, 1, 2)[None]
            moved = functional.interpolate(moved, size=fine_shape, mode="trilinear", align_corners=False)
            points = moved[0].permute(1, 2, 3, 0)
        labelled = mr.sample_nearest(self.maps[name], self.affine, points)
        seen = as_seen(labelled, points, self.around[name], self.appearance.margin_mm)
        image = mr.paint(seen, self.appearance)
        sigma = mr.uniform(*POINT_SPREAD_MM) * fineness / spacing
        image = mr.gaussian_blur(image, (sigma, sigma, sigma))
        image = functional.interpolate(image[None, None], size=shape, mode="trilinear", align_corners=False)[0, 0]
        return mr.normalise(mr.acquire(image, spacing, self.appearance))

    def _drawn_by_another(self, tissues: Tensor, points_mm: Tensor, shape: tuple[int, int, int]) -> Tensor:
        """The masks as an imperfect outline would give them: bent by about a millimetre."""
        control = tuple(max(3, n // 6) for n in shape)
        bend = mr.smooth_field(shape, control, 3).permute(1, 2, 3, 0) * mr.uniform(0.0, 1.0)
        return mr.sample_nearest(tissues, self.affine, points_mm + bend).long()


class HeadSamples(SampleStream):
    """Simulated whole heads for ``head-locate``: some turned by any angle, the others nearly upright.

    The answers lie on the coarser grid of the network's first level (``patch``).

    Args:
        heads: Tissue maps to draw from.
        recipe: Frame of the network.
        appearance: Limits of the simulation; its rotation is that of the nearly upright ones.
        patch: Voxels that the network's first level takes together along each axis.
        seed: Of the first worker; each worker adds its number.
    """

    def __init__(
        self, heads: list[Head], recipe: Recipe, *, appearance: mr.Appearance, patch: int = 2, seed: int = 0
    ) -> None:
        super().__init__(recipe, appearance=appearance, seed=seed)
        self.patch = patch
        self.heads = [(on_device(h.tissues), on_device(h.coarse), on_device(h.affine)) for h in heads]

    def next_sample(self) -> Sample:
        """Easy ones first: the largest rotation grows with what was drawn."""
        return self.draw(min(1.0, self.drawn / EASY_SAMPLES))

    def draw(self, difficulty: float = 1.0) -> Sample:
        """One sample from torch's generator.

        Args:
            difficulty: 0–1, the part of the largest rotation that is reached.
        """
        tissues, coarse, affine = self.heads[int(torch.randint(len(self.heads), (1,)))]
        limit = 180.0 if mr.chance(FAR_SHARE) else self.appearance.rotation_degrees
        appearance = replace(self.appearance, rotation_degrees=limit * max(0.1, difficulty))
        spacing = self.recipe.spacing_mm
        shape = shape_of(self.recipe)
        warp = mr.draw_warp(shape, (spacing, spacing, spacing), self.centre_mm, appearance)
        seen = self._field_of_view(shape)
        image = mr.paint(mr.sample_nearest(tissues, affine, warp.points_mm) * seen, appearance)
        sigma = mr.uniform(0.2, 0.6)
        image = mr.gaussian_blur(image, (sigma, sigma, sigma)) * seen
        image = mr.normalise(mr.acquire(image, spacing, appearance) * seen)
        target = mr.sample_nearest(coarse, affine, self._coarser(warp.points_mm)).long()
        target = target * (functional.avg_pool3d(seen.float()[None], self.patch)[0] > 0.5)
        return Sample(image[None], target, torch.ones_like(target, dtype=torch.bool))

    def _coarser(self, points_mm: Tensor) -> Tensor:
        """(x, y, z, 3) averaged over patches."""
        return functional.avg_pool3d(points_mm.permute(3, 0, 1, 2), self.patch).permute(1, 2, 3, 0)

    def _field_of_view(self, shape: tuple[int, int, int]) -> Tensor:
        """Where the scanner looked: everywhere, or a slab."""
        seen = torch.ones(shape, dtype=torch.bool)
        if not mr.chance(self.appearance.cropped_share):
            return seen
        axis = int(torch.randint(3, (1,)))
        length = shape[axis]
        width = int(mr.uniform(0.35, 0.8) * length)
        start = int(mr.uniform(0, length - width))
        keep = torch.zeros(length, dtype=torch.bool)
        keep[start : start + width] = True
        view = [1, 1, 1]
        view[axis] = length
        return seen & keep.reshape(view)
