"""A small use case with a real signal, for tests that need settings and rows."""

from copy import deepcopy
from typing import Any

import numpy as np
import pandas as pd

from keepfit.dataset import Dataset
from keepfit.settings import Settings, check_settings

LOGISTIC = {
    "name": "linear",
    "estimator": {"binary": "sklearn.linear_model.LogisticRegression", "regression": "sklearn.linear_model.Ridge"},
    "params": {},
    "prepare": {"encode": "onehot", "max_categories": 10, "impute": "median", "scale": True, "select": None},
    "space": {},
}
BOOSTED = {
    "name": "hist_gradient_boosting",
    "estimator": {
        "binary": "sklearn.ensemble.HistGradientBoostingClassifier",
        "regression": "sklearn.ensemble.HistGradientBoostingRegressor",
    },
    "params": {"max_iter": 20, "min_samples_leaf": 10, "early_stopping": False},
    "prepare": {"encode": "ordinal", "max_categories": 10, "impute": "none", "scale": False, "select": None},
    "space": {"max_iter": {"low": 10, "high": 30, "integer": True}},
}
REGRESSION = {
    "dataset.task": "regression",
    "dataset.columns.y": {"type": "float", "nullable": True},
    "objective.metric": "absolute_error",
    "objective.cost": {"over": 1, "under": 2},
}


MULTICLASS = {
    "dataset.task": "multiclass",
    "dataset.classes": ["low", "middle", "high"],
    "dataset.columns.y": {"type": "category", "nullable": True, "allowed": ["low", "middle", "high"]},
    "objective.cost": {"mistakes": {"low": 1, "middle": 1, "high": {"low": 5, "middle": 2}}},
}
TASKS = {"binary": {}, "multiclass": MULTICLASS, "regression": REGRESSION}


def toy_values(**overrides: Any) -> dict[str, Any]:
    """The toy `params.yaml` as a dict. Keys are dotted: `toy_values(**{"train.folds": 2})`."""
    values: dict[str, Any] = {
        "seed": 7,
        "dataset": {
            "name": "toy",
            "task": "binary",
            "source": {"kind": "file", "path": "toy.csv", "watch": "toy.csv"},
            "until": None,
            "time": "time",
            "ordered": True,
            "may_go_backwards": False,
            "freshness": None,
            "keys": ["time"],
            "columns": {
                "time": {"type": "datetime"},
                "x": {"type": "float"},
                "c": {"type": "category"},
                "y": {"type": "int", "nullable": True, "min": 0, "max": 1},
            },
            "features": {"module": "as_is", "columns": ["x", "c"]},
            "label": "y",
            "horizon": 1,
            "splits": {"holdout": 60, "block": 5, "batch": 20},
        },
        "objective": {
            "question": "Is y one?",
            "metric": "log_loss",
            "limits": {},
            "cost": {"false_positive": 1, "false_negative": 2},
            "unit": "toys",
        },
        "model": LOGISTIC,
        "search": {"kind": "none", "trials": 0},
        "validate": {"quota": 0.1},
        "features": {"cuts": 3},
        "train": {"holdout": 60, "folds": 3, "min_rows": 50, "refit": True, "jobs": 1},
        "evaluate": {"resamples": 200, "interval": 0.9, "block": 5, "importance_rows": 50},
        "gate": {
            "reason": "scheduled",
            "pinned": None,
            "require": "better",
            "require_after_drift": "no_worse",
            "confidence": 0.9,
            "margin": 0.01,
            "min_rows": 30,
            "min_blocks": 4,
            "slice_min_rows": 10,
            "max_skill": 0.95,
            "max_miscalibration": 0.3,
        },
        "drift": {
            "policy": "calibrated",
            "backend": "scipy",
            "false_alarms_per_year": 1,
            "thresholds": "calibrated",
            "significance": 0.05,
            "window": 60,
            "k": 1,
            "of": 1,
            "cool_down": 0,
            "max_age": None,
            "retrain_on": ["calibration", "surprise"],
            "alert_on": ["loss", "loss_distribution", "errors", "prediction", "features", "multivariate"],
            "min_rows": 10,
            "max_rows": 10_000,
            "quality": {
                "quarantined": 0.05,
                "missing": 0.1,
                "new_categories": 0.05,
                "out_of_range": 0.01,
                "volume": 3,
            },
        },
        "retrain": {"advance": "7D", "publish": "direct", "branch": "main"},
        "release": {
            "image": None,
            "deploy": None,
            "url": None,
            "patience": 5,
            "public_key": None,
            "identity": None,
            "issuer": "https://issuer.example.com",
        },
        "engine": {"kind": "pandas", "rows": 97},
    }
    values = deepcopy(values)
    for key, value in overrides.items():
        *parents, last = key.split(".")
        place = values
        for name in parents:
            place = place[name]
        place[last] = deepcopy(value)
    return values


def toy_settings(**overrides: Any) -> Settings:
    """Checked settings: `toy_settings(**{"search.kind": "random"})`, `toy_settings(model=BOOSTED)`."""
    return check_settings(toy_values(**overrides), file="params.yaml")


def toy_regression(**overrides: Any) -> Settings:
    """The same table with an amount as its label; for `toy_amounts`."""
    return toy_settings(**REGRESSION, **overrides)


def toy_dataset(**overrides: Any) -> Dataset:
    """The dataset of the toy settings: `toy_dataset(ordered=False)`."""
    return toy_settings(**{f"dataset.{key}": value for key, value in overrides.items()}).dataset


def toy_rows(n: int = 300, seed: int = 0) -> pd.DataFrame:
    """Typed rows, one a day from 2020-01-01; y is likelier where x is high and c is `b`; the last has no label."""
    draw = np.random.default_rng(seed)
    x, c = draw.normal(size=n), draw.choice(["a", "b", "d"], size=n)
    signal = 1.5 * x + 1.0 * (c == "b") - 0.3
    return _rows(x, c, (draw.uniform(size=n) < 1 / (1 + np.exp(-signal))).astype(float))


def toy_amounts(n: int = 300, seed: int = 0) -> pd.DataFrame:
    """Typed rows whose y is an amount: 3 x, 2 more where c is `b`, and noise."""
    draw = np.random.default_rng(seed)
    x, c = draw.normal(size=n), draw.choice(["a", "b", "d"], size=n)
    return _rows(x, c, 3 * x + 2.0 * (c == "b") + draw.normal(scale=0.5, size=n))


def toy_kinds(n: int = 300, seed: int = 0) -> pd.DataFrame:
    """Typed rows whose y is `low`, `middle` or `high`, by the amount of `toy_amounts`."""
    amounts = toy_amounts(n, seed)
    return amounts.assign(
        y=pd.cut(amounts.y, [-np.inf, -1, 2, np.inf], labels=["low", "middle", "high"], ordered=False)
    )


TOYS = {"binary": toy_rows, "multiclass": toy_kinds, "regression": toy_amounts}


def toy_table(rows: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """The feature table of typed rows: time, x, c, label."""
    from keepfit.features import assemble, load_module

    return assemble(rows, settings.dataset, load_module(settings.dataset.features.module))


def _rows(x: np.ndarray, c: np.ndarray, y: np.ndarray) -> pd.DataFrame:
    y[-1:] = np.nan
    times = pd.date_range("2020-01-01", periods=len(x), freq="D").astype("datetime64[ns]")
    return pd.DataFrame({"time": times, "x": x, "c": pd.Series(c, dtype="category"), "y": y})
