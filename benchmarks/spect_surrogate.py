"""How far the fast SPECT surrogate is from the camera: ``python benchmarks/spect_surrogate.py LABELMAP``.

The same people are imaged twice by both, each time with new chance and the same settings. Printed, mean and standard
deviation over people: recovery of the specific binding ratio in the true outlines (in per cent of the truth), noise in
the grey and white matter (from the difference of the two images), the width of its autocorrelation, the width of the
Gaussian that makes the activity most like the image, and seconds of computing.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from deepgray.read import read_mask
from deepgray.simulate import spect, spect_truth
from deepgray.simulate.spect import Phantom
from deepgray.simulate.spect_surrogate import draw_surrogate, surrogate
from deepgray.simulate.uptake import STAGES, draw_uptake
from deepgray.simulate.whole_head import WholeHead, prepare
from deepgray.simulate.whole_head_spect import CAMERA_MM, HeadInCamera, SpectSettings, draw_frame, paint
from deepgray.space import FWHM_PER_SIGMA

Images = tuple[NDArray[np.float32], NDArray[np.float32]]
WIDTHS_MM = np.arange(6.0, 19.0, 0.5)
STRUCTURES = ("caudate", "putamen", "accumbens")


def main() -> None:
    """Image people both ways and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labelmap", type=Path)
    parser.add_argument("--count", type=int, default=8, help="people")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    labels = read_mask(chosen.labelmap)
    compare(prepare(labels.voxels, labels.affine_ras, name=chosen.labelmap.stem), chosen.count)


def compare(head: WholeHead, count: int) -> None:
    """Print both, quantity by quantity."""
    found: dict[str, list[dict[str, float]]] = {"camera": [], "surrogate": []}
    for seed in range(count):
        torch.manual_seed(seed)
        person = draw_uptake(np.random.default_rng(seed), stage=STAGES[seed % len(STAGES)])
        frame = draw_frame(head, SpectSettings())
        occipital = spect_truth.occipital(head)
        painted = paint(head, person, frame, occipital=occipital)
        truth = spect_truth.binding_ratios(painted.tally, has_parts=False)["occipital cortex"]
        view = HeadInCamera(head, occipital, frame, np.eye(4)).labels(frame.grid, ("striatum", "spect-reference"))
        for way, imaged in (("camera", with_camera), ("surrogate", with_surrogate)):
            began = time.process_time()
            images = imaged(painted.phantom, seed)
            seconds = (time.process_time() - began) / 2
            ratios = spect_truth.scan_ratios(images[0], view["striatum"], view["spect-reference"])["occipital cortex"]
            row = {f"recovery of {n}, %": recovery(ratios, truth, n) for n in STRUCTURES}
            found[way].append({**row, **noise(images, painted.phantom), "seconds": seconds})
    print("quantity", *(f"{way} {what}" for way in found for what in ("mean", "sd")), sep="\t")
    for name in found["camera"][0]:
        values = [np.array([row[name] for row in rows]) for rows in found.values()]
        print(name, *(f"{v:.3g}" for rows in values for v in (rows.mean(), rows.std())), sep="\t")


def with_camera(phantom: Phantom, seed: int) -> Images:
    """Two images with one camera and reconstruction."""
    generator = np.random.default_rng(seed + 1000)
    taken, how = spect.draw_acquisition(generator), spect.draw_reconstruction(generator)
    one, two = (spect.scan_phantom(phantom, taken, how, generator=generator) for _ in range(2))
    return one, two


def with_surrogate(phantom: Phantom, seed: int) -> Images:
    """Two images of one quality, without the shading that chance would draw for each."""
    torch.manual_seed(seed + 1000)
    quality, activity = replace(draw_surrogate(), shading=0.0), torch.from_numpy(phantom.activity)
    one, two = (surrogate(activity, (phantom.voxel_mm,) * 3, quality) for _ in range(2))
    return one.numpy(), two.numpy()


def recovery(ratios: dict[str, float], truth: dict[str, float], name: str) -> float:
    """Ratio in the image to the true one, both sides, per cent."""
    keys = (f"left {name}", f"right {name}")
    return 100 * sum(ratios[k] for k in keys) / sum(truth[k] for k in keys)


def noise(images: Images, phantom: Phantom) -> dict[str, float]:
    """Noise's size and width, and the width of the blur."""
    activity = phantom.activity
    inside = ndimage.binary_erosion((activity > 0.6) & (activity < 1.4), iterations=1)
    middle = np.zeros_like(inside)
    middle[20:60, 15:65, 25:55] = True  # the brain: within the skull, above the neck
    inside &= middle & ~ndimage.binary_dilation(activity > 2.0, iterations=4)
    difference = (images[0] - images[1]) / np.sqrt(2)
    difference = difference - ndimage.gaussian_filter(difference, 25.0 / CAMERA_MM)
    level = float(images[0][inside].mean())
    block = difference[24:56, 20:60, 28:52]
    mean = (images[0] + images[1]) / 2
    return {
        "noise, %": 100 * float(difference[inside].std()) / level,
        "noise width, mm": correlation_width(block) * CAMERA_MM,
        "blur, mm": blur_width(mean, activity, middle),
    }


def correlation_width(block: NDArray[np.float32]) -> float:
    """Full width at half maximum of the autocorrelation, mean over the axes, voxels."""
    spectrum = np.abs(np.fft.fftn(block - block.mean(), [2 * n for n in block.shape])) ** 2
    found = np.real(np.fft.ifftn(spectrum))
    widths = []
    for axis, n in enumerate(block.shape):
        line = np.moveaxis(found, axis, 0)[: n // 2, 0, 0] / found[0, 0, 0] / (1 - np.arange(n // 2) / n)
        below = int(np.argmax(line < 0.5))
        widths.append(2 * (below - 1 + (line[below - 1] - 0.5) / (line[below - 1] - line[below])))
    return float(np.mean(widths))


def blur_width(image: NDArray[np.float32], activity: NDArray[np.float32], inside: NDArray[np.bool_]) -> float:
    """Width of the Gaussian after which the activity, scaled, with a constant and a haze, is nearest to the image."""
    haze = ndimage.gaussian_filter(activity, 35.0 / CAMERA_MM)[inside]
    errors = []
    for width in WIDTHS_MM:
        smooth = ndimage.gaussian_filter(activity, width / FWHM_PER_SIGMA / CAMERA_MM)[inside]
        design = np.stack([smooth, haze, np.ones_like(haze)], axis=1)
        solved = np.linalg.lstsq(design, image[inside], rcond=None)[0]
        errors.append(float(((design @ solved - image[inside]) ** 2).sum()))
    return float(WIDTHS_MM[int(np.argmin(errors))])


if __name__ == "__main__":
    main()
