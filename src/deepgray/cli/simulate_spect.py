"""``deepgray simulate spect``: DaT SPECT scans with a known answer, made from label maps of whole heads."""

from __future__ import annotations

import json
from dataclasses import KW_ONLY, asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from deepgray.cli.output import wants_train, writable_folder
from deepgray.cli.whole_heads import files_of_seeds, make_missing, prepared_head, written_whole
from deepgray.errors import OutputError, SettingsError
from deepgray.report.images import write_labels

if TYPE_CHECKING:
    from deepgray.simulate.whole_head import WholeHead
    from deepgray.simulate.whole_head_spect import SimulatedSpect, SpectSettings

SCAN = "_spect.nii.gz"


@Parameter(name="*")
@dataclass(frozen=True)
class SimulateSpectSettings:
    """What ``deepgray simulate spect`` does.

    Attributes:
        labelmap: Label map of a whole head with FreeSurfer's numbers.
        output: Folder for the scans and what is true of them.
        count: How many scans.
        stage: How far the disease is; at random one healthy person to three patients.
        age: Age in years; at random when not given.
        grid: 91 x 109 x 91 voxels of 2 mm, 3 to 4.5 mm as clinics have them, or either.
        spacing_mm: Voxel size of a clinical grid; at random when not given.
        physics: Counts and reconstruction, or a fast blur with noise.
        counts: Photons counted in all, such as 3e6; 1.2 to 4 million at random when not given.
        tilt_degrees: Largest rotation of the head in the camera, about any axis.
        rotation_degrees: Largest rotation of the image afterwards, about any axis; up to 180.
        partial_share: Share of scans whose field of view is cut below or above the striatum.
        parts: Label map of the subregions on the same grid, with a table labels_striatum12.tsv (index, abbreviation)
            beside it; they bend with the head. Without it they are the geometric rule's, and bend as well.
        seed: Of the first scan; each scan adds one.
        overwrite: Replace earlier scans; without it they are kept, and only those that are missing are made.
    """

    labelmap: Path
    _: KW_ONLY
    output: Annotated[Path, Parameter(alias="-o")]
    count: int = 1
    stage: Literal["random", "normal", "one-putamen", "both-putamina", "caudates"] = "random"
    age: float | None = None
    grid: Literal["ppmi", "clinical", "random"] = "ppmi"
    spacing_mm: tuple[float, float, float] | None = None
    physics: Literal["full", "fast"] = "full"
    counts: float | None = None
    tilt_degrees: float = 12.0
    rotation_degrees: float = 0.0
    partial_share: float = 0.0
    parts: Path | None = None
    seed: int = 1
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.count < 1:
            raise SettingsError(f"At least one scan is wanted, {self.count} came.")


def simulate_spect(settings: SimulateSpectSettings) -> int:
    """Make DaT SPECT scans of a labelled head, each with its true labels, binding ratios and asymmetry.

    The paths of the scans go to standard output. Scans that are there already are not made again.
    """
    with wants_train("Simulation wants"):
        from deepgray.simulate import whole_head_spect  # noqa: PLC0415 (torch is slow, and an extra)
    writable_folder(settings.output)
    how = whole_head_spect.SpectSettings(
        stage=settings.stage,
        age_years=settings.age,
        grid=settings.grid,
        spacing_mm=settings.spacing_mm,
        physics=settings.physics,
        counts=settings.counts,
        tilt_degrees=settings.tilt_degrees,
        rotation_degrees=settings.rotation_degrees,
        partial_share=settings.partial_share,
    )
    seeds = range(settings.seed, settings.seed + settings.count)
    files = files_of_seeds(settings.labelmap, settings.output, SCAN, seeds)

    def make(head: WholeHead, seed: int) -> None:
        made = whole_head_spect.simulate_spect(head, how, seed=seed)
        _write(made, files[seed], _told(settings, how, seed))

    make_missing(
        files,
        "scans",
        overwrite=settings.overwrite,
        prepare=lambda: prepared_head(settings.labelmap, settings.parts),
        make=make,
    )
    return 0


def _told(settings: SimulateSpectSettings, how: SpectSettings, seed: int) -> dict[str, object]:
    return {"labelmap": settings.labelmap.name, "seed": seed, "settings": asdict(how)}


def _write(made: SimulatedSpect, image: Path, how: dict[str, object]) -> None:
    """What is true first and the scan last: a scan that is there is whole."""
    base = str(image).removesuffix(SCAN)
    told = {
        **how,
        "canonical_from_world": made.canonical_from_world.tolist(),
        "true_sbr": made.true_sbr,
        "scan_sbr": made.scan_sbr,
        "true_asi_percent": made.asi_percent,
        "drawn": made.drawn,
    }
    try:
        for name, labels in made.labels.items():
            write_labels(Path(f"{base}_desc-{name.removeprefix('spect-')}_dseg.nii.gz"), labels)
        for name, labels in made.fine_labels.items():
            write_labels(Path(f"{base}_res-1mm_desc-{name}_dseg.nii.gz"), labels)
        Path(f"{base}.json").write_text(json.dumps(told, indent=2), encoding="utf-8")
        written_whole(image, SCAN, made.scan)
    except OSError as error:
        raise OutputError(f"Scans cannot be written to {image.parent}: {error}.") from error
