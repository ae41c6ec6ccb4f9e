from __future__ import annotations

import json
from pathlib import Path

import pytest

from deepgray.anatomy import Side, scheme
from deepgray.errors import SettingsError
from deepgray.train.settings import PARTS, RECIPES, PairSettings, StartSettings, TrainSettings

PLACES = {"anatomies": Path("labels"), "out": Path("run")}


@pytest.mark.parametrize("name", list(RECIPES))
def test_recipes_carry_their_own_name(name: str) -> None:
    assert RECIPES[name].name == name
    assert TrainSettings(name, **PLACES, camera=int(RECIPES[name].is_wide)).recipe is RECIPES[name]


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
        ({"batch": 0}, "Positive steps, batch"),
        ({"camera": -1}, "people in the camera, 0 or more"),
        ({"camera": 9}, "A network for SPECT .* 'striatum-outline' came"),
        ({"network": "datspect-wide"}, "People in the camera are wanted for 'datspect-wide'"),
        ({"network": "datspect-wide", "camera": 9, "anatomies": None, "pairs": PairSettings(Path("b"))}, "for pairs"),
        ({"atrophied": -2}, "-2 and 0 came"),
    ],
)
def test_settings_out_of_range_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        TrainSettings(**{"network": "striatum-outline", **PLACES, **changes})  # type: ignore[arg-type]


def test_pairs_bring_their_own_classes_and_borders(tmp_path: Path) -> None:
    pairs = PairSettings(tmp_path, "striatum4")
    recipe = TrainSettings("striatum-outline", None, tmp_path, pairs=pairs).recipe
    assert recipe.outputs == ("caudate", "putamen")
    assert recipe.border_logit == 0
    assert RECIPES["datspect-outline"].border_logit != 0
    assert TrainSettings("datspect-outline", None, tmp_path, pairs=pairs).recipe.border_logit == 0
    assert recipe.box == RECIPES["striatum-outline"].box
    own = TrainSettings("striatum-outline", None, tmp_path, pairs=PairSettings(tmp_path)).recipe
    assert own.outputs == RECIPES["striatum-outline"].outputs


@pytest.mark.parametrize(("anatomies", "pairs"), [(None, None), (Path("a"), PairSettings(Path("b")))])
def test_either_label_maps_or_pairs_are_wanted(tmp_path: Path, anatomies: Path, pairs: PairSettings) -> None:
    with pytest.raises(SettingsError, match=r"Either label maps to simulate scans from or pairs"):
        TrainSettings("striatum-outline", anatomies, tmp_path, pairs=pairs)


def test_structures_without_a_side_and_other_shares_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"Structures with a side are wanted .* brainstem"):
        PairSettings(tmp_path, "coarse").labels_of("striatum-outline")
    with pytest.raises(SettingsError, match=r"A share between 0 and 1"):
        PairSettings(tmp_path, held_out_share=1.0)
    with pytest.raises(SettingsError, match=r"0 or more, are wanted; -1 came"):
        StartSettings(tmp_path, freeze=-1)
