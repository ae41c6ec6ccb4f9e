"""Label maps of whole heads from files, made ready to be simulated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console
from rich.progress import track

from deepgray.cli.output import news
from deepgray.errors import GeometryError, SettingsError
from deepgray.read import read_mask, read_part_names, stem_of
from deepgray.report.images import write_scan
from deepgray.scan import Scan
from deepgray.space import same_grid

if TYPE_CHECKING:
    from deepgray.simulate.whole_head import WholeHead

_Head = TypeVar("_Head")
ENDING = "_dseg.nii.gz"


def head_name(labelmap: Path) -> str:
    """What a head is called: its file's name without ``_dseg``."""
    return stem_of(labelmap).removesuffix("_dseg")


def other_heads(anatomies: Path, judging: Iterable[str]) -> tuple[str, ...]:
    """The heads of a folder besides those that judge.

    Args:
        anatomies: Folder of label maps.
        judging: Names of the heads that judge.

    Raises:
        SettingsError: The folder has no label map of one that judges.
    """
    known = sorted(p.name.removesuffix(ENDING) for p in anatomies.glob(f"*{ENDING}"))
    missing = [name for name in judging if name not in known]
    if missing:
        raise SettingsError(f"Label maps of {', '.join(missing)} are wanted in {anatomies}, there are none.")
    return tuple(name for name in known if name not in judging)


def heads_by_name(anatomies: Path) -> Callable[[str], WholeHead]:
    """Gives a head of a folder by its name; the last two are kept, since people come sorted by head.

    Args:
        anatomies: Folder of label maps.
    """

    @lru_cache(maxsize=2)
    def head(name: str) -> WholeHead:
        return prepared_head(anatomies / f"{name}{ENDING}", None)

    return head


def make_missing(
    files: Mapping[int, Path],
    what: str,
    *,
    overwrite: bool,
    prepare: Callable[[], _Head],
    make: Callable[[_Head, int], None],
) -> None:
    """Make the files that are not there, and print the path of every one.

    Args:
        files: File of each seed.
        what: What they are (``maps``), to tell how many are there already.
        overwrite: Make all of them again.
        prepare: Gives the head; called only where something is to be made.
        make: Makes and writes the file of a seed.
    """
    missing = [seed for seed, file in files.items() if overwrite or not file.exists()]
    if len(missing) < len(files):
        news(f"{len(files) - len(missing)} of {len(files)} {what} are there already (see --overwrite).")
    head = prepare() if missing else None
    for seed, file in track(files.items(), "simulate", transient=True, console=Console(stderr=True)):
        if head is not None and seed in missing:
            make(head, seed)
        print(file)


def files_of_seeds(labelmap: Path, folder: Path, ending: str, seeds: Iterable[int]) -> dict[int, Path]:
    """Where the scan of each seed lies: its head's name, the seed, and the ending of its kind."""
    return {seed: folder / f"{head_name(labelmap)}_seed-{seed}{ending}" for seed in seeds}


def written_whole(path: Path, ending: str, scan: Scan) -> None:
    """Write a scan under another name and move it: a file of this name is whole."""
    partial = path.with_name(path.name.removesuffix(ending) + "_partial" + ending)
    write_scan(partial, scan)
    partial.replace(path)


def prepared_head(labelmap: Path, parts: Path | None, *, source: str = "freesurfer") -> WholeHead:
    """A head from its label map.

    Args:
        labelmap: Label map of a whole head.
        parts: Label map of the subregions on the same grid, with a table labels_striatum12.tsv beside it; None for
            those of the geometric rule.
        source: What the labels mean.

    Raises:
        GeometryError: The subregions lie on another grid.
        SettingsError: Their table cannot be read.
    """
    from deepgray.simulate.whole_head import prepare  # noqa: PLC0415 (torch is slow, and an extra)

    labels = read_mask(labelmap)
    name = head_name(labelmap)
    if parts is None:
        return prepare(labels.voxels, labels.affine_ras, name=name, source=source, parts="rule")
    volume = read_mask(parts)
    if not same_grid(volume.grid, labels.grid):
        raise GeometryError(f"Subregions on the grid of {labelmap} are wanted, {parts} is not.")
    cut = (volume.voxels, read_part_names(parts.with_name("labels_striatum12.tsv")))
    return prepare(labels.voxels, labels.affine_ras, name=name, source=source, parts=cut)
