"""A gamma camera: projections of activity, and their exact adjoint.

Parallel-hole collimator on a circular orbit. A projection turns the image to the view, attenuates it on the way to the
detector, blurs every depth by the response of collimator and detector there, and sums. Turning is a sparse matrix and
blurring a symmetric one, so the way back is the exact adjoint.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from deepgray.errors import SettingsError, ShapeError
from deepgray.space import FWHM_PER_SIGMA

Image = NDArray[np.float32]
Counts = NDArray[np.float32]

# Depths that are blurred together.
GROUP = 4
# A blur's matrix is cut where the Gaussian is this many standard deviations down.
REACH_SIGMAS = 4.0


@dataclass(frozen=True)
class Camera:
    """A camera's geometry and sharpness.

    Attributes:
        views: Projections over 360 degrees.
        radius_mm: Radius of the orbit.
        hole_mm: Diameter of the collimator's holes.
        length_mm: Their length.
        intrinsic_mm: Resolution of the detector, full width at half maximum.

    Raises:
        SettingsError: Fewer than four views, or a length that is not positive.
    """

    views: int = 60
    radius_mm: float = 140.0
    hole_mm: float = 1.3
    length_mm: float = 27.0
    intrinsic_mm: float = 3.8

    def __post_init__(self) -> None:
        if self.views < 4:
            raise SettingsError(f"At least 4 views are wanted, {self.views} came.")
        if not min(self.radius_mm, self.hole_mm, self.length_mm, self.intrinsic_mm) > 0:
            raise SettingsError(f"A camera with positive lengths is wanted, {self} came.")

    def fwhm_mm(self, distance_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Full width at half maximum at distances from the collimator (Anger's formula)."""
        geometric = self.hole_mm * (self.length_mm + np.maximum(distance_mm, 0.0)) / self.length_mm
        return np.asarray(np.hypot(geometric, self.intrinsic_mm))


