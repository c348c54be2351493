import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binom, t

from keepfit.alarms import Bar, chance_a_window, columns_of, set_bar

NAMES = ["loss", "calibration", "feature x"]
VALUES = st.floats(-10, 10).map(lambda value: round(value, 3))
HISTORIES = arrays(float, st.tuples(st.integers(4, 25), st.just(3)), elements=VALUES)
SEEN = arrays(float, st.tuples(st.integers(1, 6), st.just(3)), elements=VALUES)
CHANCES = st.sampled_from([0.01, 0.05, 0.2, 0.5])
MEMORIES = st.sampled_from([0.25, 0.5, 1])
fewer = hypothesis_settings(max_examples=25)


def frame(values) -> pd.DataFrame:
    return pd.DataFrame(values, columns=NAMES)


def alone(*values: float, name: str = "loss") -> pd.DataFrame:
    return pd.DataFrame({name: np.array(values, float)})


def alarms(bar: Bar, seen: pd.DataFrame) -> pd.DataFrame:
    return bar.far_out(seen) > bar.height


def sounds(bar: Bar, seen: pd.DataFrame) -> bool:
    return bool(alarms(bar, seen).iloc[-1].any())


def normal(windows: int, *, seed: int = 1) -> pd.DataFrame:
    return frame(np.random.default_rng(seed).normal(size=(windows, 3)))


def test_features_stand_for_one_statistic_a_feature_and_what_the_history_lacks_is_left_out():
    history = pd.DataFrame(columns=["first", "loss", "errors", "feature x", "feature c"])
    assert columns_of(("features", "loss"), history) == ["loss", "feature x", "feature c"]
    assert columns_of(("loss", "prediction"), history) == ["loss"]
    assert columns_of((), history) == []


def test_the_bar_of_one_statistic_is_as_high_as_its_highest_windows():
    history = alone(0, 3, 1, 2)
    # Of five windows that are alike the newest is the highest with a chance of one in five.
    assert set_bar(history, ["loss"], 0.2, memory=1).threshold("loss", 0) == pytest.approx(3)
    assert set_bar(history, ["loss"], 0.4, memory=1).threshold("loss", 0) == pytest.approx(2)


def test_how_far_out_is_counted_in_standard_deviations_of_the_history():
    bar = set_bar(alone(1, 2, 3), ["loss"], 0.5, memory=1)
    assert bar.far_out(alone(2, 5))["loss"].tolist() == [0, 3]


@pytest.mark.parametrize(
    ("windows", "chance", "support"),
    [
        (0, 0.5, "none"),
        (3, 0.2, "none"),
        (3, 0.25, "history"),
        (4, 0.1, "few windows"),
        (8, 0.1, "few windows"),
        (9, 0.1, "history"),
        (99, 0.01, "history"),
        (98, 0.01, "few windows"),
    ],
)
def test_a_quantile_needs_as_many_windows_as_the_chance_asks_for(windows, chance, support):
    assert set_bar(normal(windows), NAMES, chance, memory=1).support == support


def test_of_few_windows_the_bar_is_a_quantile_of_a_t_distribution_through_them():
    bar = set_bar(alone(0, 1, 2, 3, 4), ["loss"], 0.01, memory=1)
    # Mean 0 and deviation 1 in standard deviations, and one more value to come: sqrt(1 + 1/5).
    assert bar.height == pytest.approx(t(4).isf(0.01) * np.sqrt(1.2))
    assert bar.threshold("loss", 0) == pytest.approx(2 + np.sqrt(2.5) * bar.height)
    assert bar.p_value(bar.height) == pytest.approx(0.01)


def test_without_support_nothing_alarms_and_there_is_no_p_value():
    bar = set_bar(normal(3), NAMES, 0.01, memory=1)
    assert not sounds(bar, frame([[1e9] * 3]))
    assert np.isnan(bar.p_value(1e9))


