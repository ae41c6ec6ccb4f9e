"""The arms of protocol B: deepgray's own path, the threshold, and the trained baselines, each the same from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from deepgray import models
from deepgray.anatomy import Scheme, scheme
from deepgray.errors import AnatomyError, InputError
from deepgray.evaluate.threshold import threshold_striatum
from deepgray.measure.binding import SBR
from deepgray.measure.category import CATEGORY, NAMES
from deepgray.outline import outline_on
from deepgray.pipeline import analyse
from deepgray.protocols.spect.cases import WHOLE, Found, nothing
from deepgray.protocols.spect.sets import Case, crop_centre_mm, crop_grid
from deepgray.result import Result
from deepgray.scan import LabelMap
from deepgray.space import Grid
from deepgray.train.baselines.fitting import Trained, probabilities
from deepgray.voxels.resample import block_of, from_frame, to_frame

TASK = "datspect"
OWN, THRESHOLD = "deepgray", "thr-67"
# A class is looked for where it is at least this likely on the network's own grid; finer voxels lie between those.
LIKELY = 0.05
# The crop in which the threshold looks: that of work B, 128 × 128 × 48 mm.
CROP_SHAPE, CROP_MM = (64, 64, 24), 2.0


class Arm(Protocol):
    """Who outlines."""

    @property
    def name(self) -> str:
        """As tables show it."""
        ...

    @property
    def key(self) -> str:
        """Tells its weights from others, so that a table of an earlier one is not taken for it."""
        ...

    def outline(self, case: Case) -> Found:
        """Outline a scan; a refusal is an empty outline with its reason."""
        ...


@dataclass(frozen=True)
class Own:
    """deepgray's own path, as ``deepgray run --task datspect`` goes."""

    name: str = OWN

    @property
    def key(self) -> str:
        """Checksums of the networks."""
        task = models.task(TASK)
        used = "+".join(models.load(name).weights for name in (task.locate_model, task.outline_model))
        return "-".join([OWN, *(sha256[:8] for sha256 in used.split("+"))])

    def outline(self, case: Case) -> Found:
        """Outline a scan."""
        try:
            result = analyse(case.scan, TASK)
        except (AnatomyError, InputError) as error:
            return nothing(case, str(error))
        # the same networks and pose once more, because a label map that is resampled loses up to .07 Dice
        model, wanted = models.load(result.task.outline_model), scheme(result.task.scheme)
        labels = outline_on(case.truth.grid, case.scan, result.pose, model=model, scheme=wanted)
        return Found(labels, printed_ratios(result), suggested(result))


@dataclass(frozen=True)
class Threshold:
    """67 % of the maximum in the striatal crop."""

    name: str = THRESHOLD
    key: str = THRESHOLD

    def outline(self, case: Case) -> Found:
        """Outline a scan: the whole striatum, all of it called left, because a threshold knows no sides."""
        crop = crop_grid(crop_centre_mm(case), CROP_SHAPE, CROP_MM)
        voxels = to_frame(case.scan.voxels, case.scan.affine_ras, case.truth.grid, world_from_frame=np.eye(4))
        mask = threshold_striatum(voxels, within=_inside(case.truth.grid, crop))
        labels = np.where(mask, WHOLE.structures[0].label, 0).astype(np.int16)
        return Found(LabelMap(labels, case.truth.affine_ras, WHOLE))


@dataclass(frozen=True, eq=False)
class Baseline:
    """A trained baseline.

    Attributes:
        name: As tables show it.
        trained: The network.
    """

    name: str
    trained: Trained

    @property
    def key(self) -> str:
        """Name, settings and crops."""
        return f"{self.name.replace(' ', '-')}-{self.trained.key}"

    def outline(self, case: Case) -> Found:
        """Outline a scan in a crop of its own axes, whose place is given."""
        how = self.trained.settings
        grid = crop_grid(crop_centre_mm(case), how.shape, how.spacing_mm)
        image = to_frame(case.scan.voxels, case.scan.affine_ras, grid, world_from_frame=np.eye(4))
        shares = probabilities(self.trained, image)[1:]
        return Found(labels_on(shares, grid, case.truth.grid, what=case.truth.scheme))


def labels_on(shares: NDArray[np.float32], frame: Grid, target: Grid, *, what: Scheme) -> LabelMap:
    """Labels on a finer grid: the likeliest class, the background being what is missing to one.

    Args:
        shares: (classes, x, y, z) of the structures, in their order.
        frame: Their grid.
        target: The grid that is wanted, any direction.
        what: What the classes are.
    """
    out = np.zeros(target.shape, dtype=np.int16)
    some = np.argwhere(shares.sum(axis=0) > LIKELY)
    if len(some):
        low, high = np.maximum(some.min(axis=0) - 1, 0), np.minimum(some.max(axis=0) + 2, frame.shape)
        part = frame.crop((low[0], low[1], low[2]), (high[0], high[1], high[2]))
        block = block_of(part, target, world_from_frame=np.eye(4))
        if block is not None:
            first, last = ((int(b[0]), int(b[1]), int(b[2])) for b in block)
            inner = shares[:, low[0] : high[0], low[1] : high[1], low[2] : high[2]]
            fine = from_frame(inner, part, target.crop(first, last), world_from_frame=np.eye(4))
            table = np.array([0, *(s.label for s in what.structures)], dtype=np.int16)
            likeliest = np.concatenate([1 - fine.sum(axis=0, keepdims=True), fine]).argmax(axis=0)
            out[first[0] : last[0], first[1] : last[1], first[2] : last[2]] = table[likeliest]
    return LabelMap(out, target.affine_ras, what)


def printed_ratios(result: Result) -> Mapping[str, float]:
    """Binding ratios as the result prints them, by its own first reference."""
    return {f"{m.side} {m.structure}": m.value for m in result.measurements if m.quantity == SBR}


def suggested(result: Result) -> str:
    """The visual category that the result suggests (``NC`` … ``ANC3``), or an empty string."""
    values = [m.value for m in result.measurements if m.quantity == CATEGORY and np.isfinite(m.value)]
    return NAMES[int(values[0])] if values else ""


def _inside(grid: Grid, box: Grid) -> NDArray[np.bool_]:
    """Which voxels of a grid lie in a box."""
    ones = np.ones((1, *box.shape), dtype=np.float32)
    return np.asarray(from_frame(ones, box, grid, world_from_frame=np.eye(4))[0] > 0.5)
