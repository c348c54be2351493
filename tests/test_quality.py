"""The rules against broken rows: each breaks alone, where it should and nowhere else."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepfit.profile import ColumnProfile, Profile, draw_profile
from keepfit.quality import Rule, check_quality
from tests.toys import toy_dataset, toy_rows, toy_settings

LIMITS = toy_settings().drift.quality
RULES = ["quarantined", "missing", "new_categories", "out_of_range", "stale"]
VOLUME = ["too many rows a day", "too few rows a day, in days a row"]


def trained() -> pd.DataFrame:
    """200 rows a day apart: an x about nought, a positive price and a category."""
    rows = toy_rows(200)
    return rows.assign(price=100 + 10 * rows.x)


def fresh(rows: int = 40) -> pd.DataFrame:
    """Rows like those of the training."""
    new = toy_rows(rows, seed=5)
    return new.assign(price=100 + 10 * new.x)


TIMES = trained().time[:20]
PROFILE = draw_profile(trained(), toy_dataset(), ["x", "price", "c"], 20)


def check(rows: pd.DataFrame, *, window: int | str | None = 40, set_aside: int = 0) -> list[Rule]:
    return check_quality(rows, PROFILE, LIMITS, time="time", window=window, set_aside=set_aside)


def broken(rows: pd.DataFrame, **options) -> list[tuple[str, str | None]]:
    return [(each.rule, each.column) for each in check(rows, **options) if each.broken]


def some(values: pd.Series, share: float, other) -> pd.Series:
    """The values with the first of them, this share, replaced."""
    return values.astype(object).where(np.arange(len(values)) >= round(share * len(values)), other)


def letters(values: pd.Series, share: float, other) -> pd.Series:
    return some(values, share, other).astype("category")


def numbers(values: pd.Series, share: float, other: float) -> pd.Series:
    return some(values, share, other).astype(float)


def test_calm_rows_break_nothing_and_every_rule_is_told():
    told = check(fresh())
    assert [each.rule for each in told] == RULES + VOLUME
    assert not any(each.broken for each in told)


def test_how_many_rows_there_are_is_judged_of_a_whole_window_only():
    assert [each.rule for each in check(fresh(), window=None)] == RULES


@pytest.mark.parametrize(
    ("column", "change", "rule"),
    [
        ("x", lambda values: numbers(values, 0.2, np.nan), "missing"),
        ("price", lambda values: numbers(values, 1, np.nan), "missing"),
        ("c", lambda values: letters(values, 0.2, None), "missing"),
        ("c", lambda values: letters(values, 0.1, "stranger"), "new_categories"),
        ("price", lambda values: values * 1000, "out_of_range"),
        ("price", lambda values: values / 1000, "out_of_range"),
        ("price", lambda values: numbers(values, 0.05, -1), "out_of_range"),
        ("price", lambda values: numbers(values, 0.05, 0), "out_of_range"),
        ("x", lambda values: values + 1000, "out_of_range"),
        ("x", lambda values: numbers(values, 0.05, -np.inf), "out_of_range"),
        ("x", lambda values: numbers(values, 1, 0.5), "stale"),
    ],
)
def test_a_broken_column_breaks_its_rule_alone(column, change, rule):
    rows = fresh()
    assert broken(rows.assign(**{column: change(rows[column])})) == [(rule, column)]


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("x", lambda values: numbers(values, 0.1, np.nan)),
        ("c", lambda values: letters(values, 0.05, "stranger")),
        ("c", lambda values: letters(values, 1, "a")),
        ("x", lambda values: values + 3),
        ("x", lambda values: values * 2),
        ("price", lambda values: values * 1.5),
        ("x", lambda values: numbers(values, 0.5, 0.5)),
    ],
)
def test_what_is_merely_different_is_not_broken(column, change):
    rows = fresh()
    assert broken(rows.assign(**{column: change(rows[column])})) == []


def test_a_column_may_miss_what_its_worst_window_of_training_missed_and_a_tenth_more():
    known = Profile(columns={"x": ColumnProfile(missing=0.3)}, calmest=1, busiest=1)
    for share, expected in [(0.4, False), (0.45, True)]:
        rows = fresh().assign(x=numbers(fresh().x, share, np.nan))
        (rule,) = [
            each for each in check_quality(rows, known, LIMITS, time="time", window=None) if each.rule == "missing"
        ]
        assert (rule.seen, rule.allowed, rule.broken) == (share, pytest.approx(0.4), expected)


def test_of_several_columns_the_worst_is_told():
    rows = fresh()
    rows = rows.assign(x=numbers(rows.x, 0.3, np.nan), price=numbers(rows.price, 0.6, np.nan))
    assert [(each.column, each.seen) for each in check(rows) if each.rule == "missing"] == [("price", 0.6)]


def test_a_column_that_never_moved_may_stand_still_and_one_of_text_may_bring_new_words():
    rows = pd.DataFrame({"time": trained().time, "level": 3.0, "word": [f"word {n}" for n in range(200)]})
    known = Profile(
        columns={"level": ColumnProfile(missing=0, low=3, high=3), "word": ColumnProfile(missing=0)},
        calmest=1,
        busiest=1,
    )
    assert not any(each.broken for each in check_quality(rows, known, LIMITS, time="time", window=200))


def test_rows_that_come_too_often_or_too_seldom_break_the_volume():
    rows = fresh()
    start = rows.time.iloc[0]
    for hours, expected in [(1, [VOLUME[0]]), (9, []), (24, []), (71, []), (96, [VOLUME[1]])]:
        times = start + pd.to_timedelta(np.arange(len(rows)) * hours, unit="h")
        assert [rule for rule, _ in broken(rows.assign(time=times))] == expected


def test_a_window_of_time_is_as_busy_as_its_rows():
    rows = fresh()
    assert broken(rows, window="40D") == []
    assert broken(rows[:10], window="40D") == [(VOLUME[1], None)]
    assert broken(rows, window="10D") == [(VOLUME[0], None)]


def test_rows_set_aside_count_beside_those_that_are_not():
    for set_aside, expected in [(0, []), (2, []), (3, [("quarantined", None)])]:
        assert broken(fresh(), set_aside=set_aside) == expected


def test_where_every_row_was_set_aside_that_is_what_is_told():
    assert broken(fresh()[:0], window=None, set_aside=40) == [("quarantined", None)]


@given(st.floats(1e-6, 1e6), st.floats(3, 1e3), st.floats(1e-6, 1e6))
def test_a_range_of_positive_numbers_is_judged_in_factors_whatever_the_unit(low, ratio, unit):
    for value, expected in [
        (low, False),
        (low * ratio**1.9, False),
        (low * ratio**2.1, True),
        (low / ratio**0.9, False),
        (low / ratio**1.1, True),
    ]:
        for factor in (1, unit):
            rows = pd.DataFrame({"time": TIMES, "x": value * factor})
            known = Profile(
                columns={"x": ColumnProfile(missing=0, low=low * factor, high=low * ratio * factor)},
                calmest=1,
                busiest=1,
            )
            (rule,) = [
                each
                for each in check_quality(rows, known, LIMITS, time="time", window=None)
                if each.rule == "out_of_range"
            ]
            assert rule.broken == expected
