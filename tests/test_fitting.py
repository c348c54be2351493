"""Wherever the fits of a training run, the model, its evidence and its trials are the same to the last digit."""

import os
import pickle
import signal
import subprocess
import sys
from concurrent.futures import CancelledError

import numpy as np
import pandas as pd
import pytest

from keepfit.computing import DaskEngine
from keepfit.engine import start_engine
from keepfit.errors import EngineError, EstimatorError
from keepfit.fitting import redo_lost
from keepfit.modelfile import dump, read_model, write_model
from keepfit.scores import predict_scores
from keepfit.settings import Settings
from keepfit.train import FoldLoss, count_fits, fit
from tests.modelling import ROOT, shipped_model
from tests.toys import BOOSTED, TASKS, TOYS, toy_rows, toy_settings, toy_table

DASK = DaskEngine(kind="dask", rows=64, scheduler=None, workers=2, memory="1GiB")

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
    with start_engine(DASK) as engine:
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


@pytest.mark.slow
def test_fits_are_made_again_where_the_workers_died_that_had_the_rows():
    settings = toy_settings(model=BOOSTED, search={"kind": "random", "trials": 2})
    table, fits = toy_table(toy_rows(), settings), []
    with start_engine(DASK) as engine:

        def kill_workers() -> None:
            fits.append(1)
            # After a fold's fit: joblib has sent the rows of the others, and cannot send them again.
            if len(fits) == settings.search.trials * settings.train.folds + 1:
                for pid in engine.client.run(os.getpid).values():
                    os.kill(pid, signal.SIGKILL)

        other = fit(table, settings, engine=engine, advance=kill_workers)
    one = fit(table, settings)
    assert dump(one.model) == dump(other.model)
    pd.testing.assert_frame_equal(one.reference, other.reference, check_exact=True)
    assert one.trials == other.trials


def test_what_loses_its_workers_again_and_again_is_an_error_that_says_what_helps():
    asked = []

    def lose() -> None:
        asked.append(1)
        raise CancelledError

    with pytest.raises(EngineError, match=r"engine: .* 3 times .*engine\.memory"):
        redo_lost(lose)
    assert len(asked) == 3


def shipped(task: str, **search) -> Settings:
    chosen = shipped_model("lightgbm_dask").model_dump(mode="json")
    chosen["params"] |= {"n_estimators": 20, "min_child_samples": 5}
    return toy_settings(model=chosen, search={"kind": "none", "trials": 0} | search, **TASKS[task])


def test_an_estimator_that_trains_on_workers_is_refused_without_them():
    settings = shipped("binary")
    with pytest.raises(EstimatorError, match=r"^model\.estimator: DaskLGBMClassifier trains on the workers of Dask"):
        fit(toy_table(toy_rows(), settings), settings)


@pytest.mark.slow
def test_an_estimator_that_trains_on_workers_is_stored_and_serves_without_dask(tmp_path):
    with start_engine(DASK) as engine:
        trained = {}
        for task in ("binary", "regression"):
            settings = shipped(task, **({"kind": "random", "trials": 2} if task == "binary" else {}))
            trained[task] = fit(toy_table(TOYS[task](), settings), settings, engine=engine)
    for task, found in trained.items():
        write_model(tmp_path / task, found.model)
        table = toy_table(TOYS[task](), shipped(task))
        expected = predict_scores(found.model, table[["x", "c"]], task)
        np.savetxt(tmp_path / f"{task}.txt", expected)
        table.to_pickle(tmp_path / f"{task}.pickle")
        assert read_model(tmp_path / task)["model"].__class__.__module__ == "lightgbm.sklearn"
        naive = np.log(2) if task == "binary" else np.abs(table.label - table.label.median()).mean()
        assert found.folds[-1]["log_loss" if task == "binary" else "absolute_error"] < naive
    code = (
        "import sys; sys.modules['dask'] = sys.modules['distributed'] = None\n"
        "import numpy, pandas; from pathlib import Path\n"
        "from keepfit.modelfile import read_model; from keepfit.scores import predict_scores\n"
        "for task in ('binary', 'regression'):\n"
        f"    folder = Path({str(tmp_path)!r})\n"
        "    table = pandas.read_pickle(folder / f'{task}.pickle')[['x', 'c']]\n"
        "    found = predict_scores(read_model(folder / task), table, task)\n"
        "    assert (found == numpy.loadtxt(folder / f'{task}.txt')).all()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
