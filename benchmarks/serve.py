"""Serve: Keepfit beside its peers over HTTP, all with one model, one request and one machine, taking turns.

`python -m benchmarks.serve` makes the environments and the champion, measures in rounds, and writes serve.json and
serve.png. `--append` adds rounds to those that serve.json has, so that a run can be cut into slices.
"""

import argparse
import json
import os
import platform
import random
import re
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from benchmarks.serve_contenders import CONTENDERS, Row, Running, make_key, save_mlflow, serving
from benchmarks.serve_environments import CACHE, REQUIREMENTS, ROOT, prepare_champion, prepare_environment
from benchmarks.serve_load import load
from benchmarks.serve_results import CALM, add_round, show

CLIENTS = (1, 16, 64)
RESULTS = ROOT / "benchmarks/serve.json"
OURS = ("scikit-learn", "pandas", "numpy", "numba", "uvicorn", "uvloop", "httptools", "bentoml")
SHOWN = (*OURS, "fastapi", "pydantic", "mlflow")


def read_row(bento: Path) -> Row:
    """Return the newest row that the champion learned from, as a request writes it."""
    return json.loads((bento / "src/champion/serving.json").read_text())["example"][-1]


def measure_contender(name: str, row: Row, *, bento: Path, cache: Path, seconds: int) -> dict[str, object]:
    """Start one contender, load it with 1, 16 and 64 clients, and return what was measured."""
    contender = CONTENDERS[name]
    body = contender.wrap(row)
    with TemporaryDirectory() as folder:
        scratch = Path(folder)
        if name == "mlflow":
            save_mlflow(cache, bento, scratch)
        key = make_key(scratch) if name == "keepfit" else "none"
        with serving(name, bento=bento, cache=cache, scratch=scratch, body=body, key=key) as running:
            load(running.address, body, key=key, clients=16, seconds=2)
            found = {str(clients): measure_load(running, body, key, clients, seconds) for clients in CLIENTS}
            return {"start_s": running.started, "memory_mb": running.memory_mb(), **found}


def measure_load(running: Running, body: object, key: str, clients: int, seconds: int) -> dict[str, float]:
    """Load a server once the machine is calm; return rate, latency and the processor time of a request."""
    idle = wait_for_calm()
    before = running.processor_seconds()
    loaded = load(running.address, body, key=key, clients=clients, seconds=seconds)
    used = [(now - then) / loaded.requests * 1e6 for now, then in zip(running.processor_seconds(), before, strict=True)]
    return {**vars(loaded), "worker_us": round(used[0], 1), "all_us": round(used[1], 1), "idle": idle}


def wait_for_calm(patience: float = 10.0) -> float:
    """Wait until nobody else uses the machine, or patience ends; return the idle share of the last second."""
    end = time.monotonic() + patience
    while (idle := 1 - psutil.cpu_percent(1.0) / 100) < CALM and time.monotonic() < end:
        pass
    return round(idle, 3)


def describe_run(row: Row, seconds: int) -> dict[str, object]:
    """Return what the figures depend on: machine, versions, date, load."""
    locks = {contender.lock for contender in CONTENDERS.values() if contender.lock}
    versions = {lock: _pins(lock) for lock in sorted(locks)}
    versions["keepfit"] = {name: version(name) for name in OURS}
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}, {_processor()}",
        "python": platform.python_version(),
        "seconds": seconds,
        "clients": list(CLIENTS),
        "row": row,
        "versions": versions,
    }


def _pins(lock: str) -> dict[str, str]:
    pins = dict(re.findall(r"^([\w-]+)==([\w.]+)", (REQUIREMENTS / f"{lock}.txt").read_text(), re.MULTILINE))
    return {name: pins[name] for name in SHOWN if name in pins}


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "processor unknown")


def main() -> None:
    """Measure, write serve.json and serve.png, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of load at each number of clients")
    parser.add_argument("--seed", type=int, default=20190101, help="of the order in which contenders take turns")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where environments and the champion are kept")
    parser.add_argument("--bento", type=Path, help="a packaged flights champion, in place of training one")
    parser.add_argument("--only", nargs="*", default=list(CONTENDERS), choices=list(CONTENDERS))
    parser.add_argument("--append", action="store_true", help="to the rounds that the results have")
    parser.add_argument("--results", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    bento = (chosen.bento or prepare_champion(chosen.cache)).resolve()
    for lock in sorted({CONTENDERS[name].lock for name in chosen.only} - {""}):
        prepare_environment(lock, chosen.cache)
    row = read_row(bento)
    results = json.loads(chosen.results.read_text()) if chosen.append and chosen.results.exists() else {"rounds": []}
    results |= {"seed": chosen.seed, **describe_run(row, chosen.seconds)}
    for _ in range(chosen.rounds):
        order = list(chosen.only)
        random.Random(chosen.seed + len(results["rounds"])).shuffle(order)
        found = {
            name: measure_contender(name, row, bento=bento, cache=chosen.cache, seconds=chosen.seconds)
            for name in order
        }
        results = add_round(results, found)
        chosen.results.write_text(json.dumps(results, indent=2) + "\n")
    show(results, chosen.results.with_suffix(".png"))


if __name__ == "__main__":
    main()
