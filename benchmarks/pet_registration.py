"""How far rigid registration of PET to T1 is from the truth: ``python benchmarks/pet_registration.py ANATOMIES OUT``.

Forty simulated pairs (``pet_pairs.py``), each registered by deepgray and, as their own examples do it, by DIPY from the
middles of mass and by SimpleITK (``pip install SimpleITK``; left out where it is not there) from the moments with
Mattes' mutual information, three levels each. The two get both scans averaged to about 2 mm, as they would take minutes
otherwise. The error is the mean distance between where points of the brain go and where they belong. One line a pair
and library is added to ``registration.tsv``; what is there is not made again. The exit code is 1 when deepgray's worst
pair exceeds 1.5 mm.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pet_pairs import Pair, pairs

from deepgray import models
from deepgray.locate import locate
from deepgray.register import brain_points, register
from deepgray.result import Pose
from deepgray.scan import Scan
from deepgray.space import Affine, apply_affine, inverse, lps_from_ras
from deepgray.voxels.resample import averaged, closest_ras

LIMIT_MM = 1.5
GROSS_MM = 5.0
COLUMNS = ("pair", "library", "error_mm", "striatum_mm", "similarity", "wall_s", "cpu_s")
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def by_deepgray(scan: Scan, pet: Scan, pose: Pose) -> tuple[Affine, float]:
    """The station as it is."""
    found = register(scan, pet, pose)
    return found.scan_from_tracer, found.similarity


def by_dipy(scan: Scan, pet: Scan, pose: Pose) -> tuple[Affine, float]:
    """DIPY as its tutorial has it: middles of mass, then a shift, then a rigid map, three levels each."""
    from dipy.align import affine_registration  # noqa: PLC0415

    small_scan, small_pet = _smaller(scan), _smaller(pet)
    _, moving_from_fixed = affine_registration(
        small_pet.voxels,
        small_scan.voxels,
        moving_affine=small_pet.affine_ras,
        static_affine=small_scan.affine_ras,
        pipeline=["center_of_mass", "translation", "rigid"],
        level_iters=[100, 50, 10],
        sigmas=[3.0, 1.0, 0.0],
        factors=[4, 2, 1],
        nbins=32,
    )
    return inverse(np.asarray(moving_from_fixed)), float("nan")


def by_simpleitk(scan: Scan, pet: Scan, pose: Pose) -> tuple[Affine, float]:
    """SimpleITK as its examples have it: middles of the volumes, Mattes' mutual information, three levels."""
    import SimpleITK as sitk  # noqa: PLC0415

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    fixed, moving = _itk(_smaller(scan)), _itk(_smaller(pet))
    start = sitk.CenteredTransformInitializer(
        fixed, moving, sitk.Euler3DTransform(), sitk.CenteredTransformInitializerFilter.MOMENTS
    )
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(32)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(0.1, seed=1)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(2.0, 1e-4, 200)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([4, 2, 1])
    method.SetSmoothingSigmasPerLevel([4, 2, 1])
    method.SetInitialTransform(start, inPlace=False)
    found = sitk.CompositeTransform(method.Execute(fixed, moving))
    corners = np.vstack([np.zeros(3), np.eye(3) * 100.0])
    moved = np.array([found.TransformPoint(corner.tolist()) for corner in corners])
    matrix = np.eye(4)
    matrix[:3, :3] = (moved[1:] - moved[0]).T / 100.0
    matrix[:3, 3] = moved[0]
    return inverse(LPS @ matrix @ LPS), float("nan")


def _smaller(scan: Scan) -> Scan:
    voxels, affine = averaged(*closest_ras(scan.voxels, scan.affine_ras), 2.0)
    return replace(scan, voxels=np.ascontiguousarray(voxels), affine_ras=affine)


def _itk(scan: Scan) -> object:
    import SimpleITK as sitk  # noqa: PLC0415

    image = sitk.GetImageFromArray(np.ascontiguousarray(scan.voxels.T))
    affine, spacing = lps_from_ras(scan.affine_ras), scan.grid.spacing_mm
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    image.SetDirection((affine[:3, :3] / spacing).ravel().tolist())
    return image


LIBRARIES: dict[str, Callable[[Scan, Scan, Pose], tuple[Affine, float]]] = {
    "deepgray": by_deepgray,
    "dipy-alone": by_dipy,
    "simpleitk": by_simpleitk,
}


def one(pair: Pair, library: str, scan: Scan, pet: Scan, pose: Pose) -> dict[str, str]:
    """A line of the table."""
    wall, cpu = time.perf_counter(), time.process_time()
    found, similarity = LIBRARIES[library](scan, pet, pose)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    points = brain_points(pose, 6.0)
    coarse = pose.coarse
    names = [s.label for s in coarse.scheme.structures if s.name == "striatum"]
    striatum = apply_affine(coarse.affine_ras, np.argwhere(np.isin(coarse.voxels, names)))
    errors = [_away(found, pair.mr_from_pet, p) for p in (points, striatum)]
    numbers = (*errors, similarity, wall, cpu)
    return dict(zip(COLUMNS, (str(pair.number), library, *(f"{n:.4f}" for n in numbers)), strict=True))


def _away(found: Affine, true: Affine, points: NDArray[np.float64]) -> float:
    """Mean distance in mm of where points of the T1 come to lie after both maps."""
    there = apply_affine(found @ inverse(true), points)
    return float(np.linalg.norm(there - points, axis=1).mean())


def told(rows: list[dict[str, str]]) -> bool:
    """Print the table; whether deepgray keeps the limit."""
    print("library\tpairs\tmedian mm\tlargest mm\tstriatum median mm\tabove 5 mm\tmedian CPU s")
    worst = 0.0
    for library in LIBRARIES:
        own = [r for r in rows if r["library"] == library]
        if not own:
            continue
        errors, near = [float(r["error_mm"]) for r in own], [float(r["striatum_mm"]) for r in own]
        cpu = statistics.median(float(r["cpu_s"]) for r in own)
        gross = sum(e > GROSS_MM for e in errors)
        print(
            f"{library}\t{len(own)}\t{statistics.median(errors):.2f}\t{max(errors):.2f}\t{statistics.median(near):.2f}"
            f"\t{gross}\t{cpu:.1f}"
        )
        worst = max(errors) if library == "deepgray" else worst
    return worst <= LIMIT_MM


def main() -> int:
    """Register all pairs by all libraries."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("anatomies", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--libraries", nargs="+", default=list(LIBRARIES), choices=list(LIBRARIES))
    settings = parser.parse_args()
    table = settings.out / "registration.tsv"
    settings.out.mkdir(parents=True, exist_ok=True)
    rows = list(csv.DictReader(table.open(), delimiter="\t")) if table.exists() else []
    done = {(r["pair"], r["library"]) for r in rows}
    model = models.load("head-locate")
    for pair in pairs(settings.anatomies, settings.out / "pairs", settings.count):
        missing = [name for name in settings.libraries if (str(pair.number), name) not in done]
        if not missing:
            continue
        scan, pet = pair.mr, pair.pet
        pose = locate(scan, model)
        for library in missing:
            try:
                rows.append(one(pair, library, scan, pet, pose))
            except ModuleNotFoundError as error:
                print(f"{library}: {error}, left out", file=sys.stderr)
        with table.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, COLUMNS, delimiter="\t", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return 0 if told(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
