"""NIfTI and MGZ files become a scan, a label map, or integers on a grid."""

from __future__ import annotations

import gzip
import hashlib
import math
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from deepgray.anatomy import Scheme
from deepgray.errors import MaskError, NotAnImageError, SettingsError, ShapeError
from deepgray.read.headers import check_number_type, mgh_affine, mgh_header, nifti_affine, nifti_header, volume_shape
from deepgray.read.names import check_file, named, stem_of, suffix_of
from deepgray.read.nrrd import SUFFIX, read_nrrd
from deepgray.read.spect import check_spect
from deepgray.read.susceptibility import in_ppm, masked
from deepgray.recipe import REFERENCES
from deepgray.result import NO_REFERENCE, WHOLE_BRAIN, Reference
from deepgray.scan import IntegerVolume, LabelMap, Scan
from deepgray.space import Affine, Grid

MODALITIES: tuple[str, ...] = ("mr", "pet", "qsm", "spect")
# Those that may come as a series of frames.
TRACERS: tuple[str, ...] = ("pet", "spect")

_GZIP_MAGIC = b"\x1f\x8b"
_HEADER_BYTES = 540
_CHUNK_BYTES = 1 << 20
# Deflate packs 1032 bytes into one at best: a header that promises more than that is damaged, whatever the memory.
_MOST_PACKED = 1032
_DAMAGED = (EOFError, zlib.error, HeaderDataError, ValueError, OSError)


@dataclass(frozen=True, eq=False)
class _Raw:
    """Voxels as they are stored, with what turns them into intensities."""

    voxels: NDArray[Any]
    slope: float
    intercept: float
    affine_ras: Affine
    changes: tuple[str, ...] = ()

    @property
    def is_scaled(self) -> bool:
        return self.slope != 1.0 or self.intercept != 0.0


@dataclass(frozen=True)
class _Frame:
    """Which volume of a series is wanted, from 1; None where the file holds one."""

    number: int | None

    def index(self, volumes: int) -> int:
        """Which it is, from 0."""
        if self.number is None and volumes > 1:
            raise ShapeError(
                f"one volume is wanted, {volumes} frames came: say which with --frame, from 1 to {volumes}; "
                "or give their sum."
            )
        if self.number is not None and not 1 <= self.number <= volumes:
            raise ShapeError(f"a frame from 1 to {volumes} is wanted, {self.number} came.")
        return (self.number or 1) - 1


def read(
    path: Path | str,
    *,
    modality: str = "mr",
    unit: str | None = None,
    mask: Path | str | None = None,
    frame: int | None = None,
) -> Scan:
    """The scan in a NIfTI or MGZ file.

    Args:
        path: A file named ``.nii``, ``.nii.gz`` or ``.mgz`` with one volume; trailing axes of length one are dropped.
        modality: ``mr``, ``qsm``, ``spect`` or ``pet``.
        unit: Of a susceptibility map: ``ppm`` or ``ppb``; None takes ppm, and refuses what does not look like it.
        mask: For a susceptibility map: file of a brain mask, outside which the map is set to zero.
        frame: Of a tracer scan with several volumes: which one, from 1.

    Returns:
        Float32 intensities with the header's slope and intercept applied, in the file's own voxel order; a
        susceptibility map is in ppm.

    Raises:
        NotAnImageError: Missing, a folder, empty, truncated, damaged, or not an image.
        ShapeError: Two-dimensional, or several volumes.
        GeometryError: No orientation, two orientations, or a spacing that is not positive, contradictory or over 5 mm.
        IntensityError: Colour or complex, constant, NaN or infinite voxels; of a susceptibility map also: no outside,
            no negative values, or values that look like another unit or another image; of a SPECT also: no counts,
            or an image that looks like an MR or a CT.
        MaskError: The mask is empty or on another grid.
        SettingsError: The modality or the unit is not known, or a unit, a mask or a frame is given for another one.
    """
    _check_settings(modality, {"unit": unit, "mask": mask, "frame": frame})
    path = Path(path)
    brain = None if mask is None else read_mask(mask)
    with named(path):
        raw = _load(path, frame=_Frame(frame) if modality in TRACERS else None)
        voxels, sha256 = _intensities(raw), _sha256(path)
        if modality == "spect":
            check_spect(voxels, raw.affine_ras)
        if modality != "qsm":
            return Scan(voxels, raw.affine_ras, stem_of(path), modality, sha256=sha256, changes=raw.changes)
        changes: tuple[str, ...] = ()
        if brain is not None and mask is not None:
            voxels = masked(voxels, Grid(raw.voxels.shape, raw.affine_ras), brain)
            changes = (f"It was set to zero outside the mask {Path(mask).name} (SHA-256 {_sha256(Path(mask))}).",)
        ppm = in_ppm(voxels, unit=unit)
        return Scan(
            ppm.voxels, raw.affine_ras, stem_of(path), modality, "ppm", sha256=sha256, changes=changes + ppm.changes
        )


