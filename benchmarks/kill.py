"""Kills a run of 12 scans at 50 random moments, goes on each time, and counts what was lost, half-written or doubled.

The worklist, the folders and the reports are the real ones; a toy stands in for the networks, so that most of the time
goes into writing, where it hurts. Every second round does finished scans again, which replaces folders.

    python benchmarks/kill.py [--kills 50] [--seed 1]
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import csv
import hashlib
import io
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np

from deepgray.anatomy import scheme
from deepgray.cli import main
from deepgray.cli import run as run_command
from deepgray.measure import volumes
from deepgray.models import task
from deepgray.recipe import Options
from deepgray.result import Decision, Outline, Pose, Result, StructureUncertainty
from deepgray.scan import LabelMap, Probabilities, Scan

SCANS = 12
SHAPE = (40, 44, 36)


def toy_scan(seed: int) -> Scan:
    """Noise around two bright blocks, 3 mm."""
    affine = np.diag([3.0, 3.0, 3.0, 1.0])
    affine[:3, 3] = -1.5 * (np.array(SHAPE) - 1)
    voxels = np.random.default_rng(seed).normal(100, 5, SHAPE).astype(np.float32)
    voxels[8:16, 15:30, 15:22] += 50
    voxels[24:32, 15:30, 15:22] += 50
    return Scan(voxels, affine, f"sub-{seed:02d}")


def toy_result(head: SimpleNamespace, name: str, **_: object) -> Result:
    """What the networks would have said: one block a side."""
    scan, what = head.examination.scan, Options("rule").settled(task(name))
    labels = np.zeros(scan.voxels.shape, dtype=np.int16)
    labels[8:16, 15:30, 15:22], labels[24:32, 15:30, 15:22] = 12, 51
    wanted = scheme(what.scheme)
    channels = np.stack([(labels == s.label) * np.float32(0.9) for s in wanted.structures])
    unsure = tuple(StructureUncertainty(s, 0.05) for s in wanted.structures)
    outline = Outline(
        LabelMap(labels, scan.affine_ras, wanted),
        Probabilities(channels, wanted.structures, (0, 0, 0), scan.grid),
        unsure,
        "toy",
    )
    pose = Pose(np.eye(4), 0.9, LabelMap(np.zeros((4, 4, 4), np.uint8), scan.affine_ras, scheme("coarse")))
    numbers = volumes(outline)
    decision = Decision("accepted", "batch", "2026-01-01T00:00:00+00:00", outline)
    return Result(scan, what, pose, outline, decision, None, numbers, (), (), ())


def child(scans: list[Path], out: Path, *, overwrite: bool) -> int:
    """Begin a run in a process of its own."""
    pid = os.fork()
    if pid:
        return pid
    run_command.find_head = lambda examination, *_, **__: SimpleNamespace(examination=examination)
    run_command.analyse_head = toy_result
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        code = main(["run", *map(str, scans), "-o", str(out), *(["--overwrite"] if overwrite else [])])
    os._exit(code)


def harm(out: Path, *, at_rest: bool) -> collections.Counter[str]:
    """What is wrong in a folder.

    Args:
        out: The output folder.
        at_rest: Whether the run came to its end, so that nothing may be open.
    """
    found: collections.Counter[str] = collections.Counter()
    with contextlib.closing(sqlite3.connect(out / "worklist.sqlite")) as database:
        found["half"] += database.execute("PRAGMA integrity_check").fetchone()[0] != "ok"
        if not database.execute("PRAGMA user_version").fetchone()[0]:
            return found  # killed before the first transaction
        states = dict(database.execute("SELECT stem, state FROM study"))
        ends = collections.Counter(s for (s,) in database.execute("SELECT stem FROM event WHERE state = 'done'"))
    if not states and not at_rest:
        return found  # killed before the scans were queued, all in one transaction: the next run queues them
    for number in range(SCANS):
        stem = f"sub-{number:02d}"
        folder = out / stem
        if folder.is_dir():
            found["half"] += not whole(folder)
            found["doubled"] += doubled(folder)
        found["lost"] += states.get(stem) is None or (at_rest and (states[stem] != "done" or not folder.is_dir()))
        found["doubled"] += ends[stem] > 1
    if at_rest:
        found["half"] += sum(p.name.startswith(".") for p in out.iterdir())
    return found


def whole(folder: Path) -> bool:
    """Whether every file is as the JSON says."""
    try:
        files = json.loads((folder / f"{folder.name}.json").read_text())["files"]
        return len(files) > 5 and all(
            hashlib.sha256((folder / name).read_bytes()).hexdigest() == sum_ for name, sum_ in files.items()
        )
    except (OSError, ValueError, KeyError):
        return False


def doubled(folder: Path) -> bool:
    """Whether a number stands twice in the table."""
    with (folder / f"{folder.name}_measures.tsv").open(newline="") as stream:
        keys = [(r["structure"], r["side"], r["quantity"]) for r in csv.DictReader(stream, delimiter="\t")]
    return len(keys) != len(set(keys))


def campaign(folder: Path, *, kills: int, seed: int) -> collections.Counter[str]:
    """Kill and go on, until enough were killed; what went wrong is counted."""
    chance, total, killed, rounds = random.Random(seed), collections.Counter(), 0, 0
    scans = [folder / f"sub-{number:02d}.nii.gz" for number in range(SCANS)]
    for number, path in enumerate(scans):
        nib.save(nib.Nifti1Image(toy_scan(number).voxels, toy_scan(number).affine_ras), path)
    start = time.perf_counter()
    if os.waitpid(child(scans, folder / "timed", overwrite=False), 0)[1]:
        raise RuntimeError("a run that nobody kills does not come to its end")
    whole_seconds = time.perf_counter() - start
    print(f"one run of {SCANS} scans: {whole_seconds:.1f} s", flush=True)
    while killed < kills:
        out, rounds = folder / f"out-{rounds}", rounds + 1
        again = rounds % 2 == 0
        if again:
            os.waitpid(child(scans, out, overwrite=False), 0)
        for _ in range(8):
            pid = child(scans, out, overwrite=again)
            time.sleep(chance.uniform(0.02, 0.35) * whole_seconds)
            os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            killed += os.WIFSIGNALED(status)
            if (out / "worklist.sqlite").exists():
                total += harm(out, at_rest=False) if not again else collections.Counter()
        os.waitpid(child(scans, out, overwrite=False), 0)
        final = harm(out, at_rest=True)
        total += final if not again else collections.Counter({k: v for k, v in final.items() if k != "doubled"})
    print(f"kills: {killed}, rounds: {rounds}")
    return total


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    settings = read_arguments()
    with tempfile.TemporaryDirectory() as place:
        counted = campaign(Path(place), kills=settings.kills, seed=settings.seed)
    for kind in ("lost", "half", "doubled"):
        print(f"{kind}: {counted[kind]}")
    sys.exit(any(counted.values()))
