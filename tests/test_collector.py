"""Collector: what refers to itself does not pile up while a table goes by in parts."""

import gc
import weakref

import pandas as pd

from keepfit.collector import USUAL, collect_as_usual, collect_seldom
from keepfit.engine import InProcess


def test_columns_of_parts_that_are_done_do_not_stay():
    before, made = gc.get_threshold(), []

    def refer_to_itself(_: int) -> int:
        # pandas keeps the accessor of times in the column, and the column in the accessor.
        column = pd.Series(pd.DatetimeIndex(["2024-01-01"], tz="UTC"))
        made.append(weakref.ref(column))
        return len(column.dt.tz_localize(None)) * sum(each() is not None for each in made)

    try:
        collect_seldom()
        alive = list(InProcess(rows=1).map(refer_to_itself, range(2_000)))
    finally:
        gc.set_threshold(*before)
    assert max(alive) < 100


def test_python_s_own_threshold_comes_back():
    before = gc.get_threshold()
    try:
        collect_seldom()
        assert gc.get_threshold()[0] > USUAL[0]
        collect_as_usual()
        assert gc.get_threshold() == USUAL
    finally:
        gc.set_threshold(*before)
