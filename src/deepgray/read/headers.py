"""What an image header must say before its voxels are looked at.

NIfTI can place its voxels twice, by a quaternion (qform) and by a matrix (sform), and repeats the voxel size in a third
field (pixdim). Readers differ in which one they believe, so a file in which they contradict each other is refused.
"""

from __future__ import annotations

from typing import IO, Any

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError

from deepgray.errors import GeometryError, IntensityError, NotAnImageError, ShapeError
from deepgray.space import Affine, Grid, check_affine, corner_distance_mm, spacing_mm

# Thicker voxels hold no outline of a nucleus of a few millimetres.
MAX_SPACING_MM = 5.0
# A float32 quaternion near half a turn misplaces a corner at 200 mm by up to 0.15 mm; twice the wanted accuracy is not.
FORM_TOLERANCE_MM = 0.5
# pixdim is often rounded to two or three digits.
SPACING_TOLERANCE = 0.01
# Headers store spacing as float32, so 5 mm may come as 5.0000005.
_ROUNDING_MM = 1e-4

_NIFTI1_BYTES, _NIFTI2_BYTES = 348, 540
_MAGIC = {_NIFTI1_BYTES: b"n+1\x00", _NIFTI2_BYTES: b"n+2\x00"}
_MGH_VERSION = (1).to_bytes(4, "big")
_MGH_FLAG = slice(28, 30)
_NOT_MILLIMETRES = {1: "metres", 3: "micrometres"}

# nibabel's header classes share no typed base.
Header = Any


def nifti_header(start: bytes) -> Header:
    """The header at the start of a NIfTI file as it stands there, nothing mended.

    Args:
        start: First 540 bytes of the file, unpacked; fewer where the file is shorter.

    Raises:
        NotAnImageError: Neither NIfTI-1 nor NIfTI-2 in one file.
    """
    sizes = {int.from_bytes(start[:4], "little"), int.from_bytes(start[:4], "big")}
    if _NIFTI1_BYTES in sizes and start[344:348] == _MAGIC[_NIFTI1_BYTES]:
        return nib.Nifti1Header(start[:_NIFTI1_BYTES], check=False)  # type: ignore[no-untyped-call]
    if _NIFTI2_BYTES in sizes and start[4:8] == _MAGIC[_NIFTI2_BYTES] and len(start) >= _NIFTI2_BYTES:
        return nib.Nifti2Header(start[:_NIFTI2_BYTES], check=False)  # type: ignore[no-untyped-call]
    raise NotAnImageError("a NIfTI image is wanted, its header is missing or damaged.")


def mgh_header(stream: IO[bytes]) -> Header:
    """The header at the start of an unpacked MGH file.

    Args:
        stream: The file from its beginning.

    Raises:
        NotAnImageError: Not MGH.
        GeometryError: No orientation.
    """
    start = stream.read(_MGH_FLAG.stop)
    if len(start) < _MGH_FLAG.stop or start[:4] != _MGH_VERSION:
        raise NotAnImageError("an MGH image is wanted, its header is missing or damaged.")
    if not any(start[_MGH_FLAG]):  # nibabel would fill in an orientation of its own
        raise GeometryError("a header that says where left and right are is wanted, this one holds no orientation.")
    stream.seek(0)
    return nib.freesurfer.mghformat.MGHHeader.from_fileobj(stream)  # type: ignore[no-untyped-call]


def volume_shape(shape: tuple[int, ...], *, series: bool = False) -> tuple[int, int, int]:
    """The three axes of an image that holds one volume; trailing axes of length one are dropped.

    Args:
        shape: All axes.
        series: Let several volumes pass.

    Raises:
        ShapeError: Two-dimensional, a damaged axis, or several volumes.
    """
    if any(n < 1 for n in shape):
        raise ShapeError(f"a volume with voxels along every axis is wanted, the shape {_times(shape)} came.")
    if len(shape) < 3 or min(shape[:3]) < 2:
        raise ShapeError(f"a three-dimensional volume is wanted, an image of {_times(shape)} voxels came.")
    volumes = int(np.prod(shape[3:]))
    if volumes != 1 and not series:
        raise ShapeError(f"one volume is wanted, {volumes} volumes came ({_times(shape)}).")
    return int(shape[0]), int(shape[1]), int(shape[2])


def check_number_type(dtype: np.dtype[Any]) -> None:
    """Refuse voxels that are not one real number each.

    Raises:
        IntensityError: Colour or complex voxels.
    """
    if dtype.fields is not None:
        raise IntensityError("one number per voxel is wanted, colour voxels (RGB) came.")
    if dtype.kind not in "iuf":
        kind = "complex numbers" if dtype.kind == "c" else str(dtype)
        raise IntensityError(f"one real number per voxel is wanted, {kind} came.")


