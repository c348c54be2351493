import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from keepfit.errors import TooFewRows, UnusableLabel
from keepfit.evaluate import Judged, evaluate, judge, read_judged, tabulate
from keepfit.files import read_table, write_json, write_table
from keepfit.scores import predict_scores
from tests.bundles import Trial, begin

CLASSIFIED = ["log_loss", "brier", "cost"]
LOSSES = {
    "binary": CLASSIFIED,
    "multiclass": CLASSIFIED,
    "regression": ["absolute_error", "squared_error", "cost"],
}
RANKINGS = {
    "binary": ["roc_auc", "average_precision"],
    "multiclass": ["roc_auc", "accuracy", "macro_f1"],
    "regression": ["r2"],
}


@pytest.fixture(scope="module", params=["binary", "multiclass", "regression"])
def trial(request, tmp_path_factory) -> Trial:
    return begin(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def binary(tmp_path_factory) -> Trial:
    return begin("binary", tmp_path_factory.mktemp("exact"))


@pytest.fixture(scope="module")
def amounts(tmp_path_factory) -> Trial:
    return begin("regression", tmp_path_factory.mktemp("amounts"))


def judged_as(trial: Trial, labels: np.ndarray, *, challenger: np.ndarray, naive: np.ndarray) -> Judged:
    return Judged(replace(trial.judged.rows, labels=labels), challenger, naive, trial.judged.naive_threshold)


def test_the_newest_labelled_rows_are_judged_by_the_model_that_never_saw_them(trial: Trial):
    # Of 600 rows the last has no label, so rows 479 to 598 are the holdout.
    table, judged = trial.table(), trial.judged
    np.testing.assert_array_equal(judged.rows.labels, table.label[479:599])
    assert list(judged.rows.times) == list(table.time[479:599])
    assert list(judged.rows.features) == ["x", "c"]
    features = table[["x", "c"]][479:599]
    held_back = predict_scores(trial.challenger.holdout_model, features, trial.task)
    np.testing.assert_array_equal(judged.challenger, held_back)
    assert (held_back != predict_scores(trial.challenger.model, features, trial.task)).any()


def test_the_naive_baseline_knows_the_training_rows_only(trial: Trial):
    # Row 478 is left out on both sides: its label is known one row later.
    early = trial.table().label[:478]
    shares = early.value_counts(normalize=True).sort_index()
    expected = {"binary": early.mean(), "multiclass": shares.to_numpy(), "regression": early.median()}[trial.task]
    wanted = np.broadcast_to(expected, trial.judged.naive.shape)
    np.testing.assert_allclose(trial.judged.naive, wanted, rtol=1e-14)
    assert trial.judged.naive_threshold == (1 / 3 if trial.task == "binary" else 0)


def test_probabilities_have_the_metrics_that_one_works_out_by_hand(binary: Trial):
    labels = np.tile([1.0, 0.0], 60)
    judged = judged_as(binary, labels, challenger=np.where(labels == 1, 0.8, 0.2), naive=np.full(120, 0.5))
    found = evaluate(judged, binary.challenger, binary.settings()).metrics
    assert (found["rows"], found["model"]) == (120, "linear")
    assert (found["first"], found["last"]) == ("2021-04-24 00:00:00", "2021-08-21 00:00:00")
    surprise = -math.log(0.8)
    assert found["challenger"] == pytest.approx(
        {
            "log_loss": surprise,
            "brier": 0.04,
            "cost": 0,
            "roc_auc": 1,
            "average_precision": 1,
            "log_loss_low": surprise,
            "log_loss_high": surprise,
            "brier_low": 0.04,
            "brier_high": 0.04,
            "cost_low": 0,
            "cost_high": 0,
            "miscalibration": 0.2,
        }
    )
    # A yes from 1/3 on is right for half of the rows and costs 1 for the others.
    naive = {"log_loss": math.log(2), "brier": 0.25, "cost": 0.5, "roc_auc": 0.5, "average_precision": 0.5}
    assert found["naive"] == pytest.approx(naive)


def test_amounts_have_the_metrics_that_one_works_out_by_hand(amounts: Trial):
    labels = np.tile([10.0, 14.0], 60)
    judged = judged_as(amounts, labels, challenger=labels - 1, naive=np.full(120, 12.0))
    found = evaluate(judged, amounts.challenger, amounts.settings()).metrics
    # One unit too low costs 2; the labels' standard deviation is 2 and their variance 4.
    expected = {"absolute_error": 1, "squared_error": 1, "cost": 2, "r2": 0.75, "miscalibration": 0.5}
    bounds = {f"{name}_{end}": expected[name] for name in LOSSES["regression"] for end in ("low", "high")}
    assert found["challenger"] == pytest.approx(expected | bounds)
    # Half of the rows 2 too high for 1 each, half 2 too low for 2 each.
    assert found["naive"] == pytest.approx({"absolute_error": 2, "squared_error": 4, "cost": 3, "r2": 0})


def test_the_challenger_decides_by_its_own_threshold_and_the_baseline_by_the_costs(binary: Trial):
    labels = np.tile([1.0, 0.0], 60)
    judged = judged_as(binary, labels, challenger=np.where(labels == 1, 0.8, 0.2), naive=np.full(120, 0.5))
    costs = {}
    for threshold in (0.1, 0.5, 0.9):
        passport = binary.challenger.passport.model_copy(update={"threshold": threshold})
        found = evaluate(judged, replace(binary.challenger, passport=passport), binary.settings()).metrics
        costs[threshold] = (found["challenger"]["cost"], found["naive"]["cost"])
    assert costs == {0.1: (0.5, 0.5), 0.5: (0, 0.5), 0.9: (1, 0.5)}


def test_intervals_contain_the_mean_and_are_not_empty(trial: Trial):
    found = evaluate(trial.judged, trial.challenger, trial.settings()).metrics["challenger"]
    for name in LOSSES[trial.task]:
        assert found[f"{name}_low"] < found[name] < found[f"{name}_high"], name


def test_more_confidence_asks_for_a_wider_interval(trial: Trial):
    wide, narrow = (
        evaluate(trial.judged, trial.challenger, trial.settings(**{"evaluate.interval": share})).metrics["challenger"]
        for share in (0.95, 0.5)
    )
    for name in LOSSES[trial.task]:
        assert wide[f"{name}_low"] < narrow[f"{name}_low"] < narrow[f"{name}_high"] < wide[f"{name}_high"]


def test_the_metrics_are_those_of_the_task_and_can_be_written(trial: Trial, tmp_path):
    found = evaluate(trial.judged, trial.challenger, trial.settings()).metrics
    assert list(found["naive"]) == LOSSES[trial.task] + RANKINGS[trial.task]
    write_json(tmp_path / "metrics.json", found)


def test_slices_tell_rows_and_losses_of_each_part_beside_the_baseline(amounts: Trial):
    labels = np.tile([10.0, 14.0], 60)
    judged = judged_as(amounts, labels, challenger=labels + 1, naive=np.full(120, 13.0))
    features = pd.DataFrame({"x": np.arange(120.0), "c": pd.Categorical(np.tile(["a", "b"], 60))})
    judged = replace(judged, rows=replace(judged.rows, features=features))
    slices = [{"column": "c", "tolerance": 0.1}, {"column": "x", "edges": [29], "tolerance": 0.1}]
    found = evaluate(judged, amounts.challenger, amounts.settings(**{"objective.slices": slices})).slices
    assert list(found) == ["slice", "rows", "loss", "naive_loss"]
    assert found.to_numpy().tolist() == [
        ["c a", 60, 1.0, 3.0],
        ["c b", 60, 1.0, 1.0],
        ["x (-inf, 29.0]", 30, 1.0, 2.0],
        ["x (29.0, inf]", 90, 1.0, 2.0],
    ]


def test_no_slices_are_an_empty_table_with_its_columns(trial: Trial):
    found = evaluate(trial.judged, trial.challenger, trial.settings()).slices
    assert found.empty
    assert list(found) == ["slice", "rows", "loss", "naive_loss"]


def test_the_judged_holdout_comes_back_from_its_table_to_the_last_bit(trial: Trial, tmp_path):
    write_table(tmp_path / "holdout.parquet", tabulate(trial.judged, trial.settings().dataset))
    back = read_judged(read_table(tmp_path / "holdout.parquet"), trial.settings())
    features = trial.judged.rows.features.reset_index(drop=True)
    pd.testing.assert_frame_equal(back.rows.features, features, check_exact=True)
    pd.testing.assert_series_equal(back.rows.times, trial.judged.rows.times, check_names=False)
    for one, other in (
        (back.rows.labels, trial.judged.rows.labels),
        (back.challenger, trial.judged.challenger),
        (back.naive, trial.judged.naive),
    ):
        np.testing.assert_array_equal(one, other)
    assert back.naive_threshold == trial.judged.naive_threshold


def test_a_holdout_of_one_class_is_named(binary: Trial):
    table = binary.table()
    table.loc[479:598, "label"] = 1.0
    with pytest.raises(UnusableLabel, match="'y' has one class only in the 120 rows of the holdout"):
        judge(table, binary.challenger, binary.settings())


def test_a_table_with_too_few_rows_is_named(trial: Trial):
    with pytest.raises(TooFewRows, match="120"):
        judge(trial.table()[:121], trial.challenger, trial.settings())