class Projector:
    """Projections of images on one grid, and the way back.

    Attributes:
        camera: The camera.
        shape: (n, n, slices) of the images; the camera turns about the third axis, in the middle of the first two.
    """

    def __init__(
        self,
        camera: Camera,
        attenuation_per_mm: Image | None,
        *,
        shape: tuple[int, ...],
        voxel_mm: float,
        blurs: bool = True,
    ) -> None:
        """Make ready.

        Args:
            camera: The camera.
            attenuation_per_mm: (n, n, slices), or None where nothing attenuates.
            shape: (n, n, slices), n a multiple of ``GROUP``.
            voxel_mm: Side of the cubic voxels.
            blurs: Whether collimator and detector blur.

        Raises:
            ShapeError: The grid is not such a grid.
        """
        wide, other, slices = shape
        if wide != other or wide % GROUP:
            raise ShapeError(f"Square slices with a multiple of {GROUP} voxels are wanted, {shape} came.")
        self.camera = camera
        self.shape = (wide, wide, slices)
        self._voxel_mm = voxel_mm
        self._turns = [_turn(wide, 2 * np.pi * view / camera.views) for view in range(camera.views)]
        self._backs = [turn.T.tocsr() for turn in self._turns]
        self._body = None if attenuation_per_mm is None else attenuation_per_mm.reshape(wide * wide, slices)
        self._passing: dict[int, Image] = {}
        self._blurs = self._blur_matrices() if blurs else None

    def forward(self, image: Image, view: int) -> Counts:
        """The projection (n, slices) of an image (n, n, slices) at one view."""
        wide, _, slices = self.shape
        turned = (self._turns[view] @ image.reshape(wide * wide, slices)).reshape(wide, wide, slices)
        if self._body is not None:
            turned *= self._passing_at(view, self._body)
        if self._blurs is None:
            return np.asarray(turned.sum(axis=0))
        grouped = turned.reshape(wide // GROUP, GROUP, wide, slices).sum(axis=1)
        across, along = self._blurs
        return np.asarray((across @ grouped @ along).sum(axis=0))

    def back(self, counts: Counts, view: int) -> Image:
        """The adjoint: a projection (n, slices) smeared back into an image (n, n, slices)."""
        wide, _, slices = self.shape
        if self._blurs is None:
            turned = np.broadcast_to(counts, self.shape)
        else:
            across, along = self._blurs
            turned = np.repeat(across @ counts @ along, GROUP, axis=0)
        if self._body is not None:
            turned = turned * self._passing_at(view, self._body)
        flat = np.ascontiguousarray(turned).reshape(wide * wide, slices)
        return np.asarray((self._backs[view] @ flat).reshape(self.shape))

    def _passing_at(self, view: int, flat: Image) -> Image:
        """Share of the photons of each voxel that reach the detector, (depth, across, slices)."""
        if view not in self._passing:
            wide, _, slices = self.shape
            body = (self._turns[view] @ flat).reshape(wide, wide, slices)
            path, crossed = np.empty_like(body), np.zeros_like(body[0])
            for depth, layer in enumerate(body):  # twenty times as fast as numpy's cumulative sum along this axis
                path[depth] = crossed + layer / 2
                crossed += layer
            self._passing[view] = np.exp(-path * np.float32(self._voxel_mm))
        return self._passing[view]

    def _blur_matrices(self) -> tuple[Image, Image]:
        """Blurs across (groups, n, n) and along (groups, slices, slices) the axis, one for each group of depths."""
        wide, _, slices = self.shape
        depth = (np.arange(wide).reshape(-1, GROUP).mean(axis=1) - (wide - 1) / 2) * self._voxel_mm
        sigmas = self.camera.fwhm_mm(self.camera.radius_mm + depth) / FWHM_PER_SIGMA / self._voxel_mm
        return np.stack([_gaussian(wide, s) for s in sigmas]), np.stack([_gaussian(slices, s) for s in sigmas])


def _turn(wide: int, angle: float) -> sparse.csr_array:
    """The sparse matrix that turns a slice (x, y) to (depth, across) for a camera at an angle, bilinear.

    Depth 0 is nearest to the detector, which stands at ``(-sin, cos)``; across grows along ``(cos, sin)``.
    """
    middle = (wide - 1) / 2
    steps = np.arange(wide) - middle
    depth, across = np.meshgrid(steps, steps, indexing="ij")
    x = across * np.cos(angle) + depth * np.sin(angle) + middle
    y = across * np.sin(angle) - depth * np.cos(angle) + middle
    low_x, low_y = np.floor(x).astype(int), np.floor(y).astype(int)
    rows, columns, weights = [], [], []
    numbers = np.arange(wide * wide).reshape(wide, wide)
    for more_x in (0, 1):
        for more_y in (0, 1):
            at_x, at_y = low_x + more_x, low_y + more_y
            weight = (1 - abs(x - at_x)) * (1 - abs(y - at_y))
            kept = (at_x >= 0) & (at_x < wide) & (at_y >= 0) & (at_y < wide) & (weight > 0)
            rows.append(numbers[kept])
            columns.append((at_x * wide + at_y)[kept])
            weights.append(weight[kept].astype(np.float32))
    where = (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_array((np.concatenate(weights), where), shape=(wide * wide, wide * wide))


def _gaussian(count: int, sigma: float) -> Image:
    """A symmetric blur along ``count`` voxels; what passes the edge is lost."""
    steps = np.arange(count)
    away = steps[:, None] - steps[None]
    kernel = np.exp(-0.5 * (away / sigma) ** 2) * (abs(away) <= np.ceil(REACH_SIGMAS * sigma))
    reach = np.arange(-int(np.ceil(REACH_SIGMAS * sigma)), int(np.ceil(REACH_SIGMAS * sigma)) + 1)
    return np.asarray(kernel / np.exp(-0.5 * (reach / sigma) ** 2).sum(), dtype=np.float32)
