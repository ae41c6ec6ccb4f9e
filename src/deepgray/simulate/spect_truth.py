"""What is true of a simulated SPECT scan: mean activity of regions, specific binding ratios, asymmetry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepgray.anatomy import HEMISPHERES, STRIATUM, Side, scheme, structure
from deepgray.errors import AnatomyError
from deepgray.scan import LabelMap
from deepgray.simulate.tissues import INDEX, TISSUES
from deepgray.simulate.whole_head import WholeHead
from deepgray.space import apply_affine

# Label maps do not part the cortex: the occipital cortex is the cortex of this hindmost part of the cerebrum's length,
# between these heights (canonical mm). The tentorium and the cerebellum's own labels close it below.
OCCIPITAL_PART = 0.2
OCCIPITAL_HEIGHT_MM = (-25.0, 30.0)
# A tissue of its own beyond the table: cortex in the occipital part.
OCCIPITAL = len(TISSUES)
REGIONS = len(TISSUES) + 1
CEREBELLUM = (
    "cerebellar cortex",
    "cerebellar white matter",
    "dentate nucleus",
    "dentate nucleus/hilus",
    "interposed nucleus",
    "other dentate nucleus",
)
REFERENCES = ("cerebellum", "occipital cortex", "brain without striatum")
_COMPARTMENTS = ("caudate", "putamen")
# In the brain, but not counted in the whole brain: ventricles and fluid, vessels.
_NOT_BRAIN = frozenset({"fluid", "vessel"})


@dataclass(frozen=True)
class Occipital:
    """Where the occipital cortex of a head lies.

    Attributes:
        front_mm: Canonical y of its front end.
    """

    front_mm: float

    def regions(self, tissues: Tensor, points_mm: Tensor) -> Tensor:
        """Numbers of tissues (…), with ``OCCIPITAL`` for the occipital cortex."""
        y, z = points_mm[..., 1], points_mm[..., 2]
        low, high = OCCIPITAL_HEIGHT_MM
        inside = (tissues == INDEX["cortex"]) & (y < self.front_mm) & (z > low) & (z < high)
        return torch.where(inside, OCCIPITAL, tissues.long())


def occipital(head: WholeHead) -> Occipital:
    """Where a head's occipital cortex lies.

    Raises:
        AnatomyError: The label map has no cortex.
    """
    places = np.argwhere(head.tissues[::3, ::3, ::3] == INDEX["cortex"]) * 3.0
    if not len(places):
        raise AnatomyError(f"A label map with cerebral cortex is wanted, {head.name} has none.")
    y = apply_affine(head.affine, places)[:, 1]
    # a few stray voxels do not count
    back, front = np.percentile(y, (0.1, 99.9))
    return Occipital(float(back + OCCIPITAL_PART * (front - back)))


@dataclass(eq=False)
class Tally:
    """Sums of activity by region and side, voxel by voxel.

    Attributes:
        total: (2 · REGIONS,) sums, the left side first.
        count: (2 · REGIONS,) how many.
    """

    total: Tensor = field(default_factory=lambda: torch.zeros(2 * REGIONS, dtype=torch.float64))
    count: Tensor = field(default_factory=lambda: torch.zeros(2 * REGIONS, dtype=torch.float64))

    def add(self, regions: Tensor, left: Tensor, activity: Tensor) -> None:
        """Count samples: regions, whether they lie on the left, and their activity, all (…)."""
        index = (regions + REGIONS * (~left)).reshape(-1)
        self.total += torch.bincount(index, activity.double().reshape(-1), minlength=2 * REGIONS)
        self.count += torch.bincount(index, minlength=2 * REGIONS)

    def mean(self, members: NDArray[np.bool_], *sides: Side) -> float:
        """Mean activity of regions (REGIONS,) on the sides given; NaN where there is none."""
        chosen = np.concatenate([members & (side in sides) for side in HEMISPHERES])
        mask = torch.from_numpy(chosen)
        count = float(self.count[mask].sum())
        return float(self.total[mask].sum()) / count if count else float("nan")


def members(name: str) -> NDArray[np.bool_]:
    """Which regions (REGIONS,) make up a structure, a subregion, the striatum or a reference."""
    out = np.zeros(REGIONS, dtype=bool)
    for number, tissue in enumerate(TISSUES):
        whole, _, part = tissue.name.partition("/")
        own = {whole, part, "striatum" if whole in STRIATUM else ""}
        if tissue.inside_brain and tissue.family not in _NOT_BRAIN and whole not in STRIATUM:
            own |= {"" if tissue.name.startswith("other ") else "brain without striatum"}
        if tissue.name in CEREBELLUM:
            own |= {"cerebellum"}
        out[number] = name in own
    if name in ("occipital cortex", "brain without striatum", "cortex"):
        out[OCCIPITAL] = True
    return out


def binding_ratios(tally: Tally, *, has_parts: bool) -> dict[str, dict[str, float]]:
    """True specific binding ratios: structure's mean over reference's mean less one.

    Args:
        tally: Of the true activity.
        has_parts: Whether the twelve subregions are known.

    Returns:
        By reference, then by structure and side (``left caudate``, ``left striatum``); structures that are not there
        are left out.
    """
    names = [*STRIATUM, "striatum"]
    if has_parts:
        names += [s.name for s in scheme("striatum12").of_side(Side.LEFT)]
    out: dict[str, dict[str, float]] = {}
    for reference in REFERENCES:
        level = tally.mean(members(reference), *HEMISPHERES)
        found = {f"{side} {name}": tally.mean(members(name), side) for name in names for side in HEMISPHERES}
        out[reference] = {k: round(v / level - 1, 5) for k, v in found.items() if np.isfinite(v / level)}
    return out


def asymmetry(ratios: Mapping[str, float]) -> dict[str, float]:
    """ASI of caudate, putamen and striatum: ``abs(left - right) / (left + right) · 100``, in percent.

    Structures without both sides, or whose sum is not above zero, are left out.
    """
    out = {}
    for name in (*_COMPARTMENTS, "striatum"):
        left, right = ratios.get(f"left {name}"), ratios.get(f"right {name}")
        if left is not None and right is not None and left + right > 0:
            out[name] = round(abs(left - right) / (left + right) * 100, 4)
    return out


def label_tables(name: str) -> tuple[Tensor, Tensor]:
    """Labels of a scheme by region (REGIONS,), for the left and the right."""
    tables = {side: torch.zeros(REGIONS, dtype=torch.int16) for side in HEMISPHERES}
    for one in scheme(name).of_side(Side.LEFT):
        found = members(one.name) | members(f"external {one.name}") | members(f"internal {one.name}")
        for side, table in tables.items():
            table[torch.from_numpy(found)] = structure(f"{side} {one.name}").label
    return tables[Side.LEFT], tables[Side.RIGHT]


def scan_ratios(voxels: NDArray[np.float32], labels: LabelMap, reference: LabelMap) -> dict[str, dict[str, float]]:
    """Specific binding ratios as the scan shows them within the true labels.

    Args:
        voxels: (x, y, z) the scan.
        labels: Structures.
        reference: Reference regions, scheme ``spect-reference``.

    Returns:
        By reference, then by structure; regions that are not in the field of view are left out.
    """
    out: dict[str, dict[str, float]] = {}
    for name in dict.fromkeys(s.name for s in reference.scheme.structures):
        mask = np.isin(reference.voxels, [s.label for s in reference.scheme.structures if s.name == name])
        level = float(voxels[mask].mean()) if mask.any() else 0.0
        if level > 0:
            masks = {s.key: labels.mask(s) for s in labels.scheme.structures}
            out[name] = {k: round(float(voxels[m].mean()) / level - 1, 5) for k, m in masks.items() if m.any()}
    return out
