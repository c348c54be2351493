"""A value of a declared column is the same to training, to `keepfit score`, to a request and to `keepfit check`."""

import json
import math
import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pandas._libs.parsers import STR_NA_VALUES

from keepfit.cells import EXACT, MISSING, as_category
from keepfit.columns import parse
from keepfit.dataset import Column, Dataset
from keepfit.incoming import read_rows
from keepfit.passport import Request
from keepfit.scoring.chunks import read_chunks
from keepfit.scoring.rules import judge
from keepfit.serving.quick import QuickReader
from keepfit.serving.values import WrongValue, make_reader
from keepfit.validate import validate
from stages.ingest import main as ingest
from tests.toys import toy_dataset, toy_settings

CATEGORY, TIME = {"type": "category", "nullable": True}, {"time": {"type": "datetime"}}
FILES = ("csv", "jsonl", "parquet")
TEXTS = {
    "zip": ["01009", "1009", "00501", "1", None],
    "country": ["NA", "DE", None, "null", "nan"],
    "flag": ["true", "false", "true", "True", None],
    "account": ["745000000000000001", "745000000000000002", None, "7.0", "-0.0"],
}
# Where pandas wrote a column of whole numbers with gaps, 7 is 7.0.
NAMES = TEXTS | {"account": [*TEXTS["account"][:3], "7", "0"]}
IDS = [745000000000000001, 745000000000000002, None, 7, 745000000000000003]
INEXACT = "not from -9007199254740991 to 9007199254740991"


def declare(columns: dict[str, dict], source: dict[str, Any] | None = None) -> Dataset:
    values = {"columns": TIME | columns, "label": "time", "features": {"module": "as_is", "columns": []}}
    return toy_dataset(**values, source={"watch": "x", **(source or {"kind": "file", "path": "x"})})


def ingest_in_parts(dataset: Dataset, folder: Path, rows: int) -> pd.DataFrame:
    values = dataset.model_dump(mode="json")
    ingest(toy_settings(dataset=values, engine={"kind": "pandas", "rows": rows}), folder / "raw", folder / "record")
    return pd.read_parquet(folder / "raw")


def write(columns: dict[str, list], kind: str, folder: Path) -> dict[str, Any]:
    """Write a table and return its source."""
    rows = pd.DataFrame({name: pd.Series(values, dtype="object") for name, values in columns.items()})
    rows.insert(0, "time", pd.date_range("2024-01-01", periods=len(rows)).astype(str))
    path = folder / f"rows.{kind}"
    match kind:
        case "csv":
            rows.to_csv(path, index=False)
        case "jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in rows.to_dict("records")))
        case "parquet":
            rows.to_parquet(path, index=False, row_group_size=2)
        case _:
            path.unlink(missing_ok=True)
            with sqlite3.connect(path) as base:
                base.execute(f"create table t ({', '.join(rows)})")
                marks = ", ".join("?" * rows.shape[1])
                base.executemany(f"insert into t values ({marks})", rows.to_numpy().tolist())
            return {"kind": "sql", "url_variable": "SHOP_URL", "query": "select * from t"}
    return {"kind": "file", "path": str(path)}


def as_lists(typed: pd.DataFrame, names: Any) -> dict[str, list]:
    found = typed[list(names)].astype("object")
    return {name: [None if pd.isna(each) else each for each in found[name]] for name in names}


