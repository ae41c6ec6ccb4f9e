"""The folder of one scan's results: made beside its place under another name, and moved there whole.

Every task on a scan shares its folder. Images carry the task's name; the table of measurements, the page and the JSON
hold all tasks, so that their names never depend on which task came first.
"""

from __future__ import annotations

import glob
import secrets
import shutil
from collections.abc import Collection
from pathlib import Path

from deepgray.errors import OutputError
from deepgray.report.earlier import earlier_rows, earlier_sections
from deepgray.report.images import write_entropy, write_labels, write_probabilities
from deepgray.report.kept import kept_name, write_kept
from deepgray.report.provenance import checksum, provenance, write_provenance
from deepgray.report.record import Record, Summary, input_of, read_record, summary_of
from deepgray.report.tables import measure_rows, write_lookup, write_measures
from deepgray.result import Result

# A file that a person changed in place is kept under this name when a new result replaces it.
_KEPT_PREFIX = "edited-"


def finished(folder: Path, stem: str, *, task: str) -> bool:
    """Whether ``folder`` holds a whole result of a task on the scan with this stem."""
    return task in read_record(folder / stem / f"{stem}.json").tasks


def summary(folder: Path, stem: str, *, task: str) -> Summary | None:
    """What the JSON of a study says of a task, None where there is no whole result."""
    record = read_record(folder / stem / f"{stem}.json")
    return summary_of(record.tasks[task], record.input) if task in record.tasks else None


def recover(folder: Path, stem: str) -> None:
    """Put right what a process left that died while it wrote this study: half a folder goes, an earlier one comes back.

    Args:
        folder: Output folder.
        stem: Name of the scan; nobody may be writing it now.

    Raises:
        OutputError: The folder cannot be written.
    """
    target = folder / stem
    try:
        for path in sorted(folder.glob(f".{glob.escape(stem)}.earlier-*")):
            if not target.exists() and read_record(path / f"{stem}.json").tasks:
                path.rename(target)
        for path in [*folder.glob(f".{glob.escape(stem)}.earlier-*"), *folder.glob(f".{glob.escape(stem)}.partial-*")]:
            shutil.rmtree(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"A folder that can be written is wanted, {folder} cannot: {reason}.") from error


def write(
    result: Result,
    folder: Path | str,
    *,
    probabilities: bool = False,
    overwrite: bool = False,
    again: Collection[str] = (),
) -> Path:
    """Write a result to ``folder/<stem>``, beside those of other tasks on the same scan.

    Args:
        result: What to write.
        folder: Parent folder; made where it is missing.
        probabilities: Also write the probability map of each structure.
        overwrite: Replace an earlier result of the task. Files that deepgray did not write stay, and files that were
            changed since it wrote them stay as ``edited-<name>``.
        again: With ``overwrite``: further tasks that will be done again too. Their results on another scan with this
            stem, or on this one read otherwise, go; those of any other task are never dropped.

    Returns:
        The folder of the result.

    Raises:
        OutputError: There is a result already, or one of another scan that would be lost, or the folder cannot be
            written or is full; nothing half-written stays.
    """
    target = Path(folder) / result.scan.stem
    partial = target.parent / f".{target.name}.partial-{secrets.token_hex(4)}"
    try:
        kept = _kept(target, result, overwrite=overwrite, again=again)
        partial.mkdir(parents=True)
        _fill(partial, result, probabilities=probabilities)
        _join(partial, target, result=result, kept=kept)
        _move(partial, target, kept)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"A folder that can be written is wanted, writing to {target} failed: {reason}.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def _kept(target: Path, result: Result, *, overwrite: bool, again: Collection[str]) -> Record:
    """What stays of an earlier folder."""
    if not target.exists():
        return Record()
    record = read_record(target / f"{target.name}.json")
    same = record.input == input_of(result.scan)
    if not overwrite and (not record.tasks or result.task.name in record.tasks):
        raise OutputError(f"A new folder is wanted for the results, {target} is there already.")
    if not overwrite and not same:
        raise OutputError(
            f"A folder for the same scan is wanted, {target} holds results of another one, or of one read otherwise."
        )
    lost = [] if same else sorted(set(record.tasks) - {result.task.name, *again})
    if lost:
        raise OutputError(
            f"{target} holds results of {', '.join(lost)} on another scan of this name, or on this one read otherwise, "
            f"and they cannot lie beside those of {result.task.name}: all of these tasks done again together are "
            "wanted, or another folder."
        )
    return record.without(result.task.name) if same else Record()


