"""A drift check of rows in files, whose windows are measured wherever an engine runs, is that of rows in memory."""

import pickle
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from keepfit.batch import newer_in_file
from keepfit.bundle import Bundle
from keepfit.checkup import Checkup, examine
from keepfit.computing import DaskEngine
from keepfit.engine import Engine, start_engine
from keepfit.files import read_json, write_table
from keepfit.settings import Settings
from keepfit.tables import Table, write_parts
from stages import drift
from tests.monitored import NOBODY, TRAINED, calm_rows, champion, examined, flip, monitored_settings, moved_rows
from tests.toys import toy_table

WORLDS = {"calm": calm_rows()[TRAINED:], "moved": moved_rows(), "turned": flip(moved_rows(), 0.5)}


class Elsewhere:
    """An engine whose functions, parts and results are sent as they are to other processes."""

    rows = 7

    def map(self, function: Callable[[Any], Any], parts: Iterable[Any]) -> Iterator[Any]:
        for part in parts:
            run, sent = pickle.loads(pickle.dumps((function, part)))
            yield pickle.loads(pickle.dumps(run(sent)))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return champion(tmp_path_factory.mktemp("champion"))


def examined_from_files(newer: pd.DataFrame, bundle: Bundle, folder: Path, engine: Engine | None) -> Checkup:
    settings = monitored_settings()
    rows = pd.concat([calm_rows()[:TRAINED], newer], ignore_index=True)
    tables = []
    for name, frame in {"table": toy_table(rows, settings), "valid": rows}.items():
        write_parts(folder / name, [frame], group=64)
        tables.append(newer_in_file(Table(folder / name), bundle, "time"))
    return examine(*tables, bundle, settings, set_aside=NOBODY, engine=engine)


def assert_alike(one: Checkup, other: Checkup) -> None:
    assert one.report == other.report
    for name, curve in one.curves.items():
        pd.testing.assert_frame_equal(curve, other.curves[name], check_exact=True)


@pytest.mark.parametrize("engine", [None, Elsewhere()], ids=["here", "elsewhere"])
@pytest.mark.parametrize("world", WORLDS)
def test_rows_of_files_are_told_what_rows_in_memory_are_told(world, engine, bundle, tmp_path):
    newer = WORLDS[world]
    found = examined_from_files(newer, bundle, tmp_path, engine)
    assert_alike(found, examined(newer.reset_index(drop=True), bundle))
    assert found.report["batch"]["rows"] == 200


def test_no_row_that_is_newer_is_too_little_data_from_a_file_too(bundle, tmp_path):
    found = examined_from_files(calm_rows()[:0], bundle, tmp_path, None)
    assert found.report["verdict"] == "insufficient-data"


TIMES = {
    None: lambda times: times.astype(str),
    "%d.%m.%Y": lambda times: times.dt.strftime("%d.%m.%Y"),
    "s": lambda times: times.astype("int64") // 10**9,
    "D": lambda times: times.astype("int64") // (86_400 * 10**9),
}


def checked_by_the_stage(files: dict[str, pd.DataFrame], bundle: Bundle, settings: Settings, folder: Path) -> dict:
    for name in ("table", "valid", "quarantine"):
        write_table(folder / name, files[name])
    given = (folder / name for name in ("table", "valid", "quarantine"))
    drift.main(settings, *given, bundle.folder, folder / "gate", folder / "record", folder / "plots")
    return read_json(folder / "record")


def test_a_column_that_the_rows_no_longer_have_is_a_verdict(bundle, tmp_path):
    settings, rows = monitored_settings(), calm_rows()
    table = toy_table(rows, settings).drop(columns="c")
    files = {"table": table, "valid": rows.drop(columns="c"), "quarantine": rows[:0]}
    said = checked_by_the_stage(files, bundle, settings, tmp_path)
    assert (said["verdict"], said["action"]) == ("data-quality", "fix-data")
    assert said["why"].startswith("the new rows are broken: missing column c; there are: time, ")


@pytest.mark.parametrize("form", TIMES)
def test_rows_set_aside_count_however_their_times_are_written(form, bundle, tmp_path):
    settings = monitored_settings(**{"dataset.columns.time": {"type": "datetime", "format": form}})
    rows = calm_rows()
    aside = rows.index[-20:-10]
    good = rows.drop(aside).reset_index(drop=True)
    quarantine = rows.loc[aside].assign(time=TIMES[form](rows.time[aside]), x="broken", reasons="x: not a value")
    files = {"table": toy_table(good, settings), "valid": good, "quarantine": quarantine}
    said = checked_by_the_stage(files, bundle, settings, tmp_path)
    assert (said["batch"]["set_aside"], said["verdict"], said["status"]) == (10, "data-quality", 4)


@pytest.mark.slow
def test_workers_of_dask_say_the_same(bundle, tmp_path):
    newer = WORLDS["turned"]
    with start_engine(DaskEngine(kind="dask", rows=64, scheduler=None, workers=2, memory="1GiB")) as engine:
        found = examined_from_files(newer, bundle, tmp_path, engine)
    assert_alike(found, examined(newer.reset_index(drop=True), bundle))
