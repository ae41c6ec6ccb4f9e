"""Label maps in NRRD files, as 3D Slicer and its atlases store them: one attached volume of integers, raw or gzip.

The format: http://teem.sourceforge.net/nrrd/format.html
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepgray.errors import GeometryError, IntensityError, MaskError, NotAnImageError, ShapeError
from deepgray.scan import IntegerVolume
from deepgray.space import Affine, lps_from_ras

SUFFIX = ".nrrd"
_MAGIC = b"NRRD000"
# The format has many names for one type.
_TYPES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
}
_NUMPY_OF = {name: code for code, names in _TYPES.items() for name in names}
_LPS = ("left-posterior-superior", "lps")
_RAS = ("right-anterior-superior", "ras")
_ORDERS = {"little": "<", "big": ">"}


def read_nrrd(path: Path) -> IntegerVolume:
    """The integers in an NRRD file.

    Args:
        path: A file with one attached three-dimensional volume.

    Returns:
        Integers, not negative, in the file's own voxel order.

    Raises:
        NotAnImageError: No NRRD file, another encoding, detached, cut off or damaged.
        ShapeError: Not three-dimensional.
        GeometryError: No orientation in left-posterior-superior or right-anterior-superior.
        IntensityError: Not whole numbers.
        MaskError: Negative numbers.
    """
    if not path.is_file() or path.stat().st_size == 0:
        raise NotAnImageError(f"an NRRD file is wanted, there is none at {path}.")
    whole = path.read_bytes()
    end = whole.find(b"\n\n")
    if not whole.startswith(_MAGIC) or end < 0:
        raise NotAnImageError("an NRRD file with an attached volume is wanted, its header is missing or damaged.")
    fields = _fields(whole[:end].decode("utf-8", errors="replace"))
    shape = _shape(fields)
    voxels = _voxels(whole[end + 2 :], fields, shape)
    if int(voxels.min()) < 0:
        raise MaskError(f"labels of 0 and above are wanted, {int(voxels.min())} came.")
    return IntegerVolume(voxels, _affine(fields))


def _fields(header: str) -> dict[str, str]:
    lines = [line.partition(": ") for line in header.splitlines()[1:] if not line.startswith("#")]
    return {name.strip().lower(): value.strip() for name, colon, value in lines if colon}


def _shape(fields: dict[str, str]) -> tuple[int, int, int]:
    sizes = fields.get("sizes", "").split()
    if fields.get("dimension") != "3" or len(sizes) != 3 or not all(s.isdigit() for s in sizes):
        raise ShapeError(f"one three-dimensional volume is wanted, sizes '{fields.get('sizes', '')}' came.")
    return int(sizes[0]), int(sizes[1]), int(sizes[2])


def _voxels(stored: bytes, fields: dict[str, str], shape: tuple[int, int, int]) -> NDArray[np.integer]:
    kind = _NUMPY_OF.get(fields.get("type", "").lower())
    if kind is None:
        raise IntensityError(f"whole numbers of up to 32 bits are wanted, '{fields.get('type', '')}' came.")
    encoding = fields.get("encoding", "").lower()
    if encoding not in {"raw", "gzip", "gz"} or "data file" in fields:
        raise NotAnImageError(f"an attached volume, raw or gzip, is wanted; the encoding '{encoding}' came.")
    order = _ORDERS.get(fields.get("endian", "little").lower(), "<")
    dtype = np.dtype(f"{order}{kind}")
    wanted = math.prod(shape) * dtype.itemsize
    try:
        plain = stored if encoding == "raw" else gzip.decompress(stored)
    except (EOFError, zlib.error, OSError) as error:
        raise NotAnImageError(f"a whole image file is wanted, this one is cut off or damaged ({error}).") from error
    if len(plain) < wanted:
        raise NotAnImageError(f"a whole image file is wanted, {wanted} bytes are promised, {len(plain)} came.")
    voxels = np.frombuffer(plain, dtype, count=math.prod(shape)).reshape(shape, order="F")
    return np.asarray(voxels, dtype=dtype.newbyteorder("="))


def _affine(fields: dict[str, str]) -> Affine:
    space = fields.get("space", "").lower()
    if space not in {*_LPS, *_RAS}:
        raise GeometryError(f"the space left-posterior-superior or right-anterior-superior is wanted, '{space}' came.")
    try:
        directions = [_vector(word) for word in fields["space directions"].split()]
        affine = np.eye(4)
        affine[:3, :3] = np.array(directions).T
        affine[:3, 3] = _vector(fields["space origin"])
    except (KeyError, ValueError) as error:
        raise GeometryError(f"three space directions and an origin are wanted, others came ({error}).") from error
    return lps_from_ras(affine) if space in _LPS else affine  # the crossing is its own way back


def _vector(word: str) -> list[float]:
    numbers = [float(part) for part in word.strip("()").split(",")]
    if len(numbers) != 3:
        raise ValueError(f"'{word}'")
    return numbers