def _fill(folder: Path, result: Result, *, probabilities: bool) -> None:
    """Write the images of a result and what their labels mean."""
    stem, task = result.scan.stem, result.task.name
    maps = [(task, result.outline.labels)]
    if result.parts is not None:
        maps.append((result.task.subdivide_scheme or result.parts.labels.scheme.name, result.parts.labels))
    for name, labels in maps:
        write_labels(folder / f"{stem}_desc-{name}_dseg.nii.gz", labels)
        write_lookup(folder / f"{stem}_desc-{name}_dseg.tsv", labels.scheme)
    write_kept(folder / kept_name(stem, task), result)
    if result.outline.fine is not None:
        write_labels(folder / f"{stem}_res-1mm_desc-{task}_dseg.nii.gz", result.outline.fine)
    if result.proposed.probabilities is not None:
        write_entropy(folder / f"{stem}_desc-{task}_entropy.nii.gz", result.proposed.probabilities)
        if probabilities:
            write_probabilities(folder / f"{stem}_desc-{task}_probseg.nii.gz", result.proposed.probabilities)


def _join(partial: Path, target: Path, *, result: Result, kept: Record) -> None:
    """Add what other tasks left, and what all tasks share; the JSON last: its presence says that the rest is there."""
    own = sorted(path.name for path in partial.iterdir())
    twice = sorted(set(own) & set(kept.files))
    if twice:
        raise OutputError(f"A new name is wanted for {twice[0]}, another task wrote {target / twice[0]} already.")
    for name in kept.files:
        if (target / name).is_file():
            shutil.copy2(target / name, partial / name)
    stem = target.name
    rows = [*earlier_rows(target / f"{stem}_measures.tsv", kept), *measure_rows(result.measurements, result.task.name)]
    write_measures(partial / f"{stem}_measures.tsv", sorted(rows, key=lambda row: row[-1]))  # in order within a task
    _write_report(partial / f"{stem}_report.html", target / f"{stem}_report.html", result=result, kept=kept)
    values = provenance(result, partial.iterdir(), own=own, kept=kept)
    write_provenance(partial / f"{stem}.json", values)


def _write_report(path: Path, earlier: Path, *, result: Result, kept: Record) -> None:
    # Pillow, contourpy and jinja2 take a while to import, and only a report needs them.
    from deepgray.report.page import section_of, write_page  # noqa: PLC0415

    sections = [section_of(result), *earlier_sections(earlier, kept)]
    write_page(path, result.scan.stem, sorted(sections, key=lambda section: section.name))


def _move(partial: Path, target: Path, kept: Record) -> None:
    """Put a filled folder in its place; an earlier one comes back if that fails."""
    if not target.exists():
        partial.rename(target)
        return
    earlier = target.parent / f".{target.name}.earlier-{secrets.token_hex(4)}"
    _keep_what_people_made(target, partial, kept)
    target.rename(earlier)
    try:
        partial.rename(target)
    except OSError:
        earlier.rename(target)
        raise
    shutil.rmtree(earlier, ignore_errors=True)


def _keep_what_people_made(earlier: Path, new: Path, kept: Record) -> None:
    written = read_record(earlier / f"{earlier.name}.json").files
    for path in sorted(earlier.iterdir()):
        if path.name in kept.files or path.name == f"{earlier.name}.json":
            continue
        if path.is_file() and written.get(path.name) == checksum(path):
            continue
        place = new / (f"{_KEPT_PREFIX}{path.name}" if path.name in written else path.name)
        while place.exists():
            place = new / f"{_KEPT_PREFIX}{place.name}"
        if path.is_dir():
            shutil.copytree(path, place)
        else:
            shutil.copy2(path, place)
