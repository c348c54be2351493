"""Measure the 12 trials of conf/sweep/sp500.yaml two at a time against one after the other, in fresh clones."""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.bench import ROOT, machine, run

RESULTS = ROOT / "benchmarks" / "sweep.json"


def measure(jobs: int) -> float:
    """Return the seconds of the sweep in a clone that has data and features, and no model yet."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary, "keepfit")
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
        for key, value in (("user.name", "A benchmark"), ("user.email", "benchmark@example.com")):
            subprocess.run(["git", "config", key, value], cwd=folder, check=True)
        run([sys.executable, "-m", "dvc", "repro", "features"], folder)
        return run([sys.executable, "-m", "keepfit", "sweep", "sp500", "--jobs", str(jobs)], folder)


def main() -> None:
    """Take turns, print and write the results; what else runs on the machine is told by the load before each."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    pairs = []
    for _ in range(rounds):
        load, (one, two) = os.getloadavg()[0], (measure(jobs) for jobs in (1, 2))
        pairs.append({"load before": load, "one at a time": one, "two at a time": two, "ratio": one / two})
        print(f"12 trials: {one:.0f} s one at a time, {two:.0f} s two at a time, ratio {one / two:.2f}")
    ratio = statistics.median(pair["ratio"] for pair in pairs)
    results = {"machine": machine(), "ratio, median of the rounds": ratio, "rounds": pairs}
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
