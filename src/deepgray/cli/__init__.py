"""The commands: each is one frozen dataclass of settings and a function that takes it."""

from deepgray.cli.app import main

__all__ = ["main"]
