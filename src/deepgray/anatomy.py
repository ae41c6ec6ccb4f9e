"""The structures: name, side, label, code, colour; and schemes, which are views on them.

This is the only table of structures. Labels of caudate, putamen, pallidum, accumbens and thalamus are those of
FreeSurfer's look-up table, so that every viewer colours them; all others are deepgray's own, left odd, right even.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from deepgray.errors import SettingsError


class Side(StrEnum):
    """The person's own left or right; midline for what has no side."""

    LEFT = "left"
    RIGHT = "right"
    MIDLINE = "midline"


HEMISPHERES: tuple[Side, Side] = (Side.LEFT, Side.RIGHT)


@dataclass(frozen=True)
class Code:
    """A coded concept of a public terminology.

    Attributes:
        scheme: Coding scheme designator as DICOM writes it (``SCT``, ``UBERON``).
        value: The code.
        meaning: The concept's name.
    """

    scheme: str
    value: str
    meaning: str


@dataclass(frozen=True)
class Structure:
    """One structure of one side.

    Attributes:
        name: Field's name without the side, lower case (``caudate``).
        abbreviation: Short form printed in tables (``CAU``).
        side: Left, right, or midline.
        label: The integer in label maps.
        group: ``striatum``, ``striatum12``, ``pallidum``, ``midbrain``, ``cerebellum``, ``thalamus``, ``deep``,
            ``reference`` or ``coarse``.
        colour: Red, green, blue, 0–255.
        code: A public code, or None where none is confirmed.
        parent: Name of the structure that this one is a part of, or an empty string.
    """

    name: str
    abbreviation: str
    side: Side
    label: int
    group: str
    colour: tuple[int, int, int]
    code: Code | None = None
    parent: str = ""

    @property
    def key(self) -> str:
        """Name with its side, unique in the table (``left caudate``)."""
        return f"{self.side} {self.name}"


@dataclass(frozen=True)
class Scheme:
    """A selection of structures that label maps and networks share.

    Attributes:
        name: Name of the scheme.
        structures: Structures in the order of a network's output, left before right.

    Raises:
        SettingsError: Empty, or a label or a key is used twice, or a label is not positive.
    """

    name: str
    structures: tuple[Structure, ...]

    def __post_init__(self) -> None:
        labels = [s.label for s in self.structures]
        keys = [s.key for s in self.structures]
        if not labels:
            raise SettingsError(f"Scheme '{self.name}': at least one structure is wanted, none came.")
        if min(labels) < 1:
            raise SettingsError(f"Scheme '{self.name}': labels above 0 are wanted, {min(labels)} came.")
        for kind, values in (("label", labels), ("structure", keys)):
            twice = sorted({str(v) for v in values if values.count(v) > 1})  # type: ignore[arg-type]
            if twice:
                raise SettingsError(f"Scheme '{self.name}': {kind} {', '.join(twice)} stands twice, wanted once.")

    def of_side(self, side: Side) -> tuple[Structure, ...]:
        """The structures of one side, in order."""
        return tuple(s for s in self.structures if s.side is side)

    def by_label(self) -> dict[int, Structure]:
        """Structures by their label."""
        return {s.label: s for s in self.structures}


_CAUDATE = Code("SCT", "11000004", "Caudate nucleus")
_PUTAMEN = Code("SCT", "89278009", "Putamen")
_PALLIDUM = Code("SCT", "14738005", "Globus pallidus")
_ACCUMBENS = Code("SCT", "427667007", "Nucleus accumbens")
_NIGRA = Code("SCT", "70007007", "Substantia nigra")
_THALAMUS = Code("SCT", "42695009", "Thalamus")
_RED = Code("UBERON", "0001947", "Red nucleus")
_SUBTHALAMIC = Code("UBERON", "0001906", "Subthalamic nucleus")
_DENTATE = Code("UBERON", "0002132", "Dentate nucleus")

