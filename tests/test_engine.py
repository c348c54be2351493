import os
import signal
from functools import partial
from pathlib import Path

import pytest

from keepfit.arithmetic import ENVIRONMENT
from keepfit.computing import DaskEngine, PandasEngine
from keepfit.engine import start_engine
from keepfit.errors import EngineError, SettingsError
from tests.toys import toy_settings

PANDAS = PandasEngine(kind="pandas", rows=7)
DASK = DaskEngine(kind="dask", rows=7, scheduler=None, workers=2, memory="1GiB")


def square(number: int) -> int:
    return number * number


def where(_: int) -> int:
    return os.getpid()


def refuse(number: int) -> int:
    raise SettingsError(f"{number}: allowed: another")


def die_once(folder: Path, number: int) -> int:
    """The square of the number, by a worker that is killed the first time it is asked for the fourth."""
    marker = folder / "killed"
    if number == 4 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return square(number)


def test_in_this_process_results_come_in_the_order_of_the_parts_as_they_are_asked_for():
    taken = []
    with start_engine(PANDAS) as engine:
        found = engine.map(square, (taken.append(each) or each for each in range(5)))
        assert (next(found), next(found), taken) == (0, 1, [0, 1])
        assert list(found) == [4, 9, 16]
        assert engine.rows == 7


@pytest.mark.slow
def test_on_dask_they_come_from_two_other_processes_in_that_order_with_few_in_flight_and_one_may_be_killed(tmp_path):
    taken = []
    with start_engine(DASK) as engine:
        assert engine.rows == 7
        assert len({*engine.map(where, range(20))} - {os.getpid()}) == 2
        found = engine.map(partial(die_once, tmp_path), (taken.append(each) or each for each in range(40)))
        assert next(found) == 0
        assert len(taken) == 4
        assert list(found) == [number * number for number in range(1, 40)]
        assert (tmp_path / "killed").exists()
        with pytest.raises(SettingsError, match="1: allowed: another"):
            list(engine.map(refuse, [1, 2, 3]))


@pytest.mark.slow
def test_a_cluster_that_is_there_is_used_and_refused_where_it_would_compute_otherwise(monkeypatch):
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None, silence_logs="CRITICAL") as cluster:
        there = DASK.model_copy(update={"scheduler": cluster.scheduler_address})
        with start_engine(there) as engine:
            assert list(engine.map(square, [2, 3])) == [4, 9]
        monkeypatch.setitem(ENVIRONMENT, "OPENBLAS_CORETYPE", "Zen")
        with pytest.raises(EngineError, match=r"engine\.scheduler: the worker tcp.* OPENBLAS_CORETYPE='Zen'"):
            start_engine(there).__enter__()


def test_a_scheduler_that_is_not_there_is_refused_by_its_address():
    with pytest.raises(EngineError, match=r"engine\.scheduler: 'nonsense://here'"):
        start_engine(DASK.model_copy(update={"scheduler": "nonsense://here"})).__enter__()


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        ({"kind": "spark"}, r"engine\.kind: 'spark': allowed: 'pandas', 'dask'"),
        ({"kind": "pandas", "rows": 0}, r"engine\.(pandas\.)?rows: 0"),
        ({"kind": "pandas", "rows": 7, "workers": 2}, r"engine\.(pandas\.)?workers: unknown key"),
        ({**DASK.model_dump(), "memory": "much"}, r"engine\.(dask\.)?memory: 'much'"),
    ],
)
def test_an_engine_that_cannot_be_is_refused_by_its_key(engine, said):
    with pytest.raises(SettingsError, match=said):
        toy_settings(engine=engine)
