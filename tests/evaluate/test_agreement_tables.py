import csv
import math
from pathlib import Path

import pytest

from deepgray.errors import OutputError
from deepgray.evaluate import (
    MeasureName,
    NamedAgreement,
    PairedMeasure,
    agree,
    agreement_table,
    icc,
    icc_table,
    write_agreements,
    write_iccs,
    write_pairs,
)

NAME = MeasureName("red nucleus", "left", "volume")
FOUR = NamedAgreement(NAME, agree([3, 5, 5, 11, math.nan], [2, 4, 6, 8, 1], unit="mm3"))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def test_a_line_says_what_was_found() -> None:
    title, line = agreement_table([FOUR]).splitlines()
    assert title.split("  ")[0] == "structure"
    assert [word.strip() for word in line.split("  ") if word][:4] == ["red nucleus", "left", "volume", "mm3"]
    # Differences 1, 1, -1, 3: mean 1, SD 1.633; Student's t with three degrees of freedom is 3.182.
    assert "4 (1 dropped)" in line
    assert "1.000 [-1.598, 3.598]" in line
    assert "-2.201 to 4.201" in line
    assert line.split()[-6:] == ["1.500", "30.00", "1.200", "0.800", "0.308", "0.500"]


def test_decimals_follow_the_size_of_the_values() -> None:
    volume = NamedAgreement(NAME, agree([4010, 4100, 4200], [4000, 4120, 4195], unit="mm3"))
    ppm = NamedAgreement(NAME, agree([0.101, 0.122, 0.131], [0.1, 0.12, 0.133], unit="ppm"))
    nothing = NamedAgreement(NAME, agree([0, 0, 0], [0, 0, 0], unit="ppm"))
    cells = [line.split()[6] for line in agreement_table([volume, ppm, nothing]).splitlines()[1:]]
    assert cells == ["-1.7", "0.00033", "0"]


def test_what_is_undefined_is_a_dash_and_empty_names_take_no_column() -> None:
    few = NamedAgreement(MeasureName("", "", "anna − ben"), agree([3, 4], [1, 2], unit=""))
    title, line = agreement_table([few]).splitlines()
    assert title.startswith("quantity")
    assert line.split()[3:] == ["2", "2.0000", "–", "to", "–", "–", "–", "2.0000", "133.33", "–", "–", "–", "–"]


def test_nothing_is_no_table() -> None:
    assert agreement_table([]) == ""
    assert icc_table([]) == ""


def test_small_probabilities_are_bounds() -> None:
    sure = NamedAgreement(NAME, agree([n + 1 + n % 2 / 100 for n in range(12)], range(12), unit="mm3"))
    assert agreement_table([sure]).split()[-2:] == ["<0.001", "<0.001"]


def test_the_forms_of_the_icc_are_listed() -> None:
    table = icc_table(icc([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]))
    assert [line.split() for line in table.splitlines()][2] == ["ICC(2,1)", "0.290", "[0.019,", "0.761]", "6", "4"]


def test_every_number_is_written(tmp_path: Path) -> None:
    few = NamedAgreement(NAME, agree([3], [1], unit="mm3"))
    write_agreements([FOUR, few], tmp_path / "agreement.tsv")
    first, second = rows(tmp_path / "agreement.tsv")
    assert (first["structure"], first["side"], first["quantity"], first["unit"]) == (*NAME, "mm3")
    assert (first["pairs"], first["dropped"], first["undefined_because"]) == ("4", "1", "")
    limit = FOUR.agreement.bland_altman.lower_limit
    assert float(first["lower_limit_upper"]) == pytest.approx(limit.upper, rel=1e-5)
    assert float(first["icc_2_1"]) == pytest.approx(FOUR.agreement.icc21.value, rel=1e-5)
    assert float(first["wilcoxon"]) == 2
    assert (second["bias"], second["bias_lower"], second["pearson"]) == ("2", "n/a", "n/a")
    assert second["undefined_because"].startswith("3 pairs or more are wanted, 1 came")


def test_every_form_and_every_pair_is_written(tmp_path: Path) -> None:
    write_iccs([(NAME, FOUR.agreement.icc)], tmp_path / "icc.tsv")
    assert [row["form"] for row in rows(tmp_path / "icc.tsv")][1::4] == ["ICC(2,1)", "ICC(3,k)"]
    assert {row["subjects"] for row in rows(tmp_path / "icc.tsv")} == {"4"}
    write_pairs([PairedMeasure(NAME, "mm3", ("a", "b"), (1.0, math.nan), (2.0, 3.5))], tmp_path / "pairs.tsv")
    assert [(row["scan"], row["measured"], row["reference"]) for row in rows(tmp_path / "pairs.tsv")] == [
        ("a", "1", "2"),
        ("b", "n/a", "3.5"),
    ]


def test_refuses_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        write_agreements([FOUR], tmp_path / "file" / "agreement.tsv")
