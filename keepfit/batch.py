"""Batch: rows newer than the champion's training, scored by it, and what is known of the raw rows behind them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from keepfit.bundle import Bundle
from keepfit.columns import require
from keepfit.dataset import Column
from keepfit.errors import BatchError
from keepfit.evidence import LOSS, find_losses
from keepfit.features import LABEL
from keepfit.passport import Passport
from keepfit.rows import Tail, read_between, read_column
from keepfit.scores import predict_scores, tabulate_scores
from keepfit.settings import Settings
from keepfit.tables import Table

if TYPE_CHECKING:
    from keepfit.rows import Rows


# A linear model's last bits depend on how many rows stand before a row in blocks of four: windows are scored from a
# multiple on, so that it does not matter which window is asked for.
ALIGNED = 64


@dataclass(frozen=True)
class Batch:
    """Rows newer than the training, of which a window is read and scored when it is asked for.

    `known` has the time and the label of every row, `times` those of the typed raw rows behind them, `set_aside`
    those of the rows that were set aside. `evidence` and `rows` return the scored rows of a slice, and its raw rows
    with the columns that the model needs.
    """

    known: pd.DataFrame
    times: pd.Series
    set_aside: pd.Series
    evidence: Callable[[slice], pd.DataFrame]
    rows: Callable[[slice], pd.DataFrame]


def newer_than_training(rows: pd.DataFrame, bundle: Bundle, time: str) -> pd.DataFrame:
    """Return the rows that are newer than those the champion learned from."""
    return rows[rows[time] > pd.Timestamp(bundle.passport.trained_on.last)].reset_index(drop=True)


def newer_in_file(table: Table, bundle: Bundle, time: str) -> Tail:
    """Return the rows of a table in time order that are newer than those the champion learned from."""
    last = pd.Timestamp(bundle.passport.trained_on.last)
    return Tail(table, len(table) - len(table.newer_than(time, last)))


def number_newer(rows: pd.DataFrame, passport: Passport, column: Column, *, name: str) -> pd.DataFrame:
    """Return the rows of a table without a time, numbered in their order from the last one of the training on.

    The numbers are the times of the column `name`.
    """
    unit = pd.Timedelta(1, unit=column.format or "ns")
    numbers = pd.Series(np.arange(1, len(rows) + 1), index=rows.index)
    return rows.assign(**{name: pd.Timestamp(passport.trained_on.last) + numbers * unit})


def require_newer(rows: pd.DataFrame, bundle: Bundle, time: str) -> None:
    """Raise BatchError where rows overlap those that the champion learned from."""
    last = pd.Timestamp(bundle.passport.trained_on.last)
    if old := int((rows[time] <= last).sum()):
        raise BatchError(
            f"{old} of {len(rows)} rows are not newer than {last}, up to which champion {bundle.passport.version} "
            "learned: a model is right about what it learned from; leave them out"
        )


def require_same_question(bundle: Bundle, settings: Settings) -> None:
    """Raise BatchError where the bundle is of another dataset, task or label."""
    passport, dataset = bundle.passport, settings.dataset
    theirs, ours = (passport.dataset, passport.task, passport.label), (dataset.name, dataset.task, dataset.label)
    if theirs != ours:
        raise BatchError(f"{bundle.folder}: answers {theirs}, params.yaml asks {ours} (dataset, task, label)")


def score_batch(table: "Rows", rows: "Rows", bundle: Bundle, settings: Settings, *, set_aside: pd.Series) -> Batch:
    """Return the batch of a feature table and the typed raw rows behind it, both newer than the training.

    Raises BatchError where the bundle is another dataset's, MissingColumn where it lacks a feature.
    """
    require_same_question(bundle, settings)
    time = settings.dataset.time
    require(read_between(table, 0, 0), [*bundle.passport.features, time, LABEL])
    return Batch(
        known=read_between(table, 0, len(table), [time, LABEL]),
        times=read_column(rows, time),
        set_aside=set_aside,
        evidence=partial(score_rows, table, bundle, settings),
        rows=partial(_read_slice, rows, [time, *(name for name in bundle.profile.columns if name != time)]),
    )


def hold_batch(evidence: pd.DataFrame, rows: pd.DataFrame, *, set_aside: pd.Series, time: str) -> Batch:
    """Return the batch of rows that are scored already."""
    held = (partial(_read_slice, each, list(each)) for each in (evidence, rows))
    return Batch(evidence[[time, LABEL]], rows[time], set_aside, *held)


def score_rows(table: "Rows", bundle: Bundle, settings: Settings, window: slice) -> pd.DataFrame:
    """Return the evidence of a slice of the rows, with the scores that it has among all of them."""
    passport, time, names = bundle.passport, settings.dataset.time, settings.dataset.score_classes
    start, stop, _ = window.indices(len(table))
    first, last = start - start % ALIGNED, min(stop + -stop % ALIGNED, len(table))
    read = read_between(table, first, last, list(dict.fromkeys([*passport.features, time, LABEL])))
    scores = np.empty((0, len(names)) if names else 0)
    if stop > start:
        features = read.loc[:, list(passport.features)]
        scores = predict_scores(bundle.model, features, passport.task, classes=len(passport.classes))
        del features
    evidence = read.iloc[start - first : stop - first].reset_index(drop=True)
    del read
    # Column by column, in place: a window may be most of what there is room for.
    evidence[LABEL] = evidence[LABEL].astype(float)
    for name, values in tabulate_scores(scores[start - first : stop - first], names).items():
        evidence[name] = values
    evidence[LOSS] = find_losses(evidence, settings.objective, threshold=passport.threshold)
    return evidence


def _read_slice(rows: "Rows", columns: list[str], window: slice) -> pd.DataFrame:
    start, stop, _ = window.indices(len(rows))
    return read_between(rows, start, stop, columns)
