import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepfit.bootstrap import Blocks
from keepfit.metrics import calibration_table, loss_interval, measure, miscalibration, rank, summarise_folds
from tests.toys import toy_regression, toy_settings

LABELS, SCORES = np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.1, 0.4, 0.6, 0.9])


def test_a_yes_or_no_question_has_its_five_metrics_with_exact_values():
    found = measure(LABELS, SCORES, toy_settings().objective, task="binary", threshold=0.5)
    assert found == {
        "log_loss": pytest.approx(-np.log(0.9 * 0.4 * 0.4 * 0.9) / 4),
        "brier": pytest.approx((0.01 + 0.36 + 0.36 + 0.01) / 4),
        "cost": pytest.approx((2 + 1) / 4),
        "roc_auc": 0.75,
        "average_precision": pytest.approx((1 + 2 / 3) / 2),
    }


def test_an_amount_has_its_four_metrics_with_exact_values():
    labels, scores = np.array([1.0, 3.0]), np.array([2.0, 1.0])
    found = measure(labels, scores, toy_regression().objective, task="regression", threshold=0.0)
    assert found == {"absolute_error": 1.5, "squared_error": 2.5, "cost": (1 + 4) / 2, "r2": -1.5}


def test_a_ranking_of_constant_labels_is_left_out():
    found = measure(np.ones(4), SCORES, toy_settings().objective, task="binary", threshold=0.5)
    assert list(found) == ["log_loss", "brier", "cost"]


@pytest.mark.parametrize(("name", "worst"), [("roc_auc", 0.0), ("average_precision", 0.5), ("r2", -3.0)])
def test_scores_that_are_the_labels_rank_best_and_their_opposite_worst(name, worst):
    assert rank(LABELS, LABELS, name) == 1.0
    assert rank(LABELS, 1 - LABELS, name) == worst


def test_folds_are_summarised_over_those_that_have_the_metric():
    folds = [{"log_loss": 0.2, "roc_auc": 0.8}, {"log_loss": 0.4}]
    assert summarise_folds(folds) == {"log_loss": pytest.approx(0.3), "roc_auc": 0.8}


def test_the_interval_holds_the_mean_and_narrows_with_its_share():
    losses, blocks = np.random.default_rng(1).exponential(size=300), Blocks(of_row=np.arange(300), count=300)
    wide = loss_interval(losses, blocks, resamples=500, interval=0.95, seed=1)
    narrow = loss_interval(losses, blocks, resamples=500, interval=0.5, seed=1)
    assert wide[0] < narrow[0] < losses.mean() < narrow[1] < wide[1]


def test_the_interval_of_constant_losses_is_a_point():
    blocks = Blocks(of_row=np.array([0, 0, 1]), count=2)
    assert loss_interval(np.full(3, 0.25), blocks, resamples=100, interval=0.9, seed=1) == (0.25, 0.25)


def test_calibration_groups_rows_of_equal_count_by_score():
    scores = np.array([0.9, 0.1, 0.3, 0.7])
    table = calibration_table(np.array([1.0, 0.0, 1.0, 1.0]), scores, bins=2)
    assert table.to_dict("list") == {"predicted": [0.2, 0.8], "observed": [0.5, 1.0], "rows": [2, 2]}


def test_the_calibration_error_is_exact():
    # Ten groups of two; every score is 0.25, half of the labels of the first four groups are 1.
    labels = np.array([1, 0] * 4 + [0, 0] * 6, dtype=float)
    assert miscalibration(labels, np.full(20, 0.25), "binary") == pytest.approx(0.25)


def test_groups_count_by_their_rows():
    # Eleven rows in ten groups: the one of two rows is wrong by 1, the others are right.
    scores = np.array([0.0, 0.0, *np.linspace(0.1, 0.9, 9).round(1)])
    labels = np.array([1.0, 1.0, *scores[2:]])
    assert miscalibration(labels, scores, "binary") == pytest.approx(2 / 11)


def test_scores_that_come_true_are_calibrated_and_those_that_do_not_are_not():
    draw = np.random.default_rng(0)
    scores = draw.uniform(size=20_000)
    labels = (draw.uniform(size=20_000) < scores).astype(float)
    assert miscalibration(labels, scores, "binary") < 0.02
    assert miscalibration(labels, scores**3, "binary") > 0.2


def test_the_miscalibration_of_amounts_is_their_mean_error_in_deviations_of_the_label():
    assert miscalibration(np.array([0.0, 4.0]), np.array([1.0, 4.0]), "regression") == 0.25
    assert miscalibration(np.array([0.0, 4.0]), np.array([1.0, 3.0]), "regression") == 0.0


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 100)), min_size=1, max_size=60, unique_by=lambda row: row[1]))
def test_calibration_counts_every_row_once_in_any_order(rows):
    labels, scores = np.array(rows, dtype=float).T
    table = calibration_table(labels, scores / 100)
    assert table.rows.sum() == len(rows)
    assert table.rows.max() - table.rows.min() <= 1
    assert table.predicted.is_monotonic_increasing
    backwards = calibration_table(labels[::-1], scores[::-1] / 100)
    pd.testing.assert_frame_equal(table, backwards)
