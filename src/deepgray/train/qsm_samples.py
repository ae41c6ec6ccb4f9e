"""Simulated susceptibility maps of one side of a head, for the networks that outline small nuclei."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from deepgray.recipe import Recipe
from deepgray.simulate import mr, susceptibility
from deepgray.simulate.background import add_rim_artefacts
from deepgray.simulate.susceptibility import Reconstruction
from deepgray.simulate.tissues import TISSUES, output_lookup
from deepgray.train.heads import Hemisphere
from deepgray.train.samples import Sample, SampleStream, on_device, shape_of
from deepgray.voxels.intensity import SUSCEPTIBILITY_CLIP_PPM, SUSCEPTIBILITY_SCALE

# Voxels around the network's box whose dipole field reaches into it.
MARGIN = 12
FINENESS = 1.25
WIDENING = 1.4
VEINS = 5
CALCIFICATION_SHARE = 0.1
RIM_ARTEFACT_SHARE = 0.5
# Voxel sizes that are imitated, in plane and across, and the share of thick slices.
IN_PLANE_MM = (0.5, 1.15)
THICK_MM = (1.2, 3.2)
THICK_SHARE = 0.4
SCALE = (0.8, 1.2)

QSM_APPEARANCE = mr.Appearance(rotation_degrees=15.0, shift_mm=6.0, zoom=0.16, displacement_mm=1.6, control_mm=12.0)


class QsmSamples(SampleStream):
    """Simulated susceptibility maps of one side.

    Args:
        hemispheres: Tissue maps to draw from.
        recipe: Frame and outputs of the network.
        appearance: Limits of pose and deformation.
        how: Limits of the reconstruction.
        seed: Of the first worker; each worker adds its number.
    """

    def __init__(
        self,
        hemispheres: list[Hemisphere],
        recipe: Recipe,
        *,
        appearance: mr.Appearance = QSM_APPEARANCE,
        how: Reconstruction = Reconstruction(),  # noqa: B008 (frozen)
        seed: int = 0,
    ) -> None:
        super().__init__(recipe, appearance=appearance, seed=seed)
        self.how = how
        self.maps = [on_device(h.tissues) for h in hemispheres]
        self.affine = on_device(hemispheres[0].affine)
        self.table = on_device(output_lookup(recipe.outputs).astype(np.int64))
        self.inside = torch.tensor([t.inside_brain for t in TISSUES])

    def draw(self) -> Sample:
        """One sample from torch's generator."""
        tissues = self.maps[int(torch.randint(len(self.maps), (1,)))]
        spacing = self.recipe.spacing_mm
        inner = shape_of(self.recipe)
        shape = (inner[0] + 2 * MARGIN, inner[1] + 2 * MARGIN, inner[2] + 2 * MARGIN)
        warp = mr.draw_warp(shape, (spacing, spacing, spacing), self.centre_mm, self.appearance)
        found = self._map(tissues, warp.points_mm, shape)
        cut = (slice(MARGIN, -MARGIN),) * 3
        answer = mr.sample_nearest(tissues, self.affine, warp.points_mm[cut]).long()
        target = self.table[answer]
        image = found[cut].clamp(*SUSCEPTIBILITY_CLIP_PPM) * SUSCEPTIBILITY_SCALE
        return Sample(image[None].contiguous(), target, torch.ones_like(target, dtype=torch.bool))

    def _map(self, tissues: Tensor, points_mm: Tensor, shape: tuple[int, int, int]) -> Tensor:
        """A reconstructed map: painted finer than the network sees it, so that borders hold true partial volume."""
        spacing = self.recipe.spacing_mm
        fine_shape = tuple(round(n * FINENESS) for n in shape)
        moved = points_mm.permute(3, 0, 1, 2)[None]
        moved = functional.interpolate(moved, size=fine_shape, mode="trilinear", align_corners=False)
        fine = mr.sample_nearest(tissues, self.affine, moved[0].permute(1, 2, 3, 0))
        chi = susceptibility.paint(fine, susceptibility.draw_means(widening=WIDENING))
        in_plane = mr.uniform(*IN_PLANE_MM)
        sigma = 0.45 * in_plane / spacing * FINENESS
        chi = mr.gaussian_blur(chi, (sigma, sigma, sigma))
        chi = functional.interpolate(chi[None, None], size=shape, mode="trilinear", align_corners=False)[0, 0]
        chi = susceptibility.add_veins(chi, spacing, count=int(torch.randint(VEINS + 1, (1,))))
        if mr.chance(CALCIFICATION_SHARE):
            chi = susceptibility.add_calcification(chi, spacing)
        inside = self.inside[mr.sample_nearest(tissues, self.affine, points_mm).long()]
        found = susceptibility.reconstruct(chi * inside, inside, spacing, self.how)
        if mr.chance(RIM_ARTEFACT_SHARE):
            found = add_rim_artefacts(found, spacing)
        if mr.chance(THICK_SHARE):
            axis = 2 if mr.chance(0.6) else int(torch.randint(3, (1,)))
            found = susceptibility.thicken(found, spacing, axis, mr.uniform(*THICK_MM))
        return found * mr.uniform(*SCALE)
