from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from keepfit.fitting import fits_on
from keepfit.folds import time_folds
from keepfit.search import tune
from keepfit.settings import Choices, Interval, Search
from tests.modelling import mixed_features

KINDS = ["random", "halving", "optuna"]
BEST = 10.0
SPACE = {
    "C": Interval(low=1e-3, high=1e3, log=True),
    "l1_ratio": Interval(low=0, high=0.5),
    "max_iter": Interval(low=50, high=60, integer=True),
    "verbose": Interval(low=1, high=40, log=True, integer=True),
    "fit_intercept": Choices(choices=(True, False)),
}
FEATURES, LABELS = mixed_features(240)
FEATURES = FEATURES[["x"]]
FOLDS = time_folds(pd.Series(pd.date_range("2020-01-01", periods=240)), count=3, horizon=1)


def planted(estimator: Pipeline, features: pd.DataFrame, labels: np.ndarray) -> float:
    """Best where C is BEST, whatever the rows, so that it is known what there is to find."""
    return -abs(np.log10(estimator["model"].C / BEST))


class Quick(LogisticRegression):
    """Takes every parameter of the space, and learns at once."""

    def fit(self, features, labels):
        self.classes_ = np.array([0, 1])
        return self


def search(kind: str, *, trials: int = 15, seed: int = 7, jobs: int = 1, space: dict | None = None, **other) -> Any:
    options: dict[str, Any] = {"scorer": planted, "folds": FOLDS, **other}
    with fits_on(None, jobs=jobs):
        return tune(
            Pipeline([("model", Quick(C=1e-2))]),
            FEATURES,
            LABELS["binary"],
            search=Search(kind=kind, trials=trials),
            space=SPACE if space is None else space,
            seed=seed,
            **options,
        )


@pytest.mark.parametrize(
    "options", [{"kind": "none"}, {"kind": "random", "trials": 0}, {"kind": "optuna", "space": {}}]
)
def test_nothing_is_searched_where_nothing_is_asked(options):
    assert search(**options) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_the_planted_optimum_is_found_better_than_the_default(kind):
    # The default is three powers of ten away, a blind guess two on average.
    assert abs(np.log10(search(kind, trials=25)["C"] / BEST)) < 0.5


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=20)
@given(seed=st.integers(0, 1000))
def test_parameters_are_inside_the_space_and_plain(kind, seed):
    found = search(kind, trials=3, seed=seed)
    assert set(found) == set(SPACE)
    for name, values in SPACE.items():
        if isinstance(values, Choices):
            assert found[name] in values.choices
            continue
        assert values.low <= found[name] <= values.high
        assert type(found[name]) is (int if values.integer else float)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_finds_the_same_and_another_seed_something_else(kind):
    assert search(kind) == search(kind)
    assert search(kind) != search(kind, seed=8)


@pytest.mark.parametrize("kind", KINDS)
def test_one_job_and_two_find_the_same(kind):
    assert search(kind, jobs=1) == search(kind, jobs=2)


@pytest.mark.parametrize("kind", ["random", "optuna"])
def test_every_trial_is_scored_on_the_test_side_of_every_fold(kind):
    seen = []

    def watch(estimator, features, labels) -> float:
        seen.append(features.index.tolist())
        return 0.0

    search(kind, trials=4, scorer=watch)
    assert len(seen) == 4 * len(FOLDS)
    assert {tuple(rows) for rows in seen} == {tuple(fold.test) for fold in FOLDS}


def test_halving_begins_with_a_fair_share_of_the_rows_and_ends_with_nearly_all():
    rows = []

    def count(estimator, features, labels) -> float:
        rows.append(len(labels))
        return planted(estimator, features, labels)

    search("halving", trials=9, scorer=count)
    whole = len(FOLDS[0].test)
    # Nine candidates on a ninth of the rows, three on a third, one on all, for each fold.
    assert [rows.count(size) for size in sorted(set(rows))] == [9 * 3, 3 * 3, 1 * 3]
    assert sorted(set(rows)) == pytest.approx([whole / 9, whole / 3, whole], rel=0.12)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_of_a_trial_is_not_swallowed(kind):
    def broken(estimator, features, labels) -> float:
        raise ZeroDivisionError("a scorer that fails")

    with pytest.raises(ZeroDivisionError, match="a scorer that fails"):
        search(kind, trials=2, scorer=broken)
