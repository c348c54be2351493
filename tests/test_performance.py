import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from keepfit.evidence import add_losses
from keepfit.performance import Expectation, expect, find_errors, learn_expectation, measure_performance
from tests.toys import toy_regression, toy_settings

YES_NO = toy_settings().objective
AMOUNT = toy_regression().objective
AMOUNTS = st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), min_size=2, max_size=60)


def scored(labels, scores, *, objective=YES_NO, threshold: float = 0.5) -> pd.DataFrame:
    rows = pd.DataFrame({"label": np.asarray(labels, float), "score": np.asarray(scores, float)})
    return add_losses(rows, objective, threshold=threshold)


def amounts(labels, scores) -> pd.DataFrame:
    return scored(labels, scores, objective=AMOUNT)


def right(times: int = 1) -> pd.DataFrame:
    """Ten rows whose probabilities are exactly right: one of five at 0.2, four of five at 0.8."""
    return scored([1, 0, 0, 0, 0, 1, 1, 1, 1, 0] * times, ([0.2] * 5 + [0.8] * 5) * times)


def measured(reference, window, *, objective=YES_NO, task="binary", threshold: float = 0.5) -> dict[str, float]:
    return measure_performance(reference, window, objective, task=task, threshold=threshold)


def measured_amounts(reference, window) -> dict[str, float]:
    return measured(reference, window, objective=AMOUNT, task="regression", threshold=0)


def test_right_probabilities_are_neither_to_one_side_nor_a_surprise():
    found = measured(right(2), right(1))
    assert [found[name] for name in ("loss", "calibration", "surprise", "errors")] == pytest.approx([0] * 4, abs=1e-12)


def test_calibration_is_the_excess_of_labels_in_its_standard_deviations():
    assert measured(right(), scored([1] * 4, [0.5] * 4))["calibration"] == pytest.approx(2)
    assert measured(right(), scored([0] * 4, [0.5] * 4))["calibration"] == pytest.approx(-2)


def test_outcomes_as_often_as_foretold_but_of_other_rows_are_a_surprise_and_not_to_one_side():
    half_right = scored([1, 1, 0, 0, 1, 1, 0, 0], [0.2] * 4 + [0.8] * 4)
    found = measured(right(), half_right)
    foretold, seen = -(0.8 * np.log(0.8) + 0.2 * np.log(0.2)), -(np.log(0.8) + np.log(0.2)) / 2
    assert found["calibration"] == pytest.approx(0, abs=1e-12)
    assert found["surprise"] == pytest.approx(seen - foretold)
    assert found["loss"] == pytest.approx(seen - foretold)
    assert found["errors"] == pytest.approx(0.5 - 0.2)


def test_a_harder_time_that_the_scores_own_up_to_raises_the_loss_and_surprises_nobody():
    unsure = scored([1, 0] * 5, [0.5] * 10)
    found = measured(right(), unsure)
    assert found["loss"] == pytest.approx(np.log(2) + 0.8 * np.log(0.8) + 0.2 * np.log(0.2))
    assert found["surprise"] == pytest.approx(0, abs=1e-12)


def test_an_error_is_a_decision_by_the_models_own_threshold():
    window = scored([1, 0, 0, 1], [0.3, 0.3, 0.9, 0.9])
    for threshold, wrong in [(0.2, 2), (0.5, 2), (0.95, 2)]:
        errors = find_errors(window, learn_expectation(right()), task="binary", threshold=threshold)
        assert errors.sum() == wrong
    assert find_errors(window, learn_expectation(right()), task="binary", threshold=0.3).tolist() == [0, 1, 1, 0]


def test_an_error_in_an_amount_is_a_loss_above_nine_tenths_of_the_references():
    reference = amounts(range(11), [0] * 11)
    window = amounts([9, 9.5, -9, -20], [0] * 4)
    errors = find_errors(window, learn_expectation(reference), task="regression", threshold=0)
    assert errors.tolist() == [False, True, False, True]


def test_probabilities_foretell_loss_and_variance_themselves():
    nothing = Expectation(np.empty(0), np.zeros(1), np.zeros(1), np.zeros(1), large=0)
    loss, bias, variance = expect(np.array([0.5, 0.9]), nothing, YES_NO, task="binary", threshold=0.5)
    np.testing.assert_allclose(loss, [np.log(2), -0.9 * np.log(0.9) - 0.1 * np.log(0.1)])
    np.testing.assert_array_equal(bias, [0, 0])
    np.testing.assert_allclose(variance, [0.25, 0.09])


def test_probabilities_foretell_what_their_decisions_cost():
    cost = toy_settings(**{"objective.metric": "cost"}).objective
    loss, _, _ = expect(np.array([0.25, 0.75]), learn_expectation(right()), cost, task="binary", threshold=0.5)
    # A no costs two where it was one, a yes costs one where it was none.
    np.testing.assert_allclose(loss, [0.25 * 2, 0.25 * 1])


