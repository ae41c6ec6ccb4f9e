"""What output files are called after, and how a failing disk is told."""

from pathlib import Path

import pytest

from deepgray.errors import NotAnImageError
from deepgray.read import stem_of
from deepgray.read.names import named


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("sub-01_T1w.nii.gz", "sub-01_T1w"),
        ("folder/brain.v2.nii", "brain.v2"),
        ("T1.MGZ", "T1"),
        ("notes.txt", "notes.txt"),
    ],
)
def test_stem(name: str, stem: str) -> None:
    assert stem_of(name) == stem
    assert stem_of(Path(name)) == stem


def test_a_disk_that_fails_is_told_in_one_sentence() -> None:
    with (
        pytest.raises(
            NotAnImageError, match=r"^a\.nii: a readable file is wanted, reading failed: Permission denied\.$"
        ),
        named(Path("a.nii")),
    ):
        raise PermissionError(13, "Permission denied")
