import json
import shutil

import pandas as pd
import pytest
import yaml

from benchmarks.grow import NAME, ROOT, declare, grow, write_parts
from features.flights import WEATHER, late, load
from keepfit.compose import compose
from keepfit.dataset import Dataset
from keepfit.files import hash_file
from keepfit.validate import validate

KEYS = ["scheduled", "carrier", "flight", "origin"]


@pytest.fixture(scope="module")
def flights() -> pd.DataFrame:
    return load()


@pytest.fixture(scope="module")
def grown(flights) -> pd.DataFrame:
    return pd.concat(grow(flights, 700_000), ignore_index=True)


@pytest.fixture(scope="module")
def few(flights) -> pd.DataFrame:
    return pd.concat(grow(flights, 20_000), ignore_index=True)


def late_by_month(rows: pd.DataFrame) -> pd.Series:
    return late(rows.arr_delay).groupby(rows.scheduled.dt.month).mean()


def going_back(rows: pd.DataFrame) -> float:
    return float((rows.scheduled.diff() < pd.Timedelta(0)).mean())


def test_there_are_as_many_rows_as_asked_and_their_types_are_the_original_s(flights, grown, few):
    assert (len(grown), len(few)) == (700_000, 20_000)
    assert grown.dtypes.equals(flights.dtypes)


def test_keys_are_unique(grown, few):
    assert not grown.duplicated(KEYS).any()
    assert not few.duplicated(KEYS).any()


def test_what_drifts_over_the_months_drifts_alike(flights, grown, few):
    assert (late_by_month(grown) - late_by_month(flights)).abs().max() < 1e-3
    assert (late_by_month(few) - late_by_month(flights)).abs().max() < 0.03


@pytest.mark.parametrize("name", ["hour", "weekday", "origin", "carrier"])
def test_hours_weekdays_airports_and_carriers_have_their_shares(flights, grown, name):
    shares = [rows[name].value_counts(normalize=True) for rows in (grown, flights)]
    assert (shares[0] - shares[1]).abs().max() < 1e-3


def test_as_much_is_missing_as_in_the_original(flights, grown):
    assert (grown.isna().mean() - flights.isna().mean()).abs().max() < 1e-3


def test_each_row_is_one_of_the_original_with_its_own_weather_and_delay(flights, few):
    rest = [name for name in flights if name != "flight"]
    both = few.assign(flight=few.flight % 10_000).merge(flights, on=["flight", *rest], how="left", indicator=True)
    assert (both._merge == "both").all()
    assert set(WEATHER) <= set(rest)


def test_the_file_goes_back_in_time_as_often_as_the_original(flights, grown):
    assert going_back(grown) == pytest.approx(going_back(flights), abs=0.03)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(flights, tmp_path):
    told = [
        write_parts(flights, tmp_path / name, rows=5_000, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    assert told[0] == told[1]
    assert told[0]["parts"] != told[2]["parts"]


def test_parts_hold_whole_days_and_together_all_rows(flights, tmp_path):
    told = write_parts(flights, tmp_path / "grown", rows=6_000, part_rows=2_500)
    parts = sorted((tmp_path / "grown").glob("part-*.parquet"))
    assert {part.name: hash_file(part) for part in parts} == told["parts"]
    assert json.loads((tmp_path / "grown/grown.json").read_text()) == told
    assert [len(pd.read_parquet(part)) <= 2_500 for part in parts] == [True] * 3
    whole = pd.concat([pd.read_parquet(part) for part in parts], ignore_index=True)
    pd.testing.assert_frame_equal(whole, pd.concat(grow(flights, 6_000), ignore_index=True))


def test_the_share_of_bad_rows_is_the_one_asked_for_and_validation_finds_them(flights):
    rows = pd.concat(grow(flights, 20_000, bad=0.05), ignore_index=True)
    dataset = Dataset.model_validate(yaml.safe_load((ROOT / "conf/dataset/flights.yaml").read_text()))
    found = validate(rows, dataset).report
    assert found["share_quarantined"] == pytest.approx(0.05, abs=0.01)
    assert len(found["reasons"]) == 4


def test_a_grown_table_is_declared_as_a_dataset_of_its_own(tmp_path):
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    (tmp_path / "features").symlink_to(ROOT / "features")
    (tmp_path / "grown").mkdir()
    (tmp_path / "grown/grown.json").touch()
    declare(tmp_path / "grown", tmp_path / "conf")
    dataset = yaml.safe_load(compose(tmp_path / "conf", overrides=[f"dataset={NAME}"]))["dataset"]
    assert (dataset["name"], dataset["source"]["kind"]) == (NAME, "file")
