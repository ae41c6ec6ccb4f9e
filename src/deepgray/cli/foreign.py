"""Label maps of other tools, read as ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from deepgray.anatomy import scheme
from deepgray.evaluate import LabelMapping, mapping, mapping_from_file, mapping_from_scheme
from deepgray.read import read_mask
from deepgray.scan import LabelMap


def chosen_mapping(name: str | None, scheme_name: str) -> LabelMapping:
    """The mapping that a user named: a shipped one, a file (``.tsv``), or none, for labels that are ours.

    Raises:
        SettingsError: No mapping has this name, or its file is not understood.
    """
    if name is None:
        return mapping_from_scheme(scheme(scheme_name))
    return mapping_from_file(Path(name)) if name.endswith(".tsv") else mapping(name)


def reader(chosen: LabelMapping) -> Callable[[Path], LabelMap]:
    """A function that reads a file through a mapping."""

    def read(path: Path) -> LabelMap:
        volume = read_mask(path)
        return chosen.read(volume.voxels, volume.affine_ras)

    return read
