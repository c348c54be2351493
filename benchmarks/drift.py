"""Measure what the drift check claims, all of it or the parts that are named; write drift.json."""

import keepfit.arithmetic  # noqa: F401, I001  (before NumPy)

import argparse
import datetime
import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from benchmarks import bench, calm, peers, power, speed

RESULTS = bench.ROOT / "benchmarks" / "drift.json"
REPLAYS = {"sp500": "2004-01-01", "flights": "2013-04-01"}
GAIN, SHARE = 0.9, 0.25
SHIPPED = ("retrain", "alert")


def measure_replay(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return the rows of each replay: those of `--replays`, or of the documented command run in a clone."""
    made = asked.replays or _replay(folder)
    found: dict[str, Any] = {}
    for dataset, start in REPLAYS.items():
        said = json.loads((made / dataset / "replay.json").read_text())
        ours = next(row for row in said["policies"] if row["policy"] == "calibrated")
        reached = ours["gain_kept"] >= GAIN and ours["share_of_always"] <= SHARE
        found[dataset] = {"from": start, "step": said["step"], "steps": said["steps"], "reached": reached}
        found[dataset]["policies"] = said["policies"]
    return found


def _replay(folder: Path) -> Path:
    clone, command = folder / "clone", [sys.executable, "-m", "keepfit"]
    subprocess.run(["git", "clone", "--quiet", str(bench.ROOT), str(clone)], check=True)
    for dataset, start in REPLAYS.items():
        subprocess.run([*command, "params", "--dataset", dataset], cwd=clone, check=True)
        output = str(folder / dataset)
        subprocess.run([*command, "replay", "--from", start, "--output", output], cwd=clone, check=True)
    return folder


@cache
def _watch(champions: int, folder: Path, *, beside: bool) -> tuple[pd.DataFrame, float]:
    rows = calm.prepare_rows(folder, "sp500")
    changes = calm.CHANGES if beside else (calm.NONE,)
    return power.watch_all(champions, folder, rows, changes=changes, beside=beside)


def measure_calm(asked: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """Return how often each alarm sounds where nothing drifts."""
    alarms, chance = _watch(asked.champions, folder, beside="power" in asked.parts)
    strict = {f"{name} at 2.5 %": calm.STRICT for name in SHIPPED}
    return power.summarise_calm(alarms, dict.fromkeys(SHIPPED, chance) | strict)


def measure_power(asked: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """Return how often and how soon each tool hears each change, and its false alarms."""
    alarms, _ = _watch(asked.champions, folder, beside=True)
    python = asked.evidently or peers.make_environment(folder / "evidently")
    evidently = peers.ask_evidently(python, folder)
    return power.summarise_power(pd.concat([power.add_either(alarms), evidently], ignore_index=True))


def measure_speed(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:  # noqa: ARG001
    """Return the seconds that the check of all flights takes."""
    return speed.measure_speed(folder)


PARTS: dict[str, Callable[[argparse.Namespace, Path], Any]] = {
    "replay": measure_replay,
    "calm": measure_calm,
    "power": measure_power,
    "speed": measure_speed,
}


def stamp(asked: argparse.Namespace) -> dict[str, Any]:
    """Return what a part's figures depend on, and when they were measured."""
    packages = ("scipy", "alibi-detect")
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "seed": calm.settings_of("sp500").seed,
        "champions": asked.champions,
        **bench.machine(),
        **{name: version(name) for name in packages},
        "evidently": peers.EVIDENTLY[0].partition("==")[2],
    }


def show(name: str, found: Any) -> None:
    """Print a part as a table."""
    match name:
        case "replay":
            table = pd.concat({dataset: pd.DataFrame(each["policies"]) for dataset, each in found.items()})
            table = table.drop(columns="days_to_alarm").droplevel(1)
        case "speed":
            table = pd.json_normalize([{"backend": backend} | found[backend] for backend in speed.BACKENDS])
        case _:
            table = pd.DataFrame(found)
    print(f"\n{name}\n{table.to_string(index=name == 'replay', float_format='{:.3f}'.format)}")


def main() -> None:
    """Measure the parts that are named, all where none is; keep the other parts' last figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drift", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}; all where none is named")
    parser.add_argument("--replays", type=Path, help="take DIR/DATASET/replay.json instead of replaying")
    parser.add_argument("--evidently", type=Path, help="a Python that has Evidently, instead of installing it")
    parser.add_argument("--champions", type=int, default=12, help="shuffles for calm and power")
    asked = parser.parse_args()
    if unknown := set(asked.parts) - set(PARTS):
        parser.error(f"{', '.join(unknown)}: allowed: {', '.join(PARTS)}")
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    asked.parts = asked.parts or list(PARTS)
    with TemporaryDirectory() as folder:
        for name in asked.parts:
            found = PARTS[name](asked, Path(folder))
            results[name] = {"measured": stamp(asked), "found": found}
            RESULTS.write_text(json.dumps(results, indent=2) + "\n")
            show(name, found)


if __name__ == "__main__":
    main()
