"""Evaluate: the challenger and the naive baseline on the holdout, in metrics and in the objective's unit."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from keepfit.bootstrap import cut_blocks
from keepfit.bundle import Bundle
from keepfit.curves import draw_curves
from keepfit.dataset import Dataset
from keepfit.errors import UnusableLabel
from keepfit.estimator import naive_model
from keepfit.examples import Examples, read_examples
from keepfit.features import LABEL
from keepfit.losses import row_losses
from keepfit.metrics import LOSSES, loss_interval, measure, miscalibration
from keepfit.scores import SCORE, predict_scores, read_scores, score_columns, tabulate_scores
from keepfit.settings import Settings
from keepfit.slices import slice_rows
from keepfit.splits import Splits, split_table

NAIVE_SCORE = "naive_score"


@dataclass(frozen=True)
class Judged:
    """The holdout, and the scores of the rows by the challenger and by the naive baseline."""

    rows: Examples
    challenger: np.ndarray
    naive: np.ndarray
    naive_threshold: float
    # How many rows the holdout has, where a sample of them is judged.
    sampled_from: int | None = None


@dataclass(frozen=True)
class Evaluation:
    """The headline metrics, the loss of each slice, and the plots' tables by name."""

    metrics: dict[str, Any]
    slices: pd.DataFrame
    curves: dict[str, pd.DataFrame]


def judge(table: pd.DataFrame, bundle: Bundle, settings: Settings, *, splits: Splits | None = None) -> Judged:
    """Score the holdout with the model that never saw it, and with the baseline of the same training rows.

    `table` has the rows of the holdout that `splits` takes, or, without any, all rows. Raises UnusableLabel and
    TooFewRows.
    """
    if splits is None:
        splits = split_table(table[[settings.dataset.time, LABEL]], settings)
        table = table.iloc[splits.held_out]
    rows = read_examples(table, settings)
    task, classes = settings.dataset.task, len(settings.dataset.classes)
    if task != "regression" and len(np.unique(rows.labels)) < 2:
        raise UnusableLabel(
            f"dataset.label: {settings.dataset.label!r} has one class only in the {len(rows.labels)} rows of the "
            "holdout; use a longer train.holdout"
        )
    early = splits.labels[splits.holdout.train]
    # The baseline looks at no feature.
    baseline = naive_model(task).fit(np.empty((len(early), 0)), early)
    return Judged(
        rows=rows,
        challenger=predict_scores(bundle.holdout_model, rows.features, task, classes=classes),
        naive=predict_scores(baseline, rows.features, task, classes=classes),
        naive_threshold=settings.objective.cost.threshold,
        sampled_from=len(splits.whole.test) if splits.sampled_from else None,
    )


def tabulate(judged: Judged, dataset: Dataset) -> pd.DataFrame:
    """Return the judged holdout as a table: time, features, label, score, naive_score (see keepfit/scores.py)."""
    return judged.rows.features.reset_index(drop=True).assign(
        **{dataset.time: judged.rows.times, LABEL: judged.rows.labels},
        **tabulate_scores(judged.challenger, dataset.score_classes),
        **tabulate_scores(judged.naive, dataset.score_classes, NAIVE_SCORE),
    )


def read_judged(holdout: pd.DataFrame, settings: Settings) -> Judged:
    """Return the judged holdout that `tabulate` made a table of."""
    time, classes = settings.dataset.time, settings.dataset.score_classes
    scores = [name for each in (SCORE, NAIVE_SCORE) for name in (each, *score_columns(classes, each))]
    features = holdout.drop(columns=[time, LABEL, *scores])
    return Judged(
        rows=Examples(features, holdout[LABEL].to_numpy(), holdout[time]),
        challenger=read_scores(holdout, classes),
        naive=read_scores(holdout, classes, NAIVE_SCORE),
        naive_threshold=settings.objective.cost.threshold,
    )


def evaluate(judged: Judged, bundle: Bundle, settings: Settings) -> Evaluation:
    """Return metrics with intervals, slices and curves of the challenger beside the naive baseline."""
    labels, task, objective = judged.rows.labels, settings.dataset.task, settings.objective
    threshold = bundle.passport.threshold
    return Evaluation(
        metrics={
            "rows": len(labels),
            **({"sampled_from": judged.sampled_from} if judged.sampled_from else {}),
            "first": judged.rows.window.first,
            "last": judged.rows.window.last,
            "model": settings.model.name,
            "challenger": {
                **measure(labels, judged.challenger, objective, task=task, threshold=threshold),
                **_intervals(judged, threshold, settings),
                "miscalibration": miscalibration(labels, judged.challenger, task),
            },
            "naive": measure(labels, judged.naive, objective, task=task, threshold=judged.naive_threshold),
        },
        slices=_measure_slices(judged, threshold, settings),
        curves=draw_curves(judged.rows, judged.challenger, bundle.holdout_model, settings, threshold=threshold),
    )


def _intervals(judged: Judged, threshold: float, settings: Settings) -> dict[str, float]:
    options = settings.evaluate
    blocks = cut_blocks(judged.rows.times, options.block)
    bounds: dict[str, float] = {}
    for loss in LOSSES[settings.dataset.task]:
        losses = row_losses(judged.rows.labels, judged.challenger, settings.objective, loss=loss, threshold=threshold)
        low, high = loss_interval(
            losses, blocks, resamples=options.resamples, interval=options.interval, seed=settings.seed
        )
        bounds |= {f"{loss}_low": low, f"{loss}_high": high}
    return bounds


def _measure_slices(judged: Judged, threshold: float, settings: Settings) -> pd.DataFrame:
    labels, objective = judged.rows.labels, settings.objective
    losses = row_losses(labels, judged.challenger, objective, threshold=threshold)
    naive = row_losses(labels, judged.naive, objective, threshold=judged.naive_threshold)
    return pd.DataFrame(
        [
            (part.name, int(part.rows.sum()), losses[part.rows].mean(), naive[part.rows].mean())
            for part in slice_rows(judged.rows.features, objective.slices)
        ],
        columns=["slice", "rows", "loss", "naive_loss"],
    )
