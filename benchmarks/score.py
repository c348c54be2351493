"""What `keepfit score` promises: rows a second beside `predict_proba` on pandas chunks, flat memory, 10 million rows.

`make bench-score` needs a packaged champion of `flights` (`make repro DATASET=flights`). Each side is a process of its
own with both cores, start-up and all; they take turns, and medians are compared. Results: benchmarks/score.json.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

RESULTS = Path("benchmarks/score.json")
# The one of these with which pandas is fastest is what is compared with.
CHUNKS = (20_000, 100_000)


def main() -> None:
    """Measure both sides in turns, and write the results."""
    options = parse_options()
    if options.pandas:
        champion, source, out, size = options.pandas
        score_with_pandas(Path(champion), Path(source), Path(out), int(size))
        return
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        draw_rows(options.raw, place / "some.parquet", options.base_rows)
        draw_rows(options.raw, place / "many.parquet", options.rows)
        results = compare(options, place)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))


def draw_rows(raw: Path, path: Path, rows: int, size: int = 500_000) -> None:
    """Write rows of the flights' raw columns, drawn from the real ones with a seed."""
    flights = pa.Table.from_pandas(pd.read_parquet(raw), preserve_index=False)
    generator = np.random.default_rng(7)
    with pq.ParquetWriter(path, flights.schema) as writer:
        for first in range(0, rows, size):
            writer.write_table(flights.take(generator.integers(len(flights), size=min(size, rows - first))))


def score_with_pandas(champion: Path, source: Path, out: Path, size: int) -> None:
    """What a good user writes: chunks of pandas through the feature functions and the pipeline, and no check."""
    from features import flights
    from keepfit.bundle import read_bundle

    bundle = read_bundle(champion, only=("model.skops", "schema.json"))
    functions = [member.feature for member in vars(flights).values() if hasattr(member, "feature")]
    texts = dict.fromkeys(["carrier", "origin", "dest"], "category")
    schema = pa.schema([("score", pa.float64())])
    with pq.ParquetFile(source) as file, pq.ParquetWriter(out, schema) as writer:
        for batch in file.iter_batches(size):
            rows = batch.to_pandas().astype(texts)
            made = {each.name: each.function(*(rows[name] for name in each.reads)) for each in functions}
            scores = bundle.model.predict_proba(rows.assign(**made)[list(bundle.passport.features)])[:, 1]
            writer.write_table(pa.table({"score": scores}, schema=schema))


def compare(options: argparse.Namespace, place: Path) -> dict:
    """Return the figures of both sides, of some rows in turns and of the whole file once."""
    base: dict[int, list[dict]] = {size: [] for size in CHUNKS}
    ours: list[dict] = []
    for turn in range(options.rounds):
        for size in CHUNKS if turn == 0 else [fastest(base)]:
            base[size].append(measure(base_command(options, place, size), {"OMP_NUM_THREADS": str(os.cpu_count())}))
        ours.append(measure(our_command(options, place, "some.parquet"), {}))
    best = fastest(base)
    theirs = measure(base_command(options, place, best, "many.parquet"), {"OMP_NUM_THREADS": str(os.cpu_count())})
    whole = measure(our_command(options, place, "many.parquet"), {})
    pandas_speed, our_speed = speed(options.base_rows, base[best]), speed(options.base_rows, ours)
    return {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "rows": options.base_rows,
        "pandas_chunk_rows": best,
        "pandas_seconds_by_chunk": {str(size): [round(each["seconds"], 2) for each in base[size]] for size in CHUNKS},
        "keepfit_seconds": [round(each["seconds"], 2) for each in ours],
        "pandas_rows_per_s": round(pandas_speed),
        "keepfit_rows_per_s": round(our_speed),
        "times_as_fast": round(our_speed / pandas_speed, 2),
        "pandas_peak_mb": round(base[best][0]["peak_mb"]),
        "largest_difference": difference(place),
        "whole": {
            "rows": options.rows,
            "pandas_rows_per_s": round(options.rows / theirs["seconds"]),
            "rows_per_s": round(options.rows / whole["seconds"]),
            "times_as_fast": round(theirs["seconds"] / whole["seconds"], 2),
        }
        | {name: round(value, 1) for name, value in whole.items()},
    }


def measure(command: list[str], environment: dict[str, str]) -> dict[str, float]:
    """Run a command and return its seconds and its largest memory in MB, over all and by quarter of the run."""
    start = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    watched, sizes = psutil.Process(process.pid), []
    while process.poll() is None:
        try:
            sizes.append(watched.memory_info().rss / 1e6)
        except psutil.Error:
            break
        time.sleep(0.05)
    if process.wait():
        raise SystemExit(f"{' '.join(command)} ended with status {process.returncode}")
    seconds = time.perf_counter() - start
    quarters = {f"mb_in_quarter_{n}": max(part) for n, part in enumerate(np.array_split(sizes, 4), 1) if len(part)}
    return {"seconds": seconds, "peak_mb": max(sizes), **quarters}


def speed(rows: int, runs: list[dict]) -> float:
    """Return the median rows a second."""
    return rows / statistics.median(each["seconds"] for each in runs)


def fastest(base: dict[int, list[dict]]) -> int:
    """Return the chunk size with which pandas was fastest."""
    return min((size for size in base if base[size]), key=lambda size: base[size][0]["seconds"])


def base_command(options: argparse.Namespace, place: Path, size: int, name: str = "some.parquet") -> list[str]:
    """Return the command of the peer."""
    arguments = [str(options.champion), str(place / name), str(place / f"pandas-{name}"), str(size)]
    return [sys.executable, "-m", "benchmarks.score", "--pandas", *arguments]


def our_command(options: argparse.Namespace, place: Path, name: str) -> list[str]:
    """Return the command of a user."""
    names = [str(place / name), str(place / f"ours-{name}")]
    return [sys.executable, "-m", "keepfit", "score", *names, "--champion", str(options.champion)]


def difference(place: Path) -> float:
    """Return the largest difference of the two outputs on the same rows."""
    ours = pq.read_table(place / "ours-some.parquet", columns=["row", "score"]).to_pandas()
    # A row that breaks a rule of the dataset has no score of ours.
    theirs = pq.read_table(place / "pandas-some.parquet")["score"].to_numpy()[ours.row]
    return float(np.abs(ours.score.to_numpy() - theirs).max())


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--base-rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--champion", type=Path, default=Path("models/flights/bento/src/champion"))
    parser.add_argument("--raw", type=Path, default=Path("data/flights/raw.parquet"))
    parser.add_argument("--pandas", nargs=4, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
