import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, t

from keepfit.alarms import chance_a_window, columns_of, in_deviations, judge_windows

NAMES = ["loss", "calibration", "feature x"]


def alone(*values: float, name: str = "loss") -> pd.DataFrame:
    return pd.DataFrame({name: np.array(values, float)})


def normal(windows: int, *, seed: int = 1, checks: int = 3) -> pd.DataFrame:
    names = [f"feature {place}" for place in range(checks)]
    return pd.DataFrame(np.random.default_rng(seed).normal(size=(windows, checks)), columns=names)


def test_features_stand_for_one_statistic_a_feature_and_what_the_history_lacks_is_left_out():
    history = pd.DataFrame(columns=["first", "loss", "errors", "feature x", "feature c"])
    assert columns_of(("features", "loss"), history) == ["loss", "feature x", "feature c"]
    assert columns_of(("loss", "prediction"), history) == ["loss"]
    assert columns_of((), history) == []


def test_one_statistic_alarms_exactly_where_it_is_among_the_foremost_of_its_history():
    history = alone(0, 3, 1, 2)
    # Of five windows that are alike the newest is the highest with a chance of one in five.
    assert judge_windows(history, alone(2.9, 3.1), ["loss"], 0.2).alarms.loss.tolist() == [False, True]
    assert judge_windows(history, alone(1.9, 2.1), ["loss"], 0.4).alarms.loss.tolist() == [False, True]


def test_the_p_value_is_the_share_of_windows_as_far_out_the_new_one_among_them():
    judged = judge_windows(alone(0, 3, 1, 2), alone(-1, 1.5, 4), ["loss"], 0.5)
    assert judged.p_values.loss.tolist() == [1, 3 / 5, 1 / 5]


@pytest.mark.parametrize(
    ("windows", "chance", "support"),
    [
        (0, 0.5, "none"),
        (3, 0.2, "none"),
        (3, 0.25, "history"),
        (4, 0.1, "few windows"),
        (9, 0.1, "history"),
        (99, 0.01, "history"),
        (98, 0.01, "few windows"),
    ],
)
def test_a_place_in_the_history_needs_as_many_windows_as_the_chance_asks_for(windows, chance, support):
    history = normal(windows)
    assert judge_windows(history, normal(1), list(history), chance).support == support


@pytest.mark.parametrize("checks", [1, 3, 20])
@pytest.mark.parametrize(("windows", "chance"), [(12, 0.1), (40, 0.05)])
def test_however_many_checks_there_are_calm_windows_alarm_as_seldom_as_the_chance_says(checks, windows, chance):
    heard = 0
    for seed in range(400):
        drawn = normal(windows + 1, seed=seed, checks=checks)
        judged = judge_windows(drawn[:windows], drawn[windows:], list(drawn), chance)
        heard += judged.alarms.to_numpy().any()
    # The chance itself, and what 400 draws may lie off it once in ten thousand times.
    assert heard <= binom.ppf(0.9999, 400, chance)


def test_with_few_windows_the_bar_is_the_prediction_limit_of_a_t_distribution():
    judged = judge_windows(alone(0, 1, 2, 3, 4), alone(2), ["loss"], 0.01)
    limit = t(4).isf(0.01) * np.sqrt(1 + 1 / 5)
    assert judged.bars.iloc[0] == pytest.approx(limit)
    assert judged.thresholds.loss.iloc[0] == pytest.approx(2 + limit * np.std([0, 1, 2, 3, 4], ddof=1))


def test_with_too_few_windows_nothing_is_known_and_nothing_alarms():
    judged = judge_windows(normal(3), normal(2), ["feature 0"], 0.01)
    assert judged.p_values.isna().all(axis=None)
    assert not judged.alarms.any(axis=None)


@pytest.mark.parametrize(("name", "sounds"), [("loss", False), ("calibration", True), ("surprise", True)])
def test_a_loss_that_falls_is_no_alarm_and_a_bias_to_either_side_is(name, sounds):
    history = alone(*np.linspace(-1, 1, 20), name=name)
    assert judge_windows(history, alone(-9, name=name), [name], 0.1).alarms[name].iloc[0] == sounds
    assert judge_windows(history, alone(9, name=name), [name], 0.1).alarms[name].iloc[0]


def test_a_statistic_that_could_not_be_measured_neither_alarms_nor_hides_another():
    history = normal(30)
    new = pd.DataFrame({"feature 0": [np.nan], "feature 1": [9.0], "feature 2": [0.0]})
    judged = judge_windows(history, new, list(history), 0.1)
    assert judged.alarms.iloc[0].tolist() == [False, True, False]
    assert np.isnan(judged.p_values["feature 0"].iloc[0])
    blind = judge_windows(history.assign(**{"feature 0": np.nan}), normal(1) + 9, list(history), 0.1)
    assert blind.alarms.iloc[0].tolist() == [False, True, True]


@given(
    history=st.lists(st.lists(st.floats(-9, 9), min_size=3, max_size=3), min_size=4, max_size=25),
    new=st.lists(st.floats(-9, 9), min_size=3, max_size=3),
    chance=st.sampled_from([0.01, 0.05, 0.2, 0.5]),
)
def test_an_alarm_is_a_statistic_beyond_its_threshold_and_a_p_value_within_the_chance(history, new, chance):
    judged = judge_windows(pd.DataFrame(history, columns=NAMES), pd.DataFrame([new], columns=NAMES), NAMES, chance)
    for name, value in zip(NAMES, new, strict=True):
        size = abs(value) if name == "calibration" else value
        if abs(size - judged.thresholds[name].iloc[0]) > 1e-6:
            assert judged.alarms[name].iloc[0] == (size > judged.thresholds[name].iloc[0])
    furthest = judged.far_out.iloc[0].idxmax()
    if judged.support == "history" and judged.alarms[furthest].iloc[0]:
        assert judged.p_values[furthest].iloc[0] <= chance


@given(order=st.permutations(range(12)))
def test_the_order_of_the_history_does_not_matter(order):
    history, new = normal(12), normal(3, seed=2)
    shuffled = judge_windows(history.iloc[order], new, list(history), 0.2)
    pd.testing.assert_frame_equal(shuffled.p_values, judge_windows(history, new, list(history), 0.2).p_values)


def test_a_window_is_judged_alone_whatever_other_windows_are_judged_with_it():
    history, new = normal(20), normal(4, seed=3)
    one = judge_windows(history, new.tail(1), list(history), 0.2)
    pd.testing.assert_frame_equal(one.far_out, judge_windows(history, new, list(history), 0.2).far_out.tail(1))


def test_the_history_is_shown_in_its_own_standard_deviations():
    assert in_deviations(alone(1, 2, 3), ["loss"])["loss"].tolist() == [-1, 0, 1]


@given(k=st.integers(1, 5), extra=st.integers(0, 5), days=st.floats(1, 90), budget=st.floats(0.1, 2))
def test_k_of_n_windows_alarm_as_often_as_the_budget_says(k, extra, days, budget):
    chance = chance_a_window(budget, days, k=k, n=k + extra)
    assert binom.sf(k - 1, k + extra, chance) == pytest.approx(min(budget * days / 365.25, 0.5))


def test_a_budget_of_next_to_nothing_is_a_chance_of_next_to_nothing():
    assert 0 < chance_a_window(1, 1e-9, k=2, n=3) < 1e-4
