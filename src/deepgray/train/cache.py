"""What is made once and kept: arrays in whole files, under names that change with the code that makes them."""

from __future__ import annotations

import ast
import hashlib
import inspect
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays to a file that is there only when it is whole; several processes may write the same one.

    Args:
        path: File to write, ``.npz``; its folder is made where it is missing.
        arrays: By name, of numbers or texts.

    Raises:
        OSError: The file cannot be written.
    """
    with _moved_to(path) as partial:
        np.savez_compressed(partial, allow_pickle=False, **arrays)


def save_text(path: Path, text: str) -> None:
    """Write a text file as ``save_arrays`` does: whole, or not at all.

    Args:
        path: File to write; its folder is made where it is missing.
        text: What it says.

    Raises:
        OSError: The file cannot be written.
    """
    with _moved_to(path) as partial:
        partial.write_text(text, encoding="utf-8")


@contextmanager
def _moved_to(path: Path) -> Iterator[Path]:
    """A name of one's own beside a file, with its ending; what is written there takes the file's place at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".partial-{secrets.token_hex(4)}{path.suffix}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def fingerprint(*modules: ModuleType) -> str:
    """Twelve letters that change with the code of modules, and not with its comments or its layout.

    A file that is named after it is made anew when what makes it changes; nobody has to think of raising a number.

    Args:
        modules: Written in Python.
    """
    trees = "".join(ast.dump(ast.parse(inspect.getsource(module))) for module in modules)
    return hashlib.sha256(trees.encode()).hexdigest()[:12]
