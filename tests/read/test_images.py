"""Files become scans: intensities, places, and every refusal with its sentence."""

import gzip
import hashlib
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from deepgray.anatomy import scheme
from deepgray.errors import GeometryError, IntensityError, MaskError, NotAnImageError, SettingsError, ShapeError
from deepgray.read import read, read_labels, read_mask
from deepgray.space import apply_affine

# x runs to the person's left, slices are 2.5 mm thick and turned by 30° about x: oblique, anisotropic, flipped.
COS, SIN = np.cos(np.radians(30)), np.sin(np.radians(30))
OBLIQUE = np.array([
    [-0.8, 0.0, 0.0, 61.0],
    [0.0, 1.2 * COS, -2.5 * SIN, -40.0],
    [0.0, 1.2 * SIN, 2.5 * COS, -22.0],
    [0.0, 0.0, 0.0, 1.0],
])  # fmt: skip
SHAPE = (6, 7, 8)


def voxels(dtype: str = "int16") -> np.ndarray:
    return np.arange(np.prod(SHAPE)).reshape(SHAPE).astype(dtype)


def save(path: Path, data: np.ndarray, affine: np.ndarray = OBLIQUE, **fields: object) -> Path:
    """A NIfTI file whose qform and sform agree, unless a header field is set otherwise."""
    image = nib.Nifti1Image(data, affine)
    image.set_qform(affine, 1)
    image.set_sform(affine, 1)
    nib.save(image, path)
    if fields:
        change(path, **fields)
    return path


def change(path: Path, **fields: object) -> None:
    """Write header fields of an uncompressed file as they are, without nibabel mending them."""
    content = bytearray(path.read_bytes())
    header = nib.Nifti1Header(bytes(content[:348]), check=False)
    for name, value in fields.items():
        header[name] = value
    content[:348] = header.binaryblock
    path.write_bytes(content)


def test_a_known_voxel_lies_at_its_world_coordinate(tmp_path: Path) -> None:
    scan = read(save(tmp_path / "a.nii.gz", voxels()))
    # Index (1, 2, 4): x = 61 - 0.8, y = -40 + 2.4 cos 30 - 10 sin 30, z = -22 + 2.4 sin 30 + 10 cos 30.
    assert np.allclose(apply_affine(scan.affine_ras, np.array([1, 2, 4])), [60.2, -42.9215, -12.1397], atol=1e-3)
    assert scan.voxels[1, 2, 4] == 1 * 56 + 2 * 8 + 4
    assert scan.voxels.dtype == np.float32
    assert (scan.stem, scan.modality, scan.unit) == ("a", "mr", "arbitrary")


def test_the_checksum_is_that_of_the_file(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii.gz", voxels())
    assert read(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "A.NII.GZ"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "float64", ">i2", ">f4"])
def test_every_number_type_gives_the_same_intensities(tmp_path: Path, name: str, dtype: str) -> None:
    data = (voxels("int32") % 251).astype(dtype)
    header = nib.Nifti1Header(endianness=">" if dtype.startswith(">") else "<")
    header.set_data_dtype(np.dtype(dtype))
    nib.save(nib.Nifti1Image(data, OBLIQUE, header), tmp_path / name)
    assert np.array_equal(read(tmp_path / name).voxels, data.astype(np.float32))


def test_a_big_endian_header_is_read(tmp_path: Path) -> None:
    header = nib.Nifti1Header(endianness=">")
    nib.save(nib.Nifti1Image(voxels(), OBLIQUE, header), tmp_path / "a.nii")
    assert (tmp_path / "a.nii").read_bytes()[:4] == (348).to_bytes(4, "big")
    assert np.array_equal(read(tmp_path / "a.nii").voxels, voxels("float32"))


