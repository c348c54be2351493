"""Batch: rows newer than the champion's training, scored by it, and what is known of the raw rows behind them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from keepfit.bundle import Bundle
from keepfit.columns import require
from keepfit.errors import BatchError
from keepfit.evidence import add_losses, collect
from keepfit.features import LABEL
from keepfit.scores import predict_scores
from keepfit.settings import Settings


@dataclass(frozen=True)
class Batch:
    """Scored rows (evidence), the typed raw rows behind them, and the times of those that were set aside."""

    evidence: pd.DataFrame
    rows: pd.DataFrame
    set_aside: pd.Series


def newer_than_training(rows: pd.DataFrame, bundle: Bundle, time: str) -> pd.DataFrame:
    """Return the rows that are newer than those the champion learned from."""
    return rows[rows[time] > pd.Timestamp(bundle.passport.trained_on.last)].reset_index(drop=True)


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


def score_batch(
    table: pd.DataFrame, rows: pd.DataFrame, bundle: Bundle, settings: Settings, *, set_aside: pd.Series
) -> Batch:
    """Return the batch of a feature table and the typed raw rows behind it, both newer than the training.

    Raises BatchError where the bundle is another dataset's, MissingColumn where it lacks a feature.
    """
    require_same_question(bundle, settings)
    passport, time = bundle.passport, settings.dataset.time
    require(table, [*passport.features, time, LABEL])
    features = table[list(passport.features)]
    names = settings.dataset.score_classes
    scores = np.empty((0, len(names)) if names else 0)
    if len(table):
        scores = predict_scores(bundle.model, features, passport.task, classes=len(passport.classes))
    labels = table[LABEL].to_numpy(float)
    evidence = collect(features, times=table[time], labels=labels, scores=scores, time=time, classes=names)
    return Batch(add_losses(evidence, settings.objective, threshold=passport.threshold), rows, set_aside)
