"""The nuclei on the scan's own grid: one side at a time in the canonical frame, the right one mirrored in and back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from deepgray.anatomy import HEMISPHERES, Scheme, Side, Structure
from deepgray.errors import FieldOfViewError, SettingsError
from deepgray.models import Model
from deepgray.result import Outline, Pose, StructureUncertainty
from deepgray.scan import LabelMap, Probabilities, Scan
from deepgray.space import Affine, Box, Grid, apply_affine, block_within, inverse
from deepgray.voxels.components import largest_component, main_components, touches_border
from deepgray.voxels.crop import occupied
from deepgray.voxels.filters import dilated
from deepgray.voxels.intensity import normalise
from deepgray.voxels.resample import block_of, from_frame, to_frame
from deepgray.voxels.uncertainty import expected_dice

# A box that its own content touches is enlarged by this much on every side, once.
ENLARGE_MM = 8.0
# A structure may lie in pieces (folded sheets on coarse voxels do); smaller ones than this part of the largest go.
PIECE_SHARE = 0.25
# A mask smaller than this is no nucleus but noise.
SMALLEST_MM3 = 20.0
# One side may be gone (a stroke, an operation); where more than this part is not found, the scan shows something else.
MOST_MISSING = 0.5
# Nuclei that lie nearer than twice this are one body. Red nucleus and nigra lie 2–3 mm apart, the red nuclei of both
# sides 4 mm and more.
HALF_GAP_MM = 1.5
# Sides of which one is this many times as large as the other are not made more alike.
MOST_UNLIKE = 1.6
# Part of a box that the scan must cover. Planes at its ends that are zero all over were not imaged.
COVERED = 0.85
# Voxels of the finer outline.
FINE_MM = 1.0

_Ends = tuple[tuple[int, int, int], tuple[int, int, int]]


@dataclass(frozen=True, eq=False)
class _Half:
    """What the network said of one hemisphere, in its frame."""

    probabilities: NDArray[np.float32]
    frame: Grid
    world_from_frame: Affine
    enlarged: bool
    cut: bool


def outline(scan: Scan, pose: Pose, *, model: Model, scheme: Scheme, fine: bool = False) -> Outline:
    """Outline the structures of a scheme.

    Args:
        scan: The scan.
        pose: Where the head is.
        model: A network that sees one hemisphere at a time, its outputs named after structures without side.
        scheme: What is wanted; every name must be one of the network's outputs.
        fine: Also give the labels on a grid of ``FINE_MM``.

    Returns:
        Label map, probabilities and uncertainty on the scan's grid. A structure that was not found is empty and has
        no uncertainty: a person is asked to look.

    Raises:
        FieldOfViewError: A box lies outside the field of view, or most of what is wanted was not found.
        SettingsError: The network does not know a structure of the scheme.
    """
    channels = _channels(model, scheme)
    for side in HEMISPHERES:
        _check_covered(scan, pose.world_from_side(side), model=model, wanted=scheme.of_side(side))
    halves = _halves(scan, pose, model)
    block = _block(scan.grid, halves)
    probabilities = _on_grid(scan.grid, block, halves, channels=channels, scheme=scheme)
    labels = _labels(probabilities, scheme)
    missing = [s for s in scheme.structures if not labels.mask(s).any()]
    if len(missing) > MOST_MISSING * len(scheme.structures):
        raise FieldOfViewError(
            f"A scan that shows {_list([s.key for s in missing])} is wanted; nothing of it was found."
        )
    uncertainty = tuple(_unsure(probabilities, labels, s) for s in scheme.structures if s not in missing)
    notes = tuple(
        f"The {side} box was enlarged{', and its content still reaches the border' if half.cut else ''}."
        if half.enlarged
        else f"The content of the {side} box reaches its border."
        for side, half in halves.items()
        if half.enlarged or half.cut
    )
    finer: LabelMap | None = None
    if fine:
        grid = _fine_grid(scan.grid.crop(*block))
        finer = _labels(_on_grid(grid, ((0, 0, 0), grid.shape), halves, channels=channels, scheme=scheme), scheme)
    return Outline(labels, probabilities, uncertainty, f"network {model.name} {model.version}", notes, finer)


def outline_on(grid: Grid, scan: Scan, pose: Pose, *, model: Model, scheme: Scheme) -> LabelMap:
    """The outline on any grid, straight from the network's frame, so that no label map has to be resampled.

    Args:
        grid: In the scan's world, any direction and spacing: that of a truth, say.
        scan: The scan.
        pose: Where the head is.
        model: As for ``outline``.
        scheme: What is wanted.

    Raises:
        SettingsError: The network does not know a structure of the scheme.
    """
    channels = _channels(model, scheme)
    halves = _halves(scan, pose, model)
    return _labels(_on_grid(grid, ((0, 0, 0), grid.shape), halves, channels=channels, scheme=scheme), scheme)


def deep_structures(scan: Scan, pose: Pose, *, model: Model, scheme: Scheme) -> LabelMap:
    """Coarse outlines of both sides on the network's own grid, for the AC–PC frame.

    Args:
        scan: The scan.
        pose: Where the head is.
        model: A network that sees one hemisphere at a time, its outputs named after structures without side. The box
            reaches to the left of the midline by half a voxel or whole ones, so that the right half meets its grid.
        scheme: What is wanted, such as ``deep``; every name must be one of the network's outputs.

    Returns:
        Label map in world coordinates. A structure that the field of view cuts is left out.

    Raises:
        SettingsError: The network does not know a structure of the scheme, or its halves do not meet.
    """
    channels, recipe = _channels(model, scheme), model.recipe
    half, low_x = recipe.grid, recipe.box.low_mm[0]
    if not (2 * low_x / recipe.spacing_mm).is_integer():
        raise SettingsError(f"Network '{model.name}': a box that begins whole or half voxels from x = 0 is wanted.")
    whole = recipe.box.both_sides.grid(recipe.spacing_mm)
    voxels, likely = np.zeros(whole.shape, dtype=np.int16), np.full(whole.shape, 0.5, dtype=np.float32)
    for side in HEMISPHERES:
        reached = np.s_[: half.shape[0]] if side is Side.LEFT else np.s_[: -half.shape[0] - 1 : -1]
        probabilities = _probabilities(scan, half, pose.world_from_side(side), model)[1:]
        for structure in (s for s in scheme.structures if s.side in (side, Side.MIDLINE)):
            channel = probabilities[channels[structure.name]]
            better = channel > likely[reached]
            likely[reached][better] = channel[better]
            voxels[reached][better] = structure.label
    labels = LabelMap(voxels, inverse(pose.canonical_from_world) @ whole.affine_ras, scheme)
    beyond = dilated(~_imaged(scan, labels.grid))
    for structure in scheme.structures:
        mask = labels.mask(structure)
        body = largest_component(mask)
        voxels[mask if (body & beyond).any() else mask & ~body] = 0
    return labels


def _channels(model: Model, scheme: Scheme) -> dict[str, int]:
    channels = {name: number for number, name in enumerate(model.recipe.outputs)}
    unknown = sorted({s.name for s in scheme.structures} - set(channels))
    if unknown:
        raise SettingsError(
            f"Scheme '{scheme.name}' wants {_list(unknown)}; network '{model.name}' gives {_list(list(channels))}."
        )
    return channels


def _list(names: list[str]) -> str:
    return ", ".join(names)


def _halves(scan: Scan, pose: Pose, model: Model) -> dict[Side, _Half]:
    halves = {side: _half(scan, pose, side, model) for side in HEMISPHERES}
    return _alike(halves, model.recipe.sides_alike) if model.recipe.sides_alike > 0 else halves


def _alike(halves: dict[Side, _Half], share: float) -> dict[Side, _Half]:
    """Move the borders of each structure so that its volumes on both sides are more alike.

    The left and right nuclei of one person differ in size by less than what noise makes of them, so that most of a
    difference is error. This part of it (of the logarithms) is taken away; the product of both volumes stays. Sides
    that differ more than ``MOST_UNLIKE`` are left as they are: a person is to look at them.

    Args:
        halves: What the network said of both sides.
        share: 0–1.
    """
    lacking = {side: _lacking(half.probabilities) for side, half in halves.items()}
    volumes = {side: (values < 0).sum(axis=(1, 2, 3)) for side, values in lacking.items()}
    smaller, larger = np.minimum(*volumes.values()), np.maximum(*volumes.values())
    near = (smaller > 0) & (larger <= MOST_UNLIKE * smaller)
    between = np.sqrt(smaller * larger) ** share
    moved: dict[Side, _Half] = {}
    for side, half in halves.items():
        wanted = np.where(near, np.rint(volumes[side] ** (1 - share) * between).astype(int), volumes[side])
        added = [
            np.partition(values, count, axis=None)[count] if count != had else 0.0
            for values, count, had in zip(lacking[side], wanted, volumes[side], strict=True)
        ]
        grown = half.probabilities * np.exp(np.array(added, dtype=np.float32))[:, None, None, None]
        background = 1 - half.probabilities.sum(axis=0)
        moved[side] = replace(half, probabilities=grown / (background + grown.sum(axis=0)))
    return moved


def _lacking(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """By how much each structure's logit falls short of the likeliest other class, (structures, x, y, z)."""
    shares = np.concatenate([1 - probabilities.sum(axis=0, keepdims=True), probabilities])
    logits = np.log(np.maximum(shares, np.float32(1e-9)))
    others = [np.delete(logits, number, axis=0).max(axis=0) for number in range(1, len(logits))]
    return np.asarray(np.stack(others) - logits[1:], dtype=np.float32)


