"""The baselines' recipes: how each is made and trained, small for two cores or as published."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from deepgray.errors import SettingsError

UNET, CGAN, SE_CGAN, NNUNET = "unet", "cgan", "se-cgan", "nnunet"
BASELINES = (UNET, CGAN, SE_CGAN, NNUNET)
INTENSITIES = ("z-score", "min-max")
FIDELITIES = ("dice", "l1")
PRESETS = ("coarse", "quick", "full")


@dataclass(frozen=True)
class Augmentation:
    """What happens to a crop while a network learns from it; each with its own chance. Nothing where all are zero.

    Attributes:
        chance: Of each of rotation, scaling and blur, 0–1.
        rotation_degrees: Largest rotation about each axis.
        zoom: Smallest and largest scaling.
        blur_voxels: Smallest and largest standard deviation of a Gaussian blur; both zero for none.
        quarter_turns: Whether crops are turned by 0, 90, 180 or 270 degrees about the third axis.
        mirroring: Whether crops and labels are mirrored along each axis and keep the names of their sides: what
            nnU-Net does unless told not to, and what breaks sides.
    """

    chance: float = 0.2
    rotation_degrees: float = 30.0
    zoom: tuple[float, float] = (0.7, 1.4)
    blur_voxels: tuple[float, float] = (0.5, 1.0)
    quarter_turns: bool = False
    mirroring: bool = False


# Four-fold rotations and nothing else: what the U-Net and the conditional GANs of work B saw.
FOUR_FOLD = Augmentation(chance=0.0, quarter_turns=True)


@dataclass(frozen=True)
class Adversary:
    """The patch discriminator of a conditional GAN, and what it is weighed against.

    After Isola 2017 (doi:10.1109/CVPR.2017.632): the discriminator sees the image and a map of classes, and says of
    each patch whether the map is true. The generator's loss is ``weight`` times the adversarial term plus
    ``fidelity_weight`` times what keeps it to the truth. Work B states neither term nor weights.

    Attributes:
        widths: Channels of the discriminator's strided convolutions.
        weight: Of the adversarial term.
        fidelity: ``dice`` (soft Dice plus cross entropy) or ``l1`` (mean absolute difference of the shares).
        fidelity_weight: Of that term.
        learning_rate: Of the discriminator's Adam.
    """

    widths: tuple[int, ...] = (64, 128, 256)
    weight: float = 0.1
    fidelity: str = "dice"
    fidelity_weight: float = 1.0
    learning_rate: float = 2e-4

    def __post_init__(self) -> None:
        if self.fidelity not in FIDELITIES:
            raise SettingsError(f"One of {', '.join(FIDELITIES)} is wanted, '{self.fidelity}' came.")


@dataclass(frozen=True)
class BaselineSettings:
    """How one baseline is made and trained.

    Attributes:
        arm: One of ``BASELINES``.
        spacing_mm: Voxel size of the crop.
        shape: Voxels of the crop.
        widths: Channels of each level, finest first.
        intensity: ``z-score`` or ``min-max``, of the crop.
        augmentation: What happens to crops.
        adversary: The discriminator, or None.
        learning_rate: Of SGD with Nesterov momentum (nnU-Net), or of Adam.
        steps: Steps of training.
        batch: Crops of a step.
        validate_every: Steps between two validations, each a checkpoint.
        seed: Of everything random.

    Raises:
        SettingsError: A name is unknown, or the crop cannot be halved often enough.
    """

    arm: str
    spacing_mm: float = 1.0
    shape: tuple[int, int, int] = (128, 128, 48)
    widths: tuple[int, ...] = (32, 64, 128, 256)
    intensity: str = "min-max"
    augmentation: Augmentation = FOUR_FOLD
    adversary: Adversary | None = None
    learning_rate: float = 2e-4
    steps: int = 50_000
    batch: int = 2
    validate_every: int = 500
    seed: int = 1

    def __post_init__(self) -> None:
        for word, known in ((self.arm, BASELINES), (self.intensity, INTENSITIES)):
            if word not in known:
                raise SettingsError(f"One of {', '.join(known)} is wanted, '{word}' came.")
        if (self.arm in (CGAN, SE_CGAN)) != (self.adversary is not None):
            raise SettingsError(f"An adversary is wanted for the conditional GANs only, '{self.arm}' came.")
        if min(self.steps, self.batch, self.validate_every) < 1 or len(self.widths) < 2:
            raise SettingsError("Steps, batch and validation above 0 and two levels or more are wanted.")
        halvings = len(self.widths) - 1
        wanted = [2**halvings] * 2 + [2 ** (halvings - 1 if self.arm == NNUNET else halvings)]
        if any(n % w for n, w in zip(self.shape, wanted, strict=True)):
            raise SettingsError(f"A crop of multiples of {wanted} voxels is wanted, {self.shape} came.")

    def to_json(self) -> str:
        """The settings as JSON text."""
        return json.dumps(asdict(self), sort_keys=True)


def settings_from_json(text: str) -> BaselineSettings:
    """The settings that ``BaselineSettings.to_json`` wrote."""
    values = _as_tuples(json.loads(text))
    values["augmentation"] = Augmentation(**_as_tuples(values["augmentation"]))
    if values["adversary"] is not None:
        values["adversary"] = Adversary(**_as_tuples(values["adversary"]))
    return BaselineSettings(**values)


def _as_tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}


# Work B's network: one level of 1×3×3 convolutions, five of 3×3×3. At most 1000 epochs of 250 steps, as nnU-Net has
# them; widths are nnU-Net's (Isensee 2021, doi:10.1038/s41592-020-01008-z).
_FULL_NNUNET = BaselineSettings(
    NNUNET,
    widths=(32, 64, 128, 256, 320, 320),
    intensity="z-score",
    augmentation=Augmentation(),
    learning_rate=0.01,
    steps=250_000,
    validate_every=250,
)
_FULL_UNET = BaselineSettings(UNET, widths=(32, 64, 128, 256, 320))
# Voxel size and shape of the crop, and steps of nnU-Net: SGD with momentum .99 begins slowly; after 500 steps its Dice
# was still below .3. At 3 mm it was .73 on those who validate after 1200 of 2500 steps, and at most .74 afterwards.
_SMALLER = {"quick": (2.0, (64, 64, 24), 2500), "coarse": (3.0, (48, 48, 16), 1300)}


@dataclass(frozen=True)
class Preset:
    """The recipes of all baselines at one size.

    Attributes:
        name: One of ``PRESETS``.
        recipes: By baseline.
    """

    name: str
    recipes: dict[str, BaselineSettings] = field(default_factory=dict)


def preset(name: str) -> Preset:
    """The recipes at one size.

    Args:
        name: ``full`` (1 mm, widths and steps as published or as nnU-Net has them: a GPU's work), ``quick`` (2 mm
            and few channels: ten to 25 minutes on one core for each) or ``coarse`` (the same at 3 mm, for processors
            without AMX, where ``quick`` takes 40 to 100 minutes).

    Raises:
        SettingsError: No such size.
    """
    if name not in PRESETS:
        raise SettingsError(f"One of {', '.join(PRESETS)} is wanted, '{name}' came.")
    gans = {CGAN: Adversary(), SE_CGAN: Adversary()}
    full = {UNET: _FULL_UNET, NNUNET: _FULL_NNUNET}
    full |= {arm: replace(_FULL_UNET, arm=arm, adversary=adversary) for arm, adversary in gans.items()}
    if name == "full":
        return Preset(name, full)
    return Preset(name, {arm: _smaller(recipe, *_SMALLER[name]) for arm, recipe in full.items()})


def _smaller(
    recipe: BaselineSettings, spacing_mm: float, shape: tuple[int, int, int], nnunet_steps: int
) -> BaselineSettings:
    ours = recipe.arm == NNUNET
    small = replace(
        recipe,
        shape=shape,
        spacing_mm=spacing_mm,
        widths=(16, 32, 64, 64, 64) if ours else (16, 32, 64, 64),
        learning_rate=recipe.learning_rate if ours else 1e-3,
        steps=nnunet_steps if ours else 1000,
        validate_every=100,
    )
    if recipe.adversary is None:
        return small
    return replace(small, adversary=replace(recipe.adversary, widths=(8, 16, 32)))
