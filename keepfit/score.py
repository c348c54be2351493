"""Score: raw rows to scores, by the same functions for training, REST and batch."""

from typing import Any

import numpy as np
import pandas as pd

from keepfit.bundle import Bundle
from keepfit.columns import parse
from keepfit.dataset import FeatureSet
from keepfit.errors import TooFewRows, UnorderedRows
from keepfit.features import compute, load_module
from keepfit.section import Task


def predict_scores(estimator: Any, features: pd.DataFrame, task: Task) -> np.ndarray:
    """Return the probability of label 1, or the predicted value, of each row."""
    if task == "regression":
        return np.asarray(estimator.predict(features), dtype=float)
    ones = list(estimator.classes_).index(1)
    return np.asarray(estimator.predict_proba(features)[:, ones], dtype=float)


def score_rows(bundle: Bundle, raw: pd.DataFrame) -> pd.DataFrame:
    """Return `score` and, for a yes-or-no question, `decision` of each raw row that has its look-back.

    `raw` is in time order and starts with the history that the features look back on; the index of
    the result is that of `raw`. Raises MissingColumn, TooFewRows and UnorderedRows.
    """
    passport = bundle.passport
    request = passport.request
    needed = request.look_back + 1
    if len(raw) < needed:
        raise TooFewRows(f"{len(raw)} rows; at least {needed} are needed: {needed - 1} of history and one to score")
    rows = parse(raw, request.columns)
    if request.look_back and not rows[request.time].is_monotonic_increasing:
        raise UnorderedRows(f"{request.time}: rows that look back on each other must be in time order")
    chosen = FeatureSet(module=request.module, columns=request.used_as_they_are)
    features = compute(rows, chosen, load_module(request.module)).iloc[request.look_back :]
    scores = predict_scores(bundle.model, features[list(passport.features)], passport.task)
    scored = pd.DataFrame({"score": scores}, index=features.index)
    if passport.task == "binary":
        scored["decision"] = scored["score"] >= passport.threshold
    return scored
