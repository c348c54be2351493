import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from keepfit.losses import cheapest_threshold, most_gains, row_costs, row_losses
from keepfit.objective import DecisionCost, ErrorCost, Objective

MISSES = DecisionCost(false_positive=1, false_negative=3)


def objective(metric: str, cost=MISSES) -> Objective:
    return Objective(question="?", metric=metric, limits={}, cost=cost, unit="toys")


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)


def test_log_loss_has_exact_values():
    losses = row_losses(array(1, 0), array(0.25, 0.25), objective("log_loss"), threshold=0.5)
    np.testing.assert_allclose(losses, [np.log(4), np.log(4 / 3)], rtol=1e-15)


def test_the_log_loss_of_certainty_is_finite_and_large_only_where_it_was_wrong():
    losses = row_losses(array(1, 0, 1, 0), array(1, 0, 0, 1), objective("log_loss"), threshold=0.5)
    assert losses[:2].max() < 1e-6
    np.testing.assert_allclose(losses[2:], -np.log(1e-7))


@pytest.mark.parametrize("metric", ["brier", "squared_error"])
def test_squares_have_exact_values(metric):
    losses = row_losses(array(1, 0), array(0.25, 0.5), objective(metric), threshold=0.5)
    assert losses.tolist() == [0.5625, 0.25]


def test_absolute_errors_have_exact_values():
    assert row_losses(array(10, -2), array(7.5, 1), objective("absolute_error"), threshold=0).tolist() == [2.5, 3.0]


def test_a_loss_that_is_named_is_taken_instead_of_the_objectives_own():
    found = row_losses(array(1), array(0.5), objective("log_loss"), threshold=0.5, loss="brier")
    assert found.tolist() == [0.25]


def test_each_outcome_has_its_cost_and_a_score_at_the_threshold_is_a_yes():
    cost = DecisionCost(true_positive=5, false_positive=6, true_negative=1, false_negative=20)
    losses = row_losses(array(1, 0, 0, 1), array(0.3, 0.9, 0.2, 0.29), objective("cost", cost), threshold=0.3)
    assert losses.tolist() == [5.0, 6.0, 1.0, 20.0]


def test_an_amount_too_high_costs_over_and_one_too_low_costs_under():
    costs = row_costs(array(10, 10, 10), array(12, 9, 10), cost=ErrorCost(over=1, under=4), threshold=0)
    assert costs.tolist() == [2.0, 4.0, 0.0]


def test_the_most_that_a_row_can_earn_is_what_the_right_decision_earns():
    earns = DecisionCost(true_positive=-7, false_positive=3, true_negative=1, false_negative=0)
    labels = array(1, 0)
    assert most_gains(labels, objective("cost", earns)).tolist() == [-7.0, 0.0]
    assert most_gains(labels, objective("cost")).tolist() == [0.0, 0.0]
    assert most_gains(labels, objective("log_loss", earns)).tolist() == [0.0, 0.0]


def test_a_gain_is_a_negative_cost():
    cost = DecisionCost(true_positive=-7, false_positive=1, false_negative=0)
    assert row_costs(array(1, 1), array(0.9, 0.1), cost=cost, threshold=0.5).tolist() == [-7.0, 0.0]


@pytest.mark.parametrize(
    "cost", [{"false_positive": 0, "false_negative": 1}, {"false_positive": 1, "false_negative": -1}]
)
def test_a_mistake_that_costs_no_more_than_being_right_is_refused(cost):
    with pytest.raises(ValidationError, match=r"a mistake must cost more"):
        DecisionCost(**cost)


@given(
    st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=1), st.floats(0.1, 9), st.floats(0.1, 9)
)
def test_no_amount_costs_less_than_nothing(pairs, over, under):
    labels, scores = np.array(pairs).T
    assert row_costs(labels, scores, cost=ErrorCost(over=over, under=under), threshold=0).min() >= 0


def test_the_threshold_of_right_probabilities_weighs_the_mistakes():
    assert MISSES.threshold == 0.25
    assert DecisionCost(true_positive=5, false_positive=5, false_negative=20).threshold == 0.25


def test_the_cheapest_threshold_stands_halfway_between_two_scores():
    assert cheapest_threshold(array(0, 0, 1, 1), array(0.1, 0.2, 0.6, 0.9), MISSES) == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("labels", "scores", "nearest"),
    [((1, 0, 1), (0.2, 0.6, 0.9), 0.75), ((0, 1, 0), (0.1, 0.4, 0.8), 0.25)],
    ids=["0 or 0.75", "0.25 or 1"],
)
def test_of_equally_cheap_thresholds_the_nearest_to_that_of_right_probabilities_is_taken(labels, scores, nearest):
    cost = DecisionCost(false_positive=1, false_negative=1)
    assert cheapest_threshold(array(*labels), array(*scores), cost) == pytest.approx(nearest)


def total(labels: np.ndarray, scores: np.ndarray, cost: DecisionCost, threshold: float) -> float:
    return row_costs(labels, scores, cost=cost, threshold=threshold).sum()


def brute_force(labels: np.ndarray, scores: np.ndarray, cost: DecisionCost) -> float:
    """The least total cost of all decisions that a threshold can make: a yes from each score on, or none."""
    return min(total(labels, scores, cost, threshold) for threshold in [*scores, np.inf])


@given(
    st.lists(st.tuples(st.booleans(), st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.25, 0.5, 1.0]))), min_size=1),
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(-5, 0),
)
@example([(False, 1.0)], 1, 1, 0)
@example([(False, 0.5), (True, float(np.nextafter(0.5, 1)))], 1, 1, 0)
def test_no_threshold_is_cheaper_than_the_cheapest(rows, false_positive, false_negative, gain):
    labels, scores = np.array(rows, dtype=float).T
    cost = DecisionCost(true_positive=gain, false_positive=false_positive, false_negative=false_negative)
    chosen = cheapest_threshold(labels, scores, cost)
    assert total(labels, scores, cost, chosen) == brute_force(labels, scores, cost)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows, random):
    shuffled = random.sample(rows, len(rows))
    one, other = (cheapest_threshold(*np.array(each, dtype=float).T, MISSES) for each in (rows, shuffled))
    assert one == other
