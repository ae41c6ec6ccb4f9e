"""The recipes of the baselines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deepgray.errors import SettingsError
from deepgray.train.baselines.recipes import (
    BASELINES,
    CGAN,
    FOUR_FOLD,
    NNUNET,
    PRESETS,
    SE_CGAN,
    UNET,
    Adversary,
    Augmentation,
    BaselineSettings,
    preset,
    settings_from_json,
)


def test_the_full_nnunet_is_that_of_work_b() -> None:
    how = preset("full").recipes[NNUNET]
    assert (how.spacing_mm, how.shape) == (1.0, (128, 128, 48))
    assert len(how.widths) == 6  # one level of 1×3×3 convolutions, five of 3×3×3
    assert (how.intensity, how.learning_rate, how.steps) == ("z-score", 0.01, 1000 * 250)
    assert not how.augmentation.mirroring
    assert how.augmentation.blur_voxels[1] > 0
    assert how.adversary is None


@pytest.mark.parametrize("name", PRESETS)
def test_the_other_baselines_see_four_fold_rotations_of_scaled_crops(name: str) -> None:
    recipes = preset(name).recipes
    assert set(recipes) == set(BASELINES)
    for arm in (UNET, CGAN, SE_CGAN):
        assert (recipes[arm].intensity, recipes[arm].augmentation) == ("min-max", FOUR_FOLD)
        assert (recipes[arm].adversary is None) == (arm == UNET)
    assert {how.spacing_mm * how.shape[2] for how in recipes.values()} == {48.0}  # the field of view is one


def test_a_recipe_survives_json() -> None:
    for how in preset("quick").recipes.values():
        assert settings_from_json(how.to_json()) == how


def test_nonsense_is_refused() -> None:
    with pytest.raises(SettingsError, match="One of coarse, quick, full is wanted, 'large' came"):
        preset("large")
    with pytest.raises(SettingsError, match=r"multiples of \[8, 8, 8\] voxels is wanted, \(128, 128, 20\) came"):
        BaselineSettings(UNET, shape=(128, 128, 20))
    with pytest.raises(SettingsError, match="An adversary is wanted for the conditional GANs only, 'cgan' came"):
        BaselineSettings(CGAN)
    with pytest.raises(SettingsError, match="One of dice, l1 is wanted, 'l3' came"):
        Adversary(fidelity="l3")
    with pytest.raises(SettingsError, match="Steps, batch and validation above 0"):
        replace(preset("quick").recipes[UNET], steps=0, augmentation=Augmentation())
