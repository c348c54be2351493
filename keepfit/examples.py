"""Examples: the labelled rows that a model learns from and is judged on."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from keepfit.errors import TooFewRows, UnusableLabel
from keepfit.features import LABEL
from keepfit.folds import Fold, split_holdout
from keepfit.section import Window
from keepfit.settings import Settings


@dataclass(frozen=True)
class Examples:
    """Labelled rows in time order: features, labels (float64) and times of equal length."""

    features: pd.DataFrame
    labels: np.ndarray
    times: pd.Series

    def take(self, rows: np.ndarray) -> "Examples":
        """Return the rows at these positions."""
        return Examples(self.features.iloc[rows], self.labels[rows], self.times.iloc[rows].reset_index(drop=True))

    @property
    def window(self) -> Window:
        """How many rows there are, and from when to when."""
        return Window(rows=len(self.labels), first=str(self.times.iloc[0]), last=str(self.times.iloc[-1]))


def labelled_examples(table: pd.DataFrame, settings: Settings) -> Examples:
    """Return the labelled rows of a feature table; raise UnusableLabel and TooFewRows."""
    known = table[table[LABEL].notna()]
    require_labels(known[LABEL].to_numpy(), settings, rows=len(table))
    return read_examples(known, settings)


def read_examples(known: pd.DataFrame, settings: Settings) -> Examples:
    """Return labelled rows of a feature table as examples."""
    features = known.drop(columns=[LABEL, *identity_columns(settings)])
    # In place: `drop` has made a copy already.
    features.index = pd.RangeIndex(len(features))
    return Examples(features, known[LABEL].to_numpy(), known[settings.dataset.time].reset_index(drop=True))


def require_labels(labels: np.ndarray, settings: Settings, *, rows: int) -> None:
    """Raise UnusableLabel or TooFewRows where the known labels of a table of `rows` rows cannot be learned."""
    dataset, values = settings.dataset, pd.unique(labels)
    if not len(values):
        raise UnusableLabel(f"dataset.label: {dataset.label!r} is null in all {rows} rows")
    if dataset.task == "binary" and set(values) != {0.0, 1.0}:
        raise UnusableLabel(
            f"dataset.label: {dataset.label!r} has the values {sorted(values)[:5]}; "
            "allowed for task binary: both 0 and 1"
        )
    if dataset.task == "multiclass" and len(values) < 2:
        raise UnusableLabel(f"dataset.label: {dataset.label!r} is {dataset.classes[int(values[0])]!r} in all rows")
    if len(labels) < settings.train.min_rows:
        raise TooFewRows(f"train.min_rows: {settings.train.min_rows} labelled rows needed, there are {len(labels)}")


def identity_columns(settings: Settings) -> list[str]:
    """Return the columns of the feature table that say which row it is, and are not features."""
    names = dict.fromkeys([settings.dataset.time, *settings.dataset.keys])
    return [name for name in names if name not in settings.dataset.features.columns]


def holdout_split(examples: Examples, settings: Settings) -> Fold:
    """Return the rows to learn from and the holdout; raise TooFewRows."""
    return split_holdout(examples.times, holdout=settings.train.holdout, horizon=settings.dataset.horizon)
