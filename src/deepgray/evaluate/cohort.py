"""Many scans: which file belongs to which, a score for each, and what they say together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from deepgray.errors import DuplicateStemError, InputError, OutputError, SettingsError
from deepgray.evaluate.compare import TOLERANCE_MM, Score, compare
from deepgray.scan import LabelMap

Reader = Callable[[Path], LabelMap]

_IMAGE = re.compile(r"\.(nii|nii\.gz|mgz)$", re.IGNORECASE)
# What follows the subject in a file's name: a description and the kind of image, as BIDS and FreeSurfer write them.
_ENDING = re.compile(r"(_desc-[A-Za-z0-9]+|_(dseg|seg|aseg|mask|labels?|T1w?|T2w?|FLAIR|PDw?))$", re.IGNORECASE)


@dataclass(frozen=True)
class Measure:
    """A measure that tables show.

    Attributes:
        name: Name in files.
        title: As people write it, with its unit.
        of: Takes it from a score.
        higher_is_better: Which end is the worst case.
    """

    name: str
    title: str
    of: Callable[[Score], float]
    higher_is_better: bool = False


MEASURES: tuple[Measure, ...] = (
    Measure("dice", "Dice", lambda score: score.dice, higher_is_better=True),
    Measure("hd95_mm", "HD95 (mm)", lambda score: score.hd95_mm),
    Measure("assd_mm", "ASSD (mm)", lambda score: score.assd_mm),
    Measure("surface_dice", "Surface Dice", lambda score: score.surface_dice, higher_is_better=True),
    Measure("rvd", "RVD", lambda score: score.rvd),
)


@dataclass(frozen=True)
class FilePair:
    """A prediction and the truth it is judged by."""

    stem: str
    predicted: Path
    truth: Path


@dataclass(frozen=True)
class Pairing:
    """Files of two folders, brought together.

    Attributes:
        pairs: In the order of their stems.
        unpaired: Files without a partner.
    """

    pairs: tuple[FilePair, ...]
    unpaired: tuple[Path, ...]


@dataclass(frozen=True)
class Row:
    """One structure of one scan."""

    stem: str
    score: Score


@dataclass(frozen=True)
class Failure:
    """A scan that could not be compared, and why."""

    stem: str
    reason: str


@dataclass(frozen=True)
class Cohort:
    """The scores of many scans.

    Attributes:
        rows: Scan by scan, structure by structure.
        failures: Scans without scores.
    """

    rows: tuple[Row, ...]
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True)
class Summary:
    """One measure of one structure over all scans.

    Attributes:
        structure: Name, without side.
        side: ``left``, ``right``, ``midline`` or ``both``.
        measure: Which measure.
        scans: Number of scans that have a finite value: those that mean and SD are made of.
        mean: Mean, NaN where there are none.
        sd: Sample standard deviation, NaN where there are fewer than two.
        worst: Worst value, infinite where a structure was missed altogether, NaN where there is none.
        worst_stem: The scan it belongs to, empty where there is none.
        both_empty: Scans where neither the prediction nor the truth has the structure; they count nowhere else.
        unbounded: Scans whose value is infinite (one of the two is empty); in ``worst``, not in ``mean``.
    """

    structure: str
    side: str
    measure: Measure
    scans: int
    mean: float
    sd: float
    worst: float
    worst_stem: str
    both_empty: int
    unbounded: int


def pair_by_stem(predicted: Path, truth: Path, *, pattern: str = "*") -> Pairing:
    """Bring together the images of two folders that belong to one scan.

    Folders are searched to the bottom. A name is compared without its extension and without what describes the image:
    ``1000_T1w_desc-striatum_dseg.nii.gz``, ``1000_dseg.nii.gz`` and ``1000.mgz`` belong to one scan.

    Args:
        predicted: Folder of predictions.
        truth: Folder of label maps to judge by.
        pattern: Which names of the predictions to take (``*_desc-striatum_dseg.nii.gz``).

    Returns:
        Pairs and what is left over.

    Raises:
        SettingsError: One of the two is not a folder, or no two files belong together.
        DuplicateStemError: Two files of one folder belong to one scan.
    """
    ours, theirs = _by_stem(predicted, pattern), _by_stem(truth, "*")
    shared = sorted(ours.keys() & theirs.keys())
    if not shared:
        raise SettingsError(
            f"Files of the same scans are wanted; of {len(ours)} images in {predicted} and {len(theirs)} in {truth} "
            "no two names belong together."
        )
    unpaired = [path for group in (ours, theirs) for stem, path in sorted(group.items()) if stem not in shared]
    return Pairing(tuple(FilePair(stem, ours[stem], theirs[stem]) for stem in shared), tuple(unpaired))


def scan_stem(path: Path) -> str:
    """The name of the scan that an image belongs to: without extension, description and kind of image."""
    stem = _IMAGE.sub("", path.name)
    while (shorter := _ENDING.sub("", stem)) != stem and shorter:
        stem = shorter
    return stem


def compare_cohort(
    pairs: Iterable[FilePair], *, read_predicted: Reader, read_truth: Reader, tolerance_mm: float = TOLERANCE_MM
) -> Cohort:
    """Score many scans; one that cannot be compared is kept with its reason, and the others go on.

    Args:
        pairs: Files, one scan after the other.
        read_predicted: How a prediction is read.
        read_truth: How a truth is read, through a ``LabelMapping`` where its labels are foreign.
        tolerance_mm: Tolerance of the surface Dice.
    """
    rows: list[Row] = []
    failures: list[Failure] = []
    for pair in pairs:
        try:
            scores = compare(read_predicted(pair.predicted), read_truth(pair.truth), tolerance_mm=tolerance_mm)
        except InputError as error:
            failures.append(Failure(pair.stem, str(error)))
        else:
            rows += [Row(pair.stem, score) for score in scores]
    return Cohort(tuple(rows), tuple(failures))


def summarise(cohort: Cohort, *, measures: Sequence[Measure] = MEASURES) -> tuple[Summary, ...]:
    """Mean, SD and worst case of each structure, side and measure.

    Returns:
        Summaries in the order of the scores; empty where no scan has scores.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in cohort.rows:
        groups.setdefault((row.score.structure, row.score.side), []).append(row)
    return tuple(_summary(rows, measure) for rows in groups.values() for measure in measures)


