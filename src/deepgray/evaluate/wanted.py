"""What the extra ``evaluate`` brings."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from deepgray.errors import MissingExtraError


def scipy_stats() -> ModuleType:
    """The statistics of SciPy, which the base install does without.

    Raises:
        MissingExtraError: SciPy is not installed.
    """
    try:
        return import_module("scipy.stats")
    except ModuleNotFoundError as error:
        raise MissingExtraError("Statistics want scipy: pip install 'deepgray[evaluate]'.") from error