def test_an_amount_is_foretold_by_the_tenth_of_the_reference_that_its_score_lies_in():
    scores = np.arange(100.0)
    expectation = learn_expectation(amounts(scores + np.repeat(np.arange(10), 10), scores))
    loss, bias, variance = expectation.of(np.array([-5.0, 4.0, 55.0, 99.0, 1000.0]))
    np.testing.assert_allclose(bias, [0, 0, 5, 9, 9])
    np.testing.assert_allclose(loss, [0, 0, 5, 9, 9])
    np.testing.assert_allclose(variance, [0, 0, 25, 81, 81])


def test_scores_that_are_all_the_same_share_one_expectation():
    loss, bias, variance = learn_expectation(amounts([1, 2, 3], [5, 5, 5])).of(np.array([5.0]))
    assert (loss[0], bias[0]) == (3, -3)
    assert variance[0] == pytest.approx((16 + 9 + 4) / 3)


def test_rows_without_a_label_say_nothing_of_what_to_expect():
    known = amounts([1, 2, 3, 4], [0, 1, 2, 3])
    more = pd.concat([known, amounts([np.nan] * 3, [0, 2, 900])], ignore_index=True)
    np.testing.assert_array_equal(learn_expectation(known).of(known.score), learn_expectation(more).of(known.score))


@given(AMOUNTS)
def test_a_reference_of_amounts_is_just_as_it_foretells(pairs):
    rows = amounts(*zip(*pairs, strict=True))
    loss, bias, variance = learn_expectation(rows).of(rows.score.to_numpy())
    assert loss.mean() == pytest.approx(rows.loss.mean())
    assert bias.mean() == pytest.approx((rows.label - rows.score).mean(), abs=1e-9)
    assert (variance >= 0).all()


@hypothesis_settings(max_examples=20)
@given(AMOUNTS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(pairs, random):
    shuffled = list(pairs)
    random.shuffle(shuffled)
    reference, other = (amounts(*zip(*rows, strict=True)) for rows in (pairs, shuffled))
    window = amounts([1, 5, -3, 20], [0, 6, -2, 3])
    assert measured_amounts(other, window) == pytest.approx(measured_amounts(reference, window), abs=1e-9, rel=1e-6)
    assert measured_amounts(window, other) == pytest.approx(measured_amounts(window, reference), abs=1e-9, rel=1e-6)


@given(AMOUNTS, st.floats(-20, 20))
def test_the_loss_rises_by_what_the_mean_loss_rises(pairs, moved):
    reference = amounts(*zip(*pairs, strict=True))
    window = amounts(reference.label + moved, reference.score)
    found = measured_amounts(reference, window)
    assert found["loss"] == pytest.approx(window.loss.mean() - reference.loss.mean(), abs=1e-9)
    # The score's own loss is what was foretold, so what is beyond it is the whole rise.
    assert found["surprise"] == pytest.approx(found["loss"], abs=1e-9)


@pytest.mark.parametrize(("moved", "side"), [(3, 1), (-3, -1)])
def test_amounts_that_come_out_higher_lie_above_and_lower_ones_below(moved, side):
    draw = np.random.default_rng(1)
    scores, noise = draw.normal(size=400), draw.normal(size=400)
    reference = amounts(scores + noise, scores)
    window = amounts(scores[:50] + noise[:50] + moved, scores[:50])
    # Three standard deviations of noise on each of 50 rows.
    assert measured_amounts(reference, window)["calibration"] * side == pytest.approx(3 * np.sqrt(50), rel=0.2)


def test_calibration_of_right_probabilities_is_standard_normal():
    draw = np.random.default_rng(2)
    seen = []
    for _ in range(120):
        scores = draw.uniform(0.05, 0.95, 60)
        seen.append(measured(right(), scored(draw.uniform(size=60) < scores, scores))["calibration"])
    assert np.mean(seen) == pytest.approx(0, abs=0.2)
    assert np.std(seen) == pytest.approx(1, abs=0.15)


def test_losses_that_moved_apart_are_another_distribution():
    draw = np.random.default_rng(3)
    scores = draw.normal(size=300)
    reference = amounts(scores + draw.normal(size=300), scores)
    alike, worse = (amounts(scores[:60] + draw.normal(scale=s, size=60), scores[:60]) for s in (1, 3))
    assert measured_amounts(reference, alike)["loss_distribution"] < 0.5
    assert measured_amounts(reference, worse)["loss_distribution"] > 2


def test_certain_scores_have_no_variance_and_still_a_finite_calibration():
    assert np.isfinite(measured(right(), scored([1, 0], [1, 0]))["calibration"])
