"""Evidence: rows with their features, label, score and loss, and the windows in which they are judged.

A frame of evidence has the features, the time column, `label` and `loss` (NaN where the outcome is not known
yet) and `score`; rows are in time order. Of several classes `score` is the probability of the likeliest one, and
`score:CLASS` that of each.
"""

from itertools import pairwise

import numpy as np
import pandas as pd

from keepfit.features import LABEL
from keepfit.losses import row_losses
from keepfit.objective import Objective
from keepfit.scores import read_scores, tabulate_scores
from keepfit.spans import parse_span

LOSS, FOLD = "loss", "fold"
FIRST_FOLD = "fold 1"
DAYS_A_YEAR = 365.25


def collect(
    features: pd.DataFrame,
    *,
    times: pd.Series,
    labels: np.ndarray,
    scores: np.ndarray,
    time: str,
    classes: tuple[str, ...] = (),
) -> pd.DataFrame:
    """Return the evidence of scored rows, without their losses; `classes` are those with a score of their own."""
    columns = tabulate_scores(scores, classes)
    # `assign` copies: the features are not copied before it too.
    renumbered = features.set_axis(pd.RangeIndex(len(features)), copy=False)
    return renumbered.assign(**{time: times.reset_index(drop=True), LABEL: labels, **columns})


def add_losses(evidence: pd.DataFrame, objective: Objective, *, threshold: float) -> pd.DataFrame:
    """Return the evidence with the loss of each row by the objective's metric; NaN where there is no label."""
    return evidence.assign(**{LOSS: find_losses(evidence, objective, threshold=threshold)})


def find_losses(evidence: pd.DataFrame, objective: Objective, *, threshold: float) -> np.ndarray:
    """Return the loss of each row of evidence by the objective's metric; NaN where there is no label."""
    labels, scores = evidence[LABEL].to_numpy(), read_scores(evidence, objective.classes)
    return np.where(np.isnan(labels), np.nan, row_losses(labels, scores, objective, threshold=threshold))


def cut_windows(times: pd.Series, span: int | str) -> list[np.ndarray]:
    """Return the positions of the rows of each whole window of `span`, the oldest first, the newest ending last.

    A window of time without a row is left out, and so is what is left over at the beginning.
    """
    if times.empty:
        return []
    parsed = parse_span(span)
    if isinstance(parsed, int):
        age, whole = np.arange(len(times))[::-1] // parsed, len(times) // parsed
    else:
        age = ((times.iloc[-1] - times) // parsed).to_numpy()
        # Rows stand at both ends of a window: half a step more than they reach is what they cover.
        step = (times.iloc[-1] - times.iloc[0]) / max(times.nunique() - 1, 1)
        whole = int((times.iloc[-1] - times.iloc[0] + step) // parsed)
    borders = np.searchsorted(-age, -np.arange(whole, -1, -1), side="right")
    return [np.arange(a, b) for a, b in pairwise(borders) if b > a]


def days_in_window(times: pd.Series, span: int | str) -> float:
    """Return how many days a window of `span` lasts, for rows that come as often as these."""
    parsed = parse_span(span)
    if not isinstance(parsed, int):
        return parsed / pd.Timedelta(days=1)
    days = (times.iloc[-1] - times.iloc[0]) / pd.Timedelta(days=1)
    return max(days, 1e-9) / max(len(times) - 1, 1) * parsed
