"""Estimator: the scikit-learn Pipeline of preparation and model that the settings describe."""

import importlib
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pandas as pd

from keepfit.distributed_estimator import take_arrays
from keepfit.errors import EstimatorError
from keepfit.section import Task
from keepfit.settings import Model, Prepare

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator
    from sklearn.pipeline import Pipeline


def build(frame: pd.DataFrame, model: Model, *, task: Task, seed: int) -> "Pipeline":
    """Return an unfitted Pipeline for features like those of `frame`; raise EstimatorError."""
    from sklearn.pipeline import Pipeline

    chosen = frame[_choose(list(frame), model.features)]
    steps: list[tuple[str, Any]] = [("prepare", _prepare(chosen, model.prepare, task=task, seed=seed))]
    if model.prepare.select is not None:
        steps.append(("select", _select(model.prepare.select, task)))
    return Pipeline([*steps, ("model", load_estimator(model, task=task, seed=seed))])


def load_estimator(model: Model, *, task: Task, seed: int) -> "BaseEstimator":
    """Import the estimator and set its parameters and its seed; raise EstimatorError."""
    path = model.estimator.path(task)
    module, _, name = path.rpartition(".")
    try:
        estimator = take_arrays(getattr(importlib.import_module(module), name))()
        known = estimator.get_params()
        seeded = {"random_state": seed} if "random_state" in known else {}
        estimator.set_params(**seeded, **model.params)
        # scikit-learn looks at the values only when it fits, and then names no key of ours.
        if hasattr(estimator, "_parameter_constraints"):
            estimator._validate_params()
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise EstimatorError(f"model.estimator.{task}: {path!r} with {model.params}: {error}") from None
    if unknown := sorted(set(model.space) - set(known)):
        raise EstimatorError(f"model.space: {path!r} has no {', '.join(unknown)}; allowed: {', '.join(known)}")
    return estimator


def naive_model(task: Task) -> "BaseEstimator":
    """Return the baseline that every model must beat: the rate of each class, or the median."""
    from sklearn.dummy import DummyClassifier, DummyRegressor

    return DummyRegressor(strategy="median") if task == "regression" else DummyClassifier(strategy="prior")


def _choose(names: list[str], patterns: tuple[str, ...] | None) -> list[str]:
    if patterns is None:
        return names
    for each in patterns:
        if not any(fnmatchcase(name, each) for name in names):
            raise EstimatorError(f"model.features: {each!r} is none of the features: {', '.join(names)}")
    return [name for name in names if any(fnmatchcase(name, each) for each in patterns)]


def _prepare(frame: pd.DataFrame, prepare: Prepare, *, task: Task, seed: int) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import make_pipeline

    categories = [name for name in frame if isinstance(frame[name].dtype, pd.CategoricalDtype)]
    numbers = [name for name in frame if name not in categories]
    steps = _number_steps(prepare)
    return ColumnTransformer(
        [
            ("numbers", make_pipeline(*steps) if steps else "passthrough", numbers),
            ("categories", _encoder(prepare, task=task, seed=seed), categories),
        ],
        verbose_feature_names_out=False,
    )


def _number_steps(prepare: Prepare) -> list[Any]:
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import StandardScaler

    impute = [] if prepare.impute == "none" else [SimpleImputer(strategy=prepare.impute, keep_empty_features=True)]
    return [*impute, *([StandardScaler()] if prepare.scale else [])]


def _encoder(prepare: Prepare, *, task: Task, seed: int) -> Any:
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

    match prepare.encode:
        case "onehot":
            return OneHotEncoder(
                handle_unknown="infrequent_if_exist", max_categories=prepare.max_categories, sparse_output=False
            )
        case "ordinal":
            return OrdinalEncoder(
                handle_unknown="use_encoded_value",
                unknown_value=-1,
                encoded_missing_value=-1,
                max_categories=prepare.max_categories,
            )
    return TargetEncoder(target_type="continuous" if task == "regression" else task, random_state=seed)


def _select(count: int, task: Task) -> Any:
    from sklearn.feature_selection import SelectKBest, f_classif, f_regression

    return SelectKBest(f_regression if task == "regression" else f_classif, k=count)
