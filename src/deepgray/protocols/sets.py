"""The simulated scans of a protocol: planned, made once, kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepgray.anatomy import scheme
from deepgray.protocols.cases import Row, judge, read_rows, write_rows
from deepgray.scan import LabelMap
from deepgray.simulate.small_nuclei import QsmHead
from deepgray.simulate.whole_head_qsm import QsmSettings, simulate_qsm
from deepgray.train.cache import save_arrays
from deepgray.voxels.crop import occupied

# Kept around the true nuclei of a scan, so that a rater may draw outside of them.
ROOM_VOXELS = 6
Heads = Callable[["Planned"], QsmHead]


@dataclass(frozen=True)
class Planned:
    """One scan of a protocol.

    Attributes:
        group: The set that it belongs to.
        head: Name of the head.
        settings: How it is drawn.
        seed: Of everything random in it.
    """

    group: str
    head: str
    settings: QsmSettings
    seed: int

    @property
    def name(self) -> str:
        """Unique in a protocol."""
        return f"{self.group}_{self.stem}"

    @property
    def stem(self) -> str:
        """What the simulator calls the scan."""
        return f"{self.head}_seed-{self.seed}"


def judged(planned: tuple[Planned, ...], heads: Heads, out: Path, *, task: str) -> Iterator[tuple[Row, ...]]:
    """Take every scan through the whole path; what was judged before is read again.

    Args:
        planned: The scans.
        heads: Gives the head of a scan, with the nuclei of its set.
        out: Folder; a table per scan lies in its folder ``cases``.
        task: What is outlined.

    Yields:
        The rows of each scan.
    """
    for one in planned:
        table = out / "cases" / f"{one.name}_{task}.tsv"
        if not table.exists():
            made = simulate_qsm(heads(one), one.settings, seed=one.seed)
            _keep_truth(out / "truth" / f"{one.name}_{task}.npz", made.labels[task])
            write_rows(table, judge(made, task, group=one.group))
        yield read_rows(table)


def truths(planned: tuple[Planned, ...], out: Path, *, task: str) -> list[LabelMap]:
    """True label maps, around the nuclei, of scans that were judged."""
    found = []
    for one in planned:
        with np.load(out / "truth" / f"{one.name}_{task}.npz") as kept:
            found.append(LabelMap(kept["labels"], kept["affine"], scheme(str(kept["scheme"]))))
    return found


def _keep_truth(path: Path, truth: LabelMap) -> None:
    box = occupied(truth.voxels)
    low = [max(0, s.start - ROOM_VOXELS) for s in box] if box else [0, 0, 0]
    high = [s.stop + ROOM_VOXELS for s in box] if box else [1, 1, 1]
    affine = truth.affine_ras.copy()
    affine[:3, 3] += affine[:3, :3] @ low
    labels = truth.voxels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))].astype(np.int16)
    save_arrays(path, {"labels": labels, "affine": affine, "scheme": np.array(truth.scheme.name)})
