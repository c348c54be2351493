import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepfit.dataset import Column
from keepfit.errors import LogError
from keepfit.serving.pii import hash_value, make_writer, protect, read_key, write_time

KEY = b"0123456789abcdef"
COLUMNS = {
    "name": Column(type="category", pii="drop"),
    "mail": Column(type="category", pii="hash", nullable=True),
    "age": Column(type="int"),
    "when": Column(type="datetime"),
}


def written(values, columns=COLUMNS, key=KEY) -> dict:
    return json.loads(bytes(make_writer(columns, key)(values)))


def test_a_personal_value_is_dropped_or_hashed_and_the_others_stay():
    found = written(["Ada", "ada@example.org", 36.0, 1_500_000_000_000_000_000])
    assert found == {"mail": hash_value("ada@example.org", KEY), "age": 36, "when": "2017-07-14T02:40:00Z"}
    assert "ada" not in json.dumps(found)


def test_a_row_is_protected_as_it_is_written():
    row = {"name": "Ada", "mail": "ada@example.org", "age": 36, "when": "2017-07-14T02:40:00Z"}
    assert protect(row, COLUMNS, KEY) == written(["Ada", "ada@example.org", 36.0, 1_500_000_000_000_000_000])


def test_a_missing_value_stays_missing():
    assert written([None, None, float("nan"), None]) == {"mail": None, "age": None, "when": None}


def test_another_key_gives_another_hash_and_the_same_key_the_same():
    assert hash_value("a", KEY) == hash_value("a", KEY) != hash_value("a", KEY[::-1])


def test_a_whole_number_has_one_hash_as_text_as_int_and_as_float():
    assert hash_value(7, KEY) == hash_value(7.0, KEY) == hash_value("7", KEY)


def test_a_column_to_be_hashed_needs_a_key():
    with pytest.raises(LogError, match="KEEPFIT_PII_KEY"):
        make_writer(COLUMNS, None)
    make_writer({"age": COLUMNS["age"]}, None)


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_a_time_is_written_to_the_nanosecond(nanoseconds):
    assert pd.Timestamp(write_time(nanoseconds)).tz_localize(None).to_datetime64() == np.datetime64(nanoseconds, "ns")


def test_the_key_of_a_folder_is_made_once_and_only_its_owner_reads_it(tmp_path):
    key = read_key(None, tmp_path / "log")
    assert read_key(None, tmp_path / "log") == key
    assert len(key) == 64
    assert (tmp_path / "log/pii.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "log").iterdir()] == ["pii.key"]


def test_a_key_that_is_named_must_be_there_and_long_enough(tmp_path):
    with pytest.raises(LogError, match="No such file"):
        read_key(tmp_path / "key", tmp_path)
    (tmp_path / "key").write_text("short")
    with pytest.raises(LogError, match="5 bytes; a key has 16 or more"):
        read_key(tmp_path / "key", tmp_path)
