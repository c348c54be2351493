from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepfit.columns import settle_types
from keepfit.computing import PandasEngine
from keepfit.dataset import ROW_HASH, Dataset
from keepfit.engine import start_engine
from keepfit.files import read_json, write_json, write_table
from keepfit.rules import BLANK, Judged, find_faults
from keepfit.settle import write_settled
from keepfit.spool import spooling
from keepfit.tables import Table, write_parts
from keepfit.validate import Validation, validate
from keepfit.validate_table import validate_table
from tests.test_validate import COLUMNS, ORDERED, TABLES, UNORDERED
from tests.toys import toy_dataset

# Two columns of keys, and one of values that must not repeat.
TWICE = toy_dataset(
    columns={**COLUMNS, "n": {"type": "int", "unique": True, "nullable": True}},
    label="y",
    keys=["time", "c"],
    ordered=False,
)
DATASETS = st.sampled_from([UNORDERED, ORDERED, TWICE])
NAMES = ["valid", "quarantine", "report.json"]


def write_whole(folder: Path, found: Validation) -> list[bytes]:
    write_table(folder / "valid", found.valid)
    write_table(folder / "quarantine", found.quarantine)
    write_json(folder / "report.json", found.report)
    return [(folder / name).read_bytes() for name in NAMES]


def validate_parts(folder: Path, dataset: Dataset, repairs: pd.DataFrame | None, rows: int) -> list[bytes]:
    with start_engine(PandasEngine(kind="pandas", rows=rows)) as engine, spooling(folder / "valid") as spool:
        found = validate_table(Table(folder / "raw"), dataset, repairs, engine=engine, spool=spool)
        write_settled(folder / "quarantine", found.quarantine)
        write_parts(folder / "valid", found.valid())
        write_json(folder / "report.json", found.report)
        newest = found.newest
    times = pd.read_parquet(folder / "valid").time
    assert newest == times.max() if len(times) else newest is pd.NaT
    return [(folder / name).read_bytes() for name in NAMES]


def mend(rows: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """Repairs of every second row that was set aside: one that helps, one that does not."""
    aside = validate(rows, dataset).quarantine.iloc[::2]
    return aside[[ROW_HASH, *dataset.columns]].assign(x=["1" if i % 2 else "99" for i in range(len(aside))])


@settings(max_examples=12)
@given(TABLES, DATASETS, st.integers(2, 9), st.booleans())
def test_a_table_cut_anyhow_has_the_bytes_that_the_whole_has(tmp_path_factory, table, dataset, rows, mended):
    folder = tmp_path_factory.mktemp("cut")
    # The first row's time is also that of a later one, and so of another part.
    table = settle_types(pd.concat([table, table.head(2)], ignore_index=True))
    repairs = mend(table, dataset) if mended else None
    table.to_parquet(folder / "raw", index=False, row_group_size=3)
    whole = write_whole(folder, validate(pd.read_parquet(folder / "raw"), dataset, repairs))
    assert validate_parts(folder, dataset, repairs, rows) == whole


def test_numbers_among_missing_ones_and_categories_of_one_part_alone_are_those_of_the_whole(tmp_path):
    table = pd.DataFrame(
        {
            "time": pd.date_range("2020-01-01", periods=20)[::-1].astype(str),
            "x": [99.0] * 3 + [1.0] * 14 + [99.0] * 3,
            "c": ["a"] * 9 + ["b"] * 2 + ["d"] * 9,
            "n": pd.Series([None] * 5 + list(range(15)), dtype=object),
            "y": pd.Series([True] * 19 + [None], dtype=object),
            "more": pd.Series([None] * 19 + ["told"], dtype=object),
        }
    )
    write_table(tmp_path / "raw", table)
    for dataset in (ORDERED, TWICE):
        whole = write_whole(tmp_path, validate(pd.read_parquet(tmp_path / "raw"), dataset))
        for rows in (6, 20):
            assert validate_parts(tmp_path, dataset, None, rows) == whole
        assert read_json(tmp_path / "report.json")["undeclared_columns"] == ["more"]
    assert not [file.name for file in tmp_path.iterdir() if file.name.startswith(".")]


def test_values_of_one_hash_are_told_apart():
    keys = pd.DataFrame({"time": pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-01", "2020-01-02"])})
    judged = Judged(
        faults=pd.DataFrame({"row": np.empty(0, dtype=int), "reason": ""}),
        times=keys.time.to_numpy(),
        hashes={"time": np.array([5, 5, 5, 6], dtype=np.uint64)},
    )
    found = find_faults([judged], UNORDERED, lambda rows, names: keys.iloc[rows][names])
    assert found.to_dict("records") == [{"row": 2, "reason": "time: duplicate"}]


@pytest.mark.parametrize(("values", "twice"), [([0.0, -0.0], [1]), ([np.nan, np.nan], []), (["1", 1.0], [1])])
def test_equal_values_repeat_whatever_their_bits_and_missing_ones_never_do(values, twice):
    dataset = toy_dataset(columns={**COLUMNS, "x": {"type": "float", "nullable": True, "unique": True}}, label="y")
    rows = pd.DataFrame({"time": ["2020-01-01", "2020-01-02"], "x": values, "c": "a", "n": 1, "y": 1}, dtype=object)
    assert validate(rows, dataset.model_copy(update={"keys": ()})).report["reasons"] == (
        {"x: duplicate": 1} if twice else {}
    )
    assert BLANK == 0
