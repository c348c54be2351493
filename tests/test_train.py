from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from keepfit.errors import EstimatorError, FeatureError, TooFewRows, UnusableLabel
from keepfit.evidence import FOLD, LOSS
from keepfit.examples import labelled_examples
from keepfit.live import log_training
from keepfit.losses import cheapest_threshold, row_losses
from keepfit.modelfile import dump
from keepfit.scores import SCORE, predict_scores
from keepfit.settings import Settings
from keepfit.train import count_fits, fit
from tests.toys import BOOSTED, LOGISTIC, toy_amounts, toy_regression, toy_rows, toy_settings, toy_table

TREE = {
    **BOOSTED,
    "name": "tree",
    "estimator": {"binary": "sklearn.tree.DecisionTreeClassifier", "regression": "sklearn.tree.DecisionTreeRegressor"},
    "params": {},
    "space": {},
}
CASES = [
    pytest.param(toy_settings(), toy_rows(), id="binary"),
    pytest.param(toy_regression(), toy_amounts(), id="regression"),
]


def table_of(rows: pd.DataFrame, settings: Settings | None = None) -> pd.DataFrame:
    return toy_table(rows, settings or toy_settings())


def on_holdout(reference: pd.DataFrame) -> pd.DataFrame:
    return reference[reference[FOLD] == "holdout"]


def on_folds(reference: pd.DataFrame) -> pd.DataFrame:
    return reference[reference[FOLD] != "holdout"]


@pytest.mark.parametrize(("settings", "rows"), CASES)
def test_the_reference_holds_every_fold_and_the_holdout_in_order_of_time(settings, rows):
    reference = fit(table_of(rows, settings), settings).reference
    assert reference[FOLD].unique().tolist() == ["fold 1", "fold 2", "fold 3", "holdout"]
    assert list(reference) == ["x", "c", "time", "label", SCORE, FOLD, LOSS]
    assert reference.time.is_monotonic_increasing
    assert len(on_holdout(reference)) == 60
    assert np.isfinite(reference[[SCORE, LOSS]]).all(axis=None)


@pytest.mark.parametrize(("settings", "rows"), CASES)
def test_losses_are_those_of_the_scores(settings, rows):
    trained = fit(table_of(rows, settings), settings)
    labels, scores = trained.reference.label.to_numpy(), trained.reference[SCORE].to_numpy()
    losses = row_losses(labels, scores, settings.objective, threshold=trained.threshold)
    np.testing.assert_array_equal(trained.reference[LOSS], losses)


def test_a_model_that_memorises_is_found_out_by_its_reference():
    # Labels that nothing tells: a tree knows each of its own rows and no other.
    rows = toy_rows()
    rows["y"] = np.random.default_rng(5).integers(0, 2, len(rows)).astype(float)
    settings = toy_settings(model=TREE)
    table = table_of(rows)
    trained = fit(table, settings)
    assert (predict_scores(trained.model, table, "binary") == table.label).all()
    for _, part in trained.reference.groupby(FOLD):
        assert 0.25 < (part[SCORE] != part.label).mean() < 0.75


def test_the_model_that_is_judged_has_not_seen_the_holdout_and_the_one_that_serves_has():
    table = table_of(toy_rows())
    altered = table.copy()
    altered.loc[239:298, "x"] = -table.x
    one, other = (fit(each, toy_settings()) for each in (table, altered))
    assert dump(one.holdout_model) == dump(other.holdout_model)
    assert dump(one.model) != dump(other.model)
    pd.testing.assert_frame_equal(on_folds(one.reference), on_folds(other.reference), check_exact=True)


def test_the_holdout_decides_neither_the_threshold_nor_the_parameters():
    settings = toy_settings(model=BOOSTED, search={"kind": "random", "trials": 3})
    table = table_of(toy_rows())
    altered = table.copy()
    altered.loc[239:298, "label"] = 1 - table.label
    one, other = (fit(each, settings) for each in (table, altered))
    assert (one.threshold, one.params) == (other.threshold, other.params)
    assert one.folds[:-1] == other.folds[:-1]
    assert one.folds[-1] != other.folds[-1]


