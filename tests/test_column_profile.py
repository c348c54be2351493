import numpy as np
import pandas as pd
import pytest

from keepfit.column_profile import profile

N = 400
DAYS = pd.date_range("2020-01-01", periods=N, freq="17h")


def kind_of(values, name: str = "column", **options) -> str:
    return profile(pd.Series(values, name=name), **options).kind


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2, 3] * 20, "int"),
        ([1.0, np.nan, 3.0] * 20, "int"),
        ([1.5, 2.0] * 20, "float"),
        ([0, 1] * 20, "bool"),
        (["yes", "no", None] * 20, "bool"),
        ([True, False] * 20, "bool"),
        (["a", "b", "c"] * 20, "category"),
        ([None] * 20, "empty"),
        (["1.5", "2.5", "7"] * 20, "float"),
        ([f"the order of day {n} came late" for n in range(N)], "text"),
        (DAYS, "datetime"),
        (["01009", "1009", "00501"] * 20, "category"),
        ([745000000000000001, 745000000000000002] * 20, "category"),
        (["745000000000000001", "745000000000000002"] * 20, "category"),
        ([10**20, 1] * 20, "category"),
        ([6.02e23, 1e20] * 20, "float"),
        (["1", "", "3"] * 20, "int"),
        (["DE", "NA", ""] * 20, "category"),
    ],
)
def test_a_column_is_known_by_its_values(values, kind):
    assert kind_of(values) == kind


def test_long_numbers_that_are_times_are_times():
    moments = [1_700_000_000_000_000_000 + n * 86_400 * 10**9 for n in range(N)]
    assert kind_of(moments, "created_at") == "datetime"
    assert kind_of([str(each) for each in moments], "created_at") == "datetime"


def test_an_empty_text_is_a_missing_value_and_no_level():
    found = profile(pd.Series(["a", "", "b", None] * 20, name="x"))
    assert (found.missing, found.levels) == (40, ("a", "b"))


@pytest.mark.parametrize(
    ("form", "name"),
    [
        (None, "t"),
        ("%d/%m/%Y %H:%M", "t"),
        ("%m/%d/%Y", "t"),
        ("%d.%m.%y", "t"),
        ("%d %b %Y", "t"),
        ("%b %d, %Y", "t"),
    ],
)
def test_a_time_is_known_by_its_form(form, name):
    text = DAYS.strftime(form) if form else DAYS.astype(str)
    found = profile(pd.Series(text, name=name))
    assert (found.kind, found.form.form) == ("datetime", form)


@pytest.mark.parametrize(("unit", "scale"), [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
def test_a_number_of_seconds_is_a_time_where_its_name_or_a_person_says_so(unit, scale):
    numbers = DAYS.astype("int64") // 10**9 * scale
    assert profile(pd.Series(numbers, name="created_at")).form.form == unit
    assert profile(pd.Series(numbers, name="n"), as_time=True).form.form == unit
    # Nanoseconds since 1970 are more than a number keeps.
    assert kind_of(numbers, "n") == ("category" if unit == "ns" else "int")


def test_times_of_two_forms_are_mixed():
    texts = np.where(np.arange(N) % 2, DAYS.strftime("%Y-%m-%d"), DAYS.strftime("%d %b %Y"))
    assert profile(pd.Series(texts, name="t")).form.form == "mixed"


def test_a_date_that_could_be_read_either_way_tells_the_other_one():
    found = profile(pd.Series(["01/02/2020", "01/02/2020"] * 20, name="t"))
    assert found.kind == "datetime"
    assert {found.form.form, found.form.other} == {"%d/%m/%Y", "%m/%d/%Y"}


@pytest.mark.parametrize(
    ("name", "values", "names"),
    [
        ("anything", range(N), True),
        ("customer_id", np.arange(N) * 3 % 350 + 1000, True),
        ("customerId", np.arange(N) * 3 % 350 + 1000, True),
        ("shop_id", np.arange(N) % 5, False),
        ("amount", np.arange(N) * 7 % 350 + 1000, False),
        ("who", [f"u{n}" for n in range(N)], True),
        ("town", [f"town {n % 150}" for n in range(N)], False),
        ("x", np.random.default_rng(0).normal(size=N), False),
        ("Unnamed: 0", range(5, N + 5), True),
        ("paid", np.arange(N) % 40, False),
    ],
)
def test_what_names_rows_is_told_from_what_measures_them(name, values, names):
    assert profile(pd.Series(values, name=name)).names_rows is names


def test_a_few_values_that_are_no_numbers_are_counted():
    found = profile(pd.Series([*map(str, range(N)), "?", "-"], name="x"))
    assert (found.kind, found.unreadable, found.low, found.high) == ("int", 2, 0, N - 1)


def test_one_and_the_text_one_are_the_same_level():
    found = profile(pd.Series(["a", 1, "1", 1.0, "a", "a", "a"] * 10, name="x"))
    assert dict(zip(found.levels, found.counts, strict=True)) == {"a": 40, "1": 30}
