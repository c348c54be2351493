from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from keepfit.dataset import REASONS, ROW_HASH
from keepfit.errors import EmptyTable, MissingColumn, QuotaExceeded, StaleData
from keepfit.files import hash_file, read_json, read_table, write_table
from keepfit.validate import Validation, enforce_freshness, enforce_quota, replay, validate
from stages.validate import main
from tests.toys import toy_dataset, toy_rows, toy_settings

NOW = pd.Timestamp("2030-01-01")
COLUMNS = {
    "time": {"type": "datetime"},
    "x": {"type": "float", "min": -10, "max": 10},
    "c": {"type": "category", "allowed": ["a", "b"]},
    "n": {"type": "int", "nullable": True},
    "y": {"type": "bool", "nullable": True},
}
UNORDERED = toy_dataset(columns=COLUMNS, label="y", ordered=False)
ORDERED = toy_dataset(columns=COLUMNS, label="y")


def raw(**columns: list) -> pd.DataFrame:
    count = max((len(values) for values in columns.values()), default=4)
    times = [f"2020-01-{day + 1:02}" for day in range(count)]
    default = {"time": times, "x": [1.0] * count, "c": ["a"] * count, "n": [1] * count, "y": [True] * count}
    return pd.DataFrame({**default, **columns})


def reasons(rows: pd.DataFrame, dataset=UNORDERED) -> list[str]:
    return validate(rows, dataset).quarantine[REASONS].tolist()


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("time", "soon", "time: not a value of type datetime"),
        ("time", None, "time: missing"),
        ("x", "much", "x: not a value of type float"),
        ("x", None, "x: missing"),
        ("x", -10.5, "x: below -10"),
        ("x", 10.5, "x: above 10"),
        ("x", np.inf, "x: above 10; x: infinite"),
        ("c", "d", "c: not an allowed value"),
        ("c", None, "c: missing"),
        ("n", 1.5, "n: not a value of type int"),
        ("n", np.inf, "n: infinite"),
        ("y", "perhaps", "y: not a value of type bool"),
    ],
)
@pytest.mark.parametrize("dataset", [UNORDERED, ORDERED], ids=["unordered", "ordered"])
def test_a_row_that_breaks_a_rule_is_set_aside_with_the_reason_and_no_other_row_is(column, value, reason, dataset):
    rows = raw().astype({column: object})
    rows.loc[2, column] = value
    found = validate(rows, dataset)
    assert found.quarantine[REASONS].tolist() == [reason]
    assert found.report["reasons"] == dict.fromkeys(reason.split("; "), 1)
    assert len(found.valid) == 3
    assert found.quarantine[column].astype(str).tolist() == [str(value)]


@pytest.mark.parametrize(("column", "value"), [("x", -10), ("x", 10), ("n", None), ("y", None), ("c", "b"), ("y", "0")])
def test_a_value_on_the_edge_of_what_is_allowed_is_kept(column, value):
    rows = raw().astype({column: object})
    rows.loc[2, column] = value
    assert reasons(rows) == []


def test_every_rule_that_a_row_breaks_is_named():
    assert reasons(raw(time=["soon"], x=[None], c=["d"])) == [
        "c: not an allowed value; time: not a value of type datetime; x: missing"
    ]


def test_of_equal_keys_the_first_row_is_kept():
    rows = raw(time=["2020-01-02", "2020-01-01", "2020-01-02", "2020-01-02"], x=[1, 2, 3, 4])
    found = validate(rows, UNORDERED)
    assert found.valid.x.tolist() == [2, 1]
    assert found.quarantine.x.tolist() == [3, 4]
    assert found.quarantine[REASONS].tolist() == ["time: duplicate"] * 2


def test_keys_are_compared_together():
    dataset = toy_dataset(columns=COLUMNS, label="y", keys=["time", "c"])
    day = "2020-01-01"
    assert reasons(raw(time=[day] * 3, c=["a", "b", "a"]), dataset) == ["time, c: duplicate"]


def test_keys_are_compared_as_the_values_they_stand_for():
    assert reasons(raw(time=["2020-01-01T01:00:00+01:00", "2020-01-01"])) == ["time: duplicate"]


def test_of_equal_values_in_a_unique_column_the_first_row_is_kept():
    dataset = toy_dataset(columns={**COLUMNS, "n": {"type": "int", "unique": True}}, label="y", keys=[])
    found = validate(raw(n=[1, 2, 1, 3]), dataset)
    assert found.quarantine[REASONS].tolist() == ["n: duplicate"]
    assert found.valid.n.tolist() == [1, 2, 3]


