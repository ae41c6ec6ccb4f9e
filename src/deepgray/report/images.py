"""NIfTI files on the scan's own grid, written volume by volume so that no four-dimensional array is ever held."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from deepgray.scan import LabelMap, Probabilities, Scan
from deepgray.space import GRID_TOLERANCE_VOXELS, Grid, corner_distance_mm
from deepgray.voxels.uncertainty import voxel_entropy

# Maps are mostly background: a higher level takes five times as long for a few kilobytes.
_GZIP_LEVEL = 1
_SCANNER_CODE = 1
_HEADER_END = b"\x00\x00\x00\x00"  # no extensions follow
_LABEL_TYPES: tuple[Any, ...] = (np.uint8, np.int16, np.int32)


def write_labels(path: Path, labels: LabelMap) -> None:
    """A label map in the smallest of uint8, int16 and int32 that holds its scheme's labels.

    Args:
        path: File to write, ``.nii.gz``.
        labels: What to write.

    Raises:
        OSError: The file cannot be written.
    """
    highest = max(*labels.scheme.by_label(), int(labels.voxels.max()))
    dtype = next(t for t in _LABEL_TYPES if highest <= np.iinfo(t).max)
    header = _header(labels.grid, np.dtype(dtype), 1)
    header.set_intent("label", name=labels.scheme.name[:15])
    _write(path, header, [labels.voxels.astype(dtype, order="F")])


def write_scan(path: Path, scan: Scan) -> None:
    """A scan's voxels as float32.

    Args:
        path: File to write, ``.nii.gz``.
        scan: What to write.

    Raises:
        OSError: The file cannot be written.
    """
    _write(path, _header(scan.grid, np.dtype(np.float32), 1), [np.asfortranarray(scan.voxels)])


def write_entropy(path: Path, probabilities: Probabilities) -> None:
    """Voxel entropy in bits, float32, 0 outside the block of the probabilities.

    Args:
        path: File to write, ``.nii.gz``.
        probabilities: Whose entropy.

    Raises:
        OSError: The file cannot be written.
    """
    header = _header(probabilities.grid, np.dtype(np.float32), 1)
    header["cal_max"] = float(np.log2(len(probabilities.structures) + 1))
    volume = np.zeros(probabilities.grid.shape, dtype=np.float32, order="F")
    volume[probabilities.block] = voxel_entropy(probabilities)
    _write(path, header, [volume])


def write_probabilities(path: Path, probabilities: Probabilities) -> None:
    """Probabilities with one volume per structure, in the order of the structures.

    NIfTI has no 16-bit float type, so the numbers are rounded to float16 precision and stored as float32; the
    zeros that rounding leaves behind pack well.

    Args:
        path: File to write, ``.nii.gz``.
        probabilities: What to write.

    Raises:
        OSError: The file cannot be written.
    """
    header = _header(probabilities.grid, np.dtype(np.float32), len(probabilities.structures))
    header["cal_max"] = 1.0
    _write(path, header, _full_volumes(probabilities))


def _full_volumes(probabilities: Probabilities) -> Iterator[NDArray[np.float32]]:
    volume = np.zeros(probabilities.grid.shape, dtype=np.float32, order="F")
    for channel in probabilities.voxels:
        volume[probabilities.block] = channel.astype(np.float16)
        yield volume


def _header(grid: Grid, dtype: np.dtype[Any], volumes: int) -> Any:  # noqa: ANN401 - nibabel's headers are untyped
    """A NIfTI-1 header that places the volume once: sform always, qform where a rotation can say the same."""
    affine = np.asarray(grid.affine_ras, dtype=np.float64)
    header: Any = nib.Nifti1Header()  # type: ignore[no-untyped-call]
    header.set_data_shape(grid.shape if volumes == 1 else (*grid.shape, volumes))
    header.set_data_dtype(dtype)
    header.set_xyzt_units("mm")
    header.set_qform(affine, code=_SCANNER_CODE, strip_shears=True)
    header.set_sform(affine, code=_SCANNER_CODE)
    header["pixdim"][1:4] = grid.spacing_mm
    header["descrip"] = b"deepgray"
    header["scl_slope"], header["scl_inter"] = 1.0, 0.0
    header["vox_offset"] = header.single_vox_offset
    header["magic"] = header.single_magic
    written = Grid(grid.shape, header.get_qform())
    if corner_distance_mm(written, grid) > GRID_TOLERANCE_VOXELS * grid.spacing_mm.min():
        header["qform_code"] = 0  # a sheared affine: the quaternion would contradict the matrix
    return header


def _write(path: Path, header: Any, volumes: Iterable[NDArray[Any]]) -> None:  # noqa: ANN401
    # Without a time stamp the same result gives the same bytes.
    with path.open("wb") as file, gzip.GzipFile("", "wb", _GZIP_LEVEL, file, mtime=0) as packed:
        packed.write(header.binaryblock)
        packed.write(_HEADER_END)
        for volume in volumes:
            packed.write(np.ascontiguousarray(volume.T).data)  # NIfTI runs along x first
