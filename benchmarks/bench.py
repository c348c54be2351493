"""Measure the pipeline's claims in a clone of this repository, contenders taking turns; write results.json."""

import datetime
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

import psutil

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results.json"
MADE = ("data/sp500", "models", "reports", ".dvc/cache", ".dvc/tmp", "dvc.lock")


class TooLarge(RuntimeError):
    """A command took more memory than it may."""


def run(command: list[str], folder: Path) -> float:
    """Run a command and return its seconds; it must succeed."""
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def clear(folder: Path) -> None:
    """Remove what a run makes."""
    for name in MADE:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def compare(one: list[str], other: list[str], folder: Path, *, rounds: int, cold: bool) -> dict[str, float]:
    """Return the median seconds of two commands that take turns, and the ratio of the first to the second."""
    seconds: dict[str, list[float]] = {"one": [], "other": []}
    for _ in range(rounds):
        for key, command in (("one", one), ("other", other)):
            if cold:
                clear(folder)
            seconds[key].append(run(command, folder))
    medians = {key: statistics.median(values) for key, values in seconds.items()}
    spread = {f"{key}_spread": max(values) - min(values) for key, values in seconds.items()}
    return {**medians, **spread, "ratio": medians["one"] / medians["other"]}


def peak_memory(command: list[str], folder: Path, *, limit_gb: float | None = None) -> dict[str, float]:
    """Return the largest memory (proportional set size) of a command and its children, in GB, and its seconds.

    Raises CalledProcessError where it fails, with what it said, and TooLarge where it takes more than `limit_gb`.
    """
    start, peak = time.perf_counter(), 0
    with TemporaryFile() as said:
        process = psutil.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=said)
        while process.poll() is None:
            peak = max(peak, sum(map(_memory, tree := [process, *_children(process)])))
            if limit_gb is not None and peak > limit_gb * 1e9:
                _end(tree)
                raise TooLarge(f"more than {limit_gb:g} GB after {time.perf_counter() - start:.0f} s")
            time.sleep(0.05)
        if process.returncode:
            said.seek(0)
            raise subprocess.CalledProcessError(process.returncode, command, stderr=said.read().decode()[-2000:])
    return {"peak_gb": peak / 1e9, "seconds": time.perf_counter() - start}


def _memory(process: psutil.Process) -> int:
    try:
        return process.memory_full_info().pss
    except psutil.Error:
        return 0


def _end(processes: list[psutil.Process]) -> None:
    for each in processes:
        with suppress(psutil.Error):
            each.kill()
    psutil.wait_procs(processes, timeout=10)


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def machine() -> dict[str, str | int | None]:
    """Return what the figures depend on."""
    names = ("dvc", "scikit-learn", "pandas", "numpy", "bentoml")
    return {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "architecture": platform.machine(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        **{name: version(name) for name in names},
    }


def stamp(seed: int | None = None) -> dict[str, str | int | None]:
    """Return when, of which commit and from which seed figures are, beside the machine."""
    commit = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    return {"date": date, "commit": commit.stdout.strip(), "seed": seed, **machine()}


def main() -> None:
    """Measure, print and write the results."""
    python = sys.executable
    make = ["make", "repro", f"VENV={sys.prefix}"]
    with TemporaryDirectory() as temporary:
        folder = Path(temporary, "keepfit")
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
        repro = [python, "-m", "dvc", "repro"]
        results = {
            "machine": stamp(),
            "sp500: make repro against one process": compare(
                make, [python, "-m", "benchmarks.one_process"], folder, rounds=3, cold=True
            ),
        }
        clear(folder)
        run(repro, folder)
        results["no-op: dvc repro against dvc status"] = compare(
            repro, [python, "-m", "dvc", "status"], folder, rounds=9, cold=False
        )
        run([python, "-m", "keepfit", "params", "--dataset", "flights"], folder)
        results["flights: dvc repro end to end"] = peak_memory(repro, folder)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    for title, values in results.items():
        print(
            f"{title}: " + ", ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in values.items())
        )


if __name__ == "__main__":
    main()
