"""``deepgray simulate pet``: pairs of T1 and dopamine PET with a known answer, made from label maps of whole heads."""

from __future__ import annotations

import csv
import json
from dataclasses import KW_ONLY, asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from deepgray.cli.output import wants_train, writable_folder
from deepgray.cli.whole_heads import files_of_seeds, make_missing, prepared_head, written_whole
from deepgray.errors import OutputError, SettingsError
from deepgray.report.images import write_labels, write_scan

if TYPE_CHECKING:
    from deepgray.simulate.whole_head import WholeHead
    from deepgray.simulate.whole_head_pet import PetSettings, SimulatedPet

PET = "_pet.nii.gz"
TRUTH_COLUMNS = ("structure", "side", "activity", "seen", "suvr", "bpnd", "suvr_seen", "bpnd_seen", "reference")


@Parameter(name="*")
@dataclass(frozen=True)
class SimulatePetSettings:
    """What ``deepgray simulate pet`` does.

    Attributes:
        labelmap: Label map of a whole head with FreeSurfer's numbers.
        output: Folder for the pairs and what is true of them.
        count: How many pairs.
        tracer: A ligand of the dopamine transporter, or of D2 receptors.
        stage: How far the disease is; at random one healthy person to three patients.
        age: Age in years; at random when not given.
        fwhm_mm: Resolution of the PET, full width at half maximum; at random from 2.5 to 6 mm when not given.
        noise_share: Noise of a voxel as part of the brain's mean; at random from 0.03 to 0.1 when not given.
        motion_mm: Largest shift of the head between the two scans, along each axis.
        motion_degrees: Largest turn between the two scans, about any axis.
        spacing_mm: Voxel size of the T1 along x, y and z, 1.5 mm at most.
        rotation_degrees: Largest rotation of the head in the T1.
        parts: Label map of the subregions on the same grid, with a table labels_striatum12.tsv (index, abbreviation)
            beside it; they bend with the head. Without it: the geometric rule's, of the head as it lies in the scan.
        seed: Of the first pair; each pair adds one.
        overwrite: Replace earlier pairs; without it they are kept, and only those that are missing are made.
    """

    labelmap: Path
    _: KW_ONLY
    output: Annotated[Path, Parameter(alias="-o")]
    count: int = 1
    tracer: Literal["fp-cit", "raclopride"] = "fp-cit"
    stage: Literal["random", "normal", "one-putamen", "both-putamina", "caudates"] = "random"
    age: float | None = None
    fwhm_mm: float | None = None
    noise_share: float | None = None
    motion_mm: float = 15.0
    motion_degrees: float = 15.0
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    rotation_degrees: float = 12.0
    parts: Path | None = None
    seed: int = 1
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.count < 1:
            raise SettingsError(f"At least one pair is wanted, {self.count} came.")


def simulate_pet(settings: SimulatePetSettings) -> int:
    """Make pairs of T1 and dopamine PET of a labelled head, with true labels, motion and means of every subregion.

    The paths of the PETs go to standard output. Pairs that are there already are not made again.
    """
    with wants_train("Simulation wants"):
        from deepgray.simulate import whole_head_pet  # noqa: PLC0415 (torch is slow, and an extra)
        from deepgray.simulate.whole_head import MrSettings  # noqa: PLC0415
    writable_folder(settings.output)
    how = whole_head_pet.PetSettings(
        mr=MrSettings(spacing_mm=settings.spacing_mm, rotation_degrees=settings.rotation_degrees),
        tracer=settings.tracer,
        stage=settings.stage,
        age_years=settings.age,
        fwhm_mm=settings.fwhm_mm,
        noise_share=settings.noise_share,
        motion_mm=settings.motion_mm,
        motion_degrees=settings.motion_degrees,
    )
    seeds = range(settings.seed, settings.seed + settings.count)
    files = files_of_seeds(settings.labelmap, settings.output, PET, seeds)

    def make(head: WholeHead, seed: int) -> None:
        made = whole_head_pet.simulate_pet(head, how, seed=seed)
        _write(made, files[seed], _told(settings, how, seed))

    make_missing(
        files,
        "pairs",
        overwrite=settings.overwrite,
        prepare=lambda: prepared_head(settings.labelmap, settings.parts),
        make=make,
    )
    return 0


def _told(settings: SimulatePetSettings, how: PetSettings, seed: int) -> dict[str, object]:
    """What the JSON says, with what BIDS wants of a PET's sidecar."""
    return {"Units": "Bq/mL", "labelmap": settings.labelmap.name, "seed": seed, "settings": asdict(how)}


def _write(made: SimulatedPet, image: Path, how: dict[str, object]) -> None:
    """What is true first and the PET last: a pair whose PET is there is whole."""
    base = str(image).removesuffix(PET)
    told = {
        **how,
        "mr_from_pet": made.mr_from_pet.tolist(),
        "canonical_from_world": made.canonical_from_world.tolist(),
        "drawn": made.drawn,
    }
    try:
        for name, labels in made.labels.items():
            write_labels(Path(f"{base}_desc-{name.removeprefix('pet-')}_dseg.nii.gz"), labels)
        _write_truth(Path(f"{base}_truth.tsv"), made)
        Path(f"{base}_pet.json").write_text(json.dumps(told, indent=2), encoding="utf-8")
        write_scan(Path(f"{base}_T1w.nii.gz"), made.mr)
        written_whole(image, PET, made.pet)
    except OSError as error:
        raise OutputError(f"Pairs cannot be written to {image.parent}: {error}.") from error


def _write_truth(path: Path, made: SimulatedPet) -> None:
    """Means and ratios of every region, of the activity itself and as the blurred image shows it, in the true labels.

    Ratios are by the activity of the reference, and those that are seen by what is seen of it. The reference is the
    cerebellar cortex, or the occipital cortex where the label map has no cerebellum.
    """
    from deepgray.simulate.whole_head_pet import REFERENCES  # noqa: PLC0415 (torch is slow, and an extra)

    both = {m.structure: m for m in made.means if m.side == "both"}
    level = next(both[name] for name in REFERENCES if name in both)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
        writer.writerow(TRUTH_COLUMNS)
        for m in made.means:
            ratio, seen = m.activity / level.activity, m.seen / level.seen
            numbers = (m.activity, m.seen, ratio, ratio - 1, seen, seen - 1)
            writer.writerow([m.structure, m.side, *(f"{n:.6g}" for n in numbers), level.structure])
