import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from keepfit.windows import deviation, highest, mean, windows

VALUES = arrays(float, st.integers(1, 60), elements=st.floats(-100, 100))
SIZES = st.integers(1, 25)
FUNCTIONS = (mean, deviation, highest)


def test_each_row_has_its_last_values_and_nan_where_the_table_starts_later():
    np.testing.assert_array_equal(windows(pd.Series([1, 2, 3]), 2), [[np.nan, 1], [1, 2], [2, 3]])


def test_exact_values():
    values = pd.Series([3.0, 4.0, -2.0])
    np.testing.assert_array_equal(mean(values, 2), [np.nan, 3.5, 1.0])
    np.testing.assert_array_equal(highest(values, 2), [np.nan, 4.0, 4.0])
    np.testing.assert_array_equal(deviation(values, 2), [np.nan, np.sqrt(12.5), np.sqrt(10.0)])


def test_a_missing_value_makes_every_window_that_holds_it_missing():
    values = pd.Series([1.0, np.nan, 3.0, 4.0, 5.0])
    for function in FUNCTIONS:
        np.testing.assert_array_equal(np.isnan(function(values, 2)), [True, True, True, False, False])


@given(VALUES, SIZES, st.data())
def test_a_slice_has_the_values_of_the_whole_to_the_last_bit(values, size, data):
    start = data.draw(st.integers(0, len(values) - 1))
    whole, part = pd.Series(values), pd.Series(values[start:])
    for function in FUNCTIONS:
        np.testing.assert_array_equal(function(part, size)[size - 1 :], function(whole, size)[start + size - 1 :])


@given(VALUES, SIZES, st.data())
def test_later_values_change_nothing(values, size, data):
    stop = data.draw(st.integers(1, len(values)))
    altered = np.concatenate([values[:stop], -7 * values[stop:] + 1])
    for function in FUNCTIONS:
        np.testing.assert_array_equal(
            function(pd.Series(altered), size)[:stop], function(pd.Series(values), size)[:stop]
        )


@given(VALUES, SIZES)
def test_values_are_those_of_pandas(values, size):
    series = pd.Series(values)
    rolling = series.rolling(size)
    scale = max(1.0, np.abs(values).max())
    np.testing.assert_allclose(mean(series, size), rolling.mean(), rtol=0, atol=1e-12 * scale)
    np.testing.assert_array_equal(highest(series, size), rolling.max())
    squares = (series**2).rolling(size).mean()
    np.testing.assert_allclose(deviation(series, size) ** 2, squares, rtol=0, atol=1e-12 * scale**2)
