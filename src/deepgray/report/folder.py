"""The folder of one result: made beside its place under another name, and moved there whole."""

from __future__ import annotations

import json
import secrets
import shutil
from pathlib import Path

from deepgray.errors import OutputError
from deepgray.report.images import write_entropy, write_labels, write_probabilities
from deepgray.report.provenance import checksum, provenance, write_provenance
from deepgray.report.tables import write_lookup, write_measures
from deepgray.result import Result

# A file that a person changed in place is kept under this name when a new result replaces it.
_KEPT_PREFIX = "edited-"


def finished(folder: Path, stem: str) -> bool:
    """Whether ``folder`` holds a whole result of the scan with this stem."""
    return (folder / stem / f"{stem}.json").is_file()


def write(result: Result, folder: Path | str, *, probabilities: bool = False, overwrite: bool = False) -> Path:
    """Write a result to ``folder/<stem>``.

    Args:
        result: What to write.
        folder: Parent folder; made where it is missing.
        probabilities: Also write the probability map of each structure.
        overwrite: Replace an earlier result. Files in it that deepgray did not write stay, and files that were changed
            since it wrote them stay as ``edited-<name>``.

    Returns:
        The folder of the result.

    Raises:
        OutputError: There is a result already, or the folder cannot be written or is full; nothing half-written stays.
    """
    target = Path(folder) / result.scan.stem
    if target.exists() and not overwrite:
        raise OutputError(f"A new folder is wanted for the results, {target} is there already.")
    partial = target.parent / f".{target.name}.partial-{secrets.token_hex(4)}"
    try:
        partial.mkdir(parents=True)
        _fill(partial, result, probabilities=probabilities)
        _move(partial, target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"A folder that can be written is wanted, writing to {target} failed: {reason}.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def _fill(folder: Path, result: Result, *, probabilities: bool) -> None:
    """Write every file of a result, the JSON last: its presence says that the rest is there."""
    # matplotlib and jinja2 take half a second to import, and only a report needs them.
    from deepgray.report.page import write_page  # noqa: PLC0415

    stem, task = result.scan.stem, result.task.name
    maps = [(task, result.outline.labels)]
    if result.parts is not None:
        maps.append((result.task.subdivide_scheme or result.parts.labels.scheme.name, result.parts.labels))
    for name, labels in maps:
        write_labels(folder / f"{stem}_desc-{name}_dseg.nii.gz", labels)
        write_lookup(folder / f"{stem}_desc-{name}_dseg.tsv", labels.scheme)
    if result.proposed.probabilities is not None:
        write_entropy(folder / f"{stem}_desc-{task}_entropy.nii.gz", result.proposed.probabilities)
        if probabilities:
            write_probabilities(folder / f"{stem}_desc-{task}_probseg.nii.gz", result.proposed.probabilities)
    write_measures(folder / f"{stem}_measures.tsv", result.measurements)
    write_page(folder / f"{stem}_report.html", result)
    write_provenance(folder / f"{stem}.json", provenance(result, folder.iterdir()))


def _move(partial: Path, target: Path) -> None:
    """Put a filled folder in its place; an earlier one comes back if that fails."""
    if not target.exists():
        partial.rename(target)
        return
    earlier = target.parent / f".{target.name}.earlier-{secrets.token_hex(4)}"
    _keep_what_people_made(target, partial)
    target.rename(earlier)
    try:
        partial.rename(target)
    except OSError:
        earlier.rename(target)
        raise
    shutil.rmtree(earlier, ignore_errors=True)


def _keep_what_people_made(earlier: Path, new: Path) -> None:
    written = _written_files(earlier)
    for path in sorted(earlier.iterdir()):
        if path.name == f"{earlier.name}.json" or (path.is_file() and written.get(path.name) == checksum(path)):
            continue
        kept = new / (f"{_KEPT_PREFIX}{path.name}" if path.name in written else path.name)
        while kept.exists():
            kept = new / f"{_KEPT_PREFIX}{kept.name}"
        if path.is_dir():
            shutil.copytree(path, kept)
        else:
            shutil.copy2(path, kept)


def _written_files(folder: Path) -> dict[str, str]:
    """Names and checksums that the folder's JSON records, none where it has no JSON that can be read."""
    try:
        values = json.loads((folder / f"{folder.name}.json").read_text(encoding="utf-8"))
        return {str(name): str(sha256) for name, sha256 in values["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
