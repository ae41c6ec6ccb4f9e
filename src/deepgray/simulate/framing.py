"""How a head lies in a simulated scan: its turn, size and bend, the scan's grid, and the tissue of any point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import next_fast_len
from torch import Tensor
from torch.nn import functional

from deepgray.anatomy import HEMISPHERES, Side
from deepgray.simulate.mr import random_rotation, sample_nearest, uniform
from deepgray.simulate.small_nuclei import BOXES, DEEP, DEEP_MM, NUCLEUS_MM, QsmHead
from deepgray.simulate.tissues import TISSUES
from deepgray.space import Affine, Box, Grid, apply_affine, exactly_rigid

# Around the brain: fields turn round at the edge of the grid, so some room is kept.
ROOM_MM = 10.0
BEND_MM = 25.0
SLAB = 12

Drawn = Mapping[str, Mapping[Side, NDArray[np.uint8]]]


@dataclass(frozen=True, eq=False)
class Frame:
    """A drawn position of a head in a scan.

    Attributes:
        grid: The scan's grid, upright in its world, 0 mm in its middle.
        rotation: (3, 3) from the scan's world to the canonical frame.
        linear: (3, 3) the same with the change of size.
        middle_mm: (3,) point of the head's canonical frame in the middle of the scan.
        bend_mm: (3, x, y, z) control points of the smooth deformation, spread over the scan.
    """

    grid: Grid
    rotation: Tensor
    linear: Tensor
    middle_mm: Tensor
    bend_mm: Tensor

    def head_mm(self, slab: slice) -> Tensor:
        """Where the voxels of some planes lie in the head, (…, 3) canonical mm."""
        indices = [torch.arange(n, dtype=torch.float32) for n in self.grid.shape]
        indices[0] = indices[0][slab]
        places = torch.stack(torch.meshgrid(*indices, indexing="ij"), dim=-1)
        affine = torch.from_numpy(self.grid.affine_ras).float()
        return self.of_world(places @ affine[:3, :3].T + affine[:3, 3])

    def of_world(self, world_mm: Tensor) -> Tensor:
        """Where points (x, y, z, 3) of the scan's world lie in the head."""
        points = world_mm @ self.linear.T + self.middle_mm
        half = torch.from_numpy(np.array(self.grid.shape) * self.grid.spacing_mm / 2).float()
        where = (world_mm / half).flip(-1)[None]
        bend = functional.grid_sample(self.bend_mm[None], where, padding_mode="border", align_corners=True)
        return points + bend[0].permute(1, 2, 3, 0)

    def world_mm(self, head_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where points (n, 3) of the head lie in the scan's world, to a tenth of a millimetre."""
        inverse = torch.linalg.inv(self.linear)
        wanted = torch.from_numpy(head_mm).float()
        world = (wanted - self.middle_mm) @ inverse.T
        for _ in range(4):
            world = world + (wanted - self.of_world(world[:, None, None])[:, 0, 0]) @ inverse.T
        return np.asarray(world.double().numpy())

    @property
    def canonical_from_world(self) -> Affine:
        """The true pose: turn and shift without size and bend."""
        pose = np.eye(4)
        pose[:3, :3] = self.rotation.double().numpy()
        pose = exactly_rigid(pose)
        # the commissure (0 mm of the head) stays at 0 mm of the canonical frame
        commissure = self.world_mm(np.zeros((1, 3)))[0]
        pose[:3, 3] = -pose[:3, :3] @ commissure
        return pose

    def look_up(self, head: QsmHead, nuclei: Drawn, points_mm: Tensor) -> tuple[Tensor, Tensor]:
        """Tissues at points of the head, and which of them lie on the left."""
        found = sample_nearest(torch.from_numpy(head.tissues), torch.from_numpy(head.affine), points_mm)
        left = points_mm[..., 0] < 0
        mirrored = torch.where(left[..., None], points_mm, points_mm * torch.tensor([-1.0, 1.0, 1.0]))
        layers = [(DEEP, DEEP_MM, head.deep), *((box, NUCLEUS_MM, nuclei[group]) for group, box in BOXES.items())]
        for box, spacing, sides in layers:
            near = _within(box, spacing, mirrored)
            if not bool(near.any()):
                continue
            affine = torch.from_numpy(box.grid(spacing).affine_ras)
            for side in HEMISPHERES:
                here = near & (left if side is Side.LEFT else ~left)
                found[here] = sample_nearest(torch.from_numpy(sides[side]), affine, mirrored[here])
        return found, left


@dataclass(frozen=True, eq=False)
class Found:
    """The head on the scan's grid.

    Attributes:
        tissues: (x, y, z) uint8, at the middle of each voxel.
        left: (x, y, z) bool, left of the mid-sagittal plane.
        inside: (x, y, z) bool, the brain and its fluid.
    """

    tissues: Tensor
    left: Tensor
    inside: Tensor


def draw_frame(
    head: QsmHead,
    spacing_mm: tuple[float, float, float],
    *,
    rotation_degrees: float,
    displacement_mm: float,
    zoom: float,
) -> Frame:
    """Draw how a head lies in a scan that holds its whole brain."""
    rotation = random_rotation(rotation_degrees)
    zooms = 1 + (torch.rand(3) * 2 - 1) * zoom * 0.5 + uniform(-1, 1) * zoom * 0.5
    linear = torch.diag(zooms) @ rotation
    brain = _brain_mm(head)
    middle = (brain.min(axis=0) + brain.max(axis=0)) / 2
    turned = (brain - middle) @ np.linalg.inv(linear.double().numpy()).T
    low, high = turned.min(axis=0) - ROOM_MM, turned.max(axis=0) + ROOM_MM
    shape = [next_fast_len(int(np.ceil(s)), real=True) for s in (high - low) / spacing_mm]
    affine = np.diag([*spacing_mm, 1.0])
    affine[:3, 3] = -(np.array(shape) - 1) / 2 * spacing_mm
    centre = torch.from_numpy(middle).float() + linear @ torch.from_numpy((low + high) / 2).float()
    centre = centre + (torch.rand(3) * 2 - 1) * 3.0
    control = [max(3, round(n * s / BEND_MM)) for n, s in zip(shape, spacing_mm, strict=True)]
    bend = torch.randn(3, *control) * uniform(0.1, 1.0) * displacement_mm
    return Frame(Grid((shape[0], shape[1], shape[2]), affine), rotation, linear, centre, bend)


def tissues_at(head: QsmHead, nuclei: Drawn, frame: Frame) -> Found:
    """The head on the scan's grid."""
    tissues = torch.zeros(frame.grid.shape, dtype=torch.uint8)
    left = torch.zeros(frame.grid.shape, dtype=torch.bool)
    for low in range(0, frame.grid.shape[0], SLAB):
        slab = slice(low, low + SLAB)
        tissues[slab], left[slab] = frame.look_up(head, nuclei, frame.head_mm(slab))
    inside = torch.tensor([t.inside_brain for t in TISSUES])[tissues.long()]
    return Found(tissues, left, inside)


def _brain_mm(head: QsmHead) -> NDArray[np.float64]:
    inside = np.array([t.inside_brain for t in TISSUES])[head.tissues[::3, ::3, ::3]]
    return apply_affine(head.affine, np.argwhere(inside) * 3.0)


def _within(box: Box, spacing: float, points_mm: Tensor) -> Tensor:
    low, high = torch.tensor(box.low_mm) + spacing, torch.tensor(box.high_mm) - spacing
    return ((points_mm > low) & (points_mm < high)).all(dim=-1)
