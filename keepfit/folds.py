"""Folds: splits in time order, with the label's horizon kept clear on the training side."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from keepfit.errors import TooFewRows
from keepfit.spans import parse_span


@dataclass(frozen=True)
class Fold:
    """Positions of rows: those to learn from, all earlier than those to be tested on."""

    train: np.ndarray
    test: np.ndarray


def split_holdout(times: pd.Series, *, holdout: int | str, horizon: int | str) -> Fold:
    """Return the newest rows as the test side, and those before them as the training side.

    `times` are those of labelled rows, in order. Raises TooFewRows where a side is empty.
    """
    span = parse_span(holdout)
    if isinstance(span, int):
        start = len(times) - span
    else:
        start = int(times.searchsorted(times.iloc[-1] - span, side="right"))
    fold = _fold(times, start=_first_of_its_time(times, max(start, 0)), stop=len(times), horizon=horizon)
    if not len(fold.train) or not len(fold.test):
        raise TooFewRows(f"train.holdout: {holdout} of {len(times)} labelled rows leaves none to train on")
    return fold


def time_folds(times: pd.Series, *, count: int, horizon: int | str) -> list[Fold]:
    """Return `count` folds with growing training sides and test sides of equal length.

    Rows of one moment never stand on both sides. Raises TooFewRows.
    """
    borders = [round(len(times) * i / (count + 1)) for i in range(count + 2)]
    starts = [_first_of_its_time(times, border) for border in borders[1:]]
    folds = [_fold(times, start=a, stop=b, horizon=horizon) for a, b in pairwise(starts)]
    if any(not len(fold.train) or not len(fold.test) for fold in folds):
        raise TooFewRows(f"train.folds: {count} folds of {len(times)} rows leave a side empty")
    return folds


def _fold(times: pd.Series, *, start: int, stop: int, horizon: int | str) -> Fold:
    span = parse_span(horizon)
    if isinstance(span, int):
        end = max(start - span, 0)
    else:
        end = int(times.searchsorted(times.iloc[start] - span, side="left")) if start < len(times) else start
    return Fold(train=np.arange(min(end, start)), test=np.arange(start, stop))


def _first_of_its_time(times: pd.Series, position: int) -> int:
    if position >= len(times):
        return len(times)
    return int(times.searchsorted(times.iloc[position], side="left"))
