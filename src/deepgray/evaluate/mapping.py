"""How a foreign label map is read as ours: a table from its labels to our structures."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepgray.anatomy import STRUCTURES, Scheme, Structure, structure
from deepgray.errors import SettingsError
from deepgray.scan import LabelMap
from deepgray.space import Affine
from deepgray.voxels.crop import occupied

_COLUMNS = ("label", "name", "side")


@dataclass(frozen=True)
class Entry:
    """One foreign label and the structure it belongs to."""

    label: int
    structure: Structure


@dataclass(frozen=True)
class LabelMapping:
    """What the labels of a foreign label map mean.

    Attributes:
        name: Name of the mapping.
        entries: One per foreign label; several labels may belong to one structure. Labels that are not listed are read
            as background.

    Raises:
        SettingsError: No entry, a label below 1, or a label that stands twice.
    """

    name: str
    entries: tuple[Entry, ...]

    def __post_init__(self) -> None:
        labels = [entry.label for entry in self.entries]
        if not labels:
            raise SettingsError(f"Mapping '{self.name}': at least one label is wanted, none came.")
        if min(labels) < 1:
            raise SettingsError(f"Mapping '{self.name}': labels above 0 are wanted, {min(labels)} came.")
        twice = sorted({label for label in labels if labels.count(label) > 1})
        if twice:
            raise SettingsError(f"Mapping '{self.name}': each label is wanted once, {twice} came twice.")

    @property
    def scheme(self) -> Scheme:
        """The structures that the mapping can give, with our labels."""
        return Scheme(self.name, tuple(dict.fromkeys(entry.structure for entry in self.entries)))

    def read(self, voxels: NDArray[np.integer], affine_ras: Affine) -> LabelMap:
        """A foreign label array as a label map of ours.

        Args:
            voxels: (x, y, z) integers, foreign labels.
            affine_ras: 4 × 4, voxel index to RAS mm.

        Returns:
            Our labels on the same grid; what the mapping does not list is 0.

        Raises:
            ShapeError: The voxels are not a volume.
            GeometryError: The affine does not place voxels.
        """
        highest = max(entry.label for entry in self.entries)
        table: NDArray[np.uint32] = np.zeros(highest + 2, dtype=np.uint32)
        for entry in self.entries:
            table[entry.label] = entry.structure.label
        ours = np.zeros(voxels.shape, dtype=table.dtype)
        box = occupied(voxels) if voxels.ndim == 3 else None
        if box is not None:  # the table's first and last places are background, for labels below and above the listed
            ours[box] = table[np.clip(voxels[box].astype(np.int64), 0, highest + 1)]
        return LabelMap(ours, affine_ras, self.scheme)


def mapping_names() -> tuple[str, ...]:
    """Names of the mappings that deepgray ships, sorted."""
    found = (files("deepgray.evaluate") / "mappings").iterdir()
    return tuple(sorted(entry.name.removesuffix(".tsv") for entry in found if entry.name.endswith(".tsv")))


@cache
def mapping(name: str) -> LabelMapping:
    """The shipped mapping of this name.

    Raises:
        SettingsError: No mapping has this name.
    """
    if name not in mapping_names():
        raise SettingsError(f"A mapping is wanted, one of {', '.join(mapping_names())}; '{name}' came.")
    source = files("deepgray.evaluate") / "mappings" / f"{name}.tsv"
    return _parse(source.read_text(encoding="utf-8"), name=name)


def mapping_from_file(path: Path) -> LabelMapping:
    """A user's mapping: a tab-separated file with the columns ``label``, ``name``, ``side``.

    Names and sides are those of the table of structures (``caudate``, ``left``). A row without a name is a label that
    is ignored on purpose; labels that are not listed are ignored as well. The file's name becomes the mapping's.

    Raises:
        SettingsError: The file cannot be read, a column is missing, or a row is not understood.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"A readable mapping file is wanted, {path} is not: {error}.") from error
    return _parse(text, name=path.stem)


def mapping_from_scheme(scheme: Scheme) -> LabelMapping:
    """The mapping that reads a label map of this scheme: every label is already ours, others are ignored."""
    return LabelMapping(scheme.name, tuple(Entry(s.label, s) for s in scheme.structures))


def _parse(text: str, *, name: str) -> LabelMapping:
    rows = list(csv.DictReader(text.splitlines(), delimiter="\t"))
    missing = [column for column in _COLUMNS if rows and column not in rows[0]]
    if missing:
        raise SettingsError(
            f"Mapping '{name}': columns {', '.join(_COLUMNS)} are wanted, {', '.join(missing)} missing."
        )
    entries = [_entry(row, origin=f"Mapping '{name}', line {line}") for line, row in enumerate(rows, start=2)]
    return LabelMapping(name, tuple(entry for entry in entries if entry is not None))


def _entry(row: dict[str, str | None], *, origin: str) -> Entry | None:
    words = {column: (row[column] or "").strip().lower() for column in _COLUMNS}
    try:
        label = int(words["label"])
    except ValueError as error:
        raise SettingsError(f"{origin}: an integer label is wanted, '{words['label']}' came.") from error
    if not words["name"]:
        return None
    key = f"{words['side']} {words['name']}"
    if all(known.key != key for known in STRUCTURES):
        raise SettingsError(f"{origin}: a name and side such as 'caudate' and 'left' are wanted, '{key}' came.")
    return Entry(label, structure(key))
