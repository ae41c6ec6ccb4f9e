"""Whether a process lives: each holds a locked file, and the system lets go of the lock when the process dies.

Process numbers are used again, and clocks of two machines differ; a lock knows neither problem. It works wherever
SQLite does, which relies on locks as well.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from pathlib import Path
from types import TracebackType

from deepgray.errors import OutputError

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


_PREFIX = ".worklist-"
_SUFFIX = ".lock"


class Presence:
    """This process in an output folder, from making the object to ``leave``.

    Attributes:
        token: Names this process in the folder.
    """

    def __init__(self, folder: Path) -> None:
        """Begin to be there.

        Args:
            folder: Output folder, which exists.

        Raises:
            OutputError: The folder cannot be written, or knows no locks.
        """
        self.token = secrets.token_hex(8)
        self._path = lock_path(folder, self.token)
        try:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
            _lock(self._descriptor)
        except OSError as error:
            reason = error.strerror or str(error)
            raise OutputError(f"A folder with file locks is wanted, {folder} has none: {reason}.") from error

    def leave(self) -> None:
        """Be gone: what this process held is free."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)

    def __enter__(self) -> Presence:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.leave()


def lock_path(folder: Path, token: str) -> Path:
    """Where the lock of a process is."""
    return folder / f"{_PREFIX}{token}{_SUFFIX}"


def lives(folder: Path, token: str) -> bool:
    """Whether the process of this token still runs; the file of a dead one is taken away.

    Args:
        folder: Output folder.
        token: Of a ``Presence``, not of this process's own.
    """
    path = lock_path(folder, token)
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        _lock(descriptor)
    except OSError:
        return True
    else:
        with contextlib.suppress(OSError):  # Windows deletes no open file; it is tried again with the next
            path.unlink(missing_ok=True)
        return False
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> None:
    """Take away what dead processes left.

    Args:
        folder: Output folder; nobody may be joining it now.
    """
    for path in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        lives(folder, path.name.removeprefix(_PREFIX).removesuffix(_SUFFIX))
