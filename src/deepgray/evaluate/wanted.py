"""What the extra ``evaluate`` brings."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from deepgray.errors import MissingExtraError


def scipy_part(name: str) -> ModuleType:
    """A part of SciPy, which the base install does without.

    Args:
        name: ``stats``, ``spatial``.

    Raises:
        MissingExtraError: SciPy is not installed.
    """
    try:
        return import_module(f"scipy.{name}")
    except ModuleNotFoundError as error:
        raise MissingExtraError("Statistics want scipy: pip install 'deepgray[evaluate]'.") from error
