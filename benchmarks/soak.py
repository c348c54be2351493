"""Soak: minutes of load while champions are switched, the database dies and bad requests come; writes soak.json.

`python -m benchmarks.soak 10` loads for ten minutes, at 80 % of what the same clients get out of the service at most.
It fails where an answer is a 5xx or not the one expected, where memory grows, or where an acknowledged prediction is
not in the database at the end. PostgreSQL where it is installed (killed and started again), else SQLite (locked).
"""

import argparse
import asyncio
import json
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from sqlalchemy import select

from benchmarks.serve import describe_run, read_row
from benchmarks.serve_contenders import Running, make_key, serving
from benchmarks.serve_environments import CACHE, ROOT, prepare_champion
from benchmarks.soak_client import Notes, ask_for, mix
from benchmarks.soak_faults import Fault, database, prepare_others, replace
from keepfit.serving.tables import open_log, predictions, prepare

SHARE, CLIENTS, EVERY = 0.8, 16, 50
# Memory may grow by so much from the second fifth of the time to the last.
GROWTH_MB = 10.0
# Seconds for the database to take in what waited.
PATIENCE = 180.0


@dataclass
class Happened:
    """What was done to the service, and how much memory its worker had each second, in MB."""

    switches: int = 0
    outages: int = 0
    memory_mb: list[float] = field(default_factory=list)


async def disturb(happened: Happened, place: Path, others: list[Path], faults: tuple[Fault, Fault], end: float) -> None:
    """Switch champions every quarter of a cycle, and take the database away for a part of it."""
    cycle = min(120.0, (end - time.monotonic()) / 2)
    while time.monotonic() + cycle <= end + 1:
        for step in range(4):
            if step in (1, 2):
                await asyncio.to_thread(faults[step - 1])
                happened.outages += step == 1
            happened.switches += 1
            replace(place, others[happened.switches % 2])
            await asyncio.sleep(cycle / 4)


async def watch_memory(worker: psutil.Process, happened: Happened) -> None:
    """Note the memory of the worker each second."""
    while True:
        happened.memory_mb.append(round(worker.memory_info().rss / 1e6, 1))
        await asyncio.sleep(1.0)


async def soak(running: Running, row: dict[str, object], key: str, seconds: float, disturbing: Callable) -> tuple:
    """Measure what the clients get at most, then load at 80 % of it; return rate, notes and what happened."""
    port, happened = int(running.address.rpartition(":")[2].partition("/")[0]), Happened()
    fastest = await ask_for(5.0, mix(row, key, every=EVERY), port=port, clients=CLIENTS)
    capacity = fastest.statuses.total() / 5.0
    tasks = [
        asyncio.create_task(watch_memory(running.family()[0], happened)),
        asyncio.create_task(disturbing(happened, time.monotonic() + seconds)),
    ]
    notes = await ask_for(seconds, mix(row, key, every=EVERY), port=port, clients=CLIENTS, rate=SHARE * capacity)
    await tasks[1]
    tasks[0].cancel()
    notes.logged += fastest.logged
    return capacity, notes, happened


def count_missing(url: str, logged: list[bytes]) -> int:
    """Return how many acknowledged predictions the database still lacks once it has taken in all that it will."""
    missing, end, engine = set(logged), time.monotonic() + PATIENCE, open_log(url)
    prepare(engine)
    while missing and time.monotonic() < end:
        time.sleep(2.0)
        with engine.connect() as connection:
            rows = connection.execution_options(yield_per=50_000).execute(select(predictions.c.id))
            missing.difference_update(bytes.fromhex(name) for (name,) in rows)
    return len(missing)


def judge(notes: Notes, missing: int, happened: Happened) -> list[str]:
    """Return what must not have been, in words."""
    memory = happened.memory_mb
    fifth = max(1, len(memory) // 5)
    early, late = statistics.median(memory[fifth : 2 * fifth]), statistics.median(memory[-fifth:])
    found = {
        f"{notes.broken} connections broke": notes.broken,
        f"{len(notes.wrong)} answers were not the ones expected, such as {notes.wrong[:2]}": notes.wrong,
        f"{notes.unlogged} predictions were not logged": notes.unlogged,
        f"{missing} acknowledged predictions are not in the database": missing,
        f"memory grew from {early} to {late} MB": late - early > GROWTH_MB,
        "both champions should have answered": len(notes.versions) < 2,
    }
    return [words for words, wrong in found.items() if wrong]


def run_soak(bento: Path, minutes: float, cache: Path) -> dict[str, object]:
    """Soak the service and return what was found; `problems` is empty where all was well."""
    row = read_row(bento)
    with TemporaryDirectory() as folder:
        scratch = Path(folder)
        others = prepare_others(bento, scratch)
        place = scratch / "champion"
        shutil.copytree(others[0], place)
        key = make_key(scratch)
        with database(scratch) as (url, *faults):
            more = {"KEEPFIT_CHAMPION": str(place), "KEEPFIT_WATCH": "0.5", "KEEPFIT_LOG_URL": url}

            async def disturbing(happened: Happened, end: float) -> None:
                await disturb(happened, place, others, tuple(faults), end)

            with serving("keepfit", bento=bento, cache=cache, scratch=scratch, body=row, key=key, more=more) as running:
                capacity, notes, happened = asyncio.run(soak(running, row, key, 60 * minutes, disturbing))
                missing = count_missing(url, notes.logged)
            told = (scratch / "keepfit.log").read_text().replace(f"{scratch}/", "")
            said = [line for line in told.splitlines() if "[INFO]" not in line]
    return {
        "minutes": minutes,
        "database": url.partition(":")[0],
        "capacity_per_second": round(capacity),
        "asked_per_second": round(notes.statuses.total() / 60 / minutes),
        "statuses": {str(status): count for status, count in sorted(notes.statuses.items())},
        "versions": dict(notes.versions),
        "switches": happened.switches,
        "outages": happened.outages,
        "acknowledged": len(notes.logged),
        "missing": missing,
        "memory_mb": happened.memory_mb[:: max(1, len(happened.memory_mb) // 60)],
        # What the service said beside its start: what it took up, what it refused, what the database did.
        "said": said[-20:],
        "problems": judge(notes, missing, happened),
    }


def main() -> None:
    """Soak, write soak.json, and fail where something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("minutes", nargs="?", type=float, default=10.0)
    parser.add_argument("--bento", type=Path, help="a packaged flights champion, in place of training one")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks/soak.json")
    chosen = parser.parse_args()
    bento = (chosen.bento or prepare_champion(chosen.cache)).resolve()
    told = describe_run(read_row(bento), 0)
    found = run_soak(bento, chosen.minutes, chosen.cache)
    chosen.results.write_text(
        json.dumps({**{key: told[key] for key in ("date", "machine", "python")}, **found}, indent=2) + "\n"
    )
    sys.stdout.write(json.dumps({name: value for name, value in found.items() if name != "memory_mb"}, indent=2) + "\n")
    if found["problems"]:
        sys.exit("; ".join(found["problems"]))


if __name__ == "__main__":
    main()
