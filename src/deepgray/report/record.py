"""What the JSON of a folder says of the results that lie in it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from deepgray.scan import Scan

Json = dict[str, object]


@dataclass(frozen=True)
class Record:
    """What the JSON of a folder says.

    Attributes:
        input: As ``input_of`` gives it; empty where nothing can be read.
        tasks: What is recorded of each task.
        files: Checksum of each file when it was written.
    """

    input: Json = field(default_factory=dict)
    tasks: dict[str, Json] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def without(self, task: str) -> Record:
        """What stays when a task is done again: the other tasks, and their own files."""
        tasks = {name: values for name, values in self.tasks.items() if name != task}
        own = {name for values in tasks.values() for name in texts(values.get("files"))}
        return Record(self.input, tasks, {name: sha256 for name, sha256 in self.files.items() if name in own})


@dataclass(frozen=True)
class Summary:
    """What a worklist needs to know of a result.

    Attributes:
        version: Version of deepgray that wrote it.
        score: Uncertainty of the proposed outline, 0–1.
        limit: Uncertainty above which the task asks for a person.
        kind: ``accepted``, ``corrected`` or ``rejected``.
        reviewer: Who decided; ``batch`` when nobody looked.
        asked: Why a person should look, in sentences.
        sha256: Checksum of the scan's file, empty where it came from memory.
    """

    version: str
    score: float
    limit: float
    kind: str
    reviewer: str
    asked: tuple[str, ...]
    sha256: str = ""


def summary_of(values: Json, given: Json) -> Summary:
    """The summary of what is recorded of a task, and of its input; what is missing is empty."""
    software, proposed, decision = (_mapping(values.get(key)) for key in ("software", "proposed", "decision"))
    asked = [f.removeprefix("review: ") for f in texts(values.get("flags")) if f.startswith("review")]
    return Summary(
        str(software.get("deepgray", "")),
        _number(proposed.get("score"), 0.0),
        _number(values.get("review_above"), 1.0),
        str(decision.get("kind", "")),
        str(decision.get("reviewer", "")),
        tuple(asked),
        str(given.get("sha256", "")),
    )


def _mapping(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _number(value: object, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) else otherwise


def read_record(path: Path) -> Record:
    """The record that a JSON file holds, an empty one where there is no file or none of deepgray's."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        tasks = {str(name): dict(task) for name, task in values["tasks"].items()}
        return Record(dict(values["input"]), tasks, {str(name): str(s) for name, s in values["files"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Record()


def texts(value: object) -> list[str]:
    """A list of texts in the JSON, empty where there is none."""
    return [str(v) for v in value] if isinstance(value, list) else []


def input_of(scan: Scan) -> Json:
    """What was measured: two results with the same one may lie in one folder."""
    return {
        "stem": scan.stem,
        "sha256": scan.sha256,
        "modality": scan.modality,
        "unit": scan.unit,
        "changes": list(scan.changes),
        "shape": list(scan.voxels.shape),
        "spacing_mm": scan.grid.spacing_mm.tolist(),
        "affine_ras": scan.affine_ras.tolist(),
    }
