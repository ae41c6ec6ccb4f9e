"""The simulated scans of a protocol: planned, made once, kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from deepgray.protocols.cases import Row, judge, read_rows, write_rows
from deepgray.simulate.small_nuclei import QsmHead
from deepgray.simulate.whole_head_qsm import QsmSettings, simulate_qsm

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
        return f"{self.group}_{self.head}_seed-{self.seed}"


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
            write_rows(table, judge(made, task, group=one.group))
        yield read_rows(table)