def trained(columns: dict[str, list], kind: str, declared: dict[str, dict], folder: Path, rows: int) -> dict[str, list]:
    """What training sees of a table that ingest reads in parts of so many rows."""
    source = write(columns, kind, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHOP_URL", f"sqlite:///{folder}/rows.db")
        dataset = declare(declared, source)
        raw = ingest_in_parts(dataset, folder, rows)
    return as_lists(parse(raw, dataset.columns), columns)


def scored(columns: dict[str, list], kind: str, declared: dict[str, dict], folder: Path, rows: int) -> dict[str, list]:
    """What `keepfit score` sees of a file in chunks of so many rows."""
    path = Path(write(columns, kind, folder)["path"])
    chunks = list(read_chunks(path, request_of(declared), (), size=rows, skip=0))
    typed = [judge(chunk.rows, request_of(declared)).valid for chunk in chunks]
    parts = [as_lists(each, columns) for each in typed]
    return {name: [each for part in parts for each in part[name]] for name in columns}


def request_of(declared: dict[str, dict]) -> Request:
    columns = {name: Column(**each) for name, each in declared.items()}
    return Request(time=None, columns=columns, module="as_is", used_as_they_are=(), look_back=0)


def requested(columns: dict[str, list], declared: dict[str, dict]) -> dict[str, list]:
    """What the service sees of the values in requests."""
    found = {name: [make_reader(Column(**declared[name]))(each) for each in columns[name]] for name in columns}
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    quick = QuickReader(request_of(declared))
    for number, row in enumerate(rows):
        answer = quick.read(json.dumps(row).encode())
        assert answer is None or answer[0] == [[found[name][number] for name in columns]]
    return found


def checked(columns: dict[str, list], kind: str, declared: dict[str, dict], folder: Path) -> dict[str, list]:
    """What `keepfit check --from` sees of a file."""
    dataset, path = declare(declared), Path(write(columns, kind, folder)["path"])
    return as_lists(parse(read_rows(path, dataset), dataset.columns), columns)


def seen(columns: dict[str, list], declared: dict[str, dict], folder: Path, rows: tuple[int, ...]) -> list[tuple]:
    """Every path that these values take, and what comes out of it."""
    told: list[tuple] = [("request", requested(columns, declared))]
    for size in rows:
        told += [(f"{kind} by {size}", trained(columns, kind, declared, folder, size)) for kind in (*FILES, "db")]
        told += [(f"{kind} scored by {size}", scored(columns, kind, declared, folder, size)) for kind in FILES[::2]]
    return told + [(f"{kind} checked", checked(columns, kind, declared, folder)) for kind in FILES]


def test_a_category_is_the_text_that_was_written_on_every_path(tmp_path):
    for path, found in seen(TEXTS, dict.fromkeys(TEXTS, CATEGORY), tmp_path, (1, 2, 100)):
        assert (path, found) == (path, NAMES)


def test_a_long_id_that_is_a_number_keeps_its_digits_as_a_category_beside_a_gap(tmp_path):
    wanted = {"account": [None if each is None else str(each) for each in IDS]}
    for path, found in seen({"account": IDS}, {"account": CATEGORY}, tmp_path, (1, 2, 100)):
        assert (path, found) == (path, wanted)


CELLS = st.sampled_from(
    ["", "NA", "null", "01", "1", "1.0", "1.50", "-0.0", "1e5", "true", "True", "9" * 20, "a", None]
)
WRITTEN = CELLS | st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=4)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(WRITTEN, WRITTEN), min_size=1, max_size=5), st.integers(1, 3))
@example([("1", "NA"), (None, None), ("a", "01")], 1)
def test_whatever_is_written_is_one_category_on_every_path(tmp_path_factory, rows, size):
    columns = {"a": [row[0] for row in rows], "b": [row[1] for row in rows]}
    wanted = {name: [(each and as_category(each)) or None for each in values] for name, values in columns.items()}
    folder = tmp_path_factory.mktemp("cells")
    for path, found in seen(columns, dict.fromkeys(columns, CATEGORY), folder, (size, 100)):
        assert (path, found) == (path, wanted)


@pytest.mark.parametrize("kind", [*FILES, "db"])
@pytest.mark.parametrize("gap", [1, None])
def test_a_whole_number_that_a_float_cannot_hold_is_a_fault_of_its_row(kind, gap, tmp_path, monkeypatch):
    monkeypatch.setenv("SHOP_URL", f"sqlite:///{tmp_path}/rows.db")
    values = [745000000000000001, 745000000000000002, EXACT, -EXACT, EXACT + 1, EXACT + 2, gap]
    declared = {"n": {"type": "int", "nullable": True}}
    dataset = declare(declared, write({"n": values}, kind, tmp_path)).model_copy(update={"keys": ("n",)})
    found = validate(ingest_in_parts(dataset, tmp_path, 3), dataset)
    assert found.report["reasons"] == {f"n: {INEXACT}": 4}
    assert as_lists(found.valid, ["n"])["n"] == [EXACT, -EXACT, gap]
    if kind in FILES:
        assert validate(read_rows(tmp_path / f"rows.{kind}", dataset), dataset).report == found.report
    if kind in FILES[::2]:
        (chunk,) = read_chunks(tmp_path / f"rows.{kind}", request_of(declared), (), size=100, skip=0)
        reasons = judge(chunk.rows, request_of(declared)).reasons
        assert reasons.to_dict() == dict.fromkeys([0, 1, 4, 5], f"n: {INEXACT}")


def test_a_request_with_a_number_that_a_float_cannot_hold_is_told_what_is_allowed():
    for column in (Column(type="int"), Column(type="int", min=0, max=1e18)):
        read = make_reader(column)
        assert read(EXACT) == EXACT
        with pytest.raises(WrongValue) as refused:
            read(EXACT + 1)
        assert refused.value.problem == INEXACT
        assert QuickReader(request_of({"n": column.model_dump()})).read(b'{"n": 9007199254740992}') is None


@pytest.mark.parametrize("word", sorted(MISSING))
def test_a_word_for_a_missing_value_is_missing_in_a_number_that_is_a_text_in_any_file(word, tmp_path):
    values = {"x": ["1.5", word]}
    for name, nullable in (("float", True), ("float", False), ("bool", True), ("int", True)):
        dataset = declare({"x": {"type": name, "nullable": nullable}})
        for kind in FILES:
            path = Path(write({"x": ["1", word]}, kind, tmp_path)["path"])
            reasons = validate(read_rows(path, dataset), dataset).report["reasons"]
            assert (kind, reasons) == (kind, {} if nullable else {"x: missing": 1})
    assert math.isnan(float(parse(pd.DataFrame(values), {"x": Column(type="float")}).x[1]))


def test_the_words_for_a_missing_value_are_those_of_pandas():
    assert set(MISSING) == STR_NA_VALUES


def test_an_empty_text_is_no_category():
    with pytest.raises(WrongValue, match="empty"):
        make_reader(Column(type="category"))("")
    assert make_reader(Column(type="category", nullable=True))("") is None
