"""Whole simulated DaT SPECT scans with a known answer: a label map in, an image and what is true of it out.

One scan: a person's activity, painted with partial volume in the camera's field of view; counts and reconstruction
(or the surrogate of both); the image turned onto the scan's grid. The head lies in the camera as heads lie, and the
image may be turned by any angle afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from deepgray.anatomy import scheme
from deepgray.errors import SettingsError
from deepgray.scan import LabelMap, Scan
from deepgray.simulate import spect, spect_truth
from deepgray.simulate.framing import BEND_MM, Frame
from deepgray.simulate.mr import chance, random_rotation, smooth_field, uniform
from deepgray.simulate.spect import BONE_PER_MM, MARROW_PER_MM, WATER_PER_MM, Phantom
from deepgray.simulate.spect_surrogate import draw_surrogate, surrogate
from deepgray.simulate.spect_truth import Occipital, Tally
from deepgray.simulate.tissues import INDEX, TISSUES
from deepgray.simulate.uptake import Uptake, activity_at, draw_uptake
from deepgray.simulate.whole_head import WholeHead, brain_middle, tissues_at
from deepgray.space import Affine, Grid, apply_affine, exactly_rigid, inverse

GRIDS = ("ppmi", "clinical", "random")
PHYSICS = ("full", "fast")
# The grid of the Parkinson's Progression Markers Initiative.
PPMI_SHAPE, PPMI_MM = (91, 109, 91), 2.0
CLINICAL_MM, CLINICAL_VIEW_MM = (3.0, 4.5), ((200.0, 240.0), (160.0, 200.0))
# The camera's own voxels.
CAMERA_SHAPE, CAMERA_MM = (80, 80, 64), 3.3
# Samples along each side of a camera's voxel: its activity is their mean.
SAMPLES = 2
SLAB = 8
FINE_LABELS_MM, FINE_ROOM_MM = 1.0, 8.0
# Uptake is not quite even: relative standard deviation of its slow change over the head.
UNEVEN, UNEVEN_POINTS = 0.04, 6
SHIFT_MM = 6.0
# Planes that a cut scan keeps beyond the striatum.
CUT_ROOM_MM = 8.0
SCALES = (0.01, 100.0)


@dataclass(frozen=True)
class SpectSettings:
    """How a simulated DaT SPECT scan is drawn.

    Attributes:
        stage: One of ``uptake.STAGES``, or ``random``.
        age_years: Age, or None to draw it.
        grid: ``ppmi`` (91 × 109 × 91 voxels of 2 mm), ``clinical`` (3 to 4.5 mm) or ``random``.
        spacing_mm: Voxel size of a clinical grid, or None to draw it.
        physics: ``full`` (counts and reconstruction) or ``fast`` (the surrogate).
        counts: Mean of the photons counted over all views, or None to draw it; for ``full`` only.
        tilt_degrees: Largest rotation of the head in the camera, about any axis.
        rotation_degrees: Largest rotation of the image on the scan's grid, about any axis; up to 180.
        displacement_mm: Largest standard deviation of the head's smooth deformation; 0 keeps the shapes.
        zoom: Largest relative change of the head's size.
        partial_share: Share of scans whose field of view is cut below or above the striatum.
    """

    stage: str = "random"
    age_years: float | None = None
    grid: str = "ppmi"
    spacing_mm: tuple[float, float, float] | None = None
    physics: str = "full"
    counts: float | None = None
    tilt_degrees: float = 12.0
    rotation_degrees: float = 0.0
    displacement_mm: float = 1.5
    zoom: float = 0.08
    partial_share: float = 0.0

    def __post_init__(self) -> None:
        for word, known in ((self.grid, GRIDS), (self.physics, PHYSICS)):
            if word not in known:
                raise SettingsError(f"One of {', '.join(known)} is wanted, '{word}' came.")
        if self.counts is not None and not (self.physics == "full" and 0 < self.counts < math.inf):
            raise SettingsError(
                f"Counts above 0, of physics 'full', are wanted; {self.counts:g} of '{self.physics}' came."
            )
        if self.spacing_mm is not None and self.grid != "clinical":
            raise SettingsError(f"A voxel size is for the clinical grid, '{self.grid}' came with one.")
        if self.spacing_mm is not None and not all(1.0 <= s <= 8.0 for s in self.spacing_mm):
            raise SettingsError(f"Voxels of 1 to 8 mm are wanted, {self.spacing_mm} came.")
        for degrees in (self.tilt_degrees, self.rotation_degrees):
            if not 0 <= degrees <= 180:
                raise SettingsError(f"A rotation of 0 to 180 degrees is wanted, {degrees:g} came.")


@dataclass(frozen=True, eq=False)
class SimulatedSpect:
    """A scan and what is true of it.

    Attributes:
        scan: The scan.
        labels: True labels on the scan's grid by scheme: ``striatum``, ``striatum4``, ``spect-reference`` and, where
            the subregions are known, ``striatum12``, which bend with the head: a scan may cut what the rule needs.
        fine_labels: The same without the references around the striatum at 1 mm, in the scan's world.
        canonical_from_world: 4 × 4 rigid, the true pose.
        true_sbr: Specific binding ratios of the activity itself, by reference and structure.
        scan_sbr: Those that the scan shows within the true labels, by reference and structure.
        asi_percent: True asymmetry of caudate, putamen and striatum, cerebellum the reference.
        drawn: Everything that was drawn.
    """

    scan: Scan
    labels: Mapping[str, LabelMap]
    fine_labels: Mapping[str, LabelMap]
    canonical_from_world: Affine
    true_sbr: dict[str, dict[str, float]]
    scan_sbr: dict[str, dict[str, float]]
    asi_percent: dict[str, float]
    drawn: dict[str, object]


@dataclass(frozen=True, eq=False)
class Painted:
    """A person in the camera.

    Attributes:
        phantom: Activity and attenuation.
        tally: Sums of the activity by region.
    """

    phantom: Phantom
    tally: Tally


@dataclass(frozen=True, eq=False)
class HeadInCamera:
    """A head in the camera, and how to look at it from grids of the scan's world."""

    head: WholeHead
    occipital: Occipital
    frame: Frame
    camera_from_world: Affine

    def labels(self, grid: Grid, names: tuple[str, ...]) -> dict[str, LabelMap]:
        """True labels of schemes on a grid of the scan's world."""
        out = {name: np.zeros(grid.shape, dtype=np.int16) for name in names}
        tables = {name: spect_truth.label_tables(name) for name in names}
        affine = torch.from_numpy(self.camera_from_world @ grid.affine_ras).float()
        for low in range(0, grid.shape[0], SLAB):
            axes = [torch.arange(n, dtype=torch.float32) for n in grid.shape]
            axes[0] = axes[0][low : low + SLAB]
            places = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)
            points = self.frame.of_world(places @ affine[:3, :3].T + affine[:3, 3])
            tissues, left = tissues_at(self.head, points)
            regions = self.occipital.regions(tissues, points)
            for name, (of_left, of_right) in tables.items():
                out[name][low : low + SLAB] = torch.where(left, of_left[regions], of_right[regions]).numpy()
        return {name: LabelMap(voxels, grid.affine_ras, scheme(name)) for name, voxels in out.items()}