def test_a_row_that_steps_back_in_time_is_set_aside_where_the_table_is_ordered():
    times = ["2020-01-01", "2020-01-03", "2020-01-02", "2020-01-04"]
    assert reasons(raw(time=times), ORDERED) == ["time: out of order"]
    assert reasons(raw(time=times), UNORDERED) == []


def test_an_unreadable_time_does_not_hide_a_step_back():
    times = ["2020-01-03", "soon", "2020-01-02", "2020-01-04"]
    assert reasons(raw(time=times), ORDERED) == ["time: not a value of type datetime", "time: out of order"]


def test_columns_that_are_not_declared_are_listed_and_dropped_but_kept_in_quarantine():
    rows = raw(x=[1, 99]).assign(b=5, a=6)
    found = validate(rows, UNORDERED)
    assert found.report["undeclared_columns"] == ["a", "b"]
    assert list(found.valid) == list(COLUMNS)
    assert found.quarantine[["a", "b"]].to_dict("records") == [{"a": 6, "b": 5}]


def test_a_declared_column_that_is_not_there_is_refused():
    with pytest.raises(MissingColumn, match="missing columns c, n"):
        validate(raw().drop(columns=["c", "n"]), UNORDERED)


def test_the_report_counts_what_was_kept_and_set_aside():
    assert validate(raw(x=[1, 99, -99, 99]), UNORDERED).report == {
        "rows": 4,
        "valid": 1,
        "quarantined": 3,
        "share_quarantined": 0.75,
        "reasons": {"x: above 10": 2, "x: below -10": 1},
        "undeclared_columns": [],
    }


def test_an_empty_table_is_valid_and_empty():
    found = validate(raw(time=[]), UNORDERED)
    assert (len(found.valid), len(found.quarantine), found.report["share_quarantined"]) == (0, 0, 0)


def test_a_category_that_only_quarantined_rows_have_leaves_no_trace():
    assert validate(raw(c=["a", "d", "b"]), UNORDERED).valid.c.cat.categories.tolist() == ["a", "b"]


ROWS = st.fixed_dictionaries(
    {
        "time": st.sampled_from(["2020-01-01", "2020-01-02T10:00:00Z", "2020-01-03", "2019-12-31", "soon", None]),
        "x": st.sampled_from([0, 1.5, "2", 99, np.inf, "x", None]),
        "c": st.sampled_from(["a", "b", "d", None]),
        "n": st.sampled_from([1, 2, 2.5, None]),
        "y": st.sampled_from([True, "false", 2, None]),
    }
)
TABLES = st.lists(ROWS, max_size=8).map(lambda rows: pd.DataFrame(rows, columns=list(COLUMNS), dtype=object))
DATASETS = st.sampled_from([UNORDERED, ORDERED])


@settings(max_examples=25)
@given(TABLES, DATASETS)
def test_valid_rows_are_in_time_order_and_validating_them_sets_nothing_aside(table, dataset):
    found = validate(table, dataset)
    assert found.valid.time.is_monotonic_increasing
    again = validate(found.valid, dataset)
    assert again.quarantine.empty
    assert_frame_equal(again.valid, found.valid)


@settings(max_examples=25)
@given(TABLES, DATASETS)
def test_every_row_is_either_valid_or_in_quarantine(table, dataset):
    found = validate(table.assign(place=range(len(table))), dataset)
    kept = set(range(len(table))) - set(found.quarantine.place)
    assert len(found.valid) + len(found.quarantine) == len(table) == found.report["rows"]
    assert len(kept) == len(found.valid)
    assert found.quarantine[REASONS].str.len().gt(0).all()


@settings(max_examples=25)
@given(st.data())
def test_the_order_of_the_source_does_not_change_what_is_kept_where_order_is_not_declared(data):
    table = data.draw(TABLES).drop_duplicates("time", ignore_index=True)
    order = data.draw(st.permutations(range(len(table))))
    found, other = (validate(rows, UNORDERED) for rows in (table, table.iloc[order]))
    assert_frame_equal(other.valid, found.valid)
    assert other.report == found.report
    assert set(other.quarantine[ROW_HASH]) == set(found.quarantine[ROW_HASH])


