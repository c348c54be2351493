"""Curves: the tables behind the plots of a model on the holdout."""

from typing import Any

import numpy as np
import pandas as pd

from keepfit.examples import Examples
from keepfit.losses import cheapest_classes, row_losses
from keepfit.metrics import calibration_table, likeliest
from keepfit.objective import ClassCost, Loss
from keepfit.scores import predict_scores
from keepfit.settings import Settings

# Points of a curve that are kept: enough for the eye, few enough for a page.
POINTS = 200


def draw_curves(
    rows: Examples, scores: np.ndarray, model: Any, settings: Settings, *, threshold: float
) -> dict[str, pd.DataFrame]:
    """Return the tables of every plot; those of decisions are empty for a regression.

    Of several classes, calibration and residuals are those of the likeliest one, and ROC and
    precision-recall pool the answers for all classes (micro-average).
    """
    labels, single, pooled = rows.labels, scores, scores
    hits = rows.labels
    if scores.ndim == 2:
        hits, single = likeliest(rows.labels, scores)
        labels, pooled = np.eye(scores.shape[1])[rows.labels.astype(int)].ravel(), scores.ravel()
    curves = {
        "calibration": draw_calibration(hits, single),
        "residuals": draw_residuals(rows.times, hits - single),
        "importance": measure_importance(rows, model, settings),
    }
    if settings.dataset.task == "regression":
        # DVC leaves a plot without rows out, and complains of one without a file.
        return {
            **curves,
            "roc": pd.DataFrame(columns=["false_positive_rate", "true_positive_rate"]),
            "precision_recall": pd.DataFrame(columns=["recall", "precision"]),
            "confusion": pd.DataFrame(columns=["actual", "decided"]),
        }
    return {
        **curves,
        "roc": draw_roc(labels, pooled),
        "precision_recall": draw_precision_recall(labels, pooled),
        "confusion": draw_confusion(rows.labels, scores, settings, threshold=threshold),
    }


def draw_calibration(labels: np.ndarray, scores: np.ndarray) -> pd.DataFrame:
    """Return predicted and observed means of ten groups of rows, and where a perfect model would lie."""
    table = calibration_table(labels, scores)
    return table.assign(perfect=table.predicted)


def draw_roc(labels: np.ndarray, scores: np.ndarray) -> pd.DataFrame:
    """Return false and true positive rates."""
    from sklearn.metrics import roc_curve

    false_positive, true_positive, _ = roc_curve(labels, scores)
    return _thin(pd.DataFrame({"false_positive_rate": false_positive, "true_positive_rate": true_positive}))


def draw_precision_recall(labels: np.ndarray, scores: np.ndarray) -> pd.DataFrame:
    """Return recall and precision."""
    from sklearn.metrics import precision_recall_curve

    precision, recall, _ = precision_recall_curve(labels, scores)
    return _thin(pd.DataFrame({"recall": recall, "precision": precision}))


def draw_residuals(times: pd.Series, residuals: np.ndarray) -> pd.DataFrame:
    """Return the mean of label minus score over up to 60 stretches of time of equal count."""
    stretch = np.arange(len(residuals)) * min(60, len(residuals)) // len(residuals)
    year = times.dt.year + (times.dt.dayofyear - 1) / 365.25
    return pd.DataFrame({"year": year.to_numpy(), "residual": residuals}).groupby(stretch).mean()


def draw_confusion(labels: np.ndarray, scores: np.ndarray, settings: Settings, *, threshold: float) -> pd.DataFrame:
    """Return the class of up to 5,000 evenly spread rows, and the class that was decided on, by name."""
    cost = settings.objective.cost
    if isinstance(cost, ClassCost):
        decided = cheapest_classes(scores, np.array(cost.matrix))
    else:
        decided = (scores >= threshold).astype(int)
    names = np.array(settings.dataset.classes or ("no", "yes"), dtype=object)
    return _thin(pd.DataFrame({"actual": names[labels.astype(int)], "decided": names[decided]}), 5000)


def measure_importance(rows: Examples, model: Any, settings: Settings) -> pd.DataFrame:
    """Return how much worse the deciding score gets when a feature is shuffled, the strongest first."""
    from sklearn.inspection import permutation_importance

    count = min(settings.evaluate.importance_rows, len(rows.labels))
    chosen = np.sort(np.random.default_rng(settings.seed).choice(len(rows.labels), count, replace=False))
    task, objective = settings.dataset.task, settings.objective
    loss: Loss = "absolute_error" if task == "regression" else "log_loss"

    def score(estimator: Any, features: pd.DataFrame, labels: np.ndarray) -> float:
        # scikit-learn's own log loss refuses a sample of one class.
        scores = predict_scores(estimator, features, task, classes=len(settings.dataset.classes))
        return -float(row_losses(labels, scores, objective, loss=loss, threshold=0).mean())

    sample = rows.take(chosen)
    found = permutation_importance(
        model, sample.features, sample.labels, scoring=score, n_repeats=3, random_state=settings.seed
    )
    table = pd.DataFrame(
        {"feature": list(sample.features), "increase": found.importances_mean, "deviation": found.importances_std}
    )
    return table.sort_values(["increase", "feature"], ascending=[False, True], ignore_index=True)


def _thin(curve: pd.DataFrame, points: int = POINTS) -> pd.DataFrame:
    kept = np.unique(np.linspace(0, len(curve) - 1, min(points, len(curve))).round().astype(int))
    return curve.iloc[kept].reset_index(drop=True)
