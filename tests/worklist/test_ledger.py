"""Decisions are added, never changed, and a late one is told."""

from __future__ import annotations

import math
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from deepgray.anatomy import scheme
from deepgray.errors import ConflictError, OutputError
from deepgray.scan import LabelMap
from deepgray.worklist import Request, Review, Worklist, append, labels_sha256, packed, reviews, unpacked
from deepgray.worklist.store import FILE_NAME

A = Review("A. Reader", "2030-01-02T03:04:05+00:00", "corrected", 61.5, 12, 3, "aa", "bb", b"mask")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Worklist(tmp_path) as works:
        works.enqueue([Request("s", "striatum")])
    return tmp_path


def test_decisions_are_numbered_and_come_back_as_they_were(folder: Path) -> None:
    assert reviews(folder, "s", "striatum") == ()
    assert append(folder, "s", "striatum", review=A, seen=0) == 1
    imported = Review("B", "later", "corrected", math.nan, 0, 1, "bb", "cc", b"m", "mask.nii.gz")
    assert append(folder, "s", "striatum", review=imported, seen=1) == 2
    first, second = reviews(folder, "s", "striatum")
    assert first == Review(**{**vars(A), "revision": 1})
    assert math.isnan(second.seconds)
    assert (second.source, second.revision) == ("mask.nii.gz", 2)


def test_a_decision_on_what_somebody_changed_is_refused_and_says_who(folder: Path) -> None:
    append(folder, "s", "striatum", review=A, seen=0)
    with pytest.raises(ConflictError, match=r"on revision 0 came: A\. Reader corrected 's' at 2030-01-02"):
        append(folder, "s", "striatum", review=A, seen=0)
    with pytest.raises(ConflictError, match="it has no 'other'"):
        append(folder, "other", "striatum", review=A, seen=0)
    assert len(reviews(folder, "s", "striatum")) == 1


def test_decisions_cannot_be_changed_or_deleted(folder: Path) -> None:
    append(folder, "s", "striatum", review=A, seen=0)
    database = sqlite3.connect(folder / FILE_NAME)
    for statement in ("UPDATE review SET reviewer = 'x'", "DELETE FROM review"):
        with pytest.raises(sqlite3.IntegrityError, match="decisions are never"):
            database.execute(statement)
    database.close()


def test_labels_are_packed_and_come_back_in_their_type() -> None:
    voxels = np.zeros((20, 30, 25), dtype=np.int16)
    voxels[3, 4, 5], voxels[10, 20, 24] = 11, 58
    like = LabelMap(np.zeros_like(voxels), np.eye(4), scheme("striatum"))
    back = unpacked(packed(voxels), like)
    np.testing.assert_array_equal(back, voxels)
    assert back.dtype == np.int16
    assert len(packed(voxels)) < 200
    assert not unpacked(packed(np.zeros_like(voxels)), like).any()
    with pytest.raises(OutputError, match=r"of shape \(5, 5, 5\) is wanted"):
        unpacked(packed(voxels), LabelMap(np.zeros((5, 5, 5), np.int16), np.eye(4), scheme("striatum")))
    with pytest.raises(OutputError, match="damaged"):
        unpacked(b"no", like)


def test_a_checksum_does_not_depend_on_type_or_order() -> None:
    voxels = np.arange(24).reshape(2, 3, 4)
    assert labels_sha256(voxels.astype(np.uint8)) == labels_sha256(np.asfortranarray(voxels.astype(np.int64)))
    assert labels_sha256(voxels) != labels_sha256(voxels[::-1])
