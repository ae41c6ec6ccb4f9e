"""``deepgray simulate``: scans with a known answer, made from label maps."""

from __future__ import annotations

import json
from dataclasses import KW_ONLY, asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from deepgray.cli.output import wants_train, writable_folder
from deepgray.cli.simulate_pet import simulate_pet
from deepgray.cli.simulate_qsm import simulate_qsm
from deepgray.cli.simulate_spect import simulate_spect
from deepgray.cli.whole_heads import files_of_seeds, make_missing, prepared_head, written_whole
from deepgray.errors import OutputError, SettingsError
from deepgray.report.images import write_labels

if TYPE_CHECKING:
    from deepgray.simulate.whole_head import SimulatedScan, WholeHead

app = App(name="simulate", help="Make scans with a known answer.")
app.command(simulate_pet, name="pet")
app.command(simulate_qsm, name="qsm")
app.command(simulate_spect, name="spect")


@Parameter(name="*")
@dataclass(frozen=True)
class SimulateMrSettings:
    """What ``deepgray simulate mr`` does.

    Attributes:
        labelmap: Label map of a whole head.
        output: Folder for the scans and their true labels.
        count: How many scans.
        contrast: Plausible T1, plausible T2, any contrast at all, or a mixture.
        spacing_mm: Voxel size along x, y and z.
        rotation_degrees: Largest rotation of the head, about any axis.
        margin_mm: How far nuclei are seen beyond their true labels, because manual borders lie inside the half-way
            intensity; 0 for labels that end half-way.
        source: What the labels mean.
        parts: Label map of the subregions on the same grid, with a table labels_striatum12.tsv (index, abbreviation)
            beside it; they bend with the head. Without it: the geometric rule's, of the head as it lies in the scan.
        seed: Of the first scan; each scan adds one.
        overwrite: Replace earlier scans; without it they are kept, and only those that are missing are made.
    """

    labelmap: Path
    _: KW_ONLY
    output: Annotated[Path, Parameter(alias="-o")]
    count: int = 1
    contrast: Literal["t1", "t2", "any", "mixed"] = "t1"
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    rotation_degrees: float = 12.0
    margin_mm: float = 0.5
    source: Literal["freesurfer", "hoa2"] = "freesurfer"
    parts: Path | None = None
    seed: int = 1
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.count < 1:
            raise SettingsError(f"At least one scan is wanted, {self.count} came.")


@app.command(name="mr")
def simulate_mr(settings: SimulateMrSettings) -> int:
    """Make magnetic resonance scans of a labelled head, each with its true label map.

    The paths of the scans go to standard output. Scans that are there already are not made again.
    """
    with wants_train("Simulation wants"):
        from deepgray.simulate import whole_head  # noqa: PLC0415 (torch is slow, and an extra)
    writable_folder(settings.output)
    how = whole_head.MrSettings(
        settings.contrast, settings.spacing_mm, settings.rotation_degrees, margin_mm=settings.margin_mm
    )
    ending = f"_{'T2w' if settings.contrast == 't2' else 'T1w'}.nii.gz"
    seeds = range(settings.seed, settings.seed + settings.count)
    files = files_of_seeds(settings.labelmap, settings.output, ending, seeds)

    def make(head: WholeHead, seed: int) -> None:
        told = {"labelmap": settings.labelmap.name, "seed": seed, **asdict(how)}
        _write(whole_head.simulate_mr(head, how, seed=seed), files[seed], ending, told)

    make_missing(
        files,
        "scans",
        overwrite=settings.overwrite,
        prepare=lambda: prepared_head(settings.labelmap, settings.parts, source=settings.source),
        make=make,
    )
    return 0


def _write(made: SimulatedScan, image: Path, ending: str, how: dict[str, object]) -> None:
    """What is true first and the scan last: a scan that is there is whole."""
    base = str(image).removesuffix(ending)
    try:
        write_labels(Path(f"{base}_desc-striatum_dseg.nii.gz"), made.striatum)
        if made.parts is not None:
            write_labels(Path(f"{base}_desc-striatum12_dseg.nii.gz"), made.parts)
        pose = {"canonical_from_world": made.canonical_from_world.tolist()}
        Path(f"{base}.json").write_text(json.dumps({**how, **pose}, indent=2), encoding="utf-8")
        written_whole(image, ending, made.scan)
    except OSError as error:
        raise OutputError(f"Scans cannot be written to {image.parent}: {error}.") from error
