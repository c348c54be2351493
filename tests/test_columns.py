import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal, assert_series_equal

from keepfit.columns import as_text, join, parse, parse_column, require, settle_types
from keepfit.dataset import Column
from keepfit.errors import MissingColumn
from tests.toys import toy_dataset, toy_rows

NAN = float("nan")


def parsed(kind: str, values, dtype="object") -> list:
    return parse_column(pd.Series(values, dtype=dtype), Column(type=kind)).tolist()


def same(found: list, wanted: list) -> bool:
    return len(found) == len(wanted) and all(
        a == b or (pd.isna(a) and pd.isna(b)) for a, b in zip(found, wanted, strict=True)
    )


@pytest.mark.parametrize(
    ("kind", "values", "wanted"),
    [
        ("float", [1, "2.5", "1e3", True, None, "", "n/a", [1], "inf"], [1, 2.5, 1000, 1, NAN, NAN, NAN, NAN, np.inf]),
        ("int", [1, "2", 3.0, "4.0", 2.5, "x", None, np.inf], [1, 2, 3, 4, NAN, NAN, NAN, np.inf]),
        ("bool", [True, "False", "TRUE", 0, 1.0, "yes", "N", 2, "maybe", None], [1, 0, 1, 0, 1, 1, 0, NAN, NAN, NAN]),
        ("category", ["a", 1, 1.0, 1.5, None, True, "", "7.0"], ["a", "1", "1", "1.5", NAN, "True", NAN, "7"]),
    ],
)
def test_values_are_read_as_their_type_and_become_null_where_they_cannot_be(kind, values, wanted):
    assert same(parsed(kind, values), wanted)


def test_times_are_utc_without_a_zone():
    times = parse_column(
        pd.Series(["2020-01-01T01:00:00+01:00", "2020-01-01", pd.Timestamp("2020-01-02 12:00"), "noon", None]),
        Column(type="datetime"),
    )
    assert times.dtype == "datetime64[ns]"
    assert same(times.tolist(), [pd.Timestamp(t) for t in ("2020-01-01", "2020-01-01", "2020-01-02 12:00", "", "")])


@pytest.mark.parametrize("kind", ["int", "float", "bool", "category", "datetime"])
@pytest.mark.parametrize("values", [[], [None, None], [NAN, None]])
def test_a_column_without_a_value_has_the_type_of_one_with_values(kind, values):
    full = {"category": "a", "datetime": "2020-01-01"}.get(kind, 1)
    of_full = parse_column(pd.Series([full]), Column(type=kind)).dtype
    found = parse_column(pd.Series(values, dtype=object), Column(type=kind))
    assert isinstance(of_full, pd.CategoricalDtype) == isinstance(found.dtype, pd.CategoricalDtype)
    assert isinstance(of_full, pd.CategoricalDtype) or found.dtype == of_full
    assert found.isna().all()


@pytest.mark.parametrize(
    ("kind", "dtype", "wanted"),
    [
        ("int", "Int64", [1, NAN, 0]),
        ("float", "Float64", [1, NAN, 0]),
        ("bool", "boolean", [1, NAN, 0]),
        ("category", "Int64", ["1", NAN, "0"]),
        ("int", "string", [1, NAN, 0]),
        ("bool", "string", [1, NAN, 0]),
        ("float", "category", [1, NAN, 0]),
        ("bool", "category", [1, NAN, 0]),
    ],
)
def test_pandas_own_nullable_types_are_read_like_any_other(kind, dtype, wanted):
    values = ["1", None, "0"] if dtype in ("string", "category") else [1, None, 0]
    assert same(parsed(kind, values, dtype), wanted)


def test_a_category_of_whole_numbers_is_the_same_text_beside_a_missing_value_and_in_a_request():
    in_a_table = parsed("category", [7, 8, None], "float64")
    in_another = parsed("category", [7, 8], "int64")
    in_a_request = parsed("category", [7])
    assert in_a_table[0] == in_another[0] == in_a_request[0] == "7"


@given(st.integers(min_value=-(2**53), max_value=2**53))
def test_a_whole_number_is_the_same_text_as_a_float(number):
    assert as_text(float(number)) == as_text(number) == str(number)


SCALARS = st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.floats() | st.text() | st.datetimes()


@pytest.mark.parametrize("kind", ["int", "float", "bool", "category", "datetime"])
@given(values=st.lists(SCALARS, max_size=6))
def test_whatever_comes_is_read_and_reading_it_again_changes_nothing(kind, values):
    once = parse_column(pd.Series(values, dtype=object), Column(type=kind))
    assert len(once) == len(values)
    assert_series_equal(parse_column(once, Column(type=kind)), once)


@pytest.mark.parametrize("kind", ["int", "float", "bool", "category"])
@given(values=st.lists(SCALARS, min_size=1, max_size=6))
def test_a_value_is_read_alike_alone_and_among_others(kind, values):
    together = parse_column(pd.Series(values, dtype=object), Column(type=kind)).tolist()
    alone = [parse_column(pd.Series([value], dtype=object), Column(type=kind)).tolist()[0] for value in values]
    assert same(together, alone)


def test_a_frame_is_read_into_its_declared_columns_in_their_order_and_keeps_its_index():
    raw = toy_rows(5)[["y", "c", "x", "time"]].assign(more=1).set_index(pd.Index([9, 8, 7, 6, 5]))
    typed = parse(raw, toy_dataset().columns)
    assert list(typed) == ["time", "x", "c", "y"]
    assert typed.index.tolist() == [9, 8, 7, 6, 5]
    assert_frame_equal(typed.reset_index(drop=True), toy_rows(5))


def test_missing_columns_are_named_with_those_there_are():
    with pytest.raises(MissingColumn, match=r"^missing columns x, y; there are: time, c$"):
        parse(toy_rows(2)[["time", "c"]], toy_dataset().columns)
    with pytest.raises(MissingColumn, match=r"^missing column z;"):
        require(toy_rows(2), ["x", "z"])


def test_only_columns_of_mixed_types_become_text():
    frame = pd.DataFrame({"mixed": ["a", 1.0, None], "text": ["a", "b", None], "number": [1.0, 2.0, None]})
    settled = settle_types(frame)
    assert settled.mixed.tolist() == ["a", "1", None]
    assert_frame_equal(settled[["text", "number"]], frame[["text", "number"]])


def test_truths_of_one_frame_stay_truths_beside_a_frame_without_a_value():
    frames = [pd.DataFrame({"x": [True]}), pd.DataFrame({"x": [NAN, NAN]}), pd.DataFrame({"x": [False]})]
    assert same(join(frames).x.tolist(), [True, NAN, NAN, False])
    assert join([frames[0], frames[2]]).x.dtype == bool
