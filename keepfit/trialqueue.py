"""Trial queue: DVC's own queue of experiments, filled, run, and taken up again after an interruption."""

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from keepfit.errors import KeepfitError
from keepfit.experiments import list_experiments

POLL = 1.0
# Trials are compared on what `evaluate` writes; they are neither decided on nor packaged.
TARGET = "evaluate"


@dataclass
class TrialQueue:
    """The queue of a repository, for experiments on the commit `base`."""

    repo: Any
    base: str

    @property
    def _queue(self) -> Any:
        return self.repo.experiments.celery_queue

    def states(self) -> dict[str, str]:
        """Return `done`, `running`, `queued` or `failed` for each trial by name."""
        queue = self._queue
        found = {each.entry.name: "failed" for each in queue.iter_failed()}
        found |= {each.name: "running" for each in queue.iter_active()}
        found |= {each.name: "queued" for each in queue.iter_queued()}
        return found | dict.fromkeys(list_experiments(self.base), "done")

    def recover(self) -> None:
        """Forget the trials that failed, or that ran when their worker was killed, so that they can be queued again."""
        from dvc.exceptions import DvcException

        queue = self._queue
        if not queue.worker_status():
            lost = [entry.name or entry.stash_rev for entry in queue.iter_active()]
            with suppress(DvcException):
                queue.kill(lost, force=True)
        if any(queue.iter_failed()):
            queue.clear(failed=True)

    def put(self, name: str, overrides: tuple[str, ...]) -> None:
        """Queue a trial; raise KeepfitError where its overrides do not compose."""
        from dvc.exceptions import DvcException
        from hydra.errors import HydraException

        with quiet():
            try:
                self.repo.experiments.run(name=name, params=list(overrides), queue=True, targets=[TARGET])
            except (DvcException, HydraException) as error:
                raise KeepfitError(f"{name}: {' '.join(str(error).split())}") from None

    def run(self, names: list[str], *, jobs: int, tell: Callable[[dict[str, str]], None]) -> None:
        """Run what is queued on `jobs` workers until none of `names` waits; `tell` hears of the states.

        An interruption stops the workers; what waits stays queued.
        """
        # Each trial takes its share of the cores for its folds, or they would fight for them.
        cores = os.cpu_count() or 1
        os.environ["LOKY_MAX_CPU_COUNT"] = str(max(1, cores // jobs))
        try:
            with quiet():
                self._queue.start_workers(jobs)
            while True:
                states = self.states()
                tell(states)
                if not any(states.get(name) in ("queued", "running") for name in names):
                    return
                time.sleep(POLL)
        except KeyboardInterrupt:
            with quiet():
                self._queue.shutdown(kill=True)
            raise KeepfitError("stopped; the same command goes on where it was") from None

    def why_failed(self, name: str) -> str:
        """Return the last line of a failed trial's log."""
        from dvc.exceptions import DvcException

        for each in self._queue.iter_failed():
            if each.entry.name == name:
                with suppress(DvcException, OSError):
                    log = Path(self._queue.proc[each.entry.stash_rev].stdout)
                    lines = [line for line in log.read_text().splitlines() if line.strip()]
                    told = [line for line in lines if "Error" in line or "error" in line]
                    return (told or lines or [""])[-1].strip()
        return ""


@contextmanager
def quiet() -> Iterator[None]:
    """Keep DVC from writing a line for each trial."""
    logger = logging.getLogger("dvc")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with redirect_stdout(StringIO()):
            yield
    finally:
        logger.setLevel(before)
