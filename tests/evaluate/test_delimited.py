import math
from pathlib import Path

import pytest

from deepgray.errors import InputError, OutputError
from deepgray.evaluate.delimited import aligned, number, read_rows, text, write_rows


def test_rows_are_parted_by_tabs_or_commas(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("a\tb, c\n\n1\t 2 \n", encoding="utf-8-sig")
    (tmp_path / "a.csv").write_text('a,"b, c"\r\n1,2\r\n', encoding="utf-8")
    assert read_rows(tmp_path / "a.tsv") == read_rows(tmp_path / "a.csv") == [["a", "b, c"], ["1", "2"]]


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "a.tsv", tmp_path / "absent.tsv"):
        with pytest.raises(InputError, match="A table is wanted"):
            read_rows(path)


def test_numbers_and_gaps() -> None:
    assert number("-1.5e-3", where="here") == -0.0015
    assert all(math.isnan(number(cell, where="here")) for cell in ("", "n/a", "NaN", "NA"))
    with pytest.raises(InputError, match="wanted in row 2, '1,5' came"):
        number("1,5", where="row 2")


def test_values_in_files_and_on_the_screen() -> None:
    assert [text(value) for value in (1234.56789, math.nan, -math.inf, 3, "word")] == [
        "1234.57",
        "n/a",
        "n/a",
        "3",
        "word",
    ]
    assert aligned([["a", "bb"], ["ccc", ""]]) == "a    bb\nccc"


def test_a_table_is_written_or_refused(tmp_path: Path) -> None:
    write_rows(tmp_path / "new" / "t.tsv", ["a", "b"], [[1, 0.5], ["x", math.nan]])
    assert (tmp_path / "new" / "t.tsv").read_text(encoding="utf-8") == "a\tb\n1\t0.5\nx\tn/a\n"
    with pytest.raises(OutputError, match="cannot be written"):
        write_rows(tmp_path / "new" / "t.tsv" / "t.tsv", ["a"], [])
