"""Heads with small nuclei of many shapes, made ready for training on susceptibility maps, once, and kept."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepgray.anatomy import HEMISPHERES, Side
from deepgray.simulate import dentate_sheet, hemispheres, nuclei, small_nuclei, tissues
from deepgray.simulate.nuclei import NO_VARIETY, Nucleus, Variety
from deepgray.simulate.small_nuclei import ATLASES, FILLERS, FREESURFER_NUCLEI
from deepgray.space import MIRROR_X, Box, Grid
from deepgray.train.cache import fingerprint, save_arrays
from deepgray.train.heads import Hemisphere, Sources, read_integers, shown
from deepgray.voxels import acpc
from deepgray.voxels.acpc import FREESURFER, fit_acpc

FINE_MM = 0.6
# Room around a network's box: its own rotation and shift, and the dipole field of what lies outside.
MARGIN_MM = 20.0
# Shapes drawn per side of each head.
VARIANTS = 8
# Part of the variants whose nuclei come from another head or atlas.
DONOR_SHARE = 0.5
# Part of the variants whose dentate comes from no atlas.
SHEET_SHARE = 0.45

MIDBRAIN = "midbrain-outline"
GROUPS: Mapping[str, str] = {MIDBRAIN: "midbrain", "dentate-outline": "dentate"}


@dataclass(frozen=True, eq=False)
class _Side:
    """One side of a head before nuclei are drawn into it."""

    name: str
    bare: NDArray[np.uint8]
    shapes: dict[str, Nucleus]

    @property
    def centre_mm(self) -> NDArray[np.float64]:
        return np.asarray(np.mean([n.centre_mm for n in self.shapes.values()], axis=0))


def nuclei_grid(box: Box) -> Grid:
    """The grid on which sides are kept for a network with this box."""
    return box.enlarged(MARGIN_MM).grid(FINE_MM)


def load_nuclei_heads(
    sources: Sources, network: str, box: Box, *, held_out: bool, atlas: Path | None = None
) -> list[Hemisphere]:
    """Sides of heads with nuclei drawn into them.

    Args:
        sources: Where the label maps are.
        network: ``midbrain-outline`` or ``dentate-outline``.
        box: Its box.
        held_out: Give the heads that are kept out of training, with the nuclei that their label maps hold.
        atlas: CIT168 label map whose nuclei are used besides those of the heads (midbrain only), or None.
    """
    grid = nuclei_grid(box)
    files = sources.files(held_out=held_out)
    shapes = fingerprint(acpc, tissues, hemispheres, nuclei, small_nuclei, dentate_sheet, sys.modules[__name__])
    key = f"{shapes} {network} {grid.shape} {grid.affine_ras.tolist()} {[f.name for f in files]} {atlas} {VARIANTS}"
    kept = sources.cache / f"{network}-{hashlib.sha256(key.encode()).hexdigest()[:12]}.npz"
    if not kept.exists():
        sides = [_side(path, side, network, grid) for path in shown(files, "heads") for side in HEMISPHERES]
        made = _as_labelled(sides, network, grid) if held_out else _varied(sides, network, grid, atlas)
        save_arrays(kept, made)
    with np.load(kept) as stored:
        return [Hemisphere(name, stored[name], grid.affine_ras) for name in stored.files]


def _side(path: Path, side: Side, network: str, grid: Grid) -> _Side:
    labels, affine = read_integers(path)
    pose = fit_acpc(labels, affine, labels=FREESURFER).canonical_from_world
    whole = hemispheres.hemisphere(labels, affine, source="freesurfer", side=side, frame=(pose, grid))
    numbers = FREESURFER_NUCLEI[GROUPS[network]][side]
    bare = nuclei.without(whole, tuple(numbers), FILLERS)
    frame = (MIRROR_X if side is Side.RIGHT else np.eye(4)) @ pose @ affine
    shapes = nuclei.nuclei_of(labels, frame, numbers)
    return _Side(f"{path.name.removesuffix('_dseg.nii.gz')}-{side}", bare, shapes)


def _place(side: _Side, shapes: Mapping[str, Nucleus], network: str, placing: nuclei.Placing) -> NDArray[np.uint8]:
    place = nuclei.place_midbrain if network == MIDBRAIN else nuclei.place_dentate
    return place(side.bare, shapes, placing)


def _placing(side: _Side, grid: Grid, variety: Variety, seed: str) -> nuclei.Placing:
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "little")
    return nuclei.Placing(grid, side.centre_mm, variety, np.random.default_rng(number))


def _as_labelled(sides: list[_Side], network: str, grid: Grid) -> dict[str, NDArray[np.uint8]]:
    return {s.name: _place(s, s.shapes, network, _placing(s, grid, NO_VARIETY, s.name)) for s in sides}


def _varied(sides: list[_Side], network: str, grid: Grid, atlas: Path | None) -> dict[str, NDArray[np.uint8]]:
    donors = [s.shapes for s in sides]
    if atlas is not None and network == MIDBRAIN:
        donors += _atlas_shapes(atlas) * max(1, len(sides) // 4)
    chooser = np.random.default_rng(7)
    made = {}
    for side in shown(sides, "nuclei"):
        for number in range(VARIANTS):
            shapes = donors[chooser.integers(len(donors))] if chooser.random() < DONOR_SHARE else side.shapes
            name = f"{side.name}-{number}"
            if network != MIDBRAIN and chooser.random() < SHEET_SHARE:
                shapes = {"dentate nucleus": dentate_sheet.draw_sheet(chooser)}
            variety = Variety() if network == MIDBRAIN else _dentate_variety(chooser)
            made[name] = _place(side, shapes, network, _placing(side, grid, variety, name))
    return made


def _dentate_variety(chooser: np.random.Generator) -> Variety:
    """Far beyond the one atlas that the dentates of all heads come from: smooth or folded, whole or in pieces."""
    return Variety(
        turn_degrees=10.0,
        growth=0.11,
        group_shift_mm=2.0,
        bend_mm=float(chooser.uniform(0.4, 1.1)),
        bend_length_mm=float(chooser.uniform(4.0, 9.0)),
        fold_mm=(float(chooser.uniform(0.0, 0.9)), float(chooser.uniform(3.5, 6.5))),
        lost=float(chooser.choice([0.0, 0.4])),
    )


def _atlas_shapes(atlas: Path) -> list[dict[str, Nucleus]]:
    """Nuclei of an atlas in its own world, which is near enough to upright."""
    labels, affine = read_integers(atlas)
    made = []
    for side in HEMISPHERES:
        frame = (MIRROR_X if side is Side.RIGHT else np.eye(4)) @ affine
        made.append(nuclei.nuclei_of(labels, frame, ATLASES["cit168"]["midbrain"][side]))
    return made
