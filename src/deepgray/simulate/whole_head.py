"""Whole simulated scans with a known answer: a label map in, a magnetic resonance image and its true labels out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepgray.anatomy import HEMISPHERES, Side, scheme
from deepgray.errors import SettingsError
from deepgray.scan import LabelMap, Scan
from deepgray.simulate import hemispheres, mr
from deepgray.simulate.margin import REACH_MM, Surroundings, as_seen, surroundings
from deepgray.simulate.subregions import FRAMES, parts_by_rule
from deepgray.simulate.tissues import SOURCES, TISSUES, tissue_lookup
from deepgray.space import Affine, Box, Points, apply_affine, exactly_rigid
from deepgray.subdivide import split_label_map
from deepgray.voxels.acpc import fit_acpc

FINE_MM = 0.75
# Where the nuclei of one side lie, with room to spare, in the canonical frame of the left side.
NUCLEI = Box((-57.0, -51.0, -29.0), (17.0, 47.0, 53.0))
# Air around the head, so that a turned head stays in the field of view.
ROOM_MM = 12.0
# Standard deviation of the blur; the sharper half of what training sees.
POINT_SPREAD_MM = (0.4, 0.8)
# From the top of the brain to its foot.
BRAIN_HEIGHT_MM = 145.0
CONTRASTS: Mapping[str, tuple[float, float]] = {
    "t1": (1.0, 0.0),
    "t2": (0.0, 1.0),
    "any": (0.0, 0.0),
    "mixed": (0.6, 0.2),
}
# Nuclei that label maps of the deep structures count to another.
_WITHIN = dict.fromkeys(("red nucleus", "substantia nigra", "subthalamic nucleus"), "ventral diencephalon")


@dataclass(frozen=True)
class MrSettings:
    """How a simulated scan is drawn.

    Attributes:
        contrast: ``t1``, ``t2``, ``any`` (every tissue at random) or ``mixed``.
        spacing_mm: Voxel size.
        rotation_degrees: Largest rotation of the head, about any axis.
        displacement_mm: Largest standard deviation of the smooth deformation; 0 keeps the shapes.
        zoom: Largest relative change of size.
        stripped_share: Share of scans without skull.
        thick_share: Share of scans with thick slices.
        margin_mm: How far the nuclei are seen beyond their labels; 0 ends both half-way.
    """

    contrast: str = "t1"
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    rotation_degrees: float = 12.0
    displacement_mm: float = 2.0
    zoom: float = 0.1
    stripped_share: float = 0.5
    thick_share: float = 0.0
    margin_mm: float = mr.RATER_MARGIN_MM

    def __post_init__(self) -> None:
        if self.contrast not in CONTRASTS:
            raise SettingsError(f"A contrast is wanted, one of {', '.join(CONTRASTS)}; '{self.contrast}' came.")
        if not all(0.3 <= s <= 5.0 for s in self.spacing_mm):
            raise SettingsError(f"Voxels of 0.3 to 5 mm are wanted, {self.spacing_mm} came.")
        if not 0 <= self.margin_mm <= REACH_MM:
            raise SettingsError(f"A margin of 0 to {REACH_MM:g} mm is wanted, {self.margin_mm:g} came.")

    @property
    def appearance(self) -> mr.Appearance:
        """The limits in the generator's words."""
        t1_share, t2_share = CONTRASTS[self.contrast]
        return mr.Appearance(
            rotation_degrees=self.rotation_degrees,
            shift_mm=4.0,
            zoom=self.zoom,
            displacement_mm=self.displacement_mm,
            control_mm=25.0,
            t1_share=t1_share,
            t2_share=t2_share,
            stripped_share=self.stripped_share,
            thick_share=self.thick_share,
            margin_mm=self.margin_mm,
        )


@dataclass(frozen=True, eq=False)
class WholeHead:
    """A label map made ready: coarse everywhere, fine and smooth where the nuclei are.

    Attributes:
        name: Name of the label map.
        tissues: (x, y, z) uint8 tissues of the whole head.
        affine: 4 × 4, their index to canonical mm.
        fine: Tissues of each side on the grid of ``NUCLEI``, the right side mirrored.
        has_parts: Whether the subregions are known.
        by_rule: Whether they are the geometric rule's: in a scan they are then what the rule makes of the head as it
            lies there, bent and all; others bend with the head.
    """

    name: str
    tissues: NDArray[np.uint8]
    affine: Affine
    fine: dict[Side, NDArray[np.uint8]]
    has_parts: bool
    by_rule: bool = False

    @cached_property
    def around(self) -> dict[Side, Surroundings]:
        """What lies around the nuclei of each side, on the grid of ``NUCLEI``."""
        return {side: surroundings(half, NUCLEI.grid(FINE_MM)) for side, half in self.fine.items()}


