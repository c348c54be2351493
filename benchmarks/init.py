"""Measure the whole command `keepfit init` against `pandas.read_csv` alone on the same CSV, taking turns."""

import json
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from benchmarks.bench import ROOT, peak_memory, run

RESULTS = ROOT / "benchmarks" / "init.json"
READ = (
    "import pandas, time; start = time.perf_counter(); pandas.read_csv('big.csv'); print(time.perf_counter() - start)"
)


def write_table(path: Path, rows: int) -> None:
    """Write a table of twelve columns: a time, an id, categories with few and many levels, flags and numbers."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(rows, 4)).round(6)
    pd.DataFrame(
        {
            "when": pd.date_range("2015-01-01", periods=rows, freq="s").astype(str),
            "order_id": np.arange(rows) * 7 + 1000,
            "customer_id": draw.integers(0, rows // 10, rows),
            "country": draw.choice(["DE", "FR", "IT", "ES", "PL"], rows),
            "product": np.char.add("P", draw.integers(0, 5000, rows).astype(str)),
            "paid": draw.choice(["yes", "no"], rows),
            "items": draw.integers(1, 40, rows),
            **{f"x{number}": column for number, column in enumerate(x.T)},
            "late": (x[:, 0] + draw.normal(size=rows) > 1).astype(int),
        }
    ).to_csv(path, index=False)


def compare(command: list[str], folder: Path, *, rounds: int) -> dict[str, float]:
    """Return the median seconds of the command and of reading, which take turns, and their ratio."""
    ours, reads = [], []
    for _ in range(rounds):
        ours.append(run(command, folder))
        told = subprocess.run([sys.executable, "-c", READ], cwd=folder, check=True, capture_output=True, text=True)
        reads.append(float(told.stdout))
    one, other = statistics.median(ours), statistics.median(reads)
    return {"init": one, "read_csv": other, "spread": max(ours) - min(ours), "ratio": one / other}


def main() -> None:
    """Measure, print and write the results."""
    results = {}
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        shutil.copytree(ROOT / "conf", folder / "conf")
        command = [sys.executable, "-m", "keepfit", "init", "big.csv", "--target", "late", "--force"]
        for rows, rounds in ((1_000_000, 5), (5_000_000, 1)):
            write_table(folder / "big.csv", rows)
            results[f"{rows:,} rows: keepfit init against pandas.read_csv"] = compare(command, folder, rounds=rounds)
        results["5,000,000 rows: memory"] = peak_memory(command, folder)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    for title, values in results.items():
        print(f"{title}: " + ", ".join(f"{key} {value:.3g}" for key, value in values.items()))


if __name__ == "__main__":
    main()
