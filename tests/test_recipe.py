from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from deepgray.errors import SettingsError
from deepgray.recipe import Plausible, Recipe, Task, recipe_from_json, task_from_mapping
from deepgray.space import Box

RECIPE = Recipe(
    name="striatum-outline",
    version="1",
    modality="mr",
    spacing_mm=1.0,
    low_mm=(-48.0, -40.0, -28.0),
    high_mm=(0.0, 24.0, 28.0),
    mirrored=True,
    inputs=("image",),
    outputs=("caudate", "putamen"),
)
WIDE = {"wide_low_mm": (-96.0, -100.0, -80.0), "wide_high_mm": (96.0, 80.0, 80.0), "wide_spacing_mm": 2.0}
TASK = {
    "name": "striatum",
    "title": "Striatum on any MR contrast",
    "modality": "mr",
    "scheme": "striatum",
    "locate_model": "head-locate",
    "outline_model": "striatum-outline",
    "review_above": 0.2,
}


def test_a_recipe_has_a_box() -> None:
    assert RECIPE.box == Box((-48.0, -40.0, -28.0), (0.0, 24.0, 28.0))


def test_a_recipe_reads_from_the_json_that_a_network_file_holds() -> None:
    text = (
        '{"name": "striatum-outline", "version": "1", "modality": "mr", "spacing_mm": 1.0,'
        ' "low_mm": [-48.0, -40.0, -28.0], "high_mm": [0.0, 24.0, 28.0], "mirrored": true,'
        ' "inputs": ["image"], "outputs": ["caudate", "putamen"], "intensity": "percentiles",'
        ' "border_logit": 0.0, "sides_alike": 0.0}'
    )
    assert recipe_from_json(text) == RECIPE
    assert json.loads(RECIPE.to_json()) == json.loads(text)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"spacing_mm": 0.0}, "spacing"),
        ({"spacing_mm": float("nan")}, "spacing"),
        ({"sides_alike": 1.5}, "sides_alike"),
        ({"sides_alike": float("nan")}, "sides_alike"),
        ({"sides_alike": 0.5, "mirrored": False}, "sides_alike"),
        ({"output_logits": (0.5,)}, "output_logits for 2 outputs, or none, are wanted, 1 came"),
        ({"inputs": ()}, "begin with 'image'"),
        ({"inputs": ("caudate", "image")}, "begin with 'image'"),
        ({"high_mm": (-50.0, 24.0, 28.0)}, "box"),
        ({"high_mm": (0.0, 24.0)}, "box"),
        ({"wide_spacing_mm": 2.0}, "together, or none"),
        ({**WIDE, "wide_low_mm": None}, "together, or none"),
        ({**WIDE, "wide_low_mm": (-97.0, -100.0, -80.0)}, "does not lie on voxels of what is seen"),
        ({**WIDE, "wide_low_mm": (-40.0, -100.0, -80.0)}, "does not lie on voxels of what is seen"),
        ({**WIDE, "mirrored": False}, "does not lie on voxels of what is seen"),
    ],
)
def test_a_recipe_out_of_range_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=f"striatum-outline.*{words}"):
        replace(RECIPE, **change)  # type: ignore[arg-type]


def test_a_wide_recipe_sees_more_than_it_answers_for() -> None:
    wide = replace(RECIPE, **WIDE)  # type: ignore[arg-type]
    assert wide.is_wide
    assert not RECIPE.is_wide
    assert wide.grid.shape == RECIPE.grid.shape == RECIPE.seen.shape == (48, 64, 56)
    assert wide.seen.shape == (96, 90, 80)
    # both sides of the box, 2 mm a voxel: from 48 mm left to 48 mm right of the middle
    assert wide.near == (slice(24, 72), slice(30, 62), slice(26, 54))
    assert RECIPE.near == ()
    assert recipe_from_json(wide.to_json()) == wide


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", "{}", '{"name": "x"}'])
def test_text_that_is_no_recipe_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="wanted"):
        recipe_from_json(text)


def test_a_recipe_with_an_unknown_key_is_refused() -> None:
    values = asdict(RECIPE) | {"colour": "red"}
    with pytest.raises(SettingsError, match=r"\['colour'\] came besides"):
        recipe_from_json(json.dumps(values))