def test_the_threshold_is_the_cheapest_on_the_folds():
    trained, settings = fit(table_of(toy_rows()), toy_settings()), toy_settings()
    tuned = on_folds(trained.reference)
    expected = cheapest_threshold(tuned.label.to_numpy(), tuned[SCORE].to_numpy(), settings.objective.cost)
    assert trained.threshold == expected
    assert 0 < trained.threshold < 1


def test_an_amount_has_no_threshold():
    assert fit(table_of(toy_amounts(), toy_regression()), toy_regression()).threshold == 0.0


def test_a_refitted_model_has_learned_from_every_labelled_row():
    trained = fit(table_of(toy_rows()), toy_settings(**{"train.refit": True}))
    assert (trained.trained_on.rows, trained.trained_on.last) == (299, "2020-10-25 00:00:00")
    assert trained.learned_before_holdout.rows == 299 - 60 - 1
    assert (trained.judged_on.rows, trained.judged_on.first) == (60, "2020-08-27 00:00:00")
    assert trained.holdout_model is not None


def test_without_a_refit_the_model_that_was_judged_serves():
    trained = fit(table_of(toy_rows()), toy_settings(**{"train.refit": False}))
    assert trained.trained_on == trained.learned_before_holdout
    assert trained.trained_on.last < trained.judged_on.first
    assert trained.holdout_model is None
    expected = predict_scores(trained.model, on_holdout(trained.reference), "binary")
    np.testing.assert_array_equal(on_holdout(trained.reference)[SCORE], expected)


def test_rows_without_a_label_teach_nothing():
    rows = toy_rows(400)
    rows.loc[::7, "y"] = np.nan
    rows.loc[::7, "x"] = 1e6
    with_them, without = (fit(table_of(each), toy_settings()) for each in (rows, rows.dropna().reset_index(drop=True)))
    assert dump(with_them.model) == dump(without.model)
    pd.testing.assert_frame_equal(with_them.reference, without.reference, check_exact=True)


def test_the_time_and_the_keys_are_no_features_unless_they_are_named():
    assert list(labelled_examples(table_of(toy_rows()), toy_settings()).features) == ["x", "c"]
    keyed = toy_settings(**{"dataset.keys": ["time", "c"]})
    assert list(labelled_examples(table_of(toy_rows(), keyed), keyed).features) == ["x", "c"]
    hidden = toy_settings(**{"dataset.keys": ["time", "c"], "dataset.features.columns": ["x"]})
    assert list(labelled_examples(table_of(toy_rows(), hidden), hidden).features) == ["x"]


def test_labels_that_are_all_null_are_refused():
    with pytest.raises(UnusableLabel, match=r"dataset.label: 'y' is null in all 300 rows"):
        fit(table_of(toy_rows().assign(y=np.nan)), toy_settings())


@pytest.mark.parametrize(("label", "values"), [(0.0, r"\[.*0.0.*\]"), (2.0, r"\[.*2.0.*\]")])
def test_labels_that_are_not_both_0_and_1_are_refused_with_their_values(label, values):
    with pytest.raises(UnusableLabel, match=rf"'y' has the values {values}; allowed for task binary: both 0 and 1"):
        fit(table_of(toy_rows().assign(y=label)), toy_settings())


def test_a_fold_that_would_learn_from_one_class_is_refused_with_its_number():
    rows = toy_rows()
    rows.loc[:100, "y"] = 0.0
    with pytest.raises(UnusableLabel, match=r"fold 1 of 3 has one class only in its \d+ training rows"):
        fit(table_of(rows), toy_settings())


