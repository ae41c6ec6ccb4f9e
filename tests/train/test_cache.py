"""Kept arrays are whole or not there, and their names follow the code that makes them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from deepgray.train.cache import fingerprint, save_arrays


def test_arrays_come_back_and_nothing_else_lies_beside_them(tmp_path: Path) -> None:
    path = tmp_path / "new" / "kept.npz"
    save_arrays(path, {"chi": np.array([0.5, 1.5], np.float32), "names": np.array(["a", "b"])})
    with np.load(path) as stored:
        assert stored["chi"].dtype == np.float32
        np.testing.assert_array_equal(stored["chi"], [0.5, 1.5])
        assert stored["names"].tolist() == ["a", "b"]
    assert [p.name for p in path.parent.iterdir()] == ["kept.npz"]


def test_what_cannot_be_written_leaves_an_earlier_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "kept.npz"
    save_arrays(path, {"chi": np.zeros(2)})
    with pytest.raises(ValueError, match="allow_pickle"):
        save_arrays(path, {"chi": np.array([object()])})
    with np.load(path) as stored:
        np.testing.assert_array_equal(stored["chi"], [0, 0])
    assert [p.name for p in tmp_path.iterdir()] == ["kept.npz"]


def module_of(folder: Path, name: str, text: str) -> ModuleType:
    path = folder / f"{name}.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_fingerprint_follows_numbers_and_not_comments(tmp_path: Path) -> None:
    first = module_of(tmp_path, "first", "GROWTH = 0.11\n")
    told = module_of(tmp_path, "told", "# As far as people differ.\nGROWTH = (\n    0.11\n)\n")
    other = module_of(tmp_path, "other", "GROWTH = 0.12\n")
    assert fingerprint(first) == fingerprint(told)
    assert fingerprint(first) != fingerprint(other)
    assert fingerprint(first, other) != fingerprint(first)
    assert len(fingerprint(first)) == 12
