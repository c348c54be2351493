import pickle
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from keepfit.files import GROUP, write_table
from keepfit.tables import Table, spans, write_parts

N = 40


def awkward(n: int = N) -> pd.DataFrame:
    """Every type that a table holds; the nulls of each come late."""
    number = np.arange(n)
    late = number >= n - 5
    return pd.DataFrame(
        {
            "time": pd.date_range("2020-01-01", periods=n, freq="D").astype("datetime64[ns]"),
            "x": np.where(late, np.nan, number / 3),
            "n": number,
            "holed": pd.Series([None if each else int(i) for i, each in enumerate(late)], dtype=object),
            "flag": pd.Series([None if each else i % 2 == 0 for i, each in enumerate(late)], dtype=object),
            "yes": number % 3 == 0,
            "c": pd.Categorical(np.where(late, "z", "b"), categories=["a", "b", "z"]),
            "s": pd.Series([None if i % 4 else f"text {i}" for i in range(n)], dtype=object),
            "day": pd.Series([date(2020, 1, 1 + i % 28) for i in range(n)], dtype=object),
            "nothing": pd.Series([None] * n, dtype=object),
        }
    )


@pytest.fixture(scope="module")
def stored(tmp_path_factory) -> Path:
    """The awkward table in row groups of seven rows, and one after its first 40 rows of others."""
    path = tmp_path_factory.mktemp("tables") / "table.parquet"
    awkward().to_parquet(path, index=False, row_group_size=7)
    return path


CUTS = st.lists(st.integers(0, N), max_size=6).map(sorted)


def cut(table, cuts: list[int]) -> list:
    edges = [0, *cuts, N]
    return [table[start:stop] for start, stop in pairwise(edges)]


@settings(max_examples=30)
@given(CUTS, st.sampled_from([1, 7, 13, 40, 100]))
def test_a_file_of_parts_has_the_bytes_of_the_whole_written_at_once(tmp_path_factory, cuts, group):
    folder = tmp_path_factory.mktemp("parts")
    frame = awkward().select_dtypes(exclude="object")
    frame.to_parquet(folder / "whole", index=False, row_group_size=group)
    assert write_parts(folder / "parts", cut(frame, cuts), group=group) == N
    assert (folder / "parts").read_bytes() == (folder / "whole").read_bytes()
    awkward().to_parquet(folder / "whole", index=False, row_group_size=group)
    arrow = pa.Table.from_pandas(awkward(), preserve_index=False)
    write_parts(folder / "parts", cut(arrow, cuts), group=group)
    assert (folder / "parts").read_bytes() == (folder / "whole").read_bytes()


@pytest.mark.parametrize("rows", [0, 1, GROUP, GROUP + 1, 2 * GROUP + 3])
def test_a_table_written_whole_has_the_same_row_groups(tmp_path, rows):
    frame = pd.DataFrame({"n": np.arange(rows), "c": pd.Categorical(np.where(np.arange(rows) % 2, "a", "b"))})
    write_table(tmp_path / "whole", frame)
    write_parts(tmp_path / "parts", [frame[span] for span in spans(rows, 100_003)])
    assert (tmp_path / "parts").read_bytes() == (tmp_path / "whole").read_bytes()
    groups = [pq.read_metadata(tmp_path / "whole").row_group(0).num_rows] if rows else []
    assert groups == ([min(rows, GROUP)] if rows else [])


def test_no_part_at_all_and_a_part_of_other_columns_are_refused_and_the_old_file_stays(tmp_path):
    file = tmp_path / "table"
    file.write_text("old")
    with pytest.raises(ValueError, match="no part came"):
        write_parts(file, [])
    for other in (pd.DataFrame({"x": ["a"]}), pd.DataFrame({"y": [1]})):
        with pytest.raises(ValueError, match="allowed: those of the first"):
            write_parts(file, [pd.DataFrame({"x": [1]}), other])
    assert file.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["table"]


@given(st.integers(0, N), st.integers(0, N))
def test_a_range_of_rows_is_that_of_the_whole_table_with_its_types_and_numbers(stored, one, other):
    start, stop = sorted([one, other])
    assert_frame_equal(Table(stored)[start:stop], pd.read_parquet(stored)[start:stop])


@given(st.sets(st.integers(0, N - 1)), st.integers(1, 9))
def test_rows_at_positions_are_those_of_the_whole_table(stored, chosen, size):
    positions = np.array(sorted(chosen), dtype=np.int64)
    found = list(Table(stored).at(positions, size))
    assert all(len(part) <= size for part in found)
    assert_frame_equal(pd.concat(found), pd.read_parquet(stored).loc[positions], check_index_type=False)


def test_some_columns_come_in_the_order_that_is_asked_for(stored):
    assert_frame_equal(Table(stored).read(3, 9, ["x", "time"]), pd.read_parquet(stored)[["x", "time"]][3:9])
    assert list(Table(stored).pick(np.array([1]), ["s", "c"])) == ["s", "c"]


@pytest.mark.parametrize(("size", "before", "after"), [(7, 0, 0), (9, 3, 0), (9, 0, 4), (13, 30, 30), (100, 1, 1)])
def test_parts_come_with_the_rows_before_and_after_them(stored, size, before, after):
    whole, end = pd.read_parquet(stored), 0
    for span, rows in Table(stored).parts(size, before=before, after=after):
        assert span.start == end
        assert_frame_equal(rows, whole[max(0, span.start - before) : span.stop + after])
        end = span.stop
    assert end == len(Table(stored)) == N


def test_rows_newer_than_a_moment_are_found_by_position(stored):
    table = Table(stored)
    assert table.newer_than("time", pd.Timestamp("2020-02-05")).tolist() == list(range(36, N))
    assert table.newer_than("time", pd.Timestamp("2030-01-01")).tolist() == []


def test_a_table_without_rows_has_its_columns(tmp_path):
    write_table(tmp_path / "empty", awkward(0))
    table = Table(tmp_path / "empty")
    assert (len(table), table.columns) == (0, list(awkward(0)))
    assert_frame_equal(table[0:5], pd.read_parquet(tmp_path / "empty"))
    assert table.pick(np.empty(0, dtype=np.int64)).empty
    assert [span for span, _ in table.parts(3)] == [slice(0, 0)]
    assert table.newer_than("time", pd.Timestamp(0)).tolist() == []


def test_a_table_goes_to_another_process_by_its_path_alone(stored):
    table = Table(stored)
    assert len(table) == N
    assert pickle.loads(pickle.dumps(table)) == table
    assert len(pickle.dumps(table)) < 500
