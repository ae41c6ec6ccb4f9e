"""How long one scan takes and how much memory, beside nnU-Net v2 on the same scan: ``python benchmarks/speed.py``.

Each program is timed as a whole process, from its start to its exit, on the same cores, with the files it reads in the
cache. deepgray runs with every engine that is installed, several times after one run that does not count; medians are
told. Peak memory is that of the largest single process, as the system counts it. CPU seconds are told besides: they
hold on a machine that others use too, where wall seconds do not. The limit on the ratio is judged by what holds there
as well: nnU-Net is taken to keep every core busy, which makes it as quick as it can be, against deepgray's wall time.

nnU-Net belongs to no extra. Give it an environment of its own, torch first and by its exact number, so that pip does
not bring another one::

    python -m venv nnunet
    nnunet/bin/pip install torch==2.13.0
    nnunet/bin/pip install torch==2.13.0 nnunetv2==2.8.1
    python benchmarks/speed.py --nnunet nnunet/bin/python

It runs with the plan and the settings that are its defaults and with untrained weights, see
``benchmarks/nnunet_untrained.py``; once without mirroring, which it calls faster and less accurate, and once with,
which is its default. Where that would take longer than ``--longest-minutes``, the line says that it was worked out: the
time of the network without mirroring, times the eight passes of each tile. The exit code is 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

# Nothing heavy is imported here: a child's peak memory begins with what its parent holds.
NNUNET = Path(__file__).with_name("nnunet_untrained.py")
DEMO_SCAN = "datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"
ENGINES = ("openvino", "onnxruntime")
MIRRORED_PASSES = 8
TOLD = "told: "
GIGABYTE = 1e9
READ = """
import sys, time
from deepgray.read import read
start = time.perf_counter()
read(sys.argv[1], modality=sys.argv[2])
print(time.perf_counter() - start)
"""


@dataclass(frozen=True)
class Cost:
    """What one process cost.

    Attributes:
        wall_seconds: From start to exit.
        cpu_seconds: Of the process and the children it waited for, all cores together.
        peak_gb: Memory of the largest single process at its peak.
        output: Its standard output.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_gb: float
    output: str = ""


@dataclass(frozen=True)
class Limit:
    """A figure that is asked for: at most, or at least where ``least`` is set."""

    name: str
    wanted: float
    hoped_for: float
    unit: str
    least: bool = False

    def verdict(self, value: float) -> str:
        """In words."""
        sign = -1 if self.least else 1
        if sign * value <= sign * self.hoped_for:
            return "aim reached"
        return "kept" if sign * value <= sign * self.wanted else "MISSED"


WALL = Limit("wall time", 10.0, 5.0, "s")
WALL_OF_MAPS = Limit("wall time", 12.0, 6.0, "s")
MEMORY = Limit("peak memory", 1.5, 1.0, "GB")
RATIO = Limit("quicker than nnU-Net", 10.0, 20.0, "x", least=True)