@pytest.mark.parametrize(("windows", "chance"), [(19, 0.1), (9, 0.1), (12, 0.3), (99, 0.05)])
def test_a_window_like_those_of_the_history_passes_the_bar_as_seldom_as_wanted(windows, chance):
    draw, shares = np.random.default_rng(5), []
    for _ in range(100):
        bar = set_bar(alone(*draw.gamma(2, size=windows)), ["loss"], chance, memory=1)
        shares.append(alarms(bar, alone(*draw.gamma(2, size=200))).to_numpy().mean())
    rank = int(chance * (windows + 1))
    assert np.mean(shares) == pytest.approx(rank / (windows + 1), abs=3.5 * np.std(shares) / np.sqrt(100))
    assert np.mean(shares) < chance + 0.015


@fewer
@given(HISTORIES, SEEN, CHANCES, MEMORIES)
def test_an_alarm_is_an_average_beyond_the_threshold_in_the_statistics_own_unit(history, seen, chance, memory):
    bar = set_bar(frame(history), NAMES, chance, memory=memory)
    far, levels, sounding = bar.far_out(frame(seen)), bar.levels(frame(seen)), alarms(bar, frame(seen))
    for name in NAMES:
        for window, level in enumerate(levels[name]):
            threshold = bar.threshold(name, level)
            centre, spread = bar.centre[name], bar.spread[name]
            assume(abs(far[name][window] - bar.height) > 1e-6 and spread > 1e-6)
            below = name == "calibration" and level < centre
            assert sounding[name][window] == (level < threshold if below else level > threshold)


@fewer
@given(HISTORIES, SEEN, CHANCES, MEMORIES)
def test_the_furthest_check_is_in_alarm_where_its_p_value_is_within_the_chance(history, seen, chance, memory):
    bar = set_bar(frame(history), NAMES, chance, memory=memory)
    furthest = bar.far_out(frame(seen)).max(axis=1)
    for far in furthest:
        assume(abs(far - bar.height) > 1e-9)
        assert (far > bar.height) == (bar.p_value(far) <= chance)


@fewer
@given(HISTORIES, SEEN, CHANCES, MEMORIES)
def test_alarms_do_not_depend_on_a_statistics_unit_or_origin(history, seen, chance, memory):
    bar = set_bar(frame(history), NAMES, chance, memory=memory)
    other = set_bar(frame(history) * 8 + 64, NAMES, chance, memory=memory)
    assume(((bar.spread > 1e-6) & (other.spread > 1e-6)).all())
    far, moved = bar.far_out(frame(seen)), other.far_out(frame(seen) * 8 + 64)
    np.testing.assert_allclose(moved, far, atol=1e-6, rtol=1e-6)
    assert other.height == pytest.approx(bar.height, abs=1e-6)


@fewer
@given(HISTORIES, CHANCES)
def test_one_sided_statistics_never_sound_downwards(history, chance):
    bar = set_bar(frame(history)[["loss"]], ["loss"], chance, memory=1)
    assert not sounds(bar, alone(history[:, 0].min() - 1000))


@fewer
@given(HISTORIES, st.floats(0, 50), CHANCES)
def test_calibration_and_surprise_sound_upwards_as_they_do_downwards(history, moved, chance):
    for name in ("calibration", "surprise"):
        bar = set_bar(alone(*history[:, 1], name=name), [name], chance, memory=1)
        up, down = (bar.far_out(alone(bar.centre[name] + each, name=name)).iloc[0, 0] for each in (moved, -moved))
        assert up == pytest.approx(down, rel=1e-6, abs=1e-6)


def test_a_fall_of_calibration_has_its_threshold_below_the_centre_and_a_fall_of_the_loss_above():
    bar = set_bar(normal(50), NAMES, 0.1, memory=1)
    assert bar.threshold("calibration", -9) < bar.centre["calibration"] < bar.threshold("calibration", 9)
    assert bar.threshold("loss", -9) == bar.threshold("loss", 9) > bar.centre["loss"]


@fewer
@given(HISTORIES, SEEN, CHANCES, MEMORIES)
def test_a_check_that_is_not_known_never_alarms_and_hides_no_other(history, seen, chance, memory):
    bar = set_bar(frame(history), NAMES, chance, memory=memory)
    unknown = frame(seen).assign(loss=np.nan)
    assert not alarms(bar, unknown)["loss"].any()
    others = ["calibration", "feature x"]
    pd.testing.assert_frame_equal(bar.far_out(unknown)[others], bar.far_out(frame(seen))[others])
    assert np.isnan(bar.p_value(bar.far_out(unknown)["loss"].iloc[-1]))