# name, abbreviation, left label, right label, group, colour, code, parent
_TABLE: tuple[tuple[str, str, int, int, str, tuple[int, int, int], Code | None, str], ...] = (
    ("caudate", "CAU", 11, 50, "striatum", (86, 180, 233), _CAUDATE, "striatum"),
    ("putamen", "PUT", 12, 51, "striatum", (213, 94, 140), _PUTAMEN, "striatum"),
    ("accumbens", "NAC", 26, 58, "striatum", (255, 165, 0), _ACCUMBENS, "striatum"),
    ("pallidum", "GP", 13, 52, "pallidum", (0, 114, 178), _PALLIDUM, ""),
    ("external pallidum", "GPe", 201, 202, "pallidum", (0, 92, 158), None, "pallidum"),
    ("internal pallidum", "GPi", 203, 204, "pallidum", (90, 160, 210), None, "pallidum"),
    ("thalamus", "THA", 10, 49, "thalamus", (0, 158, 115), _THALAMUS, ""),
    ("ventral striatum", "VS", 101, 102, "striatum12", (255, 165, 0), None, "striatum"),
    ("anterior caudate", "AC", 103, 104, "striatum12", (86, 180, 233), None, "caudate"),
    ("posterior caudate", "PC", 105, 106, "striatum12", (24, 90, 169), None, "caudate"),
    ("anterior putamen", "AP", 107, 108, "striatum12", (240, 130, 180), None, "putamen"),
    ("posterior putamen", "PP", 109, 110, "striatum12", (190, 40, 90), None, "putamen"),
    ("ventral putamen", "VP", 111, 112, "striatum12", (120, 94, 200), None, "putamen"),
    ("dentate nucleus", "DN", 301, 302, "cerebellum", (230, 159, 0), _DENTATE, ""),
    ("red nucleus", "RN", 401, 402, "midbrain", (204, 51, 51), _RED, ""),
    ("substantia nigra", "SN", 403, 404, "midbrain", (86, 180, 233), _NIGRA, ""),
    ("subthalamic nucleus", "STN", 405, 406, "midbrain", (0, 158, 115), _SUBTHALAMIC, ""),
    ("nigra and subthalamic nucleus", "SN-STN", 407, 408, "midbrain", (70, 120, 100), None, ""),
    ("hippocampus", "HIP", 17, 53, "deep", (220, 216, 20), None, ""),
    ("amygdala", "AMY", 18, 54, "deep", (103, 210, 200), None, ""),
    ("ventral diencephalon", "VDC", 28, 60, "deep", (165, 100, 60), None, ""),
    ("occipital cortex", "OC", 31, 32, "reference", (153, 153, 51), None, ""),
    ("cerebellar cortex", "CBX", 8, 47, "reference", (230, 148, 34), None, ""),
    ("white matter", "WM", 2, 41, "reference", (200, 200, 200), None, ""),
)

# What the whole-head network tells apart, besides the thalamus of the table above.
_COARSE: tuple[Structure, ...] = (
    Structure("striatum", "STR", Side.LEFT, 21, "coarse", (213, 94, 140)),
    Structure("striatum", "STR", Side.RIGHT, 22, "coarse", (213, 94, 140)),
    Structure("cerebellum", "CB", Side.LEFT, 23, "coarse", (230, 159, 0)),
    Structure("cerebellum", "CB", Side.RIGHT, 24, "coarse", (230, 159, 0)),
    Structure("brainstem", "BS", Side.MIDLINE, 25, "coarse", (119, 159, 176)),
    Structure("rest of brain", "BR", Side.MIDLINE, 27, "coarse", (200, 200, 200)),
)

_THIRD_VENTRICLE = Structure("third ventricle", "3V", Side.MIDLINE, 14, "deep", (204, 182, 142))

STRUCTURES: tuple[Structure, ...] = (
    *(
        Structure(name, short, side, label, group, colour, code, parent)
        for name, short, left, right, group, colour, code, parent in _TABLE
        for side, label in zip(HEMISPHERES, (left, right), strict=True)
    ),
    _THIRD_VENTRICLE,
    *_COARSE,
)