def simulate_spect(head: WholeHead, settings: SpectSettings, *, seed: int) -> SimulatedSpect:
    """One scan of a head.

    Args:
        head: A label map made ready by ``whole_head.prepare``.
        settings: How it is drawn.
        seed: The same seed gives the same scan.

    Raises:
        AnatomyError: The label map has no cortex.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return _simulate(head, settings, seed)


def _simulate(head: WholeHead, settings: SpectSettings, seed: int) -> SimulatedSpect:
    generator = np.random.default_rng(seed)
    person = draw_uptake(generator, stage=settings.stage, age_years=settings.age_years)
    frame = draw_frame(head, settings)
    occipital = spect_truth.occipital(head)
    painted = paint(head, person, frame, occipital=occipital)
    grid, world = _draw_grid(settings)
    view = HeadInCamera(head, occipital, frame, world)
    names = ("striatum", "striatum4", *(("striatum12",) if head.has_parts else ()))
    labels = view.labels(grid, (*names, "spect-reference"))
    low, high = _cut(labels["striatum"]) if chance(settings.partial_share) else (0, grid.shape[2])
    scale = float(np.exp(uniform(*np.log(SCALES))))
    image, told = _image(painted.phantom, settings, generator)  # last: where the head lies is alike with either physics
    voxels = _onto(image, frame.grid, grid, world)
    grid, voxels, labels = _keep_planes(grid, voxels, labels, (low, high))
    true = spect_truth.binding_ratios(painted.tally, has_parts=head.has_parts)
    return SimulatedSpect(
        Scan(voxels * np.float32(scale), grid.affine_ras, f"{head.name}_seed-{seed}", "spect"),
        labels,
        view.labels(fine_grid(labels["striatum"]), names),
        exactly_rigid(frame.canonical_from_world @ world),
        true,
        _scan_ratios(voxels, labels),
        spect_truth.asymmetry(true["cerebellum"]),
        {**person.told(), **told, "scale": scale, "planes": [low, high], "occipital_front_mm": occipital.front_mm},
    )


def draw_frame(head: WholeHead, settings: SpectSettings) -> Frame:
    """Draw how a head lies in the camera; the middle of the brain is near the middle of the camera."""
    rotation = random_rotation(settings.tilt_degrees)
    zooms = 1 + (torch.rand(3) * 2 - 1) * settings.zoom * 0.5 + uniform(-1, 1) * settings.zoom * 0.5
    middle = torch.from_numpy(brain_middle(head.tissues, head.affine, np.eye(4))).float()
    middle = middle + (torch.rand(3) * 2 - 1) * SHIFT_MM
    affine = np.diag([CAMERA_MM, CAMERA_MM, CAMERA_MM, 1.0])
    affine[:3, 3] = -(np.array(CAMERA_SHAPE) - 1) / 2 * CAMERA_MM
    control = [max(3, round(n * CAMERA_MM / BEND_MM)) for n in CAMERA_SHAPE]
    bend = torch.randn(3, *control) * uniform(0.1, 1.0) * settings.displacement_mm
    return Frame(Grid(CAMERA_SHAPE, affine), rotation, torch.diag(zooms) @ rotation, middle, bend)


def paint(head: WholeHead, person: Uptake, frame: Frame, *, occipital: Occipital) -> Painted:
    """Activity and attenuation in the camera, each voxel the mean of samples inside it."""
    shape, spacing = frame.grid.shape, float(frame.grid.spacing_mm[0])
    body = _attenuation_table()
    uneven = 1 + UNEVEN * smooth_field(shape, (UNEVEN_POINTS,) * 3, 1)[0].clamp(-2.5, 2.5)
    activity, attenuation, tally = torch.zeros(shape), torch.zeros(shape), Tally()
    inner = ((torch.arange(SAMPLES) + 0.5) / SAMPLES - 0.5) * spacing
    offsets = torch.stack(torch.meshgrid(inner, inner, inner, indexing="ij"), dim=-1).reshape(-1, 3)
    for low in range(0, shape[0], SLAB):
        slab = slice(low, low + SLAB)
        points = frame.head_mm(slab)
        for offset in offsets:
            here = points + frame.linear @ offset
            tissues, left = tissues_at(head, here)
            found = activity_at(person, tissues, here) * uneven[slab]
            tally.add(occipital.regions(tissues, here), left, found)
            activity[slab] += found / len(offsets)
            attenuation[slab] += body[tissues.long()] / len(offsets)
    return Painted(Phantom(activity.numpy(), attenuation.numpy(), spacing), tally)


def _attenuation_table() -> Tensor:
    table = torch.full((len(TISSUES),), WATER_PER_MM)
    table[INDEX["air"]] = 0.0
    table[INDEX["cortical bone"]], table[INDEX["cancellous bone"]] = BONE_PER_MM, MARROW_PER_MM
    return table


def _image(
    phantom: Phantom, settings: SpectSettings, generator: np.random.Generator
) -> tuple[NDArray[np.float32], dict[str, object]]:
    """The image in the camera's grid, and what was drawn for it."""
    if settings.physics == "fast":
        quality = draw_surrogate()
        found = surrogate(torch.from_numpy(phantom.activity), (phantom.voxel_mm,) * 3, quality)
        return found.numpy(), {"physics": "fast", "surrogate": asdict(quality)}
    taken, how = spect.draw_acquisition(generator), spect.draw_reconstruction(generator)
    if settings.counts is not None:
        taken = replace(taken, counts=settings.counts)
    image = spect.scan_phantom(phantom, taken, how, generator=generator)
    return image, {"physics": "full", **spect.told(taken, how)}


