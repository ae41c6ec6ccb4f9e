"""``deepgray agree``: two folders of results, or a table of ratings; a table on standard output."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepgray.cli import main

TITLES = "structure\tside\tlabel\tquantity\tvalue\tunit\tlower\tupper\treference\tmethod"
MEASURED, REFERENCE = (3, 5, 5, 11), (2, 4, 6, 8)


def save(folder: Path, values: tuple[float, ...], *, unit: str = "mm3", region: str = "csf") -> Path:
    for scan, value in enumerate(values):
        path = folder / f"s{scan}" / f"s{scan}_measures.tsv"
        path.parent.mkdir(parents=True)
        path.write_text(
            f"{TITLES}\nred nucleus\tleft\t1\tvolume\t{value}\t{unit}\t\t\t\tcounted\n"
            f"red nucleus\tleft\t1\tsusceptibility_mean\t{value / 100}\tppm\t\t\t{region}: 0.0{scan}\tmean\n",
            encoding="utf-8",
        )
    return folder


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    return [str(save(tmp_path / "ours", MEASURED)), str(save(tmp_path / "truth", REFERENCE))]


def test_two_folders_are_compared(folders: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agree", *folders]) == 0
    printed = capsys.readouterr()
    title, volume, ppm = printed.out.splitlines()
    assert title.startswith("structure")
    assert "ICC(2,1)" in title
    # Differences 1, 1, -1, 3: mean 1, SD 1.633.
    assert volume.split()[:6] == ["red", "nucleus", "left", "volume", "mm3", "4"]
    assert "1.000 [-1.598, 3.598]" in volume
    assert "-2.201 to 4.201" in volume
    assert "susceptibility_mean" in ppm
    assert printed.err == ""


def test_tables_and_pictures_are_written(
    folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["agree", *folders, "--quantity", "volume", "-o", str(out)]) == 0
    assert "susceptibility" not in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == [
        "agreement.tsv",
        "icc.tsv",
        "pairs.tsv",
        "red-nucleus_volume_bland_altman.png",
        "red-nucleus_volume_scatter.png",
        "volume_differences.png",
    ]
    assert len((out / "pairs.tsv").read_text(encoding="utf-8").splitlines()) == 5


def test_what_was_left_out_or_differs_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours, truth = save(tmp_path / "ours", MEASURED), save(tmp_path / "truth", (2, 4), region="none")
    assert main(["agree", str(ours), str(truth)]) == 0
    said = capsys.readouterr().err
    assert "s3_measures.tsv has no partner and was left out." in said
    assert "The reference regions differ (csf against none), so that values do too: left red nucleus susc" in said
    assert "Undefined in part, because 3 pairs or more are wanted, 2 came: left red nucleus volume, " in said


def test_a_table_of_ratings_gets_every_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = ["9\t2\t5\t8", "6\t1\t3\t2", "8\t4\t6\t8", "7\t1\t2\t6", "10\t5\t6\t9", "6\t2\t4\t7", "\t1\t1\t1"]
    table = tmp_path / "judges.tsv"
    table.write_text(
        "\n".join(["target\ta\tb\tc\td", *(f"t{n}\t{row}" for n, row in enumerate(rows))]), encoding="utf-8"
    )
    out = tmp_path / "out"
    assert main(["agree", str(table), "--unit", "points", "-o", str(out)]) == 0
    printed = capsys.readouterr()
    assert "ICC(2,1)  0.290 [0.019, 0.761]   6         4" in printed.out
    assert sum(" − " in line for line in printed.out.splitlines()) == 6  # pairs of four judges
    assert "1 subject without a rating by every rater was left out" in printed.err
    names = {path.name for path in out.iterdir()}
    assert {"agreement.tsv", "icc.tsv", "differences.png", "a-b_bland_altman.png", "c-d_scatter.png"} <= names


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ours"], "A second folder is wanted"),
        (["ours", "empty"], "no two names belong together"),
        (["ours", "truth", "--quantity", "iron"], "A quantity of both is wanted"),
        (["ours", "truth", "--unit", "mm3"], "A unit is wanted with a table only"),
        (["ours", "absent"], "A folder of results is wanted"),
        (["table.tsv", "--quantity", "volume"], "A quantity is wanted with folders only"),
    ],
)
@pytest.mark.usefixtures("folders")
def test_what_cannot_be_compared_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "table.tsv").write_text("s\ta\tb\nx\t1\t2\n", encoding="utf-8")
    assert main(["agree", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_two_units_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours, truth = save(tmp_path / "ours", MEASURED), save(tmp_path / "truth", REFERENCE, unit="ml")
    assert main(["agree", str(ours), str(truth)]) == 1
    assert "One unit is wanted for red nucleus left volume, mm3 and ml came" in capsys.readouterr().err
