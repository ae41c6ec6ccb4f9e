import math
from pathlib import Path
from xml.etree import ElementTree

import pytest

from deepgray.errors import OutputError
from deepgray.evaluate import (
    MeasureName,
    NamedAgreement,
    agree,
    draw_bland_altman,
    draw_differences,
    draw_scatter,
)

GREEN = "fill: #009e73"


def named(side: str, measured: list[float], structure: str = "subthalamic nucleus") -> NamedAgreement:
    return NamedAgreement(MeasureName(structure, side, "mean_volume"), agree(measured, [2, 4, 6, 8], unit="mm3"))


LEFT, RIGHT = named("left", [3, 5, 5, 11]), named("right", [2, 4.5, 6, 9])


def points(path: Path) -> int:
    styles = [e.get("style", "") for e in ElementTree.parse(path).iter() if e.tag.endswith("use")]
    return sum(GREEN in style for style in styles)


def says(path: Path, *words: str) -> bool:
    text = path.read_text(encoding="utf-8")
    return all(f"<!-- {word} -->" in text or f"\n{word} -->" in text or f"<!-- {word}\n" in text for word in words)


def test_bland_altman_has_a_point_per_pair_and_its_limits(tmp_path: Path) -> None:
    draw_bland_altman([LEFT, RIGHT], tmp_path / "a.svg")
    assert points(tmp_path / "a.svg") == 8
    # Differences 1, 1, -1, 3: mean 1, SD 1.633.
    assert says(tmp_path / "a.svg", "left subthalamic nucleus mean volume", "right subthalamic nucleus mean volume")
    assert says(tmp_path / "a.svg", "bias", "+1.96 SD", "4.2", "−1.96 SD", "−2.2", "Measured − reference (mm³)")


def test_scatter_has_identity_and_regression(tmp_path: Path) -> None:
    draw_scatter([LEFT], tmp_path / "a.svg")
    assert points(tmp_path / "a.svg") == 4 + 1  # and one in the legend
    assert says(tmp_path / "a.svg", "identity", "slope 1.20, R² 0.80", "Reference (mm³)", "Measured (mm³)")


def test_differences_have_a_box_per_side(tmp_path: Path) -> None:
    draw_differences([LEFT, RIGHT], tmp_path / "a.svg")
    assert points(tmp_path / "a.svg") == 8
    assert says(tmp_path / "a.svg", "mean volume", "Measured − reference (mm³)")


@pytest.mark.parametrize("measured", [[math.nan] * 4, [1, math.nan, math.nan, math.nan], [2, 4, 6, 8], [5, 5, 5, 5]])
def test_degenerate_values_are_drawn_too(tmp_path: Path, measured: list[float]) -> None:
    for draw in (draw_bland_altman, draw_scatter, draw_differences):
        draw([named("left", measured), RIGHT], tmp_path / "new" / f"{draw.__name__}.png")
        assert (tmp_path / "new" / f"{draw.__name__}.png").read_bytes().startswith(b"\x89PNG")


def test_no_pairs_are_said(tmp_path: Path) -> None:
    draw_scatter([named("left", [math.nan] * 4)], tmp_path / "a.svg")
    assert says(tmp_path / "a.svg", "no pairs")


def test_an_unknown_kind_of_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"a\.xyz"):
        draw_bland_altman([LEFT], tmp_path / "a.xyz")
