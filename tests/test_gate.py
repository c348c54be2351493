"""The gate fails closed: every planted fault is refused by the check that names it."""

from dataclasses import replace

import numpy as np
import pytest

from keepfit.bundle import MODEL, Bundle, read_champion, write_bundle
from keepfit.errors import BundleError
from keepfit.evaluate import judge
from keepfit.gate import Decision, decide, is_same_model, score_champion
from keepfit.score import predict_scores
from keepfit.succession import find_champion, succeed
from tests.bundles import NAIVE, TREE, Trial, begin, train_bundle

RANKING = {"binary": "roc_auc", "regression": "r2"}


@pytest.fixture(scope="module", params=["binary", "regression"])
def trial(request, tmp_path_factory) -> Trial:
    return begin(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def timid(trial: Trial) -> Bundle:
    return train_bundle(trial.folder / "timid", trial.table()[:479], trial.timid())


def failed(decision: Decision) -> list[str]:
    assert decision.promote is not any(not check.passed for check in decision.checks)
    return [check.name for check in decision.checks if not check.passed]


def seen(decision: Decision, name: str) -> str:
    return next(check.seen for check in decision.checks if check.name == name)


def test_the_first_sound_challenger_is_promoted(trial: Trial):
    decision = trial.decide()
    assert failed(decision) == []
    assert decision.why.startswith("beats the naive baseline: ")
    assert decision.champion_metrics is None


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
    found = trial.decide(timid).champion_metrics
    scores = predict_scores(timid.model, trial.judged.rows.features, trial.task)
    name = "brier" if trial.task == "binary" else "squared_error"
    assert found[name] == pytest.approx(((scores - trial.judged.rows.labels) ** 2).mean(), abs=0, rel=1e-12)


def test_a_feature_that_is_the_label_itself_is_too_good_to_be_true(trial: Trial):
    decision = trial.decide_on("leaky", **{"dataset.features.columns": ["x", "c", "y"]})
    assert failed(decision) == ["not too good to be true"]


def test_a_leak_is_also_caught_by_the_limits_maximum(trial: Trial):
    name = RANKING[trial.task]
    leak = {"dataset.features.columns": ["x", "c", "y"], "gate.max_skill": 1.0}
    decision = trial.decide_on("leaky", **leak, **{"objective.limits": {name: {"max": 0.99}}})
    assert failed(decision) == [f"objective's limit on {name}"]


def test_a_challenger_that_saw_the_holdout_is_refused(trial: Trial):
    memoriser = trial.other("memoriser", **{"train.holdout": 10}, model=TREE)
    judged = judge(trial.table(), memoriser, trial.settings())
    decision = decide(judged, memoriser, None, trial.settings(**{"gate.max_skill": 1.0}))
    assert failed(decision) == ["holdout is unseen"]
    assert f"learned up to {memoriser.passport.learned_before_holdout.last}" in decision.why


def test_a_constant_model_is_refused(trial: Trial):
    assert failed(trial.decide_on("constant", model=NAIVE)) == ["scores vary"]


def test_a_model_that_fails_on_one_slice_is_refused_though_it_is_better_overall(trial: Trial, timid: Bundle):
    rows = trial.judged.rows
    if trial.task == "binary":
        good, bad = np.where(rows.labels == 1, 0.9, 0.1), np.where(rows.labels == 1, 0.3, 0.6)
    else:
        good, bad = rows.labels + 0.1, rows.labels + 2.9 * (-1) ** np.arange(120)
    scores = np.where(rows.features.c == "d", bad, good)
    slices = [{"column": "c", "tolerance": 0.2}]
    loose = {"gate.max_miscalibration": 1.0}
    for champion in (timid, None):
        decision = trial.decide(champion, scores=scores, **loose, **{"objective.slices": slices})
        assert failed(decision) == ["no slice is worse"]
        assert "c d +" in decision.why
        assert "c a" not in decision.why
    tolerant = [{"column": "c", "tolerance": 20}]
    assert failed(trial.decide(timid, scores=scores, **loose, **{"objective.slices": tolerant})) == []
    few = {"objective.slices": slices, "gate.slice_min_rows": 100}
    assert failed(trial.decide(timid, scores=scores, **loose, **few)) == []


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_score_that_is_not_finite_is_refused(trial: Trial, timid: Bundle, bad: float):
    scores = trial.judged.challenger.copy()
    scores[17] = bad
    for champion in (None, timid, trial.challenger):
        decision = trial.decide(champion, scores=scores)
        assert failed(decision) == ["scores are finite"]
        assert seen(decision, "scores are finite") == "1 are not"


def test_no_finite_score_at_all_is_refused(trial: Trial):
    assert failed(trial.decide(scores=np.full(120, np.nan))) == ["scores are finite", "scores vary"]


@pytest.mark.parametrize(
    ("override", "check", "told"),
    [
        ({"gate.min_rows": 121}, "enough rows", "120 of 121"),
        ({"gate.min_blocks": 25}, "enough blocks", "24 of 25"),
        ({"gate.min_blocks": 6, "evaluate.block": "28D"}, "enough blocks", "5 of 6"),
    ],
)
def test_too_little_evidence_is_refused(trial: Trial, override: dict, check: str, told: str):
    decision = trial.decide(**override)
    assert failed(decision) == [check]
    assert seen(decision, check) == told


def test_just_enough_evidence_is_enough(trial: Trial):
    assert failed(trial.decide(**{"gate.min_rows": 120, "gate.min_blocks": 24})) == []


def test_badly_calibrated_scores_are_refused_though_their_order_is_perfect(trial: Trial):
    labels = trial.judged.rows.labels
    if trial.task == "binary":
        # One of the ten bins holds both scores, so the error is a little below 0.4.
        scores, told = np.where(labels == 1, 0.6, 0.4), "off by 0.380, allowed 0.3"
    else:
        scores, told = labels + 0.5 * labels.std(), "off by 0.500, allowed 0.3"
    decision = trial.decide(scores=scores)
    assert failed(decision) == ["calibration"]
    assert seen(decision, "calibration") == told


def test_a_model_that_misses_the_objectives_minimum_is_refused(trial: Trial):
    name = RANKING[trial.task]
    decision = trial.decide(**{"objective.limits": {name: {"min": 0.99}}})
    assert failed(decision) == [f"objective's limit on {name}"]
    assert decision.why.endswith(", allowed 0.99 to inf")


def test_a_limit_on_a_metric_that_cannot_be_measured_is_not_met(trial: Trial):
    rows = replace(trial.judged.rows, labels=np.ones(120))
    settings = trial.settings(**{"objective.limits": {RANKING[trial.task]: {"min": 0.1}}})
    decision = decide(replace(trial.judged, rows=rows), trial.challenger, None, settings)
    assert f"objective's limit on {RANKING[trial.task]}" in failed(decision)


def test_a_model_that_does_not_beat_the_naive_baseline_is_refused(trial: Trial):
    above = trial.judged.rows.labels > trial.judged.naive
    scores = trial.judged.naive + np.where(above, -0.01, 0.01)
    decision = trial.decide(scores=scores, **{"gate.max_miscalibration": 1.0})
    assert failed(decision) == ["beats the naive baseline"]


def test_a_gain_that_is_within_chance_does_not_beat_the_naive_baseline(trial: Trial):
    above = trial.judged.rows.labels > trial.judged.naive
    wins = np.arange(120) // 5 % 2 == 0
    steps = np.where(above, 0.05, -0.05) * np.where(wins, 1.0, -0.8)
    decision = trial.decide(scores=trial.judged.naive + steps, **{"gate.max_miscalibration": 1.0})
    assert failed(decision) == ["beats the naive baseline"]
    assert " better by +0.0" in decision.why


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
    assert "it learned from rows of the holdout, which starts at 2021-04-24" in decision.why


def test_a_champion_that_needs_a_feature_no_longer_made_stays(trial: Trial):
    decision = trial.decide_on("narrow", trial.challenger, **{"dataset.features.columns": ["x"]})
    assert failed(decision) == ["champion can be compared"]
    assert "it needs c: keep the features of the champion" in decision.why


def test_a_champion_whose_scores_are_not_finite_stays(trial: Trial):
    broken = trial.other("broken", rows=480)
    broken.model.named_steps["model"].coef_[:] = np.nan
    rival = trial.folder / "not_finite"
    write_bundle(rival, broken.passport, model=broken.model, holdout_model=None, reference=broken.reference)
    decision = trial.decide(read_champion(rival))
    assert failed(decision) == ["champion can be compared"]
    assert "120 scores that are not finite" in decision.why


@pytest.mark.parametrize(("rows", "used", "spared"), [(479, "model", "holdout_model"), (480, "holdout_model", "model")])
def test_a_champion_is_scored_by_its_newest_model_that_never_saw_the_holdout(trial: Trial, rows, used, spared):
    # The holdout starts with row 479: a champion of 480 rows serves a model that has seen its first row.
    champion, features = trial.other(f"of_{rows}", rows=rows), trial.judged.rows.features
    scores = score_champion(trial.judged, champion, trial.settings())
    np.testing.assert_array_equal(scores, predict_scores(getattr(champion, used), features, trial.task))
    assert (scores != predict_scores(getattr(champion, spared), features, trial.task)).any()


def test_a_champion_that_was_never_refitted_is_scored_by_its_only_model(trial: Trial):
    champion = trial.other("not_refitted", **{"train.refit": False})
    assert not (champion.folder / "holdout_model.skops").exists()
    expected = predict_scores(champion.model, trial.judged.rows.features, trial.task)
    np.testing.assert_array_equal(score_champion(trial.judged, champion, trial.settings()), expected)


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


def test_clearly_worse_is_refused_after_drift_too(trial: Trial):
    settings = trial.timid(**{"gate.reason": "drift"})
    worse = train_bundle(trial.folder / "worse_after_drift", trial.table(), settings)
    judged = judge(trial.table(), worse, settings)
    assert failed(decide(judged, worse, trial.challenger, settings)) == ["against the champion"]


def test_no_checks_are_no_reason_to_promote():
    assert not Decision(checks=()).promote


def test_a_broken_champion_stops_the_gate_and_stays(trial: Trial, timid: Bundle, tmp_path):
    folder, record = tmp_path / "champion", tmp_path / "gate.json"
    succeed(trial.decide(), timid, None, folder=folder, record=record)
    model = folder / MODEL
    model.write_bytes(model.read_bytes() + b"x")
    before = {file.name: file.read_bytes() for file in [*folder.iterdir(), record]}
    with pytest.raises(BundleError, match=r"model\.skops: changed"):
        find_champion(folder, record, trial.challenger)
    assert {file.name: file.read_bytes() for file in [*folder.iterdir(), record]} == before