def _half(scan: Scan, pose: Pose, side: Side, model: Model) -> _Half:
    world_from_frame = pose.world_from_side(side)
    box = model.recipe.box
    half, reaches = _run(scan, box, world_from_frame, model)
    if not reaches:
        return half
    if model.recipe.is_wide:  # its box is as large as it is
        return replace(half, cut=True)
    again, still = _run(scan, box.enlarged(ENLARGE_MM), world_from_frame, model)
    return _Half(again.probabilities, again.frame, world_from_frame, enlarged=True, cut=still)


def _run(scan: Scan, box: Box, world_from_frame: Affine, model: Model) -> tuple[_Half, bool]:
    frame = box.grid(model.recipe.spacing_mm)
    probabilities = _probabilities(scan, frame, world_from_frame, model)
    content = _bodies(np.asarray(probabilities[1:].sum(axis=0) > 0.5), frame)
    half = _Half(probabilities[1:] * _margin(content), frame, world_from_frame, enlarged=False, cut=False)
    return half, touches_border(content)


def _probabilities(scan: Scan, frame: Grid, world_from_frame: Affine, model: Model) -> NDArray[np.float32]:
    """What the network and the one beside it say on a frame, (1 + outputs, x, y, z); the background comes first."""
    logits = _logits(scan, frame, world_from_frame, model)
    if model.beside is not None:
        grid = model.beside.recipe.grid
        part = block_within(frame, grid)
        if part is not None:  # it says nothing of an enlarged box
            logits = (logits + _logits(scan, grid, world_from_frame, model.beside)[:, *part]) / np.float32(2)
    shares = np.exp(logits - logits.max(axis=0))
    return np.asarray(shares / shares.sum(axis=0), dtype=np.float32)


