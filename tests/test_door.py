"""``import deepgray`` is quick, and its names mean what they say whatever was imported before."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

import deepgray
from deepgray.scan import Scan


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("before", ["deepgray.read", "deepgray.pipeline", "deepgray.report"])
def test_its_names_are_functions_whatever_was_imported_before(before: str) -> None:
    names = "[deepgray.accept, deepgray.analyse, deepgray.from_file, deepgray.read, deepgray.write]"
    assert run(f"import {before}, deepgray; print({{type(name).__name__ for name in {names}}})") == "{'function'}\n"


def test_what_is_slow_is_not_imported_with_the_package() -> None:
    slow = {"scipy.ndimage", "PIL", "matplotlib", "onnxruntime", "openvino", "torch", "rich", "cyclopts", "jinja2"}
    assert run(f"import sys, deepgray; print({slow!r} & set(sys.modules))") == "set()\n"


def test_the_version_is_that_of_the_installed_package() -> None:
    assert deepgray.__version__ == version("deepgray")


# Whatever asks for one of these says so: they belong to extras.
EXTRAS = ("scipy", "matplotlib", "torch", "dipy", "starlette", "uvicorn", "onnx", "monai", "openvino")
WITHOUT_EXTRAS = f"import sys; sys.modules.update(dict.fromkeys({EXTRAS!r})); from deepgray.cli import main; "


def test_a_scan_is_measured_and_a_correction_taken_with_the_base_install(
    drawing_task: Path, head_scan: Scan, tmp_path: Path
) -> None:
    nib.save(nib.Nifti1Image(head_scan.voxels, head_scan.affine_ras), tmp_path / "sub-01.nii.gz")
    words = ["run", str(tmp_path / "sub-01.nii.gz"), "-o", str(tmp_path / "out"), "--task", str(drawing_task)]
    assert run(f"{WITHOUT_EXTRAS}main({[*words, '--subdivide', 'rule']!r})").startswith("sub-01\tdone")
    mask = next((tmp_path / "out").glob("*/*_desc-drawing_dseg.nii.gz"))
    edited = nib.load(mask)
    voxels = np.asarray(edited.dataobj).copy()
    voxels[tuple(np.argwhere(voxels == 11)[0])] = 0
    nib.save(nib.Nifti1Image(voxels, edited.affine, edited.header), tmp_path / "sub-01_edited.nii.gz")
    words = ["review", str(tmp_path / "out"), "--import", str(tmp_path / "sub-01_edited.nii.gz"), "--reviewer", "A. B."]
    assert "corrected" in run(f"{WITHOUT_EXTRAS}main({words!r})")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["evaluate", "one.nii.gz", "one.nii.gz"], "pip install 'deepgray[evaluate]'"),
        (["simulate", "mr", "one.nii.gz", "-o", "out"], "pip install 'deepgray[train]'"),
        (["train", "striatum-outline", "-o", "out"], "pip install 'deepgray[train]'"),
        (["protocol", "a", "heads", "-o", "out"], "pip install 'deepgray[train]'"),
    ],
)
def test_what_wants_an_extra_names_it(tmp_path: Path, words: list[str], sentence: str) -> None:
    labels = np.zeros((9, 9, 9), np.uint8)
    labels[3:6, 3:6, 3:6] = 11
    nib.save(nib.Nifti1Image(labels, np.eye(4)), tmp_path / "one.nii.gz")
    code = f"import os; os.chdir({str(tmp_path)!r}); {WITHOUT_EXTRAS}sys.exit(main({words!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode in (1, 2)
    assert sentence in done.stderr


def test_an_unknown_name_is_refused_like_everywhere() -> None:
    with pytest.raises(AttributeError, match="module 'deepgray' has no attribute 'nothing'"):
        deepgray.nothing  # noqa: B018
