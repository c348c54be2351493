import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from keepfit.spans import Span, parse_span


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("28D", pd.Timedelta(days=28)),
        ("6h", pd.Timedelta(hours=6)),
        ("30min", pd.Timedelta(minutes=30)),
        ("0D", pd.Timedelta(0)),
        ("1.5h", pd.Timedelta(minutes=90)),
    ],
)
def test_a_text_is_a_length_of_time(text, length):
    assert parse_span(text) == length


@given(st.integers(min_value=0))
def test_a_number_is_rows_and_stays_what_it_is(rows):
    assert parse_span(rows) == rows
    assert type(parse_span(rows)) is int


@given(st.integers(min_value=0, max_value=10_000), st.sampled_from(["W", "D", "h", "min", "s"]))
def test_a_settings_value_keeps_what_was_written_and_can_be_parsed(count, unit):
    kept = TypeAdapter(Span).validate_python(f"{count}{unit}")
    assert kept == f"{count}{unit}"
    assert parse_span(kept) == pd.Timedelta(count, unit)


@pytest.mark.parametrize("value", [-1, "-1D", "", "NaT", "soon", "28", "1Q"])
def test_what_is_negative_or_no_length_of_time_is_refused(value):
    with pytest.raises(ValueError, match="a number of rows"):
        parse_span(value)
    with pytest.raises(ValidationError):
        TypeAdapter(Span).validate_python(value)


@pytest.mark.parametrize("value", [1.5, None, [1]])
def test_what_is_neither_a_number_of_rows_nor_a_text_is_refused(value):
    with pytest.raises(ValidationError):
        TypeAdapter(Span).validate_python(value)