def _check_settings(modality: str, given: Mapping[str, object]) -> None:
    """Refuse a modality that is not known, and settings that belong to another one."""
    if modality not in MODALITIES:
        raise SettingsError(f"A modality is wanted, one of {', '.join(MODALITIES)}; '{modality}' came.")
    if modality != "qsm" and (given["unit"] is not None or given["mask"] is not None):
        raise SettingsError(f"A unit and a mask belong to the modality 'qsm', '{modality}' came.")
    if modality not in TRACERS and given["frame"] is not None:
        raise SettingsError(f"A frame belongs to the modalities {' and '.join(TRACERS)}, '{modality}' came.")


def read_reference(what: Path | str) -> Reference:
    """What susceptibilities or binding are told relative to.

    Args:
        what: ``none``, ``whole-brain``, a located region (one of ``recipe.REFERENCES``), or a file as for
            ``read_mask`` that is not 0 in the reference region.

    Raises:
        InputError: The file is no mask.
        MaskError: The mask is empty.
    """
    known = {r.name: r for r in (NO_REFERENCE, WHOLE_BRAIN, *map(Reference, REFERENCES))}
    if str(what) in known:
        return known[str(what)]
    path = Path(what)
    region = read_mask(path)
    if not region.voxels.any():
        raise MaskError(f"{path.name}: a reference region with labelled voxels is wanted, an empty one came.")
    return Reference(path.name, region, _sha256(path))


def read_mask(path: Path | str) -> IntegerVolume:
    """The integers in a NIfTI, MGZ or NRRD file: a corrected mask, or labels of any kind.

    Args:
        path: A file as for ``read``, or an NRRD file; stored floats are taken when every one of them is whole.

    Returns:
        Integers, not negative, in the file's own voxel order; may be all zero.

    Raises:
        NotAnImageError: As for ``read``.
        ShapeError: As for ``read``.
        GeometryError: As for ``read``.
        MaskError: Fractions, NaN, infinite or negative numbers.
    """
    path = Path(path)
    with named(path):
        if path.suffix.lower() == SUFFIX:
            return read_nrrd(path)
        raw = _load(path)
        return IntegerVolume(_integers(raw), raw.affine_ras)


def read_labels(path: Path | str, scheme: Scheme) -> LabelMap:
    """The label map in a NIfTI or MGZ file.

    Args:
        path: A file as for ``read_mask``.
        scheme: What the labels mean; every label in the file must be in it.

    Returns:
        The label map in the file's own voxel order; may be all zero.

    Raises:
        NotAnImageError: As for ``read``.
        ShapeError: As for ``read``.
        GeometryError: As for ``read``.
        MaskError: Not whole numbers, or labels that the scheme does not hold.
    """
    volume = read_mask(path)
    known = {0, *scheme.by_label()}
    unknown = [str(label) for label in _labels_in(volume.voxels) if label not in known]
    if unknown:
        raise MaskError(
            f"{Path(path).name}: labels of the scheme '{scheme.name}' are wanted"
            f" ({', '.join(map(str, sorted(known - {0})))}), {', '.join(unknown)} came besides."
        )
    return LabelMap(volume.voxels, volume.affine_ras, scheme)


def _load(path: Path, frame: _Frame | None = None) -> _Raw:
    check_file(path)
    most_bytes = path.stat().st_size * _MOST_PACKED
    load = _load_mgz if suffix_of(path) == ".mgz" else _load_nifti
    with _unpacked(path) as stream:
        try:
            raw = load(stream, most_bytes, frame)
            while stream.read(_CHUNK_BYTES):  # a gzip file proves itself whole only at its end
                pass
        except _DAMAGED as error:
            reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
            raise NotAnImageError(
                f"a whole image file is wanted, this one is cut off or damaged ({reason})."
            ) from error
    return raw


@contextmanager
def _unpacked(path: Path) -> Iterator[IO[bytes]]:
    """The file's bytes, unpacked if they are gzip whatever the name says."""
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP_MAGIC
        file.seek(0)
        if not packed:
            if suffix_of(path) == ".nii.gz":
                raise NotAnImageError("a gzip file is wanted, its content is not gzip.")
            yield file
            return
        with gzip.open(file, "rb") as unpacked:
            yield unpacked  # type: ignore[misc]