# What the AC–PC frame of a label map is read from, besides the third ventricle.
_DEEP = ("caudate", "putamen", "accumbens", "pallidum", "thalamus", "hippocampus", "amygdala", "ventral diencephalon")
_SCHEME_NAMES: dict[str, tuple[str, ...]] = {
    "striatum": ("caudate", "putamen", "accumbens", "pallidum"),
    "striatum4": ("caudate", "putamen"),
    "datspect": ("caudate", "putamen", "accumbens"),
    "striatum12": (
        "ventral striatum",
        "anterior caudate",
        "posterior caudate",
        "anterior putamen",
        "posterior putamen",
        "ventral putamen",
    ),
    "deep": _DEEP,
    "dentate2": ("dentate nucleus",),
    "midbrain6": ("red nucleus", "substantia nigra", "subthalamic nucleus"),
    "midbrain4": ("red nucleus", "nigra and subthalamic nucleus"),
    "spect-reference": ("cerebellum", "occipital cortex"),
    "pet-reference": ("cerebellar cortex", "occipital cortex", "white matter"),
}

# The compartments that make up the striatum.
STRIATUM: tuple[str, ...] = ("caudate", "putamen", "accumbens")


@cache
def structure(key: str) -> Structure:
    """The structure with this key.

    Args:
        key: Side and name, as ``left caudate``.

    Raises:
        SettingsError: No structure has this key.
    """
    for candidate in STRUCTURES:
        if candidate.key == key:
            return candidate
    raise SettingsError(f"A structure such as 'left caudate' is wanted, '{key}' came.")


def scheme_names() -> tuple[str, ...]:
    """Names of the schemes that deepgray ships, sorted."""
    return tuple(sorted((*_SCHEME_NAMES, "coarse")))


@cache
def scheme(name: str) -> Scheme:
    """The shipped scheme of this name.

    Raises:
        SettingsError: No scheme has this name.
    """
    if name not in scheme_names():
        raise SettingsError(f"A scheme is wanted, one of {', '.join(scheme_names())}; '{name}' came.")
    if name == "coarse":
        return Scheme(name, (structure("left thalamus"), structure("right thalamus"), *_COARSE))
    names = _SCHEME_NAMES[name]
    paired = tuple(structure(f"{side} {n}") for side in HEMISPHERES for n in names)
    return Scheme(name, (*paired, _THIRD_VENTRICLE) if name == "deep" else paired)


def scheme_from_file(path: Path) -> Scheme:
    """A user's scheme: a tab-separated file with the columns ``label``, ``name``, ``side``.

    Optional columns are ``abbreviation`` and ``parent`` (the structure this one is a part of). A name of the table
    keeps its code and colour. The file's name becomes the scheme's.

    Raises:
        SettingsError: The file cannot be read, a column is missing, or a row is not understood.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:  # spreadsheets begin a file with a byte-order mark
            rows = list(csv.DictReader(stream, delimiter="\t"))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"A readable scheme file is wanted, {path} is not: {error}.") from error
    return Scheme(path.stem, tuple(_from_row(row, number, path) for number, row in enumerate(rows, start=2)))


def _from_row(row: dict[str, str], number: int, path: Path) -> Structure:
    try:
        label, name, side = int(row["label"]), row["name"].strip().lower(), Side(row["side"].strip().lower())
        if not name:
            raise ValueError("the name is empty")
    except (KeyError, ValueError, AttributeError) as error:
        raise SettingsError(
            f"{path}, line {number}: columns label (integer), name and side (left, right or midline) are wanted, "
            f"{row} came."
        ) from error
    known = next((s for s in STRUCTURES if s.key == f"{side} {name}"), None)
    grey = (60 + label * 67 % 180, 60 + label * 29 % 180, 60 + label * 113 % 180)
    return Structure(
        name=name,
        abbreviation=(row.get("abbreviation") or (known.abbreviation if known else name)).strip(),
        side=side,
        label=label,
        group=known.group if known else "user",
        colour=known.colour if known else grey,
        code=known.code if known else None,
        parent=(row.get("parent") or (known.parent if known else "")).strip(),
    )
