from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepfit.files import hash_file, hash_json, read_json, read_table, replacing, restore, write_json, write_table
from tests.toys import toy_rows


class Killed(BaseException):
    pass


def make_folder(path: Path, text: str) -> None:
    path.mkdir(parents=True)
    (path / "file").write_text(text)


def write_half(path: Path, error, *, folder: bool = False) -> None:
    with replacing(path) as partial:
        make_folder(partial, "half") if folder else partial.write_text("half")
        raise error


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_a_file_and_its_parents_are_made(tmp_path):
    with replacing(tmp_path / "a/b/file") as partial:
        partial.write_text("new")
    assert (tmp_path / "a/b/file").read_text() == "new"
    assert names(tmp_path / "a/b") == ["file"]


def test_a_folder_takes_the_place_of_the_old_one_and_nothing_of_that_stays(tmp_path):
    make_folder(tmp_path / "model", "old")
    (tmp_path / "model/extra").write_text("old")
    with replacing(tmp_path / "model") as partial:
        make_folder(partial, "new")
    assert (tmp_path / "model/file").read_text() == "new"
    assert names(tmp_path / "model") == ["file"]
    assert names(tmp_path) == ["model"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, Killed])
def test_an_exception_leaves_the_old_file_and_nothing_beside_it(tmp_path, error):
    file = tmp_path / "file"
    file.write_text("old")
    with pytest.raises(error):
        write_half(file, error)
    assert file.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_an_exception_leaves_the_old_folder_and_nothing_beside_it(tmp_path):
    make_folder(tmp_path / "model", "old")
    with pytest.raises(ValueError, match="half"):
        write_half(tmp_path / "model", ValueError("half"), folder=True)
    assert (tmp_path / "model/file").read_text() == "old"
    assert names(tmp_path) == ["model"]


def test_a_block_that_writes_nothing_fails_and_leaves_the_old_folder(tmp_path):
    make_folder(tmp_path / "model", "old")
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "model"):
        pass
    assert (tmp_path / "model/file").read_text() == "old"


def killed_between_the_renames(path: Path) -> None:
    make_folder(path.with_name(f".{path.name}.previous"), "old")
    make_folder(path.with_name(f".{path.name}.partial"), "new")


def test_a_kill_between_the_two_renames_is_restored(tmp_path):
    killed_between_the_renames(tmp_path / "model")
    restore(tmp_path / "model")
    assert (tmp_path / "model/file").read_text() == "old"


def test_the_old_folder_is_there_while_the_next_attempt_runs(tmp_path):
    killed_between_the_renames(tmp_path / "model")
    with replacing(tmp_path / "model") as partial:
        assert (tmp_path / "model/file").read_text() == "old"
        assert not partial.exists()
        make_folder(partial, "newer")
    assert (tmp_path / "model/file").read_text() == "newer"
    assert names(tmp_path) == ["model"]


def test_a_kill_after_the_second_rename_keeps_the_new_folder(tmp_path):
    make_folder(tmp_path / ".model.previous", "old")
    make_folder(tmp_path / "model", "new")
    restore(tmp_path / "model")
    assert (tmp_path / "model/file").read_text() == "new"
    assert names(tmp_path) == ["model"]


def test_restoring_what_was_never_there_makes_nothing(tmp_path):
    restore(tmp_path / "model")
    assert names(tmp_path) == []


def test_equal_frames_give_equal_bytes(tmp_path):
    for name in ("a", "b"):
        write_table(tmp_path / name, toy_rows(50))
    write_table(tmp_path / "c", toy_rows(50, seed=1))
    assert hash_file(tmp_path / "a") == hash_file(tmp_path / "b") != hash_file(tmp_path / "c")


def test_a_table_reads_back_as_it_was_written(tmp_path):
    write_table(tmp_path / "table", toy_rows(50))
    pd.testing.assert_frame_equal(read_table(tmp_path / "table"), toy_rows(50))
    assert list(read_table(tmp_path / "table", columns=["y", "x"])) == ["y", "x"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(VALUES)
def test_json_reads_back_as_it_was_written(tmp_path_factory, value):
    file = tmp_path_factory.mktemp("json") / "value.json"
    write_json(file, value)
    assert read_json(file) == value


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_a_report_with_nan_or_infinity_is_refused_and_the_old_one_stays(tmp_path, number):
    file = tmp_path / "report.json"
    write_json(file, {"loss": 1.0})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(file, {"loss": float(number)})
    assert read_json(file) == {"loss": 1.0}


def test_no_file_is_no_record(tmp_path):
    assert read_json(tmp_path / "none.json") is None


@given(st.dictionaries(st.text(), st.integers(), min_size=1))
def test_a_hash_depends_on_content_and_not_on_the_order_of_keys(value):
    assert hash_json(dict(reversed(value.items()))) == hash_json(value)
    assert hash_json({**value, next(iter(value)): "else"}) != hash_json(value)
