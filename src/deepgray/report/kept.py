"""What a review needs to go on from the outline without a network: pose, proposed outline with its probabilities."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepgray.anatomy import Code, Scheme, Side, Structure, structure
from deepgray.errors import OutputError
from deepgray.result import (
    BESIDE,
    Drawn,
    ModelRecord,
    Outline,
    Pose,
    Registered,
    Registration,
    Result,
    StageTime,
    StructureUncertainty,
)
from deepgray.scan import LabelMap, Probabilities
from deepgray.space import Grid
from deepgray.voxels.crop import occupied

# What comes after the decision is done again, and told again.
_BEFORE = ("locate", "outline", BESIDE, "register")


def kept_name(stem: str, task: str) -> str:
    """Name of the file in the folder of a study."""
    return f"{stem}_desc-{task}_kept.npz"


def write_kept(path: Path, result: Result) -> None:
    """Keep what stands before the decision.

    Args:
        path: File to write, ``.npz``.
        result: Whose.

    Raises:
        OSError: The file cannot be written.
    """
    pose, proposed = result.pose, result.proposed
    labels = proposed.labels.voxels
    box = occupied(labels) or (slice(0, 0), slice(0, 0), slice(0, 0))
    arrays: dict[str, NDArray[np.generic]] = {
        "canonical_from_world": np.asarray(pose.canonical_from_world, dtype=np.float64),
        "coarse": np.asarray(pose.coarse.voxels, dtype=np.int16),
        "coarse_affine_ras": np.asarray(pose.coarse.affine_ras, dtype=np.float64),
        "affine_ras": np.asarray(proposed.labels.affine_ras, dtype=np.float64),
        "labels": labels[box].astype(np.int32),
        "labels_low": np.array([s.start for s in box]),
    }
    if pose.deep is not None:
        arrays["deep"] = np.asarray(pose.deep.voxels, dtype=np.int16)
        arrays["deep_affine_ras"] = np.asarray(pose.deep.affine_ras, dtype=np.float64)
    if proposed.probabilities is not None:
        arrays["probabilities"] = proposed.probabilities.voxels.astype(np.float16)
        arrays["probabilities_low"] = np.array(proposed.probabilities.low)
    words = {
        "confidence": float(pose.confidence),
        "shape": list(labels.shape),
        "coarse_scheme": _described(pose.coarse.scheme),
        "deep_scheme": None if pose.deep is None else _described(pose.deep.scheme),
        "scheme": _described(proposed.labels.scheme),
        "scores": [[u.structure.key, float(u.score)] for u in proposed.uncertainty],
        "part_scores": [[u.structure.key, float(u.score)] for u in proposed.part_uncertainty],
        "method": proposed.method,
        "notes": list(proposed.notes),
        "models": [asdict(m) for m in result.models if m.stage in _BEFORE],
        "times": [[t.stage, t.seconds] for t in result.times if t.stage in _BEFORE],
        "registration": _registration_told(result.registered),
    }
    text = np.frombuffer(json.dumps(words).encode(), dtype=np.uint8)
    np.savez_compressed(path, words=text, **arrays)  # type: ignore[arg-type]


def read_kept(folder: Path, stem: str, *, task: str) -> Drawn:
    """What was kept of a task on a study.

    Args:
        folder: Output folder.
        stem: Name of the scan.
        task: Name of the task.

    Returns:
        What stood before the decision; its probabilities are rounded to float16 precision.

    Raises:
        OutputError: The file is missing or damaged.
    """
    path = folder / stem / kept_name(stem, task)
    try:
        with np.load(path, allow_pickle=False) as arrays:
            words = json.loads(arrays["words"].tobytes())
            return _kept({name: arrays[name] for name in arrays.files if name != "words"}, words)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise OutputError(
            f"What 'deepgray run' keeps for a review is wanted in {path}, it cannot be read ({error}). "
            "Run the scan again with --overwrite."
        ) from error


def _kept(arrays: dict[str, NDArray[np.generic]], words: dict[str, object]) -> Drawn:
    values: dict = words  # type: ignore[type-arg]
    scheme, affine = _scheme(values["scheme"]), np.asarray(arrays["affine_ras"], dtype=np.float64)
    by_key = {s.key: s for s in scheme.structures}
    labels = np.zeros(values["shape"], dtype=np.int16 if max(scheme.by_label()) < 2**15 else np.int32)
    labels[_box(arrays["labels_low"], arrays["labels"].shape)] = arrays["labels"]
    probabilities = None
    if "probabilities" in arrays:
        low = tuple(int(n) for n in arrays["probabilities_low"])
        grid = Grid(labels.shape, affine)
        voxels = arrays["probabilities"].astype(np.float32)
        probabilities = Probabilities(voxels, scheme.structures, low, grid)  # type: ignore[arg-type]
    outline = Outline(
        LabelMap(labels, affine, scheme),
        probabilities,
        tuple(StructureUncertainty(by_key[key], score) for key, score in values["scores"]),
        values["method"],
        tuple(values["notes"]),
        part_uncertainty=tuple(StructureUncertainty(structure(key), score) for key, score in values["part_scores"]),
    )
    maps = {
        name: LabelMap(arrays[name], arrays[f"{name}_affine_ras"], _scheme(values[f"{name}_scheme"]))  # type: ignore[arg-type]
        for name in ("coarse", "deep")
        if name in arrays
    }
    return Drawn(
        Pose(arrays["canonical_from_world"], values["confidence"], maps["coarse"], maps.get("deep")),  # type: ignore[arg-type]
        outline,
        tuple(ModelRecord(**m) for m in values["models"]),
        tuple(StageTime(stage, seconds) for stage, seconds in values["times"]),
        _registration(values.get("registration")),
    )


def _registration_told(registered: Registered | None) -> dict[str, object] | None:
    if registered is None:
        return None
    found = registered.registration
    return {**asdict(found), "scan_from_tracer": found.scan_from_tracer.tolist()}


def _registration(values: dict | None) -> Registration | None:  # type: ignore[type-arg]
    if values is None:
        return None
    return Registration(**{**values, "scan_from_tracer": np.array(values["scan_from_tracer"], dtype=np.float64)})


def _box(low: NDArray[np.generic], shape: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(slice(int(a), int(a) + n) for a, n in zip(low, shape, strict=True))


def _described(scheme: Scheme) -> dict[str, object]:
    return {"name": scheme.name, "structures": [asdict(s) for s in scheme.structures]}


def _scheme(values: dict) -> Scheme:  # type: ignore[type-arg]
    return Scheme(values["name"], tuple(_structure(s) for s in values["structures"]))


def _structure(values: dict) -> Structure:  # type: ignore[type-arg]
    code = Code(**values["code"]) if values["code"] else None
    return Structure(**{**values, "side": Side(values["side"]), "colour": tuple(values["colour"]), "code": code})
