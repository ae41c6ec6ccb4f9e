"""Small round things in susceptibility maps: calcifications, microbleeds, lesions."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from deepgray.simulate.framing import Found, Frame
from deepgray.simulate.tissues import INDEX
from deepgray.space import apply_affine


@dataclass(frozen=True)
class Kind:
    """A kind of spot.

    Attributes:
        tissues: Where it lies.
        share: Share of people who have it.
        most: Largest number.
        radius_mm: Ends of its radius.
        chi_ppm: Ends of its susceptibility.
    """

    tissues: tuple[str, ...]
    share: float
    most: int
    radius_mm: tuple[float, float]
    chi_ppm: tuple[float, float]


# Choroid plexus and pallidum calcify with age; the shares are ours, above those of the population.
KINDS: dict[str, Kind] = {
    "choroid calcification": Kind(("choroid plexus",), 0.4, 3, (0.8, 2.2), (-0.6, -0.15)),
    "pallidal calcification": Kind(("external pallidum", "internal pallidum"), 0.08, 2, (0.6, 1.8), (-0.5, -0.1)),
    "microbleed": Kind(("white matter", "cortex", "cerebellar white matter"), 0.15, 3, (0.8, 2.0), (0.3, 0.9)),
    "lesion": Kind(("white matter",), 0.2, 6, (1.5, 4.0), (0.0, 0.04)),
}


@dataclass(frozen=True)
class Spot:
    """One spot, in the scan's world."""

    kind: str
    centre_mm: tuple[float, float, float]
    radius_mm: float
    chi_ppm: float

    def told(self) -> dict[str, object]:
        """For a file."""
        return asdict(self)


def draw_spots(found: Found, frame: Frame, generator: np.random.Generator) -> list[Spot]:
    """The spots of one person."""
    spots = []
    tissues = found.tissues.numpy()
    for name, kind in KINDS.items():
        if generator.random() >= kind.share:
            continue
        places = np.argwhere(np.isin(tissues, [INDEX[t] for t in kind.tissues]))
        if len(places) == 0:
            continue
        chosen = places[generator.integers(len(places), size=generator.integers(1, kind.most + 1))]
        for x, y, z in apply_affine(frame.grid.affine_ras, chosen).tolist():
            spots.append(Spot(name, (x, y, z), generator.uniform(*kind.radius_mm), generator.uniform(*kind.chi_ppm)))
    return spots


def fill_spots(chi: NDArray[np.float32], spots: list[Spot], frame: Frame) -> NDArray[np.float32]:
    """A copy of a map with spots; a voxel at the border is filled by the part of it that lies inside."""
    out = chi.copy()
    spacing = frame.grid.spacing_mm
    origin = frame.grid.affine_ras[:3, 3]
    for spot in spots:
        middle = (np.array(spot.centre_mm) - origin) / spacing
        reach = spot.radius_mm / spacing + 2
        low = np.maximum(np.floor(middle - reach), 0).astype(int)
        high = np.minimum(np.ceil(middle + reach) + 1, chi.shape).astype(int)
        block = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        axes = [(np.arange(a, b) - m) * s for a, b, m, s in zip(low, high, middle, spacing, strict=True)]
        distance = np.sqrt(sum(axis**2 for axis in np.meshgrid(*axes, indexing="ij")))
        part = np.clip(0.5 + (spot.radius_mm - distance) / float(np.cbrt(np.prod(spacing))), 0, 1)
        out[block] += (part * (spot.chi_ppm - out[block])).astype(np.float32)
    return out
