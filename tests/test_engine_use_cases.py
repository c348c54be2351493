"""The shipped tables, real rows: a sample of them is learned, judged and checked for drift alike on both engines."""

from pathlib import Path

import pandas as pd
import pytest

from keepfit.batch import newer_in_file
from keepfit.bundle import Bundle, read_bundle, write_bundle
from keepfit.checkup import Checkup, examine
from keepfit.computing import DaskEngine
from keepfit.engine import Engine, start_engine
from keepfit.evaluate import evaluate, judge
from keepfit.features import LABEL, assemble, load_module
from keepfit.profile import draw_profile
from keepfit.provenance import issue_passport
from keepfit.settings import Settings
from keepfit.sources import read_source
from keepfit.splits import split_table
from keepfit.tables import Table, write_parts
from keepfit.train import fit
from keepfit.validate import validate
from tests.champions import settings_of
from tests.monitored import NOBODY

# Of each table: the raw rows that are taken, how many of them are newer than the training, the holdout and a window.
CASES = {"sp500": (slice(None), 600, 600, 250), "flights": (slice(60_000), 6_000, "14D", "3D")}
MOST = 2000


@pytest.fixture(scope="module")
def engine():
    with start_engine(DaskEngine(kind="dask", rows=2**16, scheduler=None, workers=2, memory="1GiB")) as started:
        yield started


def settings_for(name: str) -> Settings:
    settings = settings_of(name, "hist_gradient_boosting")
    train = settings.train.model_copy(update={"max_rows": MOST, "holdout": CASES[name][2]})
    search = settings.search.model_copy(update={"kind": "random", "trials": 2})
    drift = settings.drift.model_copy(update={"window": CASES[name][3], "min_rows": 30})
    return settings.model_copy(update={"train": train, "search": search, "drift": drift})


def store(name: str, settings: Settings, folder: Path) -> tuple[Table, Table]:
    """The feature table and the typed rows in files of several row groups."""
    raw = read_source(settings.dataset.source)[CASES[name][0]]
    valid = validate(raw, settings.dataset).valid.reset_index(drop=True)
    table = assemble(valid, settings.dataset, load_module(settings.dataset.features.module))
    for path, frame in {"table": table, "valid": valid}.items():
        write_parts(folder / path, [frame], group=1024)
    return Table(folder / "table"), Table(folder / "valid")


def train(table: Table, valid: Table, until: int, settings: Settings, folder: Path, engine: Engine | None) -> Bundle:
    splits = split_table(table.read(0, until, [settings.dataset.time, LABEL]), settings)
    trained = fit(table.pick(splits.rows), settings, splits=splits, engine=engine)
    module = load_module(settings.dataset.features.module)
    passport = issue_passport(trained, settings, module, rows="rows", table="table", code="code")
    names = list(passport.request.columns)
    write_bundle(folder, passport, trained, draw_profile(valid[:until], settings.dataset, names, settings.drift.window))
    return read_bundle(folder)


def check(table: Table, valid: Table, bundle: Bundle, settings: Settings, engine: Engine | None) -> Checkup:
    newer = [newer_in_file(each, bundle, settings.dataset.time) for each in (table, valid)]
    return examine(*newer, bundle, settings, set_aside=NOBODY, engine=engine)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_sample_is_learned_judged_and_watched_alike_on_both_engines(name, engine, tmp_path):
    settings = settings_for(name)
    table, valid = store(name, settings, tmp_path)
    until = len(table) - CASES[name][1]
    here, there = (
        train(table, valid, until, settings, tmp_path / str(number), each) for number, each in enumerate((None, engine))
    )
    assert here.digest == there.digest
    assert (here.passport.trained_on.rows, here.passport.sampled_from > MOST) == (MOST, True)
    splits = split_table(table.read(0, until, [settings.dataset.time, LABEL]), settings)
    judged = [judge(table.pick(splits.held_out), each, settings, splits=splits) for each in (here, there)]
    found = [evaluate(each, here, settings).metrics for each in judged]
    assert found[0] == found[1]
    assert found[0]["sampled_from"] > found[0]["rows"] == here.passport.judged_on.rows
    one, other = (check(table, valid, here, settings, each) for each in (None, engine))
    assert one.report == other.report
    assert one.report["window"]
    for curve in one.curves:
        pd.testing.assert_frame_equal(one.curves[curve], other.curves[curve], check_exact=True)
