from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from keepfit.errors import TooFewRows
from keepfit.folds import Fold, split_holdout, time_folds

DAY = pd.Timedelta(days=1)


def days(n: int) -> pd.Series:
    return pd.Series(pd.date_range("2020-01-01", periods=n, freq="D"))


@st.composite
def moments(draw) -> pd.Series:
    """Times in order, several rows to some of them, with gaps."""
    steps = draw(st.lists(st.sampled_from([0, 0, 1, 1, 1, 2, 9]), min_size=5, max_size=80))
    return pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(np.cumsum(steps), unit="D"))


def folds_or_none(times: pd.Series, **options) -> list[Fold]:
    try:
        return time_folds(times, **options)
    except TooFewRows:
        # Nothing is split, so there is nothing to hold true.
        assume(False)
        raise


def holdout_or_none(times: pd.Series, **options) -> Fold:
    try:
        return split_holdout(times, **options)
    except TooFewRows:
        assume(False)
        raise


def require_embargo(times: pd.Series, fold: Fold, horizon: int | str) -> None:
    if isinstance(horizon, int):
        assert fold.train.max() + horizon < fold.test.min()
    else:
        assert times[fold.train.max()] + pd.Timedelta(horizon) < times[fold.test.min()]
    assert times[fold.train.max()] < times[fold.test.min()]


def test_folds_have_exact_positions():
    folds = time_folds(days(8), count=3, horizon=1)
    assert [fold.train.tolist() for fold in folds] == [[0], [0, 1, 2], [0, 1, 2, 3, 4]]
    assert [fold.test.tolist() for fold in folds] == [[2, 3], [4, 5], [6, 7]]


def test_a_horizon_of_time_keeps_rows_whose_label_is_not_known_before_the_test():
    first, _ = time_folds(days(9), count=2, horizon="1D")
    # Row 2 comes to know its label on the very day on which the test side begins.
    assert (first.train.tolist(), first.test.tolist()) == ([0, 1], [3, 4, 5])


@pytest.mark.parametrize("holdout", [3, "3D"])
def test_the_holdout_is_the_newest_rows(holdout):
    fold = split_holdout(days(10), holdout=holdout, horizon=2)
    assert (fold.train.tolist(), fold.test.tolist()) == ([0, 1, 2, 3, 4], [7, 8, 9])


def test_a_holdout_of_rows_takes_in_the_whole_of_its_first_moment():
    times = days(4).repeat(3).reset_index(drop=True)
    fold = split_holdout(times, holdout=4, horizon=0)
    assert (fold.train.tolist(), fold.test.tolist()) == ([0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11])


@given(moments(), st.integers(1, 5), st.one_of(st.integers(0, 4), st.sampled_from(["0D", "1D", "36h", "5D"])))
def test_training_rows_come_before_test_rows_with_the_horizon_between(times, count, horizon):
    for fold in folds_or_none(times, count=count, horizon=horizon):
        require_embargo(times, fold, horizon)


@given(moments(), st.integers(1, 5), st.integers(0, 3))
def test_test_rows_are_disjoint_in_order_and_reach_the_end(times, count, horizon):
    folds = folds_or_none(times, count=count, horizon=horizon)
    tested = np.concatenate([fold.test for fold in folds])
    assert tested.tolist() == list(range(tested[0], len(times)))
    assert len(folds) == count


@given(moments(), st.integers(2, 5), st.integers(0, 3))
def test_training_sides_grow_from_the_first_row(times, count, horizon):
    sides = [fold.train for fold in folds_or_none(times, count=count, horizon=horizon)]
    for earlier, later in pairwise(sides):
        assert earlier.tolist() == later[: len(earlier)].tolist() == list(range(len(earlier)))
        assert len(later) > len(earlier)


@given(moments(), st.one_of(st.integers(1, 30), st.sampled_from(["1D", "10D"])), st.sampled_from([0, 1, 3, "1D", "4D"]))
def test_the_holdout_ends_the_table_and_its_labels_are_embargoed(times, holdout, horizon):
    fold = holdout_or_none(times, holdout=holdout, horizon=horizon)
    require_embargo(times, fold, horizon)
    assert fold.test.tolist() == list(range(fold.test[0], len(times)))
    if isinstance(holdout, int):
        assert len(fold.test) >= holdout
    else:
        assert times[fold.test[0]] > times.iloc[-1] - pd.Timedelta(holdout) >= times[fold.test[0] - 1]


@given(moments(), st.sampled_from([0, 1, "1D"]))
def test_no_moment_is_on_both_sides(times, horizon):
    folds = [
        *folds_or_none(times, count=3, horizon=horizon),
        holdout_or_none(times, holdout=len(times) // 3, horizon=horizon),
    ]
    for fold in folds:
        assert set(times[fold.train]).isdisjoint(times[fold.test])


@pytest.mark.parametrize(
    ("rows", "count", "horizon"), [(3, 5, 0), (10, 2, 4), (10, 2, "30D")], ids=["rows", "embargo", "time"]
)
def test_folds_that_leave_a_side_empty_are_refused_with_the_numbers(rows, count, horizon):
    with pytest.raises(TooFewRows, match=f"train.folds: {count} folds of {rows} rows"):
        time_folds(days(rows), count=count, horizon=horizon)


def test_rows_of_one_moment_cannot_be_split():
    times = pd.Series([pd.Timestamp("2020-01-01")] * 20)
    with pytest.raises(TooFewRows, match=r"train.folds"):
        time_folds(times, count=2, horizon=0)
    with pytest.raises(TooFewRows, match=r"train.holdout"):
        split_holdout(times, holdout=5, horizon=0)


@pytest.mark.parametrize("holdout", [0, 10, 11, "10D", "0D"])
def test_a_holdout_that_leaves_a_side_empty_is_refused(holdout):
    with pytest.raises(TooFewRows, match=f"train.holdout: {holdout} of 10 labelled rows"):
        split_holdout(days(10), holdout=holdout, horizon=0)
