import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from keepfit.computing import DaskEngine, PandasEngine
from keepfit.dataset import FeatureSet
from keepfit.engine import start_engine
from keepfit.entities import count_before, last_of_each, number_entities, rows_after, rows_before
from keepfit.errors import FeatureError
from keepfit.feature_table import assemble_table
from keepfit.features import FeatureModule, assemble, compute, compute_label, feature, label
from keepfit.files import hash_file, write_table
from keepfit.tables import Table, write_parts
from keepfit.windows import mean
from tests.modelling import module_of
from tests.panel import panel_dataset, panel_rows

CODES = np.array([0, 1, 0, 0, 2, 1, 0])
NOTHING = FeatureSet(module="as_is")


def rows_of(entities, **columns) -> pd.DataFrame:
    times = pd.date_range("2020-01-01", periods=len(entities)).astype("datetime64[ns]")
    return pd.DataFrame({"time": times, "station": pd.Series(list(entities), dtype="category"), **columns})


@feature(look_back=1)
def before(x):
    return x.shift(1)


@feature()
def itself(x):
    return 2 * x


@label
def later(x):
    return x.shift(-1)


def test_each_row_knows_how_many_of_its_entity_are_before_it():
    assert list(count_before(CODES)) == [0, 0, 1, 2, 0, 1, 3]
    assert list(count_before(CODES[:0])) == []


def test_the_last_rows_of_each_entity_are_found_wherever_they_are():
    assert list(last_of_each(CODES, 1)) == [4, 5, 6]
    assert list(last_of_each(CODES, 2)) == [1, 3, 4, 5, 6]
    assert list(last_of_each(CODES, 0)) == []


def test_a_part_finds_the_rows_of_its_own_entities_before_and_after_it():
    assert list(rows_before(CODES, slice(5, 7), 2)) == [1, 2, 3]
    assert list(rows_before(CODES, slice(4, 5), 2)) == []
    assert list(rows_after(CODES, slice(0, 2), 1)) == [2, 5]


def test_a_window_sees_the_rows_of_its_own_entity_alone_and_its_values_stand_in_the_tables_order():
    rows = rows_of("abaab", x=[1.0, 10.0, 2.0, 3.0, 20.0])
    made = compute(rows, NOTHING, module_of(before, itself), entity="station")
    np.testing.assert_array_equal(made.before, [np.nan, np.nan, 1, 2, 10])
    np.testing.assert_array_equal(made.itself, 2 * rows.x)
    np.testing.assert_array_equal(compute(rows, NOTHING, module_of(before)).before, rows.x.shift(1))


def test_a_label_looks_ahead_within_the_entity_of_its_row():
    rows = rows_of("abaab", x=[1.0, 10.0, 2.0, 3.0, 20.0])
    found = compute_label(rows, panel_dataset(label="later"), module_of(later))
    np.testing.assert_array_equal(found, [2, 20, 3, np.nan, np.nan])


def test_a_window_may_give_texts_and_read_categories():
    @feature(look_back=1)
    def both(station, x):
        return station.astype(object) + (x > x.shift(1)).map({True: " up", False: " down"})

    made = compute(rows_of("abaab", x=[1.0, 9, 2, 1, 9]), NOTHING, module_of(both), entity="station")
    assert list(made.both) == ["a down", "b down", "a up", "a down", "b down"]


def test_a_window_that_loses_rows_of_an_entity_is_refused_by_name():
    @feature(look_back=1)
    def short(x):
        return x.iloc[1:]

    with pytest.raises(FeatureError, match=r"^short: gave 2 values for 3 rows"):
        compute(rows_of("abaab", x=[1.0] * 5), NOTHING, module_of(short), entity="station")


def test_a_table_without_a_row_has_its_columns():
    rows = rows_of("abaab", x=[1.0] * 5).iloc[:0]
    assert list(compute(rows, NOTHING, module_of(before), entity="station")) == ["before"]


def module_with(look_back: int) -> FeatureModule:
    @feature(look_back=look_back)
    def window(x):
        return mean(x, look_back + 1)

    @feature(look_back=look_back)
    def oldest(station, x):
        return station.astype(object).where(x.shift(look_back) > 0)

    return module_of(window, oldest, itself, later)


@st.composite
def panels(draw) -> pd.DataFrame:
    """Rows of up to five entities, with ties between times, and entities that stay away for long."""
    count = draw(st.integers(1, 40))
    entities = draw(st.lists(st.sampled_from("abcde"), min_size=count, max_size=count))
    days = np.cumsum(draw(st.lists(st.integers(0, 2), min_size=count, max_size=count)))
    x = np.random.default_rng(count).normal(size=count)
    rows = rows_of(entities, x=x, c=pd.Series(entities[::-1], dtype="category"), y=np.ones(count))
    return rows.assign(time=rows.time[0] + pd.to_timedelta(days, unit="D"))


@settings(max_examples=60)
@given(panels(), st.integers(1, 41), st.integers(0, 4), st.sampled_from([0, 40, "400D"]), st.booleans())
def test_a_table_of_entities_cut_anyhow_is_the_whole_to_the_last_bit(
    tmp_path_factory, rows, size, look_back, horizon, numbered
):
    folder, module = tmp_path_factory.mktemp("cut"), module_with(look_back)
    kinds = {"dataset.columns.station": {"type": "int"}} if numbered else {}
    rows = rows.assign(station=number_entities(rows.station).astype(float)) if numbered else rows
    if numbered:
        module.features.pop("oldest")
    dataset = panel_dataset(label="later" if horizon else "y", horizon=horizon, **kinds)
    whole = assemble(rows, dataset, module)
    write_table(folder / "whole", whole)
    rows.to_parquet(folder / "valid", index=False, row_group_size=7)
    with start_engine(PandasEngine(kind="pandas", rows=size)) as engine:
        write_parts(folder / "cut", assemble_table(Table(folder / "valid"), dataset, module, engine=engine))
    assert_frame_equal(pd.read_parquet(folder / "cut"), pd.read_parquet(folder / "whole"), check_exact=True)
    assert hash_file(folder / "cut") == hash_file(folder / "whole")


def test_parts_on_dask_workers_find_the_history_of_their_entities_too(tmp_path):
    rows = panel_rows(120)
    rows.to_parquet(tmp_path / "valid", index=False, row_group_size=17)
    dataset, module = panel_dataset(label="later", horizon="400D"), module_with(3)
    write_table(tmp_path / "whole", assemble(rows, dataset, module))
    there = DaskEngine(kind="dask", rows=29, scheduler=None, workers=2, memory="1GiB")
    with start_engine(there) as engine:
        write_parts(tmp_path / "cut", assemble_table(Table(tmp_path / "valid"), dataset, module, engine=engine))
    assert hash_file(tmp_path / "cut") == hash_file(tmp_path / "whole")


@given(panels(), st.integers(0, 4))
def test_an_entity_has_in_the_table_what_it_has_by_itself(rows, look_back):
    module, dataset = module_with(look_back), panel_dataset(label="later")
    whole = assemble(rows, dataset, module)
    names = ["window", "itself", "label"]
    for _, own in rows.groupby("station", observed=True):
        alone = assemble(own, dataset.model_copy(update={"entity": None}), module)
        np.testing.assert_array_equal(whole.loc[own.index, names], alone[names])
