"""Curves: the tables behind the plots of a model on the holdout."""

from typing import Any

import numpy as np
import pandas as pd

from keepfit.examples import Examples
from keepfit.losses import row_losses
from keepfit.metrics import calibration_table
from keepfit.objective import Loss
from keepfit.score import predict_scores
from keepfit.settings import Settings

# Points of a curve that are kept: enough for the eye, few enough for a page.
POINTS = 200


def draw_curves(rows: Examples, scores: np.ndarray, model: Any, settings: Settings) -> dict[str, pd.DataFrame]:
    """Return calibration, residuals and importance; ROC and precision-recall are empty for a regression."""
    curves = {
        "calibration": draw_calibration(rows.labels, scores),
        "residuals": draw_residuals(rows, scores),
        "importance": measure_importance(rows, model, settings),
    }
    if settings.dataset.task == "binary":
        return {
            **curves,
            "roc": draw_roc(rows.labels, scores),
            "precision_recall": draw_precision_recall(rows.labels, scores),
        }
    # DVC leaves a plot without rows out, and complains of one without a file.
    return {
        **curves,
        "roc": pd.DataFrame(columns=["false_positive_rate", "true_positive_rate"]),
        "precision_recall": pd.DataFrame(columns=["recall", "precision"]),
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


def draw_residuals(rows: Examples, scores: np.ndarray) -> pd.DataFrame:
    """Return the mean of label minus score over up to 60 stretches of time of equal count."""
    stretch = np.arange(len(scores)) * min(60, len(scores)) // len(scores)
    year = rows.times.dt.year + (rows.times.dt.dayofyear - 1) / 365.25
    return pd.DataFrame({"year": year.to_numpy(), "residual": rows.labels - scores}).groupby(stretch).mean()


def measure_importance(rows: Examples, model: Any, settings: Settings) -> pd.DataFrame:
    """Return how much worse the deciding score gets when a feature is shuffled, the strongest first."""
    from sklearn.inspection import permutation_importance

    count = min(settings.evaluate.importance_rows, len(rows.labels))
    chosen = np.sort(np.random.default_rng(settings.seed).choice(len(rows.labels), count, replace=False))
    task, objective = settings.dataset.task, settings.objective
    loss: Loss = "log_loss" if task == "binary" else "absolute_error"

    def score(estimator: Any, features: pd.DataFrame, labels: np.ndarray) -> float:
        # scikit-learn's own log loss refuses a sample of one class.
        scores = predict_scores(estimator, features, task)
        return -float(row_losses(labels, scores, objective, loss=loss, threshold=0).mean())

    sample = rows.take(chosen)
    found = permutation_importance(
        model, sample.features, sample.labels, scoring=score, n_repeats=3, random_state=settings.seed
    )
    table = pd.DataFrame(
        {"feature": list(sample.features), "increase": found.importances_mean, "deviation": found.importances_std}
    )
    return table.sort_values(["increase", "feature"], ascending=[False, True], ignore_index=True)


def _thin(curve: pd.DataFrame) -> pd.DataFrame:
    kept = np.unique(np.linspace(0, len(curve) - 1, min(POINTS, len(curve))).round().astype(int))
    return curve.iloc[kept].reset_index(drop=True)
