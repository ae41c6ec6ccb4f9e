"""People imaged by the full camera before a network learns from them, made once and kept.

The surrogate of a camera knows neither streaks nor a resolution that differs from place to place, and a network that
saw nothing else outlines reconstructions less well. The camera takes seconds a person, so its images are made
beforehand; the filter that follows a reconstruction is drawn anew each time one is shown.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from deepgray.simulate import framing, gamma_camera, mr, spect, spect_truth, uptake, whole_head, whole_head_spect
from deepgray.simulate.spect import PASSES
from deepgray.simulate.whole_head import tissues_at
from deepgray.simulate.whole_head_spect import HeadInCamera, SpectSettings, draw_frame, fine_grid, paint
from deepgray.space import Affine, Grid
from deepgray.train.cache import fingerprint, save_arrays
from deepgray.train.spect_heads import SpectHead

LABELS = "striatum"
# Their seeds are those of no scan that judges: protocols count from small numbers.
FIRST_SEED = 5_000_000
# Bent and zoomed more than the scans that judge: a dozen heads are few.
HOW = SpectSettings(displacement_mm=4.5, zoom=0.16)
_SIMULATOR = (spect, gamma_camera, uptake, whole_head, whole_head_spect, spect_truth, framing)


@dataclass(frozen=True, eq=False)
class CameraPerson:
    """One person in the camera.

    Attributes:
        name: Of the head, with the seed.
        images: (passes, n, n, slices) float16, after the last few passes of the reconstruction, not filtered.
        affine: 4 × 4, their index to canonical mm of the person.
        tissues: (n, n, slices) uint8 at the middle of each voxel.
        coarse: (n, n, slices) uint8 outputs of the whole-head network, counted from 1.
        labels: (x, y, z) uint8 of the scheme ``striatum``, at 1 mm.
        labels_affine: 4 × 4, their index to canonical mm of the person.
    """

    name: str
    images: NDArray[np.float16]
    affine: Affine
    tissues: NDArray[np.uint8]
    coarse: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    labels_affine: Affine


def camera_people(heads: Sequence[SpectHead], count: int, cache: Path) -> list[CameraPerson]:
    """So many people, head by head in turn; those that are kept already are read.

    Args:
        heads: To draw from.
        count: How many.
        cache: Folder that keeps them.
    """
    mark = fingerprint(*_SIMULATOR, sys.modules[__name__])
    numbers = track(range(count), "camera", transient=True, console=Console(file=sys.stderr))
    return [_kept(heads[n % len(heads)], FIRST_SEED + n, cache / "camera", mark) for n in numbers]


def simulator_mark() -> str:
    """Twelve letters that change with the code that draws people and images them."""
    return fingerprint(*_SIMULATOR)


def _kept(head: SpectHead, seed: int, folder: Path, mark: str) -> CameraPerson:
    name = f"{head.head.name}-{seed}"
    path = folder / f"{name}-{mark}.npz"
    if not path.exists():
        save_arrays(path, _made(head, seed))
    with np.load(path) as stored:
        return CameraPerson(name, **{key: stored[key] for key in stored.files})


def _made(head: SpectHead, seed: int) -> dict[str, NDArray[np.generic]]:
    """The arrays of a ``CameraPerson``."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        generator = np.random.default_rng(seed)
        person = uptake.draw_uptake(generator)
        frame = draw_frame(head.head, HOW)
        occipital = spect_truth.occipital(head.head)
        painted = paint(head.head, person, frame, occipital=occipital)
    taken, how = spect.draw_acquisition(generator), spect.draw_reconstruction(generator)
    phantom = painted.phantom
    counted = spect.take(spect.true_projector(phantom, taken), phantom, taken, generator=generator)
    model = spect.model_projector(phantom, taken, how)
    images = list(islice(spect.passes(counted, model, how), PASSES[0] - 1, PASSES[1]))
    points = frame.head_mm(slice(None))
    tissues, _ = tissues_at(head.head, points)
    coarse = mr.sample_nearest(torch.from_numpy(head.coarse), torch.from_numpy(head.coarse_affine), points)
    view = HeadInCamera(head.head, occipital, frame, np.eye(4))
    near = fine_grid(view.labels(Grid(frame.grid.shape, frame.grid.affine_ras), (LABELS,))[LABELS])
    pose = frame.canonical_from_world
    return {
        "images": np.stack(images).astype(np.float16),
        "affine": pose @ frame.grid.affine_ras,
        "tissues": tissues.numpy(),
        "coarse": coarse.numpy(),
        "labels": view.labels(near, (LABELS,))[LABELS].voxels.astype(np.uint8),
        "labels_affine": pose @ near.affine_ras,
    }
