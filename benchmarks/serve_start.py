"""Serve start: from `keepfit serve` to its first 200, several times; writes serve_start.json.

The processor time of all processes up to then stands beside the seconds: it hardly depends on what else runs.
"""

import argparse
import json
import statistics
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.serve import describe_run, read_row, wait_for_calm
from benchmarks.serve_contenders import make_key, serving
from benchmarks.serve_environments import CACHE, ROOT, prepare_champion
from benchmarks.serve_results import CALM

RESULTS = ROOT / "benchmarks/serve_start.json"


def measure_start(bento: Path, cache: Path) -> dict[str, float]:
    """Start the service once, and return seconds of the clock and of processors until its first 200."""
    row = read_row(bento)
    with TemporaryDirectory() as folder:
        scratch = Path(folder)
        key, idle = make_key(scratch), wait_for_calm()
        with serving("keepfit", bento=bento, cache=cache, scratch=scratch, body=row, key=key) as running:
            worker, everything = running.processor_seconds()
            return {"seconds": running.started, "processor_s": everything, "worker_s": worker, "idle": idle}


def main() -> None:
    """Measure, write serve_start.json, print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--bento", type=Path, help="a packaged flights champion, in place of training one")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--results", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    bento = (chosen.bento or prepare_champion(chosen.cache)).resolve()
    # The first one compiles what Python then keeps beside the Bento's sources.
    starts = [measure_start(bento, chosen.cache) for _ in range(chosen.starts + 1)][1:]
    # What was measured while others used the machine says nothing, unless there is nothing else.
    calm = [start for start in starts if start["idle"] >= CALM] or starts
    medians = {name: round(statistics.median(start[name] for start in calm), 2) for name in starts[0]}
    told = describe_run(read_row(bento), 0)
    found = {
        **{name: told[name] for name in ("date", "machine", "python")},
        "calm": len(calm),
        "median": medians,
        "starts": starts,
    }
    chosen.results.write_text(json.dumps(found, indent=2) + "\n")
    parser.exit(message=json.dumps(medians) + "\n")


if __name__ == "__main__":
    main()
