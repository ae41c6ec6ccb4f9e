"""What ships: the table of networks, read from ``catalogue.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

from deepgray.errors import SettingsError

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Entry:
    """One shipped network.

    Attributes:
        name: Name of the network.
        version: Version of its weights.
        file: Name of the weights file.
        sha256: Checksum of that file, empty while no weights are shipped.
        licence: Licence of the weights.
        task: What it is for.
        beside: Another network that answers the same question: the mean of both logits counts. Or an empty string.
    """

    name: str
    version: str
    file: str
    sha256: str
    licence: str
    task: str
    beside: str = ""

    @property
    def path(self) -> Path:
        """Where the weights lie."""
        return FOLDER / "weights" / self.file

    @property
    def card_path(self) -> Path:
        """Where the card lies."""
        return FOLDER / "cards" / f"{self.name}.md"


def entries_from_file(path: Path) -> tuple[Entry, ...]:
    """The networks of a catalogue.

    Args:
        path: A TOML file with one ``[[model]]`` table for each network.

    Raises:
        SettingsError: The file cannot be read, or a table has other keys than an entry.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))["model"]
        return tuple(Entry(**table) for table in tables)
    except (OSError, ValueError, KeyError, TypeError) as error:
        keys = ", ".join(f.name for f in fields(Entry))
        raise SettingsError(f"{path}: [[model]] tables with the keys {keys} are wanted: {error}.") from error


@cache
def entries() -> tuple[Entry, ...]:
    """The networks that ship, in the order of the catalogue."""
    return entries_from_file(FOLDER / "catalogue.toml")


def entry(name: str) -> Entry:
    """The shipped network of this name.

    Raises:
        SettingsError: No network has this name.
    """
    for candidate in entries():
        if candidate.name == name:
            return candidate
    wanted = ", ".join(e.name for e in entries())
    raise SettingsError(f"A network is wanted, one of {wanted}, or the path of an .onnx file; '{name}' came.")
