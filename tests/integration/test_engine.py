"""Two worker processes write the bytes that one process writes, for both shipped use cases, though one is killed."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from distributed import LocalCluster

import stages.features
import stages.ingest
import stages.validate
from keepfit.compose import compose
from keepfit.settings import Settings, check_settings
from tests.modelling import ROOT

pytestmark = pytest.mark.slow

WRITTEN = ["raw.parquet", "valid.parquet", "quarantine.parquet", "validation.json", "features.parquet", "ingest.json"]
# Flights of January are enough for a dozen parts.
CASES = {"sp500": ["dataset=sp500"], "flights": ["dataset=flights", "dataset.until=2013-01-31"]}


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(
        n_workers=2, threads_per_worker=1, memory_limit="2GiB", dashboard_address=None, silence_logs="CRITICAL"
    ) as cluster:
        yield cluster


def settings_of(case: str, engine: dict) -> Settings:
    values = yaml.safe_load(compose(ROOT / "conf", overrides=CASES[case]))
    return check_settings({**values, "engine": engine}, file="params.yaml")


def run(settings: Settings, folder: Path) -> dict[str, bytes]:
    (folder / "repairs").mkdir(parents=True)
    paths = {name: folder / name for name in WRITTEN}
    raw, valid, quarantine, report, features, record = paths.values()
    stages.ingest.main(settings, raw, record)
    stages.validate.main(settings, raw, folder / "repairs", valid, quarantine, report)
    stages.features.main(settings, valid, features)
    assert sorted(file.name for file in folder.iterdir()) == sorted([*WRITTEN, "repairs"])
    return {name: path.read_bytes() for name, path in paths.items()}


def kill_once_there(file: Path, pid: int) -> threading.Thread:
    """Kill a process as soon as a file is there."""

    def watch() -> None:
        until = time.monotonic() + 60
        while not file.exists() and time.monotonic() < until:
            time.sleep(0.01)
        os.kill(pid, signal.SIGKILL)

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


@pytest.mark.parametrize("case", CASES)
def test_two_workers_write_the_bytes_of_one_process_though_one_is_killed_half_way(cluster, case, tmp_path):
    alone = run(settings_of(case, {"kind": "pandas", "rows": 262_144}), tmp_path / "alone")
    there = {
        "kind": "dask",
        "rows": 500 if case == "sp500" else 2_000,
        "scheduler": cluster.scheduler_address,
        "workers": None,
        "memory": "2GiB",
    }
    killed = cluster.workers[0].pid
    watch = kill_once_there(tmp_path / "both/.valid.parquet.parts/000004.arrow", killed)
    together = run(settings_of(case, there), tmp_path / "both")
    watch.join()
    assert {name: together[name] == alone[name] for name in WRITTEN} == dict.fromkeys(WRITTEN, True)
    with pytest.raises(ProcessLookupError):
        os.kill(killed, 0)