def _draw_grid(settings: SpectSettings) -> tuple[Grid, Affine]:
    """The scan's grid, 0 mm in its middle, and the rigid map from its world to the camera's."""
    ppmi = settings.grid == "ppmi" or (settings.grid == "random" and chance(0.5))
    if ppmi:
        shape, spacing = PPMI_SHAPE, (PPMI_MM,) * 3
    else:
        across, along = (uniform(*ends) for ends in CLINICAL_VIEW_MM)
        spacing = settings.spacing_mm or (uniform(*CLINICAL_MM),) * 3
        x, y, z = (max(8, round(n / s)) for n, s in zip((across, across, along), spacing, strict=True))
        shape = (x, y, z)
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = -(np.array(shape) - 1) / 2 * spacing
    world = np.eye(4)
    world[:3, :3] = random_rotation(settings.rotation_degrees).double().numpy()
    return Grid(shape, affine), exactly_rigid(world)


def _onto(image: NDArray[np.float32], camera: Grid, grid: Grid, camera_from_world: Affine) -> NDArray[np.float32]:
    """The image on the scan's grid, linear between voxels, 0 outside the camera's field of view."""
    index = inverse(camera.affine_ras) @ camera_from_world @ grid.affine_ras
    moved = ndimage.affine_transform(image, index[:3, :3], offset=index[:3, 3], output_shape=grid.shape, order=1)
    return np.asarray(moved, dtype=np.float32)


