import math
from pathlib import Path

import numpy as np
import pytest

from deepgray.errors import DuplicateStemError, InputError
from deepgray.evaluate import Ratings, read_ratings


def written(folder: Path, text: str, name: str = "ratings.tsv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_a_wide_table_is_read(tmp_path: Path) -> None:
    ratings = read_ratings(written(tmp_path, "subject\tanna\tben\ns1\t1.5\t2\ns2\tn/a\t4\n"))
    assert (ratings.subjects, ratings.raters) == (("s1", "s2"), ("anna", "ben"))
    assert ratings.values.tolist()[0] == [1.5, 2]
    assert math.isnan(ratings.of("anna")[1])
    assert ratings.of("ben").tolist() == [2, 4]


def test_commas_part_a_csv(tmp_path: Path) -> None:
    assert read_ratings(written(tmp_path, "id,a,b\ns1,1,2\n", "ratings.csv")).values.tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has 0 rows and 0 columns"),
        ("subject\ta\ns1\t1\n", "has 2 rows and 2 columns"),
        ("subject\ta\tb\n", "has 1 rows and 3 columns"),
        ("subject\ta\tb\ns1\t1\n", "'s1' has 2"),
        ("subject\ta\tb\ns1\t1\tlarge\n", "s1, b, 'large' came"),
        ("structure\tside\tquantity\nRN\tleft\tvolume\n", "give two folders"),
    ],
)
def test_what_is_no_wide_table_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_ratings(written(tmp_path, text))


@pytest.mark.parametrize("text", ["id\ta\tb\ns\t1\t2\ns\t1\t2\n", "id\ta\ta\ns\t1\t2\n"])
def test_names_come_once(tmp_path: Path, text: str) -> None:
    with pytest.raises(DuplicateStemError, match="came twice"):
        read_ratings(written(tmp_path, text))


def test_ratings_are_valid_from_birth() -> None:
    with pytest.raises(InputError, match="2 subjects, 2 raters"):
        Ratings(("s1", "s2"), ("a", "b"), np.zeros((2, 3)))
