"""Score: raw rows to scores, by the same functions for training, REST and batch."""

import numpy as np
import pandas as pd

from keepfit.bundle import Bundle
from keepfit.columns import parse
from keepfit.dataset import FeatureSet
from keepfit.entities import reach_back
from keepfit.errors import TooFewRows, UnorderedRows
from keepfit.features import compute, load_module
from keepfit.losses import cheapest_classes
from keepfit.passport import Passport
from keepfit.scores import predict_scores, tabulate_scores


def score_rows(bundle: Bundle, raw: pd.DataFrame) -> pd.DataFrame:
    """Return `score` and, where there is one, `decision` of each raw row that has its look-back.

    A decision is yes or no, or the name of the class that is expected to cost least; then `score` is the
    probability of the likeliest class, and `score:CLASS` that of each.

    `raw` is in time order and holds the history that the features look back on: its first rows, or the first ones of
    each entity; the index of the result is that of `raw`. Raises MissingColumn, TooFewRows and UnorderedRows.
    """
    passport = bundle.passport
    request = passport.request
    needed = request.look_back + 1
    if len(raw) < needed:
        raise TooFewRows(f"{len(raw)} rows; at least {needed} are needed: {needed - 1} of history and one to score")
    rows = parse(raw, request.columns)
    if request.look_back and request.time and not rows[request.time].is_monotonic_increasing:
        raise UnorderedRows(f"{request.time}: rows that look back on each other must be in time order")
    features = compute_features(rows, passport)
    if features.empty:
        raise TooFewRows(f"{len(raw)} rows; no {request.entity} has {needed}: {needed - 1} of history and one to score")
    scores = predict_scores(bundle.model, features, passport.task, classes=len(passport.classes))
    return tabulate(scores, passport, features.index)


def compute_features(rows: pd.DataFrame, passport: Passport) -> pd.DataFrame:
    """Return the model's features of those typed raw rows that have their look-back; raise FeatureError.

    Without entities these are the rows from `look_back` on.
    """
    request = passport.request
    chosen = FeatureSet(module=request.module, columns=request.used_as_they_are)
    features = compute(rows, chosen, load_module(request.module), entity=request.entity)
    return features.iloc[reach_back(rows, request.look_back, request.entity)][list(passport.features)]


def tabulate(scores: np.ndarray, passport: Passport, index: pd.Index) -> pd.DataFrame:
    """Return `score` and, where there is one, `decision`, as `score_rows` has them."""
    several = passport.classes if passport.task == "multiclass" else ()
    scored = pd.DataFrame(tabulate_scores(scores, several), index=index)
    decisions = decide(scores, passport)
    return scored if decisions is None else scored.assign(decision=decisions)


def decide(scores: np.ndarray, passport: Passport) -> np.ndarray | None:
    """Return yes or no, or the class that is expected to cost least, for each row; None for amounts."""
    if passport.task == "regression":
        return None
    if passport.task == "multiclass":
        chosen = cheapest_classes(scores, np.array(passport.mistakes))
    else:
        chosen = (scores >= passport.threshold).astype(int)
    return np.array(passport.classes or (False, True), dtype=object)[chosen]