@dataclass(frozen=True, eq=False)
class SimulatedScan:
    """A scan and what is true of it.

    Attributes:
        scan: The scan.
        striatum: True labels of scheme ``striatum`` on the scan's grid.
        parts: True labels of scheme ``striatum12``, or None where they are not known.
        canonical_from_world: 4 × 4 rigid, the true pose.
    """

    scan: Scan
    striatum: LabelMap
    parts: LabelMap | None
    canonical_from_world: Affine


@dataclass(frozen=True, eq=False)
class PlacedHead:
    """A head on the grid of a scan.

    Attributes:
        tissues: (x, y, z) uint8, what the labels say.
        seen: (x, y, z) uint8, what a magnetic resonance image shows.
        left: (x, y, z) bool, left of the mid-sagittal plane.
        warp: Where the voxels lie in the head.
        affine: 4 × 4, the grid's index to RAS mm.
        by_rule: Whether the subregions are what the geometric rule makes of the head as it lies here.
    """

    tissues: Tensor
    seen: Tensor
    left: Tensor
    warp: mr.Warp
    affine: Affine
    by_rule: bool = False

    def labels(self, name: str) -> LabelMap:
        """The true labels of a scheme.

        Raises:
            FieldOfViewError: The rule is asked for, and the grid cuts the deep structures.
        """
        if name == "striatum12" and self.by_rule:
            return split_label_map(self.labels("deep")).labels
        return _labels(self.tissues, self.left, self.affine, name)

    @property
    def canonical_from_world(self) -> Affine:
        """The true pose."""
        return _true_pose(self.warp, self.affine)


def prepare(
    labels: NDArray[np.integer],
    affine_ras: Affine,
    *,
    name: str,
    source: str = "freesurfer",
    parts: tuple[NDArray[np.integer], Mapping[int, str]] | Literal["rule"] | None = None,
) -> WholeHead:
    """Make a label map ready for simulation.

    Args:
        labels: (x, y, z) labels of a whole head.
        affine_ras: Their affine.
        name: Name of the label map.
        source: What the numbers mean: ``freesurfer`` or ``hoa2``.
        parts: Subregions on the same grid and what their numbers are called, or ``rule`` for those of the geometric
            rule.

    Raises:
        SettingsError: The source is not known.
    """
    if source not in SOURCES:
        raise SettingsError(f"A source of labels is wanted, one of {', '.join(SOURCES)}; '{source}' came.")
    pose = fit_acpc(labels, affine_ras, labels=FRAMES[source]).canonical_from_world
    by_rule = parts == "rule"
    if parts == "rule":
        parts = parts_by_rule(labels, affine_ras, canonical_from_world=pose, source=source)
    cut, names = parts or (None, None)
    table = tissue_lookup(source, Side.LEFT)
    grid = NUCLEI.grid(FINE_MM)
    fine = {}
    for side in HEMISPHERES:
        half = hemispheres.hemisphere(
            labels,
            affine_ras,
            source=source,
            side=side,
            frame=(pose, grid),
            parts=cut,
            part_names=names,
        )
        fine[side] = hemispheres.with_basal_forebrain(half, grid)
    # in one piece: what is looked up voxel by voxel must not be laid out anew each time
    whole = np.ascontiguousarray(table[np.where((labels < len(table)) & (labels > 0), labels, 0)])
    return WholeHead(name, whole, pose @ affine_ras, fine, parts is not None, by_rule)


def simulate_mr(head: WholeHead, settings: MrSettings, *, seed: int) -> SimulatedScan:
    """One scan of a head.

    Args:
        head: A label map made ready.
        settings: How it is drawn.
        seed: The same seed gives the same scan.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return _simulate(head, settings, seed)


def _simulate(head: WholeHead, settings: MrSettings, seed: int) -> SimulatedScan:
    placed = place_head(head, settings)
    scan = Scan(image_of(placed, settings), placed.affine, f"{head.name}_seed-{seed}")
    return SimulatedScan(
        scan,
        placed.labels("striatum"),
        placed.labels("striatum12") if head.has_parts else None,
        placed.canonical_from_world,
    )


def place_head(head: WholeHead, settings: MrSettings) -> PlacedHead:
    """Draw how a head lies in a scan, from torch's generator."""
    low, high = _extent(head)
    shape = tuple(
        int(np.ceil((h - lo + 2 * ROOM_MM) / s)) for lo, h, s in zip(low, high, settings.spacing_mm, strict=True)
    )
    centre = torch.from_numpy((low + high) / 2).float()
    grid = (shape[0], shape[1], shape[2])
    warp = mr.draw_warp(grid, settings.spacing_mm, centre, settings.appearance)
    found, left = tissues_at(head, warp.points_mm)
    affine = np.diag([*settings.spacing_mm, 1.0])
    affine[:3, 3] = -(np.array(shape) - 1) / 2 * np.array(settings.spacing_mm)
    seen = _seen_at(head, warp.points_mm, found, settings.margin_mm)
    return PlacedHead(found, seen, left, warp, affine, head.by_rule)


