from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepgray.anatomy import scheme
from deepgray.errors import DuplicateStemError, NotAnImageError, OutputError, SettingsError
from deepgray.evaluate import (
    MEASURES,
    Cohort,
    FilePair,
    Score,
    compare_cohort,
    pair_by_stem,
    summarise,
    table,
    write_scores,
    write_summary,
)
from deepgray.evaluate.cohort import Failure, Row, scan_stem
from deepgray.scan import LabelMap

SCORE = Score(
    structure="caudate",
    side="left",
    dice=0.9,
    hd95_mm=1.5,
    assd_mm=0.4,
    surface_dice=0.95,
    rvd=0.1,
    hd_scaled_mm=2.0,
    predicted_mm3=110.0,
    truth_mm3=100.0,
    tolerance_mm=1.0,
)
NAN = float("nan")


def files(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("1000_T1w_desc-striatum_dseg.nii.gz", "1000"),
        ("1000_dseg.nii.gz", "1000"),
        ("sub-01_aseg.mgz", "sub-01"),
        ("sub-01_ses-2_T1w.nii", "sub-01_ses-2"),
        ("a.b.nii.gz", "a.b"),
        ("_seg.nii", "_seg"),
    ],
)
def test_scan_stem(name: str, stem: str) -> None:
    assert scan_stem(Path("somewhere") / name) == stem


def test_pairs_by_stem(tmp_path: Path) -> None:
    ours = files(
        tmp_path / "ours", "2_T1w/2_T1w_desc-striatum_dseg.nii.gz", "1/1_desc-striatum_dseg.nii.gz", "1/1.json"
    )
    theirs = files(tmp_path / "theirs", "1_dseg.nii.gz", "2_dseg.nii.gz", "3_dseg.nii.gz", "labels.tsv")
    pairing = pair_by_stem(ours, theirs)
    assert [(p.stem, p.predicted.name, p.truth.name) for p in pairing.pairs] == [
        ("1", "1_desc-striatum_dseg.nii.gz", "1_dseg.nii.gz"),
        ("2", "2_T1w_desc-striatum_dseg.nii.gz", "2_dseg.nii.gz"),
    ]
    assert [path.name for path in pairing.unpaired] == ["3_dseg.nii.gz"]


def test_a_pattern_chooses_between_files_of_one_scan(tmp_path: Path) -> None:
    ours = files(tmp_path / "ours", "1_desc-striatum_dseg.nii.gz", "1_desc-striatum12_dseg.nii.gz")
    theirs = files(tmp_path / "theirs", "1.nii.gz")
    with pytest.raises(DuplicateStemError, match="both belong to '1'"):
        pair_by_stem(ours, theirs)
    pairing = pair_by_stem(ours, theirs, pattern="*_desc-striatum_dseg.nii.gz")
    assert pairing.pairs[0].predicted.name == "1_desc-striatum_dseg.nii.gz"


def test_refuses_folders_without_a_common_scan(tmp_path: Path) -> None:
    ours, theirs = files(tmp_path / "ours", "1.nii"), files(tmp_path / "theirs", "2.nii")
    with pytest.raises(SettingsError, match="no two names belong together"):
        pair_by_stem(ours, theirs)


def test_refuses_what_is_not_a_folder(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="A folder of label maps is wanted"):
        pair_by_stem(tmp_path / "none", tmp_path)


def test_a_scan_that_cannot_be_read_does_not_stop_the_others() -> None:
    voxels = np.zeros((4, 4, 4), dtype=np.uint8)
    voxels[1:3, 1:3, 1:3] = 11

    def read(path: Path) -> LabelMap:
        if path.name == "bad":
            raise NotAnImageError("An image is wanted, a stone came.")
        return LabelMap(voxels, np.eye(4), scheme("striatum4"))

    pairs = [FilePair(name, Path(name), Path("truth")) for name in ("bad", "good")]
    cohort = compare_cohort(pairs, read_predicted=read, read_truth=read)
    assert cohort.failures == (Failure("bad", "An image is wanted, a stone came."),)
    assert {row.stem for row in cohort.rows} == {"good"}
    assert cohort.rows[0].score.dice == 1


def cohort_of(dice: list[float], hd95_mm: list[float]) -> Cohort:
    rows = (replace(SCORE, dice=d, hd95_mm=h) for d, h in zip(dice, hd95_mm, strict=True))
    return Cohort(tuple(Row(f"scan{n}", score) for n, score in enumerate(rows, start=1)))


def test_summary_names_the_worst_case() -> None:
    dice, hd95, *_ = summarise(cohort_of([0.9, 0.8, 0.85], [2.0, 1.0, 3.0]))
    assert (dice.mean, dice.sd) == pytest.approx((0.85, 0.05))
    assert (dice.worst, dice.worst_stem) == (0.8, "scan2")
    assert (hd95.mean, hd95.sd) == pytest.approx((2.0, 1.0))
    assert (hd95.worst, hd95.worst_stem) == (3.0, "scan3")


def test_summary_counts_what_has_no_value() -> None:
    dice, hd95, *_ = summarise(cohort_of([0.9, 0.0, NAN], [2.0, np.inf, NAN]))
    assert (dice.scans, dice.both_empty, dice.unbounded) == (2, 1, 0)
    assert dice.mean == pytest.approx(0.45)
    assert (hd95.scans, hd95.both_empty, hd95.unbounded) == (1, 1, 1)
    assert (hd95.mean, hd95.worst, hd95.worst_stem) == (2.0, np.inf, "scan2")
    assert np.isnan(hd95.sd)


def test_summary_of_nothing_but_empty_pairs() -> None:
    dice = summarise(cohort_of([NAN], [NAN]))[0]
    assert (dice.scans, dice.both_empty, dice.worst_stem) == (0, 1, "")
    assert np.isnan([dice.mean, dice.sd, dice.worst]).all()


def test_table() -> None:
    lines = table(summarise(cohort_of([0.9, 0.8], [2.0, np.inf]), measures=MEASURES[:2])).splitlines()
    assert lines[0].split() == ["structure", "side", "scans", "Dice", "HD95", "(mm)", "worst", "Dice"]
    assert "0.850 ± 0.071" in lines[1]
    assert "2.000 (1 infinite)" in lines[1]
    assert lines[1].endswith("0.800 (scan2)")
    assert table(()) == ""


def test_table_of_nothing_but_empty_pairs() -> None:
    assert table(summarise(cohort_of([NAN], [NAN]))).splitlines()[1].endswith("–")


def test_scores_are_written(tmp_path: Path) -> None:
    write_scores(cohort_of([0.9, NAN], [2.0, np.inf]), tmp_path / "new" / "scores.tsv")
    lines = (tmp_path / "new" / "scores.tsv").read_text(encoding="utf-8").splitlines()
    assert lines[0].split("\t")[:5] == ["scan", "structure", "side", "dice", "hd95_mm"]
    assert " ".join(lines[1].split("\t")) == "scan1 caudate left 0.9 2 0.4 0.95 0.1 2 110 100 1"
    assert lines[2].split("\t")[3:5] == ["nan", "inf"]


def test_summary_is_written(tmp_path: Path) -> None:
    write_summary(summarise(cohort_of([0.9, 0.8], [2.0, 1.0])), tmp_path / "summary.tsv")
    lines = (tmp_path / "summary.tsv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + len(MEASURES)
    assert lines[1].split("\t") == ["caudate", "left", "dice", "2", "0.85", "0.0707107", "0.8", "scan2", "0", "0"]


def test_refuses_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"scores\.tsv"):
        write_scores(Cohort(()), tmp_path / "file" / "scores.tsv")