def measured(command: Sequence[str | Path]) -> Cost:
    """Run a command and say what it cost; what it wrote is shown where it fails."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as news:
        start = time.perf_counter()
        process = subprocess.Popen([str(word) for word in command], stdout=output, stderr=news)
        _, status, usage = os.wait4(process.pid, 0)
        wall_seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        news.seek(0)
        said = output.read()
        if process.returncode:
            sys.exit(f"{' '.join(map(str, command))}\n{said}{news.read()}")
    per_unit = 1 if sys.platform == "darwin" else 1024
    return Cost(wall_seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * per_unit / GIGABYTE, said)


def middle(costs: Sequence[Cost]) -> Cost:
    """The median of each figure."""
    return Cost(
        statistics.median(c.wall_seconds for c in costs),
        statistics.median(c.cpu_seconds for c in costs),
        max(c.peak_gb for c in costs),
    )


def deepgray(scan: Path, engine: str, settings: argparse.Namespace) -> tuple[Cost, dict[str, float]]:
    """Median cost of ``deepgray run`` with one engine, and median seconds of each stage, the report and the start."""
    costs, stages = [], []
    for _ in range(settings.repeats + 1):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "deepgray", "run", scan, "-o", folder, "--task", settings.task]
            cost = measured([*command, "--threads", str(settings.threads), "--engine", engine])
            written = next(Path(folder).glob("*/*.json"))
            tasks = list(json.loads(written.read_text(encoding="utf-8"))["tasks"].values())
            within = {name: sum(task["seconds"][name] for task in tasks) for name in tasks[0]["seconds"]}
            within["locate"] = tasks[0]["seconds"]["locate"]  # once for all tasks
            modality = {"striatum": "mr", "datspect": "spect"}.get(settings.task, "qsm")
            reading = float(measured([sys.executable, "-c", READ, scan, modality]).output)
        # each line says seconds from reading, or from the task before, to the written report, to 0.1
        whole = sum(float(line.split("\t")[2]) for line in cost.output.splitlines())
        told = {"start and imports": cost.wall_seconds - whole, "read": reading, **within}
        told["report"] = max(whole - reading - sum(within.values()), 0.0)
        costs.append(cost)
        stages.append(told)
    kept = stages[1:]
    return middle(costs[1:]), {name: statistics.median(s[name] for s in kept) for name in kept[0]}


def nnunet(scan: Path, settings: argparse.Namespace) -> tuple[Cost, Cost, str]:
    """Cost without and with mirroring, and how the second one was come by."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "nnunet"
        prepared = measured([settings.nnunet, NNUNET, "prepare", scan, folder])
        plan = told(prepared.output)
        print(f"nnU-Net's plan: 3d_fullres, tiles of {plan['patch']} voxels of {plan['spacing_mm']} mm", flush=True)
        command = [settings.nnunet, NNUNET, "predict", folder, "--threads", str(settings.threads)]
        plain = measured([*command, "--no-mirroring"])
        row("nnU-Net without mirroring", plain)
        network_seconds = float(told(plain.output)["network_seconds"])
        more = network_seconds * (MIRRORED_PASSES - 1)
        longest = settings.longest_minutes * 60
        if plain.wall_seconds + more <= longest:
            return plain, measured(command), "run whole"
        # The same share of the cores as in the run without mirroring.
        cores = plain.cpu_seconds / plain.wall_seconds
        mirrored = replace(
            plain, wall_seconds=plain.wall_seconds + more, cpu_seconds=plain.cpu_seconds + more * cores, output=""
        )
        return plain, mirrored, f"worked out: {network_seconds:.0f} s of the network, times {MIRRORED_PASSES}"


def told(output: str) -> dict[str, Any]:
    """The facts that ``nnunet_untrained.py`` tells."""
    lines = [line for line in output.splitlines() if line.startswith(TOLD)]
    facts: dict[str, Any] = json.loads(lines[-1].removeprefix(TOLD))
    return facts


def row(name: str, cost: Cost, note: str = "") -> None:
    """Print one line of the table."""
    print(
        f"{name:28}{cost.wall_seconds:9.2f}{cost.cpu_seconds:9.2f}{cost.peak_gb:8.2f}"
        f"{cost.cpu_seconds / cost.wall_seconds:9.1f}  {note}",
        flush=True,
    )


def judge(name: str, value: float, limit: Limit) -> bool:
    """Print how a value stands to its limit; whether it keeps it."""
    bound = "at least" if limit.least else "at most"
    wanted = f"{bound} {limit.wanted:g} {limit.unit}, aim {limit.hoped_for:g}"
    verdict = limit.verdict(value)
    print(f"{name:28}{limit.name:28}{value:9.2f} {limit.unit:3} ({wanted}): {verdict}")
    return verdict != "MISSED"


def default_scan() -> Path:
    """The MNI152 T1 that nilearn brings."""
    found = importlib.util.find_spec("nilearn")
    if found is None or not found.submodule_search_locations:
        sys.exit("A scan is wanted, or nilearn with its MNI152 T1: pip install 'deepgray[demo]'.")
    return Path(found.submodule_search_locations[0]) / DEMO_SCAN


