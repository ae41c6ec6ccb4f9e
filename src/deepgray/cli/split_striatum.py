"""``deepgray split-striatum``: twelve subregions of a label map of one's own, without a scan or a network."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

from cyclopts import Parameter

from deepgray.cli.foreign import chosen_mapping, reader
from deepgray.cli.output import news, rows, writable_folder
from deepgray.errors import OutputError
from deepgray.measure import volumes
from deepgray.read import stem_of
from deepgray.report.images import write_labels
from deepgray.report.tables import measure_rows, write_lookup, write_measures
from deepgray.result import Measurement, Outline
from deepgray.subdivide import split_label_map


@Parameter(name="*")
@dataclass(frozen=True)
class SplitStriatumSettings:
    """What ``deepgray split-striatum`` does.

    Attributes:
        labelmap: A label map with caudate, putamen and accumbens; pallidum and thalamus help to find the AC–PC frame.
        output: Folder for the subregions and their volumes.
        mapping: What the labels mean: freesurfer, hoa2, neuromorphometrics, or a table (.tsv) of label, name, side.
        rule: What divides ventral from dorsal: Mawlawi's oblique line, or the axial AC–PC plane.
        overwrite: Replace an earlier result.
    """

    labelmap: Path
    _: KW_ONLY
    output: Annotated[Path, Parameter(alias="-o")]
    mapping: str = "freesurfer"
    rule: Literal["mawlawi", "acpc"] = "mawlawi"
    overwrite: bool = False


def split_striatum(settings: SplitStriatumSettings) -> int:
    """Split your own label map into the twelve subregions of the striatum by the geometric rule.

    The volumes go to standard output.
    """
    writable_folder(settings.output)
    target = settings.output / f"{stem_of(settings.labelmap)}_desc-striatum12_dseg.nii.gz"
    if target.exists() and not settings.overwrite:
        raise OutputError(f"A new file is wanted for the subregions, {target} is there already (see --overwrite).")
    labels = reader(chosen_mapping(settings.mapping, "striatum"))(settings.labelmap)
    parts = split_label_map(labels, rule=settings.rule)
    numbers = volumes(parts)
    _write(parts, numbers, target)
    rows((n.structure, n.side, n.quantity, f"{n.value:.5g}", n.unit) for n in numbers)
    news(f"{parts.method}; {target}")
    return 0


def _write(parts: Outline, numbers: tuple[Measurement, ...], target: Path) -> None:
    """Write all files beside their place first, so that none is there without the others."""
    base = target.name.removesuffix("_dseg.nii.gz")
    try:
        with TemporaryDirectory(dir=target.parent, prefix=".partial-") as folder:
            partial = Path(folder)
            write_lookup(partial / f"{base}_dseg.tsv", parts.labels.scheme)
            write_measures(partial / f"{base}_measures.tsv", measure_rows(numbers, "split-striatum"))
            write_labels(partial / target.name, parts.labels)
            for path in sorted(partial.iterdir()):
                path.replace(target.parent / path.name)
    except OSError as error:
        raise OutputError(f"Subregions cannot be written to {target.parent}: {error.strerror or error}.") from error
