"""The audit of a table with entities: rows far away may be those that a feature reads."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from keepfit.audit import audit
from keepfit.computing import PandasEngine
from keepfit.engine import start_engine
from keepfit.errors import LookAhead, LookBack
from keepfit.feature_table import assemble_table
from keepfit.features import assemble, feature, label
from keepfit.tables import Table, write_parts
from tests.modelling import module_of
from tests.panel import panel_dataset
from tests.toys import toy_rows

# Few stations whose rows are near each other, and so many that the next row of one is hundreds of rows away.
COUNTS = (4, 250)


def panel(count: int, rows: int = 900) -> pd.DataFrame:
    stations = np.random.default_rng(count).integers(count, size=rows)
    hours = pd.date_range("2020-01-01", periods=rows, freq="h").astype("datetime64[ns]")
    named = pd.Series([f"s{each}" for each in stations], dtype="category")
    return toy_rows(rows).assign(time=hours, station=named)


def run(function, count: int, *, rows: pd.DataFrame | None = None, **dataset) -> None:
    rows = panel(count) if rows is None else rows
    module, declared = module_of(function), panel_dataset(horizon="1h", **dataset)
    audit(rows, assemble(rows, declared, module), declared, module, cuts=4)


@feature(look_back=1)
def before(x):
    return x.shift(1)


@feature(look_back=2)
def two_before(x):
    return x.shift(2)


@feature(look_back=1)
def hidden_two_before(x):
    return x.shift(2)


@feature(look_back=1)
def next_one(x):
    return x.shift(-1)


@feature(look_back=1)
def own_mean(x):
    return x - x.mean()


@feature()
def undeclared(x):
    return x.shift(1)


@feature(look_back=1)
def outcome_itself(y):
    return y.where(y.shift(1) > 5, y)


@label
def tomorrow(x):
    return (x.shift(-1) > 0).astype(float).where(x.shift(-1).notna())


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("honest", [before, two_before], ids=lambda each: each.__name__)
def test_a_window_within_its_entity_passes(honest, count):
    run(honest, count)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("planted", [next_one, own_mean], ids=lambda each: each.__name__)
def test_a_feature_that_looks_ahead_within_its_entity_is_refused_by_name(planted, count):
    with pytest.raises(LookAhead, match=rf"^{planted.__name__}: "):
        run(planted, count)


def test_entities_that_are_numbers_stay_who_they_are_when_later_rows_are_altered():
    rows = panel(4)
    rows = rows.assign(station=rows.station.cat.codes.astype(float))
    kinds = {"dataset.columns.station": {"type": "int"}}
    run(before, 4, rows=rows, **kinds)
    with pytest.raises(LookAhead, match=r"^next_one: .* change$"):
        run(next_one, 4, rows=rows, **kinds)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("planted", [hidden_two_before, undeclared], ids=lambda each: each.__name__)
def test_a_feature_that_reads_further_back_than_it_says_is_refused_by_name(planted, count):
    with pytest.raises(LookBack, match=rf"^{planted.__name__}: "):
        run(planted, count)


@pytest.mark.parametrize("count", COUNTS)
def test_a_feature_that_reads_an_outcome_which_is_not_known_yet_is_refused(count):
    with pytest.raises(LookAhead, match=r"^outcome_itself: reads y of rows"):
        run(outcome_itself, count)


@pytest.mark.parametrize("count", COUNTS)
def test_a_label_that_looks_further_ahead_than_the_horizon_is_refused(count):
    rows, module = panel(count), module_of(before, tomorrow)
    near, far = (panel_dataset(label="tomorrow", horizon=each) for each in ("1h", "900h"))
    with pytest.raises(LookAhead, match=r"^tomorrow: the label looks further ahead"):
        audit(rows, assemble(rows, near, module), near, module, cuts=4)
    audit(rows, assemble(rows, far, module), far, module, cuts=4)


@pytest.mark.parametrize("size", [97, 2000])
@pytest.mark.parametrize("count", COUNTS)
def test_a_file_of_entities_is_audited_as_a_frame_is(tmp_path: Path, count, size):
    rows, dataset = panel(count, 600), panel_dataset(horizon="1h")
    rows.to_parquet(tmp_path / "valid", index=False, row_group_size=101)
    for function, error in ((two_before, None), (hidden_two_before, LookBack), (next_one, LookAhead)):
        module = module_of(function)
        with start_engine(PandasEngine(kind="pandas", rows=size)) as engine:
            write_parts(tmp_path / "made", assemble_table(Table(tmp_path / "valid"), dataset, module, engine=engine))
        places = Table(tmp_path / "valid"), Table(tmp_path / "made"), dataset, module
        if error is None:
            audit(*places, cuts=4, size=size)
            continue
        with pytest.raises(error, match=rf"^{function.__name__}: "):
            audit(*places, cuts=4, size=size)