def nifti_affine(header: Header, shape: tuple[int, int, int]) -> Affine:
    """The one affine on which all fields of a NIfTI header agree.

    Args:
        header: Header as it stands in the file.
        shape: Voxels along the three axes.

    Returns:
        4 × 4 float64, voxel index to RAS mm.

    Raises:
        GeometryError: No orientation, a spacing that is not positive, an affine that places nothing, fields that
            contradict each other, or voxels over ``MAX_SPACING_MM``.
    """
    pixdim = np.asarray(header["pixdim"][1:4], dtype=np.float64)
    _check_spacing(pixdim, int(header["xyzt_units"]) & 7)
    sform, qform = _sform(header), _qform(header)
    if sform is None and qform is None:
        raise GeometryError("a header that says where left and right are is wanted, qform and sform codes are both 0.")
    if sform is not None and qform is not None:
        apart = corner_distance_mm(Grid(shape, sform), Grid(shape, qform))
        if apart > FORM_TOLERANCE_MM:
            raise GeometryError(f"one orientation is wanted, qform and sform place the corners {apart:.1f} mm apart.")
    affine = np.asarray(qform if sform is None else sform)
    _check_agreement(pixdim, affine)
    check_voxel_size(affine)
    return affine


def mgh_affine(header: Header) -> Affine:
    """The affine of an MGH header.

    Raises:
        GeometryError: A spacing that is not positive, an affine that places nothing, or voxels over ``MAX_SPACING_MM``.
    """
    _check_spacing(np.asarray(header["delta"], dtype=np.float64), units=0)
    affine = np.asarray(header.get_affine(), dtype=np.float64)
    _check_places("the affine", affine)
    check_voxel_size(affine)
    return affine


def check_voxel_size(affine_ras: Affine) -> None:
    """Refuse voxels that are too large to outline a nucleus.

    Raises:
        GeometryError: A spacing over ``MAX_SPACING_MM``.
    """
    spacing = spacing_mm(affine_ras)
    if spacing.max() > MAX_SPACING_MM + _ROUNDING_MM:
        raise GeometryError(f"voxels up to {MAX_SPACING_MM:g} mm are wanted, {_millimetres(spacing)} came.")


def _check_spacing(spacing: np.ndarray[Any, np.dtype[np.float64]], units: int) -> None:
    if not np.isfinite(spacing).all() or spacing.min() <= 0:
        raise GeometryError(f"a spacing above 0 mm along every axis is wanted, {_millimetres(spacing)} came.")
    if units in _NOT_MILLIMETRES:
        raise GeometryError(f"a spacing in millimetres is wanted, the header says {_NOT_MILLIMETRES[units]}.")


def _sform(header: Header) -> Affine | None:
    if int(header["sform_code"]) <= 0:
        return None
    affine = np.asarray(header.get_sform(), dtype=np.float64)
    _check_places("the sform", affine)
    return affine


def _qform(header: Header) -> Affine | None:
    if int(header["qform_code"]) <= 0:
        return None
    if float(header["pixdim"][0]) == 0:  # the standard reads a handedness of 0 as 1
        header["pixdim"][0] = 1.0
    try:
        affine = np.asarray(header.get_qform(), dtype=np.float64)
    except (ValueError, HeaderDataError) as error:
        raise GeometryError(f"a qform that is a rotation is wanted, this one is damaged ({error}).") from error
    _check_places("the qform", affine)
    return affine


def _check_places(name: str, affine: Affine) -> None:
    if np.isfinite(affine).all() and not affine[:3, :3].any():
        raise GeometryError(f"an affine that places the voxels is wanted, {name} is all zeros.")
    try:
        check_affine(affine)
    except GeometryError as error:
        raise GeometryError(f"{name}: {error}") from error


def _check_agreement(pixdim: np.ndarray[Any, np.dtype[np.float64]], affine: Affine) -> None:
    spacing = spacing_mm(affine)
    if (np.abs(pixdim - spacing) > SPACING_TOLERANCE * spacing).any():
        raise GeometryError(
            f"one spacing is wanted, pixdim says {_millimetres(pixdim)} and the affine {_millimetres(spacing)}."
        )


def _millimetres(spacing: np.ndarray[Any, np.dtype[np.float64]]) -> str:
    return " × ".join(f"{s:.4g}" for s in spacing) + " mm"


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(str(int(n)) for n in shape)
