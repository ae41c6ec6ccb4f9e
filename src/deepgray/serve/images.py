"""What the page is shown, and what it sends back, as NIfTI files in memory; and small pictures."""

from __future__ import annotations

import io
import struct
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deepgray.anatomy import Scheme
from deepgray.errors import MaskError
from deepgray.space import Grid
from deepgray.voxels.filters import eroded

_SCANNER = 1
_HEADER_BYTES = 352
# A page that sends the header back which it was given changes nothing but rounding of float32.
_AFFINE_TOLERANCE_MM = 1e-3


def nifti(voxels: NDArray[Any], grid: Grid) -> bytes:
    """An uncompressed NIfTI file.

    Args:
        voxels: (x, y, z) uint8 or float32.
        grid: Where they lie.
    """
    header: Any = nib.Nifti1Header()  # type: ignore[no-untyped-call]
    header.set_data_dtype(voxels.dtype)
    image = nib.Nifti1Image(np.asarray(voxels), grid.affine_ras, header)  # type: ignore[no-untyped-call]
    image.set_sform(grid.affine_ras, code=_SCANNER)  # type: ignore[no-untyped-call]
    image.set_qform(grid.affine_ras, code=0)  # type: ignore[no-untyped-call]
    image.header.set_xyzt_units("mm")  # type: ignore[no-untyped-call]
    return bytes(image.to_bytes())


def indices(voxels: NDArray[np.integer], scheme: Scheme) -> NDArray[np.uint8]:
    """Labels as the numbers that the page draws with: 1 for the first structure of the scheme, and so on.

    Args:
        voxels: Labels of the scheme; others become 0.
        scheme: Its structures.
    """
    drawn = np.zeros(voxels.shape, dtype=np.uint8)
    for number, structure in enumerate(scheme.structures, start=1):
        drawn[voxels == structure.label] = number
    return drawn


def labels_of(drawn: NDArray[np.uint8], scheme: Scheme, dtype: np.dtype[Any]) -> NDArray[np.integer]:
    """The labels that the page's numbers stand for.

    Args:
        drawn: As ``indices`` gives it.
        scheme: Its structures.
        dtype: Integer type of the labels.
    """
    table = np.array([0, *(s.label for s in scheme.structures)], dtype=dtype)
    return np.asarray(table[drawn])


def drawn_in(file: bytes, grid: Grid, scheme: Scheme) -> NDArray[np.uint8]:
    """The drawing in a file that a page sent.

    Args:
        file: An uncompressed NIfTI file of unsigned bytes.
        grid: Grid of the window that the page was shown.
        scheme: Structures that it may draw.

    Returns:
        (x, y, z) numbers as ``indices`` gives them.

    Raises:
        MaskError: No such file; another shape, place, number type or label; cut off.
    """
    header = _header(file)
    shape = tuple(int(n) for n in header.get_data_shape())
    if shape != grid.shape:
        raise MaskError(f"A drawing of {_times(grid.shape)} voxels is wanted, one of {_times(shape)} came.")
    if header.get_data_dtype() != np.uint8:
        raise MaskError(f"A drawing of unsigned bytes is wanted, {header.get_data_dtype()} came.")
    slope, intercept = header["scl_slope"], header["scl_inter"]
    if (np.isfinite(slope) and slope not in (0, 1)) or (np.isfinite(intercept) and intercept != 0):
        raise MaskError("A drawing whose numbers are not scaled is wanted, a scaled one came.")
    affine = header.get_best_affine()
    if not np.allclose(affine, grid.affine_ras, atol=_AFFINE_TOLERANCE_MM, rtol=0):
        raise MaskError("A drawing in the place of the window is wanted, one that lies elsewhere came.")
    start, wanted = int(header["vox_offset"]), int(np.prod(shape))
    if start < _HEADER_BYTES or len(file) != start + wanted:
        raise MaskError(f"A drawing of {start + wanted} bytes is wanted, {len(file)} came.")
    drawn = np.frombuffer(file, dtype=np.uint8, offset=start).reshape(grid.shape, order="F")
    if int(drawn.max()) > len(scheme.structures):
        raise MaskError(f"Labels 0 to {len(scheme.structures)} are wanted, {int(drawn.max())} came.")
    return drawn


def _header(file: bytes) -> Any:  # noqa: ANN401 - nibabel's headers are untyped
    try:
        if len(file) < _HEADER_BYTES or struct.unpack("<i", file[:4])[0] != _HEADER_BYTES - 4:
            raise ValueError("it does not begin like one")
        header: Any = nib.Nifti1Header.from_fileobj(io.BytesIO(file))  # type: ignore[no-untyped-call]
    except (nib.spatialimages.HeaderDataError, ValueError, struct.error) as error:
        raise MaskError(f"A NIfTI file is wanted, another file came ({error}).") from error
    return header


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(str(n) for n in shape)


def thumbnail(image: NDArray[np.float32], drawn: NDArray[np.uint8], scheme: Scheme, *, level: int) -> bytes:
    """A small axial picture with the outline, front up, the person's right on the left.

    Args:
        image: (x, y, z) intensities of the window.
        drawn: Its drawing.
        scheme: Gives the colours.
        level: Which slice.

    Returns:
        A PNG file.
    """
    low, high = np.percentile(image, [1, 99.5])
    grey = np.clip((image[:, :, level] - low) / max(float(high - low), 1e-6), 0, 1)
    picture = np.repeat(grey[..., None], 3, axis=2)
    for number, structure in enumerate(scheme.structures, start=1):
        mask = drawn[:, :, level] == number
        picture[mask & ~eroded(mask)] = np.array(structure.colour) / 255
    out = io.BytesIO()
    shades = np.rint(255 * np.clip(picture[::-1, ::-1].transpose(1, 0, 2), 0, 1)).astype(np.uint8)
    Image.fromarray(np.ascontiguousarray(shades)).save(out, format="png")
    return out.getvalue()
