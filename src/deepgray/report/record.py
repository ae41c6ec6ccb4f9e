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
