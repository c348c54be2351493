import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepfit.evidence import LOSS, add_losses, collect, cut_windows, days_in_window
from tests.toys import toy_settings

OFFSETS = st.lists(st.integers(0, 500), min_size=1, max_size=60).map(sorted)
LENGTHS = st.sampled_from(["1h", "6h", "1D", "7D"])


def hours(*offsets: float) -> pd.Series:
    return pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(offsets, unit="h"))


def days(*offsets: float) -> pd.Series:
    return hours(*(24 * offset for offset in offsets))


def positions(windows: list[np.ndarray]) -> list[list[int]]:
    return [window.tolist() for window in windows]


def test_evidence_has_each_rows_features_time_label_and_score_whatever_their_indices_were():
    features = pd.DataFrame({"x": [1.0, 2.0]}, index=[7, 8])
    times = days(0, 1).set_axis([3, 4])
    evidence = collect(features, times=times, labels=np.array([0.0, 1.0]), scores=np.array([0.1, 0.9]), time="time")
    expected = pd.DataFrame({"x": [1.0, 2.0], "time": days(0, 1), "label": [0.0, 1.0], "score": [0.1, 0.9]})
    pd.testing.assert_frame_equal(evidence, expected)


def test_a_row_without_a_label_has_no_loss_and_the_others_have_the_objectives():
    evidence = pd.DataFrame({"label": [1.0, 0.0, np.nan], "score": [0.8, 0.8, 0.8]})
    losses = add_losses(evidence, toy_settings().objective, threshold=0.5)[LOSS]
    np.testing.assert_allclose(losses, [-np.log(0.8), -np.log(0.2), np.nan])


def test_a_loss_by_cost_depends_on_the_threshold_that_decides():
    settings = toy_settings(**{"objective.metric": "cost"})
    evidence = pd.DataFrame({"label": [1.0, 0.0], "score": [0.4, 0.4]})
    assert add_losses(evidence, settings.objective, threshold=0.3)[LOSS].tolist() == [0, 1]
    assert add_losses(evidence, settings.objective, threshold=0.5)[LOSS].tolist() == [2, 0]


def test_windows_of_rows_end_with_the_newest_and_leave_the_oldest_over():
    assert positions(cut_windows(days(*range(7)), 3)) == [[1, 2, 3], [4, 5, 6]]


def test_windows_of_time_reach_back_from_the_newest_row():
    assert positions(cut_windows(days(0, 1, 2, 3, 4), "2D")) == [[1, 2], [3, 4]]


def test_a_window_of_time_without_a_row_is_left_out():
    assert positions(cut_windows(days(0, 1, 8, 9), "2D")) == [[0, 1], [2, 3]]


def test_rows_a_step_apart_fill_the_window_of_as_many_steps():
    assert positions(cut_windows(hours(*range(168)), "7D")) == [list(range(168))]
    assert cut_windows(hours(*range(167)), "7D") == []


@pytest.mark.parametrize("times", [days(), days(0), days(0, 0, 0), days(0, 1)])
@pytest.mark.parametrize("span", [4, "4D"])
def test_fewer_rows_than_a_window_are_no_window(times, span):
    assert cut_windows(times, span) == []


@given(OFFSETS, st.integers(1, 70))
def test_windows_of_rows_are_whole_and_partition_the_newest_rows(offsets, span):
    windows = cut_windows(hours(*offsets), span)
    assert [len(window) for window in windows] == [span] * (len(offsets) // span)
    if windows:
        first = len(offsets) % span
        np.testing.assert_array_equal(np.concatenate(windows), np.arange(first, len(offsets)))


@given(OFFSETS, LENGTHS)
def test_windows_of_time_partition_the_newest_rows_and_none_is_longer_than_its_span(offsets, span):
    times = hours(*offsets)
    windows = cut_windows(times, span)
    for window in windows:
        assert times.iloc[window[-1]] - times.iloc[window[0]] < pd.Timedelta(span)
    if windows:
        joined = np.concatenate(windows)
        np.testing.assert_array_equal(joined, np.arange(joined[0], len(times)))


@given(OFFSETS, LENGTHS)
def test_a_row_is_in_the_window_of_its_age_and_rows_of_one_moment_are_never_parted(offsets, span):
    times = hours(*offsets)
    ages = (times.iloc[-1] - times) // pd.Timedelta(span)
    told = [set(ages.iloc[window]) for window in cut_windows(times, span)]
    assert all(len(each) == 1 for each in told)
    numbers = [each.pop() for each in told]
    assert numbers == sorted(set(numbers), reverse=True)


@given(OFFSETS, st.one_of(st.integers(1, 70), LENGTHS), st.integers(-9999, 9999))
def test_windows_do_not_depend_on_the_date(offsets, span, moved):
    moved_windows = cut_windows(hours(*offsets) + pd.Timedelta(hours=moved), span)
    assert positions(moved_windows) == positions(cut_windows(hours(*offsets), span))


@given(OFFSETS, st.integers(1, 70), st.integers(1, 30))
def test_older_rows_add_windows_of_rows_and_change_none(offsets, span, more):
    times = hours(*offsets)
    older = pd.concat([times.iloc[:1]] * more + [times], ignore_index=True)
    windows = [window - more for window in cut_windows(older, span)]
    newest = cut_windows(times, span)
    assert positions(windows[len(windows) - len(newest) :]) == positions(newest)


def test_a_window_lasts_as_many_days_as_it_says_or_as_its_rows_take():
    assert days_in_window(days(0, 1, 2), "36h") == 1.5
    assert days_in_window(days(0, 1, 2), 7) == 7
    assert days_in_window(days(0, 0.5, 1, 1.5), 28) == 14


def test_a_window_of_rows_of_one_moment_lasts_no_time_and_yet_more_than_none():
    assert 0 < days_in_window(days(0, 0), 10) < 1e-6
    assert 0 < days_in_window(days(0), 10) < 1e-6
