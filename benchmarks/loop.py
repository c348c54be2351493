"""Loop: how long a turn takes by step, when nothing drifted and when a new champion is tagged, pushed and packaged."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
STEPS = ("pull", "retrain", "publish", "alert")
# A cut-off at which the shipped policy is calm, and one at which it retrains and the gate lets the challenger in.
CALM, DRIFTED = "2018-03-29", "2018-12-31"


def prepare(folder: Path) -> Path:
    """Return a bare repository whose champion is in a DVC remote beside it."""
    hub, work = folder / "hub.git", folder / "seed"
    _run(["git", "clone", "--quiet", "--bare", str(ROOT), str(hub)], folder)
    _run(["git", "clone", "--quiet", str(hub), str(work)], folder)
    _name(work)
    config = work / "conf/config.yaml"
    text = config.read_text().replace("publish: pull-request", "publish: direct")
    # A promotion is to be timed, and a quarter's rows seldom make a model that is better beyond doubt.
    config.write_text(text.replace("require: better", "require: no_worse").replace("margin: 0.01", "margin: 0.1"))
    _run(["dvc", "remote", "add", "--quiet", "--default", "storage", str(folder / "store")], work)
    _run(["make", "repro"], work)
    _run(["git", "commit", "--quiet", "--all", "--message", "chore: a remote"], work)
    _run(["dvc", "push", "--quiet"], work)
    _run(["git", "push", "--quiet", "origin", "HEAD:main"], work)
    return hub


def measure_turn(hub: Path, folder: Path, name: str, *options: str) -> dict[str, float]:
    """Return the seconds of each step of a turn in a fresh clone of a copy of the hub."""
    copy, work = folder / f"{name}.git", folder / name
    shutil.copytree(hub, copy)
    _run(["git", "clone", "--quiet", str(copy), str(work)], folder)
    _name(work)
    seconds = {}
    for step in STEPS:
        more = list(options) if step == "retrain" else ["DRY_RUN=yes"] if step == "alert" else []
        start = time.perf_counter()
        _run(["make", step, *more], work)
        seconds[step] = round(time.perf_counter() - start, 2)
    turn = json.loads((work / "outputs/turn.json").read_text())
    return {**seconds, "total": round(sum(seconds.values()), 2), "outcome": turn["outcome"]}


def measure_training(hub: Path, folder: Path, name: str, until: str) -> float:
    """Return the seconds of `dvc repro` from new rows to the new champion's package, without the loop around it."""
    work = folder / name
    _run(["git", "clone", "--quiet", str(hub), str(work)], folder)
    _run(["dvc", "pull", "--quiet"], work)
    dataset = work / "conf/dataset/sp500.yaml"
    dataset.write_text(re.sub(r"^until: .*$", f"until: {until}", dataset.read_text(), flags=re.MULTILINE))
    _run(["make", "params"], work)
    start = time.perf_counter()
    _run(["dvc", "repro"], work)
    return round(time.perf_counter() - start, 2)


def measure(rounds: int = 3) -> dict:
    """Return the medians of several rounds, the cases taking turns."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        hub = prepare(folder)
        found = [
            {
                "training": measure_training(hub, folder, f"training{n}", DRIFTED),
                "calm": measure_turn(hub, folder, f"calm{n}", f"UNTIL={CALM}"),
                "retrained": measure_turn(hub, folder, f"retrained{n}", f"UNTIL={DRIFTED}", "FORCE=yes"),
            }
            for n in range(rounds)
        ]
    return {"machine": f"{platform.machine()}, {os.cpu_count()} cores", "load": os.getloadavg()[1], "rounds": found}


def _name(work: Path) -> None:
    for key in ("name", "email"):
        _run(["git", "config", f"user.{key}", "bench@example.com"], work)


def _run(command: list[str], folder: Path) -> None:
    env = {**os.environ, "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}", "VENV": sys.prefix}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")


if __name__ == "__main__":
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    (ROOT / "benchmarks/loop.json").write_text(json.dumps(measure(rounds), indent=2) + "\n")
