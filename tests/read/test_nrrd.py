"""Label maps in NRRD files: what is read, and what is refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from deepgray.errors import GeometryError, InputError, IntensityError, MaskError, NotAnImageError, ShapeError
from deepgray.read import read_mask

LABELS = np.arange(2 * 3 * 4, dtype="<i2").reshape(2, 3, 4)
FIELDS = {
    "type": "short",
    "dimension": "3",
    "space": "left-posterior-superior",
    "sizes": "2 3 4",
    "space directions": "(0,1.5,0) (0,0,-1) (2,0,0)",
    "endian": "little",
    "encoding": "gzip",
    "space origin": "(-10,-20,30)",
}


def save(folder: Path, *, body: bytes | None = None, **changes: str | None) -> Path:
    fields = {**FIELDS, **{name.replace("_", " "): value for name, value in changes.items()}}
    header = ["NRRD0004", "# made for a test", *(f"{n}: {v}" for n, v in fields.items() if v is not None)]
    plain = LABELS.tobytes(order="F")
    stored = body if body is not None else (gzip.compress(plain) if fields["encoding"] == "gzip" else plain)
    path = folder / "atlas.nrrd"
    path.write_bytes("\n".join(header).encode() + b"\n\n" + stored)
    return path


@pytest.mark.parametrize("encoding", ["gzip", "raw"])
def test_labels_and_world_are_those_of_the_file(tmp_path: Path, encoding: str) -> None:
    found = read_mask(save(tmp_path, encoding=encoding))
    np.testing.assert_array_equal(found.voxels, LABELS)
    # voxel (1, 0, 0): LPS (-10, -20 + 1.5, 30) is RAS (10, 18.5, 30)
    np.testing.assert_allclose((found.affine_ras @ (1, 0, 0, 1))[:3], (10, 18.5, 30))
    # voxel (0, 1, 2): LPS (-10 + 4, -20, 29) is RAS (6, 20, 29)
    np.testing.assert_allclose((found.affine_ras @ (0, 1, 2, 1))[:3], (6, 20, 29))


def test_the_other_space_is_taken_as_it_is(tmp_path: Path) -> None:
    found = read_mask(save(tmp_path, space="right-anterior-superior"))
    np.testing.assert_allclose((found.affine_ras @ (1, 0, 0, 1))[:3], (-10, -18.5, 30))


def test_big_endian_numbers_are_read(tmp_path: Path) -> None:
    body = gzip.compress(LABELS.astype(">i2").tobytes(order="F"))
    np.testing.assert_array_equal(read_mask(save(tmp_path, endian="big", body=body)).voxels, LABELS)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"type": "float"}, IntensityError, "whole numbers of up to 32 bits are wanted, 'float' came"),
        ({"encoding": "bzip2"}, NotAnImageError, "the encoding 'bzip2' came"),
        ({"data_file": "atlas.raw.gz"}, NotAnImageError, "an attached volume"),
        ({"dimension": "4", "sizes": "2 3 4 5"}, ShapeError, "sizes '2 3 4 5' came"),
        ({"sizes": "2 3 x"}, ShapeError, "sizes '2 3 x' came"),
        ({"space": None}, GeometryError, "'' came"),
        ({"space_origin": None}, GeometryError, "three space directions and an origin"),
        ({"space_directions": "none (0,1,0) (0,0,1)"}, GeometryError, "three space directions"),
        ({"sizes": "9 9 9"}, NotAnImageError, "1458 bytes are promised, 48 came"),
        ({"body": b"not gzip"}, NotAnImageError, "cut off or damaged"),
    ],
)
def test_refuses_what_it_cannot_place(
    tmp_path: Path, changes: dict[str, str], error: type[InputError], words: str
) -> None:
    with pytest.raises(error, match=r"^atlas\.nrrd: ") as refusal:
        read_mask(save(tmp_path, **changes))
    assert words in str(refusal.value)


def test_refuses_negative_labels(tmp_path: Path) -> None:
    with pytest.raises(MaskError, match="labels of 0 and above are wanted, -24 came"):
        read_mask(save(tmp_path, body=gzip.compress((LABELS - 24).tobytes(order="F"))))


@pytest.mark.parametrize("content", [b"", b"NIFTI", b"NRRD0004\ntype: short"])
def test_refuses_what_is_no_nrrd(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "atlas.nrrd"
    path.write_bytes(content)
    with pytest.raises(NotAnImageError):
        read_mask(path)


def test_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotAnImageError, match="there is none at"):
        read_mask(tmp_path / "none.nrrd")
