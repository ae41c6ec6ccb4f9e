"""Label maps on disk made ready for training, once, and kept: whole heads at 2 mm and hemispheres at 0.75 mm."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from deepgray.anatomy import HEMISPHERES, Side
from deepgray.errors import SettingsError
from deepgray.read import read_mask
from deepgray.simulate import hemispheres
from deepgray.simulate.atrophy import PROFILES, draw_atrophy, shrink
from deepgray.simulate.subregions import FRAMES, parts_by_rule
from deepgray.simulate.tissues import tissue_lookup
from deepgray.space import Affine, Box, Grid
from deepgray.train.cache import save_arrays
from deepgray.voxels.acpc import FREESURFER, fit_acpc

_Item = TypeVar("_Item")
# Labels, their affine, the AC–PC frame, and the subregions with what their numbers are called.
_Divided: TypeAlias = tuple[NDArray[np.int16], Affine, Affine, tuple[NDArray[np.integer], dict[int, str]]]
FINE_MM = 0.75
# Room around a network's box for rotation, shift and zoom.
MARGIN_MM = 13.0
HEAD_MM = 2.0

# Classes of the whole-head network, FreeSurfer's numbers, both sides together: which side is which follows from the
# pose.
_COARSE: tuple[tuple[int, ...], ...] = (
    (10, 49),
    (11, 12, 13, 26, 811, 813, 50, 51, 52, 58, 812, 814),
    (7, 8, 807, 809, 46, 47, 808, 810),
    (16, 28, 60, 801, 802, 803, 804, 805, 806),
    (2, 41, 3, 42, 4, 43, 5, 44, 14, 15, 17, 53, 18, 54, 25, 57, 30, 62, 72, 85, 136, 137, 163, 164),
)


@dataclass(frozen=True, eq=False)
class Hemisphere:
    """One side of one head, upright and fine.

    Attributes:
        name: Where it came from.
        tissues: (x, y, z) uint8, see ``simulate.tissues``.
        affine: 4 × 4, index to canonical mm of the left side.
        placed: Whether these are nuclei placed in another head.
    """

    name: str
    tissues: NDArray[np.uint8]
    affine: Affine
    placed: bool = False


@dataclass(frozen=True, eq=False)
class Head:
    """One whole head.

    Attributes:
        name: Where it came from.
        tissues: (x, y, z) uint8.
        coarse: (x, y, z) uint8, 0 background, then the outputs of ``head-locate``.
        affine: 4 × 4, index to canonical mm.
    """

    name: str
    tissues: NDArray[np.uint8]
    coarse: NDArray[np.uint8]
    affine: Affine


@dataclass(frozen=True)
class Sources:
    """Folders of label maps.

    Attributes:
        anatomies: Whole heads with FreeSurfer's numbers, ``*_dseg.nii.gz``.
        nuclei: Subcortical maps with the numbers of the Harvard-Oxford atlas 2.0, or None.
        cache: Folder for what is made of them.
        held_out: Names that contain one of these words are never trained on.
        atrophied: Copies of each anatomy to train on that lost tissue, a profile of ``simulate.atrophy`` after another.
    """

    anatomies: Path
    nuclei: Path | None
    cache: Path
    held_out: tuple[str, ...] = ("anatomy-05", "anatomy-09", "anatomy-12")
    atrophied: int = 0

    def files(self, *, held_out: bool) -> list[Path]:
        """The anatomies to train on, or those that are held out.

        Raises:
            SettingsError: There are none.
        """
        found = sorted(self.anatomies.glob("*_dseg.nii.gz"))
        chosen = [f for f in found if any(word in f.name for word in self.held_out) == held_out]
        if not chosen:
            words = f"with{'' if held_out else 'out'} {' or '.join(self.held_out)} in their name"
            raise SettingsError(
                f"Label maps *_dseg.nii.gz {words} are wanted in {self.anatomies}, none of {len(found)} is one."
            )
        return chosen


def fine_grid(box: Box) -> Grid:
    """The grid on which hemispheres are kept for a network with this box."""
    return box.enlarged(MARGIN_MM).grid(FINE_MM)


def load_hemispheres(sources: Sources, box: Box, *, held_out: bool) -> list[Hemisphere]:
    """Both sides of every anatomy, and of every map of nuclei placed in a donor's head.

    Args:
        sources: Where the label maps are.
        box: Box of the network that will be trained.
        held_out: Give those that are kept out of training (anatomies only).
    """
    grid = fine_grid(box)
    made: list[Hemisphere] = []
    for path in shown(sources.files(held_out=held_out), "anatomies"):
        made += [_cached(sources, path, side, grid, _anatomy_side) for side in HEMISPHERES]
    donors = list(made)
    if not held_out and sources.atrophied:
        for path in shown(sources.files(held_out=False), "atrophied"):
            for copy in range(sources.atrophied):
                after = [_cached(sources, path, side, grid, _side_after(copy)) for side in HEMISPHERES]
                made += [replace(side, name=f"{side.name}-after-{copy}") for side in after]
    for number, path in enumerate(shown(nuclei_files(sources, held_out=held_out), "nuclei")):
        for offset, side in enumerate(HEMISPHERES):
            donor = donors[(2 * number + offset) % len(donors)]
            made.append(replace(_cached(sources, path, side, grid, _in_head_of(donor, sources)), placed=True))
    return [_completed(m, grid) for m in made]


def nuclei_files(sources: Sources, *, held_out: bool) -> list[Path]:
    """The subcortical label maps to train on; none validates."""
    return [] if sources.nuclei is None or held_out else sorted(sources.nuclei.glob("*_dseg.nii.gz"))


def _completed(made: Hemisphere, grid: Grid) -> Hemisphere:
    return replace(made, tissues=hemispheres.with_basal_forebrain(made.tissues, grid))


def load_heads(sources: Sources, *, held_out: bool) -> list[Head]:
    """Whole heads on their own axes at about ``HEAD_MM``, with the canonical frame in their affine."""
    return [load_head(sources.cache, path) for path in shown(sources.files(held_out=held_out), "heads")]


def shown(items: Sequence[_Item], what: str) -> Iterable[_Item]:
    """The same items, with a bar on standard error while they are gone through."""
    return track(items, what, transient=True, console=Console(stderr=True))


def read_integers(path: Path) -> tuple[NDArray[np.int16], Affine]:
    """Labels and affine of a label map."""
    volume = read_mask(path)
    return volume.voxels.astype(np.int16), volume.affine_ras


def _cached(
    sources: Sources, path: Path, side: Side, grid: Grid, make: Callable[[Path, Side, Grid], NDArray[np.uint8]]
) -> Hemisphere:
    name = f"{path.name.removesuffix('_dseg.nii.gz')}-{side}"
    key = hashlib.sha256(f"4 {make.__qualname__} {grid.shape} {grid.affine_ras.tolist()}".encode()).hexdigest()[:12]
    kept = sources.cache / f"{name}-{key}.npz"
    if not kept.exists():
        save_arrays(kept, {"tissues": make(path, side, grid)})
    with np.load(kept) as stored:
        return Hemisphere(name, stored["tissues"], grid.affine_ras)


def _in_head_of(donor: Hemisphere, sources: Sources) -> Callable[[Path, Side, Grid], NDArray[np.uint8]]:
    def placed(path: Path, side: Side, grid: Grid) -> NDArray[np.uint8]:
        return in_head(nuclei_side(path, side, grid), donor.tissues, grid)

    placed.__qualname__ = f"divided, placed in {donor.name}"
    return placed


def in_head(nuclei: NDArray[np.uint8], donor: NDArray[np.uint8], grid: Grid) -> NDArray[np.uint8]:
    """One side's nuclei of a subcortical label map in the place of a head's own; all (x, y, z) on ``grid``."""
    return hemispheres.on_donor(nuclei, donor, hemispheres.centroid_affine(nuclei, donor, grid), grid)


def _anatomy_side(path: Path, side: Side, grid: Grid) -> NDArray[np.uint8]:
    return _side(_divided(path, "freesurfer", None), side, grid, source="freesurfer")


def _side_after(copy: int) -> Callable[[Path, Side, Grid], NDArray[np.uint8]]:
    def after(path: Path, side: Side, grid: Grid) -> NDArray[np.uint8]:
        return _side(_divided(path, "freesurfer", copy), side, grid, source="freesurfer")

    after.__qualname__ = f"after loss {copy}"
    return after


def nuclei_side(path: Path, side: Side, grid: Grid) -> NDArray[np.uint8]:
    """One side of a subcortical label map as tissues on a grid in canonical mm of the left side, air elsewhere."""
    return _side(_divided(path, "hoa2", None), side, grid, source="hoa2")


def _side(of: _Divided, side: Side, grid: Grid, *, source: str) -> NDArray[np.uint8]:
    labels, affine, pose, (parts, names) = of
    return hemispheres.hemisphere(
        labels, affine, source=source, side=side, frame=(pose, grid), parts=parts, part_names=names
    )


@lru_cache(maxsize=1)  # both sides of a head come one after the other
def _divided(path: Path, source: str, copy: int | None) -> _Divided:
    """A label map, as it is or as a copy that lost tissue."""
    labels, affine = labels_after(path, copy)
    pose = fit_acpc(labels, affine, labels=FRAMES[source]).canonical_from_world
    return labels, affine, pose, parts_by_rule(labels, affine, canonical_from_world=pose, source=source)


@lru_cache(maxsize=1)  # the loss takes seconds, and what is coarse and what is fine of a head come one after the other
def labels_after(path: Path, copy: int | None) -> tuple[NDArray[np.int16], Affine]:
    """Labels and affine of a label map as it is (None), or of a copy that lost tissue: each lost other shares."""
    labels, affine = read_integers(path)
    if copy is None:
        return labels, affine
    seed = int.from_bytes(hashlib.sha256(f"{path.name} {copy}".encode()).digest()[:4])
    profiles = tuple(PROFILES)
    return shrink(labels, affine, draw_atrophy(np.random.default_rng(seed), profiles[copy % len(profiles)])), affine


def load_head(cache: Path, path: Path, copy: int | None = None) -> Head:
    """A whole head as ``load_heads`` gives it, or a copy of it that lost tissue."""
    name = path.name.removesuffix("_dseg.nii.gz") + ("" if copy is None else f"-after-{copy}")
    kept = cache / f"{name}-head-2.npz"
    if not kept.exists():
        labels, affine = labels_after(path, copy)
        pose = fit_acpc(labels, affine, labels=FREESURFER).canonical_from_world
        step = [max(1, round(HEAD_MM / s)) for s in np.linalg.norm(affine[:3, :3], axis=0)]
        table = tissue_lookup("freesurfer", Side.LEFT)
        small = labels[:: step[0], :: step[1], :: step[2]]
        small = np.where((small > 0) & (small < len(table)), small, 0)
        coarse = np.zeros(1024, dtype=np.uint8)
        for number, group in enumerate(_COARSE, start=1):
            coarse[list(group)] = number
        scaled = pose @ affine @ np.diag([*step, 1.0])
        save_arrays(kept, {"tissues": table[small], "coarse": coarse[small], "affine": scaled})
    with np.load(kept) as stored:
        return Head(name, stored["tissues"], stored["coarse"], stored["affine"])
