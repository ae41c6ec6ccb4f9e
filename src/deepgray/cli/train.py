"""``deepgray train``: a network from label maps."""

from __future__ import annotations

from deepgray.errors import MissingExtraError


def train() -> int:
    """Train a network on label maps.

    Raises:
        MissingExtraError: Always, until this command is filled in.
    """
    raise MissingExtraError("Training from the command line is wanted, this version does not have it yet.")
