"""Trials: the experiments of a sweep, side by side, each by `dvc exp run --temp` in a process of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from keepfit.sweep import Trial

POLL = 0.1
# Seconds that DVC has to clear up after an interruption.
PATIENCE = 20
# Trials are compared on what `evaluate` writes; they are neither decided on nor packaged.
TARGET = "evaluate"


@dataclass(frozen=True)
class Logs:
    """Where DVC's words on each trial of a commit are kept: outside Git, until the trial is run again."""

    folder: Path

    @classmethod
    def of(cls, base: str) -> "Logs":
        """Return those of the trials on the commit `base`."""
        return cls(Path(".dvc", "tmp", "sweep", base))

    def path(self, name: str) -> Path:
        """Return the log of a trial."""
        return self.folder / f"{name}.log"

    def names(self) -> list[str]:
        """Return the trials that were ever started."""
        return sorted(each.stem for each in self.folder.glob("*.log"))

    def why(self, name: str) -> str:
        """Return the line that says why a trial did not end well; where there is none, that it was interrupted."""
        lines = self.path(name).read_text().splitlines()
        told = [line.strip() for line in lines if "Error" in line or "error" in line]
        return told[-1] if told else "interrupted"


def run_trials(trials: list[Trial], *, jobs: int, logs: Logs, tell: Callable[[], None]) -> None:
    """Run the trials, `jobs` at a time; `tell` hears of each that ended, well or not.

    An interruption ends those that run, and is raised again.
    """
    logs.folder.mkdir(parents=True, exist_ok=True)
    waiting, running = list(trials), dict[str, subprocess.Popen]()
    try:
        while waiting or running:
            for name in [name for name, process in running.items() if process.poll() is not None]:
                del running[name]
                tell()
            # DVC puts a new experiment on a stack and takes it off again: two at once could take each other's.
            if waiting and len(running) < jobs and all(_is_under_way(name, logs) for name in running):
                trial = waiting.pop(0)
                running[trial.name] = _start(trial, logs, cores=max(1, (os.cpu_count() or 1) // jobs))
            time.sleep(POLL)
    finally:
        _stop(list(running.values()))


def _start(trial: Trial, logs: Logs, *, cores: int) -> subprocess.Popen:
    overrides = [word for override in trial.overrides for word in ("--set-param", override)]
    command = [sys.executable, "-m", "dvc", "exp", "run", "--temp", "--name", trial.name, *overrides, TARGET]
    # Each trial takes its share of the cores for its folds, or they would fight for them.
    environment = {**os.environ, "LOKY_MAX_CPU_COUNT": str(cores)}
    with logs.path(trial.name).open("w") as log:
        # A session of its own, so that an interruption reaches the stage that runs too.
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )


def _is_under_way(name: str, logs: Logs) -> bool:
    return f"Reproducing experiment '{name}'" in logs.path(name).read_text()


def _stop(running: list[subprocess.Popen]) -> None:
    for process in running:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
    end = time.monotonic() + PATIENCE
    for process in running:
        try:
            process.wait(timeout=max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def list_queued(base: str) -> dict[str, str]:
    """Return the experiments of `dvc queue` on the commit `base` that are not done, and how they stand."""
    from dvc.repo import Repo

    with Repo() as repo:
        queue = repo.experiments.celery_queue
        found = {"failed; see `dvc queue logs`": [each.entry for each in queue.iter_failed()]}
        found |= {"running": list(queue.iter_active()), "queued": list(queue.iter_queued())}
    named = {entry.name: state for state, entries in found.items() for entry in entries if entry.baseline_rev == base}
    return {name: state for name, state in named.items() if name}
