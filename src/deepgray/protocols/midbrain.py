"""Protocol D: midbrain nuclei with and without transfer and attention, beside deepgray's own network, on simulations.

Work D: Zhao 2022, doi:10.3389/fnins.2022.801618.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepgray.anatomy import Scheme, scheme
from deepgray.protocols.cases import Known, Row, compared, judge, read_rows, write_rows
from deepgray.protocols.sets import Heads, Planned
from deepgray.scan import LabelMap, Scan
from deepgray.simulate.whole_head_qsm import QsmSettings, SimulatedQsm, simulate_qsm
from deepgray.train.arms import ARMS, ArmSettings, run_arms
from deepgray.train.cache import save_arrays
from deepgray.train.slice_training import Cases, SliceSettings
from deepgray.train.slices import SliceFrame

TASK = "midbrain"
SOURCE, TARGET, TEST = "source", "target", "test"
OWN = "deepgray"
SPACING_MM = {SOURCE: (0.63, 0.63, 2.0), TARGET: (0.83, 0.83, 0.80), TEST: (0.83, 0.83, 0.80)}
# Voxels that are kept around the nuclei: in plane what the networks see, across what holds the nuclei and some more.
SIZES = {SOURCE: (128, 128, 20), TARGET: (96, 48, 96), TEST: (96, 48, 96)}
INVERSIONS = ("tkd", "tikhonov", "tv")
# Work D's source labels know nigra and subthalamic nucleus as one.
MERGED = {403: 407, 405: 407, 404: 408, 406: 408}
# The middle of a crop lies this near to that of the nuclei (standard deviation), as one that is placed by hand.
OFF_CENTRE_MM = 3.0


@dataclass(frozen=True)
class DesignSettings:
    """The size of a protocol D.

    Attributes:
        widths: Channels of the networks' levels; work D's are those of ``SliceSettings``.
        epochs: At most so many per network.
        patience: Epochs without improvement before one stops.
        batch: Slices of one step.
        learning_rate: Of Adam.
        folds: Folds of the target set.
        arms: Which arms besides deepgray's own network.
    """

    widths: tuple[int, ...] = (32, 64, 128, 256, 512)
    epochs: int = 200
    patience: int = 20
    batch: int = 32
    learning_rate: float = 1e-4
    folds: int = 5
    arms: tuple[str, ...] = ARMS


@dataclass(frozen=True, eq=False)
class Crop:
    """What is kept of a simulated map.

    Attributes:
        known: Map and truth around the nuclei.
        name: Of the scan, as the whole path knows it.
    """

    known: Known
    name: str


def plan(
    training: tuple[str, ...], testing: tuple[str, ...], counts: Mapping[str, int], *, seed: int = 1
) -> tuple[Planned, ...]:
    """The scans of all sets.

    Args:
        training: Names of the heads that train the arms.
        testing: Names of the heads that judge; none of them trained any network.
        counts: Scans of the source set, of the target set, and of each head that judges.
        seed: Of the first scan.
    """
    planned = []
    for group, first in ((SOURCE, seed), (TARGET, seed + 10_000)):
        for number in range(counts[group]):
            planned.append(_planned(group, training[number % len(training)], first + number))
    for number in range(counts[TEST]):
        planned += [_planned(TEST, head, seed + 20_000 + 100 * n + number) for n, head in enumerate(testing)]
    return tuple(planned)


def _planned(group: str, head: str, seed: int) -> Planned:
    how = QsmSettings(spacing_mm=SPACING_MM[group], inversion=INVERSIONS[seed % 3], rotation_degrees=12.0)
    return Planned(group, head, how, seed)


def prepared(planned: tuple[Planned, ...], heads: Heads, out: Path) -> Iterator[tuple[Crop, tuple[Row, ...]]]:
    """Simulate every scan, once; keep what lies around the nuclei; take those that judge through the whole path.

    Args:
        planned: The scans.
        heads: Gives the head of a scan.
        out: Folder; crops lie in its folder ``sets``, rows of deepgray's own network in ``cases``.

    Yields:
        Each crop and, for those that judge, its rows.
    """
    for one in planned:
        crop_file, table = out / "sets" / f"{one.name}.npz", out / "cases" / f"{one.name}_{TASK}.tsv"
        if not crop_file.exists() or (one.group == TEST and not table.exists()):
            made = simulate_qsm(heads(one), one.settings, seed=one.seed)
            if one.group == TEST:
                write_rows(table, judge(made, TASK, group=OWN))
            _keep(made, one, crop_file)
        yield _read_crop(crop_file, one.stem), read_rows(table) if one.group == TEST else ()


def _keep(made: SimulatedQsm, one: Planned, path: Path) -> None:
    truth = made.labels[TASK]
    generator = np.random.default_rng(one.seed)
    shift = generator.normal(0, OFF_CENTRE_MM, 3) / truth.grid.spacing_mm
    middle = np.rint(np.argwhere(truth.voxels).mean(axis=0) + shift).astype(int)
    size = np.array(SIZES[one.group])
    low = middle - size // 2
    affine = truth.affine_ras.copy()
    affine[:3, 3] += affine[:3, :3] @ low
    kept = {
        "chi": _around(made.scan.voxels, low, size),
        "labels": _around(truth.voxels, low, size).astype(np.int16),
        "affine": affine,
        "names": np.array(list(made.nuclei_ppm)),
        "ppm": np.array(list(made.nuclei_ppm.values())),
    }
    save_arrays(path, kept)


def _around(volume: NDArray[np.generic], low: NDArray[np.int_], size: NDArray[np.int_]) -> NDArray[np.generic]:
    """A part of a volume of a wanted size; zero where it sticks out."""
    out = np.zeros(size, dtype=volume.dtype)
    start, stop = np.maximum(low, 0), np.minimum(low + size, volume.shape)
    inner = tuple(slice(a, b) for a, b in zip(start - low, stop - low, strict=True))
    out[inner] = volume[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))]
    return out


def _read_crop(path: Path, name: str) -> Crop:
    with np.load(path) as kept:
        affine = kept["affine"]
        scan = Scan(kept["chi"], affine, name, "qsm", "ppm")
        truth = LabelMap(kept["labels"], affine, scheme("midbrain6"))
        ppm = {str(n): float(v) for n, v in zip(kept["names"], kept["ppm"], strict=True)}
        return Crop(Known(scan, truth, ppm), name)


def run(crops: dict[str, list[Crop]], out: Path, design: DesignSettings) -> tuple[list[Row], dict[str, float]]:
    """Train the arms and judge them on the scans that judge.

    Args:
        crops: By set.
        out: Folder; finished networks lie in its folder ``arms``.
        design: Size of the networks and folds.

    Returns:
        Rows, the arm's name as their set, and seconds of training of each arm, its source network included.
    """
    settings = ArmSettings(
        _slices(scheme("midbrain4"), SliceFrame(axis=2, crop=SIZES[SOURCE][0]), design),
        _slices(scheme("midbrain6"), SliceFrame(axis=1, crop=SIZES[TARGET][0]), design),
        out / "arms",
        design.folds,
        design.arms,
    )
    judged = crops[TEST]
    results = run_arms(
        _cases(crops[SOURCE], MERGED),
        _cases(crops[TARGET], {}),
        [c.known.scan.voxels for c in judged],
        settings=settings,
    )
    rows: list[Row] = []
    for result in results:
        for crop, labels in zip(judged, result.labels, strict=True):
            found = LabelMap(labels, crop.known.truth.affine_ras, crop.known.truth.scheme)
            rows += compared(found, crop.known, group=result.arm)
    return rows, {result.arm: result.source_seconds + result.seconds for result in results}


def _slices(named: Scheme, frame: SliceFrame, design: DesignSettings) -> SliceSettings:
    return SliceSettings(
        classes=tuple(s.key for s in named.structures),
        labels=tuple(s.label for s in named.structures),
        frame=frame,
        widths=design.widths,
        intensity="susceptibility",
        epochs=design.epochs,
        patience=design.patience,
        batch=design.batch,
        learning_rate=design.learning_rate,
    )


def _cases(crops: list[Crop], merged: dict[int, int]) -> Cases:
    table = np.arange(512)
    for label, into in merged.items():
        table[label] = into
    return Cases([c.known.scan.voxels for c in crops], [table[c.known.truth.voxels] for c in crops])
