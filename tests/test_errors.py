from __future__ import annotations

import inspect

from deepgray import errors


def drawn_tree() -> dict[str, str]:
    """Class to parent, read from the tree in the docstring: four columns of drawing for each level."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        name_at = len(line) - len(line.lstrip(" │├└─"))
        name = line[name_at:].split(" ")[0]
        if not name.endswith("Error"):
            continue
        level = (name_at - 4) // 4
        path = [*path[:level], name]
        parents[name] = path[-2] if level else "Exception"
    return parents


def test_the_drawn_tree_is_the_tree_of_classes() -> None:
    classes = {
        name: value.__bases__[0].__name__
        for name, value in vars(errors).items()
        if inspect.isclass(value) and value.__module__ == errors.__name__
    }
    assert drawn_tree() == classes
    assert classes["DeepgrayError"] == "Exception"
    assert classes["GeometryError"] == "InputError"


def test_every_error_says_what_it_is_for() -> None:
    assert all(vars(errors)[name].__doc__ for name in drawn_tree())