def table(summaries: Sequence[Summary]) -> str:
    """The summaries as text: a line per structure and side, mean ± SD of each measure, worst case of the first.

    Returns:
        Lines of columns that are aligned with blanks; a first line of titles.
    """
    measures = list(dict.fromkeys(s.measure for s in summaries))
    lines = (
        [["structure", "side", "scans", *[m.title for m in measures], "worst " + measures[0].title]] if measures else []
    )
    groups: dict[tuple[str, str], list[Summary]] = {}
    for summary in summaries:
        groups.setdefault((summary.structure, summary.side), []).append(summary)
    for (structure, side), group in groups.items():
        first = group[0]
        worst = f"{first.worst:.3f} ({first.worst_stem})" if first.worst_stem else "–"
        lines.append([structure, side, str(first.scans), *[_mean_sd(s) for s in group], worst])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))] if lines else []
    return "\n".join("  ".join(f"{word:<{w}}" for word, w in zip(line, widths, strict=True)).rstrip() for line in lines)


def write_scores(cohort: Cohort, path: Path) -> None:
    """Write every score as a tab-separated file, a line per scan and structure.

    Raises:
        OutputError: The file cannot be written.
    """
    columns = [field.name for field in fields(Score)]
    lines = ["\t".join(["scan", *columns])]
    for row in cohort.rows:
        values = asdict(row.score)
        lines.append("\t".join([row.stem, *[_cell(values[column]) for column in columns]]))
    _write(path, lines)


def write_summary(summaries: Sequence[Summary], path: Path) -> None:
    """Write summaries as a tab-separated file, a line per structure, side and measure.

    Raises:
        OutputError: The file cannot be written.
    """
    columns = [field.name for field in fields(Summary)]
    lines = ["\t".join(columns)]
    for summary in summaries:
        values = asdict(summary) | {"measure": summary.measure.name}
        lines.append("\t".join(_cell(values[column]) for column in columns))
    _write(path, lines)


def _by_stem(folder: Path, pattern: str) -> dict[str, Path]:
    if not folder.is_dir():
        raise SettingsError(f"A folder of label maps is wanted, {folder} is none.")
    found: dict[str, Path] = {}
    for path in sorted(p for p in folder.rglob(pattern) if _IMAGE.search(p.name) and p.is_file()):
        stem = scan_stem(path)
        if stem in found:
            raise DuplicateStemError(
                f"One file per scan is wanted in {folder}; {found[stem].name} and {path.name} both belong to '{stem}'. "
                "Choose one kind by a pattern."
            )
        found[stem] = path
    return found


def _summary(rows: Sequence[Row], measure: Measure) -> Summary:
    values = np.array([measure.of(row.score) for row in rows], dtype=np.float64)
    defined, finite = ~np.isnan(values), values[np.isfinite(values)]
    badness = np.where(defined, -values if measure.higher_is_better else values, -np.inf)
    worst = int(np.argmax(badness))
    return Summary(
        structure=rows[0].score.structure,
        side=rows[0].score.side,
        measure=measure,
        scans=len(finite),
        mean=float(finite.mean()) if len(finite) else float("nan"),
        sd=float(finite.std(ddof=1)) if len(finite) > 1 else float("nan"),
        worst=float(values[worst]) if defined.any() else float("nan"),
        worst_stem=rows[worst].stem if defined.any() else "",
        both_empty=int((~defined).sum()),
        unbounded=int(np.isinf(values).sum()),
    )


def _mean_sd(summary: Summary) -> str:
    text = f"{summary.mean:.3f} ± {summary.sd:.3f}" if summary.scans > 1 else f"{summary.mean:.3f}"
    return f"{text} ({summary.unbounded} infinite)" if summary.unbounded else text


def _cell(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _write(path: Path, lines: Sequence[str]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"A place to write {path} is wanted, it cannot be written: {error}.") from error
