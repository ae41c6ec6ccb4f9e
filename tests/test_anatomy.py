from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from deepgray.anatomy import (
    HEMISPHERES,
    STRIATUM,
    STRUCTURES,
    Scheme,
    Side,
    Structure,
    scheme,
    scheme_from_file,
    scheme_names,
    structure,
)
from deepgray.errors import SettingsError


def test_labels_and_keys_are_unique_over_the_whole_table() -> None:
    assert len({s.label for s in STRUCTURES}) == len(STRUCTURES)
    assert len({s.key for s in STRUCTURES}) == len(STRUCTURES)


@pytest.mark.parametrize(
    ("key", "label"),
    [
        ("left thalamus", 10),
        ("left caudate", 11),
        ("left putamen", 12),
        ("left pallidum", 13),
        ("left accumbens", 26),
        ("right thalamus", 49),
        ("right caudate", 50),
        ("right putamen", 51),
        ("right pallidum", 52),
        ("right accumbens", 58),
    ],
)
def test_shared_structures_have_the_labels_of_freesurfer(key: str, label: int) -> None:
    assert structure(key).label == label


def test_own_labels_are_odd_on_the_left_and_even_on_the_right() -> None:
    for own in (s for s in STRUCTURES if s.label > 100):
        assert own.label % 2 == (1 if own.side is Side.LEFT else 0), own.key


def test_left_and_right_differ_in_side_and_label_only() -> None:
    for left in (s for s in STRUCTURES if s.side is Side.LEFT):
        right = structure(f"right {left.name}")
        assert (right.abbreviation, right.group, right.colour, right.code, right.parent) == (
            left.abbreviation,
            left.group,
            left.colour,
            left.code,
            left.parent,
        )


@pytest.mark.parametrize(
    ("name", "coding", "value"),
    [
        ("caudate", "SCT", "11000004"),
        ("putamen", "SCT", "89278009"),
        ("pallidum", "SCT", "14738005"),
        ("accumbens", "SCT", "427667007"),
        ("substantia nigra", "SCT", "70007007"),
        ("thalamus", "SCT", "42695009"),
        ("red nucleus", "UBERON", "0001947"),
        ("subthalamic nucleus", "UBERON", "0001906"),
        ("dentate nucleus", "UBERON", "0002132"),
    ],
)
def test_confirmed_codes(name: str, coding: str, value: str) -> None:
    code = structure(f"left {name}").code
    assert code is not None
    assert (code.scheme, code.value) == (coding, value)


def test_a_part_names_its_whole() -> None:
    assert {structure(f"left {name}").parent for name in STRIATUM} == {"striatum"}
    assert structure("right posterior putamen").parent == "putamen"
    assert structure("right ventral striatum").parent == "striatum"


def test_colours_are_bytes() -> None:
    assert all(len(s.colour) == 3 and all(0 <= part <= 255 for part in s.colour) for s in STRUCTURES)


@pytest.mark.parametrize(
    ("name", "count"),
    [("striatum", 8), ("striatum4", 4), ("striatum12", 12), ("dentate2", 2), ("midbrain6", 6), ("midbrain4", 4)],
)
def test_shipped_schemes_list_the_left_side_before_the_right(name: str, count: int) -> None:
    found = scheme(name)
    assert len(found.structures) == count
    half = count // 2
    assert found.structures[:half] == found.of_side(Side.LEFT)
    assert found.structures[half:] == found.of_side(Side.RIGHT)
    assert [s.name for s in found.of_side(Side.LEFT)] == [s.name for s in found.of_side(Side.RIGHT)]


def test_the_twelve_subregions_by_their_abbreviations() -> None:
    for side in HEMISPHERES:
        short = [s.abbreviation for s in scheme("striatum12").of_side(side)]
        assert short == ["VS", "AC", "PC", "AP", "PP", "VP"]


def test_the_coarse_scheme_has_midline_structures() -> None:
    assert {s.name for s in scheme("coarse").of_side(Side.MIDLINE)} == {"brainstem", "rest of brain"}


def test_scheme_names_are_sorted_and_all_open() -> None:
    assert list(scheme_names()) == sorted(scheme_names())
    assert all(scheme(name).name == name for name in scheme_names())


def test_by_label_finds_the_structure() -> None:
    assert scheme("striatum4").by_label()[51].key == "right putamen"


def test_unknown_names_are_refused_in_words() -> None:
    with pytest.raises(SettingsError, match="'caudate' came"):
        structure("caudate")
    with pytest.raises(SettingsError, match=r"striatum12.*'striatum13' came"):
        scheme("striatum13")


def test_a_scheme_refuses_doubles_and_labels_below_one() -> None:
    caudate, putamen = structure("left caudate"), structure("left putamen")
    with pytest.raises(SettingsError, match="label 11 stands twice"):
        Scheme("mine", (caudate, caudate))
    same_label = Structure("putamen", "PUT", Side.LEFT, caudate.label, "user", (0, 0, 0))
    with pytest.raises(SettingsError, match="label 11 stands twice"):
        Scheme("mine", (caudate, same_label))
    same_key = Structure("putamen", "PUT", Side.LEFT, 99, "user", (0, 0, 0))
    with pytest.raises(SettingsError, match="structure left putamen stands twice"):
        Scheme("mine", (putamen, same_key))
    with pytest.raises(SettingsError, match="above 0 are wanted, 0 came"):
        Scheme("mine", (Structure("nothing", "NO", Side.LEFT, 0, "user", (0, 0, 0)),))
    with pytest.raises(SettingsError, match="none came"):
        Scheme("mine", ())


def test_structures_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        structure("left caudate").label = 1  # type: ignore[misc]


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.tsv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_scheme_from_a_file(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "label\tname\tside\tabbreviation\tparent\n"
        "1\tCaudate\tLeft\t\t\n"
        "2\tclaustrum\tright\tCLA\tstriatum\n"
        "3\tbrainstem\tmidline\t\t\n",
    )
    mine = scheme_from_file(path)
    assert mine.name == "mine"
    assert [(s.label, s.key) for s in mine.structures] == [
        (1, "left caudate"),
        (2, "right claustrum"),
        (3, "midline brainstem"),
    ]
    caudate, claustrum, _ = mine.structures
    known = structure("left caudate")
    assert (caudate.code, caudate.colour, caudate.abbreviation) == (known.code, known.colour, "CAU")
    assert (claustrum.code, claustrum.abbreviation, claustrum.parent, claustrum.group) == (
        None,
        "CLA",
        "striatum",
        "user",
    )


def test_a_scheme_file_written_by_a_spreadsheet(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufefflabel\tname\tside\r\n1\tcaudate\tleft\r\n")
    assert scheme_from_file(path).structures[0].key == "left caudate"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "none came"),
        ("label\tname\n1\tcaudate\n", "line 2.*side"),
        ("label\tname\tside\none\tcaudate\tleft\n", "line 2.*integer"),
        ("label\tname\tside\n1\tcaudate\tleft\n2\tputamen\tup\n", "line 3.*left, right or midline"),
        ("label\tname\tside\n1\n", "line 2"),
        ("label\tname\tside\n1\t \tleft\n", "line 2"),
        ("label\tname\tside\n1\tcaudate\tleft\n1\tputamen\tleft\n", "label 1 stands twice"),
    ],
)
def test_a_scheme_file_that_is_not_understood(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        scheme_from_file(write(tmp_path, text))


def test_a_scheme_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="readable scheme file"):
        scheme_from_file(tmp_path / "none.tsv")
    binary = tmp_path / "binary.tsv"
    binary.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(SettingsError, match="readable scheme file"):
        scheme_from_file(binary)
