"""A user's pairs as training samples: each side in the canonical frame, the right one mirrored in, bent and turned.

A scan is seen as ``outline`` sees it: same pose, same frame, same interpolation, same intensities. Only the frame is
moved a little each time.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from torch import Tensor

from deepgray import models
from deepgray.anatomy import HEMISPHERES, Side
from deepgray.errors import AnatomyError, FieldOfViewError, SettingsError
from deepgray.locate import locate
from deepgray.recipe import Recipe
from deepgray.simulate import mr
from deepgray.space import MIRROR_X, Affine, Grid, apply_affine, inverse
from deepgray.train.cache import save_text
from deepgray.train.pairs import Pair, find_pairs, read_pair
from deepgray.train.samples import Sample, SampleStream, on_device, shape_of
from deepgray.train.settings import TrainSettings
from deepgray.voxels.acpc import fit_acpc
from deepgray.voxels.intensity import normalise
from deepgray.voxels.resample import averaged, block_of, closest_ras

# Room around the box for rotation, shift and zoom.
MARGIN_MM = 12.0
# Less of a side's labels than this part inside the network's box means that pose or labels are wrong.
LEAST_INSIDE = 0.5
REAL = mr.Appearance(rotation_degrees=15.0, shift_mm=4.0, zoom=0.12, displacement_mm=0.8)


@dataclass(frozen=True, eq=False)
class PairSide:
    """One hemisphere of a pair.

    Attributes:
        name: Of the pair, with the side.
        subject: Whose it is.
        image: (x, y, z) float32, intensities as they are in the file.
        affine: 4 × 4, index of the image to canonical mm of the left side.
        classes: (x, y, z) uint8, outputs of the recipe counted from 1, as fine as in the file.
        classes_affine: 4 × 4, index of the classes to canonical mm of the left side.
    """

    name: str
    subject: str
    image: NDArray[np.float32]
    affine: Affine
    classes: NDArray[np.uint8]
    classes_affine: Affine


class PairSamples(SampleStream):
    """Sides of pairs, each time turned, bent, and with other intensities.

    Args:
        sides: What to draw from.
        recipe: Frame and outputs of the network.
        appearance: Limits of rotation, shift, zoom and displacement.
        seed: Of the first worker; each worker adds its number.
    """

    def __init__(
        self, sides: list[PairSide], recipe: Recipe, *, appearance: mr.Appearance = REAL, seed: int = 0
    ) -> None:
        super().__init__(recipe, appearance=appearance, seed=seed)
        self.images = [(on_device(s.image), on_device(s.affine)) for s in sides]
        self.classes = [(on_device(s.classes), on_device(s.classes_affine)) for s in sides]

    def draw(self) -> Sample:
        """One sample from torch's generator."""
        number = int(torch.randint(len(self.images), (1,)))
        spacing = self.recipe.spacing_mm
        warp = mr.draw_warp(shape_of(self.recipe), (spacing, spacing, spacing), self.centre_mm, self.appearance)
        sample = self._at(number, warp.points_mm, blur_voxels=mr.uniform(0.2, 0.8) if mr.chance(0.3) else 0.0)
        image = sample.inputs
        changed = image * mr.uniform(0.85, 1.18) + mr.uniform(-0.08, 0.08)
        changed = changed + mr.uniform(0.0, 0.05) * torch.randn(image.shape)
        return Sample(torch.where(image == 0, image, changed), sample.target, sample.inside)

    def plain(self) -> list[Sample]:
        """Every side once, as ``outline`` sees it."""
        frame = self.recipe.grid
        points = on_device(apply_affine(frame.affine_ras, np.moveaxis(np.indices(frame.shape), 0, -1))).float()
        return [self._at(number, points) for number in range(len(self.images))]

    def _at(self, number: int, points_mm: Tensor, *, blur_voxels: float = 0.0) -> Sample:
        image, affine = self.images[number]
        seen = mr.sample_linear(torch.stack([image, torch.ones_like(image)]), affine, points_mm)
        inside = seen[1] > 0.5
        classes, affine = self.classes[number]
        each = range(1, 1 + len(self.recipe.outputs))
        shares = mr.sample_linear(torch.stack([classes == n for n in each]).float(), affine, points_mm)
        most, which = shares.max(0)
        target = torch.where(most > 1 - shares.sum(0), which + 1, 0) * inside
        picture = mr.gaussian_blur(seen[0], (blur_voxels,) * 3)
        scaled = normalise(picture.cpu().numpy(), self.recipe.intensity)
        return Sample(on_device(scaled)[None], target.long(), inside)


def sides_of(pair: Pair, canonical_from_world: Affine, recipe: Recipe) -> list[PairSide]:
    """The sides of a pair that have labels, cut out around the network's box.

    Args:
        pair: Scan and labels.
        canonical_from_world: 4 × 4 rigid.
        recipe: Frame and outputs of the network.

    Raises:
        FieldOfViewError: The labels of a side lie outside the network's box.
    """
    made = []
    for side in HEMISPHERES:
        labels = {s.label: 1 + recipe.outputs.index(s.name) for s in pair.labels.scheme.of_side(side)}
        if labels and np.isin(pair.labels.voxels, list(labels)).any():
            made.append(_side(pair, labels, (side, canonical_from_world), recipe))
    return made


