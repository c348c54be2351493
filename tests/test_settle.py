from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepfit.columns import join, settle_types
from keepfit.files import write_table
from keepfit.settle import Shown, write_settled

VALUES = st.sampled_from(
    [
        *(0, 7, 1.5, 2.0, True, False, "a", "1", None, np.nan, [1], {"k": 2}, Decimal("1.50"), Decimal("123"), b"b"),
        *(date(2020, 1, 2), datetime(2020, 1, 2, 3), pd.Timestamp("2020-01-02 04:00")),
    ]
)
COLUMN = st.lists(VALUES, min_size=1, max_size=4)


def write_both(folder: Path, parts: list[pd.DataFrame]) -> tuple[bytes, bytes]:
    write_table(folder / "whole", settle_types(join(parts)))
    assert write_settled(folder / "parts", lambda: iter(parts)) == sum(map(len, parts))
    return (folder / "whole").read_bytes(), (folder / "parts").read_bytes()


@settings(max_examples=60)
@given(st.lists(st.lists(VALUES, max_size=3), min_size=1, max_size=4))
def test_parts_of_mixed_values_have_the_bytes_of_the_whole(tmp_path_factory, lists):
    parts = [pd.DataFrame({"time": range(len(each)), "x": pd.Series(each, dtype=object)}) for each in lists]
    whole, cut = write_both(tmp_path_factory.mktemp("mixed"), parts)
    assert cut == whole


@settings(max_examples=60)
@given(st.lists(COLUMN, min_size=1, max_size=4))
def test_parts_with_the_types_that_pandas_gives_them_have_the_bytes_of_the_whole(tmp_path_factory, lists):
    parts = [pd.DataFrame({"x": pd.Series(each, dtype=object).infer_objects()}) for each in lists]
    whole, cut = write_both(tmp_path_factory.mktemp("inferred"), parts)
    assert cut == whole


@pytest.mark.parametrize(
    "parts",
    [
        [pd.Series([1, 2]), pd.Series([3.5, None])],
        [pd.Series([1, 2]), pd.Series([None, None], dtype=float), pd.Series(["x", "y"])],
        [pd.Series([True, False]), pd.Series([True, None], dtype=object)],
        [pd.Series([True]), pd.Series([2])],
        [pd.Series([True]), pd.Series([None, None], dtype=float), pd.Series([False])],
        [pd.Series(["a"], dtype="category"), pd.Series(["a"], dtype="category")],
        [pd.Series(["a"], dtype="category"), pd.Series(["b"], dtype="category")],
        [pd.Series(["a"]), pd.Series([None]), pd.Series([1])],
        [pd.Series([1, None], dtype="Int64"), pd.Series([2])],
        [pd.Series(["a"], dtype="string"), pd.Series(["b"])],
        [pd.Series(pd.to_datetime(["2020-01-01"])), pd.Series([None]), pd.Series(pd.to_datetime(["2021-01-01"]))],
        [pd.Series(pd.to_datetime(["2020-01-01"], utc=True)), pd.Series(["soon"])],
        [pd.Series([], dtype=object), pd.Series([1, 2])],
        [pd.Series([2**60 + 1]), pd.Series([0.5])],
        [pd.Series([Decimal("1.25"), Decimal(1)]), pd.Series([Decimal("12345.6"), None])],
    ],
    ids=str,
)
def test_types_that_meet_in_another_part_are_those_of_the_whole(tmp_path, parts):
    whole, cut = write_both(tmp_path, [pd.DataFrame({"x": each, "n": range(len(each))}) for each in parts])
    assert cut == whole


def test_a_column_that_some_parts_lack_is_missing_there(tmp_path):
    parts = [pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"b": ["x"], "a": [3]}), pd.DataFrame({"c": [1.5]})]
    whole, cut = write_both(tmp_path, parts)
    assert cut == whole


def test_one_part_is_read_once(tmp_path):
    asked = []

    def parts():
        asked.append(1)
        yield pd.DataFrame({"x": [1, "a"]})

    write_settled(tmp_path / "table", parts)
    assert pd.read_parquet(tmp_path / "table").x.tolist() == ["1", "a"]
    assert len(asked) == 1


def test_parts_of_the_same_types_are_shown_by_one_of_them():
    shown = Shown()
    for number in range(9):
        shown.add(pd.DataFrame({"x": [f"text {number}", None], "n": [number, 1]}))
    assert len(shown.frames) == 1
    shown.add(pd.DataFrame({"x": [1, None], "n": [1, 2]}))
    assert len(shown.frames) == 2
