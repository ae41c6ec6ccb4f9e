"""deepgray measures deep gray matter: one scan goes in, the nuclei come out on the scan's own grid.

>>> import deepgray
>>> result = deepgray.analyse(deepgray.read("sub-01_T1w.nii.gz"))  # doctest: +SKIP
>>> deepgray.write(result, "results")  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

# At once, unlike the others: the room has the same name, and importing it later would put the room in its place.
from deepgray.read import read, read_reference

if TYPE_CHECKING:
    from deepgray.pipeline import analyse, analyse_head, find_head, from_file
    from deepgray.report import write
    from deepgray.result import Examination
    from deepgray.review import accept

    __version__: str

__all__ = [
    "Examination",
    "__version__",
    "accept",
    "analyse",
    "analyse_head",
    "find_head",
    "from_file",
    "read",
    "read_reference",
    "write",
]

# Imported when they are first used, so that `import deepgray` stays quick.
_ROOMS = {
    "Examination": "deepgray.result",
    "accept": "deepgray.review",
    "analyse": "deepgray.pipeline",
    "analyse_head": "deepgray.pipeline",
    "find_head": "deepgray.pipeline",
    "from_file": "deepgray.pipeline",
    "write": "deepgray.report",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        return import_module("importlib.metadata").version("deepgray")
    if name in _ROOMS:
        return vars(import_module(_ROOMS[name]))[name]
    raise AttributeError(f"module 'deepgray' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