def _side(pair: Pair, labels: dict[int, int], where: tuple[Side, Affine], recipe: Recipe) -> PairSide:
    side, canonical_from_world = where
    from_world = MIRROR_X @ canonical_from_world if side is Side.RIGHT else canonical_from_world
    _check_inside(pair, list(labels), from_world, recipe)
    table = np.zeros(1 + max(int(pair.labels.voxels.max()), *labels), dtype=np.uint8)
    table[list(labels)] = list(labels.values())
    wide = recipe.box.enlarged(MARGIN_MM).grid(recipe.spacing_mm)
    original, grid_affine = closest_ras(pair.scan.voxels, pair.scan.affine_ras)
    image, affine = _cut(*averaged(original, grid_affine, recipe.spacing_mm), wide, from_world)
    turned, grid_affine = closest_ras(table[pair.labels.voxels].astype(np.float32), pair.scan.affine_ras)
    classes, classes_affine = _cut(turned, grid_affine, wide, from_world)
    return PairSide(f"{pair.name}-{side}", pair.subject, image, affine, classes.astype(np.uint8), classes_affine)


def _cut(
    voxels: NDArray[np.float32], affine_ras: Affine, wide: Grid, from_world: Affine
) -> tuple[NDArray[np.float32], Affine]:
    """What of a volume lies around a box of the frame, and its affine to the frame."""
    grid = Grid((voxels.shape[0], voxels.shape[1], voxels.shape[2]), affine_ras)
    block = block_of(wide, grid, world_from_frame=inverse(from_world))
    if block is None:
        raise FieldOfViewError("A scan that shows the nuclei is wanted, it ends before them.")
    low, high = block
    cut = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    shift = np.eye(4)
    shift[:3, 3] = low
    return np.ascontiguousarray(voxels[cut]), from_world @ affine_ras @ shift


def _check_inside(pair: Pair, labels: list[int], from_world: Affine, recipe: Recipe) -> None:
    places = np.argwhere(np.isin(pair.labels.voxels, labels))
    points = apply_affine(from_world @ pair.scan.affine_ras, places)
    inside = ((points >= recipe.low_mm) & (points <= recipe.high_mm)).all(axis=1).mean()
    if inside < LEAST_INSIDE:
        raise FieldOfViewError(
            f"{pair.name}: labels inside the box of '{recipe.name}' are wanted, {100 * inside:.0f} % of them are:"
            " either the head was not found where it is, or the labels are those of other structures."
        )


def hold_out(subjects: list[str], held_out: tuple[str, ...], share: float) -> set[str]:
    """Which subjects validate.

    Args:
        subjects: Whose the pairs are, repetitions allowed.
        held_out: Those whose names contain one of these words; a share of all if empty.
        share: The share, 0–1; the same subjects every time.

    Raises:
        SettingsError: Nobody would be left to train on, or to validate with.
    """
    everybody = sorted(set(subjects), key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    count = max(1, round(share * len(everybody)))
    chosen = {s for s in everybody if any(word in s for word in held_out)} if held_out else set(everybody[:count])
    if not chosen or len(chosen) == len(everybody):
        words = f" (held out: {', '.join(held_out)})" if held_out else ""
        raise SettingsError(
            f"Scans of some people to train on and of others to validate with are wanted; of {len(everybody)}"
            f" {len(chosen)} would validate{words}."
        )
    return chosen


def found_pose(pair: Pair, locator: models.Model, cache: Path) -> Affine:
    """The canonical frame of a pair: where ``locate`` finds the head, else from its labels; kept in the cache.

    Raises:
        AnatomyError: No head is found, and the labels do not tell where it is.
    """
    changed = hashlib.sha256(repr(pair.scan.changes).encode()).hexdigest()[:6] if pair.scan.changes else "as-read"
    kept = cache / f"pose-{pair.scan.sha256[:16]}-{locator.sha256[:8]}-{changed}.json"
    if kept.is_file():
        return np.array(json.loads(kept.read_text(encoding="utf-8")), dtype=np.float64)
    try:
        pose = locate(pair.scan, locator).canonical_from_world
    except AnatomyError as error:
        try:
            numbers = {s.key: (s.label,) for s in pair.labels.scheme.structures}
            pose = fit_acpc(pair.labels.voxels, pair.scan.affine_ras, labels=numbers).canonical_from_world
        except (AnatomyError, SettingsError):
            raise type(error)(f"{pair.name}: {error}") from error
    save_text(kept, json.dumps(pose.tolist()))
    return pose


def pair_samples(settings: TrainSettings) -> tuple[PairSamples, list[Sample]]:
    """The endless training stream of a user's pairs, and every held-out side once.

    Raises:
        SettingsError: No pairs are wanted, files do not pair, or too few people.
        InputError: A pair that cannot be read.
        AnatomyError: A scan in which no head is found, or labels that lie elsewhere.
    """
    wanted = settings.pairs
    if wanted is None:
        raise SettingsError("A folder of scans and label maps is wanted, none came.")
    recipe, scheme = settings.recipe, wanted.labels_of(settings.network)
    locator = models.load(wanted.locate or _locator(settings.network, recipe), threads=settings.threads)
    files = find_pairs(wanted.folder, modality=recipe.modality, word=wanted.word, masks=wanted.masks)
    held = hold_out([f.subject for f in files], wanted.held_out, wanted.held_out_share)
    cache = settings.cache or settings.out / "cache"
    sides: dict[bool, list[PairSide]] = {True: [], False: []}
    for one in track(files, "pairs", transient=True, console=Console(file=sys.stderr)):
        pair = read_pair(one, scheme, modality=recipe.modality, unit=wanted.unit or None)
        sides[one.subject in held] += sides_of(pair, found_pose(pair, locator, cache), recipe)
    training, validation = (PairSamples(sides[k], recipe, seed=settings.seed) for k in (False, True))
    return training, validation.plain()


def _locator(network: str, recipe: Recipe) -> str:
    """Name of the whole-head network of the task that this network belongs to."""
    tasks = map(models.task, models.task_names())
    found = [t.locate_model for t in tasks if t.outline_model == network and t.modality == recipe.modality]
    return found[0] if found else "head-locate"
