import math
from pathlib import Path

import pytest

from deepgray.errors import DuplicateStemError, InputError, SettingsError
from deepgray.evaluate import MeasureName, pair_measures

TITLES = "structure\tside\tlabel\tquantity\tvalue\tunit\tlower\tupper\treference\tmethod"
VOLUME = MeasureName("red nucleus", "left", "volume")
PPM = MeasureName("red nucleus", "left", "susceptibility_mean")


def save(folder: Path, stem: str, *rows: str) -> Path:
    """A scan's measures; a row is structure, side, quantity, value, unit and reference region, parted by commas."""
    path = folder / stem / f"{stem}_measures.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [TITLES]
    for structure, side, quantity, value, unit, region in (row.split(",") for row in rows):
        lines.append("\t".join([structure, side, "1", quantity, value, unit, "", "", region, "counted"]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def row(value: object, *, unit: str = "mm3") -> str:
    return f"red nucleus,left,volume,{value},{unit},"


def test_measures_are_paired_scan_by_scan(tmp_path: Path) -> None:
    for stem, ours, truth in (("b_T1w", "300", "310"), ("a_T1w", "280.5", "n/a")):
        save(tmp_path / "ours", stem, f"red nucleus,left,susceptibility_mean,0.1,ppm,csf: {ours} ppm", row(ours))
        save(tmp_path / "truth", stem, row(truth), "red nucleus,left,susceptibility_mean,0.2,ppm,none")
    found = pair_measures(tmp_path / "ours", tmp_path / "truth")
    assert [one.name for one in found.measures] == [PPM, VOLUME]
    ppm, volume = found.measures
    assert (volume.stems, volume.unit, volume.measured) == (("a_T1w", "b_T1w"), "mm3", (280.5, 300))
    assert math.isnan(volume.reference[0])
    assert volume.reference[1] == 310
    assert (ppm.measured_regions, ppm.reference_regions) == (("csf",), ("none",))
    assert (found.unpaired, found.alone) == ((), ())


def test_other_kinds_of_image_of_one_scan_belong_together(tmp_path: Path) -> None:
    save(tmp_path / "ours", "sub-1_T1w", row(1))
    save(tmp_path / "truth", "sub-1_dseg_desc-striatum12", row(2))
    only = save(tmp_path / "truth", "sub-2", row(2))
    found = pair_measures(tmp_path / "ours", tmp_path / "truth")
    assert found.measures[0].stems == ("sub-1",)
    assert found.unpaired == (only,)


def test_exact_names_go_before_similar_ones(tmp_path: Path) -> None:
    for folder in ("ours", "truth"):
        for stem in ("sub-1_T1w", "sub-1_T2w"):
            save(tmp_path / folder, stem, row(1))
    assert pair_measures(tmp_path / "ours", tmp_path / "truth").measures[0].stems == ("sub-1_T1w", "sub-1_T2w")


def test_what_only_some_have_is_a_gap_or_left_out(tmp_path: Path) -> None:
    save(tmp_path / "ours", "a", row(1), "dentate,left,volume,5,mm3,")
    save(tmp_path / "ours", "b", row(2))
    save(tmp_path / "truth", "a", row(3), "red nucleus,right,volume,5,mm3,")
    save(tmp_path / "truth", "b", "red nucleus,right,volume,5,mm3,")
    found = pair_measures(tmp_path / "ours", tmp_path / "truth")
    assert [one.name for one in found.measures] == [VOLUME]
    assert found.measures[0].measured == (1, 2)
    assert math.isnan(found.measures[0].reference[1])
    assert found.alone == (MeasureName("dentate", "left", "volume"), MeasureName("red nucleus", "right", "volume"))


def test_quantities_are_chosen(tmp_path: Path) -> None:
    for folder in ("ours", "truth"):
        save(tmp_path / folder, "a", row(1), "red nucleus,left,susceptibility_mean,0.1,ppm,")
    found = pair_measures(tmp_path / "ours", tmp_path / "truth", quantities=["susceptibility_mean"])
    assert [one.name for one in found.measures] == [PPM]
    with pytest.raises(SettingsError, match="volume, susceptibility_mean; 'iron' came"):
        pair_measures(tmp_path / "ours", tmp_path / "truth", quantities=["iron"])


def test_two_units_of_one_quantity_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "ours", "a", row(1))
    save(tmp_path / "truth", "a", row(1, unit="ml"))
    with pytest.raises(InputError, match="One unit is wanted for red nucleus left volume, mm3 and ml came"):
        pair_measures(tmp_path / "ours", tmp_path / "truth")


def test_folders_without_a_scan_in_common_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "ours", "a", row(1))
    save(tmp_path / "truth", "b", row(1))
    with pytest.raises(SettingsError, match=r"of 1 files .* no two names belong together"):
        pair_measures(tmp_path / "ours", tmp_path / "truth")
    with pytest.raises(SettingsError, match="A folder of results is wanted"):
        pair_measures(tmp_path / "ours", tmp_path / "absent")


def test_scans_without_a_measure_in_common_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "ours", "a", row(1))
    save(tmp_path / "truth", "a", "dentate,left,volume,5,mm3,")
    with pytest.raises(SettingsError, match="none in common"):
        pair_measures(tmp_path / "ours", tmp_path / "truth")


def test_two_files_of_one_scan_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "ours" / "first", "a", row(1))
    save(tmp_path / "ours" / "second", "a", row(1))
    save(tmp_path / "truth", "a", row(1))
    with pytest.raises(DuplicateStemError, match="both belong to 'a'"):
        pair_measures(tmp_path / "ours", tmp_path / "truth")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("structure\tside\n", "quantity, value, unit did not come"),
        ("", "structure, side, quantity, value, unit did not come"),
        (f"{TITLES}\nred nucleus\tleft\n", "10 columns are wanted"),
        (f"{TITLES}\n" + 2 * "RN\tleft\t1\tvolume\t1\tmm3\t\t\t\tx\n", "RN left volume came twice"),
        (f"{TITLES}\nRN\tleft\t1\tvolume\tbig\tmm3\t\t\t\tx\n", "'big' came"),
    ],
)
def test_what_is_no_table_of_measures_is_refused(tmp_path: Path, text: str, words: str) -> None:
    save(tmp_path / "ours", "a", row(1)).write_text(text, encoding="utf-8")
    save(tmp_path / "truth", "a", row(1))
    with pytest.raises(InputError, match=words):
        pair_measures(tmp_path / "ours", tmp_path / "truth")