@settings(max_examples=25)
@given(TABLES, DATASETS)
def test_quarantined_rows_that_are_replayed_as_they_are_break_a_rule_again(table, dataset):
    found = validate(table, dataset)
    passing, refused = replay(table, None, found.quarantine, dataset)
    assert passing.empty
    assert_frame_equal(refused, found.quarantine)


def quota_error(found: Validation, dataset=UNORDERED) -> str:
    with pytest.raises(QuotaExceeded) as refused:
        enforce_quota(found.report, found.quarantine, dataset, 0.1)
    return str(refused.value)


def test_too_many_rows_aside_are_refused_with_the_rule_its_column_the_count_and_a_sample():
    said = quota_error(validate(raw(x=[1, 99, 98, 97, 96, -11]), UNORDERED))
    assert said.startswith("5 of 6 rows set aside, validate.quota allows 10.00%; most often by 'x: above 10' (4 rows,")
    sample = [{"time": "2020-01-02", "x": 99}, {"time": "2020-01-03", "x": 98}, {"time": "2020-01-04", "x": 97}]
    assert str(sample) in said


def test_the_sample_finds_a_column_whatever_is_in_its_name():
    columns = {**COLUMNS, "x: y": {"type": "float", "max": 1}, "p, q": {"type": "int"}}
    dataset = toy_dataset(columns=columns, label="y")
    assert "'x: y': 5" in quota_error(validate(raw().assign(**{"x: y": 5, "p, q": 1}), dataset), dataset)
    assert "'p, q': 'z'" in quota_error(validate(raw().assign(**{"x: y": 0, "p, q": "z"}), dataset), dataset)


def test_duplicates_above_the_quota_are_refused_by_their_keys():
    dataset = toy_dataset(columns=COLUMNS, label="y", keys=["time", "c"])
    said = quota_error(validate(raw(time=["2020-01-01"] * 3), dataset), dataset)
    assert "'time, c: duplicate' (2 rows, such as [{'time': '2020-01-01', 'c': 'a'}" in said


def test_a_share_aside_that_is_exactly_the_quota_is_allowed():
    found = validate(raw(x=[1, 1, 1, 99]), UNORDERED)
    assert enforce_quota(found.report, found.quarantine, UNORDERED, 0.25) is None


def test_a_table_whose_rows_are_all_set_aside_is_refused_whatever_the_quota():
    found = validate(raw(x=[99, 99]), UNORDERED)
    with pytest.raises(EmptyTable, match="no row is left"):
        enforce_quota(found.report, found.quarantine, UNORDERED, 1.0)


@pytest.mark.parametrize(
    ("until", "now", "fresh"),
    [
        (None, "2020-01-11", True),
        (None, "2020-01-11 00:00:01", False),
        ("2020-01-10", "2030-01-01", True),
        ("2020-01-11", "2030-01-01", False),
        ("2020-06-30", "2020-01-05", True),
    ],
)
def test_the_newest_row_may_be_as_old_as_declared_before_the_cut_off_or_now(until, now, fresh):
    dataset = toy_dataset(columns=COLUMNS, label="y", freshness="7D", until=until and date.fromisoformat(until))
    found = validate(raw(), dataset)
    if fresh:
        enforce_freshness(found.valid.time.max(), dataset, now=pd.Timestamp(now))
    else:
        with pytest.raises(StaleData, match=r"newest row is of 2020-01-04.* more than 7D before 2020-01-11"):
            enforce_freshness(found.valid.time.max(), dataset, now=pd.Timestamp(now))


def test_a_dataset_without_a_freshness_is_never_stale():
    assert enforce_freshness(validate(raw(), UNORDERED).valid.time.max(), UNORDERED, now=NOW) is None


def test_the_stage_keeps_the_last_valid_table_where_too_many_rows_are_set_aside(tmp_path):
    paths = [tmp_path / name for name in ("raw", "repairs", "valid", "quarantine", "report.json")]
    write_table(paths[0], toy_rows(50))
    main(toy_settings(), *paths)
    before = hash_file(paths[2])
    assert_frame_equal(read_table(paths[2]), toy_rows(50))
    write_table(paths[0], toy_rows(50).assign(x=np.inf))
    with pytest.raises(QuotaExceeded):
        main(toy_settings(), *paths)
    assert hash_file(paths[2]) == before
    assert read_table(paths[3])[REASONS].tolist() == ["x: infinite"] * 50
    assert read_json(paths[4])["quarantined"] == 50
