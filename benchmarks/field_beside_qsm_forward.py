"""Our field of a susceptibility map beside that of qsm-forward: ``python benchmarks/field_beside_qsm_forward.py``.

qsm-forward (PyPI) is the forward model of the phantom of Marques 2021 (doi:10.1002/mrm.28716). It belongs to no extra::

    pip install qsm-forward

Both get the same phantom: ellipsoids of the sizes and susceptibilities of brain, nuclei and a vein, in voxels that are
not cubes. qsm-forward pads the map to twice its size; ours is compared as it is used (unpadded, in single precision)
and padded alike. The largest and the root-mean-square difference are printed beside the size of the field, and the
seconds of each. The exit code is 1 when the padded fields differ by more than ``LARGEST_PPM``.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from deepgray.simulate.dipole import dipole_kernel, local_field

SHAPE = (128, 144, 96)
SPACING_MM = (1.0, 1.0, 1.5)
DIRECTIONS = ((0.0, 0.0, 1.0), (0.0, 0.34, 0.94))
# Where the padded fields may differ: single against double precision, and the signless highest frequency.
LARGEST_PPM = 2e-3
# centre mm from the middle, radii mm, ppm
PARTS = (
    ((0, 0, 0), (50, 60, 55), -0.009),
    ((-16, 10, 5), (6, 9, 7), 0.120),
    ((16, 10, 5), (6, 9, 7), 0.115),
    ((-6, -8, -12), (3, 3.5, 4), 0.100),
    ((6, -8, -12), (3, 3.5, 4), 0.105),
    ((0, -30, 15), (1.5, 20, 1.5), 0.300),
)


def phantom() -> NDArray[np.float64]:
    """Ellipsoids one over the other, (x, y, z) ppm, with borders a voxel wide."""
    axes = [(np.arange(n) - (n - 1) / 2) * s for n, s in zip(SHAPE, SPACING_MM, strict=True)]
    places = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    chi = np.zeros(SHAPE)
    for centre, radii, ppm in PARTS:
        distance = (np.linalg.norm((places - centre) / np.array(radii), axis=-1) - 1) * min(radii)
        part = np.clip(0.5 - distance, 0, 1)
        chi += part * (ppm - chi)
    return chi


def ours(chi: NDArray[np.float64], direction: tuple[float, float, float], *, padded: bool) -> NDArray[np.float64]:
    """Our field, ppm."""
    room = [(n // 2, n // 2) if padded else (0, 0) for n in chi.shape]
    wide = np.pad(chi, room)
    shape = (wide.shape[0], wide.shape[1], wide.shape[2])
    kernel = dipole_kernel(shape, SPACING_MM, torch.tensor(direction))
    field = local_field(torch.from_numpy(wide.astype(np.float32)), kernel).numpy()
    return field[tuple(slice(a, a + n) for (a, _), n in zip(room, chi.shape, strict=True))].astype(np.float64)


def theirs(chi: NDArray[np.float64], direction: tuple[float, float, float]) -> NDArray[np.float64]:
    """The field of qsm-forward, ppm."""
    try:
        from qsm_forward import generate_field  # noqa: PLC0415
    except ModuleNotFoundError as error:
        sys.exit(f"qsm-forward is wanted ({error.name} is missing): pip install qsm-forward")
    unit = np.array(direction) / np.linalg.norm(direction)
    return np.asarray(np.real(generate_field(chi, voxel_size=list(SPACING_MM), B0_dir=list(unit))), dtype=np.float64)


def timed(make: Callable[[], NDArray[np.float64]]) -> tuple[NDArray[np.float64], float]:
    """What a function gives, and the fewest CPU seconds of three calls."""
    seconds = []
    for _ in range(3):
        start = time.process_time()
        made = make()
        seconds.append(time.process_time() - start)
    return made, min(seconds)


def compare(chi: NDArray[np.float64], direction: tuple[float, float, float]) -> float:
    """Print one comparison; the largest difference of the padded fields."""
    reference, their_seconds = timed(lambda: theirs(chi, direction))
    size = float(np.abs(reference).max())
    print(f"main field {direction}: largest field {size:.4f} ppm, qsm-forward {their_seconds:.2f} CPU s")
    largest = 0.0
    for name, padded in (("padded alike", True), ("as used", False)):
        field, seconds = timed(lambda padded=padded: ours(chi, direction, padded=padded))
        difference = field - reference
        largest = float(np.abs(difference).max())
        rms = float(np.sqrt((difference**2).mean()))
        print(
            f"  {name:14} largest difference {largest:.2e} ppm, rms {rms:.2e}, without the mean "
            f"{difference.std():.2e}; {seconds:.2f} CPU s, {their_seconds / seconds:.1f} x quicker"
        )
        if padded:
            judged = largest
    return judged


def main() -> int:
    """Compare, print, judge."""
    torch.set_num_threads(1)
    print(f"phantom {SHAPE} of {SPACING_MM} mm; load {os.getloadavg()[0]:.1f}")
    worst = max(compare(phantom(), direction) for direction in DIRECTIONS)
    verdict = "agree" if worst <= LARGEST_PPM else "DIFFER"
    print(f"largest difference of the padded fields {worst:.2e} ppm (at most {LARGEST_PPM:g}): they {verdict}")
    return 0 if worst <= LARGEST_PPM else 1


if __name__ == "__main__":
    raise SystemExit(main())
