import sqlite3
import sys

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from keepfit.dataset import FileSource, PythonSource, SqlSource
from keepfit.errors import SourceError
from keepfit.sources import read_source

TABLE = pd.DataFrame({"a": [1, 2, 3], "b": ["x", None, "z"]})
DATES = pd.DatetimeIndex(["2020-01-01", "2020-01-02", "2020-01-03"], name="day")


def load():
    return TABLE


def load_with_a_named_index():
    return TABLE.set_index(DATES)


def load_with_the_index_as_a_column_too():
    return TABLE.set_index("a", drop=False)


def load_with_two_named_levels():
    return TABLE.set_index(["b", "a"]).assign(c=0)


def load_sorted_backwards():
    return TABLE[::-1]


def load_a_list():
    return [1, 2]


def raise_an_error():
    raise KeyError("no such thing")


def from_python(name: str) -> pd.DataFrame:
    return read_source(PythonSource(kind="python", callable=f"{__name__}:{name}", watch="x"))


def from_file(path, **declared) -> pd.DataFrame:
    return read_source(FileSource(kind="file", path=str(path), watch="x", **declared))


def from_sql(query: str) -> pd.DataFrame:
    return read_source(SqlSource(kind="sql", url_variable="TOY_URL", query=query, watch="x"))


def test_a_callable_gives_its_frame():
    assert_frame_equal(from_python("load"), TABLE)


def test_a_named_index_becomes_columns():
    frame = from_python("load_with_a_named_index")
    assert list(frame) == ["day", "a", "b"]
    assert list(frame.day) == list(DATES)
    assert list(from_python("load_with_two_named_levels")) == ["b", "a", "c"]


def test_an_index_without_a_name_is_dropped_and_the_order_kept():
    frame = from_python("load_sorted_backwards")
    assert frame.a.tolist() == [3, 2, 1]
    assert frame.index.tolist() == [0, 1, 2]


def test_an_index_that_is_a_column_too_is_refused_with_its_name():
    with pytest.raises(SourceError, match="more than one column a;"):
        from_python("load_with_the_index_as_a_column_too")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("raise_an_error", "failed: KeyError: 'no such thing'"),
        ("load_a_list", "gave <class 'list'>; allowed: a DataFrame"),
        ("gone", "has no attribute 'gone'"),
        ("TABLE", "failed: TypeError"),
    ],
)
def test_a_callable_that_raises_or_gives_no_frame_is_refused_with_its_path_and_the_cause(name, said):
    with pytest.raises(SourceError, match=rf"dataset\.source\.callable: '{__name__}:{name}'.*{said}"):
        from_python(name)


def test_a_module_that_is_not_there_is_refused():
    with pytest.raises(SourceError, match="No module named 'nowhere'"):
        read_source(PythonSource(kind="python", callable="nowhere:load", watch="x"))


def test_a_module_that_fails_on_import_is_refused(tmp_path, monkeypatch):
    (tmp_path / "half_written_source.py").write_text("def load(:\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SourceError, match="SyntaxError"):
        read_source(PythonSource(kind="python", callable="half_written_source:load", watch="x"))
    assert "half_written_source" not in sys.modules


def write(frame: pd.DataFrame, path) -> None:
    match path.suffix:
        case ".csv":
            frame.to_csv(path, index=False)
        case ".parquet" | ".pq":
            frame.to_parquet(path, index=False)
        case _:
            frame.to_json(path, orient="records", lines=True)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "pq", "jsonl", "ndjson"])
def test_every_format_is_known_by_its_ending(tmp_path, suffix):
    write(TABLE, tmp_path / f"table.{suffix}")
    frame = from_file(tmp_path / f"table.{suffix}")
    assert list(frame) == ["a", "b"]
    assert frame.a.tolist() == [1, 2, 3]
    assert frame.b.isna().tolist() == [False, True, False]


def test_a_declared_format_counts_more_than_the_ending(tmp_path):
    TABLE.to_csv(tmp_path / "table.txt", index=False)
    assert from_file(tmp_path / "table.txt", format="csv").a.tolist() == [1, 2, 3]


def test_dates_in_json_stay_as_they_are_written(tmp_path):
    (tmp_path / "t.jsonl").write_text('{"date": "2020-01-01T05:00:00Z"}\n')
    assert from_file(tmp_path / "t.jsonl").date.tolist() == ["2020-01-01T05:00:00Z"]


