"""Whole heads made ready for training on DaT SPECT, once, and kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepgray.anatomy import HEMISPHERES, Side
from deepgray.simulate.whole_head import FINE_MM, NUCLEI, WholeHead, prepare
from deepgray.space import Affine
from deepgray.train.cache import save_arrays
from deepgray.train.heads import (
    Sources,
    in_head,
    labels_after,
    load_head,
    nuclei_files,
    nuclei_side,
    shown,
)

# Raise it when ``whole_head.prepare``, or the placing of nuclei, gives other tissues.
VERSION = 3


@dataclass(frozen=True, eq=False)
class SpectHead:
    """A head to draw people from.

    Attributes:
        head: Tissues, fine around the striatum.
        coarse: (x, y, z) uint8, 0 background, then the outputs of the whole-head network.
        coarse_affine: 4 × 4, index of ``coarse`` to canonical mm.
        placed: Whether its nuclei are another person's.
    """

    head: WholeHead
    coarse: NDArray[np.uint8]
    coarse_affine: Affine
    placed: bool = False


def load_spect_heads(sources: Sources, *, held_out: bool) -> list[SpectHead]:
    """Heads to train on, among them copies that lost tissue and heads with the nuclei of others, or those held out.

    Args:
        sources: Where the label maps are.
        held_out: Give the heads that are kept out of training.
    """
    files = sources.files(held_out=held_out)
    copies = [None, *range(0 if held_out else sources.atrophied)]
    each = [(path, copy) for copy in copies for path in files]
    made = [_spect_head(sources.cache, path, copy) for path, copy in shown(each, "SPECT heads")]
    others = nuclei_files(sources, held_out=held_out)
    donors = [made[number % len(files)] for number in range(len(others))]
    return made + [
        _placed(sources.cache, path, donor) for path, donor in shown(list(zip(others, donors, strict=True)), "nuclei")
    ]


def _spect_head(cache: Path, path: Path, copy: int | None) -> SpectHead:
    coarse = load_head(cache, path, copy)
    kept = cache / f"{coarse.name}-spect-{VERSION}-{FINE_MM:g}.npz"
    if not kept.exists():
        labels, affine = labels_after(path, copy)
        made = prepare(labels, affine, name=coarse.name, parts="rule")
        arrays: dict[str, NDArray[Any]] = {str(side): made.fine[side] for side in HEMISPHERES}
        save_arrays(kept, arrays | {"tissues": made.tissues, "affine": made.affine})
    with np.load(kept) as stored:
        fine = {side: stored[str(side)] for side in HEMISPHERES}
        head = WholeHead(coarse.name, stored["tissues"], stored["affine"], fine, has_parts=True, by_rule=True)
    return SpectHead(head, coarse.coarse, coarse.affine)


def _placed(cache: Path, path: Path, donor: SpectHead) -> SpectHead:
    """A head with the nuclei of a subcortical label map in the place of its own."""
    name = f"{path.name.removesuffix('_dseg.nii.gz')}-in-{donor.head.name}"
    kept = cache / f"{name}-divided-spect-{VERSION}-{FINE_MM:g}.npz"
    if not kept.exists():
        save_arrays(kept, {str(side): _placed_side(path, side, donor.head.fine[side]) for side in HEMISPHERES})
    with np.load(kept) as stored:
        fine = {side: stored[str(side)] for side in HEMISPHERES}
    return replace(donor, head=replace(donor.head, name=name, fine=fine), placed=True)


def _placed_side(path: Path, side: Side, own: NDArray[np.uint8]) -> NDArray[np.uint8]:
    grid = NUCLEI.grid(FINE_MM)
    return in_head(nuclei_side(path, side, grid), own, grid)