def test_a_check_that_the_history_lacks_never_alarms_and_hides_no_other():
    history = normal(30).drop(columns="loss")
    bar = set_bar(history, NAMES, 0.1, memory=1)
    assert alarms(bar, frame([[99, 99, 0]])).iloc[0].tolist() == [False, True, False]
    assert bar.height == set_bar(history, ["calibration", "feature x"], 0.1, memory=1).height


def test_a_check_that_the_batch_lacks_never_alarms_and_hides_no_other():
    bar = set_bar(normal(30), NAMES, 0.1, memory=1)
    assert alarms(bar, pd.DataFrame({"calibration": [99.0]})).iloc[0].tolist() == [False, True, False]


def test_a_window_of_the_history_in_which_nothing_is_known_does_not_count():
    history = normal(8)
    padded = pd.concat([history, frame([[np.nan] * 3] * 5)], ignore_index=True)
    bar, same = (set_bar(each, NAMES, 0.1, memory=0.25) for each in (history, padded))
    assert (same.height, same.support) == (bar.height, "few windows")


def test_a_gap_in_the_history_of_one_check_leaves_the_windows_to_the_others():
    history = normal(30)
    history.loc[5:, "loss"] = np.nan
    bar = set_bar(history, NAMES, 0.05, memory=1)
    assert (len(bar.furthest), bar.support) == (30, "history")
    assert not np.isnan(bar.furthest).any()


def test_a_statistic_that_never_moved_alarms_when_it_rises_and_only_then():
    bar = set_bar(alone(*[0.0] * 20), ["loss"], 0.1, memory=1)
    assert alarms(bar, alone(0, 0.01, -0.01, 0))["loss"].tolist() == [False, True, False, False]


def test_the_weight_of_a_window_falls_with_each_newer_one():
    bar = set_bar(alone(-1, 0, 1), ["loss"], 0.5, memory=0.5)
    # 4 at full weight; then at half beside 0; then at a quarter beside 0 at a half and 0.
    assert bar.levels(alone(4, 0, 0))["loss"].tolist() == pytest.approx([4, 4 / 3, 4 / 7])


def test_full_memory_of_the_newest_window_forgets_all_others():
    bar = set_bar(alone(-1, 0, 1), ["loss"], 0.5, memory=1)
    assert bar.levels(alone(9, 9, 2))["loss"].tolist() == [9, 9, 2]


def test_a_window_without_labels_is_not_in_alarm_and_does_not_break_the_average():
    bar = set_bar(alone(-1, 0, 1), ["loss"], 0.5, memory=0.5)
    levels = bar.levels(alone(4, np.nan, 0))["loss"]
    assert np.isnan(levels[1])
    assert levels[2] == pytest.approx(4 / 3)


def test_a_small_shift_that_lasts_is_seen_with_a_memory_and_missed_without():
    history = alone(*np.random.default_rng(3).normal(size=400))
    shifted = alone(*np.random.default_rng(4).normal(size=40) + 1.5)
    slow, fast = (alarms(set_bar(history, ["loss"], 0.02, memory=m), shifted)["loss"] for m in (0.25, 1))
    assert slow.mean() > 0.8
    assert fast.mean() < 0.4


@given(st.floats(0.01, 50), st.floats(0.01, 90))
def test_a_single_window_gets_the_years_budget_by_its_days_and_never_more_than_half(budget, days):
    assert chance_a_window(budget, days, k=1, n=1) == min(0.5, budget * days / 365.25)


@given(st.floats(0.01, 20), st.floats(0.1, 90), st.integers(1, 8), st.data())
def test_k_of_n_windows_sound_as_seldom_as_one_would(budget, days, n, data):
    k = data.draw(st.integers(1, n))
    chance = chance_a_window(budget, days, k=k, n=n)
    assert binom.sf(k - 1, n, chance) == pytest.approx(chance_a_window(budget, days, k=1, n=1), rel=1e-6, abs=1e-9)


def test_to_ask_for_more_of_the_windows_lowers_the_bar_of_each():
    chances = [chance_a_window(2, 7, k=k, n=4) for k in (1, 2, 3, 4)]
    assert chances == sorted(chances)
    assert chances[0] < chance_a_window(2, 7, k=1, n=1) < chances[-1]
