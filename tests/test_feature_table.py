from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from keepfit.audit import audit
from keepfit.computing import PandasEngine
from keepfit.dataset import Dataset
from keepfit.engine import start_engine
from keepfit.errors import FeatureError, LookAhead, LookBack
from keepfit.feature_table import assemble_table, plan_parts
from keepfit.features import FeatureModule, assemble, feature, label, load_module
from keepfit.files import hash_file, write_table
from keepfit.tables import Table, write_parts
from keepfit.validate import validate
from keepfit.windows import mean
from stages.features import main
from tests.modelling import module_of
from tests.test_features import columns_of
from tests.toys import toy_dataset, toy_rows, toy_settings

N = 60


@feature(look_back=5)
def last_days(x):
    return mean(x, 6)


@feature()
def high(x):
    return pd.Series(np.where(x > 1, "high", None), dtype=object)


@feature()
def low(x):
    return x.where(x.index > 40)


@label
def in_three_days(y):
    return y.shift(-3)


MODULE = module_of(last_days, high, low, in_three_days)
ROWS_AHEAD = toy_dataset(label="in_three_days", horizon=3)
DAYS_AHEAD = toy_dataset(label="in_three_days", horizon="3D")


def write_cut(folder: Path, rows: pd.DataFrame, dataset: Dataset, module: FeatureModule, size: int) -> Path:
    rows.to_parquet(folder / "valid", index=False, row_group_size=11)
    with start_engine(PandasEngine(kind="pandas", rows=size)) as engine:
        write_parts(folder / "cut", assemble_table(Table(folder / "valid"), dataset, module, engine=engine))
    return folder / "cut"


@settings(max_examples=15)
@given(st.integers(1, N + 1), st.sampled_from([ROWS_AHEAD, DAYS_AHEAD, toy_dataset()]))
def test_a_table_cut_anyhow_has_the_bytes_that_the_whole_has(tmp_path_factory, size, dataset):
    folder, rows = tmp_path_factory.mktemp("cut"), toy_rows(N)
    write_table(folder / "whole", assemble(rows, dataset, MODULE))
    found = write_cut(folder, rows, dataset, MODULE, size)
    assert hash_file(found) == hash_file(folder / "whole")
    audit(Table(folder / "valid"), Table(found), dataset, MODULE, cuts=4, size=size)


@pytest.mark.parametrize("size", [20, 97])
def test_the_windows_of_the_shipped_market_are_those_of_the_whole_to_the_last_bit(tmp_path, size):
    from arch.data.sp500 import load

    columns = {name: column.model_dump(exclude_none=True) for name, column in columns_of("sp500").items()}
    dataset = toy_dataset(
        columns=columns,
        time="Date",
        keys=["Date"],
        label="large_move",
        features={"module": "sp500"},
        splits={"holdout": 5, "block": 5, "batch": 5},
    )
    rows, module = validate(load().reset_index().head(400), dataset).valid, load_module("sp500")
    write_table(tmp_path / "whole", assemble(rows, dataset, module))
    assert hash_file(write_cut(tmp_path, rows, dataset, module, size)) == hash_file(tmp_path / "whole")


def test_a_part_reads_as_far_back_and_ahead_as_its_features_and_its_label_say(tmp_path):
    write_table(tmp_path / "valid", toy_rows(20))
    rows = Table(tmp_path / "valid")
    for dataset, ends in ((ROWS_AHEAD, [11, 19, 20]), (DAYS_AHEAD, [11, 19, 20]), (toy_dataset(), [8, 16, 20])):
        parts = plan_parts(rows, dataset, MODULE, size=8)
        assert [(part.start, part.stop) for part in parts] == [(0, 8), (8, 16), (16, 20)]
        assert [part.first for part in parts] == [0, 3, 11]
        assert [part.last for part in parts] == ends


def test_rows_that_share_the_last_moment_of_the_horizon_are_all_read(tmp_path):
    write_table(tmp_path / "valid", toy_rows(20).assign(time=pd.Timestamp("2020-01-01")))
    assert [part.last for part in plan_parts(Table(tmp_path / "valid"), DAYS_AHEAD, MODULE, size=8)] == [20, 20, 20]


def test_a_row_that_is_only_looked_back_on_may_be_infinite_for_lack_of_rows_before_it(tmp_path):
    @feature(look_back=2)
    def inverse(x):
        return 1 / x.notna().rolling(3, min_periods=1).sum().where(x.index > 1, 3).sub(2)

    rows = toy_rows(30)
    found = write_cut(tmp_path, rows, toy_dataset(), module_of(inverse), 10)
    assert_frame_equal(pd.read_parquet(found), assemble(rows, toy_dataset(), module_of(inverse)))


@pytest.mark.parametrize("first", [1.0, None])
def test_a_feature_of_numbers_and_texts_is_refused_by_its_name(tmp_path, first):
    @feature()
    def both(x):
        return pd.Series([first if row < 10 else 2.0 if row < 20 else "text" for row in x.index])

    with pytest.raises(FeatureError, match=r"^both: numbers .* allowed: one or the other"):
        write_cut(tmp_path, toy_rows(30), toy_dataset(), module_of(both), 10)


@pytest.mark.parametrize("size", [7, 60, 1000])
def test_a_file_is_audited_as_a_frame_is(tmp_path, size):
    @feature(look_back=3)
    def too_far(x):
        return x.rolling(9).sum()

    @feature()
    def ahead(x):
        return x.shift(-1)

    rows = toy_rows(500)
    for function, error in ((too_far, LookBack), (ahead, LookAhead)):
        module = module_of(function)
        found = write_cut(tmp_path, rows, toy_dataset(), module, size)
        with pytest.raises(error, match=rf"^{function.__name__}: "):
            audit(Table(tmp_path / "valid"), Table(found), toy_dataset(), module, cuts=4, size=size)


def test_a_feature_that_is_refused_leaves_the_last_good_table(tmp_path, monkeypatch):
    write_table(tmp_path / "valid", toy_rows(200))
    main(toy_settings(), tmp_path / "valid", tmp_path / "features")
    before = hash_file(tmp_path / "features")

    @feature()
    def ahead(x):
        return x.shift(-1)

    monkeypatch.setattr("stages.features.load_module", lambda _: module_of(ahead))
    with pytest.raises(LookAhead):
        main(toy_settings(), tmp_path / "valid", tmp_path / "features")
    assert hash_file(tmp_path / "features") == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["features", "valid"]
