"""The rules of the house that no linter knows (CONTRIBUTING.md): sizes, names, prints, what is public."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

import deepgray

REPOSITORY = Path(__file__).resolve().parents[1]
SOURCES = sorted((REPOSITORY / "src" / "deepgray").rglob("*.py"))
SCRIPTS = sorted(path for folder in ("benchmarks", "docs") for path in (REPOSITORY / folder).glob("*.py"))
HOMELESS = {"utils", "util", "helpers", "helper", "common", "misc"}
LONGEST_FILE, LONGEST_BODY, MOST_PUBLIC_NAMES = 400, 40, 25


def identity(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the first statement after the docstring to the last."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("path", SOURCES, ids=identity)
def test_a_file_and_its_functions_fit(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_FILE
    functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    too_long = {f.name: body_lines(f) for f in functions if body_lines(f) > LONGEST_BODY}
    assert not too_long


def test_every_file_has_a_name_that_says_something() -> None:
    paths = [path.relative_to(REPOSITORY) for path in (*SOURCES, *(REPOSITORY / "tests").rglob("*.py"))]
    assert not [path for path in paths if HOMELESS & set(path.with_suffix("").parts)]


def test_only_the_doors_print_and_exit() -> None:
    stations = [
        path for path in SOURCES if path.relative_to(REPOSITORY).parts[2] not in {"cli", "serve", "__main__.py"}
    ]
    calls = {
        identity(path): re.findall(r"\b(?:print|sys\.exit)\(", path.read_text(encoding="utf-8")) for path in stations
    }
    assert not {path: found for path, found in calls.items() if found}


def test_the_public_names_are_few_sorted_and_true() -> None:
    names = list(deepgray.__all__)
    assert names == sorted(names)
    assert len(names) <= MOST_PUBLIC_NAMES
    assert all(hasattr(deepgray, name) for name in names)
    assert set(names) <= set(dir(deepgray))


@pytest.mark.parametrize("path", SCRIPTS, ids=identity)
def test_what_a_script_takes_from_the_package_is_there(path: Path) -> None:
    """Nothing runs the scripts between one measurement and the next."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("deepgray"):
            module = pytest.importorskip(str(node.module), exc_type=ImportError)
            missing = [a.name for a in node.names if not hasattr(module, a.name) and not _is_module(module, a.name)]
            assert not missing, f"{node.module} has no {missing}"


def _is_module(package: ModuleType, name: str) -> bool:
    return importlib.util.find_spec(f"{package.__name__}.{name}") is not None
