"""A user's scans with their label maps: which files of a folder belong together, and reading them.

Three ways to keep them are understood, and mixtures: ``X.nii.gz`` beside ``X_dseg.nii.gz``; ``X_T1w.nii.gz`` or
``X_Chimap.nii.gz`` beside ``X_desc-manual_dseg.nii.gz``; and BIDS, raw scans in one place and label maps among the
derivatives (https://bids-specification.readthedocs.io).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepgray.anatomy import Scheme
from deepgray.errors import GeometryError, MaskError, SettingsError
from deepgray.read import read, read_labels, stem_of
from deepgray.read.names import suffix_of
from deepgray.scan import LabelMap, Scan
from deepgray.space import equivalent_axes, same_grid

LABEL_ENDS = ("dseg", "seg", "labels", "label")
# Images that are neither a scan nor a label map.
OTHER_ENDS = ("mask", "probseg", "entropy")
# Entities of a name that tell how an image was made, not of whom.
MADE_BY = ("desc", "atlas", "seg", "label", "space", "res", "den")
# Ends of names by which a scan is preferred where one label map fits several.
PREFERRED: dict[str, tuple[str, ...]] = {
    "mr": ("T1w", "UNIT1", "T2w"),
    "qsm": ("Chimap", "QSM", "qsm"),
    "pet": ("pet",),
    "spect": ("spect",),
}


@dataclass(frozen=True)
class PairFiles:
    """A scan and its label map on disk.

    Attributes:
        name: Unique among its companions.
        subject: Whose scan: ``sub-…`` of its name, or all of the name.
        scan: File of the scan.
        labels: File of the label map.
        mask: File of the scan's brain mask, or None where none is wanted.
    """

    name: str
    subject: str
    scan: Path
    labels: Path
    mask: Path | None = None


@dataclass(frozen=True, eq=False)
class Pair:
    """A scan and its label map on the same grid.

    Attributes:
        name: See ``PairFiles``.
        subject: See ``PairFiles``.
        scan: The scan.
        labels: The label map, in the order of the scan's axes.
    """

    name: str
    subject: str
    scan: Scan
    labels: LabelMap


def find_pairs(folder: Path, *, modality: str = "mr", word: str = "", masks: bool = False) -> tuple[PairFiles, ...]:
    """The scans of a folder that have a label map.

    Args:
        folder: A plain folder, a BIDS dataset, or a BIDS derivative inside one; searched with all folders in it.
        modality: Which scan to prefer where several fit one label map.
        word: Only label maps with this word in their name count; all if empty.
        masks: Give every scan its brain mask, ``X_mask.nii.gz`` beside ``X.nii.gz`` or beside ``X_Chimap.nii.gz``.

    Returns:
        Pairs in the order of their names; scans without a label map are passed over.

    Raises:
        SettingsError: No such folder, no label map, a label map without a scan or with several, a scan with several
            label maps, or, where masks are wanted, one without a mask or with several.
    """
    if not folder.is_dir():
        raise SettingsError(f"A folder of scans and label maps is wanted, {folder} is none.")
    inside = _images([folder])
    maps = [p for p in inside if _end(p) in LABEL_ENDS and word in p.name]
    if not maps:
        named = f" with '{word}' in their name" if word else ""
        raise SettingsError(f"Label maps *_dseg.nii.gz{named} are wanted in {folder}, none is there.")
    if folder.parent.name == "derivatives":
        inside = [*inside, *_images(sorted(folder.parent.parent.glob("sub-*")))]
    scans = [p for p in inside if _end(p) not in (*LABEL_ENDS, *OTHER_ENDS)]
    chosen = {path: _scan_of(path, scans, modality) for path in maps}
    _check_single(chosen)
    plain = [stem_of(scan) for scan in chosen.values()]
    found = []
    for labels, scan in chosen.items():
        stem = stem_of(scan)
        name = stem if plain.count(stem) == 1 else "-".join((*scan.parts[len(folder.parts) : -1], stem))
        mask = _mask_of(scan, inside) if masks else None
        found.append(PairFiles(name, _subject(scan, name), scan, labels, mask))
    return tuple(sorted(found, key=lambda pair: pair.name))


def _images(folders: Iterable[Path]) -> list[Path]:
    found = (p for folder in folders for p in sorted(folder.rglob("*")))
    return [p for p in found if suffix_of(p) and not p.name.startswith(".") and p.is_file()]


def _end(path: Path) -> str:
    return stem_of(path).rpartition("_")[2]


def _core(path: Path, *, whole: bool = False) -> str:
    """The name without how it was made, and without its end unless the whole is wanted."""
    words = stem_of(path).split("_")
    kept = words if whole else words[:-1]
    return "_".join(word for word in kept if word.partition("-")[0] not in MADE_BY or "-" not in word)


def _subject(scan: Path, name: str) -> str:
    words = (*stem_of(scan).split("_"), *scan.parts[-4:-1])
    return next((word for word in words if word.startswith("sub-")), name)


def _scan_of(labels: Path, scans: list[Path], modality: str) -> Path:
    """The one scan that a label map belongs to: by its whole name, or by all but the end of it."""
    core = _core(labels)
    found = [s for s in scans if core in (stem_of(s), _core(s, whole=True))] or [s for s in scans if _core(s) == core]
    narrower: list[Callable[[Path], bool]] = [lambda s: s.parent == labels.parent]
    narrower += [lambda s, end=end: _end(s) == end for end in PREFERRED.get(modality, ())]  # type: ignore[misc]
    for fits in narrower:
        if len(found) > 1:
            found = [s for s in found if fits(s)] or found
    if not found:
        raise SettingsError(
            f"A scan for every label map is wanted, {labels.name} has none: "
            f"{core}.nii.gz or {core}_<kind>.nii.gz would be one."
        )
    if len(found) > 1:
        names = ", ".join(str(s) for s in found[:4])
        raise SettingsError(f"One scan for every label map is wanted, {labels.name} may belong to {names}.")
    return found[0]


def _mask_of(scan: Path, inside: list[Path]) -> Path:
    """The one brain mask of a scan: of its whole name where there is one, else of its name without the end."""
    every = [p for p in inside if _end(p) == "mask"]
    named = [p for p in every if _core(p) in (stem_of(scan), _core(scan, whole=True))]
    found = named or [p for p in every if _core(p) == _core(scan)]
    found = [p for p in found if p.parent == scan.parent] or found
    if len(found) != 1:
        came = ", ".join(p.name for p in found[:4]) or "none"
        raise SettingsError(f"One brain mask {stem_of(scan)}_mask.nii.gz is wanted for {scan.name}, {came} came.")
    return found[0]


def _check_single(chosen: dict[Path, Path]) -> None:
    by_scan: dict[Path, list[Path]] = {}
    for labels, scan in chosen.items():
        by_scan.setdefault(scan, []).append(labels)
    for scan, several in by_scan.items():
        if len(several) > 1:
            names = ", ".join(p.name for p in several[:4])
            raise SettingsError(
                f"One label map for every scan is wanted, {scan.name} has {names}: say a word that the names of the"
                " wanted ones hold."
            )


def read_pair(files: PairFiles, scheme: Scheme, *, modality: str = "mr", unit: str | None = None) -> Pair:
    """Read a scan and its label map, and bring the latter's axes into the scan's order.

    Args:
        files: Where they are.
        scheme: What the labels mean.
        modality: Of the scan.
        unit: Of a susceptibility map: ``ppm`` or ``ppb``; None takes ppm, and refuses what does not look like it.

    Raises:
        GeometryError: The label map does not lie on the scan's grid, in any order of its axes.
        MaskError: A label that is not in the scheme, or no label at all.
        InputError: As for ``read`` and ``read_labels``.
        SettingsError: A unit or a mask for a scan that is no susceptibility map.
    """
    scan = read(files.scan, modality=modality, unit=unit, mask=files.mask)
    labels = read_labels(files.labels, scheme)
    if not labels.voxels.any():
        raise MaskError(f"{files.labels.name}: labels are wanted, every voxel is 0.")
    voxels = labels.voxels
    if not same_grid(labels.grid, scan.grid):
        axes = equivalent_axes(labels.grid, scan.grid)
        if axes is None:
            raise GeometryError(
                f"{files.labels.name}: the grid of {files.scan.name} is wanted {_told(scan)}, another one came"
                f" {_told(labels)}."
            )
        order, flips = axes
        voxels = np.flip(voxels.transpose(order), axis=tuple(a for a in range(3) if flips[a]))
    return Pair(files.name, files.subject, scan, LabelMap(voxels, scan.affine_ras, scheme))


def _told(volume: Scan | LabelMap) -> str:
    shape = " × ".join(map(str, volume.voxels.shape))
    spacing = " × ".join(f"{s:.3g}" for s in volume.grid.spacing_mm)
    return f"({shape} voxels of {spacing} mm)"
