"""The people of protocol B: planned by stage, simulated once, kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepgray.anatomy import scheme
from deepgray.errors import InputError, SettingsError
from deepgray.scan import LabelMap, Scan
from deepgray.simulate.uptake import HEALTHY_SHARE, PATIENT_SHARES, STAGES
from deepgray.simulate.whole_head import WholeHead
from deepgray.simulate.whole_head_spect import SimulatedSpect, SpectSettings, simulate_spect
from deepgray.space import Grid, apply_affine
from deepgray.train.cache import save_arrays, save_text
from deepgray.train.camera_people import simulator_mark
from deepgray.train.slice_training import Cases
from deepgray.voxels.resample import to_frame

TRAIN, VALIDATE, TEST = "train", "validate", "test"
SETS = (TRAIN, VALIDATE, TEST)
# What work B calls the stages: healthy; one putamen; both putamina; caudates too.
STRATA: Mapping[str, str] = dict(zip(STAGES, ("NC", "ANC1", "ANC2", "ANC3"), strict=True))
# Room around the true striatum in which false voxels count: what lies farther out is not judged.
ROOM_MM = 30
# The middle of a baseline's crop lies this near to that of the striatum (standard deviation), as one placed by hand.
OFF_CENTRE_MM = 3.0
# Every so manieth of the heads that train decides which network is kept, and trains none.
VALIDATE_EVERY = 5
Heads = Callable[[str], WholeHead]


@dataclass(frozen=True)
class Subject:
    """One person of the protocol.

    Attributes:
        group: One of ``SETS``.
        head: Name of the head.
        stage: One of ``simulate.uptake.STAGES``.
        seed: Of everything random.
    """

    group: str
    head: str
    stage: str
    seed: int

    @property
    def name(self) -> str:
        """Unique in the protocol."""
        return f"{self.group}_{self.head}_{STRATA[self.stage]}_seed-{self.seed}"


@dataclass(frozen=True, eq=False)
class Case:
    """A scan and what is true of it.

    Attributes:
        name: Of the person.
        stage: How far the disease is.
        scan: The scan.
        truth: Left and right caudate and putamen at 1 mm, with room around.
        reference_mean: Mean of the scan in the true cerebellum.
    """

    name: str
    stage: str
    scan: Scan
    truth: LabelMap
    reference_mean: float

    @property
    def stratum(self) -> str:
        """What work B calls the stage."""
        return STRATA[self.stage]


def plan(
    training: tuple[str, ...], testing: tuple[str, ...], *, scans: tuple[int, int, int], seed: int = 1
) -> tuple[Subject, ...]:
    """The people of all three sets, by head, so that each head is prepared once.

    Args:
        training: Heads that train; every fifth validates instead.
        testing: Heads that judge.
        scans: People who train, validate and judge; a quarter of each is healthy.
        seed: Of the first person.

    Raises:
        SettingsError: Fewer than two heads to train, or a set without people.
    """
    if len(training) < 2 or not testing or min(scans) < 1:
        raise SettingsError(
            "Two heads that train, one that judges and people in every set are wanted; "
            f"{len(training)}, {len(testing)} heads and {scans} people came."
        )
    validating = training[VALIDATE_EVERY - 1 :: VALIDATE_EVERY] or training[-1:]
    heads = {TRAIN: tuple(h for h in training if h not in validating), VALIDATE: validating, TEST: testing}
    planned = []
    for number, (group, count) in enumerate(zip(SETS, scans, strict=True)):
        for place, stage in enumerate(stages(count)):
            head = heads[group][place % len(heads[group])]
            planned.append(Subject(group, head, stage, seed + 10_000 * number + place))
    return tuple(sorted(planned, key=lambda one: (SETS.index(one.group), one.head, one.seed)))


def stages(count: int) -> tuple[str, ...]:
    """The stages of so many people: a quarter healthy, patients in the shares of ``simulate.uptake``."""
    healthy = round(count * HEALTHY_SHARE)
    total = sum(PATIENT_SHARES.values())
    wanted = {stage: (count - healthy) * share / total for stage, share in PATIENT_SHARES.items()}
    numbers = {stage: int(n) for stage, n in wanted.items()}
    by_rest = sorted(wanted, key=lambda stage: numbers[stage] - wanted[stage])
    for stage in by_rest[: count - healthy - sum(numbers.values())]:
        numbers[stage] += 1
    return tuple(stage for stage in STAGES for _ in range(({"normal": healthy} | numbers)[stage]))


def made(planned: tuple[Subject, ...], heads: Heads, folder: Path, *, how: SpectSettings) -> Iterator[Case]:
    """Simulate every person, once; what is there is read again.

    Args:
        planned: The people.
        heads: Gives a head by its name.
        folder: Keeps a file for each.
        how: How they are drawn; the stage is each person's own.

    Raises:
        SettingsError: The folder holds people who were drawn otherwise, or by another version of the simulator.
    """
    _check(folder / "how.json", how)
    for one in planned:
        path = folder / f"{one.name}.npz"
        if not path.exists():
            simulated = simulate_spect(heads(one.head), replace(how, stage=one.stage), seed=one.seed)
            _keep(simulated, path, name=one.name)
        yield read(path, name=one.name, stage=one.stage)


def _check(path: Path, how: SpectSettings) -> None:
    """People who are there already must have been drawn alike, by the same simulator."""
    wanted = json.dumps({**asdict(how), "simulator": simulator_mark()}, sort_keys=True)
    if not path.exists():
        save_text(path, wanted)
    elif (there := path.read_text(encoding="utf-8")) != wanted:
        raise SettingsError(
            f"A folder of people who were drawn alike is wanted, {path} says {there}; {wanted} came. Choose another "
            "folder, or move the people away."
        )


def _keep(found: SimulatedSpect, path: Path, *, name: str) -> None:
    references = found.labels["spect-reference"]
    cerebellum = np.isin(references.voxels, [s.label for s in references.scheme.structures if s.name == "cerebellum"])
    truth = found.fine_labels["striatum4"]
    kept: dict[str, NDArray[Any]] = {
        "voxels": found.scan.voxels,
        "affine": found.scan.affine_ras,
        "labels": truth.voxels.astype(np.uint8),
        "labels_affine": truth.affine_ras,
        "reference_mean": np.array(found.scan.voxels[cerebellum].mean(dtype=np.float64)),
        "told": np.array(json.dumps({"name": name, "true_sbr": found.true_sbr, "drawn": found.drawn})),
    }
    save_arrays(path, kept)


def read(path: Path, *, name: str, stage: str) -> Case:
    """A person who was kept.

    Raises:
        InputError: The file is damaged, or another.
    """
    try:
        with np.load(path) as kept:
            voxels, affine = kept["voxels"], kept["affine"]
            labels, labels_affine = kept["labels"].astype(np.int16), kept["labels_affine"].copy()
            mean = float(kept["reference_mean"])
    except (OSError, KeyError, ValueError) as error:
        raise InputError(f"A simulated person is wanted, {path} cannot be read: {error}.") from error
    labels_affine[:3, 3] -= labels_affine[:3, :3] @ np.full(3, ROOM_MM)
    truth = LabelMap(np.pad(labels, ROOM_MM), labels_affine, scheme("striatum4"))
    return Case(name, stage, Scan(voxels, affine, name, "spect"), truth, mean)


def crop_centre_mm(case: Case) -> NDArray[np.float64]:
    """Where a baseline's crop has its middle: near that of the striatum, a little off, the same every time."""
    middle = apply_affine(case.truth.affine_ras, np.argwhere(case.truth.voxels)).mean(axis=0)
    seed = int.from_bytes(case.name.encode()[-8:], "little")
    return np.asarray(middle + np.random.default_rng(seed).normal(0, OFF_CENTRE_MM, 3))


