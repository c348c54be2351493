"""Live: the folds as dvclive logs them, for `dvc plots` and `dvc exp show`."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from keepfit.files import replacing, write_json
from keepfit.workspace import in_experiment

# Git tracks it, no stage owns it: a time is another one in every run, and would make dvc.lock another one too.
FIT_TIME = Path("reports/fit_time.json")


@contextmanager
def timing_experiments() -> Iterator[None]:
    """Write the seconds that the block took to `reports/fit_time.json`, where DVC runs an experiment."""
    start = time.perf_counter()
    yield
    if in_experiment():
        write_json(FIT_TIME, {"fit_seconds": round(time.perf_counter() - start, 2)})


def log_training(folds: list[dict[str, float]], trials: list[dict[str, Any]], folder: Path) -> None:
    """Write the metrics of each fold, the holdout last, and in `trials` those of each trial, as dvclive's steps.

    A trial's metrics are its mean loss over the folds and its numeric parameters.
    """
    with replacing(folder) as partial:
        _log_steps(folds, partial)
        if trials:
            _log_steps(trials, partial / "trials")


def _log_steps(steps: list[dict[str, Any]], folder: Path) -> None:
    from dvclive import Live

    with Live(str(folder), save_dvc_exp=False, dvcyaml=None, report=None) as live:
        for metrics in steps:
            for name, value in metrics.items():
                if isinstance(value, int | float):
                    live.log_metric(name, value)
            live.next_step()
