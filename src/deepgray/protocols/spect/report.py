"""The report of a protocol B: tables, pictures and one page, written aside and moved into place when all is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from deepgray.evaluate import write_agreements
from deepgray.protocols.sheets import Sheet, markdown_page, write_report
from deepgray.protocols.spect import pictures, tables
from deepgray.protocols.spect.arms import OWN
from deepgray.protocols.spect.cases import MIRRORED, Row, chosen, write_rows
from deepgray.train.baselines.fitting import Trained

HEAD = (
    "Work B: Wang et al. 2024, [10.1109/TRPMS.2024.3398360](https://doi.org/10.1109/TRPMS.2024.3398360). All figures "
    "of ours are of simulated people; those of the work are of its own patients and stand beside them to orient."
)
_CAPTIONS = {
    "dice_violins.png": "Dice by stratum. A point is a scan, the bar their mean.",
    "sbr_bland_altman.png": "SBR: found less true over their mean; bias and limits with 95 % intervals.",
    "sbr_scatter.png": "SBR found over true.",
    "asi_scatter.png": "Asymmetry index found over true, %.",
    "rotation.png": "Mean Dice over the rotation of the head. Dotted: 50°, where work B breaks.",
}


def sheets(rows: Sequence[Row], trained: Mapping[str, Trained]) -> list[Sheet]:
    """All tables, in their order."""
    found = [
        tables.overlap_sheet(rows),
        tables.binding_sheet(tables.binding_agreements(rows)),
        tables.asymmetry_sheet(tables.asymmetry_agreements(rows)),
        tables.paired_sheet(rows, OWN),
        tables.rotation_sheet(rows),
    ]
    if chosen(rows, condition=MIRRORED):
        found.append(tables.mirror_sheet(rows, tables.arms_of(chosen(rows, condition=MIRRORED))))
    category = tables.category_sheet(rows)
    found += [category] if category else []
    found.append(training_sheet(trained))
    return [sheet for sheet in found if sheet.rows]


def training_sheet(trained: Mapping[str, Trained]) -> Sheet:
    """How the baselines were trained."""
    lines = []
    for name, one in trained.items():
        how = one.settings
        size = " × ".join(str(n) for n in how.shape)
        widths = " ".join(str(n) for n in how.widths)
        best = f"{one.score:.3f} at step {one.step}"
        lines.append(
            (name, f"{size} of {how.spacing_mm:g} mm", widths, str(how.steps), best, f"{one.seconds / 60:.1f}")
        )
    columns = ("arm", "crop", "channels", "steps", "best Dice when validated", "minutes")
    return Sheet("Training of the baselines", columns, tuple(lines))


def write(rows: Sequence[Row], trained: Mapping[str, Trained], out: Path) -> Path:
    """Write tables, pictures and the page.

    Args:
        rows: All rows.
        trained: The baselines.
        out: Folder of the protocol.

    Returns:
        The page, in the folder ``report`` of ``out``, which replaces an earlier one.

    Raises:
        OutputError: The folder cannot be written.
    """
    return write_report(out, lambda folder: _fill(rows, trained, folder))


def _fill(rows: Sequence[Row], trained: Mapping[str, Trained], folder: Path) -> str:
    write_rows(folder / "results.tsv", rows)
    binding, asymmetry = tables.binding_agreements(rows), tables.asymmetry_agreements(rows)
    write_agreements([*binding, *asymmetry], folder / "agreement.tsv")
    pictures.draw_violins(rows, folder / "dice_violins.png")
    files = [folder / "dice_violins.png", *pictures.draw_agreements(binding, asymmetry, folder)]
    if any(tables.rotation_curves(rows, arm) for arm in tables.arms_of(rows)):
        files.append(folder / "rotation.png")
        pictures.draw_rotations(rows, files[-1])
    drawn = {file.name: _CAPTIONS[file.name] for file in files}
    title = "Protocol B: caudate and putamen on DaT SPECT"
    return markdown_page(title, HEAD, sheets=sheets(rows, trained), pictures=drawn, failed=failures(rows))


def failures(rows: Sequence[Row]) -> list[str]:
    """A line for each scan that an arm refused."""
    found = {(r.arm, r.condition, r.case): r.failure for r in rows if r.failure}
    return [f"{arm}, {condition}, {case}: {why}" for (arm, condition, case), why in found.items()]
