"""A table of ratings: subjects down, raters across."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepgray.errors import DuplicateStemError, InputError
from deepgray.evaluate.delimited import number, read_rows
from deepgray.evaluate.estimate import Numbers


@dataclass(frozen=True, eq=False)
class Ratings:
    """What several raters, methods or sessions found in the same subjects.

    Attributes:
        subjects: (n,) names.
        raters: (k,) names, two or more.
        values: (n, k), of any one unit; NaN where a rating is missing.

    Raises:
        InputError: Names and values do not fit one another, or there are fewer than two raters.
        DuplicateStemError: Two subjects or two raters have one name.
    """

    subjects: tuple[str, ...]
    raters: tuple[str, ...]
    values: Numbers

    def __post_init__(self) -> None:
        if len(self.raters) < 2 or self.values.shape != (len(self.subjects), len(self.raters)):
            raise InputError(
                f"A value of each subject by each of two raters or more is wanted, {len(self.subjects)} subjects, "
                f"{len(self.raters)} raters and {self.values.shape} values came."
            )
        for kind, names in (("subject", self.subjects), ("rater", self.raters)):
            twice = [name for n, name in enumerate(names) if name in names[:n]]
            if twice:
                raise DuplicateStemError(f"Each {kind} is wanted once, '{twice[0]}' came twice.")

    def of(self, rater: str) -> Numbers:
        """The (n,) ratings of one rater."""
        return self.values[:, self.raters.index(rater)]


def read_ratings(path: Path) -> Ratings:
    """Read a wide table: a first row of titles, a first column of subjects, and a column per rater.

    Args:
        path: File, tab-separated (``.tsv``) or comma-separated (``.csv``). Empty cells and ``n/a`` are missing ratings.

    Raises:
        InputError: It is no such table, or holds what is no number.
        DuplicateStemError: A subject or a rater comes twice.
    """
    rows = read_rows(path)
    if len(rows) < 2 or len(rows[0]) < 3:
        columns = len(rows[0]) if rows else 0
        raise InputError(
            "A table with titles, a first column of subjects and two columns of ratings or more is wanted, "
            f"{path} has {len(rows)} rows and {columns} columns."
        )
    titles, *subjects = rows
    if {"structure", "quantity"} <= set(titles):
        raise InputError(f"A table of ratings is wanted, {path} holds measures of one scan: give two folders of them.")
    uneven = next((row for row in subjects if len(row) != len(titles)), None)
    if uneven is not None:
        raise InputError(f"{len(titles)} columns are wanted in every row of {path}, '{uneven[0]}' has {len(uneven)}.")
    values = [
        [number(cell, where=f"{path}, {row[0]}, {rater}") for cell, rater in zip(row[1:], titles[1:], strict=True)]
        for row in subjects
    ]
    return Ratings(tuple(row[0] for row in subjects), tuple(titles[1:]), np.array(values, dtype=np.float64))
