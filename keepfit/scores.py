"""Scores: one number a row, or for more than two classes one number a class, and the columns that hold them.

A binary score is the probability of label 1, a regression's the predicted value, a multiclass one the
probability of each class in the order of `dataset.classes`.
"""

from typing import Any

import numpy as np
import pandas as pd

from keepfit.section import Task

SCORE = "score"
# Rows that an estimator is given at once: whatever the table's length, its own copies of them are few, and in cache.
# A multiple of four, by which OpenBLAS takes rows together, so that a linear model's last bits stay as they are.
AT_ONCE = 2**14


def predict_scores(estimator: Any, features: pd.DataFrame, task: Task, *, classes: int = 0) -> np.ndarray:
    """Return the scores of each row: (rows,), or (rows, classes) for a multiclass task.

    A class that the estimator has never seen has probability 0.
    """
    starts = range(0, max(len(features), 1), AT_ONCE)
    return np.concatenate([_predict(estimator, features[first : first + AT_ONCE], task, classes) for first in starts])


def _predict(estimator: Any, features: pd.DataFrame, task: Task, classes: int) -> np.ndarray:
    if task == "regression":
        return np.asarray(estimator.predict(features), dtype=float)
    found, known = np.asarray(estimator.predict_proba(features), dtype=float), estimator.classes_.astype(int)
    if task == "binary":
        return found[:, list(known).index(1)]
    scores = np.zeros((len(features), max(classes, known.max() + 1)))
    scores[:, known] = found
    return scores


def tabulate_scores(scores: np.ndarray, classes: tuple[str, ...], name: str = SCORE) -> dict[str, np.ndarray]:
    """Return the columns of a table that hold the scores.

    With classes, `name` is the probability of the likeliest class, followed by `name:CLASS` for each.
    """
    if scores.ndim == 1:
        return {name: scores}
    columns = dict(zip(score_columns(classes, name), scores.T, strict=True))
    return {name: scores.max(axis=1), **columns}


def read_scores(table: pd.DataFrame, classes: tuple[str, ...], name: str = SCORE) -> np.ndarray:
    """Return the scores that `tabulate_scores` made columns of."""
    return table[score_columns(classes, name)].to_numpy() if classes else table[name].to_numpy()


def find_hits(table: pd.DataFrame, labels: pd.Series) -> pd.Series | None:
    """Return whether each row is of its likeliest class (1.0 or 0.0), None where it has one score alone."""
    columns = [name for name in table if str(name).startswith(f"{SCORE}:")]
    if not columns:
        return None
    return (labels == table[columns].to_numpy().argmax(axis=1)).astype(float).where(labels.notna())


def score_columns(classes: tuple[str, ...], name: str = SCORE) -> list[str]:
    """Return the names of the columns that hold the probability of each class."""
    return [f"{name}:{each}" for each in classes]
