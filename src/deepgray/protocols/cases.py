"""One simulated scan through the whole path, and how far the result is from what is known of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepgray.errors import AnatomyError
from deepgray.evaluate import compare
from deepgray.pipeline import analyse
from deepgray.protocols.row_tables import read_table, write_table
from deepgray.scan import LabelMap, Scan
from deepgray.simulate.whole_head_qsm import SimulatedQsm


@dataclass(frozen=True)
class Row:
    """How one structure of one side of one simulated scan was found.

    Attributes:
        group: Name of the set of scans.
        case: Name of the scan.
        structure: Name without side.
        side: ``left`` or ``right``.
        dice: 0–1 against the true mask; 0 where nothing was found.
        hd95_mm: 95th percentile of the symmetric surface distance.
        predicted_mm3: Volume that was found.
        truth_mm3: True volume.
        predicted_ppm: Mean of the map in the mask that was found.
        truth_ppm: Mean of the same map in the true mask.
        simulated_ppm: True susceptibility before the reconstruction.
        failure: Why there is no result, empty where there is one.
    """

    group: str
    case: str
    structure: str
    side: str
    dice: float
    hd95_mm: float
    predicted_mm3: float
    truth_mm3: float
    predicted_ppm: float
    truth_ppm: float
    simulated_ppm: float
    failure: str = ""

    @property
    def name(self) -> str:
        """Structure and side."""
        return f"{self.structure}, {self.side}"


@dataclass(frozen=True, eq=False)
class Known:
    """A simulated map and what is true of it.

    Attributes:
        scan: The map, ppm.
        truth: True labels on its grid.
        simulated_ppm: Susceptibility before the reconstruction, by key (``left red nucleus``).
    """

    scan: Scan
    truth: LabelMap
    simulated_ppm: Mapping[str, float]


def judge(made: SimulatedQsm, task: str, *, group: str) -> tuple[Row, ...]:
    """Outline a simulated map and compare.

    Args:
        made: The map and its truth.
        task: ``dentate`` or ``midbrain``.
        group: Name of the set that it belongs to.

    Returns:
        A row per structure and side; a refusal of the path is a row with Dice 0 and the reason.
    """
    known = Known(made.scan, made.labels[task], made.nuclei_ppm)
    try:
        return compared(analyse(made.scan, task).outline.labels, known, group=group)
    except AnatomyError as error:
        empty = np.zeros(known.truth.voxels.shape, dtype=np.int16)
        found = LabelMap(empty, known.truth.affine_ras, known.truth.scheme)
        return compared(found, known, group=group, failure=str(error))


def compared(found: LabelMap, known: Known, *, group: str, failure: str = "") -> tuple[Row, ...]:
    """A label map against what is known of its map; a row per structure and side."""
    rows = []
    for score in compare(found, known.truth):
        if score.side == "both":
            continue
        key = f"{score.side} {score.structure}"
        rows.append(
            Row(
                group=group,
                case=known.scan.stem,
                structure=score.structure,
                side=score.side,
                dice=score.dice,
                hd95_mm=score.hd95_mm,
                predicted_mm3=score.predicted_mm3,
                truth_mm3=score.truth_mm3,
                predicted_ppm=mean_ppm(known.scan, found, key),
                truth_ppm=mean_ppm(known.scan, known.truth, key),
                simulated_ppm=known.simulated_ppm.get(key, float("nan")),
                failure=failure,
            )
        )
    return tuple(rows)


def mean_ppm(scan: Scan, labels: LabelMap, key: str) -> float:
    """Mean of a map inside one structure, where it is not zero; NaN where there is nothing."""
    structure = next(s for s in labels.scheme.structures if s.key == key)
    values = scan.voxels[labels.mask(structure)]
    values = values[values != 0]
    return float(values.mean(dtype=np.float64)) if len(values) else float("nan")


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write rows as a tab-separated table, moved into place when it is whole."""
    write_table(path, rows, Row)


def read_rows(path: Path) -> tuple[Row, ...]:
    """Rows that ``write_rows`` wrote.

    Raises:
        InputError: The table is not one of these.
    """
    return read_table(path, Row, texts={"group", "case", "structure", "side", "failure"}, what="cases")
