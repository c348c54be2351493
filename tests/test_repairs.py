import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from keepfit.dataset import REASONS, ROW_HASH, Dataset
from keepfit.errors import MissingColumn, RepairError, SourceError
from keepfit.files import read_table, write_table
from keepfit.repairs import add_repairs, apply_repairs, export_rows, hash_rows, read_changed, read_repairs
from keepfit.validate import replay, validate
from tests.toys import toy_dataset, toy_rows

DATASET = toy_dataset()


def raw(**columns: list) -> pd.DataFrame:
    days = ["2020-01-01", "2020-01-02", "2020-01-03", "2020-01-04"]
    default = {"time": days, "x": [1.0, 2.0, 3.0, 4.0], "c": ["a", "NA", "b", "a"], "y": [0, 1, 0, None]}
    return pd.DataFrame({**default, **columns})


def mend(rows: pd.DataFrame, path, dataset: Dataset = DATASET, **values) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What a person does: export, change cells in the CSV, replay, keep what passes."""
    quarantine, export = validate(rows, dataset).quarantine, path.with_name("export.csv")
    export.write_text(export_rows(quarantine.assign(**values)))
    changed = read_changed(export, quarantine, dataset)
    passing, refused = replay(rows, read_repairs(path, dataset, beside=changed), changed, dataset)
    add_repairs(path, passing, dataset)
    return passing, refused


def test_a_row_that_was_mended_is_taken_in_where_it_belongs(tmp_path):
    rows = raw(x=[1.0, "two", 3.0, 4.0])
    repairs = tmp_path / "toy.csv"
    mend(rows, repairs, x="2.5")
    assert len(read_repairs(repairs, DATASET)) == 1
    found = validate(rows, DATASET, read_repairs(repairs, DATASET))
    assert found.quarantine.empty
    assert_frame_equal(found.valid, validate(raw(x=[1.0, 2.5, 3.0, 4.0]), DATASET).valid)


def test_a_mended_time_is_read_beside_times_of_the_table(tmp_path):
    rows = raw(time=pd.to_datetime(["2020-01-01", None, "2020-01-03", "2020-01-04"]))
    mend(rows, tmp_path / "toy.csv", time="2020-01-02T12:00")
    found = validate(rows, DATASET, read_repairs(tmp_path / "toy.csv", DATASET))
    assert found.quarantine.empty
    assert found.valid.time[1] == pd.Timestamp("2020-01-02 12:00")


@pytest.mark.parametrize(
    ("form", "numbers", "mended"),
    [
        ("%Y%m%d", [20200101, None, 20200103, 20200104], "20200102"),
        (None, [20200101, None, 20200103, 20200104], "2020-01-02"),
        ("D", [18262, None, 18264, 18265], "18263"),
        ("s", [1577836800, None, 1578009600, 1578096000], "1577923200"),
    ],
)
def test_a_mended_time_is_read_beside_times_that_are_numbers(form, numbers, mended, tmp_path):
    dataset = toy_dataset(**{"columns.time": {"type": "datetime", "format": form}})
    rows, repairs = raw(time=numbers), tmp_path / "toy.csv"
    mend(rows, repairs, dataset, time=mended)
    found = validate(rows, dataset, read_repairs(repairs, dataset))
    assert found.valid.time.tolist() == validate(raw(), DATASET).valid.time.tolist()


@pytest.mark.parametrize(
    ("time", "said"), [("2030-01-01", "2 rows .* 'time: out of order'"), ("2020-01-03", "1 rows .* 'time: duplicate'")]
)
def test_repairs_that_cost_good_rows_are_refused_with_their_number_and_the_reason(time, said, tmp_path):
    with pytest.raises(RepairError, match=said):
        mend(raw(time=["2020-01-01", "soon", "2020-01-03", "2020-01-04"]), tmp_path / "toy.csv", time=time)
    assert not (tmp_path / "toy.csv").exists()


def test_a_repaired_row_that_is_still_bad_stays_aside_and_can_be_mended_again():
    rows = raw(time=["2020-01-01", "soon", "2020-01-03", "2020-01-04"])
    first = validate(rows, DATASET).quarantine
    taken = first.assign(time="2020-01-01")
    aside = validate(rows, DATASET, taken).quarantine
    assert aside[REASONS].tolist() == ["time: duplicate"]
    assert aside.time.tolist() == ["2020-01-01"]
    again = aside.assign(time="2020-01-02")
    assert validate(rows, DATASET, pd.concat([taken, again])).quarantine.empty


def test_a_repair_that_still_breaks_a_rule_does_not_pass_the_replay(tmp_path):
    passing, refused = mend(raw(y=[0, 7, 9, 1]), tmp_path / "toy.csv", y=["1", "8"])
    assert passing.y.tolist() == ["1"]
    assert refused[REASONS].tolist() == ["y: above 1"]


def test_a_repair_that_makes_a_duplicate_of_a_good_row_does_not_pass_the_replay(tmp_path):
    rows = raw(time=["2020-01-01", "soon", "2020-01-03", "2020-01-04"])
    passing, refused = mend(rows, tmp_path / "toy.csv", time="2020-01-01")
    assert passing.empty
    assert refused[REASONS].tolist() == ["time: duplicate"]


def test_a_row_that_was_left_as_it_is_is_no_repair(tmp_path):
    passing, refused = mend(raw(y=[0, 7, 9, 1]), tmp_path / "toy.csv", y=["7", "1"])
    assert passing.time.tolist() == ["2020-01-03"]
    assert refused.empty
    assert len(read_repairs(tmp_path / "toy.csv", DATASET)) == 1


def test_a_row_that_is_not_in_quarantine_is_no_repair(tmp_path):
    quarantine = validate(raw(y=[0, 7, 9, 1]), DATASET).quarantine
    file = tmp_path / "mine.csv"
    quarantine.assign(y=1, row_hash=["f" * 16, quarantine.row_hash[1]]).to_csv(file, index=False)
    assert read_changed(file, quarantine, DATASET).time.tolist() == ["2020-01-03"]


def test_a_half_mended_table_can_be_written(tmp_path):
    rows = raw(x=[float("inf"), float("-inf"), 3.0, 4.0])
    quarantine = validate(rows, DATASET).quarantine
    aside = validate(rows, DATASET, quarantine.head(1).assign(x="lots")).quarantine
    write_table(tmp_path / "quarantine", aside)
    assert read_table(tmp_path / "quarantine").x.tolist() == ["lots", "-inf"]


def test_a_column_that_turns_to_floats_does_not_orphan_its_repairs():
    before = raw(y=[0, 7, 1, 1])
    assert before.y.dtype == "int64"
    repairs = validate(before, DATASET).quarantine.assign(y=1)
    after = pd.concat([before, raw().tail(1).assign(time="2020-01-05")], ignore_index=True)
    assert after.y.dtype == "float64"
    assert validate(after, DATASET, repairs).quarantine.empty


SETTLED = st.permutations(range(8))


@settings(max_examples=25)
@given(SETTLED)
def test_the_order_of_the_source_does_not_matter(order):
    dataset = toy_dataset(ordered=False)
    rows = toy_rows(8).astype({"y": object})
    rows.loc[[2, 5], "y"] = ["7", "8"]
    repairs = validate(rows, dataset).quarantine.assign(y=["1", "0"])
    found = validate(rows.iloc[order], dataset, repairs)
    assert found.quarantine.empty
    assert_frame_equal(found.valid, validate(rows, dataset, repairs).valid)
    assert found.valid.y.tolist()[2:6:3] == [1, 0]


@given(SETTLED)
def test_the_hash_of_a_row_does_not_depend_on_its_place_or_on_undeclared_columns(order):
    rows = toy_rows(8)
    moved = rows.iloc[order].assign(more=1)[["more", "y", "x", "c", "time"]]
    assert hash_rows(moved, DATASET).sort_index().tolist() == hash_rows(rows, DATASET).tolist()
    assert hash_rows(rows, DATASET).is_unique
    assert hash_rows(rows, DATASET).str.fullmatch("[0-9a-f]{16}").all()


@pytest.mark.parametrize("column", ["time", "x", "c", "y"])
def test_the_hash_of_a_row_depends_on_every_declared_column(column):
    rows = toy_rows(2)
    other = rows.assign(**{column: rows[column].astype(str) + "1"})
    assert set(hash_rows(rows, DATASET)).isdisjoint(hash_rows(other, DATASET))


def test_repairs_of_rows_that_are_gone_change_nothing():
    repairs = raw().assign(**{ROW_HASH: "f" * 16})
    assert_frame_equal(
        validate(toy_rows(9), DATASET, repairs).valid,
        validate(toy_rows(9), DATASET).valid,
    )


@pytest.mark.parametrize("repairs", [None, pd.DataFrame(columns=[ROW_HASH, "time", "x", "c", "y"])])
def test_no_repairs_leave_the_very_table(repairs):
    rows = toy_rows(9)
    assert apply_repairs(rows, repairs, DATASET) is rows


def test_the_newest_repair_of_a_row_counts_and_older_ones_are_forgotten(tmp_path):
    file = tmp_path / "deep/toy.csv"
    rows = raw(y=[0, 7, 9, 1])
    quarantine = validate(rows, DATASET).quarantine
    assert add_repairs(file, quarantine.assign(y=0), DATASET) == 2
    assert add_repairs(file, quarantine.head(1).assign(y=1), DATASET) == 2
    assert validate(rows, DATASET, read_repairs(file, DATASET)).valid.y.tolist() == [0, 1, 0, 1]


def test_adding_the_same_repairs_again_changes_no_byte(tmp_path):
    file = tmp_path / "toy.csv"
    quarantine = validate(raw(y=[0, 7, 9, 1]), DATASET).quarantine.assign(y=1)
    add_repairs(file, quarantine, DATASET)
    before = file.read_bytes()
    add_repairs(file, quarantine, DATASET)
    assert file.read_bytes() == before
    assert REASONS not in file.read_text()


def test_the_text_na_is_a_value_and_an_empty_cell_is_none(tmp_path):
    mend(raw(x=[1, "two", 3, 4]), tmp_path / "toy.csv", x="2", y=None)
    repairs = read_repairs(tmp_path / "toy.csv", DATASET)
    assert repairs.c.tolist() == ["NA"]
    assert repairs.y.isna().tolist() == [True]


def test_no_file_means_no_repairs(tmp_path):
    assert read_repairs(tmp_path / "toy.csv", DATASET) is None


@pytest.mark.parametrize("content", [b"", b'a,b\n"1', b"\xff\xfea,b\n1,2\n"])
def test_a_file_that_is_no_csv_is_refused_with_its_path(tmp_path, content):
    (tmp_path / "toy.csv").write_bytes(content)
    with pytest.raises(SourceError, match=r"toy\.csv: not a CSV of repaired rows"):
        read_repairs(tmp_path / "toy.csv", DATASET)


def test_a_file_without_the_hashes_is_refused(tmp_path):
    raw().to_csv(tmp_path / "toy.csv")
    with pytest.raises(MissingColumn, match="missing column row_hash"):
        read_repairs(tmp_path / "toy.csv", DATASET)
