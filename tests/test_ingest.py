from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepfit.errors import EmptyTable, MissingColumn, SettingsError, SourceError, SourceWentBackwards
from keepfit.files import hash_file, read_json, read_table, write_table
from keepfit.ingest import Extent, cut, describe, refuse_backwards
from keepfit.times import end_of, parse_moment, parse_times
from stages.ingest import main
from tests.toys import toy_dataset, toy_settings


def table(times: list) -> pd.DataFrame:
    return pd.DataFrame({"time": times, "x": 1.0, "c": "a", "y": 0})


def until(moment, times: list) -> list:
    return cut(table(times), toy_dataset(until=moment)).time.tolist()


HOURS = ["2020-01-30T23:59:59", "2020-01-31T00:00:00", "2020-01-31T23:59:59.999999999", "2020-02-01T00:00:00"]


def test_a_cut_off_date_lets_in_the_whole_of_its_day():
    assert until("2020-01-31", HOURS) == HOURS[:3]


def test_a_cut_off_moment_lets_in_that_moment_and_none_after_it():
    assert until("2020-01-31T00:00:00", HOURS) == HOURS[:2]
    assert until("2020-01-31T01:00:00+01:00", HOURS) == HOURS[:2]


def test_no_cut_off_lets_in_every_row():
    assert until(None, HOURS) == HOURS


@pytest.mark.parametrize(
    ("text", "moment"),
    [("2022-06-01", "2022-06-01"), ("2022-06-01T02:00Z", "2022-06-01 02:00"), ("2022-06-01T02:00+02:00", "2022-06-01")],
)
def test_a_moment_that_a_person_wrote_is_utc_without_a_zone(text, moment):
    assert parse_moment(text) == pd.Timestamp(moment)


@pytest.mark.parametrize("text", ["garbage", "", "2022-13-01", "9999-01-01"])
def test_what_is_no_moment_is_named(text):
    with pytest.raises(SettingsError, match=f"^'{text}' is no moment; allowed: a day such as"):
        parse_moment(text)


def test_times_with_a_zone_are_cut_in_utc():
    assert until("2020-01-31", ["2020-02-01T00:30:00+01:00", "2020-01-31T23:30:00-01:00"]) == [
        "2020-02-01T00:30:00+01:00"
    ]


def test_a_row_with_an_unparsable_time_is_kept_for_validate_to_judge():
    assert until("2020-01-31", ["2020-01-01", "soon", "2020-03-01"]) == ["2020-01-01", "soon"]
    assert pd.isna(until("2020-01-31", ["2020-01-01", None])[1])


def test_a_time_too_far_for_nanoseconds_is_no_time_in_whatever_unit_it_comes():
    far = pd.Series(["2020-01-01", "9999-12-31"])
    for values in (far, far.astype("datetime64[us]"), far.astype("datetime64[s]")):
        assert parse_times(values).isna().tolist() == [False, True]


@given(st.lists(st.datetimes(min_value=pd.Timestamp("1990-01-01"), max_value=pd.Timestamp("2040-01-01")), min_size=1))
def test_a_cut_is_a_part_of_the_source_in_its_order_and_cutting_again_changes_nothing(moments):
    times = [str(moment) for moment in [*moments, pd.Timestamp("2000-01-01")]]
    dataset = toy_dataset(until="2015-06-30")
    rows = cut(table(times), dataset)
    assert rows.time.tolist() == [time for time in times if pd.Timestamp(time) <= end_of(dataset.until)]
    pd.testing.assert_frame_equal(cut(rows, dataset), rows)


def test_a_table_without_a_row_before_the_cut_off_is_refused():
    with pytest.raises(EmptyTable, match=r"no row up to dataset\.until = 2019-12-31"):
        until("2019-12-31", ["2020-01-01"])
    with pytest.raises(EmptyTable):
        until(None, [])


def test_a_table_without_the_time_column_is_refused_with_the_columns_there_are():
    with pytest.raises(MissingColumn, match="missing column time; there are: x, c, y"):
        cut(table(HOURS).drop(columns="time"), toy_dataset())


def test_columns_of_mixed_types_survive_parquet_as_text(tmp_path):
    odd = table(HOURS).assign(x=[1, "two", 3.0, None], c=[["l"], {"k": 1}, "s", None], extra=[1, 2.5, True, None])
    rows = cut(odd.astype({"extra": object}).rename(columns={"y": 7}), toy_dataset())
    write_table(tmp_path / "raw", rows)
    back = read_table(tmp_path / "raw")
    assert list(back) == ["time", "x", "c", "7", "extra"]
    assert back.x.tolist() == ["1", "two", "3", None]
    assert back.c.tolist() == ["['l']", "{'k': 1}", "s", None]
    assert back.extra.tolist() == ["1", "2.5", "True", None]


def test_columns_of_one_type_stay_what_they_are():
    rows = table(HOURS).assign(x=[1.5, None, 2, 3], y=[1, 2, 3, 4])
    pd.testing.assert_frame_equal(cut(rows, toy_dataset()), rows)


