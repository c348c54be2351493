"""Declare: a value changes and the rest of the file stays as it was."""

from datetime import date
from pathlib import Path

import pytest
import yaml

from keepfit.declare import declare
from keepfit.errors import SettingsError

TEXT = """\
# Why.
until: 2017-12-29  # the cut-off
gate:
  # What for.
  pinned: null
  list: [a, b]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "it.yaml"
    path.write_text(TEXT)
    return path


def test_a_value_changes_and_comments_and_layout_stay(file):
    assert declare(file, {("until",): date(2018, 3, 30), ("gate", "pinned"): "9da1a9db7ffd"})
    assert file.read_text() == TEXT.replace("2017-12-29", "2018-03-30").replace("null", "9da1a9db7ffd")


def test_the_value_that_is_there_changes_nothing(file):
    assert not declare(file, {("until",): date(2017, 12, 29)})
    assert file.read_text() == TEXT


@pytest.mark.parametrize("text", ["1" * 12, "12e45", "null", "true", "2018-01-01"])
def test_a_version_that_looks_like_a_number_is_read_back_as_text(file, text):
    declare(file, {("gate", "pinned"): text})
    assert yaml.safe_load(file.read_text())["gate"]["pinned"] == text


@pytest.mark.parametrize("path", [("gone",), ("gate", "gone"), ("until", "gone"), ("gone", "pinned")])
def test_a_key_that_is_not_there_is_refused_by_name_and_the_file_stays(file, path):
    with pytest.raises(SettingsError, match=".".join(path)):
        declare(file, {path: 1})
    assert file.read_text() == TEXT


@pytest.mark.parametrize("name", sorted(Path("conf").rglob("*.yaml")), ids=str)
def test_the_shipped_files_are_written_back_byte_by_byte(name, tmp_path):
    copy = tmp_path / name.name
    copy.write_text(name.read_text())
    declare(copy, {})
    assert copy.read_bytes() == name.read_bytes()
