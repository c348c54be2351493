"""Search: the parameters with the smallest mean loss over the time-ordered folds."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from keepfit.folds import Fold
from keepfit.settings import Choices, Interval, Range, Search

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

# Called with a fitted Pipeline, features and labels; returns the negative mean loss.
Scorer = Callable[[Any, pd.DataFrame, np.ndarray], float]
# Called with the parameters of a trial and its mean loss over the folds.
Tell = Callable[[dict[str, Any], float], None]


# The best parameters, and those of every trial with their score.
Found = tuple[dict[str, Any], list[tuple[dict[str, Any], float]]]


def tune(
    pipeline: "Pipeline",
    features: pd.DataFrame,
    labels: np.ndarray,
    *,
    folds: list[Fold],
    search: Search,
    space: dict[str, Range],
    scorer: Scorer,
    seed: int,
    tell: Tell = lambda _values, _loss: None,
) -> dict[str, Any]:
    """Return the best parameters found, by name; the empty dictionary where nothing is searched.

    `tell` hears of each trial in the order they were made. Fits run where joblib is configured to run them, and
    `scorer` goes along.
    """
    if search.kind == "none" or not space or search.trials == 0:
        return {}
    splits = [(fold.train, fold.test) for fold in folds]
    run = _optuna if search.kind == "optuna" else _scikit_learn
    best, trials = run(pipeline, features, labels, splits=splits, search=search, space=space, scorer=scorer, seed=seed)
    for values, score in trials:
        tell(values, -score)
    return best


def _scikit_learn(pipeline, features, labels, *, splits, search, space, scorer, seed) -> Found:
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingRandomSearchCV, RandomizedSearchCV

    choices = {f"model__{name}": _distribution(values) for name, values in space.items()}
    common = {"cv": splits, "scoring": scorer, "refit": False, "random_state": seed, "error_score": "raise"}
    if search.kind == "random":
        tuner = RandomizedSearchCV(pipeline, choices, n_iter=search.trials, **common)
    else:
        # By default the first round sees a handful of rows and the last one not all of them.
        sizes = {"n_candidates": search.trials, "min_resources": "exhaust"}
        tuner = HalvingRandomSearchCV(pipeline, choices, return_train_score=False, **sizes, **common)
    tuner.fit(features, labels)
    if search.kind == "random":
        best = tuner.best_params_
    else:
        last = tuner.cv_results_["iter"] == max(tuner.cv_results_["iter"])
        scores = np.where(last, tuner.cv_results_["mean_test_score"], -np.inf)
        best = tuner.cv_results_["params"][int(scores.argmax())]
    scores = tuner.cv_results_["mean_test_score"]
    return _named(best), [
        (_named(each), float(score)) for each, score in zip(tuner.cv_results_["params"], scores, strict=True)
    ]


def _named(values: dict[str, Any]) -> dict[str, Any]:
    return {name.removeprefix("model__"): _plain(value) for name, value in values.items()}


def _optuna(pipeline, features, labels, *, splits, search, space, scorer, seed) -> Found:
    import optuna
    from sklearn.base import clone
    from sklearn.model_selection import cross_val_score

    def objective(trial: optuna.Trial) -> float:
        values = {f"model__{name}": _suggest(trial, name, each) for name, each in space.items()}
        candidate = clone(pipeline).set_params(**values)
        return cross_val_score(candidate, features, labels, cv=splits, scoring=scorer, error_score="raise").mean()

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(objective, n_trials=search.trials)
    return study.best_params, [(each.params, float(each.values[0])) for each in study.trials]


def _distribution(values: Range) -> Any:
    from scipy import stats

    match values:
        case Choices(choices=choices):
            return list(choices)
        case Interval(low=low, high=high, log=True, integer=True):
            return _IntegerLogUniform(low, high)
        case Interval(low=low, high=high, integer=True):
            return stats.randint(int(low), int(high) + 1)
        case Interval(low=low, high=high, log=True):
            return stats.loguniform(low, high)
    return stats.uniform(values.low, values.high - values.low)


class _IntegerLogUniform:
    """Whole numbers, as likely between 1 and 10 as between 10 and 100."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def rvs(self, random_state=None) -> int:
        from scipy import stats

        return round(float(stats.loguniform(self.low, self.high).rvs(random_state=random_state)))


def _suggest(trial: Any, name: str, values: Range) -> Any:
    if isinstance(values, Choices):
        return trial.suggest_categorical(name, list(values.choices))
    if values.integer:
        return trial.suggest_int(name, int(values.low), int(values.high), log=values.log)
    return trial.suggest_float(name, values.low, values.high, log=values.log)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
