"""Splits: which rows of a feature table are learned from and judged on, from their times and labels alone."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from keepfit.errors import TooFewRows
from keepfit.examples import require_labels
from keepfit.features import LABEL
from keepfit.folds import Fold, split_holdout, time_folds
from keepfit.sample import draw_sample
from keepfit.section import Window
from keepfit.settings import Settings


@dataclass(frozen=True)
class Splits:
    """The rows that are taken, as positions in the table (`rows`), their labels, and how they are split.

    `whole` splits all labelled rows, whose times are `times`; `taken` are the positions among those. Where a sample
    is taken, borders and windows are the whole table's, so that they are the same however many rows there are.
    """

    rows: np.ndarray
    labels: np.ndarray
    taken: np.ndarray
    times: pd.Series
    whole: Fold

    @property
    def holdout(self) -> Fold:
        """The rows to learn from and the holdout, as positions among those that are taken."""
        return self._keep(self.whole)

    @property
    def held_out(self) -> np.ndarray:
        """The rows of the holdout, as positions in the table."""
        return self.rows[self.holdout.test]

    def folds(self, settings: Settings) -> list[Fold]:
        """Return the folds before the holdout, as positions among the rows that are taken; raise TooFewRows."""
        early = self.times.iloc[self.whole.train]
        folds = time_folds(early, count=settings.train.folds, horizon=settings.dataset.horizon)
        return [self._keep(fold) for fold in folds]

    @property
    def sampled_from(self) -> int | None:
        """How many labelled rows there were, or None where all are taken."""
        return None if len(self.taken) == len(self.times) else len(self.times)

    def window(self, side: np.ndarray | None = None) -> Window:
        """Return how many rows of a side of the whole are taken, and from when to when it lasts; by default of all."""
        first, last = (0, len(self.times) - 1) if side is None else (side[0], side[-1])
        rows = np.searchsorted(self.taken, last, side="right") - np.searchsorted(self.taken, first)
        return Window(rows=int(rows), first=str(self.times.iloc[first]), last=str(self.times.iloc[last]))

    def _keep(self, fold: Fold) -> Fold:
        train, test = (
            np.arange(*np.searchsorted(self.taken, (side[0], side[-1] + 1))) for side in (fold.train, fold.test)
        )
        if not len(train) or not len(test):
            raise TooFewRows(f"train.max_rows: {len(self.taken)} of {len(self.times)} labelled rows leave a side empty")
        return Fold(train, test)


def split_table(known: pd.DataFrame, settings: Settings) -> Splits:
    """Return the splits of a feature table, of which `known` has the time and the label of each row.

    Raises UnusableLabel and TooFewRows.
    """
    labels = known[LABEL].to_numpy()
    positions = np.flatnonzero(~np.isnan(labels))
    require_labels(labels[positions], settings, rows=len(known))
    times = known[settings.dataset.time].iloc[positions].reset_index(drop=True)
    whole = split_holdout(times, holdout=settings.train.holdout, horizon=settings.dataset.horizon)
    count = len(positions) if settings.train.max_rows is None else settings.train.max_rows
    taken = draw_sample(labels[positions], count=count, task=settings.dataset.task, seed=settings.seed)
    rows = positions[taken]
    return Splits(rows, labels[rows], taken, times, whole)
