"""``deepgray agree``: do two sets of measures, or several raters, agree?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass
from itertools import combinations
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from deepgray.cli.output import news, writable_folder
from deepgray.errors import SettingsError
from deepgray.evaluate import (
    Icc,
    MeasureName,
    NamedAgreement,
    PairedMeasures,
    agreement_table,
    draw_bland_altman,
    draw_differences,
    draw_scatter,
    icc,
    icc_table,
    pair_measures,
    read_ratings,
    write_agreements,
    write_iccs,
    write_pairs,
)
from deepgray.evaluate import agree as agree_values

_MOST_NAMED = 3  # how many measures one sentence names before it counts the others


@Parameter(name="*")
@dataclass(frozen=True)
class AgreeSettings:
    """What ``deepgray agree`` does.

    Attributes:
        measured: A folder of results of 'deepgray run'; or a table (.tsv, .csv) of ratings: a first row of titles, a
            first column of subjects, a column per rater.
        reference: The folder of results to compare with; files belong together by their names. Leave it out with a
            table.
        output: Folder for tables and pictures; without it the agreement is only printed.
        quantity: Which quantity to compare (volume); several may be named. All of them when not given.
        unit: Unit of a table's values (mm3); the measures of a folder say theirs.
    """

    measured: Path
    reference: Path | None = None
    _: KW_ONLY
    output: Annotated[Path | None, Parameter(alias="-o")] = None
    quantity: Annotated[tuple[str, ...], Parameter(show_default=False)] = ()
    unit: str | None = None


def agree(settings: AgreeSettings) -> int:
    """Compare measures of the same scans: bias and limits of agreement, correlation, ICC, regression, paired tests.

    Differences are measured minus reference. The table goes to standard output. With --output tables of all numbers and
    pictures (Bland-Altman, scatter, differences) are written. A table of ratings gets every form of the ICC.
    """
    if settings.reference is None:
        return _agree_on_ratings(settings)
    if settings.unit is not None:
        raise SettingsError(f"A unit is wanted with a table only, the measures say theirs; '{settings.unit}' came.")
    paired = pair_measures(settings.measured, settings.reference, quantities=settings.quantity)
    if settings.output is not None:
        writable_folder(settings.output)
    found = [
        NamedAgreement(one.name, agree_values(one.measured, one.reference, unit=one.unit)) for one in paired.measures
    ]
    print(agreement_table(found), flush=True)
    if settings.output is not None:
        write_pairs(paired.measures, settings.output / "pairs.tsv")
        write_iccs([(one.name, one.agreement.icc) for one in found], settings.output / "icc.tsv")
        _write(found, settings.output)
    _tell_pairing(paired)
    _tell_reasons(found)
    return 0


def _agree_on_ratings(settings: AgreeSettings) -> int:
    if settings.measured.is_dir():
        raise SettingsError(f"A second folder is wanted to compare with {settings.measured}, none came.")
    if settings.quantity:
        raise SettingsError(f"A quantity is wanted with folders only, a table has one; '{settings.quantity[0]}' came.")
    ratings = read_ratings(settings.measured)
    if settings.output is not None:
        writable_folder(settings.output)
    forms = icc(ratings.values)
    unit = settings.unit or ""
    found = [
        NamedAgreement(
            MeasureName("", "", f"{first} − {second}"), agree_values(ratings.of(first), ratings.of(second), unit=unit)
        )
        for first, second in combinations(ratings.raters, 2)
    ]
    print(icc_table(forms), agreement_table(found), sep="\n\n", flush=True)
    if settings.output is not None:
        write_iccs([(MeasureName("", "", settings.measured.stem), forms)], settings.output / "icc.tsv")
        _write(found, settings.output)
    _tell_dropped(forms)
    _tell_reasons(found)
    return 0


def _write(found: Sequence[NamedAgreement], folder: Path) -> None:
    write_agreements(found, folder / "agreement.tsv")
    of_structure: dict[str, list[NamedAgreement]] = {}
    of_quantity: dict[str, list[NamedAgreement]] = {}
    for one in found:
        name = one.name
        of_structure.setdefault(_file_name(name.structure, name.quantity), []).append(one)
        of_quantity.setdefault(_file_name(name.quantity if name.structure else "", "differences"), []).append(one)
    for stem, group in of_structure.items():
        draw_bland_altman(group, folder / f"{stem}_bland_altman.png")
        draw_scatter(group, folder / f"{stem}_scatter.png")
    for stem, group in of_quantity.items():
        draw_differences(group, folder / f"{stem}.png")
    news(f"agreement.tsv, icc.tsv and pictures are in {folder}.")


def _file_name(*words: str) -> str:
    """Words as part of a file's name: what no file system minds, the rest as dashes."""
    return "_".join(re.sub(r"[^\w.]+", "-", word).strip("-") for word in words if word)


def _tell_pairing(paired: PairedMeasures) -> None:
    for path in paired.unpaired:
        news(f"{path} has no partner and was left out.")
    if paired.alone:
        news(f"Only one of the two has {_listed(paired.alone)}; left out.")
    differing: dict[str, list[MeasureName]] = {}
    for one in paired.measures:
        if one.measured_regions != one.reference_regions:
            regions = f"{_regions(one.measured_regions)} against {_regions(one.reference_regions)}"
            differing.setdefault(regions, []).append(one.name)
    for regions, names in differing.items():
        news(f"The reference regions differ ({regions}), so that values do too: {_listed(names)}.")


def _regions(names: Iterable[str]) -> str:
    return ", ".join(name or "none" for name in names) or "none"


def _tell_dropped(forms: Sequence[Icc]) -> None:
    if dropped := forms[0].dropped:
        who = (
            "1 subject without a rating by every rater was"
            if dropped == 1
            else f"{dropped} subjects without a rating by every rater were"
        )
        news(f"{who} left out of the ICC.")
    reasons: dict[str, list[str]] = {}
    for one in forms:
        if one.estimate.reason:
            reasons.setdefault(one.estimate.reason, []).append(one.form)
    for reason, names in reasons.items():
        news(f"Undefined in part, because {reason}: {', '.join(names)}.")


def _tell_reasons(found: Iterable[NamedAgreement]) -> None:
    reasons: dict[str, list[MeasureName]] = {}
    for one in found:
        for reason in one.agreement.reasons:
            reasons.setdefault(reason, []).append(one.name)
    for reason, names in reasons.items():
        news(f"Undefined in part, because {reason}: {_listed(names)}.")


def _listed(names: Sequence[MeasureName]) -> str:
    """The first few by name, the others counted."""
    words = [" ".join(filter(None, [name.side, name.structure, name.quantity])) for name in names[:_MOST_NAMED]]
    others = len(names) - len(words)
    return ", ".join(words) + (f" and {others} more" if others else "")
