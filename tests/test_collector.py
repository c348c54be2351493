"""Collector: what refers to itself does not pile up while a table goes by in parts."""

import gc

import pandas as pd

from keepfit.collector import USUAL, collect_as_usual, collect_seldom
from keepfit.engine import InProcess


def refer_to_itself(rows: int) -> int:
    # pandas keeps the accessor of a column in the column.
    return len(pd.Series(["a"] * rows, dtype="category").cat.codes)


def count_series() -> int:
    return sum(isinstance(each, pd.Series) for each in gc.get_objects())


def test_columns_of_parts_that_are_done_do_not_stay():
    before = gc.get_threshold()
    try:
        collect_seldom()
        counts = [count_series() for _ in InProcess(rows=1).map(refer_to_itself, [10] * 2_000)]
    finally:
        gc.set_threshold(*before)
    assert max(counts[1_000:]) <= max(counts[:1_000]) + 50


def test_python_s_own_threshold_comes_back():
    before = gc.get_threshold()
    try:
        collect_seldom()
        assert gc.get_threshold()[0] > USUAL[0]
        collect_as_usual()
        assert gc.get_threshold() == USUAL
    finally:
        gc.set_threshold(*before)
