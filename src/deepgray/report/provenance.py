"""The JSON beside the results: what went in, what worked on it, what was decided, and checksums of what came out."""

from __future__ import annotations

import hashlib
import json
import math
import platform
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from deepgray.report.record import Json, Record, input_of
from deepgray.result import Decision, ModelRecord, Outline, Result

_LIBRARIES: tuple[str, ...] = ("numpy", "scipy", "nibabel", "onnxruntime", "openvino", "pillow", "jinja2")
DISCLAIMER = "For research only. Not a medical device; not for diagnosis or treatment."


def versions() -> dict[str, str]:
    """Versions of deepgray, Python and the libraries that are installed."""
    found = {"deepgray": _version("deepgray"), "python": platform.python_version()}
    found.update({name: _version(name) for name in _LIBRARIES})
    return {name: number for name, number in found.items() if number}


def provenance(result: Result, files: Iterable[Path], *, own: Iterable[str], kept: Record) -> Json:
    """Everything about the results of a scan that its images do not say themselves.

    Args:
        result: The result.
        files: Files written so far, whose checksums are taken.
        own: Names of the files that belong to this task alone.
        kept: What stays of other tasks on the same scan: their files count with the checksums they were written with.

    Returns:
        Values that JSON can hold; undefined numbers are None.
    """
    every = {**kept.tasks, result.task.name: {**_task(result), "files": sorted(own)}}
    checksums = {f.name: checksum(f) for f in files if f.name not in kept.files} | kept.files
    return {
        "notice": DISCLAIMER,
        "input": input_of(result.scan),
        "tasks": dict(sorted(every.items())),
        "files": dict(sorted(checksums.items())),
    }


def _task(result: Result) -> Json:
    task, pose = result.task, result.pose
    return {
        "software": versions(),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "title": task.title,
        "review_above": task.review_above,
        "measures": list(task.measures),
        "intervals": result.intervals,
        "beside": [{"role": i.role, "name": i.name, "sha256": i.sha256} for i in result.inputs],
        "registration": _registration(result),
        "models": [_model(m) for m in result.models],
        "pose": {"canonical_from_world": pose.canonical_from_world.tolist(), "confidence": _finite(pose.confidence)},
        "proposed": _outline(result.proposed),
        "decision": _decision(result.decision),
        "parts": _outline(result.parts) if result.parts else None,
        "flags": list(result.flags),
        "seconds": {t.stage: round(t.seconds, 3) for t in result.times},
        "maps": _maps(result),
    }


def write_provenance(path: Path, values: Json) -> None:
    """The provenance as a JSON file.

    Args:
        path: File to write.
        values: As ``provenance`` returns it.

    Raises:
        OSError: The file cannot be written.
    """
    path.write_text(json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def checksum(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal text."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _model(record: ModelRecord) -> Json:
    recipe = json.loads(record.recipe) if record.recipe else None
    return {
        "stage": record.stage,
        "name": record.name,
        "version": record.version,
        "sha256": record.sha256,
        "recipe": recipe,
    }


def _registration(result: Result) -> Json | None:
    given = result.registered
    if given is None:
        return None
    found, tracer = given.registration, given.tracer
    return {
        "scan_from_tracer": found.scan_from_tracer.tolist(),
        "similarity": _finite(found.similarity),
        "brain_seen": _finite(found.seen),
        "method": found.method,
        "tracer": input_of(tracer.scan),
        "reference": tracer.reference,
        "psf_mm": tracer.psf_mm,
    }


def _outline(outline: Outline) -> Json:
    return {
        "scheme": outline.labels.scheme.name,
        "method": outline.method,
        "notes": list(outline.notes),
        "score": _finite(outline.score),
        "uncertainty": {u.structure.key: _finite(u.score) for u in (*outline.uncertainty, *outline.part_uncertainty)},
    }


def _decision(decision: Decision) -> Json:
    changes = [
        {
            "structure": c.structure.key,
            "added_mm3": _finite(c.added_mm3),
            "removed_mm3": _finite(c.removed_mm3),
            "dice": _finite(c.dice),
        }
        for c in decision.changes
    ]
    return {
        "kind": decision.kind,
        "reviewer": decision.reviewer,
        "when": decision.when,
        "method": decision.outline.method,
        "changes": changes,
        "audit": [asdict(line) for line in decision.audit],
    }


def _maps(result: Result) -> Json:
    probabilities = result.proposed.probabilities
    if probabilities is None:
        return {}
    classes = len(probabilities.structures) + 1
    return {
        "entropy": f"bits per voxel of the network's outline, background included, 0 to log2({classes})",
        "probseg": "one volume per structure; rounded to float16 precision, stored as float32 (NIfTI has no float16)",
        "probseg_order": [s.key for s in probabilities.structures],
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