def _load_nifti(stream: IO[bytes], most_bytes: int, frame: _Frame | None) -> _Raw:
    header = nifti_header(stream.read(_HEADER_BYTES))
    full = tuple(int(n) for n in header.get_data_shape())
    shape = volume_shape(full, series=frame is not None)
    dtype = header.get_data_dtype()
    check_number_type(dtype)
    affine = nifti_affine(header, shape)
    slope, intercept = _scaling(float(header["scl_slope"]), float(header["scl_inter"]))
    before, changes = _frame_of(full, frame)
    stream.seek(int(header["vox_offset"]) + before * dtype.itemsize)
    return _Raw(_stored_voxels(stream, shape, dtype, most_bytes=most_bytes), slope, intercept, affine, changes)


def _load_mgz(stream: IO[bytes], most_bytes: int, frame: _Frame | None) -> _Raw:
    header = mgh_header(stream)
    full = tuple(int(n) for n in header.get_data_shape())
    shape = volume_shape(full, series=frame is not None)
    dtype = header.get_data_dtype()
    check_number_type(dtype)
    affine = mgh_affine(header)
    before, changes = _frame_of(full, frame)
    stream.seek(header.get_data_offset() + before * dtype.itemsize)
    return _Raw(_stored_voxels(stream, shape, dtype, most_bytes=most_bytes), 1.0, 0.0, affine, changes)


def _frame_of(shape: tuple[int, ...], frame: _Frame | None) -> tuple[int, tuple[str, ...]]:
    """How many voxels are stored before the frame that is wanted, and what is told of it."""
    volumes = math.prod(shape[3:])
    if frame is None:
        return 0, ()
    index = frame.index(volumes)
    return index * math.prod(shape[:3]), (f"Frame {index + 1} of {volumes} was read.",) if volumes > 1 else ()


def _stored_voxels(
    stream: IO[bytes], shape: tuple[int, int, int], dtype: np.dtype[Any], *, most_bytes: int
) -> NDArray[Any]:
    wanted = math.prod(shape) * dtype.itemsize
    if wanted > most_bytes:
        raise EOFError(f"{wanted} bytes of voxels are promised, the file is too short for them")
    buffer = bytearray(wanted)
    view, filled = memoryview(buffer), 0
    while filled < wanted:
        came = stream.readinto(view[filled:])  # type: ignore[attr-defined]
        if not came:
            raise EOFError(f"{wanted} bytes of voxels are promised, {filled} came")
        filled += came
    return np.frombuffer(buffer, dtype=dtype).reshape(shape, order="F")


def _scaling(slope: float, intercept: float) -> tuple[float, float]:
    """Slope and intercept of a NIfTI header; a slope of 0 or NaN means none, as the standard says."""
    if slope == 0 or not np.isfinite(slope):
        return 1.0, 0.0
    return slope, intercept if np.isfinite(intercept) else 0.0


def _intensities(raw: _Raw) -> NDArray[np.float32]:
    """Stored numbers as float32, plane by plane in float64 where they are scaled, with one copy at most."""
    if raw.voxels.dtype == np.float32 and not raw.is_scaled:  # equal only in this machine's own byte order
        return raw.voxels
    voxels: NDArray[np.float32] = np.empty(raw.voxels.shape, dtype=np.float32, order="F")
    with np.errstate(over="ignore", invalid="ignore"):  # what leaves float32 becomes infinite, and Scan refuses it
        for plane in range(voxels.shape[2]):
            stored = raw.voxels[:, :, plane]
            voxels[:, :, plane] = stored * raw.slope + raw.intercept if raw.is_scaled else stored
    return voxels


def _integers(raw: _Raw) -> NDArray[np.integer]:
    whole = raw.voxels
    if whole.dtype.kind not in "iu" or raw.is_scaled:
        values = _whole_numbers(whole * raw.slope + raw.intercept if raw.is_scaled else whole)
    else:
        values = whole
    low, high = int(values.min()), int(values.max())
    if low < 0:
        raise MaskError(f"labels of 0 and above are wanted, {low} came.")
    smallest = np.min_scalar_type(high)
    return values.astype(smallest, copy=False)


def _whole_numbers(values: NDArray[Any]) -> NDArray[np.int64]:
    if not np.isfinite(values).all():
        raise MaskError("whole numbers are wanted, NaN or infinite voxels came.")
    whole = np.rint(values)
    if not np.array_equal(whole, values):
        fraction = float(values[whole != values].ravel()[0])
        raise MaskError(f"whole numbers are wanted, fractions such as {fraction:.4g} came.")
    return np.asarray(whole, dtype=np.int64)


def _labels_in(voxels: NDArray[np.integer]) -> list[int]:
    return [int(label) for label in np.unique(voxels[voxels != 0])]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
