"""The report of a protocol A: tables, pictures and one page, written aside and moved into place when all is there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from deepgray.evaluate import write_agreements, write_risk_coverage
from deepgray.protocols.sheets import Sheet, markdown_page, write_report
from deepgray.protocols.striatum import pictures, tables
from deepgray.protocols.striatum.arms import ATLAS, CASCADE, MENDED, ONE_STAGE
from deepgray.protocols.striatum.cases import write_rows
from deepgray.protocols.striatum.flagged import case_dice, rankings, with_correction
from deepgray.protocols.striatum.run import Outcome, view_of

HEAD = (
    "Work A: Kim et al. 2026, [10.1038/s41598-026-36399-0](https://doi.org/10.1038/s41598-026-36399-0). It does not "
    "print its scheme; the subregions here follow Oh et al. 2012. All figures are of simulated people."
)
# How many of the worst people are drawn.
DRAWN = 3
_CAPTIONS = {
    "dice.png": "Mean Dice of the twelve subregions. A point is a scan.",
    "binding.png": "BPnd within the outline against BPnd within the true labels. Grey: ± 3 %. Linear up to 10 %.",
    "risk_coverage.png": "Risk and coverage. Thick: the score that ships.",
    "worst.png": "The cascade's worst people. White: true borders.",
}


def sheets(outcome: Outcome) -> list[Sheet]:
    """All tables, in their order."""
    rows = with_correction(outcome.rows, outcome.doubts)
    found = [
        tables.overlap_sheet(rows),
        tables.paired_sheet(rows),
        tables.structure_sheet(rows),
        tables.volume_sheet(rows),
        tables.binding_sheet(rows),
        tables.flag_sheet(rows, outcome.doubts),
    ]
    return [sheet for sheet in found if sheet.rows]


def failures(outcome: Outcome) -> list[str]:
    """A line for each person that an arm refused."""
    found = {(r.arm, r.case): r.failure for r in outcome.rows if r.failure}
    return [f"{arm}, {case}: {why}" for (arm, case), why in found.items()]


def write(outcome: Outcome, out: Path) -> Path:
    """Write tables, pictures and the page.

    Args:
        outcome: What ran.
        out: Folder of the protocol.

    Returns:
        The page, in the folder ``report`` of ``out``, which replaces an earlier one.

    Raises:
        OutputError: The folder cannot be written.
    """
    return write_report(out, lambda folder: _fill(outcome, out, folder))


def _fill(outcome: Outcome, out: Path, folder: Path) -> str:
    rows = with_correction(outcome.rows, outcome.doubts)
    write_rows(folder / "results.tsv", rows)
    write_agreements(tables.agreements(rows), folder / "agreement.tsv")
    _write_doubts(outcome.doubts, folder / "doubts.tsv")
    pictures.draw_dice(rows, folder / "dice.png")
    pictures.draw_binding(rows, folder / "binding.png")
    ranked = rankings(rows, outcome.doubts)
    if ranked:
        write_risk_coverage(ranked[0].curve, folder / "risk_coverage.tsv")
        pictures.draw_risk(ranked, folder / "risk_coverage.png")
    cases = case_dice(rows, CASCADE)
    worst = sorted(cases, key=lambda case: cases[case])[:DRAWN]
    if worst:
        arms = (ATLAS, ONE_STAGE, CASCADE, MENDED)
        pictures.draw_views({case: view_of(out, case, arms) for case in worst}, folder / "worst.png")
    drawn = {name: caption for name, caption in _CAPTIONS.items() if (folder / name).exists()}
    title = "Protocol A: twelve subregions on T1 and PET"
    return markdown_page(title, HEAD, sheets=sheets(outcome), pictures=drawn, failed=failures(outcome))


def _write_doubts(doubts: Mapping[str, Mapping[str, float]], path: Path) -> None:
    names = list(dict.fromkeys(name for own in doubts.values() for name in own))
    lines = ["\t".join(["case", *names])]
    lines += ["\t".join([case, *(f"{own[n]:.6g}" if n in own else "" for n in names)]) for case, own in doubts.items()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
