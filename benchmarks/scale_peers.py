"""Measure Keepfit beside its peers on grown flights: validate and features, and the drift check, taking turns.

`python -m benchmarks.scale_peers tables --rows 1e5` needs the workspaces of `benchmarks.scale`: raw rows for
`tables`, a champion for `drift`. Peers have environments of their own, made from `contenders/NAME.txt`; alibi-detect
has Keepfit's.
"""

import argparse
import random
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import bench, grow
from benchmarks.scale import RESULTS, keep, measure, tell
from benchmarks.scale_agreement import compare_tables
from benchmarks.scale_workspace import BAD, CHAMPION, DATA, ENGINES, Workspace
from benchmarks.serve_environments import CACHE, prepare_environment
from benchmarks.serve_environments import run as run_command

SCRIPTS = bench.ROOT / "benchmarks/contenders"
TABLES = ("keepfit, pandas", "keepfit, dask", "pandas", "polars", "duckdb")
DRIFT = ("keepfit, alibi-detect", "keepfit, scipy", "alibi-detect", "evidently")


@dataclass(frozen=True)
class Turn:
    """What a contender does at a size, in one process or two after each other, and where its tables go."""

    commands: tuple[list[str], ...]
    folder: Path
    out: Path


def prepare_tables(name: str, rows: int, asked: argparse.Namespace) -> Turn:
    """Return the turn of a contender for validate and features; all get the raw rows that ingest left once."""
    base = Workspace(rows, "pandas", asked.cache)
    raw = base.folder / DATA / "raw.parquet"
    if not raw.exists():
        base.prepare(["search=none"])
        run_command(base.command("ingest"), folder=base.folder)
    if name.startswith("keepfit"):
        own = Workspace(rows, name.partition(", ")[2], asked.cache)
        own.prepare(["search=none"])
        if not (own.folder / DATA / "raw.parquet").exists():
            (own.folder / DATA).mkdir(parents=True, exist_ok=True)
            shutil.copy(raw, own.folder / DATA)
        return Turn(tuple(own.command(stage) for stage in ("validate", "features")), own.folder, own.folder / DATA)
    out = asked.cache / f"scale/{rows}/{name}"
    out.mkdir(exist_ok=True)
    python, script = prepare_environment(name, asked.cache) / "python", SCRIPTS / f"table_{name}.py"
    return Turn(([str(python), str(script), str(raw), str(out)],), out, out)


def prepare_drift(name: str, rows: int, asked: argparse.Namespace) -> Turn:
    """Return the turn of a contender for the drift check."""
    base = Workspace(rows, asked.engine, asked.cache)
    if name.startswith("keepfit"):
        base.prepare(["search=none", f"drift.backend={name.partition(', ')[2]}"])
        return Turn((base.command("drift"),), base.folder, base.folder)
    python, script = sys.executable, SCRIPTS / "drift_alibi.py"
    if name == "evidently":
        python, script = str(prepare_environment(name, asked.cache) / "python"), SCRIPTS / "drift_evidently.py"
    tables = [str(base.folder / place) for place in (f"{CHAMPION}/reference.parquet", "later/features.parquet")]
    return Turn(([python, str(script), *tables, f"{name}.json"],), base.folder, base.folder)


def run(turn: Turn, limit_gb: float) -> dict[str, Any]:
    """Return the seconds of its processes together and the largest peak."""
    found = [measure(command, turn.folder, limit_gb=limit_gb) for command in turn.commands]
    if failed := next((each for each in found if "failed" in each), None):
        return failed
    seconds = round(sum(each["seconds"] for each in found), 3)
    largest = {key: max(each[key] for each in found) for key in ("peak_gb", "busy_before")}
    return {"seconds": seconds, **largest}


def measure_turns(rows: int, asked: argparse.Namespace) -> None:
    """Measure each contender at a size, and keep what is known after each turn: their order is drawn by the seed."""
    prepare = prepare_tables if asked.part == "tables" else prepare_drift
    draw, runs = random.Random(grow.SEED), {name: [] for name in asked.contenders}
    for _ in range(asked.rounds):
        for name in draw.sample(asked.contenders, len(asked.contenders)):
            if any("failed" in each for each in runs[name]):
                continue
            turn = prepare(name, rows, asked)
            runs[name].append(run(turn, asked.limit_gb))
            found = {"measured": bench.stamp(grow.SEED), "bad": BAD, "runs": runs[name]}
            ours = Workspace(rows, "pandas", asked.cache).folder / DATA
            if asked.part == "tables" and "failed" not in runs[name][-1] and (ours / "features.parquet").exists():
                found["agreement"] = compare_tables(turn.out, ours)
            keep(asked.part, [str(rows), name], found)
            tell(f"{rows:,} rows, {name}", runs[name][-1:])


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale_peers", description=__doc__)
    parser.add_argument("part", choices=("tables", "drift"))
    parser.add_argument("--rows", type=float, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--contenders", nargs="+", choices=sorted({*TABLES, *DRIFT}))
    parser.add_argument("--engine", choices=ENGINES, default="pandas", help="whose champion and tables `drift` takes")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--limit-gb", type=float, default=16, help="end what takes more memory, and note that")
    parser.add_argument("--cache", type=Path, default=CACHE)
    asked = parser.parse_args()
    asked.contenders = asked.contenders or list(TABLES if asked.part == "tables" else DRIFT)
    return asked


def main() -> None:
    """Measure what is asked for; for tables, also whether they are Keepfit's, where it has made its own already."""
    asked = parse_options()
    for rows in map(int, asked.rows):
        measure_turns(rows, asked)
    print(f"medians and the report: python -m benchmarks.report ({RESULTS})")


if __name__ == "__main__":
    main()
