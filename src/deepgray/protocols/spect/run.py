"""Protocol B from beginning to end: people, baselines, outlines, turned and mirrored heads; each step kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from deepgray.errors import SettingsError
from deepgray.protocols.spect.arms import OWN, THRESHOLD, Arm, Baseline, Own, Threshold
from deepgray.protocols.spect.cases import MIRRORED, UPRIGHT, Row, judged, read_rows, write_rows
from deepgray.protocols.spect.sets import SETS, TEST, TRAIN, VALIDATE, Case, Heads, Subject, cropped, made
from deepgray.protocols.spect.turned import AXES, angles, condition, mirrored, turned
from deepgray.simulate.whole_head_spect import SpectSettings
from deepgray.train.baselines.fitting import Trained, fit
from deepgray.train.baselines.recipes import BASELINES, NNUNET, BaselineSettings
from deepgray.train.slice_training import Cases

ARMS = (OWN, NNUNET, *(name for name in BASELINES if name != NNUNET), THRESHOLD)
WITHOUT_BLUR, WITH_MIRRORING = "nnunet without blur", "nnunet with mirroring"
ABLATIONS = (WITHOUT_BLUR, WITH_MIRRORING)
Told = Callable[[str], None]


@dataclass(frozen=True)
class Design:
    """The size of a protocol B.

    Attributes:
        recipes: Of the baselines, by name.
        arms: Who outlines, of ``ARMS``.
        ablations: Whether work B's network is trained without blur and with mirroring too.
        turned_scans: Test scans whose head is turned.
        turn_step_degrees: From one angle to the next, up to 180.
        how: How people are drawn.

    Raises:
        SettingsError: An arm is unknown, or a number is not positive.
    """

    recipes: Mapping[str, BaselineSettings]
    arms: tuple[str, ...] = ARMS
    ablations: bool = False
    turned_scans: int = 4
    turn_step_degrees: float = 30.0
    how: SpectSettings = field(default_factory=SpectSettings)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.arms) - set(ARMS))
        if unknown or not self.arms:
            raise SettingsError(f"Arms of {', '.join(ARMS)} are wanted, {', '.join(unknown) or 'none'} came.")
        if self.turned_scans < 0 or not 0 < self.turn_step_degrees <= 180:
            raise SettingsError(
                f"No or more turned scans and a step of 0 to 180 degrees are wanted; {self.turned_scans} and "
                f"{self.turn_step_degrees:g} came."
            )

    def trained(self) -> dict[str, BaselineSettings]:
        """The recipes that are trained, by the name of the arm."""
        out = {name: self.recipes[name] for name in self.arms if name in self.recipes}
        if self.ablations:
            nnunet = self.recipes[NNUNET]
            changes = (
                replace(nnunet.augmentation, blur_voxels=(0.0, 0.0)),
                replace(nnunet.augmentation, mirroring=True),
            )
            out |= {n: replace(nnunet, augmentation=how) for n, how in zip(ABLATIONS, changes, strict=True)}
        return out


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a protocol B gave.

    Attributes:
        rows: Of every arm, scan, condition and structure.
        trained: The baselines, by the name of the arm.
    """

    rows: tuple[Row, ...]
    trained: Mapping[str, Trained]


def run(planned: tuple[Subject, ...], heads: Heads, out: Path, *, design: Design, told: Told) -> Outcome:
    """Run the protocol, or go on where it stopped.

    Args:
        planned: The people, from ``sets.plan``.
        heads: Gives a head by its name.
        out: Folder: ``people``, ``arms`` and ``cases`` in it keep what is finished.
        design: Arms and sizes.
        told: Is told how far it is.

    Raises:
        SettingsError: The folder was made with other settings or people.
        ModelError: A network of deepgray's own path is missing.
    """
    by_set = {name: tuple(one for one in planned if one.group == name) for name in SETS}
    wanted = planned if design.trained() else by_set[TEST]
    for number, case in enumerate(made(wanted, heads, out / "people", how=design.how), start=1):
        told(f"people: {number} of {len(wanted)}, {case.name}")

    def people(group: str) -> Iterator[Case]:
        return made(by_set[group], heads, out / "people", how=design.how)

    trained = train(design.trained(), people, out / "arms", told=told)
    plain: dict[str, Callable[[], Arm]] = {OWN: Own, THRESHOLD: Threshold}
    arms = [plain[name]() if name in plain else Baseline(name, trained[name]) for name in design.arms]
    arms += [Baseline(name, trained[name]) for name in trained if name in ABLATIONS]
    rows: list[Row] = []
    for number, case in enumerate(people(TEST)):
        told(f"outlines: {number + 1} of {len(by_set[TEST])}, {case.name}")
        for where, there in conditions(case, design, is_turned=_chosen(number, len(by_set[TEST]), design.turned_scans)):
            rows += _outlined(case.name, there, where, arms, out / "cases")
    order = {arm.name: place for place, arm in enumerate(arms)}
    return Outcome(tuple(sorted(rows, key=lambda row: order[row.arm])), trained)


def train(
    recipes: Mapping[str, BaselineSettings], people: Callable[[str], Iterable[Case]], folder: Path, *, told: Told
) -> dict[str, Trained]:
    """Train the baselines, each in a folder of its own, or take those that are finished.

    Args:
        recipes: By the name of the arm.
        people: Gives those of a set.
        folder: Where they are kept.
        told: Is told how far it is.
    """
    crops: dict[tuple[object, ...], tuple[Cases, Cases]] = {}
    trained = {}
    for name, how in recipes.items():
        size = (how.shape, how.spacing_mm)
        if size not in crops:
            training, validation = (cropped(people(group), *size) for group in (TRAIN, VALIDATE))
            crops[size] = (training, validation)
        trained[name] = fit(*crops[size], how, folder=folder / name.replace(" ", "-"), told=told)
    return trained


def conditions(case: Case, design: Design, *, is_turned: bool) -> Iterator[tuple[str, Callable[[], Case]]]:
    """The conditions under which a scan is outlined, and how to make each; nothing is made before it is wanted."""
    yield UPRIGHT, lambda: case
    if design.ablations:
        yield MIRRORED, partial(mirrored, case)
    if is_turned:
        for axis in AXES:
            for degrees in angles(design.turn_step_degrees):
                yield condition(axis, degrees), partial(turned, case, axis, degrees)


def _chosen(number: int, count: int, wanted: int) -> bool:
    """Whether a scan is among those that are turned, which are spread evenly over all."""
    return wanted > 0 and number in {round(i * (count - 1) / max(1, wanted - 1)) for i in range(wanted)}


def _outlined(name: str, make: Callable[[], Case], where: str, arms: Iterable[Arm], folder: Path) -> Iterator[Row]:
    """Rows of all arms that take part in a condition, from their tables where they are finished."""
    case: Case | None = None
    for arm in arms:
        if arm.name in ABLATIONS and where not in (UPRIGHT, MIRRORED):
            continue
        table = folder / arm.key / where.replace(" ", "-") / f"{name}.tsv"
        if not table.exists():
            case = case or make()
            write_rows(table, judged(arm.outline(case), case, arm=arm.name, condition=where))
        yield from read_rows(table)
