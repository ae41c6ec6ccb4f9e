"""Protocol A from beginning to end: atlases, the network of one stage, people, arms; each step kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepgray.errors import AnatomyError, MaskError
from deepgray.measure.tracer import registered
from deepgray.pipeline import find_head
from deepgray.protocols.striatum.arms import CASCADE, ONE_STAGE, RUN, Seen, Tools
from deepgray.protocols.striatum.atlas import PARTS, Atlas, RegistrationSettings, make_atlas, read_atlas, write_atlas
from deepgray.protocols.striatum.cases import Row, judged, read_rows, write_rows
from deepgray.protocols.striatum.doubt import disagreement, doubts, read_doubts, write_doubts
from deepgray.protocols.striatum.people import Heads, Person
from deepgray.protocols.striatum.shelf import scanned
from deepgray.protocols.striatum.views import View, keep_labels, keep_scan, read_view
from deepgray.result import Examination, Registered, Registration, Tracer
from deepgray.scan import LabelMap
from deepgray.simulate.whole_head import WholeHead
from deepgray.simulate.whole_head_pet import SimulatedPet
from deepgray.train.export import export
from deepgray.train.loop import train
from deepgray.train.settings import TrainSettings

Told = Callable[[str], None]
ATLAS_SEED = 7


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a protocol A gave.

    Attributes:
        rows: Of every arm that ran, person, subregion and side.
        doubts: Scores of each person by their names, higher is less sure.
    """

    rows: tuple[Row, ...]
    doubts: dict[str, dict[str, float]]


def atlases_of(
    names: Sequence[str], heads: Callable[[str], WholeHead], folder: Path, *, settings: RegistrationSettings, told: Told
) -> tuple[Atlas, ...]:
    """Labelled heads for the atlas arm, made once.

    Args:
        names: Names of heads that judge nothing.
        heads: Makes one ready.
        folder: Where they are kept.
        settings: Of the registration: the voxels of the box.
        told: Is told how far it is.
    """
    found = []
    for name in names:
        path = folder / f"{name}_{settings.spacing_mm:g}mm.npz"
        if not path.exists():
            told(f"atlas: {name}")
            write_atlas(path, make_atlas(heads(name), settings, seed=ATLAS_SEED))
        found.append(read_atlas(path))
    return tuple(found)


def one_stage_of(settings: TrainSettings) -> Path:
    """The network file of one stage, trained in its folder, or gone on with; what is finished is not trained again.

    Args:
        settings: The run; its network is ``striatum-one-stage``.
    """
    path = settings.out.with_suffix(".onnx")
    if not path.exists():
        export(train(settings), path)
    return path


def run(planned: Sequence[Person], heads: Heads, out: Path, *, tools: Tools, told: Told) -> Outcome:
    """Run the protocol, or go on where it stopped.

    Args:
        planned: The people, from ``people.plan``.
        heads: Gives a person's head, after what was lost.
        out: Folder: ``people`` and ``cases`` in it keep what is finished.
        tools: What the arms need; without atlases, or without a network of one stage, that arm is left out.
        told: Is told how far it is.

    Raises:
        ModelError: A network of deepgray's own path is missing.
        MissingExtraError: The registration is not installed.
    """
    arms = [arm for arm in RUN if tools.atlases or arm != RUN[0]]
    arms = [arm for arm in arms if tools.one_stage is not None or arm != ONE_STAGE]
    rows: list[Row] = []
    found: dict[str, dict[str, float]] = {}
    for number, person in enumerate(planned, start=1):
        told(f"{number} of {len(planned)}: {person.name}")
        folder = out / "cases" / person.name
        missing = [arm for arm in arms if not (folder / f"{key_of(arm)}.tsv").exists()]
        if missing:
            _do(person, scanned(person, heads, out / "people"), folder, arms=missing, tools=tools)
        for arm in arms:
            rows += read_rows(folder / f"{key_of(arm)}.tsv")
        found[person.name] = _doubts(folder)
    order = {arm: place for place, arm in enumerate(arms)}
    return Outcome(tuple(sorted(rows, key=lambda row: order[row.arm])), found)


def key_of(arm: str) -> str:
    """The arm in names of files."""
    return arm.replace(",", "").replace(" + ", "-").replace(" ", "-")


def view_of(out: Path, person: str, arms: Iterable[str]) -> View:
    """What was kept of a person to look at.

    Args:
        out: Folder of the protocol.
        person: Name.
        arms: Whose outlines; those that are not there are left out.
    """
    return read_view(out / "cases" / person, {arm: key_of(arm) for arm in arms})


def _do(person: Person, made: SimulatedPet, folder: Path, *, arms: Sequence[str], tools: Tools) -> None:
    """Outline one person by some arms; an arm's table is written last."""
    keep_scan(folder, made)
    try:
        head = find_head(Examination(made.mr), "striatum", options=tools.options)
    except AnatomyError as error:
        for arm in arms:
            _write(folder, judged(_nothing(made), person, made, seen=None, words=(arm, str(error))))
        return
    seen = Seen(head, made.labels["striatum"], person.seed, tools)
    known = Registration(made.mr_from_pet, math.nan, 1.0, "known motion")
    measured: Registered = registered(made.mr, head.pose, Tracer(made.pet), known)
    for arm in arms:
        failure = ""
        try:
            labels = seen.outlined(arm)
        except (AnatomyError, MaskError) as error:
            labels, failure = _nothing(made), str(error)
        if arm == CASCADE and not failure:
            write_doubts(folder / "doubts.tsv", doubts(seen.result))
        keep_labels(folder, key_of(arm), labels)
        _write(folder, judged(labels, person, made, seen=measured, words=(arm, failure)))


def _write(folder: Path, rows: Sequence[Row]) -> None:
    write_rows(folder / f"{key_of(rows[0].arm)}.tsv", rows)


def _nothing(made: SimulatedPet) -> LabelMap:
    truth = made.labels["striatum12"]
    return LabelMap(np.zeros(truth.voxels.shape, dtype=np.int16), truth.affine_ras, PARTS)


def _doubts(folder: Path) -> dict[str, float]:
    """Scores of one person, and how far arms that need no second look differ from the cascade."""
    path = folder / "doubts.tsv"
    if not path.exists():
        return {}
    view = read_view(folder, {arm: key_of(arm) for arm in RUN})
    others = {arm: view.outlines[arm] for arm in RUN[:2] if arm in view.outlines}
    return read_doubts(path) | {
        f"{arm} against cascade": disagreement(labels, view.outlines[CASCADE]) for arm, labels in others.items()
    }
