import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepfit.column_profile import profile
from keepfit.numerals import to_numbers

# pandas 2.3 ends the process on each of them.
DEADLY = ["0000000000000000095e16233991829a", "0000000000000000095e16233991829", "000000000000000000007e12345678901"]


def test_numbers_and_texts_of_numbers_are_read_and_nothing_else():
    values = pd.Series(["1", " 2.5", "-3e2", "x", None, 4, True], dtype=object)
    assert to_numbers(values).fillna(-1).tolist() == [1, 2.5, -300, -1, -1, 4, 1]


def test_whole_numbers_stay_whole():
    assert to_numbers(pd.Series([1_600_000_000_000_000_001])).tolist() == [1_600_000_000_000_000_001]


@pytest.mark.parametrize("text", DEADLY)
def test_an_exponent_that_overflows_is_no_number(text):
    assert to_numbers(pd.Series([text, "1"])).isna().tolist() == [True, False]


def test_hexadecimal_ids_name_rows():
    found = profile(pd.Series([*DEADLY, *(f"{number:032x}" for number in range(10**8, 10**8 + 400))], name="x"))
    assert (found.kind, found.names_rows) == ("category", True)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_python_writes_is_read_back(number: float):
    assert to_numbers(pd.Series([repr(number)], dtype=object))[0] == pytest.approx(number, rel=1e-15)
