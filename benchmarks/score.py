"""What `keepfit score` promises: rows a second beside `predict_proba` on pandas chunks, flat memory, 10 million rows.

`make bench-score` needs a packaged champion of `flights` (`make repro DATASET=flights`). Each side is a process of its
own and has both cores; they take turns, and the medians of the rounds are compared. Results: benchmarks/score.json.
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
import pyarrow.parquet as pq

RESULTS = Path("benchmarks/score.json")
# What scikit-learn is fastest with among these is what it is compared with.
CHUNKS = (5_000, 20_000, 100_000)


def draw_rows(raw: Path, path: Path, rows: int, size: int = 500_000) -> None:
    """Write rows of the flights' raw columns, drawn from the real ones with a seed."""
    flights = pd.read_parquet(raw)
    generator = np.random.default_rng(7)
    writer = None
    for first in range(0, rows, size):
        part = flights.iloc[generator.integers(len(flights), size=min(size, rows - first))]
        import pyarrow as pa

        table = pa.Table.from_pandas(part, preserve_index=False)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None  # noqa: S101
    writer.close()


def score_with_pandas(champion: Path, source: Path, out: Path, size: int) -> None:
    """What a good user writes: chunks of pandas through the feature functions and the pipeline, a column beside."""
    import pyarrow as pa

    from features import flights
    from keepfit.bundle import read_bundle

    bundle = read_bundle(champion, only=("model.skops", "schema.json"))
    functions = [member.feature for member in vars(flights).values() if hasattr(member, "feature")]
    names, writer = list(bundle.passport.features), None
    texts = ["carrier", "origin", "dest"]
    with pq.ParquetFile(source) as file:
        for batch in file.iter_batches(size):
            rows = batch.to_pandas().astype(dict.fromkeys(texts, "category"))
            made = {each.name: each.function(*(rows[name] for name in each.reads)) for each in functions}
            table = pa.table({"score": bundle.model.predict_proba(rows.assign(**made)[names])[:, 1]})
            writer = writer or pq.ParquetWriter(out, table.schema)
            writer.write_table(table)
    assert writer is not None  # noqa: S101
    writer.close()


def measure(command: list[str], environment: dict[str, str]) -> dict[str, float]:
    """Run a command and return its seconds, its largest memory, and that in its first and last quarter, in MB."""
    start = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    watched, sizes = psutil.Process(process.pid), []
    while process.poll() is None:
        try:
            sizes.append(watched.memory_info().rss / 1e6)
        except psutil.Error:
            break
        time.sleep(0.1)
    if process.wait():
        raise SystemExit(f"{' '.join(command)} ended with status {process.returncode}")
    quarter = max(len(sizes) // 4, 1)
    return {
        "seconds": time.perf_counter() - start,
        "peak_mb": max(sizes),
        "second_quarter_mb": max(sizes[quarter : 2 * quarter] or sizes),
        "last_quarter_mb": max(sizes[-quarter:]),
    }


def main() -> None:
    """Measure both sides in turns, and write the results."""
    options = parse_options()
    if options.pandas:
        champion, source, out, size = options.pandas
        score_with_pandas(Path(champion), Path(source), Path(out), int(size))
        return
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        draw_rows(options.raw, place / "many.parquet", options.rows)
        draw_rows(options.raw, place / "some.parquet", options.base_rows)
        results = compare(options, place)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))


def compare(options: argparse.Namespace, place: Path) -> dict:
    """Return the figures of both sides."""
    base: dict[int, list[dict]] = {size: [] for size in CHUNKS}
    ours: list[dict] = []
    start = (
        {
            "pandas": measure(base_command(options, place, "tiny.parquet", 5_000), {"OMP_NUM_THREADS": "2"}),
            "keepfit": measure(our_command(options, place, "tiny.parquet"), {}),
        }
        if tiny(options, place)
        else {}
    )
    for turn in range(options.rounds):
        for size in CHUNKS if turn == 0 else [fastest(base)]:
            base[size].append(measure(base_command(options, place, "some.parquet", size), {"OMP_NUM_THREADS": "2"}))
        ours.append(measure(our_command(options, place, "some.parquet"), {}))
    whole = measure(our_command(options, place, "many.parquet"), {})
    best = fastest(base)
    speeds = {
        "pandas": options.base_rows / statistics.median(each["seconds"] for each in base[best]),
        "keepfit": options.base_rows / statistics.median(each["seconds"] for each in ours),
    }
    return {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "rows": options.rows,
        "base_rows": options.base_rows,
        "rounds": options.rounds,
        "pandas_chunk_rows": best,
        "pandas_rows_per_s_by_chunk": {
            str(size): round(options.base_rows / runs[0]["seconds"]) for size, runs in base.items()
        },
        "pandas_rows_per_s": round(speeds["pandas"]),
        "keepfit_rows_per_s": round(speeds["keepfit"]),
        "times_as_fast": round(speeds["keepfit"] / speeds["pandas"], 2),
        "start_seconds": {name: round(each["seconds"], 2) for name, each in start.items()},
        "whole": {name: round(value, 1) for name, value in whole.items()}
        | {"rows_per_s": round(options.rows / whole["seconds"])},
        "largest_difference": difference(place),
    }


def tiny(options: argparse.Namespace, place: Path) -> bool:
    """Write a thousand rows, with which a run is all start-up."""
    draw_rows(options.raw, place / "tiny.parquet", 1000)
    return True


def fastest(base: dict[int, list[dict]]) -> int:
    """Return the chunk size with which pandas was fastest."""
    return min((size for size in base if base[size]), key=lambda size: base[size][0]["seconds"])


def base_command(options: argparse.Namespace, place: Path, name: str, size: int) -> list[str]:
    """Return the command of the peer."""
    arguments = [str(options.champion), str(place / name), str(place / "pandas.parquet"), str(size)]
    return [sys.executable, "-m", "benchmarks.score", "--pandas", *arguments]


def our_command(options: argparse.Namespace, place: Path, name: str) -> list[str]:
    """Return the command of a user."""
    return [
        sys.executable,
        "-m",
        "keepfit",
        "score",
        str(place / name),
        str(place / f"ours-{name}"),
        "--champion",
        str(options.champion),
    ]


def difference(place: Path) -> float:
    """Return the largest difference of the two outputs on the same rows."""
    ours, theirs = (
        pq.read_table(place / name, columns=["score"])["score"].to_numpy()
        for name in ("ours-some.parquet", "pandas.parquet")
    )
    return float(np.abs(ours - theirs).max())


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
