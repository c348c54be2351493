import numpy as np
import pandas as pd
import pytest

from keepfit.errors import EstimatorError
from keepfit.estimator import build, load_estimator, naive_model
from keepfit.scores import predict_scores
from keepfit.settings import Model
from tests.modelling import MODELS, mixed_features, shipped_model
from tests.toys import BOOSTED, LOGISTIC

TASKS = ["binary", "regression"]


def model(values: dict = LOGISTIC, **overrides) -> Model:
    return Model.model_validate({**values, **overrides})


def prepared(**overrides) -> Model:
    return model(prepare={**LOGISTIC["prepare"], **overrides})


def fitted(chosen: Model, task: str, *, rows: slice = slice(None), seed: int = 7):
    features, labels = mixed_features()
    return build(features, chosen, task=task, seed=seed).fit(features.iloc[rows], labels[task][rows])


def strangers() -> pd.DataFrame:
    """Rows with a missing number, a missing category and a category that no training row has."""
    return pd.DataFrame(
        {"x": [0.5, np.nan, 0.5, 0.5], "z": [np.nan, 0.1, 0.1, np.nan], "c": pd.Categorical(["a", "b", "new", None])}
    )


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", MODELS)
def test_every_shipped_model_scores_what_is_missing_and_what_it_has_never_seen(name, task):
    scores = predict_scores(fitted(shipped_model(name), task), strangers(), task)
    assert scores.shape == (4,)
    assert np.isfinite(scores).all()
    assert task == "regression" or ((scores >= 0) & (scores <= 1)).all()


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", MODELS)
def test_the_same_seed_gives_the_same_scores(name, task):
    features, _ = mixed_features(50, seed=1)
    one, same = (predict_scores(fitted(shipped_model(name), task), features, task) for _ in range(2))
    np.testing.assert_array_equal(one, same)


def test_another_seed_gives_another_forest():
    features, _ = mixed_features(50, seed=1)
    forest = shipped_model("random_forest")
    one, other = (predict_scores(fitted(forest, "binary", seed=seed), features, "binary") for seed in (1, 2))
    assert (one != other).any()


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", sorted(set(MODELS) - {"naive"}))
def test_every_shipped_model_but_the_naive_one_learns(name, task):
    features, labels = mixed_features(400, seed=1)
    scores = predict_scores(fitted(shipped_model(name), task), features, task)
    assert np.corrcoef(scores, labels[task])[0, 1] > 0.5


@pytest.mark.parametrize("encode", ["onehot", "ordinal", "target"])
def test_a_row_has_the_same_score_alone_and_among_others(encode):
    chosen = prepared(encode=encode)
    pipeline, features = fitted(chosen, "binary"), mixed_features(30, seed=1)[0]
    whole = predict_scores(pipeline, features, "binary")
    alone = [predict_scores(pipeline, features.iloc[[row]], "binary")[0] for row in range(30)]
    np.testing.assert_allclose(alone, whole, rtol=1e-12)


@pytest.mark.parametrize("impute", ["mean", "median"])
def test_preparation_is_learned_on_training_rows_only(impute):
    features, labels = mixed_features()
    early = features.iloc[:200]
    features.loc[200:, "x"] = 1e6
    pipeline = build(features, prepared(impute=impute), task="binary", seed=7).fit(early, labels["binary"][:200])
    imputer, scaler = pipeline["prepare"].named_transformers_["numbers"]
    known = getattr(early[["x", "z"]], impute)()
    np.testing.assert_allclose(imputer.statistics_, known)
    np.testing.assert_allclose(scaler.mean_, early[["x", "z"]].fillna(known).mean())


def test_a_category_of_later_rows_is_unknown_to_the_encoder():
    features, labels = mixed_features()
    features["c"] = features.c.astype("object").mask(features.index >= 200, "late").astype("category")
    pipeline = build(features, model(), task="binary", seed=7).fit(features.iloc[:200], labels["binary"][:200])
    assert "late" not in pipeline["prepare"].named_transformers_["categories"].categories_[0]


@pytest.mark.parametrize("impute", ["mean", "median"])
def test_an_imputed_column_may_be_without_a_value_in_training(impute):
    features, labels = mixed_features()
    features["z"] = np.nan
    pipeline = build(features, prepared(impute=impute), task="binary", seed=7).fit(features, labels["binary"])
    assert np.isfinite(predict_scores(pipeline, strangers(), "binary")).all()


def test_rare_categories_are_put_together():
    features, labels = mixed_features()
    features["c"] = pd.Series(["a"] * 200 + ["b"] * 100 + [f"rare {i}" for i in range(100)], dtype="category")
    pipeline = build(features, prepared(max_categories=3), task="binary", seed=7).fit(features, labels["binary"])
    assert pipeline["prepare"].transform(features).shape == (400, 2 + 3)


def test_the_best_features_are_selected():
    features, labels = mixed_features()
    pipeline = build(features, prepared(select=1), task="regression", seed=7).fit(features, labels["regression"])
    assert pipeline[:-1].get_feature_names_out().tolist() == ["x"]


def test_numbers_alone_and_categories_alone_are_enough():
    features, labels = mixed_features()
    for names in (["x", "z"], ["c"]):
        pipeline = build(features[names], model(), task="binary", seed=7).fit(features[names], labels["binary"])
        assert np.isfinite(predict_scores(pipeline, strangers(), "binary")).all()


@pytest.mark.parametrize(
    "path",
    ["sklearn.nowhere.Model", "sklearn.linear_model.Nothing", "Nothing", "", "sklearn.linear_model.ridge_regression"],
)
def test_an_estimator_that_cannot_be_imported_is_refused_with_its_path(path):
    chosen = model(estimator={"binary": path, "regression": path})
    with pytest.raises(EstimatorError, match=f"^model.estimator.binary: '{path}'"):
        load_estimator(chosen, task="binary", seed=7)


@pytest.mark.parametrize(
    ("values", "params"), [(LOGISTIC, {"depth": 3}), (BOOSTED, {"max_iter": -5}), (BOOSTED, {"learning_rate": "fast"})]
)
def test_a_parameter_that_the_estimator_refuses_is_named_with_the_estimator(values, params):
    with pytest.raises(EstimatorError) as refused:
        build(mixed_features()[0], model(values, params=params), task="regression", seed=7)
    (name, value), path = *params.items(), values["estimator"]["regression"]
    assert path in str(refused.value)
    assert name in str(refused.value)
    assert str(value) in str(refused.value)


def test_a_parameter_to_search_that_the_estimator_does_not_have_is_refused_by_name():
    with pytest.raises(EstimatorError, match=r"^model.space: '.*Ridge' has no depth; allowed: alpha, "):
        load_estimator(model(space={"depth": {"low": 1, "high": 3}}), task="regression", seed=7)


def test_the_seed_goes_to_estimators_that_take_one():
    assert load_estimator(model(BOOSTED), task="binary", seed=11).random_state == 11
    assert load_estimator(model(BOOSTED, params={"max_iter": 3}), task="binary", seed=11).max_iter == 3


@pytest.mark.parametrize(("task", "expected"), [("binary", 0.75), ("regression", 3.0)])
def test_the_naive_model_gives_the_base_rate_or_the_median(task, expected):
    labels = {"binary": [1, 1, 1, 0], "regression": [1, 2, 4, 50]}[task]
    features = pd.DataFrame({"x": [1.0, 2.0, 3.0, np.nan]})
    assert set(predict_scores(naive_model(task).fit(features, labels), features, task)) == {expected}