def test_a_task_from_the_keys_of_a_file() -> None:
    task = task_from_mapping(TASK | {"subdivide_scheme": "striatum12"}, "striatum.toml")
    assert isinstance(task, Task)
    assert (task.name, task.review_above, task.subdivide_scheme, task.subdivide_model) == (
        "striatum",
        0.2,
        "striatum12",
        "",
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colour": "red"}, "colour came"),
        ({"review_above": "often"}, "a number is wanted for 'review_above', 'often' came"),
        ({"review_above": True}, "a number is wanted for 'review_above'"),
        ({"scheme": 12}, "text is wanted for 'scheme', 12 came"),
    ],
)
def test_a_task_file_that_is_not_understood(change: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=f"mine.toml: .*{words}"):
        task_from_mapping(TASK | change, "mine.toml")


def test_a_task_file_without_a_needed_key() -> None:
    with pytest.raises(SettingsError, match="outline_model"):
        task_from_mapping({key: value for key, value in TASK.items() if key != "outline_model"}, "mine.toml")


QSM_TASK = {
    "name": "x", "title": "X", "modality": "qsm", "scheme": "dentate2", "locate_model": "l", "outline_model": "o",
    "review_above": 0.3,
}  # fmt: skip


def test_a_task_names_its_measures() -> None:
    task = task_from_mapping({**QSM_TASK, "measures": ["volume", "susceptibility"], "note": "N."}, "x.toml")
    assert (task.measures, task.note, task.also_model) == (("volume", "susceptibility"), "N.", "")
    assert task_from_mapping(QSM_TASK, "x.toml").measures == ("volume",)


@pytest.mark.parametrize("measures", ["volume", [], ["colour"], [1]])
def test_measures_that_are_not_known_are_refused(measures: object) -> None:
    with pytest.raises(
        SettingsError, match=r"x\.toml: names of volume, susceptibility, binding are wanted for 'measures'"
    ):
        task_from_mapping({**QSM_TASK, "measures": measures}, "x.toml")


def test_susceptibility_is_measured_on_susceptibility_maps_only() -> None:
    with pytest.raises(SettingsError, match="the modality 'qsm' is wanted for the measure 'susceptibility'"):
        task_from_mapping({**QSM_TASK, "modality": "mr", "measures": ["susceptibility"]}, "x.toml")


def test_a_task_may_bound_what_its_outlines_are() -> None:
    tables = [
        {"structure": "dentate nucleus", "volume_mm3": [330, 1900.0], "side_ratio": 2, "mean_ppm": [-0.05, 0.35]},
        {"structure": "caudate", "side_ratio": 1.5},
    ]
    task = task_from_mapping({**QSM_TASK, "plausible": tables}, "x.toml")
    assert task.plausible == (
        Plausible("dentate nucleus", volume_mm3=(330, 1900), side_ratio=2, mean_ppm=(-0.05, 0.35)),
        Plausible("caudate", side_ratio=1.5),
    )
    assert task_from_mapping(QSM_TASK, "x.toml").plausible == ()


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        (3, r"in \[\[plausible\]\] a structure, .* are wanted; 3 came"),
        ([3], "a structure, .* are wanted; 3 came"),
        ([{"volume_mm3": [1, 2]}], "a structure, .* are wanted"),
        ([{"structure": "caudate", "volume": [1, 2]}], "a structure, .* are wanted"),
        ([{"structure": "caudate", "volume_mm3": 2}], "a structure, .* are wanted"),
        ([{"structure": "caudate", "side_ratio": [1]}], "a structure, .* are wanted"),
        ([{"structure": "caudate", "volume_mm3": [True, "a"]}], "a structure, .* are wanted"),
        ([{"structure": "tail"}], "a structure such as 'caudate' is wanted in 'plausible', 'tail' came"),
        ([{"structure": "caudate"}], "at least one bound is wanted"),
        (
            [{"structure": "caudate", "volume_mm3": [2, 1]}],
            r"caudate: a lower and a higher volume_mm3 .* \[2, 1\] came",
        ),
        ([{"structure": "caudate", "mean_ppm": [1]}], "a lower and a higher mean_ppm"),
        ([{"structure": "caudate", "side_ratio": 0.5}], "a side_ratio of 1 or more is wanted, 0.5 came"),
    ],
)
def test_bounds_that_are_not_understood_are_refused(bounds: object, words: str) -> None:
    with pytest.raises(SettingsError, match=rf"x\.toml: (?i:.*{words})"):
        task_from_mapping({**QSM_TASK, "plausible": bounds}, "x.toml")
