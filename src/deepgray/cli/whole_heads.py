"""Label maps of whole heads from files, made ready to be simulated."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from deepgray.anatomy import scheme
from deepgray.cli.output import news
from deepgray.errors import GeometryError, SettingsError
from deepgray.read import read_mask, stem_of
from deepgray.space import same_grid

if TYPE_CHECKING:
    from deepgray.simulate.whole_head import WholeHead


def head_name(labelmap: Path) -> str:
    """What a head is called: its file's name without ``_dseg``."""
    return stem_of(labelmap).removesuffix("_dseg")


def still_to_make(files: Mapping[int, Path], what: str, *, overwrite: bool) -> list[int]:
    """The seeds whose files are to be made; how many are there already is told.

    Args:
        files: File of each seed.
        what: What they are (``maps``).
        overwrite: Make all of them again.
    """
    missing = [seed for seed, file in files.items() if overwrite or not file.exists()]
    if len(missing) < len(files):
        news(f"{len(files) - len(missing)} of {len(files)} {what} are there already (see --overwrite).")
    return missing


def prepared_head(labelmap: Path, parts: Path | None, *, source: str = "freesurfer") -> WholeHead:
    """A head from its label map.

    Args:
        labelmap: Label map of a whole head.
        parts: Label map of the subregions on the same grid, with a table labels_striatum12.tsv beside it, or None.
        source: What the labels mean.

    Raises:
        GeometryError: The subregions lie on another grid.
        SettingsError: Their table cannot be read.
    """
    from deepgray.simulate.whole_head import prepare  # noqa: PLC0415 (torch is slow, and an extra)

    labels = read_mask(labelmap)
    cut = None
    if parts is not None:
        volume = read_mask(parts)
        if not same_grid(volume.grid, labels.grid):
            raise GeometryError(f"Subregions on the grid of {labelmap} are wanted, {parts} is not.")
        cut = (volume.voxels, part_names(parts.with_name("labels_striatum12.tsv")))
    return prepare(labels.voxels, labels.affine_ras, name=head_name(labelmap), source=source, parts=cut)


def part_names(table: Path) -> dict[int, str]:
    """What the numbers of a map of subregions are called.

    Raises:
        SettingsError: The table cannot be read.
    """
    names = {s.abbreviation: s.name for s in scheme("striatum12").structures}
    try:
        with table.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t"))
        found = {int(r["index"]): names.get(r["abbreviation"].split("-")[0]) for r in rows}
    except (OSError, KeyError, ValueError) as error:
        raise SettingsError(f"A table of index and abbreviation is wanted at {table}: {error}.") from error
    return {number: name for number, name in found.items() if name}
