"""A source read part by part gives the raw table that it gives when it is read at once."""

import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepfit.errors import SourceError
from keepfit.files import hash_file, read_json
from keepfit.sources import MixedFiles, read_parts, read_source
from stages.ingest import main
from tests.test_sources import from_python
from tests.toys import toy_dataset, toy_rows, toy_settings

CELLS = {
    "numbers": ["1", "2.5", "", "-3", "1e3"],
    "whole": ["1", "20", "-3"],
    "holed": ["1", "2", ""],
    "truths": ["True", "False", ""],
    "texts": ["a", "", "b c"],
    "mixed": ["1", "01", "1.50", "True", "", "x"],
}
ROWS = st.lists(st.fixed_dictionaries({name: st.sampled_from(cells) for name, cells in CELLS.items()}), min_size=1)


def ingest(folder: Path, source: dict, rows: int, **overrides) -> tuple[str, dict]:
    keys = {f"dataset.{key}": value for key, value in overrides.items()}
    made = toy_settings(**{"dataset.source": source, "engine": {"kind": "pandas", "rows": rows}, **keys})
    main(made, folder / "raw", folder / "record")
    assert sorted(file.name for file in folder.iterdir() if file.name.startswith(".")) == []
    return hash_file(folder / "raw"), read_json(folder / "record")


def same_for_any_part(folder: Path, source: dict, sizes: tuple = (1, 3, 7), **overrides) -> pd.DataFrame:
    whole = ingest(folder, source, 10_000, **overrides)
    for size in sizes:
        assert ingest(folder, source, size, **overrides) == whole
    return pd.read_parquet(folder / "raw")


@settings(max_examples=15)
@given(st.lists(ROWS, min_size=1, max_size=2), st.integers(1, 6))
def test_csv_files_have_the_types_of_the_whole(tmp_path_factory, files, size):
    folder = tmp_path_factory.mktemp("csv")
    for number, rows in enumerate(files):
        table = pd.DataFrame(rows).assign(time="2020-01-01")
        table.to_csv(folder / f"{number}.csv", index=False)
    source = {"kind": "file", "path": f"{folder}/*.csv", "watch": "x"}
    same_for_any_part(folder, source, (size,))


def test_text_late_in_a_csv_makes_its_column_text_as_it_is_written(tmp_path):
    lines = ["time,x", *(f"2020-01-0{day},{day}.50" for day in range(1, 9)), "2020-01-09,lots"]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    source = {"kind": "file", "path": f"{tmp_path}/t.csv", "watch": "x"}
    assert same_for_any_part(tmp_path, source).x.tolist() == [*(f"{day}.50" for day in range(1, 9)), "lots"]
    with pytest.raises(MixedFiles) as found:
        list(read_parts(toy_dataset(source=source).source, rows=4))
    assert list(found.value.texts.values()) == [{"x"}]


@pytest.mark.parametrize("group", [2, 5, 100])
def test_parquet_files_keep_their_types_categories_and_index(tmp_path, group):
    for number in range(2):
        rows = toy_rows(20, seed=number).assign(
            n=np.arange(20), holed=[None] * 19 + [5], flag=[True] * 19 + [None], c=pd.Categorical(list("baab" * 5))
        )
        rows = rows.astype({"holed": "Int64"}) if number else rows
        rows.set_index("time").to_parquet(tmp_path / f"{number}.parquet", row_group_size=group)
    source = {"kind": "file", "path": f"{tmp_path}/*.parquet", "watch": "x", "row_number": "number"}
    raw = same_for_any_part(tmp_path, source)
    assert raw.number.tolist() == list(range(40))
    assert raw.c.dtype == "category"
    assert raw.time.tolist() == [*toy_rows(20).time] * 2


def test_json_lines_and_queries_have_the_types_of_the_whole(tmp_path, monkeypatch):
    rows = toy_rows(20).astype({"time": str})
    rows["x"] = [1, None, *["text"] * 3, *[2.5] * 15]
    rows.to_json(tmp_path / "t.jsonl", orient="records", lines=True)
    same_for_any_part(tmp_path, {"kind": "file", "path": f"{tmp_path}/t.jsonl", "watch": "x"})
    with sqlite3.connect(tmp_path / "t.db") as base:
        rows.astype({"c": str}).to_sql("t", base, index=False)
    monkeypatch.setenv("TOY_URL", f"sqlite:///{tmp_path}/t.db")
    query = {"kind": "sql", "url_variable": "TOY_URL", "query": "SELECT * FROM t", "watch": "x"}
    raw = same_for_any_part(tmp_path, query)
    assert raw.x.tolist() == ["1", None, *["text"] * 3, *["2.5"] * 15]


def some_parts():
    for start in range(0, 20, 5):
        yield toy_rows(20).iloc[start : start + 5].astype({"time": str, "c": str})


def parts_that_end_early():
    yield toy_rows(5)
    raise ConnectionError("gone")


def parts_of_lists():
    yield toy_rows(5)
    yield [1]


def load_whole():
    return pd.concat(some_parts(), ignore_index=True)


def test_a_callable_may_give_its_rows_in_parts(tmp_path):
    sources = [
        {"kind": "python", "callable": f"{__name__}:{name}", "watch": "x"} for name in ("some_parts", "load_whole")
    ]
    records = [ingest(tmp_path, source, 7, until="2020-01-12") for source in sources]
    assert records[0][0] == records[1][0]
    assert (records[0][1]["rows"], records[0][1]["last"]) == (12, "2020-01-12 00:00:00")
    assert len(from_python("load")) == 3


@pytest.mark.parametrize(
    ("name", "said"), [("parts_that_end_early", "ConnectionError: gone"), ("parts_of_lists", "list")]
)
def test_parts_that_fail_leave_the_last_good_table(tmp_path, name, said):
    source = {"kind": "python", "callable": f"{__name__}:some_parts", "watch": "x"}
    before = ingest(tmp_path, source, 7)
    with pytest.raises(SourceError, match=rf"{name}'.*{said}"):
        ingest(tmp_path, {**source, "callable": f"{__name__}:{name}"}, 7)
    assert (hash_file(tmp_path / "raw"), read_json(tmp_path / "record")) == before


def test_what_is_read_at_once_is_its_parts_together():
    source = toy_dataset(source={"kind": "python", "callable": f"{__name__}:some_parts", "watch": "x"}).source
    pd.testing.assert_frame_equal(read_source(source), load_whole())
