"""What commands share: a folder that can be written, and tables for people and programs."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deepgray.errors import MissingExtraError, OutputError


def news(sentence: str) -> None:
    """Print a sentence for people, on standard error."""
    print(f"deepgray: {sentence}", file=sys.stderr, flush=True)


@contextmanager
def wants_train(what: str) -> Iterator[None]:
    """Turn a missing library of the extra ``train`` into a sentence.

    Args:
        what: The sentence's beginning, ``Simulation wants``.

    Raises:
        MissingExtraError: A library is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"{what} {error.name}: pip install 'deepgray[train]'.") from error


def rows(lines: Iterable[Sequence[str]]) -> None:
    """Print lines of columns on standard output: aligned for a terminal, with tabs for a program."""
    table = [tuple(line) for line in lines]
    if not sys.stdout.isatty():
        for line in table:
            print("\t".join(line), flush=True)
        return
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))] if table else []
    for line in table:
        print("  ".join(f"{word:<{width}}" for word, width in zip(line, widths, strict=True)).rstrip(), flush=True)


def writable_folder(folder: Path) -> Path:
    """Make a folder, and find out now whether it can be written.

    Raises:
        OutputError: It cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"A folder that can be written is wanted, {folder} cannot: {reason}.") from error
    return folder
