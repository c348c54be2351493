import numpy as np
import pandas as pd
import pytest

from keepfit.profile import MANY, Profile, draw_profile, rows_a_day
from tests.toys import toy_dataset, toy_rows


def days(*offsets: float) -> pd.Series:
    return pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(offsets, unit="D"))


def profile_of(window: int | str = 4, **columns) -> Profile:
    rows = pd.DataFrame(columns)
    return draw_profile(rows.assign(time=days(*range(len(rows)))), toy_dataset(), [*columns], window)


def test_a_column_of_numbers_has_its_ends():
    column = profile_of(x=[3.0, -1, np.nan, 2]).columns["x"]
    assert (column.low, column.high, column.categories) == (-1, 3, None)


def test_a_column_of_categories_has_those_that_occur():
    values = pd.Categorical(["b", "a", None, "b"], categories=["a", "b", "unused"])
    column = profile_of(c=values).columns["c"]
    assert (column.categories, column.low, column.high, column.moves) == (("a", "b"), None, None, False)


@pytest.mark.parametrize(("count", "kept"), [(MANY, True), (MANY + 1, False)])
def test_a_column_of_too_many_categories_is_text_and_its_values_are_not_kept(count, kept):
    column = profile_of(c=pd.Categorical([f"flight {number}" for number in range(count)])).columns["c"]
    assert (column.categories is not None) == kept


def test_the_share_missing_is_that_of_the_worst_window():
    values = [np.nan] * 2 + [1.0, np.nan, 2, 3] + [4.0, 5, np.nan, np.nan]
    # The first two rows are left over; one and then two of four are missing.
    assert profile_of(x=values).columns["x"].missing == 0.5


def test_a_column_without_a_value_has_neither_ends_nor_categories():
    columns = profile_of(x=[np.nan] * 4, c=pd.Categorical([None] * 4)).columns
    assert (columns["x"].missing, columns["x"].low, columns["x"].moves) == (1, None, False)
    assert (columns["c"].missing, columns["c"].categories) == (1, ())


@pytest.mark.parametrize(
    ("values", "moves"),
    [
        (range(20), True),
        ([5] * 20, False),
        ([*range(10), *[7] * 10], False),
        ([0, 0, 0, 1] * 5, True),
        ([np.nan] * 19 + [1], True),
    ],
)
def test_a_column_moves_where_it_does_so_in_every_window(values, moves):
    assert profile_of(10, x=np.array(values, float)).columns["x"].moves is moves


def test_the_calmest_and_the_busiest_window_are_in_rows_a_day():
    times = days(*range(10), *np.arange(10, 15, 0.5))
    profile = draw_profile(pd.DataFrame({"time": times, "x": 1.0}), toy_dataset(), ["x"], "5D")
    assert (profile.calmest, profile.busiest) == (1, 2)


def test_rows_fewer_than_a_window_are_one_window():
    profile = profile_of(100, x=[1.0, np.nan, 2, 3])
    assert profile.columns["x"].missing == 0.25
    assert profile.calmest == profile.busiest == 1


def test_the_time_is_no_column_to_look_at():
    profile = draw_profile(toy_rows(60), toy_dataset(), ["time", "x", "c"], 20)
    assert [*profile.columns] == ["x", "c"]


def test_a_profile_survives_the_file_that_it_is_kept_in():
    profile = draw_profile(toy_rows(60), toy_dataset(), ["time", "x", "c"], 20)
    kept = profile.model_dump(mode="json", exclude_none=True)
    assert Profile.model_validate(kept) == profile


def test_rows_a_day_are_counted_over_the_window_or_over_the_rows_themselves():
    assert rows_a_day(days(0, 1, 2), "6D") == 0.5
    assert rows_a_day(days(0, 0.5, 1), 3) == 2