def _cut(striatum: LabelMap) -> tuple[int, int]:
    """Planes along the third axis that a cut scan keeps: from below, from above or from both."""
    places = np.flatnonzero((striatum.voxels > 0).any(axis=(0, 1)))
    room = int(np.ceil(CUT_ROOM_MM / striatum.grid.spacing_mm[2]))
    lowest, highest = max(0, int(places[0]) - room), min(striatum.voxels.shape[2], int(places[-1]) + 1 + room)
    low = round(uniform(0, lowest))
    high = round(uniform(highest, striatum.voxels.shape[2]))
    return (low, striatum.voxels.shape[2]) if chance(0.5) else (0, high) if chance(0.3) else (low, high)


def _keep_planes(
    grid: Grid, voxels: NDArray[np.float32], labels: dict[str, LabelMap], planes: tuple[int, int]
) -> tuple[Grid, NDArray[np.float32], dict[str, LabelMap]]:
    """A scan without the planes that are cut; on the fixed grid they stay, empty."""
    low, high = planes
    if grid.shape == PPMI_SHAPE:
        kept = np.zeros(grid.shape[2], dtype=bool)
        kept[low:high] = True
        return grid, voxels * kept, {n: LabelMap(m.voxels * kept, m.affine_ras, m.scheme) for n, m in labels.items()}
    part = grid.crop((0, 0, low), (grid.shape[0], grid.shape[1], high))
    cropped = {n: LabelMap(m.voxels[..., low:high], part.affine_ras, m.scheme) for n, m in labels.items()}
    return part, np.ascontiguousarray(voxels[..., low:high]), cropped


def fine_grid(striatum: LabelMap) -> Grid:
    """The box around the striatum at 1 mm, along the scan's own axes."""
    places = np.argwhere(striatum.voxels > 0)
    low = apply_affine(striatum.affine_ras, places.min(axis=0)) - FINE_ROOM_MM
    high = apply_affine(striatum.affine_ras, places.max(axis=0)) + FINE_ROOM_MM
    x, y, z = (int(n) for n in np.ceil((high - low) / FINE_LABELS_MM) + 1)
    affine = np.diag([FINE_LABELS_MM, FINE_LABELS_MM, FINE_LABELS_MM, 1.0])
    affine[:3, 3] = low
    return Grid((x, y, z), affine)


def _scan_ratios(voxels: NDArray[np.float32], labels: Mapping[str, LabelMap]) -> dict[str, dict[str, float]]:
    out: dict[str, dict[str, float]] = {}
    for name in ("striatum", "striatum12"):
        if name in labels:
            for reference, found in spect_truth.scan_ratios(voxels, labels[name], labels["spect-reference"]).items():
                out.setdefault(reference, {}).update(found)
    return out
