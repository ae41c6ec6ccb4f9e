"""``deepgray doctor``: what is installed, whether the weights are whole, and whether a scan goes all the way."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from deepgray import models
from deepgray.cli.models import ready, state
from deepgray.cli.output import news, rows
from deepgray.cli.self_test import self_test_scan
from deepgray.engine import engine_names, usable_cores
from deepgray.errors import DeepgrayError
from deepgray.pipeline import analyse

_BASE = ("numpy", "nibabel", "onnxruntime", "pillow", "contourpy", "jinja2", "rich", "cyclopts")
_EXTRAS = {"fast": "openvino", "evaluate": "scipy", "train": "torch"}
# A network run on nothing: a cube of this many voxels, a multiple of every network's strides.
_TRIAL_VOXELS = 32


@dataclass(frozen=True)
class Finding:
    """One line of the examination.

    Attributes:
        subject: What was looked at.
        state: ``ok``, ``not installed`` (optional parts) or ``failed``.
        words: Details.
    """

    subject: str
    state: str
    words: str


def doctor() -> int:
    """Say what is installed, check the weights, run each network once, and take a made-up scan all the way.

    A line per finding goes to standard output; the exit code is 1 when one of them failed.
    """
    findings = [*_installed(), *_weights(), *_networks(), *_tasks(), _examined("self-test scan", _self_test)]
    rows((f.subject, f.state, f.words) for f in findings)
    failed = [f.subject for f in findings if f.state == "failed"]
    news(f"{len(failed)} of {len(findings)} findings failed: {', '.join(failed)}." if failed else "all is well.")
    return 1 if failed else 0


def _installed() -> list[Finding]:
    found = [
        Finding("deepgray", "ok", version("deepgray")),
        Finding("python", "ok", f"{platform.python_version()}, {platform.system()} {platform.machine()}"),
    ]
    found += [_package(name, f"{name}", "failed") for name in _BASE]
    found += [_package(name, f"{name} (extra {extra})", "not installed") for extra, name in _EXTRAS.items()]
    return [*found, Finding("engine", "ok", f"{engine_names()[0]} on {usable_cores()} cores")]


def _package(name: str, subject: str, absent: str) -> Finding:
    try:
        return Finding(subject, "ok", version(name))
    except PackageNotFoundError:
        return Finding(subject, absent, "")


def _weights() -> list[Finding]:
    return [
        Finding(f"weights {e.name}", "ok" if (found := state(e)) == "verified" else "failed", found)
        for e in models.entries()
    ]


def _networks() -> list[Finding]:
    return [_examined(f"network {e.name}", partial(_trial, e.name)) for e in models.entries() if state(e) == "verified"]


def _tasks() -> list[Finding]:
    states = {name: ready(models.task(name)) for name in models.task_names()}
    return [Finding(f"task {name}", "ok" if s == "ready" else "not installed", s) for name, s in states.items()]


def _trial(name: str) -> str:
    network = models.load(name).network
    recipe = network.recipe
    shape = recipe.seen.shape if recipe.is_wide else (_TRIAL_VOXELS,) * 3
    inputs = np.zeros((1, len(recipe.inputs), *shape), dtype=np.float32)
    finite = np.isfinite(network.run(inputs)).all()
    if not finite:
        raise DeepgrayError("Finite logits are wanted, NaN or infinite ones came.")
    return f"{network.engine}, version {recipe.version}"


def _self_test() -> str:
    result = analyse(self_test_scan())
    voxels = int(np.count_nonzero(result.outline.labels.voxels))
    return f"{voxels} voxels outlined; " + ", ".join(f"{t.stage} {t.seconds:.1f} s" for t in result.times)


def _examined(subject: str, examine: Callable[[], str]) -> Finding:
    start = time.perf_counter()
    try:
        words = examine()
    except DeepgrayError as error:
        return Finding(subject, "failed", str(error))
    return Finding(subject, "ok", f"{words} ({time.perf_counter() - start:.1f} s)")
