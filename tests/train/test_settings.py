from __future__ import annotations

import json
from pathlib import Path

import pytest

from deepgray.anatomy import Side, scheme
from deepgray.errors import SettingsError
from deepgray.train.settings import PARTS, RECIPES, TrainSettings

PLACES = {"anatomies": Path("labels"), "out": Path("run")}


@pytest.mark.parametrize("name", list(RECIPES))
def test_recipes_carry_their_own_name(name: str) -> None:
    assert RECIPES[name].name == name
    assert TrainSettings(name, **PLACES).recipe is RECIPES[name]


@pytest.mark.parametrize("name", ["striatum-outline", "striatum-subdivide"])
def test_boxes_are_whole_multiples_of_eight_voxels(name: str) -> None:
    # Four levels halve the grid three times; a box that is enlarged by 8 mm a side must halve too.
    recipe = RECIPES[name]
    for box in (recipe.box, recipe.box.enlarged(8.0)):
        assert all(n % 8 == 0 for n in box.grid(recipe.spacing_mm).shape)


def test_the_box_of_the_whole_head_halves_three_times_after_patches_of_two() -> None:
    recipe = RECIPES["head-locate"]
    assert recipe.box.grid(recipe.spacing_mm).shape == (80, 80, 80)


def test_outputs_are_the_names_of_the_schemes() -> None:
    assert set(RECIPES["striatum-outline"].outputs) == {s.name for s in scheme("striatum").of_side(Side.LEFT)}
    assert set(PARTS) == {s.name for s in scheme("striatum12").of_side(Side.LEFT)}


def test_settings_are_written_as_json() -> None:
    values = json.loads(TrainSettings("striatum-outline", **PLACES, steps=7).to_json())
    assert values["steps"] == 7
    assert values["anatomies"] == "labels"
    assert values["nuclei"] in (None, "None")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"network": "thalamus"}, "'thalamus' came"),
        ({"steps": 0}, "Positive steps"),
        ({"validate_every": 0}, "Positive steps"),
        ({"learning_rate": 0.0}, "Positive steps"),
    ],
)
def test_settings_out_of_range_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        TrainSettings(**{"network": "striatum-outline", **PLACES, **changes})  # type: ignore[arg-type]
