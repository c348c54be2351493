"""Rows that are read from a file, a part or a column at a time, say what rows in memory say."""

from pathlib import Path

import pandas as pd
import pytest

from keepfit.compiled.packing import pack_scorer
from keepfit.compiled.parity import holdout_rows
from keepfit.evaluate import judge, tabulate
from keepfit.modelfile import dump
from keepfit.package import prepare_serving
from keepfit.profile import draw_profile
from keepfit.rows import count_until, read_between, read_column
from keepfit.servable import describe
from keepfit.splits import split_table
from keepfit.tables import Table, write_parts
from keepfit.train import fit
from tests.bundles import Case, train_bundle
from tests.champions import packed
from tests.toys import TASKS, TOYS, toy_dataset, toy_rows, toy_settings, toy_table


def stored(path: Path, rows: pd.DataFrame) -> Table:
    """The rows in a file of many row groups."""
    write_parts(path, [rows], group=64)
    return Table(path)


@pytest.fixture
def rows() -> pd.DataFrame:
    found = toy_rows(500)
    found.loc[100:150, "x"], found.loc[300:310, "c"] = None, None
    return found


def test_a_part_and_a_column_are_those_of_the_frame(rows, tmp_path):
    table = stored(tmp_path / "rows.parquet", rows)
    for name in rows:
        pd.testing.assert_series_equal(read_column(table, name), read_column(rows, name))
    pd.testing.assert_frame_equal(read_between(table, 50, 200, ["c", "x"]), read_between(rows, 50, 200, ["c", "x"]))


def test_rows_are_counted_up_to_a_time_however_many_have_come_since(rows, tmp_path):
    for each in (rows, rows[:200], stored(tmp_path / "rows.parquet", rows)):
        assert count_until(each, "time", "2020-01-31 00:00:00") == 31


@pytest.mark.parametrize("window", [40, "30D", 10_000])
def test_the_profile_of_a_file_is_that_of_its_rows(rows, window, tmp_path):
    names, dataset = list(rows), toy_dataset()
    table = stored(tmp_path / "rows.parquet", rows)
    assert draw_profile(table, dataset, names, window) == draw_profile(rows, dataset, names, window)


@pytest.mark.parametrize("dataset", ["sp500", "flights"])
def test_what_the_service_needs_is_the_same_from_a_file(dataset, tmp_path):
    bundle, servable, rows = packed(dataset, "hist_gradient_boosting", None)
    table = stored(tmp_path / "valid.parquet", rows)
    pd.testing.assert_frame_equal(
        holdout_rows(bundle, table).reset_index(drop=True), holdout_rows(bundle, rows).reset_index(drop=True)
    )
    parity, _ = pack_scorer(bundle, table, tmp_path, drawn=600)
    assert parity == servable.parity
    assert describe(bundle, table, parity) == describe(bundle, rows, parity)


def test_a_toy_is_packed_from_a_file_as_from_memory(rows, tmp_path):
    settings = toy_settings()
    bundle = train_bundle(tmp_path / "bundle", toy_table(rows, settings), settings)
    table = stored(tmp_path / "valid.parquet", rows)
    found = [prepare_serving(bundle, each, tmp_path / name) for name, each in {"one": table, "other": rows}.items()]
    assert found[0] == found[1]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("most", [None, 200])
def test_a_model_learned_and_judged_from_a_file_is_that_of_the_frame(task, most, tmp_path):
    settings = Case(task).settings(**{"train.max_rows": most})
    frame = toy_table(TOYS[task](600), settings)
    table = stored(tmp_path / "table.parquet", frame)
    splits = split_table(table.read(0, len(table), ["time", "label"]), settings)
    one, other = fit(table.pick(splits.rows), settings, splits=splits), fit(frame, settings)
    assert dump(one.model) == dump(other.model)
    pd.testing.assert_frame_equal(one.reference, other.reference, check_exact=True)
    bundle = train_bundle(tmp_path / "bundle", frame, settings)
    judged = [judge(table.pick(splits.held_out), bundle, settings, splits=splits), judge(frame, bundle, settings)]
    tables = [tabulate(each, settings.dataset) for each in judged]
    pd.testing.assert_frame_equal(tables[0], tables[1], check_exact=True)
