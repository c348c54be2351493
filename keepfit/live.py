"""Live: the folds as dvclive logs them, for `dvc plots` and `dvc exp show`."""

from pathlib import Path

from keepfit.files import replacing


def log_folds(folds: list[dict[str, float]], folder: Path) -> None:
    """Write the metrics of each fold, and of the holdout last, as dvclive's steps."""
    from dvclive import Live

    with replacing(folder) as partial, Live(str(partial), save_dvc_exp=False, dvcyaml=None, report=None) as live:
        for metrics in folds:
            for name, value in metrics.items():
                live.log_metric(name, value)
            live.next_step()
