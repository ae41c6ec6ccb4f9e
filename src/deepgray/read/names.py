"""File names: which ones are images, and what output files are called after them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deepgray.errors import InputError, NotAnImageError

SUFFIXES: tuple[str, ...] = (".nii.gz", ".nii", ".mgz")


def suffix_of(path: Path | str) -> str:
    """The image suffix of a file name in lower case, or an empty string when it has none of ``SUFFIXES``."""
    name = Path(path).name.lower()
    return next((s for s in SUFFIXES if name.endswith(s)), "")


def stem_of(path: Path | str) -> str:
    """The file name without its folder and without ``.nii``, ``.nii.gz`` or ``.mgz``."""
    name = Path(path).name
    suffix = suffix_of(path)
    return name[: -len(suffix)] if suffix else name


def check_file(path: Path) -> None:
    """Refuse what cannot be an image before anything is opened.

    Raises:
        NotAnImageError: No such file, a folder, another kind of file by its name, or empty.
    """
    if path.is_dir():
        raise NotAnImageError("an image file is wanted, a folder came.")
    if not path.exists():
        raise NotAnImageError(f"an image file is wanted, there is none at {path}.")
    if not suffix_of(path) or not stem_of(path):
        raise NotAnImageError("a file named .nii, .nii.gz or .mgz is wanted, another kind of name came.")
    if path.stat().st_size == 0:
        raise NotAnImageError("an image file is wanted, an empty file came.")


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Put the file's name in front of every refusal, and turn failures of the disk into one.

    Raises:
        InputError: The refusal that was raised inside, of the same class.
        NotAnImageError: The file cannot be opened or read.
    """
    try:
        yield
    except InputError as error:
        message = str(error)
        raise type(error)(f"{path.name}: {message[:1].lower()}{message[1:]}") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise NotAnImageError(f"{path.name}: a readable file is wanted, reading failed: {reason}.") from error
