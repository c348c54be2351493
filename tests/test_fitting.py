"""Wherever the fits of a training run, the model, its evidence and its trials are the same to the last digit."""

import pickle

import pandas as pd
import pytest

from keepfit.computing import DaskEngine
from keepfit.engine import start_engine
from keepfit.modelfile import dump
from keepfit.train import FoldLoss, count_fits, fit
from tests.toys import BOOSTED, TASKS, TOYS, toy_settings, toy_table

FOREST = {
    **BOOSTED,
    "name": "random_forest",
    "estimator": {
        "binary": "sklearn.ensemble.RandomForestClassifier",
        "regression": "sklearn.ensemble.RandomForestRegressor",
    },
    "params": {"n_estimators": 5},
    "space": {"max_depth": {"low": 2, "high": 5, "integer": True}},
    "prepare": {**BOOSTED["prepare"], "impute": "median"},
}
CASES = [("binary", BOOSTED, "random"), ("multiclass", FOREST, "optuna"), ("regression", BOOSTED, "halving")]


def test_a_score_that_is_sent_to_another_process_tells_nobody_there():
    told = []
    score = FoldLoss(toy_settings(), lambda: told.append(1))
    sent = pickle.loads(pickle.dumps(score))
    sent.advance()
    assert told == []
    assert sent.settings == score.settings


@pytest.mark.slow
def test_models_tuned_and_fitted_by_workers_of_dask_are_those_of_this_process():
    with start_engine(DaskEngine(kind="dask", rows=64, scheduler=None, workers=2, memory="1GiB")) as engine:
        for task, model, kind in CASES:
            settings = toy_settings(model=model, search={"kind": kind, "trials": 3}, **TASKS[task])
            table, steps = toy_table(TOYS[task](), settings), []
            one, other = (
                fit(table, settings),
                fit(table, settings, engine=engine, advance=lambda steps=steps: steps.append(1)),
            )
            assert dump(one.model) == dump(other.model)
            assert dump(one.holdout_model) == dump(other.holdout_model)
            pd.testing.assert_frame_equal(one.reference, other.reference, check_exact=True)
            pd.testing.assert_frame_equal(one.history, other.history, check_exact=True)
            assert (one.params, one.threshold, one.folds) == (other.params, other.threshold, other.folds)
            assert one.trials == other.trials
            assert len(steps) == count_fits(settings)
