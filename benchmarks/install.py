"""Installs deepgray's base into a fresh environment and tells what it weighs and how soon it answers.

Run it from the repository root: ``python benchmarks/install.py``. Limits: 250 MB on disk, 0.6 s for
``deepgray --help``, 0.3 s for ``import deepgray``. The exit code is 1 when one is missed.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections import Counter
from importlib.metadata import Distribution, distributions
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
LIMIT_MB, LIMIT_HELP_SECONDS, LIMIT_IMPORT_SECONDS = 250.0, 0.6, 0.3
REPEATS = 7
MEGABYTE = 1e6


def install(folder: Path) -> tuple[Path, Path]:
    """A fresh environment with the base install; its programs and its packages."""
    venv.create(folder, with_pip=True)
    programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
    subprocess.run([programs / "python", "-m", "pip", "install", "--quiet", str(REPOSITORY)], check=True)
    asked = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    told = subprocess.run([programs / "python", "-c", asked], check=True, capture_output=True, text=True)
    return programs, Path(told.stdout.strip())


def size_on_disk(path: Path) -> int:
    """Bytes of the blocks that a file takes, as ``du`` counts them."""
    status = path.stat()
    return getattr(status, "st_blocks", 0) * 512 or status.st_size


def package_sizes(packages: Path) -> Counter[str]:
    """Bytes on disk of every installed distribution, with its compiled files."""
    return Counter({found.name: distribution_size(found) for found in distributions(path=[str(packages)])})


def distribution_size(distribution: Distribution) -> int:
    """Bytes on disk of the files that one distribution installed."""
    paths = {Path(str(distribution.locate_file(file))).resolve() for file in distribution.files or ()}
    return sum(size_on_disk(path) for path in paths if path.is_file())


def median_seconds(command: list[str | Path]) -> float:
    """Median wall time of a command over several runs, the first (cold) one left out."""
    seconds = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=tempfile.gettempdir())
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:])


def tell(name: str, value: float, limit: float, unit: str) -> bool:
    """Print one line; whether the value keeps its limit."""
    kept = value <= limit
    print(f"{name:28} {value:8.2f} {unit:3} limit {limit:g} {unit}  {'kept' if kept else 'MISSED'}")
    return kept


def main() -> int:
    """Install, weigh, time, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=15, help="packages to list, heaviest first")
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        programs, packages = install(Path(folder))
        # pip itself is not ours to count; every environment has it.
        sizes = package_sizes(packages)
        pip_bytes = sizes.pop("pip", 0) + sizes.pop("setuptools", 0)
        everything = sum(size_on_disk(path) for path in packages.rglob("*") if path.is_file()) - pip_bytes
        for name, size in sizes.most_common(rows):
            print(f"{name:28} {size / MEGABYTE:8.1f} MB")
        python = programs / "python"
        bare = median_seconds([python, "-c", "pass"])
        print(f"{'python alone':28} {bare:8.2f} s")
        kept = [
            tell("site-packages without pip", everything / MEGABYTE, LIMIT_MB, "MB"),
            tell("deepgray --help", median_seconds([programs / "deepgray", "--help"]), LIMIT_HELP_SECONDS, "s"),
            tell("import deepgray", median_seconds([python, "-c", "import deepgray"]), LIMIT_IMPORT_SECONDS, "s"),
        ]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    raise SystemExit(main())
