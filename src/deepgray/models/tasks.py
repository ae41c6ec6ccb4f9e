"""What deepgray can do: the task files that ship, and those of a user."""

from __future__ import annotations

import tomllib
from pathlib import Path

from deepgray.errors import SettingsError
from deepgray.models.catalogue import FOLDER
from deepgray.recipe import Task, task_from_mapping

_TASKS = FOLDER / "tasks"


def task_names() -> tuple[str, ...]:
    """Names of the tasks that ship, sorted."""
    return tuple(sorted(p.stem for p in _TASKS.glob("*.toml")))


def task(name: str) -> Task:
    """A task by its name, or by the path of a task file.

    Network names in a user's file that end in ``.onnx`` are paths, seen from the file's own folder.

    Args:
        name: One of ``task_names()``, or a path that ends in ``.toml``.

    Raises:
        SettingsError: No task has this name, or its file is not understood.
    """
    if name.endswith(".toml"):
        return _task_from_file(Path(name))
    if name not in task_names():
        wanted = ", ".join(task_names())
        raise SettingsError(f"A task is wanted, one of {wanted}, or the path of a .toml file; '{name}' came.")
    return _task_from_file(_TASKS / f"{name}.toml")


def _task_from_file(path: Path) -> Task:
    try:
        values: dict[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"A readable task file is wanted, {path} is not: {error}.") from error
    for key in ("locate_model", "also_model", "outline_model", "deep_model", "subdivide_model"):
        value = values.get(key)
        if isinstance(value, str) and value.endswith(".onnx"):
            values[key] = str(path.parent / value)
    return task_from_mapping(values, str(path))