def _logits(scan: Scan, frame: Grid, world_from_frame: Affine, model: Model) -> NDArray[np.float32]:
    recipe = model.recipe
    grid = recipe.seen if recipe.is_wide else frame
    seen = to_frame(scan.voxels, scan.affine_ras, grid, world_from_frame=world_from_frame)
    logits = model.network.run(normalise(seen, recipe.intensity, within=recipe.near)[None, None])[0]
    logits[0] += recipe.border_logit
    if recipe.output_logits:
        logits[1:] += np.array(recipe.output_logits, dtype=np.float32)[:, None, None, None]
    return np.asarray(logits, dtype=np.float32)


def _bodies(content: NDArray[np.bool_], frame: Grid) -> NDArray[np.bool_]:
    """The nuclei, those with a small gap between them as one.

    A nucleus may lie in pieces farther apart; small islands, and what lies on the other side of the midline, go.
    """
    steps = max(1, round(HALF_GAP_MM / float(frame.spacing_mm[0])))
    grown = dilated(content, steps)
    on_own_side = frame.affine_ras[0, 3] + frame.affine_ras[0, 0] * np.arange(frame.shape[0]) < 0
    own = main_components(grown, share=PIECE_SHARE) & on_own_side[:, None, None]
    return np.asarray(content & (largest_component(grown) | own))


