"""nnU-Net v2 with the plan it makes itself for scans like a given one, and with untrained weights: enough to be timed.

``benchmarks/speed.py`` runs this in an environment where nnU-Net is installed. By hand, from the repository root::

    python benchmarks/nnunet_untrained.py prepare SCAN FOLDER
    python benchmarks/nnunet_untrained.py predict FOLDER [--no-mirroring] [--threads 2]

The plan is the default one (``nnUNetPlans``, ``3d_fullres``) of nnU-Net's own ``ExperimentPlanner`` for 15 T1 scans
with 8 structures. The planner wants a fingerprint of the data set, not images; the fingerprint written here says 15
times what nnU-Net's own cropping finds in the one scan. The prediction is nnU-Net's own command with its own settings
(tiles that overlap by half, mirrored along all axes), except that one network is asked where five folds are its
default. The more background a scan has that is exactly zero, the more of it nnU-Net crops, and the faster it is.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import sys
import time
from pathlib import Path

import numpy as np

DATASET = "Dataset001_DeepGray"
CONFIGURATION = "3d_fullres"
TRAINER = "nnUNetTrainer"
CASES = 15
STRUCTURES = ("caudate", "putamen", "accumbens", "pallidum")
# The line that speed.py looks for.
TOLD = "told: "


def prepare(scan: Path, folder: Path) -> None:
    """Lay out a data set of look-alikes of a scan, let nnU-Net plan for it, and store an untrained network.

    Args:
        scan: NIfTI file.
        folder: New folder for nnU-Net's three folders and the input of ``predict``.
    """
    import nibabel as nib  # noqa: PLC0415 (of nnU-Net's environment)
    from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import (  # noqa: PLC0415
        ExperimentPlanner,
    )

    _set_folders(folder)
    raw, planned = folder / "raw" / DATASET, folder / "preprocessed" / DATASET
    for made in (raw / "imagesTr", planned, folder / "input"):
        made.mkdir(parents=True)
    only = folder / "input" / "case_0000.nii.gz"
    if scan.name.endswith(".nii.gz"):
        shutil.copyfile(scan, only)
    else:
        nib.save(nib.load(scan), only)
    for number in range(CASES):
        (raw / "imagesTr" / f"case{number:02}_0000.nii.gz").symlink_to(only.resolve())
    dataset = _dataset()
    (raw / "dataset.json").write_text(json.dumps(dataset), encoding="utf-8")
    (planned / "dataset_fingerprint.json").write_text(json.dumps(_fingerprint(only)), encoding="utf-8")
    plans = ExperimentPlanner(1).plan_experiment()
    _store_untrained(folder / "model", plans, dataset)
    chosen = plans["configurations"][CONFIGURATION]
    _tell(patch=[int(n) for n in chosen["patch_size"]], spacing_mm=[float(s) for s in chosen["spacing"]])


def predict(folder: Path, *, mirroring: bool, threads: int) -> None:
    """Run nnU-Net's own command on the one scan, and tell how long its network took.

    Args:
        folder: What ``prepare`` made.
        mirroring: Mirror every tile along all axes, as is nnU-Net's default.
        threads: Cores to use.
    """
    _set_folders(folder)
    from nnunetv2.inference import predict_from_raw_data as prediction  # noqa: PLC0415 (after the folders are set)

    predictor = prediction.nnUNetPredictor
    slide, seconds = predictor.predict_sliding_window_return_logits, []

    def timed(*args: object, **kwargs: object) -> object:
        start = time.perf_counter()
        logits = slide(*args, **kwargs)
        seconds.append(time.perf_counter() - start)
        return logits

    predictor.predict_sliding_window_return_logits = timed
    # The command takes as many threads as there are cores in the machine, not as many as it may use.
    multiprocessing.cpu_count = lambda: threads
    words = ["-i", folder / "input", "-o", folder / "output", "-m", folder / "model", "-f", "0", "-device", "cpu"]
    sys.argv = ["nnUNetv2_predict_from_modelfolder", *map(str, words), *([] if mirroring else ["--disable_tta"])]
    prediction.predict_entry_point_modelfolder()
    _tell(network_seconds=sum(seconds))


def _tell(**facts: object) -> None:
    print(TOLD + json.dumps(facts), flush=True)


def _set_folders(folder: Path) -> None:
    for name in ("raw", "preprocessed", "results"):
        os.environ[f"nnUNet_{name}"] = str(folder / name)


def _dataset() -> dict[str, object]:
    names = [f"{side} {name}" for name in STRUCTURES for side in ("left", "right")]
    labels = {"background": 0, **{name: number for number, name in enumerate(names, start=1)}}
    return {"channel_names": {"0": "T1"}, "labels": labels, "numTraining": CASES, "file_ending": ".nii.gz"}


def _fingerprint(scan: Path) -> dict[str, object]:
    from nnunetv2.imageio.simpleitk_reader_writer import SimpleITKIO  # noqa: PLC0415
    from nnunetv2.preprocessing.cropping.cropping import crop_to_nonzero  # noqa: PLC0415

    image, properties = SimpleITKIO().read_images((str(scan),))
    cropped = crop_to_nonzero(image)[0]
    values = {
        "mean": float(image.mean()),
        "median": float(np.median(image)),
        "std": float(image.std()),
        "min": float(image.min()),
        "max": float(image.max()),
        "percentile_99_5": float(np.percentile(image, 99.5)),
        "percentile_00_5": float(np.percentile(image, 0.5)),
    }
    return {
        "spacings": [[float(s) for s in properties["spacing"]]] * CASES,
        "shapes_after_crop": [[int(n) for n in cropped.shape[1:]]] * CASES,
        "foreground_intensity_properties_per_channel": {"0": values},
        "median_relative_size_after_cropping": float(cropped[0].size / image[0].size),
    }


def _store_untrained(model: Path, plans: dict[str, object], dataset: dict[str, object]) -> None:
    import torch  # noqa: PLC0415
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer  # noqa: PLC0415
    from nnunetv2.utilities.plans_handling.plans_handler import PlansManager  # noqa: PLC0415

    manager = PlansManager(plans)
    heads = manager.get_label_manager(dataset).num_segmentation_heads
    torch.manual_seed(0)
    network = nnUNetTrainer.build_network_architecture(
        manager, manager.get_configuration(CONFIGURATION), 1, heads, enable_deep_supervision=False
    )
    checkpoint = {
        "network_weights": network.state_dict(),
        "trainer_name": TRAINER,
        "init_args": {"configuration": CONFIGURATION},
        "inference_allowed_mirroring_axes": (0, 1, 2),
    }
    (model / "fold_0").mkdir(parents=True)
    torch.save(checkpoint, model / "fold_0" / "checkpoint_final.pth")
    (model / "plans.json").write_text(json.dumps(plans), encoding="utf-8")
    (model / "dataset.json").write_text(json.dumps(dataset), encoding="utf-8")


def main() -> None:
    """Prepare or predict."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    commands = parser.add_subparsers(dest="command", required=True)
    preparing = commands.add_parser("prepare")
    preparing.add_argument("scan", type=Path)
    preparing.add_argument("folder", type=Path)
    predicting = commands.add_parser("predict")
    predicting.add_argument("folder", type=Path)
    predicting.add_argument("--no-mirroring", action="store_true")
    predicting.add_argument("--threads", type=int, default=2)
    settings = parser.parse_args()
    if settings.command == "prepare":
        prepare(settings.scan, settings.folder)
    else:
        predict(settings.folder, mirroring=not settings.no_mirroring, threads=settings.threads)


if __name__ == "__main__":
    main()
