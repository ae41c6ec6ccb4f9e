"""Whole heads made ready for training on DaT SPECT, once, and kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepgray.anatomy import HEMISPHERES
from deepgray.simulate.whole_head import FINE_MM, WholeHead, prepare
from deepgray.space import Affine
from deepgray.train.cache import save_arrays
from deepgray.train.heads import Head, Sources, load_heads, parts_beside, read_integers, shown

# Raise it when ``whole_head.prepare`` gives other tissues.
VERSION = 2


@dataclass(frozen=True, eq=False)
class SpectHead:
    """A head to draw people from.

    Attributes:
        head: Tissues, fine around the striatum.
        coarse: (x, y, z) uint8, 0 background, then the outputs of the whole-head network.
        coarse_affine: 4 × 4, index of ``coarse`` to canonical mm.
    """

    head: WholeHead
    coarse: NDArray[np.uint8]
    coarse_affine: Affine


def load_spect_heads(sources: Sources, *, held_out: bool) -> list[SpectHead]:
    """Heads to train on, or those that are held out.

    Args:
        sources: Where the label maps are.
        held_out: Give the heads that are kept out of training.
    """
    files = sources.files(held_out=held_out)
    pairs = zip(load_heads(sources, held_out=held_out), files, strict=True)
    return [_spect_head(sources.cache, path, coarse) for coarse, path in shown(list(pairs), "SPECT heads")]


def _spect_head(cache: Path, path: Path, coarse: Head) -> SpectHead:
    kept = cache / f"{coarse.name}-spect-{VERSION}-{FINE_MM:g}.npz"
    if not kept.exists():
        labels, affine = read_integers(path)
        made = prepare(labels, affine, name=coarse.name, parts=parts_beside(path, labels, affine))
        arrays: dict[str, NDArray[Any]] = {str(side): made.fine[side] for side in HEMISPHERES}
        has_parts = np.array(made.has_parts)
        save_arrays(kept, arrays | {"tissues": made.tissues, "affine": made.affine, "has_parts": has_parts})
    with np.load(kept) as stored:
        fine = {side: stored[str(side)] for side in HEMISPHERES}
        head = WholeHead(coarse.name, stored["tissues"], stored["affine"], fine, bool(stored["has_parts"]))
    return SpectHead(head, coarse.coarse, coarse.affine)
