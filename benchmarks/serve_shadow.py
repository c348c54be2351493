"""Serve shadow: what callers feel of a challenger beside the champion; writes serve_shadow.json.

Taking turns, the service answers alone, with a challenger in the shadow of every request and with one as a canary that
answers half of them. The challenger is the champion under another version.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.serve import describe_run, measure_load, read_row
from benchmarks.serve_contenders import Row, make_key, serving
from benchmarks.serve_environments import CACHE, ROOT, prepare_champion
from benchmarks.serve_load import load
from benchmarks.soak_faults import prepare_others

RESULTS = ROOT / "benchmarks/serve_shadow.json"
CLIENTS = (1, 16)
WAYS = {
    "alone": {},
    "shadow": {"KEEPFIT_SHADOW": "1"},
    "canary": {"KEEPFIT_SHADOW": "0", "KEEPFIT_CANARY": "0.5"},
}
Found = dict[str, dict[str, float]]


def measure_way(way: str, row: Row, *, bento: Path, cache: Path, seconds: int) -> Found:
    """Load the service in one way, with 1 and with 16 clients."""
    with TemporaryDirectory() as folder:
        scratch = Path(folder)
        key, others = make_key(scratch), prepare_others(bento, scratch)
        more = WAYS[way] | ({"KEEPFIT_CHALLENGER": str(others[1])} if WAYS[way] else {})
        with serving("keepfit", bento=bento, cache=cache, scratch=scratch, body=row, key=key, more=more) as running:
            if WAYS[way]:
                wait_for_challenger(scratch / "keepfit.log")
            load(running.address, row, key=key, clients=16, seconds=2)
            return {str(clients): measure_load(running, row, key, clients, seconds) for clients in CLIENTS}


def wait_for_challenger(log: Path) -> None:
    """Wait until the service says that it took the challenger up; end the run after a minute."""
    end = time.monotonic() + 60
    while "takes the place of nothing" not in log.read_text():
        if time.monotonic() > end:
            sys.exit(f"the challenger was not taken up: {log.read_text()[-1000:]}")
        time.sleep(0.1)


def summarise(rounds: list[dict[str, Found]]) -> dict[str, Found]:
    """Return the medians of the rounds."""
    return {
        way: {
            clients: {
                name: round(statistics.median(each[way][clients][name] for each in rounds), 4)
                for name in rounds[0][way][clients]
            }
            for clients in map(str, CLIENTS)
        }
        for way in WAYS
    }


def main() -> None:
    """Measure, write serve_shadow.json, print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--bento", type=Path, help="a packaged flights champion, in place of training one")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--results", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    bento = (chosen.bento or prepare_champion(chosen.cache)).resolve()
    row = read_row(bento)
    rounds = [
        {
            way: measure_way(way, row, bento=bento, cache=chosen.cache, seconds=chosen.seconds)
            for way in (list(WAYS) if number % 2 == 0 else list(reversed(WAYS)))
        }
        for number in range(chosen.rounds)
    ]
    told = describe_run(row, chosen.seconds)
    found = {name: told[name] for name in ("date", "machine", "python", "seconds")}
    found |= {"summary": summarise(rounds), "rounds": rounds}
    chosen.results.write_text(json.dumps(found, indent=2) + "\n")
    parser.exit(message=json.dumps(found["summary"], indent=2) + "\n")


if __name__ == "__main__":
    main()
