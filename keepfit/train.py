"""Train: a model tuned on time-ordered folds, its threshold, and the out-of-sample rows behind both."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from keepfit.errors import FeatureError, TooFewRows, UnusableLabel
from keepfit.estimator import build
from keepfit.features import LABEL
from keepfit.files import replacing
from keepfit.folds import Fold, split_holdout, time_folds
from keepfit.losses import cheapest_threshold, row_losses
from keepfit.metrics import measure
from keepfit.objective import DecisionCost
from keepfit.score import predict_scores
from keepfit.search import tune
from keepfit.section import Window
from keepfit.settings import Settings

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

SCORE, LOSS, ORIGIN = "score", "loss", "origin"
Advance = Callable[[], None]


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


@dataclass(frozen=True)
class Trained:
    """What training gives: the model that serves, the one that is judged, and their evidence."""

    model: "Pipeline"
    holdout_model: "Pipeline | None"
    params: dict[str, Any]
    threshold: float
    reference: pd.DataFrame
    folds: list[dict[str, float]]
    trained_on: Window
    learned_before_holdout: Window
    judged_on: Window


def labelled_examples(table: pd.DataFrame, settings: Settings) -> Examples:
    """Return the labelled rows of a feature table; raise UnusableLabel and TooFewRows."""
    dataset = settings.dataset
    known = table[table[LABEL].notna()]
    if known.empty:
        raise UnusableLabel(f"dataset.label: {dataset.label!r} is null in all {len(table)} rows")
    values = known[LABEL].unique()
    if dataset.task == "binary" and set(values) != {0.0, 1.0}:
        raise UnusableLabel(
            f"dataset.label: {dataset.label!r} has the values {sorted(values)[:5]}; "
            "allowed for task binary: both 0 and 1"
        )
    if len(known) < settings.train.min_rows:
        raise TooFewRows(f"train.min_rows: {settings.train.min_rows} labelled rows needed, there are {len(known)}")
    features = known.drop(columns=[LABEL, *identity_columns(settings)])
    times = known[dataset.time].reset_index(drop=True)
    return Examples(features.reset_index(drop=True), known[LABEL].to_numpy(), times)


def identity_columns(settings: Settings) -> list[str]:
    """Return the columns of the feature table that say which row it is, and are not features."""
    names = dict.fromkeys([settings.dataset.time, *settings.dataset.keys])
    return [name for name in names if name not in settings.dataset.features.columns]


def holdout_split(examples: Examples, settings: Settings) -> Fold:
    """Return the rows to learn from and the holdout; raise TooFewRows."""
    return split_holdout(examples.times, holdout=settings.train.holdout, horizon=settings.dataset.horizon)


def count_fits(settings: Settings) -> int:
    """Return how many times `fit` calls `advance`."""
    trials = settings.search.trials if settings.search.kind in ("random", "optuna") else 0
    return trials * settings.train.folds + settings.train.folds + 1 + settings.train.refit


def fit(table: pd.DataFrame, settings: Settings, *, advance: Advance = lambda: None) -> Trained:
    """Tune, fit and score out of sample; `advance` is called after each fit.

    Raises UnusableLabel, TooFewRows, FeatureError and EstimatorError.
    """
    examples = labelled_examples(table, settings)
    split = holdout_split(examples, settings)
    early = examples.take(split.train)
    folds = time_folds(early.times, count=settings.train.folds, horizon=settings.dataset.horizon)
    _require_both_classes(early, folds, settings)
    _require_values(early.take(folds[0].train), settings)
    pipeline = build(early.features, settings.model, task=settings.dataset.task, seed=settings.seed)
    best = _tune(pipeline, early, folds, settings, advance)
    pipeline.set_params(**{f"model__{name}": value for name, value in best.items()})
    sides = [*(fold.train for fold in folds), split.train]
    if settings.train.refit:
        sides.append(np.arange(len(examples.labels)))
    fitted = _fit_all(pipeline, examples, sides, settings, advance)
    tests = [*(fold.test for fold in folds), split.test]
    reference = _score_out_of_sample(fitted, examples, tests, settings)
    threshold = _threshold(reference, settings)
    reference = _add_losses(reference, threshold, settings)
    return Trained(
        model=fitted[-1],
        holdout_model=fitted[-2] if settings.train.refit else None,
        params={**settings.model.params, **best},
        threshold=threshold,
        reference=reference,
        folds=_measure_folds(reference, threshold, settings),
        trained_on=examples.take(sides[-1]).window,
        learned_before_holdout=early.window,
        judged_on=examples.take(split.test).window,
    )


def _tune(pipeline, early: Examples, folds: list[Fold], settings: Settings, advance: Advance) -> dict[str, Any]:
    threshold = settings.objective.cost.threshold

    def score(estimator, features, labels) -> float:
        scores = predict_scores(estimator, features, settings.dataset.task)
        advance()
        return -float(row_losses(labels, scores, settings.objective, threshold=threshold).mean())

    return tune(
        pipeline,
        early.features,
        early.labels,
        folds=folds,
        search=settings.search,
        space=settings.model.space,
        scorer=score,
        seed=settings.seed,
        jobs=settings.train.jobs,
    )


def _fit_all(pipeline, examples: Examples, sides: list[np.ndarray], settings: Settings, advance: Advance) -> list:
    from joblib import Parallel, delayed
    from sklearn.base import clone

    def fit_side(rows: np.ndarray) -> Any:
        fitted = clone(pipeline).fit(examples.features.iloc[rows], examples.labels[rows])
        advance()
        return fitted

    return Parallel(n_jobs=settings.train.jobs, backend="threading")(delayed(fit_side)(rows) for rows in sides)


def _score_out_of_sample(fitted: list, examples: Examples, tests: list[np.ndarray], settings: Settings) -> pd.DataFrame:
    parts = []
    for number, (estimator, rows) in enumerate(zip(fitted, tests, strict=False), 1):
        part = examples.take(rows)
        parts.append(
            part.features.reset_index(drop=True).assign(
                **{
                    settings.dataset.time: part.times,
                    LABEL: part.labels,
                    SCORE: predict_scores(estimator, part.features, settings.dataset.task),
                    ORIGIN: f"fold {number}" if number < len(tests) else "holdout",
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _threshold(reference: pd.DataFrame, settings: Settings) -> float:
    if not isinstance(settings.objective.cost, DecisionCost):
        return 0.0
    tuned = reference[reference[ORIGIN] != "holdout"]
    return cheapest_threshold(tuned[LABEL].to_numpy(), tuned[SCORE].to_numpy(), settings.objective.cost)


def _add_losses(reference: pd.DataFrame, threshold: float, settings: Settings) -> pd.DataFrame:
    losses = row_losses(
        reference[LABEL].to_numpy(), reference[SCORE].to_numpy(), settings.objective, threshold=threshold
    )
    return reference.assign(**{LOSS: losses})


def _measure_folds(reference: pd.DataFrame, threshold: float, settings: Settings) -> list[dict[str, float]]:
    return [
        measure(
            part[LABEL].to_numpy(),
            part[SCORE].to_numpy(),
            settings.objective,
            task=settings.dataset.task,
            threshold=threshold,
        )
        for _, part in reference.groupby(ORIGIN, sort=False)
    ]


def _require_both_classes(early: Examples, folds: list[Fold], settings: Settings) -> None:
    if settings.dataset.task != "binary":
        return
    for number, fold in enumerate(folds, 1):
        if len(np.unique(early.labels[fold.train])) < 2:
            raise UnusableLabel(
                f"dataset.label: fold {number} of {len(folds)} has one class only "
                f"in its {len(fold.train)} training rows; use fewer train.folds or more history"
            )


def _require_values(first: Examples, settings: Settings) -> None:
    # The other folds learn from these rows and more.
    numbers = first.features.select_dtypes("number")
    empty = numbers.columns[numbers.isna().all()]
    if len(empty) and settings.model.prepare.impute == "none":
        raise FeatureError(
            f"{', '.join(empty)}: no value in the {len(numbers)} training rows of the first fold; "
            "set model.prepare.impute, use fewer train.folds or leave the feature out"
        )


def log_folds(folds: list[dict[str, float]], folder: Path) -> None:
    """Write the metrics of each fold, and of the holdout last, as dvclive's steps."""
    from dvclive import Live

    with replacing(folder) as partial, Live(str(partial), save_dvc_exp=False, dvcyaml=None, report=None) as live:
        for metrics in folds:
            for name, value in metrics.items():
                live.log_metric(name, value)
            live.next_step()
