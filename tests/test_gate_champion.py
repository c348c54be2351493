"""The gate against the champion: on the same rows, by a model that has not seen them."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from keepfit.bundle import MODEL, Bundle, read_champion, write_bundle
from keepfit.errors import BundleError
from keepfit.evaluate import judge
from keepfit.gate import decide, is_same_model, score_champion
from keepfit.metrics import measure
from keepfit.scores import predict_scores
from keepfit.succession import find_champion, succeed
from tests.bundles import Trial, begin, failed, seen, train_bundle


@pytest.fixture(scope="module", params=["binary", "regression"])
def trial(request, tmp_path_factory) -> Trial:
    return begin(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def timid(trial: Trial) -> Bundle:
    return train_bundle(trial.folder / "timid", trial.table()[:479], trial.timid())


def test_a_clearly_better_challenger_is_promoted(trial: Trial, timid: Bundle):
    decision = trial.decide(timid)
    assert failed(decision) == []
    assert [check.name for check in decision.checks][-2:] == ["no slice is worse", "against the champion"]
    assert "against the champion: " in decision.why


def test_a_challenger_that_is_worse_than_the_champion_is_refused(trial: Trial):
    settings = trial.timid()
    worse = train_bundle(trial.folder / "worse", trial.table(), settings)
    judged = judge(trial.table(), worse, settings)
    assert failed(decide(judged, worse, None, settings)) == []
    assert failed(decide(judged, worse, trial.challenger, settings)) == ["against the champion"]


def test_the_champions_metrics_are_of_the_same_rows(trial: Trial, timid: Bundle):
    found, settings = trial.decide(timid).champion_metrics, trial.settings()
    labels, scores = trial.judged.rows.labels, predict_scores(timid.model, trial.judged.rows.features, trial.task)
    name = "brier" if trial.task == "binary" else "squared_error"
    assert found[name] == pytest.approx(((scores - labels) ** 2).mean(), abs=0, rel=1e-12)
    threshold = timid.passport.threshold
    assert found == measure(labels, scores, settings.objective, task=trial.task, threshold=threshold)


def test_a_champion_of_another_dataset_cannot_be_compared_and_stays(trial: Trial):
    decision = trial.decide(trial.other("elsewhere", rows=479, **{"dataset.name": "elsewhere"}))
    assert failed(decision) == ["champion can be compared"]
    assert "another question: 'y' of dataset 'elsewhere'" in decision.why


def test_a_champion_of_another_label_cannot_be_compared_and_stays(trial: Trial, timid: Bundle):
    passport = timid.passport.model_copy(update={"label": "x"})
    decision = trial.decide(replace(timid, passport=passport))
    assert failed(decision) == ["champion can be compared"]
    assert "another question: 'x' of dataset 'toy'" in decision.why


def test_a_champion_that_saw_the_holdout_with_both_its_models_stays(trial: Trial):
    decision = trial.decide(trial.other("saw_it", rows=590, **{"train.holdout": 40}))
    assert failed(decision) == ["champion can be compared"]
    assert "it learned from rows that it is judged on, which start at 2021-04-24" in decision.why


def test_a_champion_that_needs_a_feature_no_longer_made_stays(trial: Trial):
    decision = trial.decide_on("narrow", trial.challenger, **{"dataset.features.columns": ["x"]})
    assert failed(decision) == ["champion can be compared"]
    assert "it needs c: keep the features of the champion" in decision.why


def test_a_champion_whose_scores_are_not_finite_stays(trial: Trial):
    broken = trial.other("broken", rows=480)
    broken.model.named_steps["model"].coef_[:] = np.nan
    rival = trial.folder / "not_finite"
    parts = SimpleNamespace(model=broken.model, holdout_model=None, reference=broken.reference, history=broken.history)
    write_bundle(rival, broken.passport, parts, broken.profile)
    decision = trial.decide(read_champion(rival))
    assert failed(decision) == ["champion can be compared"]
    assert "120 scores that are not finite" in decision.why


@pytest.mark.parametrize(("rows", "used", "spared"), [(479, "model", "holdout_model"), (480, "holdout_model", "model")])
def test_a_champion_is_scored_by_its_newest_model_that_never_saw_the_holdout(trial: Trial, rows, used, spared):
    # The holdout starts with row 479: a champion of 480 rows serves a model that has seen its first row.
    champion, features = trial.other(f"of_{rows}", rows=rows), trial.judged.rows.features
    scores = score_champion(trial.judged.rows, champion, trial.settings())
    np.testing.assert_array_equal(scores, predict_scores(getattr(champion, used), features, trial.task))
    assert (scores != predict_scores(getattr(champion, spared), features, trial.task)).any()


def test_a_champion_that_was_never_refitted_is_scored_by_its_only_model(trial: Trial):
    champion = trial.other("not_refitted", **{"train.refit": False})
    assert not (champion.folder / "holdout_model.skops").exists()
    expected = predict_scores(champion.model, trial.judged.rows.features, trial.task)
    np.testing.assert_array_equal(score_champion(trial.judged.rows, champion, trial.settings()), expected)


def test_the_same_model_made_again_by_another_recipe_is_promoted(trial: Trial):
    again = train_bundle(trial.folder / "again", trial.table(), trial.settings(), code="yesterday's code")
    assert again.passport.version != trial.challenger.passport.version
    decision = trial.decide(again)
    assert failed(decision) == []
    assert seen(decision, "against the champion") == "the same model, made again by today's recipe"


def test_the_same_model_with_another_threshold_is_another_model(trial: Trial):
    passport = trial.challenger.passport
    assert not is_same_model(
        trial.challenger, replace(trial.challenger, passport=passport.model_copy(update={"threshold": 0.987}))
    )
    assert is_same_model(trial.challenger, trial.challenger)


def test_no_worse_is_enough_after_drift_and_not_else(trial: Trial):
    # 478 rows are what the challenger's judged model learned from: the two give equal scores.
    equal = trial.other("equal", rows=478)
    assert not is_same_model(trial.challenger, equal)
    assert failed(trial.decide(equal)) == ["against the champion"]
    assert failed(trial.decide(equal, **{"gate.reason": "drift"})) == []
    strict = {"gate.reason": "drift", "gate.require_after_drift": "better"}
    assert failed(trial.decide(equal, **strict)) == ["against the champion"]


def test_each_model_decides_by_its_own_threshold(trial: Trial):
    equal, settings = trial.other("equal", rows=478), trial.settings(**{"objective.metric": "cost"})

    def wins(own: float, champions: float) -> bool:
        ours, theirs = (
            replace(bundle, passport=bundle.passport.model_copy(update={"threshold": threshold}))
            for bundle, threshold in ((trial.challenger, own), (equal, champions))
        )
        return "against the champion" not in failed(decide(trial.judged, ours, theirs, settings))

    # To never say yes costs more than to say it by the same scores; an amount is no decision.
    assert wins(0.5, 0.999) is (trial.task == "binary")
    assert not wins(0.5, 0.5)
    assert not wins(0.999, 0.999)


def test_clearly_worse_is_refused_after_drift_too(trial: Trial):
    settings = trial.timid(**{"gate.reason": "drift"})
    worse = train_bundle(trial.folder / "worse_after_drift", trial.table(), settings)
    judged = judge(trial.table(), worse, settings)
    assert failed(decide(judged, worse, trial.challenger, settings)) == ["against the champion"]


def test_a_broken_champion_stops_the_gate_and_stays(trial: Trial, timid: Bundle, tmp_path):
    folder, record = tmp_path / "champion", tmp_path / "gate.json"
    succeed(trial.decide(), timid, None, folder=folder, record=record)
    model = folder / MODEL
    model.write_bytes(model.read_bytes() + b"x")
    before = {file.name: file.read_bytes() for file in [*folder.iterdir(), record]}
    with pytest.raises(BundleError, match=r"model\.skops: changed"):
        find_champion(folder, record, trial.challenger)
    assert {file.name: file.read_bytes() for file in [*folder.iterdir(), record]} == before
