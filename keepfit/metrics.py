"""Metrics: what a person reads of a model on some rows, each with its block-bootstrap interval."""

from functools import partial

import numpy as np
import pandas as pd

from keepfit.bootstrap import Blocks, resample_means
from keepfit.losses import row_losses
from keepfit.objective import Loss, Objective
from keepfit.section import Task

LOSSES: dict[Task, tuple[Loss, ...]] = {
    "binary": ("log_loss", "brier", "cost"),
    "multiclass": ("log_loss", "brier", "cost"),
    "regression": ("absolute_error", "squared_error", "cost"),
}
RANKINGS = {
    "binary": ("roc_auc", "average_precision"),
    "multiclass": ("roc_auc", "accuracy", "macro_f1"),
    "regression": ("r2",),
}


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
    """Return a metric that has no loss a row; of several classes, ROC AUC is the mean of each against the rest."""
    from sklearn import metrics

    if scores.ndim == 2:
        if name == "roc_auc":
            return float(np.mean([metrics.roc_auc_score(labels == each, scores[:, int(each)]) for each in set(labels)]))
        labels, scores = labels.astype(int), scores.argmax(axis=1)
    function = {
        "accuracy": metrics.accuracy_score,
        "macro_f1": partial(metrics.f1_score, average="macro"),
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

    Binary: the expected calibration error over ten bins of equal count (Naeini, 2015). Multiclass: the same of
    the likeliest class (Guo and others, 2017). Regression: the absolute mean error in standard deviations of
    the label.
    """
    if scores.ndim == 2:
        labels, scores = likeliest(labels, scores)
    if task == "regression":
        return float(abs(np.mean(scores - labels)) / max(np.std(labels), 1e-12))
    table = calibration_table(labels, scores)
    return float(np.average((table.predicted - table.observed).abs(), weights=table.rows))


def likeliest(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return whether each row is of its likeliest class (0.0 or 1.0), and the probability of that class."""
    return (scores.argmax(axis=1) == labels).astype(float), scores.max(axis=1)


def calibration_table(labels: np.ndarray, scores: np.ndarray, bins: int = 10) -> pd.DataFrame:
    """Return predicted and observed means over `bins` groups of rows of equal count, by score."""
    order = np.argsort(scores, kind="stable")
    group = np.empty(len(scores), dtype=int)
    group[order] = np.arange(len(scores)) * bins // max(len(scores), 1)
    table = pd.DataFrame({"predicted": scores, "observed": labels}).groupby(group)
    return table.mean().assign(rows=table.size()).reset_index(drop=True)