def test_too_few_labelled_rows_are_refused_with_their_number():
    with pytest.raises(TooFewRows, match=r"train.min_rows: 300 labelled rows needed, there are 299"):
        fit(table_of(toy_rows()), toy_settings(**{"train.min_rows": 300}))


def test_a_holdout_that_leaves_nothing_is_refused():
    with pytest.raises(TooFewRows, match=r"train.holdout: 299"):
        fit(table_of(toy_rows()), toy_settings(**{"train.holdout": 299}))


def test_a_feature_without_a_value_to_learn_from_is_refused_by_name_or_imputed():
    rows = toy_rows()
    rows.loc[:100, "x"] = np.nan
    with pytest.raises(FeatureError, match=r"^x: no value in the \d+ training rows of the first fold"):
        fit(table_of(rows), toy_settings(model=BOOSTED))
    assert np.isfinite(fit(table_of(rows), toy_settings(model=LOGISTIC)).reference[SCORE]).all()


def test_a_bad_parameter_is_refused_before_anything_is_fitted():
    steps = []
    settings = toy_settings(model={**BOOSTED, "params": {"learning_rate": -1}})
    with pytest.raises(EstimatorError, match="learning_rate"):
        fit(table_of(toy_rows()), settings, advance=lambda: steps.append(1))
    assert steps == []


@pytest.mark.parametrize("kind", ["none", "random", "optuna"])
@pytest.mark.parametrize("refit", [True, False])
def test_each_fit_is_counted_once(kind, refit):
    steps = []
    settings = toy_settings(model=BOOSTED, search={"kind": kind, "trials": 2}, **{"train.refit": refit})
    fit(table_of(toy_rows(200)), settings, advance=lambda: steps.append(1))
    assert len(steps) == count_fits(settings)


@pytest.mark.parametrize("kind", ["random", "halving", "optuna"])
def test_parameters_that_were_found_are_those_of_the_model(kind):
    settings = toy_settings(model=BOOSTED, search={"kind": kind, "trials": 3})
    trained = fit(table_of(toy_rows()), settings)
    assert 10 <= trained.params["max_iter"] <= 30
    for pipeline in (trained.model, trained.holdout_model):
        assert {name: pipeline["model"].get_params()[name] for name in trained.params} == trained.params
    assert trained.params["min_samples_leaf"] == BOOSTED["params"]["min_samples_leaf"]


def test_the_number_of_jobs_changes_nothing():
    search = {"kind": "random", "trials": 3}
    one, two = (
        fit(table_of(toy_rows()), toy_settings(model=BOOSTED, search=search, **{"train.jobs": jobs})) for jobs in (1, 2)
    )
    assert one.params == two.params
    assert dump(one.model) == dump(two.model)
    pd.testing.assert_frame_equal(one.reference, two.reference, check_exact=True)


def read_steps(folder: Path, name: str) -> dict[str, list]:
    return pd.read_csv(folder / "plots" / "metrics" / f"{name}.tsv", sep="\t").to_dict("list")


def test_folds_are_written_as_steps_with_the_holdout_last(tmp_path: Path):
    log_training([{"log_loss": 0.5}, {"log_loss": 0.25}], [], tmp_path / "folds")
    assert read_steps(tmp_path / "folds", "log_loss") == {"step": [0, 1], "log_loss": [0.5, 0.25]}
    assert not (tmp_path / "folds/trials").exists()


def test_every_trial_of_the_search_is_written_with_its_parameters(tmp_path: Path):
    trained = fit(table_of(toy_rows()), toy_settings(model=BOOSTED, search={"kind": "random", "trials": 4}))
    assert len(trained.trials) == 4
    best = min(trained.trials, key=lambda trial: trial["loss"])
    assert trained.params["max_iter"] == best["max_iter"]
    log_training(trained.folds, trained.trials, tmp_path / "folds")
    logged = read_steps(tmp_path / "folds/trials", "max_iter")
    assert logged["max_iter"] == [trial["max_iter"] for trial in trained.trials]
