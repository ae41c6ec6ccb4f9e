"""The atlas arm: labelled heads bent onto a scan by deformable registration, which then vote.

Each atlas is a simulated T1 of a training head with its true subregions, upright in a box around the deep brain. The
scan is seen in the same box, by the pose that ``locate`` finds. The atlases that look most like it (Aljabar 2009,
doi:10.1016/j.neuroimage.2009.02.018) are brought onto it by an affine map that makes mutual information largest and
by symmetric normalisation with local cross-correlation (Avants 2008, doi:10.1016/j.media.2007.06.004), both from DIPY.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepgray.anatomy import Scheme, scheme
from deepgray.errors import MissingExtraError
from deepgray.result import Pose
from deepgray.scan import LabelMap, Scan
from deepgray.simulate.whole_head import MrSettings, WholeHead, simulate_mr
from deepgray.space import Affine, Box, Grid, inverse
from deepgray.train.cache import save_arrays
from deepgray.voxels.intensity import normalise
from deepgray.voxels.resample import from_frame, to_frame

PARTS = scheme("striatum12")
# Around the deep nuclei of both sides, with room for what registration has to see.
DEEP_BRAIN = Box((-50.0, -46.0, -28.0), (50.0, 46.0, 46.0))
# Atlases lie straight, as large as their heads are, and keep their shape.
UPRIGHT = MrSettings(rotation_degrees=0.0, displacement_mm=0.0, zoom=0.0, stripped_share=0.0)

Volume = NDArray[np.float32]


@dataclass(frozen=True)
class RegistrationSettings:
    """How an atlas is brought onto a scan; chosen on training heads (docs/striatum_protocol.md).

    Attributes:
        spacing_mm: Voxels of the box.
        voters: How many atlases vote.
        affine_iterations: Of each level, the coarsest first.
        iterations: Of the deformation, of each level, the coarsest first.
        radius: Of the neighbourhood of the cross-correlation, voxels.
    """

    spacing_mm: float = 1.25
    voters: int = 3
    affine_iterations: tuple[int, ...] = (40, 20)
    iterations: tuple[int, ...] = (20, 15, 8)
    radius: int = 3


@dataclass(frozen=True, eq=False)
class Atlas:
    """A labelled head in the box.

    Attributes:
        name: Name of the head.
        image: (x, y, z) float32, intensities scaled as networks see them.
        labels: (x, y, z) labels of ``striatum12``.
    """

    name: str
    image: Volume
    labels: NDArray[np.int16]


def make_atlas(head: WholeHead, settings: RegistrationSettings, *, seed: int) -> Atlas:
    """Simulate a labelled head that has its subregions, and cut the box out of it."""
    made = simulate_mr(head, UPRIGHT, seed=seed)
    if made.parts is None:
        raise ValueError(f"a head with subregions is wanted, '{head.name}' has none")
    frame = DEEP_BRAIN.grid(settings.spacing_mm)
    back = inverse(made.canonical_from_world)
    image = normalise(to_frame(made.scan.voxels, made.scan.affine_ras, frame, world_from_frame=back), "percentiles")
    soft = [
        to_frame(made.parts.mask(s).astype(np.float32), made.parts.affine_ras, frame, world_from_frame=back)
        for s in PARTS.structures
    ]
    return Atlas(head.name, image, _winner(np.stack(soft), PARTS))


def write_atlas(path: Path, atlas: Atlas) -> None:
    """Keep an atlas."""
    save_arrays(path, {"name": np.array(atlas.name), "image": atlas.image, "labels": atlas.labels})


def read_atlas(path: Path) -> Atlas:
    """An atlas that was kept."""
    with np.load(path) as kept:
        return Atlas(str(kept["name"]), kept["image"], kept["labels"])


def by_atlases(scan: Scan, pose: Pose, atlases: Sequence[Atlas], settings: RegistrationSettings) -> LabelMap:
    """The subregions as the atlases that look most like a scan say.

    Args:
        scan: The scan.
        pose: Where the head is.
        atlases: To choose from.
        settings: How they are brought onto the scan.

    Returns:
        Labels of ``striatum12`` on the scan's grid: those that most of the atlases agree on.

    Raises:
        MissingExtraError: DIPY is not installed.
    """
    frame, back = DEEP_BRAIN.grid(settings.spacing_mm), inverse(pose.canonical_from_world)
    image = normalise(to_frame(scan.voxels, scan.affine_ras, frame, world_from_frame=back), "percentiles")
    votes = np.zeros((len(PARTS.structures), *frame.shape), dtype=np.float32)
    chosen = most_alike(image, atlases)[: settings.voters]
    for atlas in chosen:
        votes += bent(atlas, image, frame.affine_ras, settings) / len(chosen)
    soft = from_frame(votes, frame, scan.grid, world_from_frame=back)
    return LabelMap(_winner(soft, PARTS), scan.affine_ras, PARTS)


def most_alike(image: Volume, atlases: Sequence[Atlas]) -> list[Atlas]:
    """The atlases in the order of their correlation with an image, the highest first."""
    return sorted(atlases, key=lambda atlas: -float(np.corrcoef(image.ravel(), atlas.image.ravel())[0, 1]))


def bent(atlas: Atlas, image: Volume, affine: Affine, settings: RegistrationSettings) -> Volume:
    """Each structure of an atlas on an image, (structures, x, y, z), 0 to 1.

    Args:
        atlas: The atlas.
        image: (x, y, z) on the same grid.
        affine: Of that grid.
        settings: How.

    Raises:
        MissingExtraError: DIPY is not installed.
    """
    try:
        from dipy.align.imaffine import AffineRegistration, MutualInformationMetric  # noqa: PLC0415 (an extra)
        from dipy.align.imwarp import SymmetricDiffeomorphicRegistration  # noqa: PLC0415
        from dipy.align.metrics import CCMetric  # noqa: PLC0415
        from dipy.align.transforms import AffineTransform3D  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"Registration wants {error.name}: pip install 'deepgray[register]'.") from error
    still, moving = image.astype(np.float64), atlas.image.astype(np.float64)
    levels = len(settings.affine_iterations)
    straight = AffineRegistration(
        metric=MutualInformationMetric(nbins=32, sampling_proportion=None),
        level_iters=list(settings.affine_iterations),
        sigmas=[float(levels - 1 - n) for n in range(levels)],
        factors=[2 ** (levels - 1 - n) for n in range(levels)],
        verbosity=0,
    ).optimize(still, moving, AffineTransform3D(), None, static_grid2world=affine, moving_grid2world=affine)
    deformable = SymmetricDiffeomorphicRegistration(
        CCMetric(3, radius=settings.radius), level_iters=list(settings.iterations)
    )
    deformable.verbosity = 0
    found = deformable.optimize(
        still, moving, static_grid2world=affine, moving_grid2world=affine, prealign=straight.affine
    )
    soft = [found.transform((atlas.labels == s.label).astype(np.float64)) for s in PARTS.structures]
    return np.asarray(soft, dtype=np.float32)


def _winner(soft: Volume, named: Scheme) -> NDArray[np.int16]:
    """The likeliest structure of each voxel where it is likelier than background."""
    table = np.array([s.label for s in named.structures], dtype=np.int16)
    best = soft.argmax(axis=0)
    top = np.take_along_axis(soft, best[None], 0)[0]
    return np.where(top > 1 - soft.sum(axis=0), table[best], 0).astype(np.int16)


def frame_of(settings: RegistrationSettings) -> Grid:
    """The grid of the box."""
    return DEEP_BRAIN.grid(settings.spacing_mm)
