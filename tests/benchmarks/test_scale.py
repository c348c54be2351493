import json
import sys

import numpy as np
import pandas as pd
import pytest
import yaml

from benchmarks import bench, scale
from benchmarks.contenders import table_pandas
from benchmarks.grow import ROOT, grow
from benchmarks.scale_agreement import compare_tables
from benchmarks.scale_workspace import STAGES, move_times
from features.flights import load
from keepfit.dataset import Dataset
from keepfit.features import assemble, load_module
from keepfit.files import read_table, write_table
from keepfit.ingest import cut
from keepfit.validate import validate


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    return pd.concat(grow(load(), 2_000, bad=0.02), ignore_index=True)


@pytest.fixture(scope="module")
def ours(raw, tmp_path_factory):
    folder = tmp_path_factory.mktemp("keepfit")
    dataset = Dataset.model_validate(yaml.safe_load((ROOT / "conf/dataset/flights.yaml").read_text()) | {"until": None})
    write_table(folder / "raw.parquet", cut(raw, dataset))
    found = validate(read_table(folder / "raw.parquet"), dataset)
    write_table(folder / "quarantine.parquet", found.quarantine)
    write_table(folder / "features.parquet", assemble(found.valid, dataset, load_module("flights")))
    return folder


def test_plain_pandas_sets_the_same_rows_aside_and_makes_the_same_features(ours, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["table_pandas.py", str(ours / "raw.parquet"), str(tmp_path)])
    table_pandas.main()
    found = compare_tables(tmp_path, ours)
    assert found["set_aside"] == found["set_aside_by_keepfit"] > 20
    assert found["agrees"]
    reasons = [pd.read_parquet(folder / "quarantine.parquet").reasons for folder in (tmp_path, ours)]
    assert list(reasons[0].str.contains("duplicate")) == list(reasons[1].str.contains("duplicate"))


@pytest.mark.parametrize(("name", "value"), [("gust", 7.5), ("gust", np.nan), ("dest", "XXX")])
def test_one_value_that_differs_is_found(ours, tmp_path, name, value):
    changed = read_table(ours / "features.parquet")
    changed[name] = changed[name].astype("object" if name == "dest" else float)
    changed.loc[17, name] = value
    write_table(tmp_path / "features.parquet", changed)
    write_table(tmp_path / "quarantine.parquet", read_table(ours / "quarantine.parquet"))
    found = compare_tables(tmp_path, ours)
    assert (found["of"], found["agrees"]) == (name, False)


def test_the_order_of_rows_does_not_matter(ours, tmp_path):
    write_table(tmp_path / "features.parquet", read_table(ours / "features.parquet").iloc[::-1])
    write_table(tmp_path / "quarantine.parquet", read_table(ours / "quarantine.parquet"))
    assert compare_tables(tmp_path, ours)["agrees"]


def test_times_are_moved_and_nothing_else(ours, tmp_path):
    move_times(ours / "features.parquet", tmp_path / "later.parquet", days=371)
    before, after = read_table(ours / "features.parquet"), read_table(tmp_path / "later.parquet")
    assert (after.scheduled - before.scheduled == pd.Timedelta(days=371)).all()
    pd.testing.assert_frame_equal(after.drop(columns="scheduled"), before.drop(columns="scheduled"))


def test_a_measurement_takes_the_place_of_its_own_kind_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(scale, "RESULTS", tmp_path / "scale.json")
    scale.keep("stages", ["10", "pandas", "ingest"], {"runs": [1]})
    scale.keep("stages", ["10", "pandas", "train"], {"runs": [2]})
    scale.keep("stages", ["10", "pandas", "ingest"], {"runs": [3]})
    kept = json.loads((tmp_path / "scale.json").read_text())
    assert kept == {"stages": {"10": {"pandas": {"ingest": {"runs": [3]}, "train": {"runs": [2]}}}}}


def test_every_stage_of_the_graph_is_measured():
    graph = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    assert set(STAGES) == {*graph, "score"}


def test_what_fails_and_what_takes_too_much_memory_is_said(tmp_path):
    failed = scale.measure([sys.executable, "-c", "raise SystemExit('no such column')"], tmp_path, limit_gb=1)
    assert failed == {"failed": "no such column"}
    found = scale.measure([sys.executable, "-c", "pass"], tmp_path, limit_gb=1)
    assert set(found) == {"seconds", "peak_gb", "busy_before"}
    hungry = "import time; held = bytearray(b'1') * 300_000_000; time.sleep(20)"
    assert "more than 0.1 GB" in scale.measure([sys.executable, "-c", hungry], tmp_path, limit_gb=0.1)["failed"]


def test_memory_is_that_of_the_whole_tree(tmp_path):
    child = "held = bytearray(b'1') * 200_000_000; import time; time.sleep(0.5)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    assert bench.peak_memory([sys.executable, "-c", parent], tmp_path)["peak_gb"] > 0.2
