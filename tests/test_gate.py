"""The gate fails closed: every planted fault is refused by the check that names it."""

from dataclasses import replace

import numpy as np
import pytest

from keepfit.bundle import Bundle
from keepfit.evaluate import judge
from keepfit.gate import Decision, decide
from keepfit.losses import row_losses
from keepfit.scores import predict_scores
from tests.bundles import NAIVE, TREE, Trial, begin, failed, seen, train_bundle

RANKING = {"binary": "roc_auc", "regression": "r2"}


@pytest.fixture(scope="module", params=["binary", "regression"])
def trial(request, tmp_path_factory) -> Trial:
    return begin(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def timid(trial: Trial) -> Bundle:
    return train_bundle(trial.folder / "timid", trial.table()[:479], trial.timid())


def test_the_first_sound_challenger_is_promoted(trial: Trial):
    decision = trial.decide()
    assert failed(decision) == []
    assert decision.why.startswith("beats the naive baseline: ")
    assert decision.champion_metrics is None


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
    few = {"objective.slices": slices, "gate.slice_min_rows": 100}
    assert failed(trial.decide(timid, scores=scores, **loose, **few)) == []


def test_a_slice_may_be_as_much_worse_as_its_tolerance_and_no_more(trial: Trial, timid: Bundle):
    rows, objective = trial.judged.rows, trial.settings().objective
    part = (rows.features.c == "d").to_numpy()
    scores = trial.judged.challenger.copy()
    scores[part] = np.where(rows.labels == 1, 0.4, 0.55)[part] if trial.task == "binary" else rows.labels[part] + 2.5
    old = predict_scores(timid.model, rows.features, trial.task)
    losses, rival = (row_losses(rows.labels, each, objective, threshold=0.5)[part].mean() for each in (scores, old))
    worse = losses / rival - 1
    assert worse > 0.1
    for tolerance, names in ((worse - 1e-6, ["no slice is worse"]), (worse + 1e-6, [])):
        slices = {"objective.slices": [{"column": "c", "tolerance": tolerance}]}
        decision = trial.decide(timid, scores=scores, **slices, **{"gate.max_miscalibration": 1.0})
        assert [name for name in failed(decision) if name == "no slice is worse"] == names


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


def test_metrics_that_evaluate_has_measured_are_held_to_the_limits(trial: Trial):
    name = RANKING[trial.task]
    settings = trial.settings(**{"objective.limits": {name: {"min": 0.5}}})
    for measured, names in (({name: 0.51}, []), ({name: 0.49}, [f"objective's limit on {name}"])):
        assert failed(decide(trial.judged, trial.challenger, None, settings, measured=measured)) == names


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


def test_no_checks_are_no_reason_to_promote():
    assert not Decision(checks=()).promote


def test_a_decision_that_earns_is_judged_like_a_mistake_that_costs_as_much(tmp_path):
    trial = begin("binary", tmp_path)
    earns = {"true_positive": -10, "false_positive": 1, "false_negative": 0}
    costs = (earns, {"false_positive": 1, "false_negative": 10})
    common = {
        "objective.metric": "cost",
        "objective.slices": [{"column": "c", "tolerance": 0.1}],
        "gate.reason": "drift",
    }
    worse = np.where(trial.judged.rows.labels == 1, 0.05, 0.04)
    for champion in (None, trial.other("timid", rows=479)):
        for scores in (None, worse):
            one, other = (trial.decide(champion, scores=scores, **common, **{"objective.cost": cost}) for cost in costs)
            assert one.checks == other.checks
    assert "not too good to be true" not in failed(trial.decide(**common, **{"objective.cost": earns}))
