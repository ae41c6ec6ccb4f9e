"""Whole heads made ready for susceptibility maps: fine around the small nuclei, which are shapes of their own.

The shapes may be the head's own or those of another atlas; every map draws them anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepgray.anatomy import HEMISPHERES, Side
from deepgray.errors import AnatomyError
from deepgray.simulate import hemispheres, nuclei
from deepgray.simulate.nuclei import DENTATE, MIDBRAIN, Nucleus, Placing, Variety
from deepgray.simulate.tissues import INDEX, TISSUES, tissue_lookup
from deepgray.space import MIRROR_X, Affine, Box, Grid
from deepgray.voxels.acpc import FREESURFER, fit_acpc

Shapes = Mapping[str, Nucleus]
Numbers = Mapping[str, tuple[int, ...]]

# Canonical mm of the left side; the deep grey matter is kept coarser than the small nuclei.
DEEP = Box((-48.0, -42.0, -26.0), (9.0, 41.0, 45.0))
DEEP_MM = 0.8
BOXES: Mapping[str, Box] = {
    "midbrain": Box((-30.0, -42.0, -30.0), (8.0, 6.0, 18.0)),
    "dentate": Box((-42.0, -88.0, -64.0), (8.0, -28.0, -2.0)),
}
NUCLEUS_MM = 0.6
# Nuclei that keep less than this part of their source's volume on a side are drawn anew, so often at most. One in
# thirty sides of the SPL atlas's thin dentate does: what is left of it lies in shreds that no map shows.
SMALLEST_PART = 0.6
DRAWS = 20
# An atlas that was traced slice by slice has steps, which a Gaussian of this width takes away.
ATLAS_SMOOTHING_MM = 1.0
MEMBERS: Mapping[str, tuple[str, ...]] = {"midbrain": MIDBRAIN, "dentate": DENTATE}
FILLERS = ("brainstem", "ventral diencephalon", "white matter", "cerebellar white matter")

# Numbers of the small nuclei in the label maps that are known.
FREESURFER_NUCLEI: Mapping[str, Mapping[Side, Numbers]] = {
    "midbrain": {
        Side.LEFT: {"red nucleus": (801,), "substantia nigra": (803,), "subthalamic nucleus": (805,)},
        Side.RIGHT: {"red nucleus": (802,), "substantia nigra": (804,), "subthalamic nucleus": (806,)},
    },
    "dentate": {Side.LEFT: {"dentate nucleus": (807,)}, Side.RIGHT: {"dentate nucleus": (808,)}},
}
# CIT168 (Pauli 2018, doi:10.1038/sdata.2018.63): its pars compacta comes with ventral tegmental tissue.
# SPL (Halle 2017, the Open Anatomy Project's brain atlas): its subthalamic nucleus is too crude to be used.
ATLASES: Mapping[str, Mapping[str, Mapping[Side, Numbers]]] = {
    "cit168": {
        "midbrain": {
            Side.LEFT: {"red nucleus": (8,), "substantia nigra": (7, 9), "subthalamic nucleus": (16,)},
            Side.RIGHT: {"red nucleus": (108,), "substantia nigra": (107, 109), "subthalamic nucleus": (116,)},
        }
    },
    "spl": {"dentate": {Side.LEFT: {"dentate nucleus": (371,)}, Side.RIGHT: {"dentate nucleus": (375,)}}},
}


@dataclass(frozen=True)
class NucleusVariety:
    """How far the nuclei of a simulated person may differ from their source.

    Attributes:
        growth: Standard deviation of the logarithm of the person's size along each axis, alike on both sides.
        share: Part of ``nuclei.Variety``'s limits that each side draws on its own.
        fold_mm: Depth of the folds of the dentate's sheet where its source is smooth; atlases have folds of their own.
        fold_length_mm: Distance between two folds.
    """

    growth: float = 0.06
    share: float = 0.5
    fold_mm: tuple[float, float] = (0.2, 0.6)
    fold_length_mm: tuple[float, float] = (3.5, 6.0)


@dataclass(frozen=True, eq=False)
class QsmHead:
    """A label map made ready for susceptibility maps.

    Attributes:
        name: Name of the label map.
        tissues: (x, y, z) uint8 tissues of the whole head.
        affine: 4 × 4, their index to canonical mm.
        deep: Tissues of each side on the grid of ``DEEP``, the right side mirrored.
        bare: The same around midbrain and dentate, without their nuclei.
        shapes: Nuclei of each side; their frame is upright, the right side mirrored.
        centres_mm: Where the middle of each side's nuclei belongs, canonical mm of the left side.
        atlases: Where the nuclei of midbrain and dentate come from.
    """

    name: str
    tissues: NDArray[np.uint8]
    affine: Affine
    deep: dict[Side, NDArray[np.uint8]]
    bare: dict[str, dict[Side, NDArray[np.uint8]]]
    shapes: dict[str, dict[Side, Shapes]]
    centres_mm: dict[str, dict[Side, NDArray[np.float64]]]
    atlases: dict[str, str]


def prepare_head(labels: NDArray[np.integer], affine_ras: Affine, *, name: str) -> QsmHead:
    """Make a label map with FreeSurfer's numbers and the small nuclei 801–808 ready.

    Args:
        labels: (x, y, z) labels of a whole head.
        affine_ras: Their affine.
        name: Name of the label map.

    Raises:
        AnatomyError: A small nucleus is missing.
    """
    pose = fit_acpc(labels, affine_ras, labels=FREESURFER).canonical_from_world
    bare: dict[str, dict[Side, NDArray[np.uint8]]] = {group: {} for group in BOXES}
    shapes: dict[str, dict[Side, Shapes]] = {group: {} for group in BOXES}
    deep = {}
    for side in HEMISPHERES:
        frame = (MIRROR_X if side is Side.RIGHT else np.eye(4)) @ pose @ affine_ras
        deep[side] = _side(labels, affine_ras, side=side, frame=(pose, DEEP.grid(DEEP_MM)))
        for group, box in BOXES.items():
            whole = _side(labels, affine_ras, side=side, frame=(pose, box.grid(NUCLEUS_MM)))
            bare[group][side] = nuclei.without(whole, MEMBERS[group], FILLERS)
            shapes[group][side] = _shapes(labels, frame, FREESURFER_NUCLEI[group][side], name)
    centres = {group: {side: _middle(found) for side, found in sides.items()} for group, sides in shapes.items()}
    whole = tissue_lookup("freesurfer", Side.LEFT)
    tissues = np.ascontiguousarray(whole[np.where((labels < len(whole)) & (labels > 0), labels, 0)])
    own = dict.fromkeys(BOXES, "own")
    return QsmHead(name, tissues, pose @ affine_ras, deep, bare, shapes, centres, own)


def with_atlas(head: QsmHead, labels: NDArray[np.integer], affine_ras: Affine, *, atlas: str) -> QsmHead:
    """The head with the nuclei of another atlas, grown to the volume of the head's own.

    Args:
        head: Of ``prepare_head``.
        labels: (x, y, z) labels of the atlas.
        affine_ras: Their affine; the atlas's world is taken for upright.
        atlas: One of ``ATLASES``.

    Raises:
        AnatomyError: A nucleus is missing.
    """
    shapes, atlases = dict(head.shapes), dict(head.atlases)
    for group, sides in ATLASES[atlas].items():
        atlases[group] = atlas
        shapes[group] = {}
        for side, numbers in sides.items():
            frame = (MIRROR_X if side is Side.RIGHT else np.eye(4)) @ affine_ras
            found = {n: _smoothed(one) for n, one in _shapes(labels, frame, numbers, atlas).items()}
            factor = np.cbrt(_volume_mm3(head.shapes[group][side]) / _volume_mm3(found))
            shapes[group][side] = {n: _grown(one, np.full(3, factor)) for n, one in found.items()}
    return replace(head, shapes=shapes, atlases=atlases)


def draw_nuclei(
    head: QsmHead, group: str, variety: NucleusVariety, generator: np.random.Generator
) -> dict[Side, NDArray[np.uint8]]:
    """Both sides of the midbrain or of the cerebellum with nuclei drawn for one person.

    Args:
        head: Of ``prepare_head``.
        group: ``midbrain`` or ``dentate``.
        variety: How far they may differ from their source.
        generator: Of everything random.
    """
    growth = np.exp(generator.normal(0, variety.growth, 3))
    own = Variety(bend_mm=0.6, bend_length_mm=6.0) if group == "dentate" else Variety()
    sheet_mm = generator.uniform(*nuclei.SHEET_MM)
    fold_mm = generator.uniform(*variety.fold_mm) if head.atlases[group] == "own" else 0.0
    limits = Variety(
        own.turn_degrees * variety.share,
        own.growth * variety.share * 0.6,
        own.group_shift_mm * variety.share,
        own.own_shift_mm * variety.share,
        own.bend_mm * variety.share,
        own.bend_length_mm,
        (fold_mm, generator.uniform(*variety.fold_length_mm)),
        (sheet_mm, 1.1 * sheet_mm),
    )
    grid = BOXES[group].grid(NUCLEUS_MM)
    made = {}
    for side in HEMISPHERES:
        shapes = {n: _grown(one, growth) for n, one in head.shapes[group][side].items()}
        placing = Placing(grid, head.centres_mm[group][side], limits, generator)
        made[side] = _placed(group, head.bare[group][side], shapes, placing)
    return made


def _placed(group: str, bare: NDArray[np.uint8], shapes: Shapes, placing: Placing) -> NDArray[np.uint8]:
    """A side with its nuclei, most of their volume kept: bending thins a thin sheet away, and fluid cuts it off."""
    place = nuclei.place_dentate if group == "dentate" else nuclei.place_midbrain
    numbers = [INDEX[t.name] for t in TISSUES if t.name.partition("/")[0] in MEMBERS[group]]
    wanted_mm3 = SMALLEST_PART * _volume_mm3(shapes)
    for _ in range(DRAWS):
        tissues = place(bare, shapes, placing)
        if np.isin(tissues, numbers).sum() * NUCLEUS_MM**3 >= wanted_mm3:
            break
    return tissues


def _side(
    labels: NDArray[np.integer], affine_ras: Affine, *, side: Side, frame: tuple[Affine, Grid]
) -> NDArray[np.uint8]:
    return hemispheres.hemisphere(labels, affine_ras, source="freesurfer", side=side, frame=frame)


def _shapes(labels: NDArray[np.integer], frame: Affine, numbers: Numbers, name: str) -> Shapes:
    found = nuclei.nuclei_of(labels, frame, numbers)
    missing = [f"{n} ({', '.join(map(str, numbers[n]))})" for n in numbers if n not in found]
    if missing:
        raise AnatomyError(f"{name}: labels of every small nucleus are wanted, there is no {', no '.join(missing)}.")
    return found


def _middle(shapes: Shapes) -> NDArray[np.float64]:
    return np.asarray(np.mean([n.centre_mm for n in shapes.values()], axis=0))


def _volume_mm3(shapes: Shapes) -> float:
    return float(sum((n.distance_mm < 0).sum() * abs(np.linalg.det(n.affine[:3, :3])) for n in shapes.values()))


def _smoothed(nucleus: Nucleus) -> Nucleus:
    """Without the steps of an atlas that was traced slice by slice."""
    spacing = np.linalg.norm(nucleus.affine[:3, :3], axis=0)
    smooth = ndimage.gaussian_filter(nucleus.distance_mm, ATLAS_SMOOTHING_MM / spacing, mode="nearest")
    return replace(nucleus, distance_mm=smooth)


def _grown(nucleus: Nucleus, factors: NDArray[np.float64]) -> Nucleus:
    growth = np.diag([*factors, 1.0])
    scale = np.float32(np.cbrt(np.prod(factors)))
    return Nucleus(nucleus.distance_mm * scale, growth @ nucleus.affine, factors * nucleus.centre_mm)