def _margin(content: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The nuclei and a few voxels around them."""
    return dilated(content, 3)


def _check_covered(scan: Scan, world_from_frame: Affine, *, model: Model, wanted: tuple[Structure, ...]) -> None:
    frame = model.recipe.grid
    inside = _imaged(scan, Grid(frame.shape, world_from_frame @ frame.affine_ras))[2::6, 2::6, 2::6]
    if inside.mean() < COVERED:
        raise FieldOfViewError(
            f"A field of view that holds {_list([s.key for s in wanted])} is wanted, "
            f"it covers {100 * inside.mean():.0f} % of their box."
        )


def _imaged(scan: Scan, grid: Grid) -> NDArray[np.bool_]:
    """Which voxels of a grid in world coordinates the scan shows; planes at its ends that are all zero do not count."""
    imaged = occupied(scan.voxels) or (slice(0, 0),) * 3
    low, high = np.array([axis.start for axis in imaged]), np.array([axis.stop for axis in imaged])
    places = apply_affine(inverse(scan.affine_ras) @ grid.affine_ras, np.indices(grid.shape).reshape(3, -1).T)
    return np.asarray(((places >= low - 0.5) & (places <= high - 0.5)).all(axis=1).reshape(grid.shape))


def _block(grid: Grid, halves: dict[Side, _Half]) -> _Ends:
    """The part of a grid that both boxes reach: first index, and end."""
    blocks = [block_of(h.frame, grid, world_from_frame=h.world_from_frame) for h in halves.values()]
    reached = [b for b in blocks if b is not None]
    low = np.min([b[0] for b in reached], axis=0)
    high = np.max([b[1] for b in reached], axis=0)
    return (int(low[0]), int(low[1]), int(low[2])), (int(high[0]), int(high[1]), int(high[2]))


def _fine_grid(grid: Grid) -> Grid:
    """The same place along the same axes at ``FINE_MM``; it ends where the grid ends, or up to a voxel later."""
    steps = FINE_MM / grid.spacing_mm
    x, y, z = (int(n) for n in np.ceil(np.array(grid.shape) / steps - 1e-6))
    affine = grid.affine_ras @ np.diag([*steps, 1.0])
    affine[:3, 3] = apply_affine(grid.affine_ras, (steps - 1) / 2)
    return Grid((x, y, z), affine)


def _on_grid(
    grid: Grid, block: _Ends, halves: dict[Side, _Half], *, channels: dict[str, int], scheme: Scheme
) -> Probabilities:
    target = grid.crop(*block)
    out = np.zeros((len(scheme.structures), *target.shape), dtype=np.float32)
    for side, half in halves.items():
        rows = [n for n, s in enumerate(scheme.structures) if s.side is side]
        picked = half.probabilities[[channels[scheme.structures[n].name] for n in rows]]
        out[rows] = from_frame(picked, half.frame, target, world_from_frame=half.world_from_frame)
    return Probabilities(out, scheme.structures, block[0], grid)


def _labels(probabilities: Probabilities, scheme: Scheme) -> LabelMap:
    """The likeliest structure of each voxel where it is likelier than background; the main bodies of each, no noise."""
    table = np.array([s.label for s in scheme.structures], dtype=np.int16)
    values = probabilities.voxels
    winner = values.argmax(axis=0)
    found = np.where(np.take_along_axis(values, winner[None], 0)[0] > 1.0 - values.sum(axis=0), table[winner], 0)
    for label in table:
        mask = found == label
        bodies = main_components(mask, share=PIECE_SHARE)
        small = float(bodies.sum()) * probabilities.grid.voxel_volume_mm3 < SMALLEST_MM3
        found[mask if small else mask & ~bodies] = 0
    voxels = np.zeros(probabilities.grid.shape, dtype=np.int16)
    voxels[probabilities.block] = found
    return LabelMap(voxels, probabilities.grid.affine_ras, scheme)


def _unsure(probabilities: Probabilities, labels: LabelMap, structure: Structure) -> StructureUncertainty:
    channel = probabilities.structures.index(structure)
    mask = labels.mask(structure)[probabilities.block]
    return StructureUncertainty(structure, 1.0 - expected_dice(probabilities.voxels[channel], mask))