def crop_grid(centre_mm: NDArray[np.float64], shape: tuple[int, int, int], spacing_mm: float) -> Grid:
    """An upright crop around a place of the scan's world."""
    affine = np.diag([spacing_mm, spacing_mm, spacing_mm, 1.0])
    affine[:3, 3] = centre_mm - (np.array(shape) - 1) / 2 * spacing_mm
    return Grid(shape, affine)


def cropped(cases: Iterable[Case], shape: tuple[int, int, int], spacing_mm: float) -> Cases:
    """Crops and their classes (0 background, then the structures of ``striatum4``), as baselines learn from them."""
    images, classes = [], []
    for case in cases:
        grid = crop_grid(crop_centre_mm(case), shape, spacing_mm)
        images.append(to_frame(case.scan.voxels, case.scan.affine_ras, grid, world_from_frame=np.eye(4)))
        classes.append(class_indices(case.truth, grid))
    return Cases(images, classes)


def class_indices(truth: LabelMap, grid: Grid) -> NDArray[np.uint8]:
    """Class of the nearest true voxel at each voxel of a grid: 0, or 1 + its place in the scheme."""
    table = np.zeros(256, dtype=np.uint8)
    for number, structure in enumerate(truth.scheme.structures, start=1):
        table[structure.label] = number
    index = np.linalg.inv(truth.affine_ras) @ grid.affine_ras
    found = ndimage.affine_transform(
        table[truth.voxels], index[:3, :3], offset=index[:3, 3], output_shape=grid.shape, order=0
    )
    return np.asarray(found, dtype=np.uint8)
