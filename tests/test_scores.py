from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepfit.losses import cheapest_classes, row_losses
from keepfit.metrics import measure, miscalibration
from keepfit.objective import Objective
from keepfit.score import score_rows
from keepfit.scores import predict_scores, read_scores, tabulate_scores
from tests.bundles import Trial, begin, failed
from tests.toys import MULTICLASS, toy_kinds, toy_settings

CLASSES = ("low", "middle", "high")
LABELS = np.array([0.0, 1.0, 2.0])
SCORES = np.array([[0.5, 0.25, 0.25], [0.2, 0.6, 0.2], [0.7, 0.2, 0.1]])


@pytest.fixture(scope="module")
def trial(tmp_path_factory) -> Trial:
    return begin("multiclass", tmp_path_factory.mktemp("multiclass"))


def objective(**overrides) -> Objective:
    return toy_settings(**{**MULTICLASS, **overrides}).objective


def test_a_class_that_the_estimator_never_saw_has_no_chance():
    estimator = SimpleNamespace(classes_=np.array([0.0, 2.0]), predict_proba=lambda _: np.array([[0.3, 0.7]]))
    found = predict_scores(estimator, pd.DataFrame({"x": [1]}), "multiclass", classes=4)
    np.testing.assert_array_equal(found, [[0.3, 0, 0.7, 0]])


@given(st.integers(2, 5), st.integers(1, 20))
def test_scores_come_back_from_their_columns(classes: int, rows: int):
    scores = np.random.default_rng(classes).dirichlet(np.ones(classes), rows)
    names = tuple(f"class {number}" for number in range(classes))
    table = pd.DataFrame(tabulate_scores(scores, names, "mine"))
    np.testing.assert_array_equal(read_scores(table, names, "mine"), scores)
    np.testing.assert_array_equal(table["mine"], scores.max(axis=1))


def test_one_score_a_row_is_one_column():
    scores = np.array([0.5, 0.25])
    table = pd.DataFrame(tabulate_scores(scores, ()))
    assert list(table) == ["score"]
    np.testing.assert_array_equal(read_scores(table, ()), scores)


def test_losses_of_classes_are_those_one_works_out_by_hand():
    def losses(name: str) -> np.ndarray:
        return row_losses(LABELS, SCORES, objective(), loss=name, threshold=0.0)

    np.testing.assert_allclose(losses("log_loss"), -np.log([0.5, 0.6, 0.1]))
    np.testing.assert_allclose(losses("brier"), [0.25 + 2 * 0.0625, 0.16 + 2 * 0.04, 0.49 + 0.04 + 0.81])


def test_the_class_with_the_least_expected_cost_is_chosen():
    # Taking a high row for a low one costs 5: one chance in four of it is too much.
    mistakes = np.array(objective().cost.matrix)
    np.testing.assert_array_equal(mistakes, [[0, 1, 1], [1, 0, 1], [5, 2, 0]])
    np.testing.assert_array_equal(cheapest_classes(SCORES, mistakes), [2, 1, 0])
    np.testing.assert_array_equal(row_losses(LABELS, SCORES, objective(), loss="cost", threshold=0.0), [1, 0, 5])


def test_rankings_of_classes():
    found = measure(LABELS, SCORES, objective(), task="multiclass", threshold=0.0)
    assert found["accuracy"] == pytest.approx(2 / 3)
    # Low: 0.5 lies above one of the two others. Middle: above both. High: below both.
    assert found["roc_auc"] == pytest.approx((0.5 + 1 + 0) / 3)
    assert found["macro_f1"] == pytest.approx((2 / 3 + 1 + 0) / 3)


def test_miscalibration_is_that_of_the_likeliest_class():
    certain = np.tile([[0.9, 0.05, 0.05]], (10, 1))
    assert miscalibration(np.array([0.0] * 9 + [1.0]), certain, "multiclass") == pytest.approx(0.18)


@pytest.mark.parametrize(
    ("mistakes", "said"),
    [
        ({"low": 1, "high": 1, "middle": 1}, "allowed: dataset.classes in their order: low, middle, high"),
        ({"low": {"high": 1}, "middle": 1, "high": 1}, "one number, or one for each of high, middle"),
        ({"low": -1, "middle": 1, "high": 1}, "greater than 0"),
    ],
)
def test_a_price_that_is_missing_or_out_of_order_is_refused(mistakes, said):
    with pytest.raises(Exception, match=said):
        toy_settings(**{**MULTICLASS, "objective.cost": {"mistakes": mistakes}})


def test_a_model_of_classes_is_promoted_and_a_constant_one_refused(trial: Trial):
    assert failed(trial.decide()) == []
    constant = np.tile(trial.judged.naive[:1], (len(trial.judged.naive), 1))
    assert "scores vary" in failed(trial.decide(scores=constant))


def test_a_worse_model_of_classes_does_not_replace_the_champion(trial: Trial):
    timid = trial.other("timid", model=trial.timid().model.model_dump())
    assert failed(trial.decide(timid)) == []
    assert "against the champion" in failed(
        trial.decide_on("again", trial.challenger, model=trial.timid().model.model_dump())
    )


def test_a_request_is_answered_with_the_name_of_the_class(trial: Trial):
    rows = toy_kinds(600).iloc[500:520]
    scored = score_rows(trial.challenger, rows)
    assert list(scored) == ["score", *(f"score:{name}" for name in CLASSES), "decision"]
    assert set(scored.decision) <= set(CLASSES)
    np.testing.assert_allclose(scored[[f"score:{name}" for name in CLASSES]].sum(axis=1), 1)
    assert (scored.decision == rows.y.astype(str)).mean() > 0.6


def test_the_reference_holds_a_score_a_class(trial: Trial):
    reference = trial.challenger.reference
    np.testing.assert_array_equal(reference.score, read_scores(reference, CLASSES).max(axis=1))
    assert reference.loss.notna().all()


def test_the_drift_check_knows_what_is_usual_for_classes(trial: Trial):
    history = trial.challenger.history[["loss", "calibration", "surprise", "errors"]]
    assert len(history) > 2
    assert np.isfinite(history).all(axis=None)
    # A model of classes that says so itself is as often right as it says.
    assert history.calibration.abs().max() < 5
