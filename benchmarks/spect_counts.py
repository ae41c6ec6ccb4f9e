"""How good outlines and binding ratios of DaT SPECT are by the photons counted: ``python benchmarks/spect_counts.py``.

    python benchmarks/spect_counts.py ANATOMIES OUT [--count 20] [--millions 1.5 3 6 12 1000]

The same simulated people as protocol B's of one seed, of heads that trained no network, each imaged with so many counts
and all else alike; outlined by the whole path and judged against their true masks at 1 mm. A thousand million counts
are as good as no noise. ``OUT/people`` and ``OUT/rows`` keep what is finished, rows by the networks;
``OUT/counts.png`` shows one healthy person and one with advanced disease.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from deepgray.cli.whole_heads import heads_by_name, other_heads
from deepgray.protocols.spect import tables
from deepgray.protocols.spect.arms import Own
from deepgray.protocols.spect.cases import Found, Row, judged, read_rows, write_rows
from deepgray.protocols.spect.sets import TEST, Case, Subject, made, plan
from deepgray.simulate.whole_head_spect import SpectSettings
from deepgray.train.settings import HELD_OUT
from deepgray.voxels.resample import to_frame

COLOURS = {11: "#4cc9f0", 50: "#4cc9f0", 12: "#06d6a0", 51: "#06d6a0"}


def main() -> None:
    """Image, outline, judge, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("anatomies", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=20, help="people")
    parser.add_argument("--millions", type=float, nargs="+", default=[1.5, 3.0, 6.0, 12.0, 1000.0])
    parser.add_argument("--seed", type=int, default=300, help="that of protocol B")
    chosen = parser.parse_args()
    planned = plan(other_heads(chosen.anatomies, HELD_OUT), HELD_OUT, scans=(4, 4, 40), seed=chosen.seed)
    tested = [one for one in planned if one.group == TEST]
    people = tuple(tested[round(n * (len(tested) - 1) / max(1, chosen.count - 1))] for n in range(chosen.count))
    print("counts, millions\tpeople\tDice\tNC\tANC3\tSBR bias [limits]\t%MAD\tASI r\tASI r with its side")
    for millions in chosen.millions:
        rows = outlined(people, chosen.anatomies, chosen.out, millions)
        print("\t".join((f"{millions:g}", str(len(people)), *figures(rows))), flush=True)
    draw(people, chosen.anatomies, chosen.out, chosen.millions)


def imaged(people: tuple[Subject, ...], anatomies: Path, out: Path, millions: float) -> list[Case]:
    """The people, counted so long; those that are there are read."""
    how = SpectSettings(counts=millions * 1e6)
    return list(made(people, heads_by_name(anatomies), out / "people" / f"{millions:g}", how=how))


def outlined(people: tuple[Subject, ...], anatomies: Path, out: Path, millions: float) -> list[Row]:
    """Rows of all people at one number of counts."""
    rows: list[Row] = []
    own = Own()
    for case in imaged(people, anatomies, out, millions):
        table = out / "rows" / own.key / f"{millions:g}" / f"{case.name}.tsv"
        if not table.exists():
            write_rows(table, judged(own.outline(case), case, arm=own.name))
        rows += read_rows(table)
    return rows


def figures(rows: list[Row]) -> tuple[str, ...]:
    """What is printed of one number of counts, from the tables of protocol B."""
    overlap = tables.overlap_sheet(rows)
    mean = overlap.columns.index("mean of four")
    dice = {line[1]: line[mean] for line in overlap.rows}
    binding = tables.binding_sheet(tables.binding_agreements(rows))
    pooled = dict(zip(binding.columns, next(r for r in binding.rows if r[1] == tables.POOLED), strict=True))
    asymmetry = tables.asymmetry_sheet(tables.asymmetry_agreements(rows))
    both = [line[asymmetry.columns.index("r")] for line in asymmetry.rows if line[1].startswith(tables.BOTH_NUCLEI)]
    return (dice["all"], dice["NC"], dice["ANC3"], pooled["bias [limits]"], pooled["%MAD"], *both)


def draw(people: tuple[Subject, ...], anatomies: Path, out: Path, levels: list[float]) -> None:
    """One plane of a healthy person and of one with advanced disease at every number of counts."""
    shown = tuple(next(one for one in people if one.stage == stage) for stage in ("normal", "caudates"))
    figure, panels = plt.subplots(len(shown), len(levels), figsize=(2.2 * len(levels), 4.8), layout="constrained")
    for column, millions in enumerate(levels):
        for line, case in enumerate(imaged(shown, anatomies, out, millions)):
            panel = panels[line, column]
            show(panel, case, Own().outline(case))
            if line == 0:
                panel.set_title("no noise" if millions >= 1000 else f"{millions:g} million", fontsize=10)
            if column == 0:
                panel.set_ylabel("healthy" if case.stage == "normal" else "advanced", fontsize=10)
    figure.savefig(out / "counts.png", dpi=90)


def show(panel: Axes, case: Case, found: Found) -> None:
    """The plane through the true striatum's middle, seen from below (left is right)."""
    grid = case.truth.grid
    seen = to_frame(case.scan.voxels, case.scan.affine_ras, grid, world_from_frame=np.eye(4)) / case.reference_mean
    inside = np.argwhere(case.truth.voxels > 0)
    plane = int(np.median(inside[:, 2]))
    image, truth, drawn = (np.flipud(v[:, :, plane].T)[:, ::-1] for v in (seen, case.truth.voxels, found.labels.voxels))
    panel.imshow(image, cmap="inferno", vmin=0, vmax=4)
    for label, colour in COLOURS.items():
        panel.contour(truth == label, levels=[0.5], colors="white", linewidths=0.9, linestyles="dotted")
        panel.contour(drawn == label, levels=[0.5], colors=colour, linewidths=1.2)
    panel.set_xticks([])
    panel.set_yticks([])


if __name__ == "__main__":
    main()
