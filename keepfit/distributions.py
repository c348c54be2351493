"""Distributions: how far the inputs and the scores of a window lie from those of the reference, labels aside."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

FOLDS = 2


def sample(rows: pd.DataFrame, count: int, seed: int, *, where: np.ndarray | None = None) -> pd.DataFrame:
    """Return at most `count` rows, of all or of those `where` it is true, without replacement and in their order."""
    # Drawn before they are copied: there may be a thousand times as many.
    places = np.arange(len(rows)) if where is None else np.flatnonzero(where)
    if len(places) > count:
        places = places[np.sort(np.random.default_rng(seed).choice(len(places), count, replace=False))]
    return rows if len(places) == len(rows) else rows.iloc[places]


def measure_shift(reference: pd.Series, window: pd.Series) -> float:
    """Return how far two columns lie apart, from 0 to 1: Kolmogorov-Smirnov for numbers, else total variation.

    Missing values are left out; NaN where a side has no other.
    """
    if isinstance(reference.dtype, pd.CategoricalDtype):
        shares = [side.astype(object).value_counts(normalize=True) for side in (reference, window)]
        if not len(shares[0]) or not len(shares[1]):
            return float("nan")
        return float(shares[0].subtract(shares[1], fill_value=0).abs().sum() / 2)
    ordered = np.sort(reference.to_numpy()[reference.notna().to_numpy()])
    return ks_distance(ordered, window.to_numpy()[window.notna().to_numpy()])


def ks_distance(ordered: np.ndarray, values: np.ndarray) -> float:
    """Return the two-sample Kolmogorov-Smirnov statistic; `ordered` is sorted, neither has NaN."""
    if not len(ordered) or not len(values):
        return float("nan")
    values = np.sort(values)
    points = np.concatenate([ordered, values])
    shares = [np.searchsorted(side, points, side="right") / len(side) for side in (ordered, values)]
    return float(np.abs(shares[0] - shares[1]).max())


def encode(features: pd.DataFrame, like: pd.DataFrame) -> np.ndarray:
    """Return the features as numbers: a category is its rank in the frame `like`, one that is not there -1."""
    columns = []
    for name in like:
        values = features[name]
        if isinstance(like[name].dtype, pd.CategoricalDtype):
            known = like[name].astype(object).value_counts().index
            values = pd.Series(known.get_indexer(values.astype(object)), dtype=float)
        columns.append(values.to_numpy(dtype=float))
    return np.column_stack(columns)


class TakesEmptyColumns:
    """Mixed into a classifier that bins: a column without a value in the rows it learns from tells it nothing."""

    def fit(self, features: np.ndarray, labels: np.ndarray) -> "TakesEmptyColumns":
        """Fit, with one value all through in the place of none."""
        # scikit-learn's binning fails on a column that is all NaN, as a sparse one is in some half of the rows.
        empty = np.isnan(features).all(axis=0)
        return super().fit(np.where(empty, 0.0, features) if empty.any() else features, labels)  # type: ignore[misc]


def domain_classifier(seed: int) -> "HistGradientBoostingClassifier":
    """Return the unfitted classifier that is asked to tell a window from the reference."""
    from sklearn.ensemble import HistGradientBoostingClassifier as Binning

    return type(Binning.__name__, (TakesEmptyColumns, Binning), {})(
        max_iter=10,
        max_bins=32,
        max_leaf_nodes=8,
        min_samples_leaf=10,
        learning_rate=0.3,
        early_stopping=False,
        random_state=seed,
    )


def measure_separation(reference: np.ndarray, window: np.ndarray, seed: int) -> float:
    """Return how well a classifier tells the window from the reference, as the KS distance of its scores out of fold.

    Lopez-Paz and Oquab, Revisiting classifier two-sample tests (2017).
    """
    scores, is_new = score_domains(reference, window, seed)
    return ks_distance(np.sort(scores[~is_new]), scores[is_new])


def score_domains(reference: np.ndarray, window: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the classifier's score out of fold of each row of both, and which rows are the window's."""
    from sklearn.model_selection import StratifiedKFold

    rows = np.concatenate([reference, window])
    is_new = np.arange(len(rows)) >= len(reference)
    scores = np.empty(len(rows))
    for learn, tell in StratifiedKFold(n_splits=FOLDS, shuffle=True, random_state=seed).split(rows, is_new):
        scores[tell] = domain_classifier(seed).fit(rows[learn], is_new[learn]).predict_proba(rows[tell])[:, 1]
    return scores, is_new
