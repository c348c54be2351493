"""Train: a model tuned on time-ordered folds, its threshold, and the out-of-sample rows behind both."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from keepfit.engine import Engine
from keepfit.errors import FeatureError, UnusableLabel
from keepfit.estimator import build
from keepfit.evidence import FOLD, add_losses, collect
from keepfit.examples import Examples, read_examples
from keepfit.features import LABEL
from keepfit.fitting import fit_sides, fits_on, place_fits, redo_lost
from keepfit.folds import Fold
from keepfit.history import Ruler, measure_history
from keepfit.losses import cheapest_threshold, row_losses
from keepfit.metrics import measure
from keepfit.objective import DecisionCost
from keepfit.scores import SCORE, predict_scores, read_scores
from keepfit.search import tune
from keepfit.section import Window
from keepfit.settings import Settings
from keepfit.splits import Splits, split_table

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

Advance = Callable[[], None]


@dataclass(frozen=True)
class Trained:
    """What training gives: the model that serves, the one that is judged, and their evidence."""

    model: "Pipeline"
    holdout_model: "Pipeline | None"
    params: dict[str, Any]
    threshold: float
    reference: pd.DataFrame
    history: pd.DataFrame
    folds: list[dict[str, float]]
    trials: list[dict[str, Any]]
    trained_on: Window
    learned_before_holdout: Window
    judged_on: Window
    # How many labelled rows there were, where a sample of them was taken.
    sampled_from: int | None = None


def count_fits(settings: Settings) -> int:
    """Return how many times `fit` calls `advance`."""
    return _count_searched(settings) + settings.train.folds + 1 + settings.train.refit


def _count_searched(settings: Settings) -> int:
    known = settings.search.kind in ("random", "optuna") and settings.model.space
    return settings.search.trials * settings.train.folds if known else 0


def fit(
    table: pd.DataFrame,
    settings: Settings,
    *,
    splits: Splits | None = None,
    engine: Engine | None = None,
    advance: Advance = lambda: None,
) -> Trained:
    """Tune, fit and score out of sample; `advance` is called after each fit, `engine` is where fits run.

    `table` has the rows that `splits` takes, or, without any, all rows. Raises UnusableLabel, TooFewRows,
    FeatureError and EstimatorError.
    """
    if splits is None:
        splits = split_table(table[[settings.dataset.time, LABEL]], settings)
        table = table.iloc[splits.rows]
    examples, split, folds = read_examples(table, settings), splits.holdout, splits.folds(settings)
    early = examples.take(split.train)
    _require_classes(early, folds, settings)
    _require_values(early.take(folds[0].train), settings)
    pipeline = build(early.features, settings.model, task=settings.dataset.task, seed=settings.seed)
    trials: list[dict[str, Any]] = []
    where, jobs = place_fits(pipeline, engine, settings.train.jobs)
    with fits_on(where, jobs=jobs):
        best = redo_lost(lambda: _tune(pipeline, early, folds, settings, advance, trials))
    pipeline.set_params(**{f"model__{name}": value for name, value in best.items()})
    sides = [*(fold.train for fold in folds), split.train]
    if settings.train.refit:
        sides.append(np.arange(len(examples.labels)))
    fitted = fit_sides(pipeline, examples, sides, spread=len(folds), engine=where, jobs=jobs, advance=advance)
    tests = [*(fold.test for fold in folds), split.test]
    reference = _score_out_of_sample(fitted, examples, tests, settings)
    threshold = _threshold(reference, settings)
    reference = add_losses(reference, settings.objective, threshold=threshold)
    return Trained(
        model=fitted[-1],
        holdout_model=fitted[-2] if settings.train.refit else None,
        params={**settings.model.params, **best},
        threshold=threshold,
        reference=reference,
        history=measure_history(reference, Ruler(settings, tuple(examples.features), threshold)),
        folds=_measure_folds(reference, threshold, settings),
        trials=trials,
        trained_on=splits.window(None if settings.train.refit else splits.whole.train),
        learned_before_holdout=splits.window(splits.whole.train),
        judged_on=splits.window(splits.whole.test),
        sampled_from=splits.sampled_from,
    )


def _tune(
    pipeline, early: Examples, folds: list[Fold], settings: Settings, advance: Advance, trials: list[dict[str, Any]]
) -> dict[str, Any]:
    told: list[None] = []
    trials.clear()

    def tell_here() -> None:
        told.append(None)
        advance()

    best = tune(
        pipeline,
        early.features,
        early.labels,
        folds=folds,
        search=settings.search,
        space=settings.model.space,
        scorer=FoldLoss(settings, tell_here),
        seed=settings.seed,
        tell=lambda values, loss: trials.append({"loss": loss, **values}),
    )
    # Other processes told nothing of their fits.
    for _ in range(_count_searched(settings) - len(told)):
        advance()
    return best


@dataclass(frozen=True)
class FoldLoss:
    """Scores a fitted Pipeline by its negative mean loss on a fold; in another process it tells nobody of the fit."""

    settings: Settings
    advance: Advance

    def __call__(self, estimator: Any, features: pd.DataFrame, labels: np.ndarray) -> float:
        """Return the negative mean loss."""
        dataset, objective = self.settings.dataset, self.settings.objective
        scores = predict_scores(estimator, features, dataset.task, classes=len(dataset.classes))
        self.advance()
        return -float(row_losses(labels, scores, objective, threshold=objective.cost.threshold).mean())

    def __reduce__(self) -> tuple[Any, ...]:
        return FoldLoss, (self.settings, _tell_nobody)


def _tell_nobody() -> None:
    pass


def _score_out_of_sample(fitted: list, examples: Examples, tests: list[np.ndarray], settings: Settings) -> pd.DataFrame:
    parts, dataset = [], settings.dataset
    for number, (estimator, rows) in enumerate(zip(fitted, tests, strict=False), 1):
        part = examples.take(rows)
        scores = predict_scores(estimator, part.features, dataset.task, classes=len(dataset.classes))
        names = dataset.score_classes
        evidence = collect(
            part.features, times=part.times, labels=part.labels, scores=scores, time=dataset.time, classes=names
        )
        parts.append(evidence.assign(**{FOLD: f"fold {number}" if number < len(tests) else "holdout"}))
    return pd.concat(parts, ignore_index=True)


def _threshold(reference: pd.DataFrame, settings: Settings) -> float:
    if not isinstance(settings.objective.cost, DecisionCost):
        return 0.0
    tuned = reference[reference[FOLD] != "holdout"]
    return cheapest_threshold(tuned[LABEL].to_numpy(), tuned[SCORE].to_numpy(), settings.objective.cost)


def _measure_folds(reference: pd.DataFrame, threshold: float, settings: Settings) -> list[dict[str, float]]:
    return [
        measure(
            part[LABEL].to_numpy(),
            read_scores(part, settings.dataset.score_classes),
            settings.objective,
            task=settings.dataset.task,
            threshold=threshold,
        )
        for _, part in reference.groupby(FOLD, sort=False)
    ]


def _require_classes(early: Examples, folds: list[Fold], settings: Settings) -> None:
    if settings.dataset.task == "regression":
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