def say_machine(threads: int) -> None:
    """Keep to so many cores, where the system can, and print what the machine is and whether it is at rest."""
    if hasattr(os, "sched_setaffinity"):
        usable = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, usable[:threads])
    busy = os.getloadavg()[0]
    print(f"{platform.system()} {platform.machine()}, {threads} cores used, load {busy:.1f} at the start")
    if busy > 0.5:
        print("THE MACHINE IS BUSY: wall seconds are too long, go by CPU seconds.")


def parse() -> argparse.Namespace:
    """The settings."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("scan", nargs="?", type=Path, help="a T1, NIfTI; nilearn's MNI152 T1 when not given")
    parser.add_argument("--task", default="striatum", help="striatum; or tasks on a QSM: dentate,midbrain")
    parser.add_argument("--threads", type=int, default=2, help="cores for every program")
    parser.add_argument("--repeats", type=int, default=5, help="runs of deepgray that count")
    parser.add_argument("--nnunet", type=Path, help="python of an environment with nnU-Net")
    parser.add_argument("--longest-minutes", type=float, default=15.0, help="nnU-Net with mirroring is run up to here")
    return parser.parse_args()


def main() -> int:
    """Measure, print, judge."""
    settings = parse()
    scan = (settings.scan or default_scan()).resolve()
    say_machine(settings.threads)
    print(f"scan: {scan.name}\n\n{'':28}{'wall s':>9}{'CPU s':>9}{'GB':>8}{'cores':>9}")
    ours, stages = {}, {}
    for engine in (e for e in ENGINES if importlib.util.find_spec(e)):
        ours[engine], stages[engine] = deepgray(scan, engine, settings)
        row(f"deepgray, {engine}", ours[engine], f"median of {settings.repeats}")
    theirs: tuple[Cost, ...] = ()
    if settings.nnunet:
        plain, mirrored, note = nnunet(scan, settings)
        row("nnU-Net, its default", mirrored, note)
        theirs = (plain, mirrored)
    else:
        print("nnU-Net was not run: --nnunet is not given (how to install it is said at the top of this file)")
    print(f"\n{'wall seconds per stage':28}" + "".join(f"{engine:>13}" for engine in stages))
    for name in next(iter(stages.values())):
        print(f"{name:28}" + "".join(f"{seconds[name]:13.2f}" for seconds in stages.values()))
    print()
    limit = WALL if settings.task == "striatum" else WALL_OF_MAPS
    kept = [v for name, cost in ours.items() for v in judged(name, cost, theirs, threads=settings.threads, limit=limit)]
    print(f"load at the end {os.getloadavg()[0]:.1f}, of which this run about {settings.threads if theirs else 1}")
    return 0 if all(kept) else 1


def judged(engine: str, cost: Cost, theirs: tuple[Cost, ...], *, threads: int, limit: Limit) -> list[bool]:
    """How one engine stands to the limits; every other comparison is printed and not judged."""
    kept = [judge(engine, cost.wall_seconds, limit), judge(engine, cost.peak_gb, MEMORY)]
    if theirs:
        plain, mirrored = theirs
        kept.append(judge(engine, mirrored.cpu_seconds / threads / cost.wall_seconds, RATIO))
        for name, their in (("default", mirrored), ("without mirroring", plain)):
            best = their.cpu_seconds / threads / cost.wall_seconds
            wall, cpu = their.wall_seconds / cost.wall_seconds, their.cpu_seconds / cost.cpu_seconds
            memory = their.peak_gb / cost.peak_gb
            print(
                f"{engine:28}nnU-Net, {name}: {wall:.0f} x wall time ({best:.0f} x with every core busy), "
                f"{cpu:.0f} x CPU time, {memory:.1f} x memory"
            )
    return kept


if __name__ == "__main__":
    raise SystemExit(main())
