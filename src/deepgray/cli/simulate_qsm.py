"""``deepgray simulate qsm``: susceptibility maps with a known answer, made from label maps of whole heads."""

from __future__ import annotations

import json
from dataclasses import KW_ONLY, asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from cyclopts import Parameter

from deepgray.cli.output import wants_train, writable_folder
from deepgray.cli.whole_heads import files_of_seeds, head_name, make_missing, written_whole
from deepgray.errors import OutputError, SettingsError
from deepgray.read import read_mask
from deepgray.report.images import write_labels, write_scan
from deepgray.scan import Scan

if TYPE_CHECKING:
    from deepgray.simulate.small_nuclei import QsmHead
    from deepgray.simulate.whole_head_qsm import QsmSettings, SimulatedQsm

MAP = "_Chimap.nii.gz"


@Parameter(name="*")
@dataclass(frozen=True)
class SimulateQsmSettings:
    """What ``deepgray simulate qsm`` does.

    Attributes:
        labelmap: Label map of a whole head with FreeSurfer's numbers and the small nuclei 801-814.
        output: Folder for the maps and what is true of them.
        count: How many maps.
        spacing_mm: Voxel size along x, y and z.
        inversion: How the map is made from the field: thresholded division, Tikhonov, total variation, several head
            orientations, or one of them at random.
        tilt_degrees: Largest angle between the main field and the scan's third axis.
        rotation_degrees: Largest rotation of the head, about any axis.
        reference: What is subtracted: the mean of the lateral ventricles, of the whole brain, or nothing.
        background: Whether air and bone disturb the field, so that a remnant of that is left.
        age: Age in years; between 20 and 85 at random when not given.
        nuclei: Whose shapes the small nuclei have: the label map's own, the midbrain of CIT168, the dentate of SPL;
            may be given twice.
        nuclei_from: File of each atlas that is not the label map's own, in the same order.
        seed: Of the first map; each map adds one.
        overwrite: Replace earlier maps; without it they are kept, and only those that are missing are made.
    """

    labelmap: Path
    _: KW_ONLY
    output: Annotated[Path, Parameter(alias="-o")]
    count: int = 1
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    inversion: Literal["tkd", "tikhonov", "tv", "cosmos", "random"] = "random"
    tilt_degrees: float = 15.0
    rotation_degrees: float = 15.0
    reference: Literal["csf", "whole-brain", "none"] = "none"
    background: Literal["remnant", "none"] = "remnant"
    age: float | None = None
    nuclei: tuple[Literal["own", "cit168", "spl"], ...] = ("own",)
    nuclei_from: tuple[Path, ...] = ()
    seed: int = 1
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.count < 1:
            raise SettingsError(f"At least one map is wanted, {self.count} came.")
        if len(self.atlases) != len(self.nuclei_from):
            raise SettingsError(
                f"A file (--nuclei-from) is wanted for each atlas: {len(self.atlases)} atlases and "
                f"{len(self.nuclei_from)} files came."
            )

    @property
    def atlases(self) -> tuple[str, ...]:
        """Atlases besides the label map's own nuclei."""
        return tuple(name for name in self.nuclei if name != "own")


def simulate_qsm(settings: SimulateQsmSettings) -> int:
    """Make susceptibility maps of a labelled head, each with its mask, its true labels and its true susceptibility.

    The paths of the maps go to standard output. Maps that are there already are not made again.
    """
    with wants_train("Simulation wants"):
        from deepgray.simulate import whole_head_qsm  # noqa: PLC0415 (torch is slow, and an extra)
    writable_folder(settings.output)
    how = whole_head_qsm.QsmSettings(
        settings.spacing_mm,
        settings.inversion,
        settings.tilt_degrees,
        settings.rotation_degrees,
        settings.reference,
        settings.background,
        settings.age,
    )
    seeds = range(settings.seed, settings.seed + settings.count)
    files = files_of_seeds(settings.labelmap, settings.output, MAP, seeds)

    def make(head: QsmHead, seed: int) -> None:
        made = whole_head_qsm.simulate_qsm(head, how, seed=seed)
        _write(made, files[seed], _told(settings, how, seed))

    make_missing(
        files,
        "maps",
        overwrite=settings.overwrite,
        prepare=lambda: _prepared(settings),
        make=make,
    )
    return 0


def _prepared(settings: SimulateQsmSettings) -> QsmHead:
    from deepgray.simulate.small_nuclei import prepare_head, with_atlas  # noqa: PLC0415

    atlases = [(atlas, read_mask(path)) for atlas, path in zip(settings.atlases, settings.nuclei_from, strict=True)]
    labels = read_mask(settings.labelmap)
    head = prepare_head(labels.voxels, labels.affine_ras, name=head_name(settings.labelmap))
    for atlas, volume in atlases:
        head = with_atlas(head, volume.voxels, volume.affine_ras, atlas=atlas)
    return head


def _told(settings: SimulateQsmSettings, how: QsmSettings, seed: int) -> dict[str, object]:
    files = [path.name for path in settings.nuclei_from]
    return {"labelmap": settings.labelmap.name, "nuclei_from": files, "seed": seed, "settings": asdict(how)}


def _write(made: SimulatedQsm, image: Path, how: dict[str, object]) -> None:
    """What is true first and the map last: a map that is there is whole."""
    base = str(image).removesuffix(MAP)
    told = {
        **how,
        "canonical_from_world": made.canonical_from_world.tolist(),
        "true_ppm": made.nuclei_ppm,
        "drawn": made.drawn,
    }
    try:
        for group, labels in made.labels.items():
            write_labels(Path(f"{base}_desc-{group}_dseg.nii.gz"), labels)
        write_scan(Path(f"{base}_desc-true{MAP}"), made.true_chi)
        mask = made.mask.voxels.astype(np.float32)
        write_scan(Path(f"{base}_mask.nii.gz"), Scan(mask, made.mask.affine_ras, image.name))
        Path(f"{base}.json").write_text(json.dumps(told, indent=2), encoding="utf-8")
        written_whole(image, MAP, made.scan)
    except OSError as error:
        raise OutputError(f"Maps cannot be written to {image.parent}: {error}.") from error
