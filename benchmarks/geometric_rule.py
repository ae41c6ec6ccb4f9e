"""The geometric rule on label maps: how much the twelve parts depend on what the AC–PC frame is found from.

    python benchmarks/geometric_rule.py MAPS [--numbers freesurfer|hoa2] [--leave-out STEM ...]

MAPS holds ``*_dseg.nii.gz``, whole label maps. The reference is our own rule in the frame of all deep structures. Where
``*_striatum12.nii.gz`` of the same stem lies beside a map (labels 1–6 left, 7–12 right: the answer of an independent
script), that is compared too. Dice of each part, both sides: mean, and the worst of all maps and sides.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from deepgray.anatomy import HEMISPHERES, STRIATUM, Side, Structure, scheme
from deepgray.read import read_mask
from deepgray.scan import LabelMap
from deepgray.space import Affine, apply_affine
from deepgray.subdivide import split_label_map
from deepgray.subdivide.frame import Frame
from deepgray.subdivide.geometric import divide
from deepgray.voxels.acpc import FREESURFER, HOA2, Labels, fit_acpc
from deepgray.voxels.crop import occupied

NUMBERS = {"freesurfer": FREESURFER, "hoa2": HOA2}
FOUR, TWELVE = scheme("striatum"), scheme("striatum12")
NAMES = [s.name for s in TWELVE.structures[:6]]
# Shift and turn, in random directions, that a frame is away from the frame of all structures; and how often.
ERRORS = ((1.5, 2.5, 3), (3.0, 5.0, 3))
MARGIN_VOXELS = 6


@dataclass(frozen=True, eq=False)
class Case:
    """One head: its striatum and pallidum, and the frame of all its deep structures."""

    labels: LabelMap
    frame: Affine
    other: NDArray[np.integer] | None


def main() -> None:
    """Divide in every way, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("maps", type=Path)
    parser.add_argument("--numbers", choices=sorted(NUMBERS), default="freesurfer")
    parser.add_argument("--leave-out", nargs="*", default=[])
    chosen = parser.parse_args()
    scores: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
    strays: dict[str, list[int]] = defaultdict(list)
    paths = [p for p in sorted(chosen.maps.glob("*_dseg.nii.gz")) if p.name.split("_")[0] not in chosen.leave_out]
    for number, path in enumerate(paths):
        case = load(path, NUMBERS[chosen.numbers])
        reference = in_frame(case, case.frame)
        strays["ours"].append(stray_voxels(reference.voxels))
        if case.other is not None:
            strays["other script"].append(stray_voxels(case.other))
        for name, divided in ways(case, np.random.default_rng(number)):
            scores[f"{name} | ours, all structures"].append(dice(divided, reference.voxels))
            if case.other is not None:
                scores[f"{name} | other script"].append(dice(divided, case.other))
    print(f"{len(paths)} label maps; Dice mean (worst)")
    print("frame from | compared with | " + " | ".join(NAMES) + " | all")
    for name, values in scores.items():
        table = np.concatenate(values)
        cells = [f"{table[:, i].mean():.3f} ({table[:, i].min():.2f})" for i in range(len(NAMES))]
        print(f"{name} | {' | '.join(cells)} | {np.nanmean(table):.3f}")
    for name, counts in strays.items():
        print(
            f"{name}: voxels apart from the body of their part, mean {np.mean(counts):.1f} a head, most {max(counts)}"
        )


def stray_voxels(parts: NDArray[np.integer]) -> int:
    """Voxels that are not in the largest piece (26 neighbours) of their part, over all twelve."""
    count = 0
    for part in TWELVE.structures:
        sizes = np.bincount(ndimage.label(parts == part.label, np.ones((3, 3, 3)))[0].ravel())[1:]
        count += int(sizes.sum() - sizes.max(initial=0))
    return count


def load(path: Path, numbers: Labels) -> Case:
    """A head cut to its striatum and pallidum."""
    volume = read_mask(path)
    frame = fit_acpc(volume.voxels, volume.affine_ras, labels=numbers).canonical_from_world
    labels = np.zeros(volume.voxels.shape, dtype=np.uint8)
    for structure in FOUR.structures:
        labels[np.isin(volume.voxels, numbers[structure.key])] = structure.label
    found = occupied(labels)
    if found is None:
        raise SystemExit(f"{path}: a label map with a striatum is wanted.")
    box = tuple(slice(max(s.start - MARGIN_VOXELS, 0), s.stop + MARGIN_VOXELS) for s in found)
    affine = volume.affine_ras.copy()
    affine[:3, 3] = apply_affine(affine, np.array([s.start for s in box]))
    beside = path.with_name(path.name.replace("_dseg", "_striatum12"))
    other = None
    if beside.exists():
        table = np.array([0, *(s.label for side in HEMISPHERES for s in TWELVE.of_side(side))])
        other = table[read_mask(beside).voxels[box]]
    return Case(LabelMap(labels[box], affine, FOUR), frame, other)


def ways(case: Case, random: np.random.Generator) -> list[tuple[str, LabelMap]]:
    """Every way of finding the frame, and its answer."""
    found = [
        ("all deep structures", in_frame(case, case.frame)),
        ("striatum and pallidum", split_label_map(case.labels).labels),
        ("striatum", split_label_map(only(case.labels, STRIATUM)).labels),
        ("striatum and pallidum of one side", one_side_each(case.labels)),
    ]
    for shift_mm, turn_degrees, repeats in ERRORS:
        for _ in range(repeats):
            away = error(random, shift_mm, turn_degrees) @ case.frame
            found.append((f"a frame {shift_mm:g} mm and {turn_degrees:g}° off", in_frame(case, away)))
    return found


def in_frame(case: Case, frame: Affine) -> LabelMap:
    """The rule in a frame that is given."""
    return divide(case.labels, Frame(frame, "given"), rule="mawlawi").labels


def only(labels: LabelMap, names: tuple[str, ...], side: Side | None = None) -> LabelMap:
    """The structures of these names, of one side or of both."""
    kept = [s.label for s in labels.scheme.structures if s.name in names and side in (None, s.side)]
    return LabelMap(np.where(np.isin(labels.voxels, kept), labels.voxels, 0), labels.affine_ras, labels.scheme)


def one_side_each(labels: LabelMap) -> LabelMap:
    """Each side divided as if it were alone."""
    names = tuple(s.name for s in FOUR.structures)
    left, right = (split_label_map(only(labels, names, side)).labels for side in HEMISPHERES)
    return LabelMap(left.voxels + right.voxels, left.affine_ras, left.scheme)


def error(random: np.random.Generator, shift_mm: float, turn_degrees: float) -> Affine:
    """A shift and a turn of this size in random directions."""
    matrix = np.eye(4)
    direction, axis = random.normal(size=3), random.normal(size=3)
    matrix[:3, 3] = shift_mm * direction / np.linalg.norm(direction)
    turn = np.radians(turn_degrees) * axis / np.linalg.norm(axis)
    matrix[:3, :3] = Rotation.from_rotvec(turn).as_matrix()
    return matrix


def dice(found: LabelMap, truth: NDArray[np.integer]) -> NDArray[np.float64]:
    """Dice of the six parts of the left and of the right side, (2, 6)."""

    def of(part: Structure) -> float:
        one, other = found.mask(part), truth == part.label
        return float(2 * (one & other).sum() / max(int(one.sum() + other.sum()), 1))

    return np.array([[of(part) for part in TWELVE.of_side(side)] for side in HEMISPHERES])


if __name__ == "__main__":
    main()
