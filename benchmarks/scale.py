"""Measure each stage on grown flights by size and engine: seconds and peak memory, each in a process of its own.

`python -m benchmarks.scale --rows 1e5 1e6 --engines pandas --stages validate features --rounds 3` measures these and
keeps the other figures of `scale.json`, so that parts can be measured at different times. A stage needs what the
stages before it have written into its workspace (`~/.cache/keepfit-bench/scale`), by this run or an earlier one.
"""

import argparse
import json
import subprocess
from pathlib import Path
from typing import Any

import psutil

from benchmarks import bench, grow
from benchmarks.scale_workspace import BAD, ENGINES, STAGES, Workspace
from benchmarks.serve_environments import CACHE

RESULTS = bench.ROOT / "benchmarks" / "scale.json"
SIZES = (10_000, 100_000, 1_000_000)


def read_results() -> dict[str, Any]:
    """Return the results so far."""
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def keep(part: str, keys: list[str], found: dict[str, Any]) -> None:
    """Put one measurement under `part` and its keys into the results, in the place of an earlier one."""
    results = read_results()
    place = results.setdefault(part, {})
    for key in keys[:-1]:
        place = place.setdefault(key, {})
    place[keys[-1]] = found
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


def measure(command: list[str], folder: Path, *, limit_gb: float) -> dict[str, Any]:
    """Return seconds and peak of a command, or why there are none; and how busy others had the machine before it."""
    busy = psutil.cpu_percent(interval=0.5) / 100
    try:
        found = bench.peak_memory(command, folder, limit_gb=limit_gb)
    except bench.TooLarge as error:
        return {"failed": str(error)}
    except subprocess.CalledProcessError as error:
        return {"failed": error.stderr.strip().rpartition("\n")[2]}
    return {key: round(value, 3) for key, value in found.items()} | {"busy_before": round(busy, 3)}


def measure_stage(workspace: Workspace, stage: str, asked: argparse.Namespace) -> dict[str, Any]:
    """Return what the rounds of a stage took; a stage that fails is not asked again."""
    runs: list[dict[str, Any]] = []
    while len(runs) < asked.rounds and not any("failed" in run for run in runs):
        runs.append(measure(workspace.command(stage), workspace.folder, limit_gb=asked.limit_gb))
    told = {"overrides": asked.overrides, "bad": BAD, "written_bytes": workspace.written(stage)}
    return {"measured": bench.stamp(grow.SEED), **told, "runs": runs}


def tell(title: str, runs: list[dict[str, Any]]) -> None:
    """Print one line a measurement."""
    told = [run.get("failed") or f"{run['seconds']:.1f} s, {run['peak_gb']:.2f} GB" for run in runs]
    print(f"{title}: {'; '.join(told)}", flush=True)


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--rows", type=float, nargs="+", default=SIZES, help="sizes, such as 1e5 1e6")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=["pandas"])
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=STAGES)
    parser.add_argument("--rounds", type=int, default=1, help="each stage so often; the report tells the median")
    parser.add_argument("--limit-gb", type=float, default=16, help="end what takes more memory, and note that")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument(
        "overrides", nargs="*", default=["search=none"], help="of conf/, such as train.max_rows=2000000"
    )
    return parser.parse_args()


def main() -> None:
    """Measure what is asked for, one stage after the other."""
    asked = parse_options()
    for rows in map(int, asked.rows):
        for engine in asked.engines:
            workspace = Workspace(rows, engine, asked.cache)
            workspace.prepare(asked.overrides)
            for stage in (each for each in STAGES if each in asked.stages):
                found = measure_stage(workspace, stage, asked)
                keep("stages", [str(rows), engine, stage], found)
                tell(f"{rows:,} rows, {engine}, {stage}", found["runs"])


if __name__ == "__main__":
    main()
