"""Metrics: what a person reads of a model on some rows, each with its block-bootstrap interval."""

import numpy as np
import pandas as pd

from keepfit.bootstrap import Blocks, resample_means
from keepfit.losses import row_losses
from keepfit.objective import Loss, Objective
from keepfit.section import Task

LOSSES: dict[Task, tuple[Loss, ...]] = {
    "binary": ("log_loss", "brier", "cost"),
    "regression": ("absolute_error", "squared_error", "cost"),
}
RANKINGS = {"binary": ("roc_auc", "average_precision"), "regression": ("r2",)}


def measure(
    labels: np.ndarray, scores: np.ndarray, objective: Objective, *, task: Task, threshold: float
) -> dict[str, float]:
    """Return every metric of the task; a ranking metric of constant labels is left out."""
    found = {
        str(loss): float(row_losses(labels, scores, objective, loss=loss, threshold=threshold).mean())
        for loss in LOSSES[task]
    }
    if len(np.unique(labels)) > 1:
        found |= {name: rank(labels, scores, name) for name in RANKINGS[task]}
    return found


def rank(labels: np.ndarray, scores: np.ndarray, name: str) -> float:
    """Return a metric that has no loss a row: ROC AUC, average precision or R squared."""
    from sklearn import metrics

    function = {
        "roc_auc": metrics.roc_auc_score,
        "average_precision": metrics.average_precision_score,
        "r2": metrics.r2_score,
    }[name]
    return float(function(labels, scores))


def summarise_folds(folds: list[dict[str, float]]) -> dict[str, float]:
    """Return the mean of each metric over the folds that have it."""
    return {str(name): float(value) for name, value in pd.DataFrame(folds).mean().items()}


def loss_interval(
    losses: np.ndarray, blocks: Blocks, *, resamples: int, interval: float, seed: int
) -> tuple[float, float]:
    """Return the bounds of the mean loss, from block-bootstrap percentiles."""
    means = resample_means(losses, blocks, resamples=resamples, seed=seed)
    low, high = np.quantile(means, [(1 - interval) / 2, (1 + interval) / 2])
    return float(low), float(high)


def miscalibration(labels: np.ndarray, scores: np.ndarray, task: Task) -> float:
    """Return how far scores are from what happened.

    Binary: the expected calibration error over ten bins of equal count (Naeini, 2015). Regression:
    the absolute mean error in standard deviations of the label.
    """
    if task == "regression":
        return float(abs(np.mean(scores - labels)) / max(np.std(labels), 1e-12))
    table = calibration_table(labels, scores)
    return float(np.average((table.predicted - table.observed).abs(), weights=table.rows))


def calibration_table(labels: np.ndarray, scores: np.ndarray, bins: int = 10) -> pd.DataFrame:
    """Return predicted and observed means over `bins` groups of rows of equal count, by score."""
    order = np.argsort(scores, kind="stable")
    group = np.empty(len(scores), dtype=int)
    group[order] = np.arange(len(scores)) * bins // max(len(scores), 1)
    table = pd.DataFrame({"predicted": scores, "observed": labels}).groupby(group)
    return table.mean().assign(rows=table.size()).reset_index(drop=True)