LONG, SHORT = ["2020-01-01", "2020-01-02", "2020-01-03"], ["2020-01-01", "2020-01-02"]


def extent_of(times: list) -> Extent:
    read = parse_times(pd.Series(times))
    return Extent(len(times), read.min(), read.max())


def recorded(times: list, **overrides) -> dict:
    return describe(extent_of(times), toy_dataset(**overrides), content="abc")


def test_the_record_says_what_was_ingested():
    record = recorded(LONG, until="2020-06-30")
    assert record["rows"] == 3
    assert (record["first"], record["last"]) == (pd.Timestamp("2020-01-01"), pd.Timestamp("2020-01-03"))
    assert record["source"]["path"] == "toy.csv"
    assert "watch" not in record["source"]


def test_a_source_that_lost_its_newest_rows_is_refused_with_both_ends():
    with pytest.raises(SourceWentBackwards, match=r"ends at 2020-01-02 .* reached 2020-01-03 .*may_go_backwards"):
        refuse_backwards(extent_of(SHORT), toy_dataset(), recorded(LONG))


def test_a_source_whose_times_cannot_be_read_any_more_is_refused():
    with pytest.raises(SourceWentBackwards, match="ends at NaT"):
        refuse_backwards(extent_of(["soon", "later"]), toy_dataset(), recorded(LONG))


@pytest.mark.parametrize(
    ("times", "now", "before"),
    [
        (SHORT, {"may_go_backwards": True}, {}),
        (SHORT, {"until": "2020-01-02"}, {}),
        (SHORT, {"source": {"kind": "file", "path": "other.csv", "watch": "toy.csv"}}, {}),
        (LONG, {}, {}),
        ([*LONG, "2020-01-04"], {}, {}),
        (SHORT[::-1] + LONG[2:], {}, {}),
        (LONG, {"until": "2020-06-30"}, {"until": "2020-01-03"}),
    ],
    ids=["allowed", "cut-off moved back", "other source", "same", "longer", "other order", "cut-off moved on"],
)
def test_a_source_that_ends_where_it_should_is_taken(times, now, before):
    assert refuse_backwards(extent_of(times), toy_dataset(**now), recorded(LONG, **before)) is None


def test_a_first_ingest_has_nothing_to_fall_behind():
    assert refuse_backwards(extent_of(SHORT), toy_dataset(), None) is None


class Project:
    def __init__(self, folder: Path) -> None:
        self.source, self.raw, self.record = folder / "toy.csv", folder / "data/raw.parquet", folder / "r/ingest.json"

    def ingest(self, times: list | None = None, **overrides) -> None:
        if times is not None:
            table(times).to_csv(self.source, index=False)
        source = {"kind": "file", "path": str(self.source), "watch": "toy.csv"}
        keys = {f"dataset.{key}": value for key, value in overrides.items()}
        main(toy_settings(**{"dataset.source": source, **keys}), self.raw, self.record)

    @property
    def state(self) -> tuple[str, dict]:
        return hash_file(self.raw), read_json(self.record)


@pytest.fixture
def project(tmp_path) -> Project:
    return Project(tmp_path)


def test_the_stage_writes_the_rows_and_a_record_of_their_hash(project):
    project.ingest(LONG, until="2020-01-02")
    assert read_table(project.raw).time.tolist() == SHORT
    content, record = project.state
    assert record["sha256"] == content
    assert record["rows"] == 2
    assert record["last"] == "2020-01-02 00:00:00"


def test_an_ingest_of_the_same_source_writes_the_same_bytes(project):
    project.ingest(LONG)
    before = project.state
    project.ingest()
    assert project.state == before


def test_a_source_that_goes_backwards_leaves_the_last_good_table_until_it_is_allowed(project):
    project.ingest(LONG)
    before = project.state
    with pytest.raises(SourceWentBackwards):
        project.ingest(SHORT)
    assert project.state == before
    project.ingest(may_go_backwards=True)
    assert read_table(project.raw).time.tolist() == SHORT


def test_a_cut_off_moved_back_and_on_again_is_taken(project):
    for moment, count in ((None, 3), ("2020-01-01", 1), ("2020-01-02", 2), (None, 3)):
        project.ingest(LONG, until=moment)
        assert len(read_table(project.raw)) == count


@pytest.mark.parametrize("half", [b'time,x,c,y\n2020-01-04,1,a,0\n"2020-01-05,1', b"time,x\n1,2\n1,2,3,4\n", b""])
def test_a_source_that_fails_half_way_leaves_the_last_good_table(project, half):
    project.ingest(LONG)
    before = project.state
    project.source.write_bytes(half)
    with pytest.raises(SourceError, match=r"toy\.csv"):
        project.ingest()
    assert project.state == before


def test_a_source_that_lost_its_table_leaves_the_last_good_one(project):
    project.ingest(LONG)
    before = project.state
    with pytest.raises(EmptyTable):
        project.ingest([])
    project.source.unlink()
    with pytest.raises(SourceError):
        project.ingest()
    assert project.state == before