def test_slope_and_intercept_are_applied_without_a_cast_to_integers(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii", voxels(), scl_slope=0.001, scl_inter=-0.05)
    assert read(path).voxels[0, 0, 3] == np.float32(3 * np.float64(np.float32(0.001)) + np.float64(np.float32(-0.05)))
    assert read(path).voxels.min() == pytest.approx(-0.05)


def test_a_slope_of_zero_means_no_scaling(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii", voxels(), scl_slope=0.0, scl_inter=7.0)
    assert read(path).voxels.min() == 0


def test_small_float_values_survive(tmp_path: Path) -> None:
    scan = read(save(tmp_path / "a.nii.gz", voxels("float64") * 0.12 / 335))
    assert scan.voxels.max() == np.float32(0.12)


@pytest.mark.parametrize("shape", [(*SHAPE, 1), (*SHAPE, 1, 1)])
def test_trailing_axes_of_one_are_dropped(tmp_path: Path, shape: tuple[int, ...]) -> None:
    scan = read(save(tmp_path / "a.nii.gz", voxels().reshape(shape)))
    assert np.array_equal(scan.voxels, voxels("float32"))


def test_nifti_2_and_mgz_give_the_same_scan(tmp_path: Path) -> None:
    nib.save(nib.Nifti2Image(voxels(), OBLIQUE), tmp_path / "two.nii.gz")
    nib.save(nib.MGHImage(voxels(), OBLIQUE), tmp_path / "free.mgz")
    for name in ("two.nii.gz", "free.mgz"):
        scan = read(tmp_path / name)
        assert np.array_equal(scan.voxels, voxels("float32"))
        assert np.allclose(scan.affine_ras, OBLIQUE, atol=1e-4)


def test_a_packed_file_named_nii_is_read(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii.gz", voxels()).rename(tmp_path / "b.nii")
    assert read(path).voxels.shape == SHAPE


def test_only_the_qform_or_only_the_sform_is_enough(tmp_path: Path) -> None:
    for name, fields in (("q", {"sform_code": 0}), ("s", {"qform_code": 0})):
        scan = read(save(tmp_path / f"{name}.nii", voxels(), **fields))
        assert np.allclose(scan.affine_ras, OBLIQUE, atol=1e-4)


def test_a_sheared_sform_is_read(tmp_path: Path) -> None:
    sheared = OBLIQUE.copy()
    sheared[0, 2] = 0.4
    image = nib.Nifti1Image(voxels(), sheared)
    image.set_qform(None, 0)
    nib.save(image, tmp_path / "a.nii.gz")
    assert np.allclose(read(tmp_path / "a.nii.gz").affine_ras, sheared, atol=1e-5)


def refused(path: Path, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        read(path)
    assert type(caught.value) is error
    assert str(caught.value) == f"{path.name}: {message}"


def test_refuses_what_is_no_file(tmp_path: Path) -> None:
    refused(tmp_path / "a.nii", NotAnImageError, f"an image file is wanted, there is none at {tmp_path / 'a.nii'}.")
    refused(tmp_path, NotAnImageError, "an image file is wanted, a folder came.")
    (tmp_path / "empty.nii.gz").touch()
    refused(tmp_path / "empty.nii.gz", NotAnImageError, "an image file is wanted, an empty file came.")


def test_refuses_what_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    refused(
        tmp_path / "a.txt", NotAnImageError, "a file named .nii, .nii.gz or .mgz is wanted, another kind of name came."
    )
    (tmp_path / "a.nii").write_bytes(b"hello" * 200)
    refused(tmp_path / "a.nii", NotAnImageError, "a NIfTI image is wanted, its header is missing or damaged.")
    (tmp_path / "a.nii.gz").write_bytes(b"hello" * 200)
    refused(tmp_path / "a.nii.gz", NotAnImageError, "a gzip file is wanted, its content is not gzip.")
    (tmp_path / "a.mgz").write_bytes(gzip.compress(b"hello" * 200))
    refused(tmp_path / "a.mgz", NotAnImageError, "an MGH image is wanted, its header is missing or damaged.")
    (tmp_path / "short.nii").write_bytes(b"\x5c\x01\x00\x00short")
    refused(tmp_path / "short.nii", NotAnImageError, "a NIfTI image is wanted, its header is missing or damaged.")


@pytest.mark.parametrize("kept", [20, 200, 600, -8, -1])
def test_refuses_a_truncated_gzip(tmp_path: Path, kept: int) -> None:
    noise = np.random.default_rng(0).integers(0, 999, SHAPE).astype("int16")
    path = save(tmp_path / "a.nii.gz", noise)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(NotAnImageError, match=r"^a\.nii\.gz: a whole image file is wanted, this one is cut off"):
        read(path)


@pytest.mark.parametrize("name", ["a.nii", "a.mgz"])
def test_refuses_a_file_that_is_short_of_voxels(tmp_path: Path, name: str) -> None:
    image = nib.MGHImage(voxels(), OBLIQUE) if name == "a.mgz" else nib.Nifti1Image(voxels(), OBLIQUE)
    content = image.to_bytes()[:700]
    (tmp_path / name).write_bytes(gzip.compress(content) if name == "a.mgz" else content)
    came = 700 - (284 if name == "a.mgz" else 352)
    refused(
        tmp_path / name,
        NotAnImageError,
        "a whole image file is wanted, this one is cut off or damaged"
        f" (672 bytes of voxels are promised, {came} came).",
    )


def test_refuses_a_damaged_gzip(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii.gz", voxels())
    content = bytearray(path.read_bytes())
    content[-6] ^= 0xFF  # the checksum at the end
    path.write_bytes(content)
    with pytest.raises(NotAnImageError, match="cut off or damaged"):
        read(path)


def test_refuses_a_header_that_promises_more_than_memory_holds(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii", voxels(), dim=[3, 30000, 30000, 30000, 1, 1, 1, 1])
    with pytest.raises(NotAnImageError, match="the file is too short for them"):
        read(path)


def test_refuses_two_dimensions(tmp_path: Path) -> None:
    flat = save(tmp_path / "flat.nii", voxels()[:, :, 0])
    refused(flat, ShapeError, "a three-dimensional volume is wanted, an image of 6 × 7 voxels came.")
    slice_ = save(tmp_path / "slice.nii", voxels()[:, :, :1])
    refused(slice_, ShapeError, "a three-dimensional volume is wanted, an image of 6 × 7 × 1 voxels came.")


def test_refuses_several_volumes(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii.gz", np.stack([voxels()] * 5, axis=-1))
    refused(path, ShapeError, "one volume is wanted, 5 volumes came (6 × 7 × 8 × 5).")


def test_refuses_colour_and_complex_voxels(tmp_path: Path) -> None:
    colour = np.zeros(SHAPE, dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    refused(
        save(tmp_path / "rgb.nii", colour), IntensityError, "one number per voxel is wanted, colour voxels (RGB) came."
    )
    refused(
        save(tmp_path / "c.nii", voxels("complex64")),
        IntensityError,
        "one real number per voxel is wanted, complex numbers came.",
    )


def test_refuses_an_affine_that_places_nothing(tmp_path: Path) -> None:
    zero = {"srow_x": 0.0, "srow_y": 0.0, "srow_z": 0.0}
    path = save(tmp_path / "zero.nii", voxels(), **zero)
    refused(path, GeometryError, "an affine that places the voxels is wanted, the sform is all zeros.")
    path = save(tmp_path / "nan.nii", voxels(), srow_x=np.nan)
    refused(path, GeometryError, "the sform: A finite affine is wanted, one with NaN or infinite numbers came.")


def test_refuses_no_orientation(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii", voxels(), qform_code=0, sform_code=0)
    refused(
        path,
        GeometryError,
        "a header that says where left and right are is wanted, qform and sform codes are both 0.",
    )
    image = nib.MGHImage(voxels(), OBLIQUE)
    content = bytearray(image.to_bytes())
    content[28:30] = b"\x00\x00"  # goodRASFlag
    (tmp_path / "a.mgz").write_bytes(gzip.compress(bytes(content)))
    refused(
        tmp_path / "a.mgz",
        GeometryError,
        "a header that says where left and right are is wanted, this one holds no orientation.",
    )


def test_refuses_qform_and_sform_that_disagree_and_says_by_how_much(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii", voxels(), qoffset_x=61.0 + 3.2)
    refused(path, GeometryError, "one orientation is wanted, qform and sform place the corners 3.2 mm apart.")
    flipped = save(tmp_path / "b.nii", voxels(), srow_x=[0.8, 0.0, 0.0, 61.0])
    # Opposite x directions: the outer corner, index 5.5, is 2 · 5.5 · 0.8 mm off.
    refused(flipped, GeometryError, "one orientation is wanted, qform and sform place the corners 8.8 mm apart.")


def test_takes_qform_and_sform_that_differ_by_rounding(tmp_path: Path) -> None:
    assert read(save(tmp_path / "a.nii", voxels(), qoffset_x=61.1)).affine_ras[0, 3] == pytest.approx(61.0)


def test_refuses_a_damaged_quaternion(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii", voxels(), quatern_b=3.0)
    with pytest.raises(GeometryError, match="a qform that is a rotation is wanted"):
        read(path)


@pytest.mark.parametrize(("spacing", "said"), [(-1.2, "-1.2"), (0.0, "0"), (np.nan, "nan")])
def test_refuses_a_spacing_that_is_not_positive(tmp_path: Path, spacing: float, said: str) -> None:
    path = save(tmp_path / "a.nii", voxels(), pixdim=[1, 0.8, spacing, 2.5, 1, 1, 1, 1])
    refused(path, GeometryError, f"a spacing above 0 mm along every axis is wanted, 0.8 × {said} × 2.5 mm came.")


def test_refuses_spacings_that_contradict(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii", voxels(), pixdim=[1, 1.0, 1.2, 2.5, 1, 1, 1, 1], qform_code=0)
    refused(
        path, GeometryError, "one spacing is wanted, pixdim says 1 × 1.2 × 2.5 mm and the affine 0.8 × 1.2 × 2.5 mm."
    )


def test_refuses_other_units_than_millimetres(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii", voxels(), xyzt_units=3)
    refused(path, GeometryError, "a spacing in millimetres is wanted, the header says micrometres.")


def test_refuses_voxels_over_five_millimetres(tmp_path: Path) -> None:
    assert read(save(tmp_path / "five.nii", voxels(), np.diag([1.0, 1.0, 5.0, 1.0]))).grid.spacing_mm[2] == 5.0
    path = save(tmp_path / "a.nii", voxels(), np.diag([1.0, 1.0, 5.1, 1.0]))
    refused(path, GeometryError, "voxels up to 5 mm are wanted, 1 × 1 × 5.1 mm came.")
    nib.save(nib.MGHImage(voxels(), np.diag([1.0, 1.0, 6.0, 1.0])), tmp_path / "a.mgz")
    refused(tmp_path / "a.mgz", GeometryError, "voxels up to 5 mm are wanted, 1 × 1 × 6 mm came.")


def test_refuses_voxels_that_are_no_picture(tmp_path: Path) -> None:
    refused(save(tmp_path / "zero.nii", voxels() * 0), IntensityError, "a picture is wanted, every voxel is 0.")
    refused(save(tmp_path / "one.nii", voxels() * 0 + 41), IntensityError, "a picture is wanted, every voxel is 41.")
    for value in (np.nan, np.inf, 1e300):  # the last leaves float32
        bad = voxels("float64")
        bad[1, 1, 1:3] = value
        path = save(tmp_path / "bad.nii", bad)
        refused(path, IntensityError, "finite voxels are wanted, 2 voxels are NaN or infinite.")


def test_refuses_an_unknown_modality(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="one of mr, pet, qsm, spect; 'ct' came"):
        read(save(tmp_path / "a.nii", voxels()), modality="ct")


def test_a_mask_keeps_its_integers_in_the_smallest_type(tmp_path: Path) -> None:
    mask = read_mask(save(tmp_path / "a.nii.gz", voxels("float32")))
    assert mask.voxels.dtype == np.uint16
    assert np.array_equal(mask.voxels, voxels())
    assert np.allclose(mask.affine_ras, OBLIQUE, atol=1e-4)
    assert read_mask(save(tmp_path / "empty.nii.gz", voxels() * 0)).voxels.max() == 0


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0.25, "whole numbers are wanted, fractions such as 0.25 came."),
        (np.nan, "whole numbers are wanted, NaN or infinite voxels came."),
        (-3.0, "labels of 0 and above are wanted, -3 came."),
    ],
)
def test_refuses_masks_that_are_no_labels(tmp_path: Path, value: float, message: str) -> None:
    data = voxels("float32")
    data[2, 2, 2] = value
    with pytest.raises(MaskError) as caught:
        read_mask(save(tmp_path / "m.nii.gz", data))
    assert str(caught.value) == f"m.nii.gz: {message}"


def test_labels_are_those_of_the_scheme(tmp_path: Path) -> None:
    data = np.zeros(SHAPE, dtype=np.int32)
    data[0, 0, 0], data[5, 0, 0] = 301, 302
    labels = read_labels(save(tmp_path / "a.nii.gz", data), scheme("dentate2"))
    left, right = labels.scheme.structures
    assert labels.mask(left).sum() == labels.mask(right).sum() == 1
    # Index 0 of x is at +61 mm and x runs to the left: in this fake the left nucleus is put on the person's right.
    assert apply_affine(labels.affine_ras, np.argwhere(labels.mask(left)))[0, 0] == pytest.approx(61.0)


def test_refuses_unknown_labels_and_lists_them(tmp_path: Path) -> None:
    data = np.zeros(SHAPE, dtype=np.int16)
    data[0, 0, :4] = 301, 7, 305, 7
    with pytest.raises(MaskError) as caught:
        read_labels(save(tmp_path / "a.nii.gz", data), scheme("dentate2"))
    assert str(caught.value) == "a.nii.gz: labels of the scheme 'dentate2' are wanted (301, 302), 7, 305 came besides."
