"""The compiled scorer gives scikit-learn's scores: over every shipped dataset's columns and every shipped model."""

import numpy as np
import pandas as pd
import pytest

from keepfit.bundle import Bundle
from keepfit.compiled.packing import pack_scorer
from keepfit.compiled.parity import ALLOWED, as_values, draw
from keepfit.compiled.scorer import CompiledScorer, FrameScorer, load_scorer
from keepfit.errors import FeatureError
from keepfit.servable import Servable
from tests.champions import DATASETS, packed
from tests.modelling import MODELS

CASES = [
    *((dataset, model, None) for dataset in DATASETS for model in MODELS),
    *(("flights", model, "multiclass") for model in MODELS),
]


@pytest.fixture(params=CASES, ids=lambda case: "-".join(filter(None, case)))
def case(request) -> tuple[Bundle, Servable, pd.DataFrame]:
    return packed(*request.param)


def test_every_shipped_model_on_every_shipped_dataset_is_compiled(case):
    parity = case[1].parity
    assert parity.compiled, parity
    assert parity.difference is not None
    assert parity.difference <= ALLOWED
    assert parity.rows == 600 + 100


def load(bundle: Bundle, servable: Servable) -> CompiledScorer:
    scorer = load_scorer(bundle, servable)
    assert isinstance(scorer, CompiledScorer)
    return scorer


def test_one_row_has_the_very_score_of_a_frame(case):
    bundle, servable, rows = case
    request = bundle.passport.request
    if request.look_back:
        return
    scorer = load(bundle, servable)
    asked = draw(rows, list(request.columns), 500)
    singles = np.array([scorer.score_row(values) for values in as_values(asked)])
    np.testing.assert_array_equal(singles, scorer.score_frame(asked))
    assert scorer.fallbacks == 0
    assert bundle.passport.estimator.startswith("sklearn.dummy") or len(np.unique(singles)) > 5


@pytest.mark.parametrize("model", ["hist_gradient_boosting", "random_forest", "naive"])
@pytest.mark.parametrize("dataset", DATASETS)
def test_trees_have_the_very_scores_of_scikit_learn(dataset, model):
    bundle, servable, rows = packed(dataset, model, None)
    assert servable.parity.difference == 0.0
    scorer = load(bundle, servable)
    request = rows[list(bundle.passport.request.columns)]
    np.testing.assert_array_equal(scorer.score_frame(request), FrameScorer(bundle, "").score_frame(request))


def test_the_features_of_one_row_are_those_of_the_frame():
    bundle, servable, rows = packed("flights", "hist_gradient_boosting", None)
    scorer = load(bundle, servable)
    asked = draw(rows, list(bundle.passport.request.columns), 300)
    expected = scorer.features_of(asked)
    found = pd.DataFrame([scorer.features_of_row(values) for values in as_values(asked)], columns=expected.columns)
    for name in expected:
        values = expected[name].astype(object) if expected[name].dtype == "category" else expected[name]
        pd.testing.assert_series_equal(found[name], values, check_exact=True, check_dtype=False)


def test_a_row_and_its_features_have_one_score():
    bundle, servable, rows = packed("flights", "random_forest", "multiclass")
    scorer = load(bundle, servable)
    values = as_values(rows[list(bundle.passport.request.columns)].dropna())[5]
    score = scorer.score_row(values)
    assert scorer.score_features(scorer.features_of_row(values)) == score
    assert len(score) == 3
    slow = FrameScorer(bundle, "")
    assert slow.score_row(values) == score
    assert slow.features_of_row(values) == scorer.features_of_row(values)
    assert slow.score_features(slow.features_of_row(values)) == score


def test_a_row_that_the_compiled_scorer_cannot_take_is_scored_by_scikit_learn_and_counted(monkeypatch):
    bundle, servable, rows = packed("flights", "hist_gradient_boosting", None)
    scorer = load(bundle, servable)
    values = as_values(rows[list(bundle.passport.request.columns)])[0]
    expected = scorer.score_row(values)

    def fail(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(scorer, "_score", fail)
    assert scorer.score_row(values) == expected
    assert scorer.fallbacks == 1


def test_where_no_machine_code_can_be_made_scikit_learn_serves_and_it_is_said(monkeypatch):
    bundle, servable, rows = packed("flights", "hist_gradient_boosting", None)
    values = as_values(rows[list(bundle.passport.request.columns)])[0]
    expected = load(bundle, servable).score_row(values)

    def fail() -> None:
        raise OSError("no such processor")

    monkeypatch.setattr("keepfit.compiled.walker.native", fail)
    scorer = load_scorer(bundle, servable)
    assert not scorer.compiled
    assert "no such processor" in scorer.why
    assert scorer.score_row(values) == expected


def test_a_champion_that_is_not_the_same_compiled_serves_with_scikit_learn_and_says_why(monkeypatch, tmp_path):
    bundle, servable, rows = packed("flights", "hist_gradient_boosting", None)
    monkeypatch.setattr("keepfit.compiled.links.expit", lambda value: 0.5 + value / 1e6)
    parity, files = pack_scorer(bundle, rows, tmp_path, drawn=200)
    assert not parity.compiled
    assert parity.why == "differs by more than 1e-12"
    assert parity.difference > ALLOWED
    assert files == {}
    assert list(tmp_path.iterdir()) == []
    slow = load_scorer(bundle, servable.model_copy(update={"parity": parity, "files": {}}))
    assert isinstance(slow, FrameScorer)
    assert slow.why == parity.why


@pytest.mark.parametrize("model", ["hist_gradient_boosting", "random_forest"])
def test_an_infinite_feature_is_a_named_error_as_in_training(model):
    bundle, servable, rows = packed("flights", model, None)
    values = as_values(rows[list(bundle.passport.request.columns)])[0]
    values[list(bundle.passport.request.columns).index("temp")] = float("inf")
    for scorer in (load(bundle, servable), FrameScorer(bundle, "")):
        with pytest.raises(FeatureError, match="temp: infinite"):
            scorer.score_row(values)


def test_a_number_that_32_bits_cannot_hold_is_a_named_error_as_it_is_to_scikit_learn():
    bundle, servable, rows = packed("flights", "random_forest", None)
    asked = rows[list(bundle.passport.request.columns)].assign(temp=1e300)
    for scorer in (load(bundle, servable), FrameScorer(bundle, "")):
        with pytest.raises(FeatureError, match="float32"):
            scorer.score_frame(asked)
        with pytest.raises(FeatureError, match="float32"):
            scorer.score_row(as_values(asked)[0])


def test_packing_the_same_champion_twice_gives_the_same_bytes(tmp_path):
    bundle, _, rows = packed("flights", "hist_gradient_boosting", None)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        pack_scorer(bundle, rows, tmp_path / name, drawn=100)
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()
