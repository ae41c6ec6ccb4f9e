"""``deepgray evaluate``: label maps against the truth."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from deepgray.cli.foreign import chosen_mapping, reader
from deepgray.cli.output import news, writable_folder
from deepgray.errors import SettingsError
from deepgray.evaluate import (
    MEASURES,
    TOLERANCE_MM,
    Cohort,
    FilePair,
    Pairing,
    Summary,
    compare_cohort,
    draw_scores,
    pair_by_stem,
    summarise,
    table,
    write_scores,
    write_summary,
)
from deepgray.read import stem_of


@Parameter(name="*")
@dataclass(frozen=True)
class EvaluateSettings:
    """What ``deepgray evaluate`` does.

    Attributes:
        predicted: A label map, or a folder of them; the results of 'deepgray run' will do.
        truth: The label map to judge by, or a folder of them; files belong together by their names.
        output: Folder for tables and pictures; without it the table is only printed.
        mapping: What the labels of the truth mean: neuromorphometrics, hoa2, freesurfer, or a table (.tsv) of label,
            name and side.
        predicted_mapping: The same for the predicted label maps, where their labels are not deepgray's.
        scheme: Scheme of the label maps that no mapping is given for.
        pattern: Which files of a folder are predictions; the label maps of the scheme when not given.
        tolerance_mm: Tolerance of the surface Dice.
    """

    predicted: Path
    truth: Path
    _: KW_ONLY
    output: Annotated[Path | None, Parameter(alias="-o")] = None
    mapping: str | None = None
    predicted_mapping: str | None = None
    scheme: str = "striatum"
    pattern: str | None = None
    tolerance_mm: float = TOLERANCE_MM


def evaluate(settings: EvaluateSettings) -> int:
    """Compare label maps with the truth: Dice, HD95, ASSD, surface Dice, relative volume difference.

    The table goes to standard output. With --output the scores of every scan, the summary and pictures are written.
    """
    read_predicted = reader(chosen_mapping(settings.predicted_mapping, settings.scheme))
    read_truth = reader(chosen_mapping(settings.mapping, settings.scheme))
    pairing = _pairing(settings)
    if settings.output is not None:
        writable_folder(settings.output)
    cohort = compare_cohort(
        pairing.pairs, read_predicted=read_predicted, read_truth=read_truth, tolerance_mm=settings.tolerance_mm
    )
    summaries = summarise(cohort)
    if summaries:
        print(table(summaries), flush=True)
    if settings.output is not None:
        _write(cohort, summaries, settings.output)
    for path in pairing.unpaired:
        news(f"{path} has no partner and was left out.")
    for failure in cohort.failures:
        news(f"{failure.stem}: {failure.reason}")
    return 1 if cohort.failures else 0


def _pairing(settings: EvaluateSettings) -> Pairing:
    for path in (settings.predicted, settings.truth):
        if not path.exists():
            raise SettingsError(f"A label map or a folder of label maps is wanted, there is nothing at {path}.")
    if settings.predicted.is_dir() != settings.truth.is_dir():
        raise SettingsError(f"Two files or two folders are wanted, {settings.predicted} and {settings.truth} came.")
    if not settings.predicted.is_dir():
        return Pairing((FilePair(stem_of(settings.predicted), settings.predicted, settings.truth),), ())
    ours = f"*_desc-{settings.scheme}_dseg.nii.gz"
    is_ours = next(settings.predicted.rglob(ours), None) is not None
    return pair_by_stem(settings.predicted, settings.truth, pattern=settings.pattern or (ours if is_ours else "*"))


def _write(cohort: Cohort, summaries: tuple[Summary, ...], folder: Path) -> None:
    write_scores(cohort, folder / "scores.tsv")
    write_summary(summaries, folder / "summary.tsv")
    for measure in MEASURES:
        draw_scores(cohort, folder / f"{measure.name}.png", measure=measure)
    news(f"scores.tsv, summary.tsv and pictures are in {folder}.")
