"""``deepgray split-striatum``: twelve subregions of a label map of one's own, without a scan or a network."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from deepgray.cli.foreign import chosen_mapping, reader
from deepgray.cli.output import news, rows, writable_folder
from deepgray.errors import OutputError
from deepgray.measure import volumes
from deepgray.read import stem_of
from deepgray.report.images import write_labels
from deepgray.report.tables import write_lookup, write_measures
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
    base = str(target).removesuffix("_dseg.nii.gz")
    try:
        write_lookup(Path(f"{base}_dseg.tsv"), parts.labels.scheme)
        write_measures(Path(f"{base}_measures.tsv"), numbers)
        write_labels(target, parts.labels)
    except OSError as error:
        raise OutputError(
            f"Subregions could not be written to {settings.output}: {error.strerror or error}."
        ) from error
    rows((n.structure, n.side, n.quantity, f"{n.value:.5g}", n.unit) for n in numbers)
    news(f"{parts.method}; {target}")
    return 0