def image_of(placed: PlacedHead, settings: MrSettings) -> NDArray[np.float32]:
    """Draw a magnetic resonance image of a head where it lies, (x, y, z), from torch's generator."""
    image = mr.paint(placed.seen, settings.appearance)
    spread_mm = mr.uniform(*POINT_SPREAD_MM)
    mean_mm = float(np.mean(settings.spacing_mm))
    x, y, z = (spread_mm / s for s in settings.spacing_mm)
    image = mr.gaussian_blur(image, (x, y, z))
    image = mr.acquire(image, mean_mm, settings.appearance) * 1000.0
    return image.numpy().astype(np.float32)


def _extent(head: WholeHead) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Corners in canonical mm of the box that holds the head."""
    places = np.argwhere(head.tissues[::4, ::4, ::4] > 0) * 4.0
    points = places @ head.affine[:3, :3].T + head.affine[:3, 3]
    return points.min(axis=0), points.max(axis=0)


def tissues_at(head: WholeHead, points_mm: Tensor) -> tuple[Tensor, Tensor]:
    """Tissues at canonical points, fine where the nuclei are, and which points lie on the left."""
    found = mr.sample_nearest(torch.from_numpy(head.tissues), torch.from_numpy(head.affine), points_mm)
    affine = torch.from_numpy(NUCLEI.grid(FINE_MM).affine_ras)
    for side, near, mirrored in _near_nuclei(points_mm):
        found[near] = mr.sample_nearest(torch.from_numpy(head.fine[side]), affine, mirrored)
    return found, points_mm[..., 0] < 0


def _seen_at(head: WholeHead, points_mm: Tensor, found: Tensor, margin_mm: float) -> Tensor:
    """What an image shows at canonical points whose tissues were found."""
    seen = found.clone()
    for side, near, mirrored in _near_nuclei(points_mm):
        seen[near] = as_seen(found[near], mirrored, head.around[side], margin_mm)
    return seen


def _near_nuclei(points_mm: Tensor) -> Iterator[tuple[Side, Tensor, Tensor]]:
    """For each side which points lie in the box of its nuclei, (…) bool, and where, on the left, (n, 3)."""
    left = points_mm[..., 0] < 0
    for side, here in ((Side.LEFT, left), (Side.RIGHT, ~left)):
        mirrored = points_mm if side is Side.LEFT else points_mm * torch.tensor([-1.0, 1.0, 1.0])
        near = here & _within(NUCLEI, mirrored)
        yield side, near, mirrored[near]


def _within(box: Box, points_mm: Tensor) -> Tensor:
    low, high = torch.tensor(box.low_mm) + FINE_MM, torch.tensor(box.high_mm) - FINE_MM
    return ((points_mm > low) & (points_mm < high)).all(dim=-1)


def _labels(found: Tensor, left: Tensor, affine: Affine, name: str) -> LabelMap:
    numbers = {s.key: s.label for s in scheme(name).structures}
    tables = {side: torch.zeros(len(TISSUES), dtype=torch.int16) for side in HEMISPHERES}
    for number, tissue in enumerate(TISSUES):
        whole, _, part = tissue.name.partition("/")
        wanted = part if name == "striatum12" else whole.removeprefix("external ").removeprefix("internal ")
        wanted = _WITHIN.get(wanted, wanted) if name == "deep" else wanted
        for side, table in tables.items():
            table[number] = numbers.get(f"{side} {wanted}", numbers.get(f"{Side.MIDLINE} {wanted}", 0))
    index = found.long()
    voxels = torch.where(left, tables[Side.LEFT][index], tables[Side.RIGHT][index])
    return LabelMap(voxels.numpy(), affine, scheme(name))


def brain_middle(tissues: NDArray[np.uint8], affine: Affine, canonical_from_world: Affine) -> Points:
    """Middle of the brain's extent above its foot: in some maps the spinal canal reaches far down.

    Args:
        tissues: (x, y, z), see ``simulate.tissues``.
        affine: 4 × 4, index to world mm.
        canonical_from_world: Tells what is up.

    Returns:
        (3,) world mm.
    """
    inside = np.array([t.inside_brain for t in TISSUES])[tissues[::4, ::4, ::4]]
    brain = apply_affine(affine, np.argwhere(inside) * 4.0)
    up = apply_affine(canonical_from_world, brain)[:, 2]
    brain = brain[up > up.max() - BRAIN_HEIGHT_MM]
    return np.asarray((brain.min(axis=0) + brain.max(axis=0)) / 2)


def _true_pose(warp: mr.Warp, affine: Affine) -> Affine:
    """The rigid map from the scan's world to the canonical frame, read off four voxels."""
    rigid = warp.rigid_mm[:2, :2, :2].double().numpy()
    origin = rigid[0, 0, 0]
    steps = np.stack([rigid[1, 0, 0] - origin, rigid[0, 1, 0] - origin, rigid[0, 0, 1] - origin], axis=1)
    index_map = np.eye(4)
    index_map[:3, :3], index_map[:3, 3] = steps, origin
    return exactly_rigid(index_map @ np.linalg.inv(affine))