def test_a_glob_reads_its_files_in_the_order_of_their_names(tmp_path):
    for part in (2, 0, 1):
        pd.DataFrame({"a": [part]}).to_csv(tmp_path / f"part-{part}.csv", index=False)
    frame = from_file(tmp_path / "part-*.csv")
    assert frame.a.tolist() == [0, 1, 2]
    assert frame.index.tolist() == [0, 1, 2]


def test_an_unknown_format_is_refused_with_those_that_are_known(tmp_path):
    (tmp_path / "table.xlsx").touch()
    with pytest.raises(SourceError, match=r"table\.xlsx': format unknown; .* one of csv, parquet, jsonl"):
        from_file(tmp_path / "table.xlsx")


@pytest.mark.parametrize("path", ["gone.csv", "gone-*.csv", "gone/gone.parquet", "nowhere://gone.csv"])
def test_a_file_that_is_not_there_is_refused_with_its_path(tmp_path, path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError) as refused:
        from_file(path)
    assert f"dataset.source.path: '{path}'" in str(refused.value)


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_a_file_that_cannot_be_read_is_refused_with_its_path(tmp_path, ending):
    (tmp_path / f"broken.{ending}").write_bytes(b'\xff\xfe"a,b\n1,2,3\n{')
    with pytest.raises(SourceError, match=rf"broken\.{ending}"):
        from_file(tmp_path / f"broken.{ending}")


@pytest.fixture
def database(tmp_path, monkeypatch):
    path = tmp_path / "toy.db"
    with sqlite3.connect(path) as connection:
        TABLE.to_sql("toys", connection, index=False)
    monkeypatch.setenv("TOY_URL", f"sqlite:///{path}")
    return path


def test_a_query_gives_its_rows(database):
    assert_frame_equal(from_sql("select * from toys order by a"), TABLE)
    assert from_sql("select a from toys where b = 'z'").a.tolist() == [3]


@pytest.mark.parametrize(
    ("query", "said"),
    [("select * from gone", "no such table: gone"), ("selekt", "syntax error"), ("select :a", "bind parameter 'a'")],
)
def test_a_query_that_fails_is_refused_with_the_variable_and_the_cause(database, query, said):
    with pytest.raises(SourceError, match=rf"query on \$TOY_URL failed: .*{said}"):
        from_sql(query)


def test_two_columns_of_one_name_are_refused(database):
    with pytest.raises(SourceError, match="more than one column a;"):
        from_sql("select a, b, a from toys")


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_is_named(monkeypatch, value):
    monkeypatch.delenv("TOY_URL", raising=False)
    if value is not None:
        monkeypatch.setenv("TOY_URL", value)
    with pytest.raises(SourceError, match="'TOY_URL' is not set in the environment"):
        from_sql("select 1")


@pytest.mark.parametrize(
    "url",
    [
        "s3cret",
        "gone://me:s3cret@host/toys",  # pragma: allowlist secret
        "postgresql://me:s3cret@host:port/toys",  # pragma: allowlist secret
        "postgresql://me:4/s3cret@host/toys",  # pragma: allowlist secret
        "postgresql://me:p@ss:s3cret@host/toys",
        "sqlite:////gone/s3cret/toys.db",
        "sqlite:///toys.db?mode=s3cret&uri=true",
    ],
)
def test_the_password_of_a_url_that_fails_is_never_in_the_message(tmp_path, monkeypatch, url):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOY_URL", url)
    with pytest.raises(SourceError) as refused:
        from_sql("select * from gone")
    assert "s3cret" not in str(refused.value)
    assert "$TOY_URL" in str(refused.value)
    # A traceback would show an error that was chained.
    assert refused.value.__suppress_context__


def test_a_number_of_a_csv_is_the_nearest_float(tmp_path):
    # pandas' default parser is off by the last bit here.
    numbers = [0.1 + 0.7 * i / 997 for i in range(997)]
    path = tmp_path / "numbers.csv"
    path.write_text("x\n" + "\n".join(map(repr, numbers)) + "\n")
    assert list(read_source(FileSource(kind="file", path=str(path), watch=str(path))).x) == numbers
