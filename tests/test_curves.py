from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from keepfit.curves import (
    draw_calibration,
    draw_curves,
    draw_precision_recall,
    draw_residuals,
    draw_roc,
    measure_importance,
)
from tests.bundles import Trial, begin

COLUMNS = {
    "calibration": ["predicted", "observed", "rows", "perfect"],
    "residuals": ["year", "residual"],
    "importance": ["feature", "increase", "deviation"],
    "confusion": ["actual", "decided"],
    "roc": ["false_positive_rate", "true_positive_rate"],
    "precision_recall": ["recall", "precision"],
}


@pytest.fixture(scope="module", params=["binary", "multiclass", "regression"])
def trial(request, tmp_path_factory) -> Trial:
    return begin(request.param, tmp_path_factory.mktemp(request.param))


def test_each_task_has_its_curves_with_their_columns_and_no_gaps(trial: Trial):
    judged = trial.judged
    found = draw_curves(judged.rows, judged.challenger, trial.challenger.holdout_model, trial.settings(), threshold=0.5)
    assert {name: list(curve) for name, curve in found.items()} == COLUMNS
    empty = {name for name, curve in found.items() if curve.empty}
    assert empty == ({"roc", "precision_recall", "confusion"} if trial.task == "regression" else set())
    for name, curve in found.items():
        assert len(curve) <= 200, name
        assert curve.notna().all(axis=None), name


@pytest.mark.parametrize("draw", [draw_roc, draw_precision_recall])
def test_a_long_curve_is_thinned_to_200_points_and_keeps_its_ends(draw):
    random = np.random.default_rng(0)
    labels, scores = np.tile([0.0, 1.0], 5000), random.uniform(size=10000)
    curve = draw(labels, scores)
    assert len(curve) == 200
    ends = curve.iloc[[0, -1]].to_numpy().tolist()
    assert ends == ([[0, 0], [1, 1]] if draw is draw_roc else [[1, 0.5], [0, 1]])
    assert curve.iloc[:, 0].is_monotonic_increasing or curve.iloc[:, 0].is_monotonic_decreasing


def test_a_perfect_ranking_goes_through_the_corner():
    labels = np.array([0.0, 0.0, 1.0, 1.0])
    assert [0, 1] in draw_roc(labels, labels).to_numpy().tolist()
    assert [1, 1] in draw_precision_recall(labels, labels).to_numpy().tolist()


def test_a_perfect_model_lies_on_the_diagonal_of_its_calibration():
    scores = np.arange(20) / 20
    found = draw_calibration(scores, scores)
    assert found[["predicted", "observed", "perfect"]].nunique(axis=1).tolist() == [1] * 10
    assert found.rows.tolist() == [2] * 10
    assert found.predicted[0] == 0.025


def days(count: int) -> pd.Series:
    return pd.Series(pd.date_range("2020-01-01", periods=count, freq="D"))


def test_residuals_are_means_over_stretches_of_time():
    curve = draw_residuals(days(120), np.arange(120.0))
    assert list(curve.residual) == [2 * n + 0.5 for n in range(60)]
    assert list(curve.year[:2]) == [2020 + 0.5 / 365.25, 2020 + 2.5 / 365.25]


def test_few_rows_have_a_residual_each():
    curve = draw_residuals(days(3), np.array([0.75, -0.5, -0.5]))
    assert list(curve.residual) == [0.75, -0.5, -0.5]


def test_the_feature_that_matters_most_comes_first(trial: Trial):
    found = measure_importance(trial.judged.rows, trial.challenger.holdout_model, trial.settings())
    assert list(found.feature) == ["x", "c"]
    assert found.increase[0] > 0.1
    again = measure_importance(trial.judged.rows, trial.challenger.holdout_model, trial.settings())
    pd.testing.assert_frame_equal(found, again, check_exact=True)


def test_a_feature_that_the_model_leaves_alone_does_not_matter(trial: Trial):
    constant = trial.judged.rows.features.assign(c=pd.Categorical(["a"] * 120, categories=["a", "b", "d"]))
    rows = replace(trial.judged.rows, features=constant)
    found = measure_importance(rows, trial.challenger.holdout_model, trial.settings()).set_index("feature")
    assert found.increase["c"] == 0
    assert found.deviation["c"] == 0


def test_importance_is_measured_on_rows_of_one_class_too(trial: Trial):
    rows = replace(trial.judged.rows, labels=np.ones(120))
    found = measure_importance(rows, trial.challenger.holdout_model, trial.settings())
    assert np.isfinite(found.increase).all()
