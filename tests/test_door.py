"""``import deepgray`` is quick, and its names mean what they say whatever was imported before."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

import deepgray


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


def test_an_unknown_name_is_refused_like_everywhere() -> None:
    with pytest.raises(AttributeError, match="module 'deepgray' has no attribute 'nothing'"):
        deepgray.nothing  # noqa: B018
