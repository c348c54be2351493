from typing import Any

import pytest
import yaml

from keepfit.features import load_module
from keepfit.provenance import issue_passport, training_params
from keepfit.settings import Settings
from keepfit.train import fit
from tests.modelling import ROOT
from tests.toys import toy_rows, toy_settings, toy_table


def passport_of(settings: Settings, **inputs: str) -> Any:
    trained = fit(toy_table(toy_rows(), settings), settings)
    hashes = {"rows": "r", "table": "t", "code": "c", **inputs}
    return issue_passport(trained, settings, load_module("as_is"), **hashes)


def test_a_passport_says_what_the_model_is_and_what_it_was_made_from(settings):
    passport = passport_of(settings)
    assert (passport.dataset, passport.task, passport.label) == ("toy", "binary", "y")
    assert passport.estimator == "sklearn.linear_model.LogisticRegression"
    assert passport.features == ("x", "c")
    assert list(passport.request.columns) == ["time", "x", "c"]
    assert (passport.inputs.rows, passport.inputs.table, passport.inputs.code) == ("r", "t", "c")
    assert set(passport.metrics) == {"folds", "holdout"}


def test_the_metrics_of_folds_leave_the_holdout_out(settings):
    trained = fit(toy_table(toy_rows(), settings), settings)
    passport = issue_passport(trained, settings, load_module("as_is"), rows="r", table="t", code="c")
    mean = sum(fold["log_loss"] for fold in trained.folds[:3]) / 3
    assert passport.metrics["folds"]["log_loss"] == pytest.approx(mean, rel=1e-12)
    assert passport.metrics["holdout"] == trained.folds[3]


def test_the_version_is_that_of_the_recipe(settings):
    version = passport_of(settings).version
    assert passport_of(settings).version == version
    # The table follows from the raw rows, the code and the parameters.
    assert passport_of(settings, table="another").version == version
    others = [passport_of(settings, rows="another"), passport_of(settings, code="another")]
    others.append(passport_of(toy_settings(seed=8)))
    assert len({version, *(other.version for other in others)}) == 4


def test_parameters_that_training_does_not_read_leave_the_version_as_it_is(settings):
    other = toy_settings(**{"gate.confidence": 0.5, "evaluate.block": 9, "objective.question": "Is it?"})
    assert passport_of(other).version == passport_of(settings).version


def test_training_params_are_those_that_the_train_stage_declares():
    declared = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]["train"]["params"]
    values = training_params(toy_settings())
    parts = {f"{section}.{key}" for section in ("objective", "drift") for key in values.pop(section)}
    found = parts | set(values)
    assert found == set(declared)
